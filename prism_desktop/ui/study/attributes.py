"""The attributes card: what is judged, with questions, scale labels and templates."""

from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.study.questions import joined, own_wording, question_for
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    AttributeRecord,
    Kind,
)
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import (
    GRID,
    IconButton,
    button,
    chip,
    clear,
    columns,
    label,
    line,
    rows,
)
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import Field, text_field

KINDS: tuple[Kind, ...] = ("rating", "comparison")


class AttributeForm(QWidget):
    """A new attribute, or the changeable parts of one."""

    def __init__(self, card: "AttributesCard", record: AttributeRecord | None) -> None:
        """Name, question, the four scale labels in a row, the templates, and the buttons.

        The name of an attribute that exists cannot be changed, so the focus goes to the question
        there. Tab leaves the templates instead of being written into them.
        """
        super().__init__()
        self._card, self._new = card, record is None
        words = self._words = card.words
        record = record or AttributeRecord("", templates=words.templates)
        name_field, self.name = text_field(
            "Nam&e", record.name, "trustworthy", "One word; fixed for good."
        )
        self.name.setEnabled(self._new)
        rated, compared = (own_wording(record.question, kind) for kind in KINDS)
        question_field, self.question = text_field(
            f"&Question for one {words.one}", rated, words.rating_question("trustworthy")
        )
        compared_field, self.compared = text_field(
            f"Question for &two {words.many}",
            compared,
            words.comparing_question("more trustworthy"),
        )
        self.scale = [QLineEdit(text) for text in record.scale_labels or DEFAULT_SCALE]
        scale = QWidget()
        scale.setLayout(columns(*self.scale))
        scale.setFocusProxy(self.scale[0])
        for number, editor in enumerate(self.scale, start=1):
            editor.setAccessibleName(f"Scale label {number}")
        self.templates = QPlainTextEdit("\n".join(record.templates or words.templates))
        self.templates.setTabChangesFocus(True)
        self.templates.setFixedHeight(112)
        self.save = button("Add attribute" if self._new else "Save", self._save, "primary")
        card.guard(self.save)
        self.setLayout(
            rows(
                name_field,
                columns(question_field, compared_field, gap=2 * GRID),
                Field("Scale labels, 1 to 4", scale),
                Field(
                    "&Templates for the text model",
                    self.templates,
                    "One a line; {} stands for the name.",
                ),
                columns(self.save, button("Cancel", card.close_form), None),
                gap=12,
            )
        )

    def begin(self) -> None:
        """Typing begins here."""
        (self.name if self._new else self.question).setFocus()

    def _save(self) -> None:
        """Hand the form to the card; without a name nothing is saved.

        Scale labels and templates that were left empty become the usual ones, for an attribute must
        have all of them.
        """
        name = self.name.text().strip()
        templates = tuple(
            text.strip() for text in self.templates.toPlainText().splitlines() if text.strip()
        )
        labels = tuple(
            editor.text().strip() or fallback
            for editor, fallback in zip(self.scale, DEFAULT_SCALE, strict=True)
        )
        if not name:
            self.name.setFocus()
            return
        question = joined(self.question.text(), self.compared.text())
        record = AttributeRecord(name, question, labels, templates or self._words.templates)
        self._card.save(self._new, record)


class AttributesCard(Card):
    """A row for each attribute; the form opens in place."""

    def __init__(self, context: AppContext) -> None:
        self.add = button("Add attribute", self.open_form)
        super().__init__("Attributes", self.add)
        self._context = context
        self.guard(self.add)
        self._form_holder = QVBoxLayout()
        self.body.addLayout(self._form_holder)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.body.addLayout(self._rows)
        self.form: AttributeForm | None = None

    @property
    def words(self) -> StimulusWords:
        """For what the study holds."""
        return self._context.words

    def show_attributes(self, attributes: tuple[AttributeRecord, ...]) -> None:
        """Fill the rows."""
        clear(self._rows)
        for number, attribute in enumerate(attributes):
            if number:
                self._rows.addWidget(line())
            self._rows.addWidget(self._row(attribute))

    def open_form(self, record: AttributeRecord | None = None) -> None:
        """Open the form in place, for a new attribute or for `record`."""
        self.close_form()
        self.form = AttributeForm(self, record)
        self._form_holder.addWidget(self.form)
        self.form.begin()  # shown only now, it takes the focus

    def close_form(self) -> None:
        self.form = None
        clear(self._form_holder)
        self.add.setFocus()

    def guard(self, *controls: QWidget) -> None:
        """Disable these where the study may only be read."""
        self._context.guard.add(*controls)

    def save(self, new: bool, record: AttributeRecord) -> None:
        """Write the form's content; the form closes when it is stored."""
        study = self._context.study
        if study is None:
            return
        operation = operations.add_attribute if new else operations.update_attribute
        self._context.write(
            lambda: operation(study, record),
            lambda _: self.close_form(),
            owner=self,
            what="Saving the attribute",
        )

    def _confirm(self, name: str) -> None:
        study = self._context.study
        if study is not None:
            self._context.write(
                lambda: operations.confirm_attribute(study, name),
                lambda _: self._context.message(f"Training learns {name} from now on.", "good"),
                owner=self,
                what="Saving the attribute",
            )

    def _row(self, attribute: AttributeRecord) -> QFrame:
        """The name above its question, which has the spare width, and the pencil at the right."""
        row = QFrame()
        row.setProperty("role", "row")
        edit = IconButton(
            self._context.theme,
            "pencil",
            f"Edit {attribute.name}",
            lambda: self.open_form(attribute),
        )
        self.guard(edit)
        asked = "\n".join(question_for(attribute, kind, self.words) for kind in KINDS)
        question = label(asked, "small", wrap=True)
        unconfirmed = not getattr(attribute, "confirmed", True)
        if unconfirmed:
            name = columns(label(attribute.name, "strong"), chip("not confirmed", "warn"), None)
            hint = label(
                "An import guessed that this is a judgment; training leaves it out until you "
                "confirm it.",
                "small",
                wrap=True,
            )
            confirm = button("Confirm", lambda: self._confirm(attribute.name))
            self.guard(confirm)
            confirm.setAccessibleName(f"Confirm that {attribute.name} is a judgment")
            text = rows(name, question, hint, gap=2)
            layout = columns(text, confirm, edit, gap=GRID)
        else:
            text = rows(label(attribute.name, "strong"), question, gap=2)
            layout = columns(text, edit, gap=2 * GRID)
        layout.setStretch(0, 1)
        layout.setContentsMargins(0, GRID + 4, 0, GRID + 4)
        row.setLayout(layout)
        return row
