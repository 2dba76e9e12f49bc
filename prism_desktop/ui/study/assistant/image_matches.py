"""The images that the files mean: those that were found in the study, and names without one."""

from pathlib import Path

from PySide6.QtCore import QEvent, QRect, QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QListView, QSizePolicy

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.importing.plan import ImportPlan, MatchedImage
from prism_desktop.ui.plain import show_tip
from prism_desktop.ui.study.assistant.recipe_edits import waits
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, restyle
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.fields import choose_folder
from prism_desktop.ui.widgets.painted import Painted
from prism_desktop.ui.widgets.thumbnails import Thumbnails

_SIDE, _GAP, _LINES = 44, 6, 2  # px, and lines of thumbnails
_LISTED = 10_000  # unmatched names in the list


class MatchStrip(Painted):
    """Thumbnails of the first matched images, as many as fit; tool tips name them."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._images: tuple[MatchedImage, ...] = ()
        self.thumbnails = Thumbnails(lambda key: [Path(key)], self)
        self.thumbnails.arrived.connect(lambda _: self.update())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Faces that the files are about")

    def show_images(self, images: tuple[MatchedImage, ...]) -> None:
        """Show these, as far as there is room."""
        self._images = tuple(image for image in images if image.path is not None)
        self.setVisible(bool(self._images))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        lines = min(_LINES, -(-len(self._images) // self._across()))
        return QSize(200, max(0, lines * (_SIDE + _GAP) - _GAP))

    def resizeEvent(self, _event: object) -> None:
        self.updateGeometry()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        ratio = self.devicePixelRatioF()
        self.thumbnails.resize(round(_SIDE * ratio), ratio)
        for place, image in enumerate(self._images[: self._across() * _LINES]):
            box = self._box(place)
            picture = self.thumbnails.get(str(image.path))
            if picture is None or picture.isNull():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(self.tokens.track))
                painter.drawRoundedRect(box, 7, 7)
            else:
                painter.drawPixmap(box, picture)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for place, image in enumerate(self._images[: self._across() * _LINES]):
                if self._box(place).contains(event.pos()):
                    show_tip(event.globalPos(), matched_words(image), self)
                    return True
        return super().event(event)

    def _across(self) -> int:
        return max(1, (max(self.width(), _SIDE) + _GAP) // (_SIDE + _GAP))

    def _box(self, place: int) -> QRect:
        line, column = divmod(place, self._across())
        return QRect(column * (_SIDE + _GAP), line * (_SIDE + _GAP), _SIDE, _SIDE)


class ImagesCard(Card):
    """How many names were matched, which were not, and the way to their folder."""

    folder_chosen = Signal(Path)

    def __init__(self, theme: Theme) -> None:
        super().__init__("Images")
        self.count = label("", "muted", wrap=True)
        self.strip = MatchStrip(theme)
        self.lost = label("", "notice", wrap=True)
        self.names = QListView()
        self.names.setProperty("role", "names")
        self.names.setAccessibleName("Names without an image")
        self.names.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.names.setUniformItemSizes(True)
        self.names.setFixedHeight(116)
        self._model = QStringListModel(self)
        self.names.setModel(self._model)
        self.find_folder = button("Import their &folder…", self._choose)
        self.body.setSpacing(GRID)
        for part in (self.count, self.strip, self.lost, self.names):
            self.body.addWidget(part)
        self.body.addLayout(columns(self.find_folder, None))

    def show_plan(self, plan: ImportPlan) -> None:
        """Show a plan's images."""
        found, lost, kept = len(plan.images), len(plan.unmatched), plan.words.kept
        self.count.setText(
            f"{counted(found, kept)} of the study matched."
            if found
            else f"{plan.words.kept_many.capitalize()} are matched when the questions are answered."
            if waits(plan)
            else f"No {kept} of the study is named in these files."
        )
        self.strip.show_images(plan.images)
        rows = sum(count for _, count in plan.unmatched)
        self.lost.setText(
            f"{counted(lost, 'name')} in {counted(rows, 'row')} "
            f"{word_for(lost, 'matches', 'match')} no {kept} of the study."
        )
        restyle(self.lost, kind="bad")
        names = [f"{name}  ·  {counted(count, 'row')}" for name, count in plan.unmatched[:_LISTED]]
        if lost > _LISTED:
            names.append(f"and {lost - _LISTED:,} more")
        if names != self._model.stringList():
            self._model.setStringList(names)
        for part in (self.lost, self.names):
            part.setVisible(lost > 0)
        self.find_folder.setVisible(lost > 0 and plan.words is FACES)

    def _choose(self) -> None:
        choose_folder(self, "Import a folder of images", self.folder_chosen.emit)


def matched_words(image: MatchedImage) -> str:
    """A match in words: as the file writes it, as the study names it."""
    same = image.written == image.name
    named = image.name if same else f"{image.written} → {image.name}"
    return f"{named}: {counted(image.answers, 'answer')}"
