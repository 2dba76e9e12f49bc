"""The overview page of an open study: counts, labelers, attributes, imports, files."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from prism_desktop.engine.plain_text import dated
from prism_desktop.engine.study.lacks import to_label
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import one_line
from prism_desktop.ui.qt_images import squared
from prism_desktop.ui.study.attributes import AttributesCard
from prism_desktop.ui.study.face_strip import LARGE, SIDE, FaceSheet, FaceStrip
from prism_desktop.ui.study.import_form import ImportCard
from prism_desktop.ui.study.labelers import LabelersCard
from prism_desktop.ui.study.own_texts import OwnTextsCard
from prism_desktop.ui.study.preferred_replies import PreferredRepliesCard
from prism_desktop.ui.study.reports import ImportsCard
from prism_desktop.ui.study.storage import StorageCard
from prism_desktop.ui.widgets.basics import (
    GRID,
    Icon,
    button,
    chip,
    clear,
    columns,
    frame,
    label,
    restyle,
    rows,
)
from prism_desktop.ui.widgets.cards import ScrollPage, number_card
from prism_desktop.ui.widgets.possible import allow

NARROW = 1080  # px; below, cards stand in one column
ROOMY = (1800, 1150)  # px, width and height from which on the cards leave half of the page empty
FEW = 8  # faces of the strip


class OverviewPage(QWidget):
    """One scrolling page of cards."""

    closed = Signal()

    def __init__(self, context: AppContext) -> None:
        """The parts of the page, which `_lay_out` places and `show_overview` fills.

        The focus goes to Start labeling, the usual next step.
        """
        super().__init__()
        self._context = context
        self.name = label("", "title")
        self.since = label("", "small")
        self.origin = label("", "notice", wrap=True)
        self.lack = label("", "notice", wrap=True)
        self.lack.hide()
        self.passed_over = label("", wrap=True)
        self.check = button("Chec&k the study…", self._check)
        self.chips = QHBoxLayout()
        self.faces, self.sheet = FaceStrip(), FaceSheet()
        self.sheet.hide()
        self._samples: list[Path] = []
        self.numbers = QHBoxLayout()
        self.numbers.setSpacing(2 * GRID)
        self.importing = ImportCard(context)
        self.labelers = LabelersCard(context)
        self.attributes = AttributesCard(context)
        self.own_texts = OwnTextsCard(context)
        self.preferred = PreferredRepliesCard(context)
        self.imports = ImportsCard(context)
        self.storage = StorageCard(context)
        self.start = button(
            "Start &labeling", lambda: context.panel_wanted.emit("label"), "primary"
        )
        self.bring = button("&Import…", self._show_import)
        self.close_button = button("&Close study", self.closed.emit, "quiet")
        context.guard.add(self.bring)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(ScrollPage(self._lay_out(), 2400))
        # below what scrolls: it may come at any time, and nothing on the page moves for it
        layout.addWidget(self._alert)
        self.setFocusProxy(self.start)

    def show_overview(self, overview: operations.Overview) -> None:
        """Fill the page."""
        info = overview.info
        self.name.setText(info.name)
        self.since.setText(made(info.created))
        origin = self._context.origin
        self.origin.setText(f"This study is new here. {origin.sentence()}" if origin else "")
        self.origin.setVisible(origin is not None and origin.foreign)
        self._show_lack(overview)
        self.passed_over.setText(passed_over_text(overview.passed_over))
        self.show_alert(bool(overview.passed_over))
        clear(self.chips)
        if info.simulated:
            self.chips.addWidget(chip("simulated labelers", "accent"))
        if info.read_only:
            self.chips.addWidget(chip("read-only", "warn"))
        clear(self.numbers)
        for value, what in (
            (info.images, info.words.kept_many if info.kind == "image" else info.words.many),
            (info.labelers, "labelers"),
            (info.attributes, "attributes"),
            (info.comparison_trials, "comparison trials"),
            (info.rating_trials, "rating trials"),
        ):
            self.numbers.addWidget(number_card(f"{value:,}", what))
        self.importing.use_words(info.words)
        self.labelers.show_labelers(overview.labelers, info.progress, overview.targets)
        self.attributes.show_attributes(overview.attributes)
        self.own_texts.show_study(info.own_texts, overview.labelers)
        self.preferred.show_overview(overview)
        self.imports.show_imports(overview.imports)
        self.storage.show_overview(overview)
        self.faces.setAccessibleName(one_line(info.words.told("A few of the study's faces")))
        self._samples = [image.path for image in overview.samples]
        self._load_faces(self._samples[:FEW], SIDE, self.faces.set_images, "faces")
        self._show_sheet(anew=True)

    def open_form(self, name: str) -> None:
        """Open what brings something in, unless somebody writes there already."""
        if name == "bring":
            self._show_import()
        for of, card in (("labeler", self.labelers), ("attribute", self.attributes)):
            if name == of and card.form is None:
                card.open_form()

    def _show_lack(self, overview: operations.Overview) -> None:
        """Nothing can be labeled without images or attributes; then Import is the next step."""
        lack = to_label(
            images=overview.info.images,
            attributes=len(overview.attributes),
            words=overview.info.words,
        )
        allow("" if lack is None else lack.why, self.start, told=self.lack)
        first = self.bring if lack is not None and lack.step == "images" else self.start
        restyle(self.bring, variant="primary" if first is self.bring else "")
        self.setFocusProxy(first)

    def begin_anew(self) -> None:
        """The study is closed: nothing typed, chosen or unfolded goes on into another one."""
        self.labelers.begin_anew()
        self.attributes.close_form()
        self.importing.begin_anew()
        self.preferred.begin_anew()
        self.storage.format.setCurrentIndex(0)
        self.storage.with_stimuli.setChecked(False)
        self.imports.open.clear()

    def show_alert(self, shown: bool) -> None:
        """Show or hide what is said of things that cannot be read."""
        self._alert.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if self._body.direction() != direction:
            self._body.setDirection(direction)
        self.faces.setVisible(not narrow)
        self._show_sheet()

    def _show_sheet(self, *, anew: bool = False) -> None:
        """Fill a large window with faces; they are read only where they are shown."""
        shown = self.width() >= ROOMY[0] and self.height() >= ROOMY[1] and bool(self._samples)
        if shown and (anew or self.sheet.isHidden()):
            self._load_faces(self._samples, LARGE, self.sheet.set_images, "sheet")
        self.sheet.setVisible(shown)

    def _load_faces(
        self, paths: list[Path], side: int, show: Callable[[list[QImage]], None], topic: str
    ) -> None:
        if not paths:  # of a study of texts, or an empty one
            show([])
            return
        pixels = round(side * self.devicePixelRatioF())
        self._context.ask(
            lambda: [squared(path, pixels) for path in paths],
            show,
            owner=self,
            what="Reading the images",
            topic=topic,
        )

    def _lay_out(self) -> QVBoxLayout:
        title = rows(columns(self.name, self.chips, None), self.since, gap=4)
        header = columns(title, None, self.faces, GRID, self.close_button, self.bring, self.start)
        left = rows(self.labelers, self.imports, None, gap=2 * GRID)
        right = rows(self.attributes, self.storage, None, gap=2 * GRID)
        self._body = columns(_holder(left), _holder(right), gap=2 * GRID)
        self._body.setStretch(0, 7)
        self._body.setStretch(1, 5)
        alert = columns(
            Icon(self._context.theme, "warning", 18, "warn"), self.passed_over, self.check
        )
        alert.setStretch(1, 1)
        alert.setContentsMargins(2 * GRID, 4, GRID, 4)
        self._alert = frame("message", alert)
        self._alert.setProperty("kind", "warn")
        self._alert.hide()
        parts = (
            header,
            self.origin,
            self.lack,
            GRID,
            self.numbers,
            self.importing,
            self.preferred,
            self._body,
            self.own_texts,
            self.sheet,
            None,
        )
        return rows(*parts, gap=2 * GRID)

    def _check(self) -> None:
        study = self._context.study
        if study is not None:
            self._context.check_wanted.emit(Path(study.path))

    def _show_import(self) -> None:
        self.importing.show()
        self.importing.pick.setFocus()


def passed_over_text(sentences: Sequence[str]) -> str:
    """What of the study cannot be read, the first of it named."""
    more = len(sentences) - 3
    told = " ".join(sentences[:3]) + (f" And {more:,} more." if more > 0 else "")
    return f"Passed over, since it cannot be read: {told} Everything else is shown."


def made(created: float) -> str:
    """The day on which the study was made; `created` in unix s."""
    return f"Made {dated(created, '%d %B %Y').lstrip('0')}"


def _holder(layout: QVBoxLayout) -> QFrame:
    holder = QFrame()
    holder.setLayout(layout)
    return holder
