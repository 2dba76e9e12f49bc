"""The new-study page: a study from a folder of images, or from a file of texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QStandardPaths, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.foreign_files import is_file, is_folder
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.named_lists import listed_names
from prism_desktop.engine.paths import typed
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.stimulus_words import FACES, TEXTS, StimulusKind, words_for
from prism_desktop.ui import operations, text_operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.job import Job
from prism_desktop.ui.widgets.basics import GRID, button, chip, clear, columns, label, rows
from prism_desktop.ui.widgets.cards import Card, ScrollPage
from prism_desktop.ui.widgets.fields import file_field, folder_field, text_field
from prism_desktop.ui.widgets.pickers import Segments

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.texts.text_preview import ColumnOfTexts

_ALL_INSIDE = (
    "Every answer, image and model of the study lives in one folder that you can move or copy."
)
_IMAGES_OUTSIDE = (
    "Every answer and model of the study lives in one folder that you can move or copy. The images "
    "stay where they are; if they move, the study asks where to."
)

_TEXTS_INSIDE = "Every answer, text and model of the study lives in one folder that you can move."
_TEXT_FILES = (
    "Tables of texts (*.csv *.tsv *.txt *.xlsx *.xlsm *.ods *.sav *.dta *.parquet *.json *.jsonl "
    "*.ndjson);;All files (*)"
)


@dataclass(frozen=True, slots=True)
class NewStudy:
    """What the form asks for."""

    folder: Path  # NAME.prism, not there yet
    name: str
    images: Path | None
    attributes: tuple[str, ...]
    copy: bool
    texts: Path | None = None
    kind: StimulusKind | None = None


def studies_folder() -> Path:
    """Where studies go unless the user says otherwise."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(documents or Path.home()) / "PRISM"


def free_folder(parent: Path, name: str) -> Path:
    """`parent`/NAME.prism, or with a number if that is taken."""
    folder, number = parent / f"{name}.prism", 2
    while folder.exists():
        folder, number = parent / f"{name} {number}.prism", number + 1
    return folder


def split_names(text: str) -> tuple[str, ...]:
    """Attribute names of a comma-separated line, each once, in order."""
    return tuple(dict.fromkeys(listed_names(text)))


