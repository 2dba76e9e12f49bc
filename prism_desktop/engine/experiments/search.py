"""Search for a method's settings: Optuna's TPE over the
method's ranges, several processes on one storage on disk.

A search is a folder, `search/NAME/` in the study: search.json, its trials in journal.log, and the
data that all trials learn from. The objective is the macro validation NLL; no trial's model ever
meets the test answers. Source: Akiba et al., "Optuna", KDD 2019. Importing this needs neither torch
nor optuna.
"""

import glob
import hashlib
import json
import re
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from os import getpid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.config import TrainConfig, needed
from prism_desktop.engine.errors import FailedRunError, InputError, RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.experiments.comparison_plan import obstacle_of
from prism_desktop.engine.experiments.search_jobs import (
    jobs_at_work,
    settle,
    share_out,
    told_why,
    trained,
    watched,
)
from prism_desktop.engine.experiments.search_trials import (
    COUNTED,
    SearchAsked,
    SearchTrialsArguments,
    job_folders,
    known_search,
    make_ready,
    open_storage,
    start_of,
    that_count,
)
from prism_desktop.engine.experiments.study_data import (
    StudyDataArguments,
    WantedData,
    study_data_in_worker,
)
from prism_desktop.engine.files import make_folder, move, remove_tree, write_json, write_whole
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS, method
from prism_desktop.engine.methods.method import Ranges
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.processes.run_series import Series
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.lock_file import held, sweep_taken
from prism_desktop.engine.runs.manifest import check_folder, remove_manifest, write_manifest
from prism_desktop.engine.runs.process_identity import host_mark
from prism_desktop.engine.study.permission import require_study
from prism_desktop.engine.training.dependencies import dependency_config, find_run
from prism_desktop.engine.training.snapshot import check_wanted, copy_snapshot

if TYPE_CHECKING:
    import optuna
    import pandas as pd

