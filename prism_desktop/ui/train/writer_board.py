"""The leaderboard of methods that write, as a comparison's file has it, and its export to files."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from prism_desktop.engine.backbone_names import short
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.runs.writing_files import (
    NO_GAINS,
    FailedWriting,
    MeanOverPeople,
    WritingGain,
    WritingLeaderboard,
    WritingRow,
)
from prism_desktop.engine.writing.board_table import board_table
from prism_desktop.engine.writing.board_words import (
    improved_told,
    people_of,
    prompts_of,
    too_few,
)
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.file_export import save_figure, save_table
from prism_desktop.ui.widgets.possible import allow
from prism_desktop.ui.widgets.reading_table import ReadingTable

HEADS = (
    "Method", "NLL", "95% interval", "Over unified", "p (Holm)", "Improved", "Over retrieval",
    "Gate",
)  # fmt: skip
_GIVE_WAY = (4, 2, 5, 6)
_FILE = "leaderboard of writing"
_NONE = "Methods that write have not been compared yet."


class WriterBoard(QWidget):
    """What the numbers are of above, methods below, the least NLL first and the failed last."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.board: WritingLeaderboard | None = None
        self._context = context
        self.gains = button(
            "Export gai&ns", self._export_gains, "quiet",
            tip="What each method gains, with intervals, as SVG, PDF or PNG",
        )  # fmt: skip
        self.csv = button(
            "Export leader&board", self._export_table, "quiet", tip="All numbers unrounded, as CSV"
        )
        self.told = label(_NONE, "small", wrap=True)
        self.table = ReadingTable("Leaderboard of methods that write", HEADS, 0, _GIVE_WAY)
        head = columns(self.told, self.gains, self.csv, gap=GRID)
        head.setStretch(0, 1)
        layout = rows(head, self.table, gap=GRID)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_board(self, board: WritingLeaderboard | None) -> None:
        """Show a comparison, or that there is none."""
        self.board = board
        self.told.setText(_NONE if board is None else about(board))
        found = () if board is None else board.methods
        reasons = [
            " ".join(row.verdict.reasons) if row.verdict is not None else row.title for row in found
        ]
        failed = () if board is None else board.failed
        self.table.show_lines(
            [*map(cells, found), *map(failure, failed)],
            [*reasons, *(one.message for one in failed)],
            [row.summary.test.few for row in found],
        )

        allow(_NONE if board is None else "", self.csv)
        compared = any(row.gains for row in found)
        allow(_NONE if board is None else "" if compared else NO_GAINS, self.gains)

    def _export_table(self) -> None:
        if self.board is not None:
            save_table(self, self._context, _FILE, *board_table(self.board))

    def _export_gains(self) -> None:
        board = self.board
        if board is not None:
            save_figure(self, self._context, _FILE, lambda path: _draw(board, path))


def _draw(board: WritingLeaderboard, path: Path) -> None:
    from prism_desktop.engine.analysis.plotting import save_figure as write
    from prism_desktop.engine.analysis.writing_figures import writers_figure

    write(writers_figure(board), path)


def about(board: WritingLeaderboard) -> str:
    """What the numbers are of, in sentences; what cannot be told first."""
    said = [board.unfinished] if board.unfinished else []
    if board.few:
        said.append(too_few(board))
    said.append(
        f"Nats per own token on {prompts_of(board)} of {people_of(board)}, "
        f"{short(board.backbone)}; gains with intervals over people and prompts, "
        f"retrieval is {board.retrieval}."
    )
    return " ".join(said)


def cells(row: WritingRow) -> Sequence[str]:
    """A method's line."""
    test, over = row.summary.test, row.over_unified
    gate = "–" if row.verdict is None else "passes" if row.verdict.passed else "no"
    return (
        row.title or row.method,
        "–" if test.value is None else f"{test.value:.3f}",
        _interval(test, "low", "high"),
        _gain(over),
        _p(over),
        improved_told(over),
        _gain(row.over_retrieval),
        gate,
    )


def failure(one: FailedWriting) -> Sequence[str]:
    """The line of a method that could not be trained: why, in the room of all numbers."""
    known = WRITING_METHODS.get(one.method)
    return (one.method if known is None else known.title, f"failed: {one.message}")


def _interval(nats: MeanOverPeople, low: str, high: str, sign: str = "") -> str:
    ends = getattr(nats, low), getattr(nats, high)
    return "–" if None in ends else f"[{ends[0]:{sign}.3f}, {ends[1]:{sign}.3f}]"


def _gain(gain: WritingGain | None) -> str:
    if gain is None or gain.mean.value is None:
        return "–"
    return f"{gain.mean.value:+.3f} {_interval(gain.mean, 'both_low', 'both_high', '+')}"


def _p(gain: WritingGain | None) -> str:
    if gain is None or gain.mean.p is None:
        return "–"
    return "< 0.001" if gain.mean.p < 0.001 else f"{gain.mean.p:.3f}"
