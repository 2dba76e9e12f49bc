"""The files card: missing images, backups, export."""

import time
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QVBoxLayout

from prism_desktop.engine.clocks import ago
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.study.backup_files import made_at
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.basics import (
    GRID,
    Icon,
    button,
    clear,
    columns,
    frame,
    label,
    line,
    rows,
)
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import choose_folder

_FORMATS = (
    ("CSV", "csv"),
    ("Excel", "xlsx"),
    ("Parquet", "parquet"),
    ("SPSS", "sav"),
    ("JSON lines", "jsonl"),
)


class StorageCard(Card):
    """Export, backups, and help when images are not where they were."""

    relink_wanted = Signal(Path)
    export_wanted = Signal(Path, str)
    paper_wanted = Signal(Path, bool)  # folder, whether with what was judged
    backed_up = Signal()
    restore_wanted = Signal(Path)  # of the study

    def __init__(self, context: AppContext) -> None:
        """A warning where images are missing, then export, backups, embeddings and the place.

        The embeddings are in a frame together with their dividing line, so that both can be hidden
        where there are none.
        """
        super().__init__("Files")
        self._context = context
        self._alert = QVBoxLayout()
        self.format = QComboBox()
        for text, value in _FORMATS:
            self.format.addItem(text, value)
        self.format.setAccessibleName("Format of the export")
        self.backup_text = label("", "small")
        self.back_up = button("Back up now", self._back_up)
        self.restore = button("Go back…", self._restore, "quiet")
        set_tip(self.restore, "To one of the backups; what the study holds now is backed up first.")
        self.export = button("E&xport…", self._export)
        self.exported = label("", "small")
        self.looked_at = label("", "small")
        self.with_stimuli = QCheckBox()
        self.paper = button("For a &paper…", self._paper)
        self.check = button("Check…", self._check)
        context.guard.add(self.back_up, self.restore)
        self.place = label("", "small", wrap=True)
        self.body.addLayout(self._alert)
        export_text = rows(
            label("Export", "strong"),
            self.exported,
            gap=2,
        )
        paper_text = rows(
            label("For a paper", "strong"),
            label("Answers without names, R models, methods text.", "small"),
            gap=2,
        )
        backup_text = rows(label("Backups", "strong"), self.backup_text, gap=2)
        check_text = rows(
            label("Damage", "strong"),
            self.looked_at,
            gap=2,
        )
        for part in (
            columns(export_text, None, self.format, self.export),
            columns(paper_text, None, self.with_stimuli, self.paper),
            columns(backup_text, None, self.restore, self.back_up),
            columns(check_text, None, self.check),
        ):
            part.setContentsMargins(0, GRID, 0, GRID)
            self.body.addLayout(part)
            self.body.addWidget(line())
        self.embeddings = label("", "small", wrap=True)
        inside = rows(label("Embeddings", "strong"), self.embeddings, GRID, line(), gap=2)
        inside.setContentsMargins(0, GRID, 0, 0)
        self._embeddings = frame("row", inside)
        self.body.addWidget(self._embeddings)
        place = rows(label("Place", "strong"), self.place, gap=2)
        place.setContentsMargins(0, GRID, 0, 0)
        self.body.addLayout(place)

    def show_overview(self, overview: operations.Overview) -> None:
        """Show where things stand."""
        clear(self._alert)
        info = overview.info
        kept = info.words.kept_many
        self.exported.setText(f"Ratings, comparisons, {kept} and a codebook.")
        self.looked_at.setText(f"Looks through answers, {kept} and runs.")
        self.with_stimuli.setText(f"with {kept}")
        set_tip(
            self.with_stimuli,
            "Copies of the faces, made anew from their pixels, so that nothing else is in them."
            if info.kind == "image"
            else "What they say, but for those that name a labeler.",
        )
        if overview.missing:
            self._alert.addWidget(self._missing(len(overview.missing)))
        self.backup_text.setText(_on_backups(overview))
        sets = [
            f"{one.name}: {counted(one.images, info.words.kept)}, "
            f"{counted(one.dimensions, 'dimension')}"
            for one in overview.embeddings
        ]
        self.embeddings.setText("\n".join(sets))
        self._embeddings.setVisible(bool(sets))
        self.place.setText(str(overview.info.path))

    def _missing(self, count: int) -> QFrame:
        text = label(
            f"{counted(count, 'image is', 'images are')} not where "
            f"{word_for(count, 'it was', 'they were')}. Their answers are kept.",
            wrap=True,
        )
        find = button(
            "Find them…",
            lambda: choose_folder(self, "Where the images are now", self.relink_wanted.emit),
        )
        self._context.guard.add(find)
        layout = columns(Icon(self._context.theme, "warning", 18, "warn"), text, find)
        layout.setStretch(1, 1)
        layout.setContentsMargins(2 * GRID, GRID, GRID, GRID)
        alert = frame("message", layout)
        alert.setProperty("kind", "warn")
        return alert

    def _export(self) -> None:
        kind = str(self.format.currentData())
        choose_folder(
            self, "Export into a folder", lambda folder: self.export_wanted.emit(folder, kind)
        )

    def _paper(self) -> None:
        stimuli = self.with_stimuli.isChecked()
        choose_folder(
            self, "A folder for the bundle", lambda folder: self.paper_wanted.emit(folder, stimuli)
        )

    def _check(self) -> None:
        study = self._context.study
        if study is not None:
            self._context.check_wanted.emit(Path(study.path))

    def _restore(self) -> None:
        study = self._context.study
        if study is not None:
            self.restore_wanted.emit(Path(study.path))

    def _back_up(self) -> None:
        study = self._context.study
        if study is None:
            return

        self.back_up.setEnabled(False)
        job = self._context.run(operations.back_up(study), "Backing up", owner=self)
        job.finished.connect(lambda: self.back_up.setEnabled(True))
        job.ended.connect(self._backed_up)

    def _backed_up(self, cancelled: bool) -> None:
        if not cancelled:
            self._context.message("The study was backed up and the copy was verified.", "good")
            self.backed_up.emit()


def _on_backups(overview: operations.Overview) -> str:
    if overview.backups:
        newest = made_at(overview.backups[0])
        text = f"{len(overview.backups)} kept, the latest {ago(newest, time.time())}."
    else:
        text = "None yet; one is made within half an hour of a change."
    if overview.backup_failure:
        text += f" The one that was due could not be made: {overview.backup_failure}"
    return text
