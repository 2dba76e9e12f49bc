"""Figures for papers: what the window shows, drawn by matplotlib from plain records.

Each function returns a figure; `plotting.save_figure` writes it as SVG, PDF or PNG.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prism_desktop.engine.analysis.agreement_figures import agreement_figure, network_figure
from prism_desktop.engine.analysis.plotting import (
    COLOURS,
    GREY,
    INK,
    INTERVALS,
    JUDGMENTS,
    NARROW,
    PALE,
    WIDE,
    above,
    beside,
    drawn,
    entry,
    footnote,
    new_figure,
    row_height,
    share_axis,
    style,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import TOO_FEW, WHY_TOO_FEW, too_few
from prism_desktop.engine.runs.result_files import Accuracy, Result
from prism_desktop.engine.series_colours import labeler_place

if TYPE_CHECKING:
    from PIL import Image

    from prism_desktop.engine.analysis.mean_relevance import MeanRelevance
    from prism_desktop.engine.analysis.relevance_map import Relevance

__all__ = ["agreement_figure", "network_figure"]
_HALF = 60  # letters of a line along a narrow figure, or in one of two columns of a legend


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


def _told(row: AccuracyLine) -> str:
    """A row's n, and whether that is too little to tell."""
    n = f"n {row.n:,}" if row.n else ""
    few = TOO_FEW if row.n and too_few(row.n) else ""
    told = ", ".join(filter(None, (few, n)))
    return f"({told})" if told else ""


