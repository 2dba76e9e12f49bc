"""Figures for papers: what the window shows, drawn by matplotlib from plain records.

Each function returns a figure; `plotting.save_figure` writes it as SVG, PDF or PNG.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.analysis.network import Network
from prism_desktop.engine.analysis.plotting import (
    COLOURS,
    GREY,
    INK,
    NARROW,
    PALE,
    WIDE,
    beside,
    drawn,
    entry,
    new_figure,
    share_axis,
    style,
)
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.engine.runs.result_files import Accuracy, Result
from prism_desktop.engine.series_colours import labeler_place

if TYPE_CHECKING:
    from PIL import Image

    from prism_desktop.engine.analysis.overlay import Area

_NOTE = 500  # characters
_AROUND_HALF = ("#c45500", "#f7f7f7", "#00539b")  # as the window's matrix
_CAPTION = "Judgments of faces say something about the labeler, not about the person shown."


@dataclass(frozen=True, slots=True)
class AccuracyLine:
    """One line of the accuracy figure; shares in [0, 1]."""

    name: str
    accuracy: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    consensus: float | None = None
    ceiling: float | None = None
    strong: bool = False  # the mean over the others
    colour: str = COLOURS[0]  # the labeler's, INK of the mean


def accuracy_rows(
    test: Result, consensus: Result | None, names: Mapping[str, str] | None = None
) -> list[AccuracyLine]:
    """The rows of a run's results: the mean over labelers, then every labeler."""
    other, everybody = consensus or Result(), tuple(names or test.per_labeler)
    rows = [_row("Mean", test.macro, other.macro, None, INK, strong=True)]
    for code, values in test.per_labeler.items():
        theirs = other.per_labeler.get(code) or Accuracy()
        name, colour = (names or {}).get(code) or code, labeler_ink(everybody, code)
        rows.append(_row(name, values, theirs, values.ceiling, colour))
    return [row for row in rows if row is not None]


def labeler_ink(everybody: Sequence[str], code: str) -> str:
    """A labeler's colour in figures, that of the light theme; see `labeler_place`."""
    return COLOURS[labeler_place(everybody, code) % len(COLOURS)]


def _heading(row: AccuracyLine) -> str:
    """A row's name, its n, and whether that is too little to tell."""
    n = f"n {row.n:,}" if row.n else ""
    few = TOO_FEW if row.n and too_few(row.n) else ""
    told = ", ".join(filter(None, (few, n)))
    return f"{beside(row.name, max(12, 26 - len(told)))}  ({told})" if told else beside(row.name)


