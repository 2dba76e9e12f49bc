"""Figures of who agrees with whom: the matrix, and the network beside it."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.coefficients import ALIKE, ALPHA
from prism_desktop.engine.analysis.network import Network
from prism_desktop.engine.analysis.plotting import (
    COLOURS,
    GREY,
    INK,
    NARROW,
    PALE,
    WIDE,
    above,
    beside,
    drawn,
    footnote,
    new_figure,
    style,
)
from prism_desktop.engine.analysis.predicted_agreement import PredictedAgreement
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH, TOO_FEW, too_few
from prism_desktop.engine.series_colours import scaled

Values = npt.NDArray[np.float64]

_AROUND_HALF = ("#c45500", "#f7f7f7", "#00539b")  # as the window's matrix
_OWN = "#f0f0f0"  # of the diagonal, which asks another question
# letters of a line beside a row and below a column, which is narrow: there a name has few lines
_BESIDE, _BELOW = 28, 40
_NUMBERED = 16  # labelers up to whom a cell has room for numbers
_NAMED = 60  # labelers beyond whom no name beside a row can be read
_LEGIBLE = 8  # labelers up to whom a cell has room for its interval


def agreement_figure(
    result: AgreementResult,
    names: Sequence[str] | None = None,
    title: str = "",
    linked: Network | None = None,
    colours: Mapping[str, str] | None = None,
    note: str = "",
    predicted: PredictedAgreement | None = None,
    scale: bool = False,
) -> Figure:
    """Agreement and counts in the cells; beside it the network, as the window has them.

    Self-agreement on the diagonal, blank where nothing is shared; orange below one half, blue
    above.

    Args:
        result: from `agreement`.
        names: what to call each labeler, in the result's order.
        title: above the whole.
        linked: the network to draw beside the matrix; None draws the matrix alone.
        colours: of the network's labelers, by code.
        note: below the figure, after what the cells are.
        predicted: what models say where nothing is shared, in the result's order; hatched.
        scale: whether the network's colours are those of accuracies, which need a key.
    """
    names = list(names or result.labelers)
    size, about = len(names), result.coefficient
    if not size:
        return _nothing("No labeler has answered yet.")
    side = max(size, 3)
    with style():
        told = names if size <= _NAMED else ()
        aside, below = _room(told, _BESIDE), _room(told, _BELOW)
        wide, high = min(WIDE, 34 + 11 * side + aside), min(WIDE, 28 + 10 * side + below)
        if linked is None:
            figure, axes = new_figure(
                wide, high, title, labels=[beside(name, _BESIDE) for name in names]
            )
        else:
            high = min(max(high, 80), 110)  # there is no more room beside the network
            figure = Figure(figsize=(WIDE / 25.4, high / 25.4), layout="constrained")
            axes, beside_it = figure.subplots(1, 2, width_ratios=(1.1, 1))
            _draw_network(
                beside_it, linked, dict(zip(result.labelers, names, strict=True)), colours or {}
            )
            least, links = about.number(linked.threshold), about.word
            beside_it.set_title(drawn(f"Links: {links} of at least {least}"), fontsize=7, y=-0.08)
            if scale:
                _accuracy_key(figure, beside_it)
        _matrix(figure, axes, result, names, predicted)
        footnote(
            figure, " ".join(filter(None, (_what_cells_are(result, linked is not None), note)))
        )
        if title and linked is not None:
            above(figure, title, WIDE, left=True)
    return figure


def _room(names: Sequence[str], letters: int) -> float:
    """How many mm long names need beyond those of short ones, on lines of so many letters."""
    lines = [line for name in names for line in beside(name, letters).split("\n")]
    return 1.1 * max(0, max(map(len, lines), default=0) - 10)


def _accuracy_key(figure: Figure, axes: Axes) -> None:
    """Which colour is which accuracy."""
    colours = ListedColormap([scaled(step / 255) for step in range(256)])
    scale = ScalarMappable(Normalize(0.5, 1), colours)
    bar = figure.colorbar(
        scale, ax=axes, orientation="horizontal", shrink=0.5, aspect=30, ticks=(0.5, 0.75, 1)
    )
    bar.ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    bar.set_label("Model accuracy")


def hatched(picture: Values, marked: npt.NDArray[np.bool_], fine: int) -> Values:
    """A picture of cells, so many dots by so many each, in which some cells are striped.

    Args:
        picture: (rows, columns, 4) colours of the cells.
        marked: (rows, columns) the cells of which every other diagonal is see-through.
        fine: dots of a cell's side, even.
    """
    made = picture.repeat(fine, 0).repeat(fine, 1)
    down, across = np.indices(made.shape[:2])
    band = 2 if fine < 12 else 6
    gap = ((down + across) % band >= band // 2) & marked.repeat(fine, 0).repeat(fine, 1)
    made[gap] = 0
    return made


def _foretold(axes: Axes, predicted: PredictedAgreement, colours: Colormap, numbers: bool) -> None:
    """Striped cells of what was not measured, their numbers in brackets."""
    matrix, about = predicted.matrix, predicted.coefficient
    size, marked = len(matrix), ~np.isnan(matrix)
    picture = np.where(marked[..., None], colours(np.where(marked, predicted.shares(), 0.0)), 0.0)
    fine = min(24, max(2, 2 * (600 // max(size, 1) // 2)))
    edges = (-0.5, size - 0.5, size - 0.5, -0.5)
    axes.imshow(hatched(picture, marked, fine), extent=edges, interpolation="nearest")
    for row, column in zip(*np.nonzero(marked), strict=True) if numbers else ():
        axes.annotate(
            drawn(f"({about.short(matrix[row, column])})"), (column, row), ha="center", va="center",
            fontsize=5.5, style="italic",
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip


def _matrix(
    figure: Figure,
    axes: Axes,
    result: AgreementResult,
    names: Sequence[str],
    predicted: PredictedAgreement | None,
) -> None:
    """The cells, their numbers and the scale, whose midpoint is chance."""
    size, about = len(names), result.coefficient
    colours = LinearSegmentedColormap.from_list("agreement", _AROUND_HALF).with_extremes(
        bad="white"
    )
    shares = result.on_shares().matrix
    between = np.where(np.eye(size, dtype=bool), np.nan, shares)  # as the window's
    known = ~np.isnan(between) & (result.counts > 0)
    few = known & (result.counts < ENOUGH)  # no colour of its own
    told = np.ma.masked_where(~known | few, between)
    cells = axes.imshow(told, cmap=colours, vmin=0.0, vmax=1.0)
    axes.imshow(np.ma.masked_where(~few, few.astype(float)), cmap=ListedColormap([PALE]))
    if predicted is not None and predicted.count:
        _foretold(axes, predicted, colours, size <= _NUMBERED)
    if size <= _NUMBERED:
        _numbers(axes, result)
    named = names if size <= _NAMED else ()
    axes.set_xticks(range(len(named)), [beside(name, _BELOW) for name in named])
    if max(map(len, names), default=0) > 3:
        for tick in axes.get_xticklabels():
            tick.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(named)), [beside(name, _BESIDE) for name in named])
    if size > _NUMBERED:  # or the names of neighbours run into each other
        axes.tick_params(labelsize=max(3.0, min(7.0, 200 / size)))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(cells, ax=axes, shrink=0.7, ticks=(0, 0.25, 0.5, 0.75, 1))
    zero = about.chance == 0  # of a scale from -1 to 1
    bar.ax.yaxis.set_major_formatter(
        lambda value, _: about.number(2 * value - 1 if zero else value)
    )
    alike = {
        "comparisons": "same answer to the same comparison",
        "ratings": "same order of rated images",
    }
    bar.set_label(beside(about.title if zero else f"Agreement ({alike[result.source]})"))


def network_figure(
    network: Network,
    names: Mapping[str, str] | None = None,
    title: str = "",
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Labelers as nodes, links as wide as the agreement is high above the threshold."""
    with style():
        said = title or f"Edges: agreement of at least {network.threshold:.0%}"
        figure, axes = new_figure(NARROW, NARROW, said)
        _draw_network(axes, network, names or {}, colours or {})
    return figure