_LOOK_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What to search.

    Attributes:
        study: the study's folder.
        method: whose settings.
        trials: in all; those of earlier calls count.
        workers: processes at a time.
        options: settings that stay, by dotted key.
        settings: the same as "key=value"; a setting that is given here is not searched.
        name: of the search's folder; empty for one that follows from the rest and the data.
    """

    study: Path
    method: str
    trials: int = 20
    workers: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    name: str = ""

    def config(self) -> TrainConfig:
        """Where trials start."""
        given = {**self.options, "method": self.method}
        config = TrainConfig().with_options(given, self.settings)
        return config.model_copy(update={"backbone": parse(config.backbone).text, "compare": False})

    def ranges(self) -> Ranges:
        """What is searched."""
        fixed = {*self.options, *(text.partition("=")[0].strip() for text in self.settings)}
        return {key: one for key, one in method(self.method).ranges().items() if key not in fixed}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found."""

    name: str
    method: str
    complete: int  # trials
    pruned: int
    failed: int
    best: Mapping[str, Any]  # settings by dotted key
    value: float  # macro validation NLL of the best
    # the same of the settings that the method comes with, where they were tried
    start: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, and `set`: the best settings as `--set` takes them."""
        counts = {"complete": self.complete, "pruned": self.pruned, "failed": self.failed}
        best = {"value": self.value, "settings": dict(self.best), "set": self.lines()}
        return {
            "name": self.name,
            "method": self.method,
            "trials": counts,
            "best": best,
            "start": self.start,
        }

    def lines(self) -> list[str]:
        """key=value, as `--set` takes them."""
        return [
            f"{key}={value:.6g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in self.best.items()
        ]


def search(plan: SearchPlan, jobs: TrainingJobs | None = None) -> Iterator[Event[SearchResult]]:
    """Search until there are so many trials.

    Closing this ends the processes, unless jobs try them, which go on; the same plan goes on later.

    Args:
        plan: what to search.
        jobs: who tries; None for processes of this one's.

    Raises:
        PrismError: one sentence, if there is nothing to search, or no trial came to an end.
    """
    require_study(plan.study)
    if jobs is not None:
        jobs.check()
    folder = yield from _prepare(plan)
    with held(folder.path, f"The search {folder.name}"):
        going = jobs_at_work(folder, jobs or TrainingJobs("local"))
        if going and jobs is None:
            raise InputError(
                f"Jobs try settings for {folder.name} already; watch them with --executor, or end "
                "them first."
            )
        yield from _consensus(folder, plan.trials, jobs)
        trials = open_storage(folder.path)
        if jobs is None:
            _make_ready(plan, folder, trials)
            failure = yield from _try_out(plan, folder, trials)
        else:
            failure = yield from _by_jobs(plan, folder, trials, jobs, going)
        result = _result(plan, folder, trials, failure)
        write_manifest(folder.path)
    yield Done(result)


def _by_jobs(
    plan: SearchPlan, folder: RunFolder, trials: "optuna.Study", jobs: TrainingJobs,
    going: Sequence[RunFolder],
) -> Generator[Progress | Notice, None, str]:  # fmt: skip
    """Watch jobs that go on, and have others try what is missing; why trials are lacking, or
    nothing."""
    standing = _Standing(plan, trials)
    for _ in watched(going, jobs):
        yield from standing.told()
    if standing.missing > 0 and not told_why(going, jobs):  # they were told to try fewer, or none
        _make_ready(plan, folder, trials)
        going = share_out(folder, jobs, standing.missing, plan.workers, len(trials.trials))
        for _ in watched(going, jobs):
            yield from standing.told()
    yield from standing.told()
    failure = settle(folder, going, jobs, standing.missing)
    if failure:
        yield Notice(f"Not all trials were tried: {failure}")
    return failure


def _make_ready(plan: SearchPlan, folder: RunFolder, trials: "optuna.Study") -> None:
    """Make room after processes or jobs that were cut off; none of them goes on."""
    for left in folder.path.parent.glob(f"{glob.escape(folder.name)}.trial-*"):
        remove_tree(left, layout.is_ours)
    for job in job_folders(folder):
        remove_tree(job.path, layout.is_ours)
    make_ready(trials, plan.config(), plan.ranges())


@dataclass
class _Standing:
    """Tells how far a search is, and each best trial once."""

    plan: SearchPlan
    trials: "optuna.Study"
    best: float | None = None

    @property
    def missing(self) -> int:
        """How many trials are still to come to an end."""
        return self.plan.trials - len(that_count(self.trials))

    def told(self) -> Iterator[Progress | Notice]:
        """How far it is now."""
        done = that_count(self.trials)
        yield Progress(len(done), self.plan.trials, f"Trying settings of {self.plan.method}")
        found = min((one.value for one in done if one.state.name == "COMPLETE"), default=None)
        if found is not None and found != self.best:
            self.best = found
            yield Notice(
                f"{len(done)} of {counted(self.plan.trials, 'trial')}: the best validation NLL is "
                f"{found:.4f}."
            )


def _try_out(
    plan: SearchPlan, folder: RunFolder, trials: "optuna.Study"
) -> Generator[Progress | Notice, None, str]:
    """Run the processes until the trials are there; why one of them ended early, or nothing."""
    missing = plan.trials - len(that_count(trials))
    standing = _Standing(plan, trials)
    processes: list[_Process] = []
    try:
        for number in range(min(plan.workers, missing)):
            share = missing // plan.workers + int(number < missing % plan.workers)
            processes.append(_Process(folder, share, len(trials.trials) + number))
            # The first one reads the images into the study's cache; the others find them there.
            while number == 0 and processes[0].reading:
                yield Progress(
                    plan.trials - missing, plan.trials, "Reading the backbone and the data"
                )
                processes[0].advance()
        while any(not process.ended for process in processes):
            yield from standing.told()
            for process in processes:
                process.advance()
                yield from process.told
                process.told.clear()
        failure = next((process.failure for process in processes if process.failure), "")
        if failure:
            yield Notice(f"A process of the search ended early: {failure}")
        return failure
    finally:
        if processes:
            with ThreadPoolExecutor(len(processes)) as ending:
                list(ending.map(_Process.close, processes))


class _Process:
    """A worker that tries its share of the trials."""

    def __init__(self, folder: RunFolder, trials: int, seed: int) -> None:
        arguments = SearchTrialsArguments(folder=absolute(folder.path), trials=trials, seed=seed)
        self._events = call("search-trials", arguments, "Trying settings")
        self._progress: Progress | None = None
        self.told: list[Notice] = []  # since somebody looked
        self.ended = False
        self.failure = ""  # one sentence

    @property
    def reading(self) -> bool:
        """Whether it has not begun with its first trial."""
        return not self.ended and (self._progress is None or self._progress.total is None)

    def advance(self) -> None:
        """Wait for its next event, which takes a fraction of a second at most."""
        if self.ended:
            return
        try:
            event = next(self._events, None)
        except RunError as error:
            self.failure, event = str(error), None
        if isinstance(event, Progress):
            self._progress = event
        elif isinstance(event, Notice):
            self.told.append(event)
        self.ended = event is None

    def close(self) -> None:
        """Cancel what is left."""
        self._events.close()


def _prepare(plan: SearchPlan) -> Generator[Progress | Notice, None, RunFolder]:
    """The search's folder with its data, or a refusal before anything is trained."""
    from prism_desktop.engine.study.store import Study

    if plan.trials < 1 or plan.workers < 1:
        raise InputError("A search needs at least one trial and one worker.")
    config = plan.config()
    if not plan.ranges():
        raise InputError(
            f"{method(plan.method).title} has no settings to search; it chooses its own or has "
            "none."
        )
    sweep_taken(plan.study / layout.SEARCHES)
    with Study.open(plan.study, read_only=True) as study:
        check_wanted(study, config)
    name = f".{getpid()}-{time.monotonic_ns()}-{host_mark()}"
    beside = plan.study / layout.SEARCHES / name
    make_folder(beside)
    try:
        taken = RunFolder(beside / "data-1")
        wanted = StudyDataArguments.of(plan.study, [WantedData(path=taken.path, config=config)])
        yield from value(study_data_in_worker(wanted))
        folder = _with_data(plan, config, taken)
    finally:
        RunFolder(beside).delete()
    return folder


