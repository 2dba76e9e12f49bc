"""Leaderboards of a study's comparisons of methods that write, read from files."""

from dataclasses import dataclass, field
from pathlib import Path

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.writing_files import WritingLeaderboard
from prism_desktop.engine.writing.board_table import read_board
from prism_desktop.ui.train.runs import short


@dataclass(frozen=True, slots=True)
class WriterRecord:
    """One comparison."""

    path: Path
    board: WritingLeaderboard = field(default_factory=WritingLeaderboard)
    written: float = 0.0  # unix s
    damage: str = ""  # why it cannot be read, in a sentence; nothing else is known then

    @property
    def finished(self) -> bool:
        """Whether no method is still to come."""
        return self.board.finished

    def title(self) -> str:
        """What is compared, in a line."""
        if self.damage:
            return self.damage
        board = self.board
        count = board.wanted or len(board.methods) + len(board.failed)
        parts = [counted(count, "method"), short(board.backbone), counted(board.people, "person")]
        return ", ".join(part for part in (*parts, *board.settings) if part)


def list_writer_boards(study: Path) -> tuple[WriterRecord, ...]:
    """The study's comparisons that have a leaderboard, newest first, the unreadable ones last."""
    found = [_record(path) for path in (study / layout.WRITING_COMPARISONS).glob("*")]
    return tuple(
        sorted(
            (record for record in found if record is not None),
            key=lambda record: (bool(record.damage), -record.written),
        )
    )


def _record(path: Path) -> WriterRecord | None:
    """One comparison; None where there is no leaderboard yet."""
    file = path / layout.LEADERBOARD
    try:
        board = read_board(path)
        return None if board is None else WriterRecord(path, board, file.stat().st_mtime)
    except OSError:
        return None
    except UnreadableError as error:
        return WriterRecord(path, damage=f"{path.name} cannot be read: {error.why}.")
