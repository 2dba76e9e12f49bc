"""The protocol page: how labelers are led, as a form or as TOML, to be rehearsed and followed."""

from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done
from prism_desktop.engine.files import put_text, write_named
from prism_desktop.engine.labeling.protocol import Protocol, parse_protocol, read_protocol
from prism_desktop.engine.labeling.protocol_words import REHEARSED, REHEARSED_MEANS
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.label import protocol_operations as operations
from prism_desktop.ui.label.protocol_form import ProtocolForm
from prism_desktop.ui.plain import one_line
from prism_desktop.ui.widgets.basics import GRID, button, columns, frame, label, rows
from prism_desktop.ui.widgets.cards import Card, ScrollPage
from prism_desktop.ui.widgets.pickers import Segments
from prism_desktop.ui.widgets.reading_table import ReadingTable

VIEWS: Final = {"form": "Form", "toml": "TOML"}
_HEADS: Final = tuple(f"{head[0].upper()}{head[1:]}" for head in REHEARSED)
_KIND: Final = "Protocols (*.toml)"
_TALL: Final = 640  # px of the text


class _TallText(QPlainTextEdit):
    """The style sheet sets the least height of texts, so the wanted one is told here."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _TALL)


class ProtocolPage(QWidget):
    """Written here, stored with the study."""

    left = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._locked_by = ""  # the hash of the PIN, as it is to be stored
        self.form = ProtocolForm(context.theme)
        self.text = _TallText()
        self.text.setAccessibleName("The protocol as TOML")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.view = Segments(VIEWS)
        self.view.setAccessibleName("How the protocol is shown")
        self.told = label("", "muted", wrap=True)
        self.trouble = label("", "bad", wrap=True)
        self.lines = ReadingTable("What simulated labelers went through", _HEADS, 0)
        self.doubts = label("", wrap=True)
        self.rehearsal = Card("A rehearsal by simulated labelers")
        self.pin = QLineEdit()
        self.pin.setEchoMode(QLineEdit.EchoMode.Password)
        self.pin.setPlaceholderText("4 characters or more")
        self.pin.setAccessibleName("PIN that leaves the labelers' screen")
        self.locked = label("", "muted", wrap=True)
        self.set_pin = button("Set PIN", self._set_pin)
        self.unlock = button("Remove", self._remove_pin, "quiet")
        self.follow = button("&Follow it from now on", self._follow, "primary")
        self.rehearse = button("&Rehearse", self._rehearse)
        self.none = button("Follow none", self._follow_none, "quiet")
        context.guard.add(self.follow, self.none)
        self._written = Card()  # the text
        self._lay_out()
        self._show_view("form")
        self.view.picked.connect(self._turn)
        self.form.changed.connect(self._check)
        self.text.textChanged.connect(self._check)
        self.setFocusProxy(self.form.title)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Another study is open: nothing of what was written goes on into it."""
        self._show_read(operations.unread())

    def open_protocol(self) -> None:
        """Show what the open study follows."""
        study = self._context.study
        if study is not None:
            self._context.ask(
                lambda: operations.read_shown(study),
                self._show_read,
                owner=self,
                what="Reading the protocol",
                failed=self._complain,
            )

    def protocol(self) -> Protocol:
        """What is written now.

        Raises:
            InputError: it cannot be followed.
        """
        if self.view.current == "toml":
            found = parse_protocol(self.text.toPlainText())
        else:
            found = operations.from_values(self.form.values())
        return found.model_copy(update={"locked_by": self._locked_by})

    def show_protocol(self, protocol: Protocol) -> None:
        """Fill form and text."""
        self._locked_by = protocol.locked_by
        self.form.show_values(protocol.model_dump(mode="json"))
        self.text.setPlainText(protocol.without_pin().toml())
        self._show_lock()
        self._check()

    def _show_read(self, shown: operations.ProtocolShown) -> None:
        words = self._context.words
        self.form.offer(shown.embeddings, words)
        self.means.setText(words.told(REHEARSED_MEANS))
        self.lines.setHorizontalHeaderLabels([one_line(words.told(head)) for head in _HEADS])
        self.told.setText(" ".join(filter(None, (shown.told, shown.checks))))
        self.none.setVisible(shown.followed)
        self.rehearsal.hide()
        self._show_view("form")
        self.show_protocol(shown.protocol)

    def _turn(self, view: str) -> None:
        """Show the other side with what was written on this one; stay if that cannot be read."""
        other = "form" if view == "toml" else "toml"
        self.view.settle(other)
        try:
            protocol = self.protocol()
        except InputError as error:
            self._complain(error)
            return
        self.show_protocol(protocol)
        self._show_view(view)

    def _show_view(self, view: str) -> None:
        self.view.settle(view)
        self.form.setVisible(view == "form")
        self._written.setVisible(view == "toml")

    def _complain(self, trouble: Exception | str) -> None:
        """Say what is wrong, above the buttons; "" where nothing is."""
        self.trouble.setText(str(trouble))
        self.trouble.setVisible(bool(str(trouble)))

    def _check(self) -> None:
        """Say at once what is wrong with it."""
        try:
            self.protocol()
            told = ""
        except InputError as error:
            told = str(error).removesuffix(" Nothing was changed.")
        self._complain(told)
        for control in (self.follow, self.rehearse):
            control.setEnabled(not told)

    def _follow(self) -> None:
        study = self._context.study
        if study is not None:
            protocol = self.protocol()
            self._context.write(
                lambda: operations.follow(study, protocol),
                lambda _: self.left.emit(),
                owner=self,
                what="Saving the protocol",
                failed=self._complain,
            )

    def _follow_none(self) -> None:
        study = self._context.study
        if study is not None:
            self._context.write(
                lambda: operations.follow_none(study),
                lambda _: self.left.emit(),
                owner=self,
                what="Saving the protocol",
            )

    def _rehearse(self) -> None:
        study = self._context.study
        if study is None:
            return
        self.rehearsal.hide()
        job = self._context.jobs.start(
            operations.rehearsed(study, self.protocol()),
            "Rehearsing the protocol",
            owner=self,
            events=self._take,
        )
        job.failed.connect(self._complain)

    def _take(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, Done):
                self._show_rehearsal(event.value)

    def _show_rehearsal(self, shown: operations.RehearsalShown) -> None:
        """What the command line tells, in a card, and in sight."""
        self.lines.show_lines(shown.lines)
        high = self.lines.horizontalHeader().sizeHint().height()
        high += sum(map(self.lines.rowHeight, range(len(shown.lines))))
        self.lines.setFixedHeight(high + 2 * self.lines.frameWidth() + 2)
        told = [f"Doubt: {sentence}" for sentence in shown.doubts]
        self.doubts.setText("\n".join(told) or "Nothing about it is in doubt.")
        self.rehearsal.show()
        QTimer.singleShot(0, self.rehearsal, self._bring_rehearsal)

    def _bring_rehearsal(self) -> None:
        self._scroll.ensureWidgetVisible(self.rehearsal)

    def _set_pin(self) -> None:
        try:
            locked = self.protocol().with_pin(self.pin.text())
        except InputError as error:
            self._complain(error)
            return
        self._locked_by = locked.locked_by
        self._show_lock()

    def _remove_pin(self) -> None:
        self._locked_by = ""
        self._show_lock()

    def _show_lock(self) -> None:
        self.pin.clear()
        locked = bool(self._locked_by)
        self.locked.setText(
            "Labelers work on a full screen that only the PIN leaves. Of the PIN only a hash is "
            "kept: whoever forgets it makes a new one here."
            if locked
            else "Without a PIN anybody can leave a session, on the card that a pause brings."
        )
        self.set_pin.setText("Change PIN" if locked else "Set PIN")
        self.unlock.setVisible(locked)

    def _choose_import(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "A protocol", "", _KIND)
        if chosen:
            self._import(Path(chosen))

    def _choose_export(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Export", "protocol.toml", _KIND)
        if chosen:
            self._export(Path(chosen))

    def _import(self, file: Path) -> None:
        try:
            protocol = read_protocol(file)
        except InputError as error:
            self._complain(error)
            return
        self.show_protocol(protocol.model_copy(update={"locked_by": self._locked_by}))

    def _export(self, path: Path) -> None:
        try:
            protocol = self.protocol()
            text = protocol.without_pin().toml()
            write_named(path, lambda beside: put_text(beside, text))
        except (InputError, OSError) as error:
            self._context.report(error)
            return
        self._context.message(f"Wrote {path.name}.", "good")

    def _lay_out(self) -> None:
        bring = button("Import…", self._choose_import)
        give = button("Export…", self._choose_export)
        lock = Card("A locked screen for labelers")
        lock.body.addWidget(self.locked)
        lock.body.addLayout(columns(self.pin, self.set_pin, self.unlock, None))
        self.pin.setMinimumWidth(240)
        self._written.body.addWidget(self.text)
        self.rehearsal.body.addWidget(self.lines)
        self.means = label(REHEARSED_MEANS, "small", wrap=True)
        self.rehearsal.body.addWidget(self.means)
        self.rehearsal.body.addWidget(self.doubts)
        self.rehearsal.hide()
        content = rows(
            columns(label("Protocol", "title"), None, self.view),
            self.told,
            GRID,
            self.form,
            self._written,
            GRID,
            lock,
            GRID,
            self.rehearsal,
            None,
        )
        doing = columns(
            self.follow, self.rehearse, bring, give, None, self.none,
            button("Back", self.left.emit),
        )  # fmt: skip
        # always there, however far the form is scrolled
        foot = frame("footer", rows(self.trouble, doing))
        foot.setContentsMargins(4 * GRID, GRID, 4 * GRID, GRID)
        self._scroll = ScrollPage(content, 960)
        layout = rows(self._scroll, foot, gap=0)
        layout.setStretch(0, 1)
        self.setLayout(layout)