def accuracy_figure(rows: Sequence[AccuracyLine], title: str = "") -> Figure:
    """Consensus to method as a dumbbell per labeler, with
    95% intervals, chance and the ceiling as a tick."""
    with style():
        labels = [beside(row.name, told=_told(row)) for row in rows]
        figure, axes = new_figure(
            NARROW, 28 + row_height(labels, 7) * max(len(rows), 1), title, 12, labels
        )
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
        axes.set_yticks(range(len(rows)), [beside(row.name, told=_told(row)) for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        share_axis(axes, "x")
        axes.set_xlabel("Accuracy on held-out answers (%)")
        _legend(
            axes,
            any(row.consensus is not None for row in rows),
            any(row.ceiling is not None for row in rows),
        )
        few = WHY_TOO_FEW if any(row.n and too_few(row.n) for row in rows) else ""
        footnote(figure, few, INTERVALS, "n: held-out answers.", "Mean: over labelers.")
    return figure


def scatter_figure(
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    names: tuple[str, str],
    title: str = "",
    unit: str = "predicted score",
    note: str = "",
    lit: npt.NDArray[np.bool_] | None = None,
) -> Figure:
    """Two labelers' predictions of the same images against each other, with the line of equality.

    Args:
        x, y: (images,) of the first and the second labeler.
        names: what to call them.
        title: above the axes.
        unit: of both.
        note: what the numbers of the title are.
        lit: (images,) which stand out; None: all.
    """
    with style():
        figure, axes = new_figure(NARROW, NARROW, title)
        inks: Any = COLOURS[0]
        if lit is not None:  # those that stand out are drawn over the others
            order = np.argsort(lit, kind="stable")
            x, y = np.asarray(x)[order], np.asarray(y)[order]
            inks = [COLOURS[0] if each else GREY for each in lit[order]]
        many = len(x) > 2000
        axes.scatter(
            x,
            y,
            s=4 if many else 9,
            alpha=0.3 if many else 0.6,
            color=inks,
            lw=0,
            rasterized=many,
        )
        both = np.concatenate([np.asarray(x), np.asarray(y)])
        both = both[np.isfinite(both)]
        if len(both):
            ends = [float(both.min()), float(both.max())]
            axes.plot(ends, ends, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        axes.set_aspect("equal", adjustable="datalim")
        _marginals(axes, np.asarray(x), np.asarray(y))
        axes.set_xlabel(beside(f"{names[0]}, {unit}", _HALF))
        axes.set_ylabel(beside(f"{names[1]}, {unit}", _HALF))
        footnote(figure, note or f"{counted(len(x), 'face')}.", JUDGMENTS)
    return figure


def _marginals(
    axes: Axes, x: npt.NDArray[Any], y: npt.NDArray[Any], bins: int = 30, share: float = 0.1
) -> None:
    """How each side's values are spread, at the far edges of the axes."""
    for values, where in ((x, "top"), (y, "right")):
        values = values[np.isfinite(values)]
        if len(values) < 2:
            continue
        counts, edges = np.histogram(values, bins)
        high = share * counts / max(1, counts.max())
        width = np.diff(edges)
        if where == "top":
            axes.bar(
                edges[:-1], -high, width, 1, align="edge", color=PALE,
                transform=axes.get_xaxis_transform(), zorder=0,
            )  # fmt: skip
        else:
            axes.barh(
                edges[:-1], -high, width, 1, align="edge", color=PALE,
                transform=axes.get_yaxis_transform(), zorder=0,
            )  # fmt: skip


def run_figure(runs: Mapping[str, pd.DataFrame], note: str = "") -> Figure:
    """Learning curves of runs, the loss beside the accuracy: validation (macro where known) drawn
    through, training dashed, the best epoch marked. A run that was fitted in one go has one value,
    which is drawn as a line across.

    Args:
        runs: name -> `RunFolder.metrics()`.
        note: what they were validated on.
    """
    with style():
        names = [entry(name, wide=_HALF) for name in runs]
        high = 62 + row_height(names, 0) * (1 + len(names) // 2)
        figure = Figure(figsize=(WIDE / 25.4, high / 25.4), layout="constrained")
        loss, accuracy = figure.subplots(1, 2)
        _curves(loss, runs, "nll")
        _curves(accuracy, runs, "accuracy")
        if runs:
            figure.legend(
                *accuracy.get_legend_handles_labels(),
                loc="outside upper center",
                ncols=2,
                title="validation; training dashed",
                title_fontsize=6,
            )
        footnote(figure, "Rings: the best epoch, whose weights are kept.", note)
    return figure


def has_curves(metrics: pd.DataFrame) -> bool:
    """Whether a run has more than one epoch, so that there is a curve to draw."""
    return len(_curve(metrics, "val", "accuracy")) > 1


def relevance_figure(found: "Relevance", title: str = "") -> Figure:
    """An image, the same with its relevance map, and the map's verdict below; of a pair both images
    with their maps, on one scale. A map that its test does not support is faint.

    Args:
        found: with its images.
        title: what it is of.
    """
    from prism_desktop.engine.analysis.map_scale import MapScale
    from prism_desktop.engine.analysis.overlay import FAINT, OPACITY, render_overlay

    scale = MapScale.of(found.grids)

    def overlay(each: "Relevance") -> "Image.Image":
        assert each.image is not None
        failed = each.tests is not None and not each.tests.passes[0]
        opacity = OPACITY * (FAINT if failed else 1)
        return render_overlay(each.image, each.grid, opacity, each.area, scale)

    left = found.image if found.other is None else overlay(found)
    right = overlay(found if found.other is None else found.other)
    with style():
        figure = Figure(figsize=(WIDE / 25.4, 0.56 * WIDE / 25.4), layout="constrained")
        for axes, picture in zip(figure.subplots(1, 2), (left, right), strict=True):
            axes.imshow(np.asarray(picture))
            axes.axis("off")
        if title:
            above(figure, title, WIDE)
        footnote(figure, f"{found.verdict()} {found.attention_told()}", JUDGMENTS)
    return figure


def mean_relevance_figure(found: "MeanRelevance", who: str, other: str = "") -> Figure:
    """The mean of the faces, the same with the mean map, the regions, and what was tested.

    Args:
        found: maps of many faces.
        who: the labeler's name.
        other: that of whom they are compared with.
    """
    from PIL import Image

    from prism_desktop.engine.analysis.map_scale import MapScale
    from prism_desktop.engine.analysis.overlay import FAINT, OPACITY, Area, render_overlay

    face = Image.fromarray(found.picture).resize((512, 512), Image.Resampling.BICUBIC)
    opacity = OPACITY * (1 if found.supported else FAINT)
    grids = [found.grid] if found.more is None else [found.grid, found.more]
    scale = MapScale.of(grids)
    maps = [face, *(render_overlay(face, grid, opacity, Area(), scale) for grid in grids)]
    with style():
        figure = Figure(figsize=(WIDE / 25.4, 0.62 * WIDE / 25.4), layout="constrained")
        *places, bars = figure.subplots(1, len(maps) + 1)
        heads = ("mean of the faces", "mean map", f"more than {other}")
        for axes, picture, head in zip(places, maps, heads, strict=False):
            axes.imshow(np.asarray(picture))
            axes.set_title(drawn(head))
            axes.axis("off")
        _region_bars(bars, found)
        above(figure, f"{who}, {found.attribute}: {str(found.kind).replace('-', ' ')}", WIDE)
        told = [found.answer(who), found.compared(who, other), *found.doubts(who)]
        footnote(figure, " ".join(filter(None, told)), JUDGMENTS)
    return figure


def _region_bars(axes: Axes, found: "MeanRelevance") -> None:
    """Mass of each region with its interval, and a tick where its area is."""
    shown = list(reversed(found.regions))
    place = np.arange(len(shown))
    mass = np.array([each.mass for each in shown])
    reach = np.array([[each.mass - each.low, each.high - each.mass] for each in shown]).T
    axes.barh(place, mass, color=[COLOURS[0] if each.stands_out else PALE for each in shown])
    axes.errorbar(mass, place, xerr=reach.clip(0), fmt="none", ecolor=INK, linewidth=0.8)
    axes.plot([each.area for each in shown], place, "|", color=INK, markersize=7)
    axes.set_yticks(place, [drawn(each.region) for each in shown])
    axes.set_xlabel("share of mass; tick: of area")


_NAMED = 24  # labelers of a strip plot that are named


def predictions_figure(
    groups: Mapping[str, Sequence[tuple[str, float]]],
    consensus: Mapping[str, float] | None = None,
    title: str = "",
    colours: Mapping[str, str] | None = None,
    few: Collection[str] = (),
    note: str = "",
    ends: Mapping[tuple[str, str], tuple[float, float]] | None = None,
) -> Figure:
    """Where each labeler's model puts one face among all faces, attribute by attribute. More
    labelers than can be named stand in the order of their dots, in grey.

    Args:
        groups: attribute -> (labeler's name, share of faces that score lower); NaN where nothing
            was predicted.
        consensus: attribute -> the consensus model's share.
        title: above the axes.
        colours: of the labelers, by name; in turn without them.
        few: names of those whose model was tested on too few answers to tell.
        note: what the models are worth.
        ends: 95 % interval of a share, by attribute and labeler's name, where it is known.
    """
    told = ["Grey marks: consensus." if consensus else "", note]
    told.append(INTERVALS if ends else "")
    if any(len(rows) > _NAMED for rows in groups.values()):
        return _many_predictions(groups, consensus or {}, title, ends or {}, told)
    lines = [(group, name, share) for group, rows in groups.items() for name, share in rows]
    with style():
        named = [
            (f"{group}: {name}", 40, f"({TOO_FEW})" if name in few else "")
            for group, name, _ in lines
        ]
        labels = [beside(*each) for each in named]
        figure, axes = new_figure(
            NARROW, 24 + row_height(labels, 4.5) * max(len(lines), 1), title, labels=labels
        )
        order = {
            name: number for number, name in enumerate(dict.fromkeys(name for _, name, _ in lines))
        }
        inks = colours or {}
        for place, (group, name, share) in enumerate(lines):
            axes.axhline(place, color=PALE, lw=0.5, zorder=0)
            ink = inks.get(name, COLOURS[order[name] % 8])
            if ends and (group, name) in ends:
                axes.plot(ends[group, name], [place, place], color=ink, lw=1.2, alpha=0.5)
            axes.plot([share], [place], "o", ms=4, color=ink, mfc="white" if name in few else ink)
            if consensus and group in consensus:
                axes.plot([consensus[group]], [place], "|", ms=7, color=GREY)
        axes.set_yticks(range(len(lines)), [beside(*each) for each in named])
        axes.set_ylim(len(lines) - 0.4, -0.6)
        _lower_faces(axes)
        footnote(figure, *told, JUDGMENTS)
    return figure


def _lower_faces(axes: Axes) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.set_xlabel("Faces that score lower")


def _many_predictions(
    groups: Mapping[str, Sequence[tuple[str, float]]],
    consensus: Mapping[str, float],
    title: str,
    ends: Mapping[tuple[str, str], tuple[float, float]],
    told: Sequence[str],
) -> Figure:
    """A thin row for each labeler, the highest first, under the name of the attribute."""
    rows = sum(map(len, groups.values())) + 6 * len(groups)
    with style():
        figure, axes = new_figure(NARROW, min(230.0, 24 + 0.8 * rows), title)
        place, names = 0, {}
        for group, shares in groups.items():
            names[place + len(shares) / 2] = beside(f"{group}, {counted(len(shares), 'labeler')}")
            first = place
            for name, share in sorted(shares, key=lambda row: -row[1] if row[1] == row[1] else 1):
                if (group, name) in ends:
                    axes.plot(ends[group, name], [place, place], color=PALE, lw=1)
                axes.plot([share], [place], "o", ms=1.6, color=INK)
                place += 1
            if group in consensus:
                axes.plot([consensus[group]] * 2, [first, place - 1], color=GREY, lw=1)
            place += 6
        axes.set_yticks(
            list(names), [drawn(name) for name in names.values()], rotation=90, va="center"
        )
        axes.set_ylim(place - 5, -1)
        _lower_faces(axes)
        footnote(figure, *told, "Each dot: a labeler's model.", JUDGMENTS)
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
    axes.plot([], [], "o", ms=4, color=INK, label="personal, 95% interval")
    if consensus:
        axes.plot([], [], "o", ms=4, mfc="white", color=GREY, label="consensus")
    if ceiling:
        axes.plot([], [], "|", ms=6, color=INK, label="ceiling")
    axes.figure.legend(loc="outside upper center", ncols=3, handletextpad=0.4, columnspacing=1.2)


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
            axes.plot(val["epoch"], val[measure], color=colour, label=entry(name, wide=_HALF))
            best = val.sort_values("nll", kind="stable").head(1)  # as the training chose it
            axes.plot(best["epoch"], best[measure], "o", ms=3.5, mfc="white", color=colour)
        elif len(val):
            axes.axhline(val[measure].iloc[0], color=colour, ls=":", label=entry(name, wide=_HALF))
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
