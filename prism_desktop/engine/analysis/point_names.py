"""Names of the points of a map in a figure, which give way to each other."""

from collections.abc import Sequence
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from prism_desktop.engine.analysis.label_places import label_places
from prism_desktop.engine.analysis.plotting import GREY, beside

_LETTERS: Final = 5.5  # pt
_RADIUS: Final = 2.5  # pt of a point
_GAP: Final = 1.5  # pt between a point and its name
_LENGTH: Final = 0.5  # pt for what is a pixel of a line in a window
_BEYOND: Final = 6.0  # pt by which a name may stand out of the axes
Floats = npt.NDArray[np.float64]


class PointNames(Artist):
    """They are placed when the figure is drawn, since only then its layout is known."""

    def __init__(self, axes: Axes, points: Floats, names: Sequence[str]) -> None:
        """Name (n, 2) points of the axes' data."""
        super().__init__()
        self._map = axes
        self.points = points
        self.names = [beside(name, 16) for name in names]
        self.set_zorder(3)
        self.set_in_layout(False)  # or the layout would depend on itself
        axes.add_artist(self)

    def texts(self, renderer: RendererBase) -> list[tuple[Text, Line2D | None]]:
        """What is drawn, each name with the line that leads to it."""
        figure, box = self._map.figure, self._map.get_window_extent(renderer)
        one = cast(float, renderer.points_to_pixels(1.0))
        beyond = _BEYOND * one
        made = [
            Text(
                text=name, fontsize=_LETTERS, figure=figure, va="bottom", linespacing=1.0,
                path_effects=[withStroke(linewidth=2, foreground="white")],
            )
            for name in self.names
        ]  # fmt: skip
        sizes = {}
        for row, text in enumerate(made):
            extent = text.get_window_extent(renderer)
            sizes[row] = float(extent.width), float(extent.height)
        at = self._map.transData.transform(self.points) - (box.x0 - beyond, box.y0 - beyond)
        room = float(box.width + 2 * beyond), float(box.height + 2 * beyond)
        at[:, 1] = room[1] - at[:, 1]  # y downwards
        radii = np.full(len(at), _RADIUS * one)
        found = label_places(at, radii, sizes, room, _GAP * one, above=True, scale=_LENGTH * one)
        drawn = []
        for row, place in found.items():
            left, low = box.x0 - beyond, box.y0 - beyond + room[1]
            made[row].set_position((left + place.left, low - place.top - sizes[row][1]))
            line = None
            if place.line is not None:
                x0, y0, x1, y1 = place.line
                line = Line2D((left + x0, left + x1), (low - y0, low - y1), lw=0.4, color=GREY)
                line.set_figure(figure)
            drawn.append((made[row], line))
        return drawn

    def draw(self, renderer: RendererBase) -> None:
        for text, line in self.texts(renderer):
            if line is not None:
                line.draw(renderer)
            text.draw(renderer)
