"""A run is a folder. Anyone may read it at any time; only the run's own process writes its results.

config.json status.json control.json environment.json   what was asked, its state, what it is told,
                                                        where it ran
data/                                                   the snapshot that the run learns from:
                                                        images, pairs, comparisons and ratings as
                                                        Parquet, and meta.json
events.jsonl metrics.csv                                live progress and curves
checkpoints/ adapter/ tokens.safetensors                weights on the way, and at the best epoch
predictions.parquet consensus.parquet                   scores of every image, its own and to read
ridge.parquet zero-shot.parquet                         it against
summary.json summary.md                                 results
"""

import contextlib
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from prism_desktop.engine import access
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import PrismError, RunError
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.files import make_folder, remove_tree, write_json
from prism_desktop.engine.foreign_files import GIGABYTE, open_foreign
from prism_desktop.engine.methods.needed_methods import stands_on_features
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.parquet_forms import Filters, Form, read_coded, read_frame, read_heading
from prism_desktop.engine.runs import layout, run_tables
from prism_desktop.engine.runs.manifest import changing, check_file, remove_manifest
from prism_desktop.engine.runs.metrics_file import METRIC_COLUMNS, read_metrics
from prism_desktop.engine.runs.result_files import (
    Environment,
    SnapshotMeta,
    SplitReport,
    Summary,
)
from prism_desktop.engine.runs.run_events import LoggedEvent, Started, parse_events
from prism_desktop.engine.runs.status import (
    ACTIVE,
    ENDED,
    Command,
    Order,
    State,
    Status,
    beat,
    read_status,
    write_status,
)
from prism_desktop.engine.runs.stored import Stored
from prism_desktop.engine.tensor_files import read_tensors

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from prism_desktop.engine.runs.score_files import ScoreTable

__all__ = [
    "ACTIVE",
    "ENDED",
    "METRIC_COLUMNS",
    "Command",
    "RunFolder",
    "State",
    "Status",
]

