"""Figures of runs of the task writing: their curves, and people by what was learned of each."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from prism_desktop.engine.analysis.plotting import (
    GREY,
    INK,
    WIDE,
    above,
    drawn,
    footnote,
    style,
)
from prism_desktop.engine.analysis.point_names import PointNames
from prism_desktop.engine.analysis.taste_tests import VectorMap
from prism_desktop.engine.grammar import counted

_NAMED = 30  # people beyond whom no name can be read
_MANY = 2000  # pairs beyond which dots are faint
_DOT = "#00539b"
Floats = npt.NDArray[np.float64]


def nats_figure(curves: Mapping[str, Sequence[tuple[int, float, float]]]) -> Figure:
    """Nats per own token over epochs, training dashed.

    Args:
        curves: of each run (epoch, training, validation); a run that learns nothing has none.
    """
    with style():
        figure = Figure(figsize=(WIDE / 25.4, 92 / 25.4), layout="constrained")
        axes = figure.subplots()
        for place, (name, points) in enumerate(curves.items()):
            epochs, train, held = zip(*points, strict=True) if points else ((), (), ())
            ink = f"C{place}"
            axes.plot(epochs, held, color=ink, marker="o", ms=3, label=drawn(name))
            axes.plot(epochs, train, color=ink, ls=(0, (3, 2)))
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Nats per own token")
        axes.legend()
        footnote(figure, "Solid: validation, mean over people. Dashed: training, mean over tokens.")
    return figure


def people_figure(
    names: Sequence[str],
    plane: VectorMap,
    used: Sequence[bool],
    similarity: Floats,
    alike: Floats,
    notes: Sequence[str],
) -> Figure:
    """The map, and how alike two people write against how similar their vectors are.

    Args:
        names: what to call each.
        plane: where they lie.
        used: whose vector is used; the others are grey.
        similarity, alike: (people, people) of vectors and of texts.
        notes: sentences for the foot.
    """
    one, two = np.triu_indices(len(names), 1)
    with style():
        figure = Figure(figsize=(WIDE / 25.4, 92 / 25.4), layout="constrained")
        places, related = figure.subplots(1, 2)
        inks = [_DOT if own else GREY for own in used]
        places.scatter(*plane.places.T, s=14, c=inks, edgecolor=INK, linewidth=0.3, zorder=2)
        if len(names) <= _NAMED:
            PointNames(places, plane.places, names)
        places.set_aspect("equal", adjustable="datalim")
        places.margins(0.15)
        places.set_xticks([])
        places.set_yticks([])
        places.set_title("Map (PCA)", loc="left")
        places.set_xlabel(drawn(f"{100 * plane.shares[0]:.0f}% of the variance"))
        places.set_ylabel(drawn(f"{100 * plane.shares[1]:.0f}%"))
        many = len(one) > _MANY
        related.scatter(
            similarity[one, two], alike[one, two], s=8, color=INK, lw=0,
            alpha=0.15 if many else 0.5, rasterized=many,
        )  # fmt: skip
        related.set_title(drawn(counted(len(one), "pair of people", "pairs of people")), loc="left")
        related.set_xlabel("Similarity of vectors")
        related.set_ylabel("How alike held-out texts are")
        above(figure, drawn(f"Vectors of {counted(len(names), 'person')}"), WIDE, left=True)
        footnote(figure, *notes)
    return figure
