"""The runs of a study, each a line of what its files tell, as far as they can be read."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine.clocks import by_age
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.runs import layout, run_tables
from prism_desktop.engine.runs.folder import ConfigFacts, Record, RunFolder, Task
from prism_desktop.engine.runs.result_files import SnapshotMeta, Summary
from prism_desktop.engine.runs.run_label import RunLabel
from prism_desktop.engine.runs.run_weights import weights_gone
from prism_desktop.engine.runs.status import ACTIVE, State, Status
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.stimulus_words import FACES, StimulusWords

# Any of these in a folder makes it a run, even if its settings are gone or damaged.
_SIGNS = (layout.STATUS, layout.EVENTS, layout.PREDICTIONS, layout.SUMMARY)
_FOLDERS: dict[Task, str] = {"judging": layout.RUNS, "writing": layout.WRITING}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list of runs."""

    name: str
    path: Path
    method: str
    backbone: str
    split: str  # kind of split
    seed: int
    state: State
    created: float  # unix seconds
    fingerprint: str  # of the data snapshot; runs that share it may be compared
    best_epoch: int | None
    macro: float | None  # test accuracy, mean over labelers
    micro: float | None  # test accuracy over all answers
    consensus_macro: float | None  # the consensus model's, on the same split
    message: str
    resumable: bool  # whether training may go on
    label: str = ""  # what somebody called it
    note: str = ""  # what somebody wrote about it
    labelers: tuple[str, ...] = ()  # codes, of its data
    answers: int | None = None  # that it was tested on
    damage: str = ""  # what of it cannot be read, in a sentence; empty if all can
    weightless: bool = False  # it can be looked at, but predicts nothing more
    task: Task = "judging"
    nll: float | None = None  # of the task writing: test nats per own token, mean over people
    words: StimulusWords = FACES  # for what is judged
    features: bool = False  # its model stands on frozen features alone
    shuffled: bool = False  # a control: who gave which training answer was permuted
    where: str = ""  # " on HOST", of a run that another computer trains now

    @property
    def held_out(self) -> str:
        """What test answers are held out by: "image" of faces, "text" of texts, "pair"."""
        return self.words.told(self.split)


def list_runs(study: Path, task: Task = "judging") -> tuple[RunSummary, ...]:
    """Every run of a study's that learns one task, newest first; folders that are no runs are
    passed over.

    Runs of a clock that was ahead come last.
    A run of which something cannot be read is among them, and says so in `damage`.
    """
    try:
        folders = sorted((study / _FOLDERS[task]).iterdir(), reverse=True)
    except OSError:
        return ()
    found = [_summarise(RunFolder(path)) for path in folders if _is_run(path)]
    now = time.time()
    return tuple(sorted(found, key=lambda summary: by_age(summary.created, now), reverse=True))


def _is_run(path: Path) -> bool:
    """Whether a folder is a run, damaged or not: its settings are there or something is that only
    runs have."""
    if path.name.startswith("."):
        return False
    with contextlib.suppress(UnreadableError, OSError):
        if ConfigFacts.from_file(path / layout.CONFIG) is not None:
            return True
    return any(os.path.lexists(path / name) for name in _SIGNS)


def _summarise(run: RunFolder) -> RunSummary:
    """A line of the list of runs from whatever files are there and can be read."""
    damage: list[str] = []
    config = _read(run, ConfigFacts, layout.CONFIG, damage)
    if config is None and not damage:
        damage.append(f"{layout.CONFIG} is missing")
    summary = _read(run, Summary, layout.SUMMARY, damage) or Summary()
    written = _read(run, WritingSummary, layout.WRITTEN, damage) or WritingSummary()
    meta = _read(run, SnapshotMeta, run_tables.META_FILE, damage) or SnapshotMeta()
    _read(run, Status, layout.STATUS, damage)
    label = _read(run, RunLabel, layout.LABEL, damage) or RunLabel()
    config, status = config or ConfigFacts(method=summary.method), run.status()
    return RunSummary(
        name=run.name,
        path=run.path,
        method=config.method,
        backbone=config.backbone,
        split="" if run.task == "writing" else config.split.kind,
        seed=config.seed,
        state=status.state,
        created=status.started,
        fingerprint=meta.fingerprint,
        best_epoch=summary.best_epoch or written.best_epoch,
        macro=summary.test.macro.accuracy,
        micro=summary.test.micro.accuracy,
        consensus_macro=summary.consensus.macro.accuracy if summary.consensus else None,
        message=status.message,
        resumable=run.resumable,
        label=label.name,
        note=label.note,
        labelers=meta.codes,
        answers=summary.test.macro.n,
        damage=f"{run.name} cannot be read: {'; '.join(damage)}." if damage else "",
        weightless=status.state not in ACTIVE and weights_gone(run.path),
        task=run.task,
        nll=written.test.value,
        words=meta.words,
        features=config.stands_on_features,
        shuffled=config.pairs.shuffle is not None,
        where=status.where if status.state in ACTIVE else "",
    )


def _read(run: RunFolder, kind: type[Record], name: str, damage: list[str]) -> Record | None:
    """A record of a run; None if it is missing or cannot be read; the latter is told."""
    try:
        return run.stored(kind, name)
    except UnreadableError as error:
        # a damaged manifest is met with each record
        told = f"{error.path.relative_to(run.path).as_posix()}, {error.why}"
        damage += [told] if told not in damage else []
        return None
