"""Tables of results for the terminal."""

from collections.abc import Mapping

from rich.table import Table

from prism_desktop.engine.evaluation.named_results import named
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.methods.method import TESTED_FACES
from prism_desktop.engine.runs.result_files import Accuracy, Result, Summary
from prism_desktop.engine.runs.run_choice import ignores_labelers, ignoring


def accuracy_table(summary: Summary, people: Mapping[str, str]) -> Table:
    """Test accuracy per labeler against consensus and ceiling; `people` says what to call each."""
    summary = named(summary, people)
    test, consensus = summary.test, summary.consensus or Result()
    reads = summary.reads_tested_faces
    told = [f"* {TESTED_FACES}"] if reads else []
    if ignores_labelers(summary.method):
        told.append(ignoring(method_title(summary.method)))
    title = f"{summary.method}{' *' if reads else ''}, test accuracy ({summary.split.kind} split)"
    table = Table(box=None, title=title, caption="\n".join(told) or None)
    table.add_column("labeler")
    for name in ("accuracy", "95 % interval", "consensus", "gain", "ceiling", "answers"):
        table.add_column(name, justify="right")
    for code, row in test.per_labeler.items():
        base = consensus.per_labeler.get(code) or Accuracy()
        table.add_row(code, *_cells(row, base, test.ceiling.get(code)))
    table.add_row("macro", *_cells(test.macro, consensus.macro, None), style="bold")
    table.add_row(
        "micro", *_cells(test.micro, consensus.micro, None), style="bold", end_section=True
    )
    return table


def _cells(row: Accuracy, consensus: Accuracy, ceiling: float | None) -> tuple[str, ...]:
    base, known = consensus.accuracy, row.low is not None and row.high is not None
    gain = None if base is None or row.accuracy is None else row.accuracy - base
    return (
        _percent(row.accuracy), f"{row.low:.1%} – {row.high:.1%}" if known else "", _percent(base),
        "" if gain is None else f"{100 * gain:+.1f}",
        _percent(ceiling), "" if row.n is None else str(row.n),
    )  # fmt: skip


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
