"""Figures of labelers' personal vectors: how similar, where they lie, and whether it means
anything."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from prism_desktop.engine.analysis.figures import labeler_ink
from prism_desktop.engine.analysis.plotting import (
    GREY,
    INK,
    WIDE,
    above,
    beside,
    drawn,
    footnote,
    style,
)
from prism_desktop.engine.analysis.point_names import PointNames
from prism_desktop.engine.analysis.vector_report import LISTED, VectorReport
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH
from prism_desktop.engine.series_colours import scaled

_AROUND_ZERO = ("#c45500", "#f7f7f7", "#00539b")  # as the agreement matrix
_NAMED = 30  # labelers beyond whom no name can be read


def drawn_taste(report: VectorReport, names: Mapping[str, str], everybody: Sequence[str]) -> Figure:
    """The figure with its title and, of few labelers, their own colours."""
    about = report.own.attribute or "all attributes"
    codes = report.own.labelers
    title = f"Vectors of {counted(len(codes), 'labeler')}, {about}"
    inks = {code: labeler_ink(everybody, code) for code in codes} if len(codes) <= LISTED else None
    return taste_figure(report, names, title, inks)


def taste_figure(
    report: VectorReport,
    names: Mapping[str, str],
    title: str = "",
    inks: Mapping[str, str] | None = None,
) -> Figure:
    """The similarity matrix, the map, and similarity against agreement on held-out faces.

    Args:
        report: from `vector_report`.
        names: what to call each labeler, by code.
        title: above the whole.
        inks: colours of the labelers in the map; accuracy without them.
    """
    codes = report.own.labelers
    called = [names.get(code, code) for code in codes]
    with style():
        figure = Figure(figsize=(WIDE / 25.4, 84 / 25.4), layout="constrained")
        matrix, plane, related = figure.subplots(1, 3, width_ratios=(1.1, 1, 1))
        _matrix(figure, matrix, report, called)
        _plane(plane, report, called, inks)
        _related(related, report)
        if title:
            above(figure, title, WIDE, left=True)
        footnote(figure, f"Vectors: {report.own.what}.", *report.told(names))
    return figure


def _matrix(figure: Figure, axes: Axes, report: VectorReport, names: Sequence[str]) -> None:
    order = report.order
    cells = report.similarity[np.ix_(order, order)].copy()
    np.fill_diagonal(cells, np.nan)
    colours = LinearSegmentedColormap.from_list("similarity", _AROUND_ZERO)
    shown = axes.imshow(np.ma.masked_invalid(cells), cmap=colours, vmin=-1, vmax=1)
    axes.set_title("Similarity", loc="left")
    told = [names[row] for row in order] if len(order) <= _NAMED else []
    axes.set_xticks(range(len(told)), [beside(name, 12) for name in told], rotation=90)
    axes.set_yticks(range(len(told)), [beside(name, 12) for name in told])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=max(3.5, min(6.5, 90 / max(len(order), 1))))
    figure.colorbar(shown, ax=axes, shrink=0.6, ticks=(-1, 0, 1), location="bottom", aspect=25)


def _plane(
    axes: Axes, report: VectorReport, names: Sequence[str], inks: Mapping[str, str] | None
) -> None:
    """The map, both axes to one scale."""
    if len(names) <= _NAMED:
        PointNames(axes, report.plane.places, names)
    for code, (x, y) in zip(report.own.labelers, report.plane.places, strict=True):
        ink = (inks or {}).get(code) or _accuracy_ink(report, code)
        axes.scatter([x], [y], s=14, color=ink, edgecolor=INK, linewidth=0.3, zorder=2)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.15)
    axes.set_xticks([])
    axes.set_yticks([])
    one, two = report.plane.shares
    axes.set_title("Map (PCA)", loc="left")
    axes.set_xlabel(drawn(f"{100 * one:.0f}% of the variance"))
    axes.set_ylabel(drawn(f"{100 * two:.0f}%"))


def _accuracy_ink(report: VectorReport, code: str) -> str:
    row = report.accuracy.get(code)
    if row is None or row.accuracy is None or (row.n or 0) < ENOUGH:
        return GREY
    return scaled(2 * row.accuracy - 1)


def _related(axes: Axes, report: VectorReport) -> None:
    """A dot for each two labelers, as large as they share many answers."""
    pairs = report.frame().dropna()
    size = np.clip(pairs["count"].to_numpy(np.float64) / ENOUGH, 0.15, 1) * 10
    few = len(pairs) > 2000
    axes.scatter(
        pairs["similarity"], 100 * pairs["held_out_agreement"], s=size, color=INK, lw=0,
        alpha=0.15 if few else 0.5, rasterized=few,
    )  # fmt: skip
    axes.axhline(50, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
    axes.set_title(drawn(counted(len(pairs), "pair of labelers")), loc="left")
    axes.set_xlabel("Similarity of vectors")
    axes.set_ylabel("Agreement on held-out faces (%)")
