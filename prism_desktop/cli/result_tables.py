"""Tables of results for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from prism_desktop.engine.methods.method import TESTED_FACES


def accuracy_table(summary: Mapping[str, Any]) -> Table:
    """Test accuracy per labeler against consensus and ceiling, from a run's summary.

    Args:
        summary: what `train --json` writes.
    """
    test = summary["test"]
    consensus = summary.get("consensus") or {}
    reads = bool(summary.get("reads_tested_faces"))
    title = (
        f"{summary['method']}{' *' if reads else ''}, test accuracy ({summary['split']['kind']} "
        "split)"
    )
    table = Table(box=None, title=title, caption=f"* {TESTED_FACES}" if reads else None)
    table.add_column("labeler")
    for name in ("accuracy", "95 % interval", "consensus", "gain", "ceiling", "answers"):
        table.add_column(name, justify="right")
    for code, row in test["per_labeler"].items():
        table.add_row(
            code,
            *_cells(row, consensus.get("per_labeler", {}).get(code), test["ceiling"].get(code)),
        )
    for name in ("macro", "micro"):
        table.add_row(
            name,
            *_cells(test[name], consensus.get(name), None),
            style="bold",
            end_section=name == "micro",
        )
    return table


def _cells(
    row: Mapping[str, Any], consensus: Mapping[str, Any] | None, ceiling: float | None
) -> tuple[str, ...]:
    base = consensus["accuracy"] if consensus else None
    gain = None if base is None or row["accuracy"] is None else row["accuracy"] - base
    interval = "" if row["low"] is None else f"{row['low']:.1%} – {row['high']:.1%}"
    return (
        _percent(row["accuracy"]), interval, _percent(base),
        "" if gain is None else f"{100 * gain:+.1f}",
        _percent(ceiling), str(row.get("n", "")),
    )  # fmt: skip


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
