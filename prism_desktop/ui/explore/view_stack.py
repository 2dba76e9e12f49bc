"""All views of Explore, of which one is in front, and the page that stands in their place."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from PySide6.QtWidgets import QStackedWidget

from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.accuracy_view import AccuracyView
from prism_desktop.ui.explore.alike_view import AlikeView
from prism_desktop.ui.explore.face_view import FaceView
from prism_desktop.ui.explore.labeler_pair_view import LabelerPairView
from prism_desktop.ui.explore.no_runs import NoRuns
from prism_desktop.ui.explore.people_view import PeopleView
from prism_desktop.ui.explore.quality_view import QualityView
from prism_desktop.ui.explore.ranking_view import FacesView
from prism_desktop.ui.explore.replies_view import RepliesView
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import VIEWS
from prism_desktop.ui.explore.taste_view import TasteView
from prism_desktop.ui.explore.view import View
from prism_desktop.ui.explore.where_view import WhereView
from prism_desktop.ui.explore.words_view import WordsView
from prism_desktop.ui.explore.worth_view import WorthView
from prism_desktop.ui.explore.writer_runs import Writers


class ViewStack(QStackedWidget):
    """Each view is filled when it is first looked at since the data changed."""

    def __init__(self, context: AppContext, writers: Writers) -> None:
        super().__init__()
        self.faces, self.pair = FacesView(context), LabelerPairView(context)
        self.face = FaceView(context)
        self.alike, self.accuracy = AlikeView(context), AccuracyView(context)
        self.quality, self.where = QualityView(context), WhereView(context)
        self.taste, self.worth = TasteView(context), WorthView(context)
        self.words = WordsView(context)
        self.replies, self.people = RepliesView(context, writers), PeopleView(context, writers)
        views = (
            self.faces, self.pair, self.face, self.alike, self.accuracy, self.quality,
            self.where, self.taste, self.worth, self.words, self.replies, self.people,
        )  # fmt: skip
        self._view: dict[str, View] = dict(zip(VIEWS, views, strict=True))
        self.no_runs = NoRuns(context)
        self.stale: set[str] = set(VIEWS)  # views that have not seen the data yet
        for each in (*views, self.no_runs):
            self.addWidget(each)

    def view(self, name: str) -> View:
        """One of them by its name in `VIEWS`."""
        return self._view[name]

    def views(self) -> Iterable[View]:
        """All of them."""
        return self._view.values()

    def fill(self, name: str, data: RunData | None) -> None:
        """Show a view the data, if it has not seen them yet."""
        if name in self.stale:
            self.stale.discard(name)
            self._view[name].show_data(data)

    def renew(self, names: AbstractSet[str], current: str, data: RunData) -> None:
        """More is known of the data that these views have: the one in front shows it now, the
        others when they are looked at."""
        self.stale |= names - {current}
        if current in names:
            self._view[current].renew(data)

    def bring(self, name: str, *, bare: bool) -> None:
        """Bring a view to the front or, in its place, the page of what is to be done first."""
        self.setCurrentWidget(self.no_runs if bare else self._view[name])
