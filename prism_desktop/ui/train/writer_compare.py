"""The Compare view of the task writing: methods side by side, while they are trained and after."""

from collections.abc import Callable, Iterator
from pathlib import Path

from prism_desktop.engine.runs.run_events import Batch
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.train import operations, writer_records
from prism_desktop.ui.train.comparison_page import ComparisonListing, ComparisonPage
from prism_desktop.ui.train.operations import WritingRequest
from prism_desktop.ui.train.writer_board import WriterBoard
from prism_desktop.ui.train.writer_records import WriterRecord
from prism_desktop.ui.widgets.basics import GRID, frame, label, rows


class WriterCompareView(ComparisonPage):
    """The leaderboard of one comparison at a time."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(
            context,
            "Choose methods at the left and start. All learn from the same own texts and are "
            "tested on the same held-out prompts; finished runs are used again. You can go on "
            "working meanwhile.",
        )
        self.board = WriterBoard(context)
        inside = rows(label("Leaderboard", "strong"), self.board, gap=GRID)
        inside.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        inside.setStretch(1, 1)
        self._lay_around(frame("card", inside))

    def _reading(self) -> Callable[[Path], tuple[ComparisonListing, ...]]:
        return writer_records.list_writer_boards

    def _work(self, study: Path, request: WritingRequest) -> Iterator[Batch]:
        return operations.compare_writers(study, request)

    def _show(self) -> None:
        found = self._chosen()
        record = found if isinstance(found, WriterRecord) else None
        damage = "" if record is None else record.damage
        self.board.show_board(None if record is None or damage else record.board)
        if damage:
            self.board.told.setText(damage)
