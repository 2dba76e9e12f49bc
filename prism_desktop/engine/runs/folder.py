"""A run is a folder. Anyone may read it at any time; only the run's own process writes its results.

config.json status.json control.json environment.json   what was asked, its state, what it is told,
                                                        where it ran
data/                                                   the snapshot that the run learns from:
                                                        images, pairs, comparisons and ratings as
                                                        Parquet, and meta.json
events.jsonl metrics.csv                                live progress and curves
checkpoints/ adapter/ tokens.safetensors                weights on the way, and at the best epoch
predictions.parquet consensus.parquet baselines.parquet scores of every image, its own and to read
                                                        it against
summary.json summary.md                                 results
"""

import contextlib
import io
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from prism_desktop.engine import access
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.files import make_folder, remove, remove_tree, write_json
from prism_desktop.engine.foreign_files import open_foreign, read_foreign
from prism_desktop.engine.parquet_files import read_frame
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.result_files import Environment, SnapshotMeta, SplitReport, Summary
from prism_desktop.engine.runs.run_events import LoggedEvent, parse_events
from prism_desktop.engine.runs.status import (
    ACTIVE,
    ENDED,
    Command,
    Order,
    State,
    Status,
    read_status,
    write_status,
)
from prism_desktop.engine.runs.stored import Stored, UnreadableError
from prism_desktop.engine.study.formula_guard import restored

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ACTIVE",
    "ENDED",
    "METRIC_COLUMNS",
    "Command",
    "RunFolder",
    "RunSummary",
    "State",
    "Status",
    "list_runs",
]