def _draw_network(
    axes: Axes, network: Network, names: Mapping[str, str], colours: Mapping[str, str]
) -> None:
    """Links below, the labelers in their colours on top, names above them."""
    room = max(1.0 - network.threshold, 0.05)
    crowd = len(network.positions) > _NAMED
    thin = 0.3 if crowd else 1.0
    for link in network.links:
        (x0, y0), (x1, y1) = network.positions[link.labeler], network.positions[link.other]
        above = (link.agreement - network.threshold) / room
        axes.plot(
            [x0, x1],
            [y0, y1],
            color=GREY,
            lw=(0.6 if too_few(link.count) else 0.5 + 3 * above) * thin,
            ls=(0, (2, 2)) if too_few(link.count) else "-",
            alpha=0.35 + 0.5 * above,
            zorder=1,
        )
    for place, (code, (x, y)) in enumerate(network.positions.items()):
        colour = colours.get(code, COLOURS[place % len(COLOURS)])
        size, edge = (10, 0.3) if crowd else (36, 0.6)
        axes.scatter([x], [y], s=size, color=colour, edgecolor=INK, linewidth=edge, zorder=2)
        if crowd:
            continue
        axes.annotate(
            beside(names.get(code) or code),
            (x, y),
            (0, 5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            zorder=3,
            path_effects=[withStroke(linewidth=2, foreground="white")],  # over the links
        )
    axes.set_aspect("equal")
    axes.margins(0.12)
    axes.invert_yaxis()  # up is up, as in the window
    axes.axis("off")


def _what_cells_are(result: AgreementResult, linked: bool) -> str:
    """The numbers in words."""
    size = len(result.labelers)
    about = result.coefficient
    between = ", its 95% interval in brackets" if size <= _LEGIBLE else ""
    unit, what = (" in per cent", "agreement") if about is ALIKE else ("", about.word)
    counts = "faces that both rated" if about is ALPHA else "the shared answers"
    numbers = f"{unit}{between}, and n, {counts}" if size <= _NUMBERED else ""
    own = "" if about is ALPHA else "; on the diagonal, each labeler with themselves on repeats"
    chance = "" if about is ALIKE else " 0 is chance, 1 always alike."
    told = f"Cells: {what}{numbers}{own}.{chance} Blank: nothing shared."
    known = ~np.isnan(result.matrix) & (result.counts > 0)
    if size > _NAMED:
        told += f" {counted(size, 'labeler')}, too many for their names."
    if (known & (result.counts < ENOUGH)).any():
        told += f" Grey{' and broken lines' if linked else ''}: n under {ENOUGH}, {TOO_FEW}."
    return told


def _numbers(axes: Axes, result: AgreementResult) -> None:
    """Agreement, its interval and the count behind it in every cell that was measured.

    One of too few answers is grey, whatever they say.
    """
    size, about = len(result.labelers), result.coefficient
    for row in range(size):
        for column in range(size):
            value, count = result.matrix[row, column], int(result.counts[row, column])
            if np.isnan(value):
                continue
            few, own = too_few(count), row == column
            if few or own:
                ink = PALE if few else _OWN
                axes.add_patch(
                    Rectangle((column - 0.5, row - 0.5), 1, 1, fc=ink, ec="white", lw=0.8)
                )
            strong = abs(about.share(value) - 0.5) > 0.3
            colour = "white" if strong and not (few or own) else "black"
            lines = [about.short(value), f"n {count:d}"]
            if size <= _LEGIBLE:
                lines.insert(1, about.between(result.low[row, column], result.high[row, column]))
                lines[:2] = ["too few", " ".join(lines[:2])] if few else lines[:2]
            for line, text in enumerate(lines):
                axes.annotate(
                    drawn(text),
                    (column, row + (line - (len(lines) - 1) / 2) * 0.27),
                    ha="center",
                    va="center",
                    color=colour,
                    fontsize=4.5 if line else 5.5 if few else 7,
                )


def _nothing(why: str) -> Figure:
    with style():
        figure, axes = new_figure(NARROW, 30)
        axes.axis("off")
        axes.annotate(
            drawn(why), (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=GREY
        )
    return figure
