"""Figures of a comparison of methods: accuracy against
the number of answers, and gains over consensus."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prism_desktop.engine.analysis.plotting import (
    COLOURS,
    GREY,
    NARROW,
    beside,
    entry,
    footnote,
    new_figure,
    row_height,
    share_axis,
    style,
)
from prism_desktop.engine.grammar import ranged
from prism_desktop.engine.runs.estimates import TOO_FEW, WHY_TOO_FEW, doubted, too_few
from prism_desktop.engine.runs.result_files import MacroGain

_TESTED = "Tested on held-out answers"
Point = tuple[float, float, float | None, float | None]  # answers, accuracy, low, high


def answers_figure(
    lines: Mapping[str, Sequence[Point]], title: str = "", n: Mapping[str, int] | None = None
) -> Figure:
    """Accuracy against the number of answers, one line a method, with 95% intervals as bands.

    Args:
        lines: name -> points, ascending.
        title: above the axes.
        n: held-out answers behind each line, where they are known.
    """
    n = n or {}
    with style():
        doubts = {name: doubted("", n.get(name)) for name in lines}
        names = [entry(name, doubt) for name, doubt in doubts.items()]
        height = 62 + row_height(names, 0) * len(names)
        figure, axes = new_figure(NARROW, height, title)
        for place, (name, points) in enumerate(lines.items()):
            colour = COLOURS[place % len(COLOURS)]
            answers, accuracy = [point[0] for point in points], [point[1] for point in points]
            axes.plot(answers, accuracy, "o-", ms=3, color=colour, label=entry(name, doubts[name]))
            if all(point[2] is not None and point[3] is not None for point in points):
                low, high = (
                    [point[2] or 0.0 for point in points],
                    [point[3] or 0.0 for point in points],
                )
                axes.fill_between(answers, low, high, color=colour, alpha=0.12, lw=0)
        axes.axhline(0.5, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        axes.set_xlabel("Answers of the labeler")
        axes.set_ylabel("Accuracy on held-out comparisons")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(left=0)
        share_axis(axes, "y")
        if lines:
            figure.legend(loc="outside upper left", handletextpad=0.6)  # where no line runs
        known = [n[name] for name in lines if name in n]
        tested = "" if not known else f"{_TESTED}, n {ranged(known)}."
        few = WHY_TOO_FEW if any(map(too_few, known)) else ""
        footnote(figure, few, "Bands: 95% intervals. Dashed: chance.", tested)
    return figure


def gains_figure(gains: Mapping[str, MacroGain], title: str = "") -> Figure:
    """Mean gain over consensus of each method with its 95% interval, in points.

    Args:
        gains: by name; those without a value are left out.
        title: above the axes.
    """
    with style():
        labels = [beside(name, told=_told(gain)) for name, gain in gains.items()]
        figure, axes = new_figure(
            NARROW, 22 + row_height(labels, 5.5) * max(len(gains), 1), title, labels=labels
        )
        for place, gain in enumerate(gains.values()):
            if gain.value is None or gain.low is None or gain.high is None:
                continue
            value, low, high = 100 * gain.value, 100 * gain.low, 100 * gain.high
            ink = GREY if too_few(gain.n) else COLOURS[0]
            axes.plot([low, high], [place, place], color=ink, lw=1.2)
            axes.plot([value], [place], "o", ms=4, color=ink)
        axes.axvline(0, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
        axes.set_yticks(
            range(len(gains)),
            [beside(name, told=_told(gain)) for name, gain in gains.items()],
        )
        axes.set_ylim(len(gains) - 0.4, -0.6)
        axes.set_xlabel("Gain over consensus (points)")
        few = WHY_TOO_FEW if any(too_few(gain.n) for gain in gains.values()) else ""
        about = "Mean over labelers of accuracy minus the consensus model's, in points, with its"
        footnote(figure, few, f"{about} 95% interval; n: held-out answers.")
    return figure


def _told(gain: MacroGain) -> str:
    n = "" if gain.n is None else f"n {gain.n:,}"
    told = ", ".join(filter(None, (TOO_FEW if too_few(gain.n) else "", n)))
    return f"({told})" if told else ""