def accuracy_figure(rows: Sequence[AccuracyLine], title: str = "") -> Figure:
    """Consensus to method as a dumbbell per labeler, with
    95 % intervals, chance and the ceiling as a tick."""
    with style():
        figure, axes = new_figure(NARROW, 28 + 7 * max(len(rows), 1))
        for place, row in enumerate(rows):
            _dumbbell(axes, place, row)
        axes.axvline(0.5, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        axes.annotate(
            "chance",
            (0.5, 1),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            color=GREY,
        )
        axes.set_yticks(
            range(len(rows)),
            [beside(_heading(row), 48) for row in rows],
        )
        axes.set_ylim(len(rows) - 0.4, -0.6)
        share_axis(axes, "x")
        axes.set_xlabel("Accuracy on held-out answers (%)")
        _legend(
            axes,
            any(row.consensus is not None for row in rows),
            any(row.ceiling is not None for row in rows),
        )
        if title:
            axes.set_title(drawn(title), loc="left", pad=12)
    return figure


def agreement_figure(
    result: AgreementResult,
    names: Sequence[str] | None = None,
    title: str = "",
    linked: Network | None = None,
    colours: Mapping[str, str] | None = None,
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
    """
    names = list(names or result.labelers)
    size = len(names)
    if not size:
        return _nothing("No labeler has answered yet.")
    side = max(size, 3)
    with style():
        wide, high = min(WIDE, 34 + 11 * side), min(WIDE, 28 + 10 * side)
        if linked is None:
            figure, axes = new_figure(wide, high)
        else:
            figure = Figure(figsize=(WIDE / 25.4, max(high, 80) / 25.4), layout="constrained")
            axes, beside_it = figure.subplots(1, 2, width_ratios=(1.1, 1))
            _draw_network(
                beside_it, linked, dict(zip(result.labelers, names, strict=True)), colours or {}
            )
            least = f"{100 * linked.threshold:.0f} %"
            beside_it.set_title(drawn(f"Links: agreement of at least {least}"), loc="left")
        _matrix(figure, axes, result, names)
        if title:
            (axes.set_title if linked is None else figure.suptitle)(
                drawn(title, _NOTE), **({"loc": "left"} if linked is None else {"fontsize": 8})
            )
    return figure


def _matrix(figure: Figure, axes: Axes, result: AgreementResult, names: Sequence[str]) -> None:
    """The cells, their numbers and the scale, whose midpoint is one half."""
    size = len(names)
    colours = LinearSegmentedColormap.from_list("agreement", _AROUND_HALF).with_extremes(
        bad="white"
    )
    cells = axes.imshow(np.ma.masked_invalid(result.matrix), cmap=colours, vmin=0.0, vmax=1.0)
    if size <= 16:
        _numbers(axes, result)
    axes.set_xticks(
        range(size),
        [beside(name) for name in names],
        rotation=45 if max(map(len, names), default=0) > 3 else 0,
    )
    axes.set_yticks(range(size), [beside(name) for name in names])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(cells, ax=axes, shrink=0.7, ticks=(0, 0.25, 0.5, 0.75, 1))
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    of = (
        "same answer to the same comparison"
        if result.source == "comparisons"
        else "same order of rated images"
    )
    bar.set_label(drawn(f"Agreement ({of})"))


def network_figure(
    network: Network,
    names: Mapping[str, str] | None = None,
    title: str = "",
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Labelers as nodes, links as wide as the agreement is high above the threshold."""
    with style():
        figure, axes = new_figure(NARROW, NARROW)
        _draw_network(axes, network, names or {}, colours or {})
        axes.set_title(
            drawn(title) or f"Edges: agreement of at least {network.threshold:.0%}", loc="left"
        )
    return figure


def _draw_network(
    axes: Axes, network: Network, names: Mapping[str, str], colours: Mapping[str, str]
) -> None:
    """Links below, the labelers in their colours on top, names above them."""
    room = max(1.0 - network.threshold, 0.05)
    for link in network.links:
        (x0, y0), (x1, y1) = network.positions[link.labeler], network.positions[link.other]
        above = (link.agreement - network.threshold) / room
        axes.plot(
            [x0, x1],
            [y0, y1],
            color=GREY,
            lw=0.5 + 3 * above,
            alpha=0.35 + 0.5 * above,
            zorder=1,
        )
    for place, (code, (x, y)) in enumerate(network.positions.items()):
        colour = colours.get(code, COLOURS[place % len(COLOURS)])
        axes.scatter([x], [y], s=36, color=colour, edgecolor=INK, linewidth=0.6, zorder=2)
        axes.annotate(
            beside(names.get(code) or code),
            (x, y),
            (0, 5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            zorder=3,
        )
    axes.set_aspect("equal")
    axes.margins(0.12)
    axes.axis("off")


def scatter_figure(
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    names: tuple[str, str],
    title: str = "",
    unit: str = "predicted score",
) -> Figure:
    """Two labelers' predictions of the same images against each other, with the line of equality.

    Args:
        x, y: (images,) of the first and the second labeler.
        names: what to call them.
        title: above the axes.
        unit: of both.
    """
    with style():
        figure, axes = new_figure(NARROW, NARROW)
        many = len(x) > 2000
        axes.scatter(
            x,
            y,
            s=4 if many else 9,
            alpha=0.3 if many else 0.6,
            color=COLOURS[0],
            lw=0,
            rasterized=many,
        )
        both = np.concatenate([np.asarray(x), np.asarray(y)])
        both = both[np.isfinite(both)]
        if len(both):
            ends = [float(both.min()), float(both.max())]
            axes.plot(ends, ends, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(f"{beside(names[0])}, {beside(unit)}")
        axes.set_ylabel(f"{beside(names[1])}, {beside(unit)}")
        if title:
            axes.set_title(drawn(title), loc="left")
        figure.supxlabel(_CAPTION, fontsize=5, color=GREY)
    return figure


def curves_figure(
    runs: Mapping[str, pd.DataFrame], measure: str = "accuracy", title: str = ""
) -> Figure:
    """Learning curves of runs, validation (macro where known)
    drawn through, training dashed, best epoch marked.

    A run that was fitted in one go has one value, which is drawn as a line across.

    Args:
        runs: name -> `RunFolder.metrics()`.
        measure: "accuracy", "nll" or "loss".
        title: above the axes.
    """
    with style():
        figure, axes = new_figure(NARROW, 62)
        _curves(axes, runs, measure)
        if title:
            axes.set_title(drawn(title), loc="left")
    return figure


def run_figure(runs: Mapping[str, pd.DataFrame]) -> Figure:
    """The loss and the accuracy of runs side by side, as `curves_figure` draws each."""
    with style():
        figure = Figure(figsize=(WIDE / 25.4, 62 / 25.4), layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        _curves(loss, runs, "nll")
        _curves(accuracy, runs, "accuracy")
        if (legend := loss.get_legend()) is not None:
            legend.remove()
    return figure


def has_curves(metrics: pd.DataFrame) -> bool:
    """Whether a run has more than one epoch, so that there is a curve to draw."""
    return len(_curve(metrics, "val", "accuracy")) > 1


def relevance_figure(
    image: "Image.Image",
    grid: npt.NDArray[np.float32],
    title: str = "",
    note: str = "",
    area: "Area | None" = None,
) -> Figure:
    """An image, the same with its relevance map, and the map's verdict below."""
    from prism_desktop.engine.analysis.overlay import render_overlay

    with style():
        figure = Figure(figsize=(WIDE / 25.4, 0.56 * WIDE / 25.4), layout="constrained")
        for axes, picture in zip(
            figure.subplots(1, 2), (image, render_overlay(image, grid, 0.6, area)), strict=True
        ):
            axes.imshow(np.asarray(picture))
            axes.axis("off")
        if title:
            figure.suptitle(drawn(title), fontsize=8)
        figure.supxlabel(
            drawn(note, _NOTE) or _CAPTION, fontsize=6, color=INK if note else GREY, wrap=True
        )
    return figure


def predictions_figure(
    groups: Mapping[str, Sequence[tuple[str, float]]],
    consensus: Mapping[str, float] | None = None,
    title: str = "",
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Where each labeler's model puts one face among all faces, attribute by attribute.

    Args:
        groups: attribute -> (labeler's name, share of faces that score lower); NaN where nothing
            was predicted.
        consensus: attribute -> the consensus model's share.
        title: above the axes.
        colours: of the labelers, by name; in turn without them.
    """
    lines = [(group, name, share) for group, rows in groups.items() for name, share in rows]
    with style():
        figure, axes = new_figure(NARROW, 24 + 4.5 * max(len(lines), 1))
        order = {
            name: number for number, name in enumerate(dict.fromkeys(name for _, name, _ in lines))
        }
        inks = colours or {}
        for place, (group, name, share) in enumerate(lines):
            axes.axhline(place, color=PALE, lw=0.5, zorder=0)
            axes.plot([share], [place], "o", ms=4, color=inks.get(name, COLOURS[order[name] % 8]))
            if consensus and group in consensus:
                axes.plot([consensus[group]], [place], "|", ms=7, color=GREY)
        axes.set_yticks(
            range(len(lines)), [beside(f"{group}: {name}", 40) for group, name, _ in lines]
        )
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_xlabel("Faces that score lower" + (" (grey: consensus)" if consensus else ""))
        if title:
            axes.set_title(drawn(title), loc="left")
        figure.supxlabel(_CAPTION, fontsize=5, color=GREY)
    return figure


def _nothing(why: str) -> Figure:
    with style():
        figure, axes = new_figure(NARROW, 30)
        axes.axis("off")
        axes.annotate(
            drawn(why), (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=GREY
        )
    return figure


def _row(
    name: str,
    values: Accuracy,
    consensus: Accuracy,
    ceiling: float | None,
    colour: str,
    strong: bool = False,
) -> AccuracyLine | None:
    """None where nothing was tested."""
    if values.accuracy is None:
        return None
    accuracy, low, high = values.accuracy, values.low, values.high
    return AccuracyLine(
        name, accuracy, low, high, values.n or 0, consensus.accuracy, ceiling, strong, colour
    )


def _dumbbell(axes: Axes, place: int, row: AccuracyLine) -> None:
    """One row: interval, line to the consensus, accuracy, ceiling."""
    if row.low is not None and row.high is not None:
        axes.plot(
            [row.low, row.high],
            [place, place],
            color=row.colour,
            lw=3.5,
            alpha=0.25,
            solid_capstyle="butt",
        )
    if row.consensus is not None:
        axes.plot([row.consensus, row.accuracy], [place, place], color=GREY, lw=0.8)
        axes.plot([row.consensus], [place], "o", ms=4, mfc="white", color=GREY)
    axes.plot([row.accuracy], [place], "D" if row.strong else "o", ms=5, color=row.colour)
    if row.ceiling is not None:
        axes.plot([row.ceiling] * 2, [place - 0.3, place + 0.3], color=INK, lw=1.2)


def _legend(axes: Axes, consensus: bool, ceiling: bool) -> None:
    axes.plot([], [], "o", ms=4, color=INK, label="personal, 95 % interval")
    if consensus:
        axes.plot([], [], "o", ms=4, mfc="white", color=GREY, label="consensus")
    if ceiling:
        axes.plot([], [], "|", ms=6, color=INK, label="ceiling")
    axes.figure.legend(loc="outside lower center", ncols=3, handletextpad=0.4, columnspacing=1.2)


def _numbers(axes: Axes, result: AgreementResult) -> None:
    """Agreement and the count behind it in every cell that was measured."""
    for row in range(len(result.labelers)):
        for column in range(len(result.labelers)):
            value, count = result.matrix[row, column], int(result.counts[row, column])
            if np.isnan(value):
                continue
            colour = "white" if abs(value - 0.5) > 0.3 else "black"
            axes.annotate(
                f"{100 * value:.0f}", (column, row - 0.12), ha="center", va="center", color=colour
            )
            axes.annotate(
                f"n {count:d}",
                (column, row + 0.26),
                ha="center",
                va="center",
                color=colour,
                fontsize=4.5,
            )


def _curve(metrics: pd.DataFrame, split: str, measure: str) -> pd.DataFrame:
    """epoch and measure of all labelers together, macro where it was recorded."""
    rows = metrics[
        (metrics["split"] == split) & (metrics["attribute"] == "") & metrics[measure].notna()
    ]
    macro = rows[rows["labeler"] == "(macro)"]
    return (macro if len(macro) else rows[rows["labeler"] == ""]).sort_values("epoch")


def _curves(axes: Axes, runs: Mapping[str, pd.DataFrame], measure: str) -> None:
    """Each run in a colour of its own; the axes show whole epochs and values that can be."""
    for number, (name, metrics) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        train, val = _curve(metrics, "train", measure), _curve(metrics, "val", measure)
        if len(val) > 1:
            axes.plot(
                train["epoch"], train[measure], color=colour, lw=0.8, ls=(0, (3, 2)), alpha=0.7
            )
            axes.plot(val["epoch"], val[measure], color=colour, label=entry(name))
            best = val.sort_values("nll", kind="stable").head(1)  # as the training chose it
            axes.plot(best["epoch"], best[measure], "o", ms=3.5, mfc="white", color=colour)
        elif len(val):
            axes.axhline(val[measure].iloc[0], color=colour, ls=":", label=entry(name))
    if any(has_curves(metrics) for metrics in runs.values()):
        axes.set_xlabel("Epoch")
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_xticks([])
    axes.set_ylabel(
        beside({"accuracy": "Accuracy", "nll": "NLL (nats)"}.get(measure, measure.capitalize()))
    )
    if measure == "accuracy":
        share_axis(axes, "y")
    elif axes.has_data() and axes.dataLim.y0 >= 0:  # no loss is below 0
        axes.set_ylim(bottom=max(0.0, axes.get_ylim()[0]))
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="best", title="validation; training dashed", title_fontsize=6)
