"""Who is like whom: by labelers' answers, by their models, and what splits two of them."""

from functools import partial

from PySide6.QtWidgets import QStackedWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.agreement_view import AgreementView
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.split_view import SplitView
from prism_desktop.ui.explore.vectors_view import VectorsView
from prism_desktop.ui.explore.view import ExportFigure, ExportTable, View
from prism_desktop.ui.widgets.basics import GRID, columns, rows
from prism_desktop.ui.widgets.pickers import Segments

SEGMENTS = {"answers": "Their answers", "models": "Their models"}
PAGES = (*SEGMENTS, "split")


class AlikeView(View):
    """Three pages of which one is seen; what is exported is the page's."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(context)
        self.answers, self.models = AgreementView(context), VectorsView(context)
        self.split = SplitView(context)
        self._page: dict[str, View] = {
            "answers": self.answers, "models": self.models, "split": self.split,
        }  # fmt: skip
        self._stale = set(self._page) - {"answers"}
        self._from = "answers"  # the page from which two labelers were looked at
        self._stack = QStackedWidget()
        for view in self._page.values():
            self._stack.addWidget(view)
            view.face_wanted.connect(self.face_wanted)
        self.choice = Segments(SEGMENTS)
        self.choice.picked.connect(self.show_page)
        self.answers.answers_read.connect(self._fill)
        self.answers.pair_wanted.connect(partial(self._split, "answers"))
        self.models.pair_wanted.connect(partial(self._split, "models"))
        self.split.pair_wanted.connect(self.pair_wanted)
        self.split.back_wanted.connect(lambda: self.show_page(self._from))
        whole = rows(columns(self.choice, None), self._stack, gap=GRID)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    @property
    def page(self) -> View:
        """The one that is seen."""
        return self._page[self.selection.alike]

    def show_page(self, name: str) -> None:
        """Bring a page to the front; it is filled when first looked at."""
        self.selection.alike = name
        self.choice.setVisible(self.choice.has(name))
        if self.choice.has(name):
            self.choice.settle(name)
        self._fill()
        self.page.show_selection()
        self._stack.setCurrentWidget(self.page)

    def begin_anew(self, selection: Selection) -> None:
        super().begin_anew(selection)
        for view in self._page.values():
            view.begin_anew(selection)

    def show_data(self, data: RunData | None) -> None:
        super().show_data(data)
        self._stale = set(self._page) - {"answers"}
        self.answers.show_data(data)  # whose answers the other pages ask for too
        self.show_page(self.selection.alike)

    def show_selection(self) -> None:
        self.show_page(self.selection.alike)

    def idle(self) -> bool:
        return self.page.idle()

    @property
    def has_table(self) -> bool:
        return self.page.has_table

    def table(self) -> ExportTable | None:
        return self.page.table()

    def figure(self) -> ExportFigure | None:
        return self.page.figure()

    def command(self) -> list[str] | None:
        return self.page.command()

    def _fill(self) -> None:
        if self.selection.alike in self._stale:
            self._stale.discard(self.selection.alike)
            self.page.show_data(self.data)
        if self.selection.alike == "split":
            self._show_split()

    def _split(self, page: str, one: str, other: str) -> None:
        """What splits two labelers, by the answers that are read for agreement."""
        self._from = page
        self.selection.labeler, self.selection.other = one, other
        self.show_page("split")

    def _show_split(self) -> None:
        """The two who are chosen, once it is known what they answered."""
        answers, chosen = self.answers.given, self.selection
        if answers is None:
            return
        if chosen.labeler not in answers.names or chosen.other not in answers.names:
            self.show_page(self._from)
            return
        attribute = None if chosen.every else chosen.attribute
        asked = chosen.labeler, chosen.other, answers, attribute, self.answers.source
        self.split.show_pair(*asked)
