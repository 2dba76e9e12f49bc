"""The labelers card: who they are and how far each is."""

from collections.abc import Mapping

from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from prism_desktop.engine.study.records import Kind, LabelerProgress, LabelerRecord
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.retest import repeats_alike
from prism_desktop.ui.widgets.basics import GRID, button, clear, columns, label, rows
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field, text_field
from prism_desktop.ui.widgets.labeler_list import LabelerList, labeler_lines
from prism_desktop.ui.widgets.possible import allow

_SHOWN = 12  # rows


class LabelerForm(QWidget):
    """A new labeler, or the changeable parts of one."""

    def __init__(self, card: "LabelersCard", record: LabelerRecord | None) -> None:
        """Code and name on one line, the profile, and the buttons.

        The code of a labeler who exists cannot be changed, so the focus goes to the name there.
        Return in either line saves.
        """
        super().__init__()
        self._card, self._record = card, record
        code_field, self.code = text_field(
            "C&ode", record.code if record else "", "L1", "Short, and fixed for good."
        )
        self.code.setEnabled(record is None)
        name_field, self.name = text_field(
            "Display na&me", record.display_name if record else "", "Ada", "Optional."
        )
        self.profile = QPlainTextEdit(record.profile if record else "")
        self.profile.setFixedHeight(72)
        self.profile.setTabChangesFocus(True)
        self.profile.setPlaceholderText(
            "Anything that methods may read about this person; optional."
        )
        self.save = button("Save" if record else "Add labeler", self._save, "primary")
        card.guard(self.save)
        top = columns(code_field, name_field, gap=2 * GRID)
        top.setStretch(1, 2)
        self.setLayout(
            rows(
                top,
                Field("Pro&file", self.profile),
                columns(self.save, button("Cancel", card.close_form), None),
                gap=12,
            )
        )
        for editor in (self.code, self.name):
            editor.returnPressed.connect(self._save)

    def begin(self) -> None:
        """Typing begins here."""
        (self.code if self._record is None else self.name).setFocus()

    def _save(self) -> None:
        code, name, profile = (
            self.code.text().strip(),
            self.name.text().strip(),
            self.profile.toPlainText().strip(),
        )
        if not code:
            self.code.setFocus()
            return
        self._card.save(self._record is None, code, name, profile)


class LabelersCard(Card):
    """The list of labelers; the form opens in place."""

    def __init__(self, context: AppContext) -> None:
        self.add = button("Add labeler", self.open_form)
        self.edit = button("Edit labeler", self._edit)
        super().__init__("Labelers", self.edit, self.add)
        self._context = context
        self.guard(self.add, self.edit)
        self._form_holder = QVBoxLayout()
        self.body.addLayout(self._form_holder)
        self.list = LabelerList(context.theme, _SHOWN)
        self.list.opened.connect(lambda _: self._edit())
        self.list.chosen.connect(lambda _: self._check())
        self.nobody = label(
            "No one yet. Add the first labeler, then label in the Label panel.", "muted"
        )
        self.body.addWidget(self.nobody)
        self.body.addWidget(self.list)
        self._records: dict[str, LabelerRecord] = {}
        self.form: LabelerForm | None = None

    def show_labelers(
        self,
        labelers: tuple[LabelerRecord, ...],
        progress: tuple[LabelerProgress, ...],
        targets: Mapping[Kind, int],
    ) -> None:
        """Fill the list; `targets` has the trials of each task that a labeler is asked for."""
        self._records = {each.code: each for each in labelers}
        self.list.show_lines(labeler_lines(labelers, progress), targets)
        self.nobody.setVisible(not labelers)
        self.list.setVisible(bool(labelers))
        self.edit.setVisible(bool(labelers))
        self._check()
        if any(each.repeats for each in progress):
            self._find_alike()

    def open_form(self, record: LabelerRecord | None = None) -> None:
        """Open the form in place, for a new labeler or for `record`."""
        self.close_form()
        self.form = LabelerForm(self, record)
        self._form_holder.addWidget(self.form)
        self.form.begin()  # shown only now, it takes the focus

    def close_form(self) -> None:
        self.form = None
        clear(self._form_holder)
        self.add.setFocus()

    def begin_anew(self) -> None:
        """Another study is open: nothing that was typed or chosen goes on into it."""
        self.close_form()
        self.list.begin_anew()

    def guard(self, *controls: QWidget) -> None:
        """Disable these where the study may only be read."""
        self._context.guard.add(*controls)

    def save(self, new: bool, code: str, name: str, profile: str) -> None:
        """Write the form's content; the form closes when it is stored."""
        study = self._context.study
        if study is None:
            return
        operation = operations.add_labeler if new else operations.update_labeler
        self._context.write(
            lambda: operation(study, code, name, profile),
            lambda _: self.close_form(),
            owner=self,
            what="Saving the labeler",
        )

    def _find_alike(self) -> None:
        study = self._context.study
        if study is not None:
            self._context.ask(
                lambda: repeats_alike(study), self.list.show_alike, owner=self,
                what="Comparing repeated answers", topic="repeats alike",
            )  # fmt: skip

    def _check(self) -> None:
        allow("" if self.list.code else "Choose a labeler of the list first.", self.edit)

    def _edit(self) -> None:
        record = self._records.get(self.list.code or "")
        if record is not None and self.edit.isEnabled():
            self.open_form(record)