class NewStudyPage(QWidget):
    """Folder of images or file of texts, name, place, attributes."""

    made = Signal(object)  # NewStudy
    left = Signal()

    def __init__(self, context: AppContext) -> None:
        """The fields and buttons, which `_lay_out` places.

        The images are counted only when typing pauses, so that half-typed folders are not searched.
        """
        super().__init__()
        self._context = context
        self.images_field, self.images = folder_field(
            "&Images", "Folder of images", "A folder, with its subfolders"
        )
        self.kind = Segments({"image": "Images", "text": "Texts"})
        self.texts_field, self.texts = file_field(
            "&Texts",
            "File of texts",
            _TEXT_FILES,
            "A table, CSV or JSON lines",
        )
        self.name_field, self.name = text_field("Study &name", "", "Faces 2026")
        self.place_field, self.place = folder_field("&Place", "Where the study is kept")
        self.attributes_field, self.attributes = text_field(
            "&Attributes",
            ", ".join(FACES.attributes),
            "attractive, smart",
            "What is judged; separated by commas.",
        )
        self.chips = QHBoxLayout()
        self.copy = QCheckBox(
            "&Copy the images into the study (otherwise they stay where they are)"
        )
        self.where = label("", "muted", wrap=True)
        self.copy.toggled.connect(lambda _: self._tell_where())
        self.create_button = button("Create study", self._create, "primary")
        self.cancel = button("Cancel", self.left.emit)
        self._counting: Job | None = None
        self._making = False
        self._count_later = QTimer(self)
        self._count_later.setSingleShot(True)
        self._count_later.setInterval(250)
        self._lay_out()
        self._connect()
        self.reset()

    def reset(self) -> None:
        """Empty the form."""
        self.images.clear()
        self.texts.clear()
        for field in (self.images_field, self.texts_field):
            field.say("")
        self.name.clear()
        self.place.setText(str(studies_folder()))
        self.attributes.setText(", ".join(FACES.attributes))
        self.copy.setChecked(False)
        self._named = False
        self.of("image")
        self.wait(False)

    def of(self, kind: StimulusKind) -> None:
        """Ask for a folder of images or a file of texts; attributes that nobody typed follow."""
        self.kind.settle(kind)
        texts, words = kind == "text", words_for(kind)
        for part in (self.images_field, self.copy):
            part.setVisible(not texts)
        self.texts_field.setVisible(texts)
        self.name.setPlaceholderText("Replies 2026" if texts else "Faces 2026")
        if split_names(self.attributes.text()) in (FACES.attributes, TEXTS.attributes):
            self.attributes.setText(", ".join(words.attributes))
        self.attributes.setPlaceholderText(", ".join(words.attributes[:2]))
        self.setFocusProxy(self.texts if texts else self.images)
        self._tell_where()

    def _tell_where(self) -> None:
        """What lies in the study's folder, which depends on whether the images do."""
        told = _ALL_INSIDE if self.copy.isChecked() else _IMAGES_OUTSIDE
        self.where.setText(_TEXTS_INSIDE if self.kind.current == "text" else told)

    def _lay_out(self) -> None:
        """A heading and one card: images, name, place, attributes with their chips, buttons."""
        card = self._card = Card()
        card.body.addWidget(self.kind)
        card.body.addSpacing(GRID + 4)
        stimuli = QWidget()
        stimuli.setLayout(rows(self.images_field, self.texts_field, gap=0))
        for part in (stimuli, self.name_field, self.place_field, self.attributes_field):
            card.body.addWidget(part)
            card.body.addSpacing(GRID + 4)
        card.body.addLayout(self.chips)
        card.body.addSpacing(GRID)
        card.body.addWidget(self.copy)
        card.body.addSpacing(GRID)
        card.body.addLayout(columns(self.create_button, self.cancel, None))
        content = rows(
            3 * GRID,
            label("New study", "title"),
            self.where,
            GRID,
            card,
            None,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrollPage(content, 720))

    def _connect(self) -> None:
        self.kind.picked.connect(lambda kind: self.of("text" if kind == "text" else "image"))
        self.images.textChanged.connect(self._images_changed)
        self.texts.textChanged.connect(self._texts_changed)
        self.name.textEdited.connect(self._name_edited)
        for editor in (self.name, self.place, self.attributes):
            editor.textChanged.connect(self._check)
        self._count_later.timeout.connect(self._count)
        for editor in (self.images, self.texts, self.name, self.place, self.attributes):
            editor.returnPressed.connect(self._create)

    def _name_edited(self) -> None:
        self._named = True

    def _images_changed(self, text: str) -> None:
        if not self._named and text.strip():
            self.name.setText(Path(text.strip()).name)
        self._stop_counting()
        self.images_field.say("")  # what is there was said of another folder
        self._count_later.start()
        self._check()

    def _texts_changed(self, text: str) -> None:
        if not self._named and text.strip():
            self.name.setText(Path(text.strip()).stem)
        self.texts_field.say("")
        self._count_later.start()
        self._check()

    def _look_at_texts(self) -> None:
        """Say what the columns of the file are taken for, once typing pauses."""
        typed_file = self.texts.text().strip()
        file = Path(typed_file)
        if not typed_file:
            self.texts_field.say("")
        elif not is_file(file):
            self.texts_field.say("There is no such file.", bad=True)
        else:
            self._context.ask(
                lambda: texts_words(text_operations.look_at_texts(file)),
                self.texts_field.say,
                owner=self,
                what="Looking at the texts",
                topic="texts",
                failed=lambda error: self.texts_field.say(str(error), bad=True),
            )

    def _count(self) -> None:
        if self.kind.current == "text":
            self._look_at_texts()
            return
        self._stop_counting()
        folder = Path(self.images.text().strip())
        if not self.images.text().strip():
            self.images_field.say("")
        elif not is_folder(folder):
            self.images_field.say("There is no such folder.", bad=True)
        else:
            work = operations.count_images(folder)
            job = self._context.jobs.start(work, "Counting images", quiet=True, owner=self)
            job.events.connect(lambda events: self._counted(job, events))
            self._counting = job

    def _counted(self, job: Job, events: list[Any]) -> None:
        if job is not self._counting:
            return
        for event in events:
            if isinstance(event, Progress):
                looked = f" among {counted(event.done, 'file')}" if event.done else ""
                self.images_field.say(f"Counting images{looked}…")
            if isinstance(event, Done):
                self._counting = None
                self.images_field.say(
                    f"{counted(event.value, 'image')} found.", bad=event.value == 0
                )

    def _stop_counting(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None

    def wait(self, making: bool) -> None:
        """While the study is being made, nothing else can be asked for."""
        self._making = making
        self._card.setEnabled(not making)
        self._check()

    def _check(self) -> None:
        names = split_names(self.attributes.text())
        clear(self.chips)
        for name in names[:8]:
            self.chips.addWidget(chip(name, "accent"))
        self.chips.addStretch(1)
        self.create_button.setEnabled(
            bool(self.name.text().strip() and self.place.text().strip() and names)
        )

    def _create(self) -> None:
        """Ask for the study as the form describes it.

        Return in a field leads here too, so the button's state is checked first. What file names
        cannot hold is replaced in the folder's name alone; the study keeps the name as typed.
        """
        if not self.create_button.isEnabled():
            return
        of_texts = self.kind.current == "text"
        images = "" if of_texts else self.images.text().strip()
        texts = self.texts.text().strip() if of_texts else ""
        if images and not is_folder(images):
            self.images_field.say("There is no such folder.", bad=True)
            return
        if texts and not is_file(texts):
            self.texts_field.say("There is no such file.", bad=True)
            return
        name = self.name.text().strip()
        safe = "".join("-" if each in '\\/:*?"<>|' else each for each in name)
        folder = free_folder(typed(self.place.text().strip()), safe)
        self.made.emit(
            NewStudy(
                folder,
                name,
                Path(images) if images else None,
                split_names(self.attributes.text()),
                self.copy.isChecked(),
                Path(texts) if texts else None,
                "text" if of_texts else None,
            )
        )


def texts_words(columns: Sequence["ColumnOfTexts"]) -> str:
    """What the columns of a table of texts are taken for, in a sentence."""
    known = [
        f"{each.role} “{each.name}”" for each in columns if each.role not in ("fact", "ignore")
    ]
    facts = [f"“{each.name}”" for each in columns if each.role == "fact"]
    if not any(each.role == "text" for each in columns):
        return "No column is called “text”; which one it is, you say once the study is made."
    told = f"Columns: {', '.join(known)}."
    return f"{told} Kept as facts: {few(facts, 5)}." if facts else told
