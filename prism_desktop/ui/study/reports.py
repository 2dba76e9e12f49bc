"""The imports card: what was read, kept and refused, and how to undo it."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from prism_desktop.engine.study.records import ImportReport
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.study.labelers import ago
from prism_desktop.ui.widgets.basics import (
    GRID,
    IconButton,
    button,
    chip,
    clear,
    columns,
    frame,
    label,
    line,
    rows,
)
from prism_desktop.ui.widgets.cards import Card

SHOWN = 200  # refused rows listed; the report in the study holds all


def outcome(report: ImportReport) -> str:
    """One line: what was kept of what."""
    parts = [f"{report.rows_kept:,} of {report.rows_read:,} kept"]
    if report.duplicates:
        parts.append(f"{report.duplicates:,} duplicates")
    if report.refused:
        parts.append(f"{len(report.refused):,} refused")
    return " · ".join(parts)


def reading(mapping: Mapping[str, object]) -> list[str]:
    """How columns and values were read, in words; the files' hashes are left to the study."""
    lines = []
    for key, value in mapping.items():
        if key == "scales" and isinstance(value, Mapping):
            lines += [f"{name}: {_scale(scale)}" for name, scale in value.items()]
        elif key != "files":
            lines.append(f"{key.replace('_', ' ').capitalize()}: {value}")
    return lines


def _scale(scale: object) -> str:
    if not isinstance(scale, Mapping) or not {"low", "high"} <= scale.keys():
        return str(scale)
    rule = f" by {scale['rule']}" if "rule" in scale else ""
    return f"numbers from {scale['low']:g} to {scale['high']:g}, read as 1 to 4{rule}"


class ReportView(QWidget):
    """One import's report, whole."""

    def __init__(self, report: ImportReport) -> None:
        """Notices, then how the file was read, then the refused rows up to a limit.

        A report with none of these says so, for an unfolded report must not look broken.
        """
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID // 2)
        for notice in report.notices:
            layout.addWidget(label(notice, "muted", wrap=True))
        for line_text in reading(report.mapping):
            layout.addWidget(label(line_text, "small", wrap=True))
        if report.refused:
            layout.addWidget(label("Refused rows", "field"))
            lines = [f"Row {refused.row:,}: {refused.reason}" for refused in report.refused[:SHOWN]]
            if len(report.refused) > SHOWN:
                lines.append(f"and {len(report.refused) - SHOWN:,} more")
            text = label("\n".join(lines), "small", wrap=True)
            layout.addWidget(text)
        if not layout.count():
            layout.addWidget(label("Every row was kept as it stood.", "muted"))


class ImportsCard(Card):
    """A row for each import, newest first; the newest report can be opened at once."""

    def __init__(self, context: AppContext) -> None:
        super().__init__("Imports")
        self._context = context
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.body.addLayout(self._rows)
        self.open: set[str] = set()  # ids whose report is unfolded

    def show_imports(self, imports: tuple[ImportReport, ...]) -> None:
        """Fill the rows."""
        self._imports = imports
        clear(self._rows)
        if not imports:
            self._rows.addWidget(
                label(
                    "Nothing was imported yet. Images, ratings and comparisons come in here.",
                    "muted",
                )
            )
        for number, report in enumerate(reversed(imports)):
            if number:
                self._rows.addWidget(line())
            self._rows.addWidget(self._row(report))

    def unfold(self, import_id: str) -> None:
        """Show or hide a report."""
        self.open ^= {import_id}
        self.show_imports(self._imports)

    def _row(self, report: ImportReport) -> QFrame:
        """File and outcome at the left, Report and Undo at the right, an unfolded report below.

        An import that was undone keeps its row as a record; only its Undo is off.
        """
        undone = report.undone is not None
        name = label(Path(report.source).name or report.source, "strong")
        name.setToolTip(report.source)
        state = (
            [chip("undone")] if undone else [chip("refused rows", "warn")] if report.refused else []
        )
        text = rows(
            columns(name, chip(report.format), *state, None),
            label(f"{outcome(report)} · {ago(report.created)}", "small"),
            gap=2,
        )
        shown = report.id in self.open
        unfold = button(
            "Hide report" if shown else "Report", lambda: self.unfold(report.id), "quiet"
        )
        undo = IconButton(
            self._context.theme, "undo", "Undo this import", lambda: self._undo(report)
        )
        undo.setEnabled(not undone)
        head = columns(text, None, unfold, undo)
        inner: list[QWidget] = []
        if shown:
            inset = frame("inset", rows(ReportView(report)))
            inner.append(inset)
        row = frame("row", rows(head, *inner, gap=GRID))
        layout = row.layout()
        assert layout is not None
        layout.setContentsMargins(0, GRID + 4, 0, GRID + 4)
        return row

    def _undo(self, report: ImportReport) -> None:
        study = self._context.study
        if study is None:
            return
        self._context.write(
            lambda: operations.undo_import(study, report.id),
            lambda _: self._context.message(
                f"The import of {Path(report.source).name} was undone.", "good"
            ),
            owner=self,
        )


def done_text(report: ImportReport) -> tuple[str, str]:
    """Kind and sentence for the message bar after an import."""
    name = Path(report.source).name or report.source
    kind = "warn" if report.refused else "good"
    return (
        kind,
        f"Imported {name}: {outcome(report)}. The report is under Imports; it can be undone there.",
    )