def _with_data(plan: SearchPlan, config: TrainConfig, taken: RunFolder) -> RunFolder:
    """The search's folder, which takes the data that were taken where it has none yet."""
    if reason := obstacle_of(plan.method, config, taken):
        raise InputError(reason)
    asked = _asked(plan, config, taken)
    name = checked_name(plan.name or _default_name(plan, asked), "a search")
    folder = RunFolder(plan.study / layout.SEARCHES / name)
    check_folder(folder.path)
    if (known_search(folder) or asked) != asked:
        raise InputError(
            f"The search {folder.name} asked for something else or had other answers; give a "
            "new name."
        )
    make_folder(folder.path)
    with held(folder.path, f"The search {folder.name}"):
        remove_manifest(folder.path)
        if (depends_on := _dependency_run(plan, taken, folder)) is not None:
            write_json(folder.path / layout.SEARCH_START, {"run": depends_on.name})
        if not folder.data.is_dir():
            _without_test(taken)
            move(taken.data, folder.data)
        write_json(folder.path / layout.CONFIG, config.model_dump(mode="json"))
        asked.save(folder.path / layout.SEARCH)
    return folder


def _asked(plan: SearchPlan, config: TrainConfig, source: RunFolder) -> SearchAsked:
    """What must be the same for trials to be of one search."""
    wanted = config.model_dump(
        mode="json", exclude={"baselines", "device", "threads", "precision", "checkpoint_seconds"}
    )
    # a method that became another one since is another search
    methods = {plan.method, *needed(config)}
    revised = {name: method(name).revision for name in methods if method(name).revision > 1}
    wanted |= {"revisions": revised} if revised else {}
    return SearchAsked(
        config=wanted, searched=tuple(plan.ranges()), fingerprint=source.meta().fingerprint
    )


