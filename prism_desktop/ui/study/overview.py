"""The overview page of an open study: counts, labelers, attributes, imports, files."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from prism_desktop.engine.plain_text import dated
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.qt_images import squared
from prism_desktop.ui.study.attributes import AttributesCard
from prism_desktop.ui.study.face_strip import SIDE, FaceStrip
from prism_desktop.ui.study.import_form import ImportCard
from prism_desktop.ui.study.labelers import LabelersCard
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
    rows,
)
from prism_desktop.ui.widgets.cards import ScrollPage, number_card

NARROW = 1080  # px; below, cards stand in one column


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
        self.passed_over = label("", wrap=True)
        self.check = button("Chec&k the study…", self._check)
        self.chips = QHBoxLayout()
        self.faces = FaceStrip()
        self.numbers = QHBoxLayout()
        self.numbers.setSpacing(2 * GRID)
        self.importing = ImportCard(context)
        self.labelers = LabelersCard(context)
        self.attributes = AttributesCard(context)
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
        layout.addWidget(ScrollPage(self._lay_out()))
        self.setFocusProxy(self.start)

    def show_overview(self, overview: operations.Overview) -> None:
        """Fill the page."""
        info = overview.info
        self.name.setText(info.name)
        self.since.setText(made(info.created))
        origin = self._context.origin
        self.origin.setText(f"This study is new here. {origin.sentence()}" if origin else "")
        self.origin.setVisible(origin is not None and origin.foreign)
        self.passed_over.setText(passed_over_text(overview.passed_over))
        self._alert.setVisible(bool(overview.passed_over))
        clear(self.chips)
        if info.simulated:
            self.chips.addWidget(chip("simulated labelers", "accent"))
        if info.read_only:
            self.chips.addWidget(chip("read-only", "warn"))
        clear(self.numbers)
        for value, what in (
            (info.images, "images"),
            (info.labelers, "labelers"),
            (info.attributes, "attributes"),
            (info.comparison_trials, "comparison trials"),
            (info.rating_trials, "rating trials"),
        ):
            self.numbers.addWidget(number_card(f"{value:,}", what))
        self.labelers.show_labelers(overview.labelers, info.progress, overview.targets)
        self.attributes.show_attributes(overview.attributes)
        self.imports.show_imports(overview.imports)
        self.storage.show_overview(overview)
        self._load_faces([image.path for image in overview.samples])

    def begin_anew(self) -> None:
        """The study is closed: nothing typed, chosen or unfolded goes on into another one."""
        self.labelers.close_form()
        self.attributes.close_form()
        self.importing.begin_anew()
        self.storage.format.setCurrentIndex(0)
        self.imports.open.clear()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW
        direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        if self._body.direction() != direction:
            self._body.setDirection(direction)
        self.faces.setVisible(not narrow)

    def _load_faces(self, paths: list[Path]) -> None:
        side = round(SIDE * self.devicePixelRatioF())
        self._context.ask(
            lambda: [squared(path, side) for path in paths],
            self.faces.set_images,
            owner=self,
            what="Reading the images",
            topic="faces",
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
        alert.setContentsMargins(2 * GRID, GRID, GRID, GRID)
        self._alert = frame("message", alert)
        self._alert.setProperty("kind", "warn")
        self._alert.hide()
        parts = (
            header,
            self.origin,
            self._alert,
            GRID,
            self.numbers,
            self.importing,
            self._body,
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
