"""Accuracy of each labeler's model against the labeler's own ceiling."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from prism_desktop.engine.analysis.plotting import (
    GREY,
    NARROW,
    beside,
    footnote,
    new_figure,
    share_axis,
    style,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import TOO_FEW, WHY_TOO_FEW, too_few
from prism_desktop.engine.runs.result_files import Accuracy

_NAMED = 30  # labelers beyond whom no name can be read


def ceiling_figure(
    rows: Mapping[str, Accuracy], colours: Mapping[str, str], title: str = ""
) -> Figure:
    """A dot for each labeler whose ceiling is known, with the 95% intervals of both.

    Args:
        rows: by name.
        colours: by name.
        title: above the axes.
    """
    known = {n: r for n, r in rows.items() if r.accuracy is not None and r.ceiling is not None}
    with style():
        figure, axes = new_figure(NARROW, NARROW, title)
        for name, row in known.items():
            few = too_few(row.n)
            ink = GREY if few else colours.get(name, GREY)
            x, y = row.ceiling or 0.0, row.accuracy or 0.0
            if row.ceiling_low is not None and row.ceiling_high is not None:
                axes.plot([row.ceiling_low, row.ceiling_high], [y, y], color=ink, lw=0.8, alpha=0.6)
            if row.low is not None and row.high is not None:
                axes.plot([x, x], [row.low, row.high], color=ink, lw=0.8, alpha=0.6)
            axes.plot([x], [y], "o", ms=4, color=ink, mfc="white" if few else ink)
            if len(known) <= _NAMED:
                axes.annotate(
                    beside(name, 20), (x, y), (3, 3), textcoords="offset points", fontsize=5.5
                )
        axes.plot([0, 1], [0, 1], color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        values = [v for r in known.values() for v in (r.accuracy, r.ceiling) if v is not None]
        low = min(0.5, *values) - 0.03 if values else 0.45
        axes.set_xlim(low, 1.0)
        axes.set_ylim(low, 1.0)
        share_axis(axes, "x")
        share_axis(axes, "y")
        axes.set_xlabel("Ceiling, from the labeler's own repeats (%)")
        axes.set_ylabel("Accuracy on held-out answers (%)")
        few_told = f"Rings: {TOO_FEW}. {WHY_TOO_FEW}" if any(map(_few, known.values())) else ""
        lacking = len(rows) - len(known)
        unknown = f"{counted(lacking, 'labeler')} without repeats left out." if lacking else ""
        told = "Dashed: the ceiling is reached. Bars: 95% intervals."
        footnote(figure, told, few_told, unknown)
    return figure


def _few(row: Accuracy) -> bool:
    return too_few(row.n)