def _without_test(folder: RunFolder) -> None:
    """Take the test answers out of the data, and all that was
    said of faces that are tested: no trial can meet them."""
    images, pairs = folder.table("images"), folder.table("pairs")
    tested = set(images.loc[images["split"] == "test", "image"])
    ratings, comparisons = folder.table("ratings"), folder.table("comparisons")
    kept: dict[layout.Table, pd.DataFrame] = {
        "pairs": pairs[pairs["split"] != "test"],
        "ratings": ratings[~ratings["image"].isin(tested)],
        "comparisons": comparisons[:0],  # only ceilings are made of them
    }
    for name, frame in kept.items():
        write_whole(
            layout.table_file(folder.path, name),
            partial(_write_table, frame.reset_index(drop=True)),
        )


def _write_table(frame: "pd.DataFrame", beside: Path) -> None:
    frame.to_parquet(beside, index=False)


def _default_name(plan: SearchPlan, asked: SearchAsked) -> str:
    digest = hashlib.sha256(json.dumps(asked.dump(), sort_keys=True).encode()).hexdigest()[:8]
    config = plan.config()
    backbone = re.sub(r"[^A-Za-z0-9.]+", "-", parse(config.backbone).title).strip("-")
    return f"{plan.method}-{config.split.kind}-{backbone}-{digest}"


def _consensus(folder: RunFolder, trials: int, jobs: TrainingJobs | None) -> Iterator[Progress]:
    """Make sure that the consensus run that trials start at is finished.

    Nothing where they start elsewhere.
    """
    run = start_of(folder)
    if run is None or run.status().state == "finished":
        return
    told = Progress(0, trials, "Training the consensus that trials start at")
    while jobs is None and run.status().state in ("preparing", "training"):
        yield told
        time.sleep(_LOOK_SECONDS)
    with Series() as series:
        for _ in series.train(run) if jobs is None else trained(run, jobs):
            yield told
    if run.status().state != "finished":
        status = run.status()
        raise RunError(
            f"The consensus {run.name} that trials start at is {status.state}, so that none can be "
            f"tried. {status.message}".rstrip()
        )


def _dependency_run(plan: SearchPlan, source: RunFolder, folder: RunFolder) -> RunFolder | None:
    """The consensus run that a method's trials start at: that of the search's earlier calls, which
    a job may train at this moment, else one that is found or made; None where they start
    elsewhere."""
    if CONSENSUS not in needed(plan.config()):
        return None
    config = dependency_config(plan.config(), CONSENSUS)
    known = start_of(folder)
    if known is not None and known.exists and known.status().state not in ("failed", "discarded"):
        return known
    found = find_run(plan.study, config, source.meta())
    if found is None or found.status().state != "finished":
        found = find_run(plan.study, config, source.meta(), going=True) or found
    if found is not None:
        return found
    run = RunFolder.create(plan.study, config)
    copy_snapshot(source, run)
    run.set_status("interrupted")
    return run


def _result(
    plan: SearchPlan, folder: RunFolder, trials: "optuna.Study", failure: str
) -> SearchResult:
    """The best of the trials that came to an end, and how many did not."""
    done = that_count(trials)
    complete = [trial for trial in done if trial.state.name == "COMPLETE"]
    if not complete:
        told = next(
            (trial.user_attrs[COUNTED] for trial in done if COUNTED in trial.user_attrs),
            failure or "all were pruned.",
        )
        raise FailedRunError(f"No trial came to an end: {told}")
    best = min(complete, key=lambda trial: float(trial.value or 0.0))
    pruned = sum(trial.state.name == "PRUNED" for trial in done)
    start = next((trial.value for trial in complete if "start" in trial.user_attrs), None)
    counts = len(complete), pruned, len(done) - len(complete) - pruned
    return SearchResult(
        folder.name, plan.method, *counts, best.params, float(best.value or 0.0), start
    )