MAX_EVENTS = GIGABYTE  # of events.jsonl
Record = TypeVar("Record", bound=Stored)
Task = Literal["judging", "writing"]  # what a run learns
_UNFINISHED: frozenset[State] = frozenset({"failed", "interrupted", "stopped"})


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder."""

    path: Path

    @classmethod
    def create(cls, study: Path, config: TrainConfig) -> "RunFolder":
        """Make a new run in a study's `runs/`, in the state "preparing"."""
        access.refuse_held_back(study)
        path = fresh_folder(study / layout.RUNS, config.method)
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
            raise RunError(
                f"{path} is not a run: it holds no config.json. Runs are STUDY/runs/NAME and "
                "STUDY/writing/NAME; `prism-desktop runs list STUDY` names them."
            )
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
        """What was asked for.

        Raises:
            PrismError: it cannot be read.
        """
        check_file(self.path, layout.CONFIG)
        return TrainConfig.load(self.path / layout.CONFIG)

    @property
    def task(self) -> Task:
        """What it learns; where its settings cannot be read, by where it lies."""
        with contextlib.suppress(PrismError, OSError):
            return self.facts().task
        return "writing" if self.path.parent.name == layout.WRITING else "judging"

    def facts(self) -> "ConfigFacts":
        """What of its settings runs of every task have.

        Raises:
            UnreadableError: they cannot be read.
        """
        return self.stored(ConfigFacts, layout.CONFIG) or ConfigFacts()

    def meta(self) -> SnapshotMeta:
        """What the data snapshot holds.

        Raises:
            RunError: there is none, or it cannot be read.
        """
        meta = self.stored(SnapshotMeta, run_tables.META_FILE)
        if meta is None:
            raise RunError(
                f"The run {self.name} has no data snapshot, so it cannot be trained or evaluated."
            )
        return meta

    def people(self) -> dict[str, str]:
        """What to call each labeler, by code; empty where the data cannot be read."""
        try:
            return people_with_codes(
                (each.code, each.display_name) for each in self.meta().labelers
            )
        except PrismError:
            return {}

    def status(self) -> Status:
        """How the run stands now; "interrupted" if its process died without a word."""
        return read_status(self.path)

    @property
    def log(self) -> Path:
        """What its processes printed."""
        return self.path / layout.LOG

    @property
    def unprepared(self) -> bool:
        """Whether it was made without a data snapshot and its process took none so far.

        A run that began to train and lost its data is none of these: other data would not do.
        """
        began = any(isinstance(event, Started) for event in self.events()[0])
        return not began and not os.path.lexists(self.data / layout.META)

    @property
    def resumable(self) -> bool:
        """Whether training may go on.

        A run that was tested may not: the test split is opened once.
        """
        return self.status().state in _UNFINISHED and not self.tested

    @property
    def tested(self) -> bool:
        """Whether the test split was opened."""
        return any((self.path / name).is_file() for name in (layout.SUMMARY, layout.WRITTEN))

    def set_status(
        self, state: State, *, pid: int | None = None, message: str = "", advice: str = ""
    ) -> None:
        """Record how the run stands; `pid` is the process
        that works on it (None: nobody does, or will)."""
        access.refuse_held_back(self.path)
        with changing(self.path, layout.STATUS):
            write_status(self.path, state, pid=pid, message=message, advice=advice)

    def beat(self) -> None:
        """Say that this process still works on the run, to those on other computers."""
        with changing(self.path, layout.STATUS):
            beat(self.path)

    def abandon(self) -> None:
        """Say that nobody works on the run any more, where this process lives on without it."""
        status = self.status()
        if status.state in ACTIVE and status.ours:
            # such as a full disk, which is what is told then
            with contextlib.suppress(OSError, PrismError):
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
        access.refuse_held_back(self.path)
        with changing(self.path, layout.CONTROL):
            Order(command=command, tested=tested).save(self.path / layout.CONTROL)

    def events(self, offset: int = 0) -> tuple[list[LoggedEvent], int]:
        """Events from a byte offset on, and the offset to go on from.

        A half-written line waits for its rest.

        Raises:
            UnreadableError: they cannot be read, or are not those that the run wrote.
        """
        if offset == 0:
            check_file(self.path, layout.EVENTS)
        try:
            with open_foreign(self.path / layout.EVENTS, MAX_EVENTS) as file:
                file.seek(offset)
                block = file.read()
        except FileNotFoundError:
            return [], offset
        except OSError as error:
            raise unreadable(self.path / layout.EVENTS, error) from error
        whole = block.rfind(b"\n") + 1
        return list(parse_events(block[:whole])), offset + whole

    def summary(self) -> Summary | None:
        """The results, as `train --json` prints them; None before the end.

        Raises:
            UnreadableError: they cannot be read, or are not those that the run wrote.
        """
        return self.stored(Summary, layout.SUMMARY)

    def environment(self) -> Environment:
        """Versions, device and threads that the run had; blank before it started."""
        return self.stored(Environment, layout.ENVIRONMENT) or Environment()

    def metrics(self) -> "pd.DataFrame":
        """Curves: epoch, step, seconds, split, labeler, attribute, loss, nll, accuracy, count.

        An empty labeler or attribute means all together; labeler "(macro)" is the mean over
        labelers.
        """
        check_file(self.path, layout.METRICS)
        return read_metrics(self.path / layout.METRICS)

    def scores(
        self,
        name: str = layout.PREDICTIONS,
        labeler: str | None = None,
        attribute: str | None = None,
    ) -> "ScoreTable | None":
        """What a file of scores says, or of it one labeler's or one attribute's; None where there
        is none.

        Args:
            name: `layout.PREDICTIONS`, of the best epoch, or one of those to read it against.
            labeler: a code.
            attribute: a name.

        Raises:
            UnreadableError: it cannot be read, holds something else or is not what the run wrote.
        """
        from prism_desktop.engine.runs.score_files import read_scores

        check_file(self.path, name)
        if not os.path.lexists(self.path / name):
            return None
        return read_scores(self.path / name, labeler, attribute)

    def predictions(
        self, labeler: str | None = None, attribute: str | None = None
    ) -> "pd.DataFrame":
        """Scores of the best epoch: labeler, attribute, image, score; empty where there are none.

        Differences of scores are logits.
        """
        return self._frame_of(self.scores(layout.PREDICTIONS, labeler, attribute))

    def consensus(self, labeler: str | None = None, attribute: str | None = None) -> "pd.DataFrame":
        """The same from the consensus model of the same data; empty where there is none."""
        return self._frame_of(self.scores(layout.CONSENSUS, labeler, attribute))

    def _frame_of(self, scores: "ScoreTable | None") -> "pd.DataFrame":
        from prism_desktop.engine.runs.score_files import no_scores

        return (no_scores() if scores is None else scores).frame()

    def table(self, name: layout.Table) -> "pd.DataFrame":
        """One table of the data snapshot."""
        self._require(name)
        return self.frame(layout.table_name(name), run_tables.TABLES[name])

    def _require(self, name: layout.Table) -> None:
        path = layout.table_file(self.path, name)
        if not path.exists():
            raise RunError(
                f"The run {self.name} lacks {self.data.name}/{path.name}, so it cannot be used any "
                "more."
            )

    def coded_table(
        self, name: Literal["pairs", "comparisons", "ratings"], columns: Collection[str] = ()
    ) -> "pd.DataFrame":
        """The same as `coded_columns`, for many answers; of some columns, else all, but of pairs
        without their trials where `place` tells which belong together."""
        file, form = layout.table_name(name), dict(run_tables.TABLES[name])
        self._require(name)
        check_file(self.path, file)
        if name == "pairs" and "place" in read_heading(self.path / file).columns:
            del form["trial"]
            form["place"] = run_tables.PLACE
        form = {key: cells for key, cells in form.items() if not columns or key in columns}
        sides = ("left", "right") if "left" in form else ()
        return read_coded(self.path / file, form, ("trial", "repeat_of", "session"), sides)

    def image_facts(self) -> dict[str, dict[str, str]]:
        """What is known about the images of the data snapshot: by name of the fact, image ->
        value."""
        if not layout.holds(self.path, run_tables.FACTS_FILE):
            return {}
        found: dict[str, dict[str, str]] = {}
        frame = self.frame(run_tables.FACTS_FILE, run_tables.FACTS)
        for image, name, value in frame.itertuples(index=False):
            found.setdefault(str(name), {})[str(image)] = str(value)
        return found

    @property
    def of_texts(self) -> bool:
        """Whether texts are judged, and not images."""
        return layout.holds(self.path, run_tables.TEXTS_FILE)

    def texts(self) -> dict[str, tuple[str | None, str]]:
        """What is judged, where it is texts: identity -> prompt or None, and text.

        Raises:
            RunError: the run is of images.
        """
        if not self.of_texts:
            raise RunError(
                f"The run {self.name} is of images, and a language model reads texts; choose an "
                "image backbone."
            )
        frame = self.frame(run_tables.TEXTS_FILE, run_tables.TEXTS)
        return {
            str(key): (prompt if isinstance(prompt, str) and prompt else None, str(text))
            for key, prompt, text in frame[["image", "prompt", "text"]].itertuples(index=False)
        }

    def frame(self, name: str, form: Form, filters: Filters = ()) -> "pd.DataFrame":
        """A Parquet file of the run's, as it must be; see `parquet_forms.read_frame`.

        Raises:
            UnreadableError: it cannot be read, holds something else or is not what the run wrote.
        """
        check_file(self.path, name)
        return read_frame(self.path / name, form, filters)

    def lacks_predictions(self) -> RunError:
        """Why nothing can be asked of its predictions."""
        if self.path.parent.name == layout.WRITING:
            return RunError(
                f"The run {self.name} learned to write and foretells no judgments; its results are "
                f"in {layout.WRITTEN}, and a comparison of the task writing ranks such runs."
            )
        return RunError(
            f"The run {self.name} has no predictions yet; finish or resume its training."
        )

    def tensors(self, name: str) -> "dict[str, torch.Tensor]":
        """A safetensors file of the run's.

        Raises:
            UnreadableError: it cannot be read, holds what is no number or is not what the run
                wrote.
        """
        check_file(self.path, name)
        return read_tensors(self.path / name)[0]

    def discard(self) -> None:
        """Delete what the run made, and remember that it was discarded."""
        access.refuse_held_back(self.path)
        remove_manifest(self.path)
        for name in (layout.CHECKPOINTS, layout.ADAPTER):
            remove_tree(self.path / name, layout.ours_in(name))
        for name in layout.MADE_BY_TRAINING:
            remove_tree(self.path / name, layout.ours_in(name))
        self.set_status("discarded")

    def delete(self) -> None:
        """Remove the folder and all that the program put there.

        Raises:
            RunError: something is left, which the program did not make or could not remove.
        """
        access.refuse_held_back(self.path)
        left = remove_tree(self.path, layout.is_ours)
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            raise RunError(
                f"The run {self.name} was deleted but for {left[0]}{more}, which could not be "
                f"removed or is none of its files; look into {self.path}. Your answers are not "
                "touched."
            )

    def stored(self, kind: type[Record], name: str) -> Record | None:
        """A record of the run's; None where there is none.

        Raises:
            UnreadableError: it cannot be read, or is not the one that the run wrote.
        """
        check_file(self.path, name)
        return kind.from_file(self.path / name)


def fresh_folder(parent: Path, method: str) -> Path:
    """Make the folder of a new run, named by the time and its method; a second one of the same
    second has a number too."""
    base = f"{datetime.now():%Y%m%d-%H%M%S}-{re.sub(r'[^a-z0-9-]+', '-', method.lower())}"
    number = 1
    while True:
        path = parent / (base if number == 1 else f"{base}-{number}")
        try:
            make_folder(path, fresh=True)
        except FileExistsError:
            number += 1
            continue
        return path


class PairFacts(Stored):
    """What a list of runs tells of how pairs were made."""

    shuffle: int | None = None  # the seed by which labelers were exchanged, as a control


class ConfigFacts(Stored):
    """What a list of runs tells of a configuration, whatever version wrote it."""

    task: Task = "judging"
    method: str = ""
    backbone: str = ""
    consensus: str = "auto"
    split: SplitReport = SplitReport()
    pairs: PairFacts = PairFacts()
    seed: int = 0
    batch: int = 0

    @property
    def stands_on_features(self) -> bool:
        """As of `TrainConfig`."""
        return stands_on_features(self.method, self.backbone, self.consensus)