METRIC_COLUMNS = (
    "epoch",
    "step",
    "seconds",
    "split",
    "labeler",
    "attribute",
    "loss",
    "nll",
    "accuracy",
    "count",
)
# Any of these in a folder makes it a run, even if its settings are gone or damaged.
_SIGNS = (layout.STATUS, layout.EVENTS, layout.PREDICTIONS, layout.SUMMARY)
Record = TypeVar("Record", bound=Stored)
_UNFINISHED: frozenset[State] = frozenset({"failed", "interrupted", "stopped"})


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
    damage: str = ""  # what of it cannot be read, in sentences; empty if all can


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder."""

    path: Path

    @classmethod
    def create(cls, study: Path, config: TrainConfig) -> "RunFolder":
        """Make a new run in a study's `runs/`, in the state "preparing"."""
        access.require_writable(study)
        base = (
            f"{datetime.now():%Y%m%d-%H%M%S}-{re.sub(r'[^a-z0-9-]+', '-', config.method.lower())}"
        )
        number = 1
        while True:
            path = study / layout.RUNS / (base if number == 1 else f"{base}-{number}")
            try:
                make_folder(path, fresh=True)
            except FileExistsError:
                number += 1
                continue
            break
        make_folder(path / layout.DATA)
        run = cls(path)
        write_json(path / layout.CONFIG, config.model_dump(mode="json"))
        run.set_status("preparing")
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """An existing run; raises RunError if the folder is none."""
        # not resolved: a run in a study that is a link to another one is not that study's
        path = Path(os.path.abspath(path))  # noqa: PTH100
        if not (path / layout.CONFIG).is_file():
            raise RunError(f"{path} is not a run: it holds no config.json.")
        return cls(path)

    @property
    def exists(self) -> bool:
        """Whether it has not been deleted."""
        return (self.path / layout.CONFIG).is_file()

    @property
    def name(self) -> str:
        """The folder's name, the run's identity within its study."""
        return self.path.name

    @property
    def study(self) -> Path:
        """The study that the run belongs to."""
        return self.path.parent.parent

    @property
    def data(self) -> Path:
        """The data snapshot."""
        return self.path / layout.DATA

    def config(self) -> TrainConfig:
        """What was asked for."""
        return TrainConfig.load(self.path / layout.CONFIG)

    def meta(self) -> SnapshotMeta:
        """What the data snapshot holds.

        Raises:
            RunError: there is none.
        """
        meta = SnapshotMeta.load(self.data / layout.META)
        if meta is None:
            raise RunError(
                f"The run {self.name} has no data snapshot, so it cannot be trained or evaluated."
            )
        return meta

    def status(self) -> Status:
        """How the run stands now; "interrupted" if its process died without a word."""
        return read_status(self.path)

    @property
    def log(self) -> Path:
        """What its processes printed."""
        return self.path / layout.LOG

    @property
    def resumable(self) -> bool:
        """Whether training may go on.

        A run that was tested may not: the test split is opened once.
        """
        return self.status().state in _UNFINISHED and not self.tested

    @property
    def tested(self) -> bool:
        """Whether the test split was opened."""
        return (self.path / layout.SUMMARY).is_file()

    def set_status(
        self, state: State, *, pid: int | None = None, message: str = "", advice: str = ""
    ) -> None:
        """Record how the run stands; `pid` is the process
        that works on it (None: nobody does, or will)."""
        access.require_writable(self.path)
        write_status(self.path, state, pid=pid, message=message, advice=advice)

    def abandon(self) -> None:
        """Say that nobody works on the run any more, where its process lives on without it."""
        if self.status().state in ACTIVE:
            with contextlib.suppress(OSError):  # such as a full disk, which is what is told then
                self.set_status("interrupted")

    def order(self) -> Order:
        """What the run's process is told to do, and what was promised of it."""
        return Order.load(self.path / layout.CONTROL) or Order()

    def command(self) -> Command:
        """What the run's process is told to do."""
        return self.order().command

    def tell(self, command: Command, *, tested: bool | None = None) -> None:
        """Tell the run's process what to do; it listens at every step.

        Args:
            command: what.
            tested: of a stop, what was promised: the model is tested, or training may go on. The
                process keeps to it, however far it has come meanwhile.
        """
        access.require_writable(self.path)
        Order(command=command, tested=tested).save(self.path / layout.CONTROL)

    def events(self, offset: int = 0) -> tuple[list[LoggedEvent], int]:
        """Events from a byte offset on, and the offset to go on from.

        A half-written line waits for its rest.
        """
        try:
            with open_foreign(self.path / layout.EVENTS) as file:
                file.seek(offset)
                block = file.read()
        except FileNotFoundError:
            return [], offset
        whole = block.rfind(b"\n") + 1
        return list(parse_events(block[:whole])), offset + whole

    def summary(self) -> Summary | None:
        """The results, as `train --json` prints them; None before the end."""
        return Summary.load(self.path / layout.SUMMARY)

    def environment(self) -> Environment:
        """Versions, device and threads that the run had; blank before it started."""
        return Environment.load(self.path / layout.ENVIRONMENT) or Environment()

    def metrics(self) -> "pd.DataFrame":
        """Curves: epoch, step, seconds, split, labeler, attribute, loss, nll, accuracy, count.

        An empty labeler or attribute means all together; labeler "(macro)" is the mean over
        labelers.
        """
        import pandas as pd

        path = self.path / layout.METRICS
        if not path.exists():
            return pd.DataFrame(columns=list(METRIC_COLUMNS))
        return pd.read_csv(
            io.BytesIO(read_foreign(path)),
            keep_default_na=False,
            na_values={c: [""] for c in ("loss", "nll", "accuracy")},
            converters={"labeler": restored, "attribute": restored},
        )

    def predictions(
        self, labeler: str | None = None, attribute: str | None = None
    ) -> "pd.DataFrame":
        """Scores of the best epoch: labeler, attribute, image, score.

        Differences of scores are logits.
        """
        return self._scores(layout.PREDICTIONS, labeler, attribute)

    def consensus(self, labeler: str | None = None, attribute: str | None = None) -> "pd.DataFrame":
        """The same from the consensus model of the same data; empty where there is none."""
        return self._scores(layout.CONSENSUS, labeler, attribute)

    def table(self, name: layout.Table) -> "pd.DataFrame":
        """One table of the data snapshot."""
        path = layout.table_file(self.path, name)
        if not path.exists():
            raise RunError(
                f"The run {self.name} lacks {self.data.name}/{path.name}, so it cannot be used any "
                "more."
            )
        return read_frame(path)

    def discard(self) -> None:
        """Delete what the run made, and remember that it was discarded."""
        access.require_writable(self.path)
        for name in (layout.CHECKPOINTS, layout.ADAPTER):
            remove_tree(self.path / name, layout.ours_in(name))
        for name in layout.MADE_BY_TRAINING:
            remove(self.path / name)
        self.set_status("discarded")

    def delete(self) -> tuple[str, ...]:
        """Remove the folder and all that the program put there; the names of what is left."""
        access.require_writable(self.path)
        return remove_tree(self.path, layout.is_ours)

    def _scores(self, name: str, labeler: str | None, attribute: str | None) -> "pd.DataFrame":
        """Scores of a file, only the wanted row groups are read; empty if there is none."""
        import pandas as pd

        path = self.path / name
        if not path.exists():
            return pd.DataFrame(
                {
                    "labeler": pd.Series(dtype="str"),
                    "attribute": pd.Series(dtype="str"),
                    "image": pd.Series(dtype="str"),
                }
            ).assign(score=pd.Series(dtype="float32"))
        wanted = [("labeler", "==", labeler)] if labeler is not None else []
        wanted += [("attribute", "==", attribute)] if attribute is not None else []
        return read_frame(path, filters=wanted)


