"""The imports card: what was read, kept and refused, and how to undo it."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QLayout, QVBoxLayout, QWidget

from prism_desktop.engine.clocks import ago
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.importing.text_columns import TEXT_FORMATS
from prism_desktop.engine.study.records import LAMP, LAMP_FILE, OTHERS, Changes, ImportReport
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import literal, set_tip
from prism_desktop.ui.study.doubt_words import DoubtGroup, grouped, told
from prism_desktop.ui.study.import_records import dismissed_doubts, files_of, open_doubts
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
    restyle,
    rows,
)
from prism_desktop.ui.widgets.cards import Card

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.doubts import Doubt

DOUBTS = 3  # of an import, shown while its report is folded
_FORMAT = 26  # characters on the chip
SHOWN = 200  # refused rows listed; the report in the study holds all


def outcome(report: ImportReport) -> str:
    """One line: what was kept of what, and what became of the rest, each row told once."""
    (kept, _), *others = report.parts()
    return " · ".join(
        [f"{kept:,} of {report.rows_read:,} kept", *(f"{count:,} {what}" for count, what in others)]
    )


def reading(mapping: Mapping[str, object]) -> list[str]:
    """How columns and values were read, in words; the files' hashes are left out."""
    lines = []
    for key, value in mapping.items():
        if key == "scales" and isinstance(value, Mapping):
            lines += [f"{name}: {_scale(scale)}" for name, scale in value.items()]
        elif key == LAMP and isinstance(value, Mapping):
            lines.append(f"Of {value.get('task')}; its {value.get('people')} are the people")
        elif key not in ("files", OTHERS, LAMP_FILE):
            lines.append(f"{key.replace('_', ' ').capitalize()}: {value}")
    return lines


def _scale(scale: object) -> str:
    if not isinstance(scale, Mapping) or not {"low", "high"} <= scale.keys():
        return str(scale)
    rule = f" by {scale['rule']}" if "rule" in scale else ""
    return f"numbers from {scale['low']:g} to {scale['high']:g}, read as 1 to 4{rule}"


