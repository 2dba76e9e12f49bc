"""Tables of results for the terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from prism_desktop.cli.console import say, say_lines, write_file
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.evaluation.named_results import named
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import ignores_labelers, method_title
from prism_desktop.engine.methods.method import TESTED_FACES
from prism_desktop.engine.runs.estimates import (
    ABOVE_CEILING,
    BASELINE_NAMES,
    SHUFFLED,
    TOO_FEW,
    WHY_TOO_FEW,
    knowledge_of,
    named_intervals,
    told_accuracy,
    told_blocks,
    told_gain,
    too_few,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import (
    Accuracy,
    Difference,
    Gain,
    Result,
    Summary,
)
from prism_desktop.engine.runs.run_choice import ignoring
from prism_desktop.engine.study.formula_guard import write_frame

if TYPE_CHECKING:
    import pandas as pd


def accuracy_table(summary: Summary, people: Mapping[str, str]) -> Table:
    """Test accuracy per labeler against consensus and ceiling; `people` says what to call each."""
    summary = named(summary, people)
    test, consensus = summary.test, summary.consensus or Result()
    reads = summary.reads_tested_faces
    told = knowledge_of([summary])
    if ignores_labelers(summary.method):
        told.append(ignoring(method_title(summary.method)))
    title = (
        f"{summary.method}{' *' if reads else ''}, test accuracy with 95% intervals "
        f"({summary.words.told(summary.split.kind)} split)"
    )
    # in 80 columns no interval is torn apart
    table = Table(
        box=None, title=title, caption=summary.words.told("\n".join(told)) or None, pad_edge=False
    )
    table.add_column("labeler")
    for name in ("accuracy", "interval", "consensus", "gain", "ceiling", "n"):
        table.add_column(name, justify="right", no_wrap=name != "accuracy")
    gains = summary.gain or Gain()
    for code, row in test.per_labeler.items():
        base = consensus.per_labeler.get(code) or Accuracy()
        cells = _cells(row, base, gains.per_labeler.get(code), test.ceiling.get(code))
        table.add_row(code, *cells, style="dim" if too_few(row.n) else None)
    for name, row, base, gained in (
        ("macro", test.macro, consensus.macro, gains.macro),
        ("micro", test.micro, consensus.micro, gains.micro),
    ):
        style = "dim" if too_few(row.n) else "bold"
        table.add_row(name, *_cells(row, base, gained, None), style=style)
    table.add_section()
    return table


def baseline_table(summary: Summary) -> Table:
    """What the results are read against: accuracies on the same answers."""
    table = Table(
        box=None,
        title="To read it against, on the same answers",
        caption=f"* {summary.words.told(TESTED_FACES)}",
        pad_edge=False,
    )
    table.add_column("rule")
    for name in ("macro", "interval", "micro", "pairs it knows"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in summary.baselines.items():
        interval = ""
        if name != "chance" and row.macro.low is not None and row.macro.high is not None:
            interval = f"{100 * row.macro.low:.1f} – {100 * row.macro.high:.1f}"
        table.add_row(
            BASELINE_NAMES.get(name, name),
            _percent(row.macro.accuracy),
            interval,
            _percent(row.micro.accuracy),
            _percent(row.known),
        )
    return table


def remarks(summary: Summary) -> list[str]:
    """What a reader of the table must know of its numbers."""
    rows = [*summary.test.per_labeler.values(), summary.test.macro]
    found = [SHUFFLED] if summary.shuffled else []
    found += [WHY_TOO_FEW] if any(too_few(row.n) for row in rows) else []
    macro, gained = summary.test.macro, summary.gain.macro if summary.gain is not None else None
    for what, told in (
        ("Macro accuracy", named_intervals(macro) if macro.labelers_low is not None else ""),
        (
            "Macro gain",
            named_intervals(gained, "+") if gained and gained.labelers_low is not None else "",
        ),
    ):
        found += [summary.words.told(f"{what}, 95% intervals: {told}.")] if told else []
    found += [f"Optional block {told}" for told in told_blocks(summary.blocks)]
    return found + [ABOVE_CEILING] * any((row.of_ceiling or 0) > 1 for row in rows)


def trusted(run: RunFolder, labeler: str | None, attribute: str | None) -> str:
    """How far a run's predictions can be trusted, in a sentence; empty where that was not tested.

    Args:
        run: whose.
        labeler: None for the mean over labelers.
        attribute: None for all of them.
    """
    try:
        summary = run.summary() or Summary()
    except UnreadableError:  # the predictions are as good without
        return ""
    test, control = summary.test, f" {SHUFFLED}" if summary.shuffled else ""
    if labeler is None:
        row = test.macro if attribute is None else test.per_attribute.get(attribute)
    else:
        alone = test.per_labeler_attribute.get(labeler, {})
        row = test.per_labeler.get(labeler) if attribute is None else alone.get(attribute or "")
    if row is None or row.accuracy is None:
        return ""
    whose = "" if labeler is None else f"{run.people().get(labeler, labeler)}'s "
    rest = ", mean over labelers" if labeler is None else ""
    about = rest if attribute is None else f" about {attribute}"
    return f"Right on {whose}held-out answers{about}: {told_accuracy(row).line}.{control}"


def with_names(frame: "pd.DataFrame", people: Mapping[str, str], *columns: str) -> "pd.DataFrame":
    """A table with what each labeler is called beside the code, in columns such as "labeler_name".

    Args:
        frame: has the columns.
        people: by code; who is not in it is called by the code.
        columns: that hold codes; "labeler" without any.
    """
    found = frame.copy()
    for column in columns or ("labeler",):
        called = [people.get(code, code) for code in frame[column]]
        found.insert(list(found.columns).index(column) + 1, f"{column}_name", called)
    return found


def write_pairs(frame: "pd.DataFrame", csv: Path | None, json: str | None) -> None:
    """Write a table of pairs of labelers, if that is wanted, and say so."""
    if csv is not None:
        write_file(csv, lambda path: write_frame(frame, path))
        say(f"Wrote {counted(len(frame), 'pair of labelers')} to {csv}.", json)


def show_pairs(frame: "pd.DataFrame", **form: Any) -> None:
    """Print a table of `with_names`: names in place of codes, in the form of `to_string`."""
    shown = frame.assign(labeler=frame["labeler_name"], other=frame["other_name"])
    shown = shown.drop(columns=["labeler_name", "other_name"])
    say_lines(shown.to_string(index=False, **form), wrap=True)


def _cells(
    row: Accuracy, consensus: Accuracy, gained: Difference | None, ceiling: float | None
) -> tuple[str, ...]:
    """Whether it can be told comes first; then numbers, each beside its interval."""
    base, interval = consensus.accuracy, ""
    if row.low is not None and row.high is not None:
        interval = f"{100 * row.low:.1f} – {100 * row.high:.1f}"
    gain = None if base is None or row.accuracy is None else row.accuracy - base
    own = gained or Difference()
    told = told_gain(gain, own.low, own.high)
    bounds = ""
    if own.low is not None and own.high is not None:
        bounds = f" [{100 * own.low:.1f}, {100 * own.high:.1f}]"
    few = f"{TOO_FEW}: " if too_few(row.n) else ""
    return (
        few + _percent(row.accuracy), interval, _percent(base),
        "" if gain is None else told.number + bounds, _percent(ceiling),
        "" if row.n is None else f"{row.n:,}",
    )  # fmt: skip


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