def list_runs(study: Path) -> tuple[RunSummary, ...]:
    """Every run of a study, newest first; folders that are no runs are passed over.

    A run of which something cannot be read is among them, and says so in `damage`.
    """
    try:
        folders = sorted((study / layout.RUNS).iterdir(), reverse=True)
    except OSError:
        return ()
    found = [_summarise(RunFolder(path)) for path in folders if _is_run(path)]
    return tuple(sorted(found, key=lambda summary: summary.created, reverse=True))


def _is_run(path: Path) -> bool:
    """Whether a folder is a run, damaged or not: its settings are there or something is that only
    runs have."""
    if path.name.startswith("."):
        return False
    with contextlib.suppress(UnreadableError, OSError):
        if _ConfigFacts.from_file(path / layout.CONFIG) is not None:
            return True
    return any(os.path.lexists(path / name) for name in _SIGNS)


class _ConfigFacts(Stored):
    """What a list of runs tells of a configuration, whatever version wrote it."""

    method: str = ""
    backbone: str = ""
    split: SplitReport = SplitReport()
    seed: int = 0


def _summarise(run: RunFolder) -> RunSummary:
    """A line of the list of runs from whatever files are there and can be read."""
    damage: list[str] = []
    config = _read(_ConfigFacts, run.path / layout.CONFIG, damage)
    if config is None and not damage:
        damage.append(f"{layout.CONFIG} is missing.")
    summary = _read(Summary, run.path / layout.SUMMARY, damage) or Summary()
    meta = _read(SnapshotMeta, run.data / layout.META, damage) or SnapshotMeta()
    _read(Status, run.path / layout.STATUS, damage)
    config, status = config or _ConfigFacts(method=summary.method), run.status()
    return RunSummary(
        name=run.name,
        path=run.path,
        method=config.method,
        backbone=config.backbone,
        split=config.split.kind,
        seed=config.seed,
        state=status.state,
        created=status.started,
        fingerprint=meta.fingerprint,
        best_epoch=summary.best_epoch,
        macro=summary.test.macro.accuracy,
        micro=summary.test.micro.accuracy,
        consensus_macro=summary.consensus.macro.accuracy if summary.consensus else None,
        message=status.message,
        resumable=run.resumable,
        damage=" ".join(damage),
    )


def _read(kind: type[Record], path: Path, damage: list[str]) -> Record | None:
    """The record in a file; None if it is missing or cannot be read; the latter is told."""
    try:
        return kind.from_file(path)
    except UnreadableError as error:
        damage.append(str(error))
        return None
