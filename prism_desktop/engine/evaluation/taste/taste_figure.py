"""The figure of a taste profile: a dot and an interval for each property."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from prism_desktop.engine.analysis.plotting import (
    COLOURS,
    GREY,
    WIDE,
    beside,
    footnote,
    new_figure,
    row_height,
    style,
)
from prism_desktop.engine.evaluation.taste.taste_records import PropertyLink
from prism_desktop.engine.evaluation.taste.taste_words import standing, strongest
from prism_desktop.engine.runs.estimates import TOO_FEW, WHY_TOO_FEW, too_few

_MARKS = "Filled: stands out among the tests of all labelers; ring: among this labeler's own alone."


def taste_figure(links: Sequence[PropertyLink], title: str, note: str = "") -> Figure:
    """What of one labeler's choices goes with the pictures beyond the others, in points, or of all
    labelers together, as shares about one half; one attribute.

    Args:
        links: of one labeler and one attribute.
        title: above the axes.
        note: what the figure rests on.
    """
    beyond = any(link.beyond is not None for link in links)
    shown = [link for link in strongest(links) if link.own is not None]
    with style():
        labels = [beside(link.property, 34, _told(link)) for link in shown]
        height = 26 + row_height(labels, 4.6) * max(len(shown), 1)
        figure, axes = new_figure(WIDE, height, title, labels=labels)
        for place, link in enumerate(shown):
            value, low, high = _bounds(link)
            found = standing(link)
            ink = COLOURS[0] if found in ("out", "alone") else GREY
            axes.plot([low, high], [place, place], color=ink, lw=1.2)
            inside = ink if found == "out" else "white"
            axes.plot([value], [place], "o", ms=4, color=ink, mfc=inside)
        axes.axvline(0, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        axes.set_yticks(range(len(shown)), labels)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlabel(
            "Chosen more often than by the other labelers (points)"
            if beyond
            else "Chosen more often than one half (points)"
        )
        few = WHY_TOO_FEW if any(too_few(link.n) for link in shown) else ""
        marks = _MARKS if beyond else "Filled: stands out among all tests here."
        footnote(figure, few, f"Intervals: 95%. {marks} p by Holm.", note)
    return figure


def _bounds(link: PropertyLink) -> tuple[float, float, float]:
    if link.beyond is not None:
        return 100 * link.beyond, 100 * (link.low or 0.0), 100 * (link.high or 0.0)
    value, low, high = (
        100 * ((one or 0.0) - 0.5) for one in (link.own, link.own_low, link.own_high)
    )
    return value, low, high


def _told(link: PropertyLink) -> str:
    return f"({TOO_FEW}, n {link.n:,})" if too_few(link.n) else f"(n {link.n:,})"