def _format(report: ImportReport) -> QLabel:
    """What came in, in a word or two."""
    made = chip(report.format if len(report.format) <= _FORMAT else report.format[:_FORMAT] + "…")
    set_tip(made, report.format)
    return made


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
        for doubt in dismissed_doubts(report):
            layout.addWidget(label(f"Doubt, dismissed: {told(doubt.text)}", "muted", wrap=True))
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

    read_anew_wanted = Signal(object)  # ImportReport

    def __init__(self, context: AppContext) -> None:
        super().__init__("Imports")
        self._context = context
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.body.addLayout(self._rows)
        self.open: set[str] = set()  # ids whose report is unfolded
        self._listed: set[tuple[str, str]] = set()  # import and kind of doubts that are listed

    def show_imports(self, imports: tuple[ImportReport, ...]) -> None:
        """Fill the rows."""
        self._imports = imports
        clear(self._rows)
        if not imports:
            kept = self._context.words.kept_many.capitalize()
            self._rows.addWidget(
                label(
                    f"Nothing was imported yet. {kept}, ratings and comparisons come in here.",
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
        """File and outcome at the left, what can be done at the right, its doubts below.

        An import that was undone keeps its row as a record, and can be brought back. An unfolded
        report comes last.
        """
        undone = report.undone is not None
        doubts = [] if undone else open_doubts(report)
        name = label(Path(report.source).name or report.source, "strong")
        set_tip(name, report.source)
        states = [chip("undone")] if undone else []
        if report.refused and not undone:
            states.append(chip("refused rows", "warn"))
        text = rows(
            columns(name, _format(report), *states, None),
            label(f"{outcome(report)} · {ago(report.created)}", "small"),
            gap=2,
        )
        shown = report.id in self.open
        unfold = button(
            "Hide report" if shown else "Report", lambda: self.unfold(report.id), "quiet"
        )
        actions: list[QWidget] = [unfold]
        if files_of(report) and report.format not in (
            "embeddings",
            *TEXT_FORMATS,
        ):  # those are read in one way only
            anew = button("Read anew…", lambda: self.read_anew_wanted.emit(report), "quiet")
            set_tip(anew, "Look at these files again and import them in another way")
            if not undone:
                actions.append(anew)
        actions.append(self._undo_button(report))
        self._context.guard.add(*actions[1:])
        inner: list[QWidget] = [self._doubts(report, doubts)] if doubts else []
        if shown:
            inner.append(frame("inset", rows(ReportView(report))))
        row = frame("row", rows(columns(text, None, *actions), *inner, gap=GRID))
        layout = row.layout()
        assert layout is not None
        layout.setContentsMargins(0, GRID + 4, 0, GRID + 4)
        return row

    def _undo_button(self, report: ImportReport) -> IconButton:
        if report.undone is None:
            return IconButton(
                self._context.theme, "undo", "Undo this import", lambda: self._undo(report)
            )
        return IconButton(
            self._context.theme, "redo", "Redo this import", lambda: self._redo(report)
        )

    def _doubts(self, report: ImportReport, doubts: "list[tuple[int, Doubt]]") -> QFrame:
        """A line for each doubt with its Dismiss; the first few unless the report is unfolded."""
        groups = grouped(doubts)
        kept = groups if report.id in self.open else groups[:DOUBTS]
        lines: list[QWidget | QLayout] = []
        for group in kept:
            lines += self._group(report, group)
        if len(groups) > 1:
            left = len(groups) - len(kept)
            places = [place for place, _ in doubts]
            every = button("Dismiss all", lambda: self._dismiss(report, places), "quiet")
            self._context.guard.add(every)
            more = label(f"and {left:,} more; the report has all" if left else "", "small")
            lines.append(columns(more, None, every))
        holder = frame("failure", rows(*lines, gap=2))
        restyle(holder, kind="warn")
        layout = holder.layout()
        assert layout is not None
        layout.setContentsMargins(GRID + 4, GRID // 2, GRID // 2, GRID // 2)
        return holder

    def _group(self, report: ImportReport, group: DoubtGroup) -> list[QWidget | QLayout]:
        """A doubt, or many of one kind, which can be listed."""
        places = [place for place, _ in group.members]
        key = (report.id, group.members[0][1].kind)
        actions = [button("Dismiss", partial(self._dismiss, report, places), "quiet")]
        actions[0].setAccessibleName(f"Dismiss: {group.text}")
        self._context.guard.add(*actions)
        if len(places) > 1:
            words = "Hide" if key in self._listed else "Show"
            actions.insert(0, button(literal(words), partial(self._list, key), "quiet"))
            actions[0].setAccessibleName(f"{words}: {group.text}")
        entry = columns(label(group.text, "", wrap=True), *actions, gap=GRID)
        entry.setStretch(0, 1)
        lines: list[QWidget | QLayout] = [entry]
        if len(places) > 1 and key in self._listed:
            texts = [told(doubt.text) for _, doubt in group.members[:SHOWN]]
            if len(places) > SHOWN:
                texts.append(f"and {len(places) - SHOWN:,} more")
            lines.append(label("\n".join(texts), "small", wrap=True))
        return lines

    def _list(self, key: tuple[str, str]) -> None:
        self._listed ^= {key}
        self.show_imports(self._imports)

    def _dismiss(self, report: ImportReport, places: list[int]) -> None:
        study = self._context.study
        if study is not None:
            self._context.write(
                lambda: operations.dismiss_doubts(study, report.id, places),
                owner=self,
                what="Dismissing the doubt",
            )

    def _undo(self, report: ImportReport) -> None:
        study = self._context.study
        if study is not None:
            self._context.write(
                lambda: operations.undo_import(study, report.id),
                lambda _: self._say(report, "undone"),
                owner=self,
                what="Undoing the import",
            )

    def _redo(self, report: ImportReport) -> None:
        study = self._context.study
        if study is None:
            return

        def told(events: list[Any]) -> None:
            if any(isinstance(event, Done) for event in events):
                self._say(report, "brought back")
                self._context.changed.emit(Changes(labelers=True, attributes=True, imports=True))

        self._context.run(
            operations.redo_import(study, report.id), "Reading the files again", events=told,
            owner=self,
        )  # fmt: skip

    def _say(self, report: ImportReport, what: str) -> None:
        name = Path(report.source).name or report.source
        self._context.message(f"The import of {name} was {what}.", "good")


def done_text(reports: Sequence[ImportReport]) -> tuple[str, str]:
    """Kind and sentence for the message bar after an import of what was dropped together."""
    kind = "warn" if any(report.refused for report in reports) else "good"
    told = "; ".join(
        f"{Path(report.source).name or report.source}: {outcome(report)}" for report in reports
    )
    one = len(reports) == 1
    where = "The report is" if one else "The reports are"
    undone = "it can be undone there" if one else "each can be undone there"
    return kind, f"Imported {told}. {where} under Imports; {undone}."
