"""The card of a study of generated replies in pairs: whose are preferred, once somebody asks."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.names import people as called
from prism_desktop.engine.writing.reply_words import SOURCE, told_preference
from prism_desktop.ui import operations
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import GRID, button, columns, label
from prism_desktop.ui.widgets.cards import Card

if TYPE_CHECKING:
    from prism_desktop.engine.runs.writing_files import ReplyRanking

_BLIND: Final = (
    "Two methods' generated replies are judged here blind. Who looks while others still judge may "
    "sway them, or stop where it suits; look at the end."
)


class PreferredRepliesCard(Card):
    """Says nothing of the methods until it is asked, as who labels may stand before it."""

    def __init__(self, context: AppContext) -> None:
        super().__init__("Whose replies are preferred")
        self._context = context
        self._shown = object()  # which reading of the answers the page is of
        self._names: Mapping[str, str] = {}
        self.told = label(_BLIND, "muted", wrap=True)
        self.ask = button("Sho&w whose", self._ask, tip="Names the methods, with intervals")
        line = columns(self.told, self.ask, gap=2 * GRID)
        line.setStretch(0, 1)
        self.body.addLayout(line)
        self.hide()

    def show_overview(self, overview: operations.Overview) -> None:
        """Show the card where the study is one of replies in pairs."""
        there = [one.source for one in overview.imports if one.undone is None]
        self.setVisible(SOURCE in there)
        self._names = called((each.code, each.display_name) for each in overview.labelers)
        self._shown = object()  # what was told may be of other answers
        self.begin_anew()

    def begin_anew(self) -> None:
        """Say nothing of the methods any more."""
        self.told.setText(_BLIND)

    def _ask(self) -> None:
        study = self._context.study
        if study is None:
            return
        path, shown = Path(study.path), self._shown

        def read() -> "ReplyRanking":
            from prism_desktop.engine.writing.reply_ranking import read_ranking

            return read_ranking(path)

        self._context.ask(
            read, lambda found: self._tell(shown, found), owner=self, topic="preferred replies",
            what="Reading the answers", failed=self._failed,
        )  # fmt: skip

    def _tell(self, shown: object, found: "ReplyRanking") -> None:
        if shown is self._shown:
            said = [line for one in found.found for line in told_preference(one, self._names)]
            self.told.setText("\n".join(said))

    def _failed(self, error: Exception) -> None:
        if isinstance(error, InputError):
            self.told.setText(str(error))
        else:
            self._context.report(error)
