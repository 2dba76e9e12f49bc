"""Writing to a study for as long as it is where it was opened, and what happens if it is not."""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from prism_desktop.engine import paths
from prism_desktop.engine.errors import PrismError, StudyGoneError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study import queries
from prism_desktop.engine.study.backup_files import stamped
from prism_desktop.engine.study.confirmed import quoted
from prism_desktop.engine.study.database import Database, driver_of
from prism_desktop.engine.study.recording import last_trial
from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.engine.study.trial_lines import write_trial_lines

T = TypeVar("T")
_REMEMBERED: Final = 2_000  # trials kept in memory, in case the study cannot even be read any more


class SessionWriter:
    """The connection that writes, and what was labeled since the study was opened.

    A study's folder can be deleted, moved, replaced or unmounted while it is open. SQLite does not
    notice: it goes on in files that have no name any more. What was written then is not
    acknowledged, and the answers of this session are kept in a rescue file.
    """

    def __init__(self, study: Path, writer: Database, reader: Database) -> None:
        self._study, self._writer, self._reader = study, writer, reader
        self.read, self.close = writer.read, writer.close
        self._stem = ""  # of the rescue files, once there are some
        self._first: int = reader.read(lambda c: last_trial(driver_of(c)))
        self._names: dict[str, str] | None = None
        self._recent: deque[TrialRecord] = deque(maxlen=_REMEMBERED)
        # (session, place in it) -> a trial that could not be stored; trying again is another trial
        self._unsaved: dict[tuple[str, int], TrialRecord] = {}
        self._gone = ""  # what was said when the study was gone

    def write(self, function: Callable[..., T], trials: Sequence[TrialRecord] = ()) -> T:
        """As `Database.write`; `trials` are what `function` is to record.

        Raises:
            StudyGoneError: the study is not where it was opened; the sentence names the rescue
                file.
        """
        try:
            written = self._writer.write(function)
        except StudyGoneError as error:
            self._gone = str(error)
            raise StudyGoneError(self.keep_apart(trials)) from error
        self._recent.extend(trials[-_REMEMBERED:])
        for trial in trials:
            self._unsaved.pop((trial.session, trial.order), None)
        return written

    def keep_apart(self, trials: Sequence[TrialRecord]) -> str:
        """Keep trials of a study that is gone in the rescue file, and say where that is."""
        self._unsaved |= {(trial.session, trial.order): trial for trial in trials}
        return f"{self._gone} {self._rescue()}".strip()

    def _rescue(self) -> str:
        """Keep the answers of this session where the user's other files are, and say where."""
        trials = self._session()
        if not trials:
            return "Nothing was answered in this session."
        folder = paths.rescued()
        count = "The answer" if len(trials) == 1 else f"All {counted(len(trials), 'answer')}"
        try:
            self._stem = self._stem or stamped(folder, f"{self._study.stem}-")
            kept = write_trial_lines(folder, self._stem, trials, self._known_names())
        except (OSError, PrismError) as error:
            return f"{count} of this session could not be kept in {folder} either ({error})."
        named = " ".join(quoted(str(file)) for file in kept)
        return (
            f"{count} of this session are kept in {folder}; open the study where it is now, or a "
            f"copy of it, and bring them in by `prism-desktop study import STUDY {named}`."
        ).replace("The answer of this session are", "The answer of this session is")

    def _session(self) -> list[TrialRecord]:
        """What was labeled since the study was opened, stored or not, in order."""
        try:
            stored = self._reader.read(
                lambda c: queries.trials(
                    c, None, None, current=False, first=self._first,
                    where="t.id > :first AND t.import_id IS NULL",
                ),
                replaced=True,
            )  # fmt: skip
        except (PrismError, SQLAlchemyError, OSError):
            stored = tuple(self._recent)
        return [*stored, *self._unsaved.values()]

    def _known_names(self) -> dict[str, str]:
        if self._names is None:
            query = "SELECT sha256, name FROM stimulus"
            try:
                found = self._reader.read(
                    lambda c: driver_of(c).execute(query).fetchall(), replaced=True
                )
                self._names = dict(found)
            except (PrismError, SQLAlchemyError, OSError):
                return {}
        return self._names
