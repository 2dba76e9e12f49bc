"""The card of what people wrote themselves: who, in answer to what, and the text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableView

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.records import LabelerRecord
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.ui import text_operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.plain import text_line
from prism_desktop.ui.widgets.basics import GRID, columns, label
from prism_desktop.ui.widgets.cards import Card
from prism_desktop.ui.widgets.pickers import Picker
from prism_desktop.ui.widgets.read_text import ReadText
from prism_desktop.ui.widgets.table_rows import Index, TableRows

_HEADS: Final = ("Person", "Prompt", "Text")
_HIGH: Final = 12  # rows
_BEGINNING: Final = 200  # characters of a text in the table
_EVERYBODY: Final = ""
_PAUSE: Final = 150  # ms after a letter before the table is searched


class OwnTextsModel(TableRows):
    """A row for each text, as plain text."""

    def __init__(self) -> None:
        super().__init__(_HEADS)
        self.names: Mapping[str, str] = {}

    def show(self, rows: Sequence[OwnText]) -> None:
        """Show these texts."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The beginning of each, in a line."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        own: OwnText = self.rows[index.row()]
        told = (self.names.get(own.labeler, own.labeler), own.prompt or "–", own.text)
        return text_line(told[index.column()][:_BEGINNING])


class OwnTextsCard(Card):
    """Everybody's texts or one person's, to be searched; the chosen one stands whole below."""

    def __init__(self, context: AppContext) -> None:
        super().__init__("What people wrote")
        self._context = context
        self._own: tuple[OwnText, ...] = ()
        self._path: object = None  # of the study that they are of
        self._labelers: Mapping[str, LabelerRecord] = {}
        self.person = Picker()
        self.person.setAccessibleName("Whose texts")
        self.person.setMinimumWidth(200)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search prompts and texts")
        self.search.setAccessibleName("Search what people wrote")
        self.told = label("", "small")
        self.profile = label("", "muted", wrap=True)
        self.model = OwnTextsModel()
        self.table = _table(self.model)
        self.whole = ReadText()
        self.whole.setFixedHeight(150)
        self._search_later = QTimer(self, singleShot=True, interval=_PAUSE)
        head = columns(self.person, self.search, self.told, gap=GRID)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        for part in (self.profile, self.table, self.whole):
            self.body.addWidget(part)
        self.person.currentIndexChanged.connect(lambda _: self._list())
        self.search.textChanged.connect(lambda _: self._search_later.start())
        self._search_later.timeout.connect(self._list)
        self.table.selectionModel().currentRowChanged.connect(lambda now, _: self._open(now.row()))
        self.hide()

    def show_study(self, count: int, labelers: Sequence[LabelerRecord]) -> None:
        """Read what there is; without anything the card is not there.

        Args:
            count: of all texts that people wrote.
            labelers: of the study.
        """
        self.setVisible(bool(count))
        study = self._context.study
        path = None if study is None else study.path
        if path != self._path:  # what was looked for in another study is forgotten
            self._path = path
            self.search.clear()
            self.person.offer([])
        if not count or study is None:
            self._own = ()
            self.model.show(())
            return
        self._labelers = {each.code: each for each in labelers}
        self.model.names = {each.code: each.display_name or each.code for each in labelers}
        self._context.ask(
            lambda: text_operations.own_texts(study),
            self._take,
            owner=self,
            what="Reading what people wrote",
            topic="own texts",
        )

    def _take(self, own: tuple[OwnText, ...]) -> None:
        """Offer the people with how many texts each wrote, in the order of the study."""
        self._own = own
        counts = Counter(each.labeler for each in own)
        names = self.model.names
        people = [(code, f"{names.get(code, code)} ({counts[code]:,})") for code in counts]
        self.person.offer([(_EVERYBODY, f"{counted(len(people), 'person', 'people')}"), *people])
        self._list()

    def _list(self) -> None:
        """The texts of who is chosen that hold what is typed."""
        who, typed = self.person.currentData() or _EVERYBODY, self.search.text().strip().casefold()
        found = [
            own
            for own in self._own
            if who in (_EVERYBODY, own.labeler)
            and (not typed or typed in f"{own.prompt or ''}\n{own.text}".casefold())
        ]
        self.model.show(found)
        self.told.setText(counted(len(found), "text"))
        person = self._labelers.get(who)
        profile = person.profile.strip() if person is not None else ""
        self.profile.setText(profile)
        self.profile.setVisible(bool(profile))
        self.table.setCurrentIndex(self.model.index(0, 0))
        if not found:
            self.whole.show_text(None, "")

    def _open(self, row: int) -> None:
        if 0 <= row < len(self.model.rows):
            own = self.model.rows[row]
            self.whole.show_text(own.prompt, own.text)


def _table(model: OwnTextsModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName("What people wrote")
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    head = table.horizontalHeader()
    for column, width in enumerate((160, 280)):
        table.setColumnWidth(column, width)
    head.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
    head.setHighlightSections(False)
    table.setFixedHeight(table.verticalHeader().defaultSectionSize() * _HIGH)
    return table
