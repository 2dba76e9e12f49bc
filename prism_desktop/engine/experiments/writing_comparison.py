"""Comparisons of methods that write: what is missing is trained, what is finished is used again.

A comparison is a folder, `writing-comparisons/NAME/` in the study, with leaderboard.json, written
anew after each method. Runs are those of the task writing, each trained in another process, one
after another or several at a time by jobs; what was interrupted goes on. Importing this needs
neither torch nor pandas.
"""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.backbones.weight_files import check_weights
from prism_desktop.engine.errors import PrismError, RunError, UnreadableError
from prism_desktop.engine.experiments.comparison_jobs import WatchedRun, carry_out, refused
from prism_desktop.engine.files import make_folder, remove_tree
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.methods.writing_parts import ExamplesInContext, VariedPrompts
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.processes.run_series import Series
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.runs.manifest import remove_manifest, write_manifest
from prism_desktop.engine.runs.run_events import (
    Batch,
    Compared,
    ComparisonBegun,
    ItemBegun,
    ItemState,
    NoticeTold,
    Stage,
)
from prism_desktop.engine.runs.writing_files import FailedWriting, WritingSummary
from prism_desktop.engine.study.permission import require_study
from prism_desktop.engine.writing.own_text_data import OwnTexts, take_texts
from prism_desktop.engine.writing.run_making import begin_writing, find_run, in_full
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_plan import BoardArguments, WritingPlan


@dataclass
class _Comparison:
    """One that goes on, and what it has so far."""

    plan: WritingPlan
    configs: dict[str, WritingConfig]
    texts: OwnTexts
    path: Path
    runs: dict[str, Path] = field(default_factory=dict)  # finished ones, by method
    failed: list[FailedWriting] = field(default_factory=list)

    def item(
        self, name: str, number: int, run: RunFolder | None = None, state: ItemState = "new"
    ) -> ItemBegun:
        """What is told when the turn of a method's run has come; its end is made of it."""
        config = self.configs[name]
        return ItemBegun(
            number=number,
            runs=len(self.configs),
            method=name,
            seed=config.seed,
            fold=config.fold,
            run="" if run is None else str(run.path),
            state=state,
            time=time.time(),
        )

    def settle(self, name: str, run: RunFolder) -> str:
        """Note how a method's run ended; returns why it has no results, or nothing."""
        failure = _failure(run)
        if failure:
            self.fail(name, failure)
        else:
            self.runs[name] = absolute(run.path)
        return failure

    def look_again(self, runs: Mapping[str, RunFolder]) -> None:
        """Take failures back whose runs have results now: the job of one that stands on another may
        have gone on with it."""
        for one in list(self.failed):
            run = runs.get(one.method)
            if run is not None and run.exists and not _failure(run):
                self.failed.remove(one)
                self.runs[one.method] = absolute(run.path)

    def fail(self, name: str, why: str) -> None:
        """Note that a method has no results."""
        self.failed.append(FailedWriting(method=name, message=why))

    def rank(self, *, finished: bool, series: Series | None = None) -> Iterator[Batch]:
        """Write the leaderboard, if there are results; where one that is not finished cannot be
        written, that is told, and the training goes on.

        Args:
            finished: whether no method is still to come.
            series: whose worker ranks; None for one that ends afterwards.

        Raises:
            RunError: the finished one cannot be written.
        """
        if not self.runs:
            return
        with nullcontext(series) if series is not None else Series() as worker:
            try:
                board = self.board(finished=finished)
                yield from worker.call("writing-board", board, "Ranking the methods")
            except RunError as error:
                if finished:
                    raise
                yield [NoticeTold(text=str(error), time=time.time())]

    def board(self, *, finished: bool) -> BoardArguments:
        """What the leaderboard is made of."""
        order = list(self.configs)
        return BoardArguments(
            path=absolute(self.path),
            runs={name: self.runs[name] for name in self.configs if name in self.runs},
            compared=tuple(self.configs),
            failed=tuple(sorted(self.failed, key=lambda one: order.index(one.method))),
            finished=finished,
            settings=self.plan.told_settings,
        )


def compare_writing(plan: WritingPlan, jobs: TrainingJobs | None = None) -> Iterator[Batch]:
    """Train what is missing, one run after another or by jobs, and rank all by their NLL of
    held-out prompts.

    Closing this ends the training, unless jobs do it, which go on; what is finished stays, and the
    same plan goes on where this stood.

    Args:
        plan: what to compare.
        jobs: who trains; None for a process of this one's.

    Yields:
        Batches of events: `ComparisonBegun`, for each run `ItemBegun`, the run's own and
        `ItemEnded`, and at last `Compared`.

    Raises:
        PrismError: nothing can be trained; a single method's failure is told in its row instead.
    """
    from prism_desktop.engine.study.store import Study

    yield [Stage(name="preparing", time=time.time())]
    configs = plan.configs()
    require_study(plan.study)
    if jobs is not None:
        jobs.check()
    with Study.open(plan.study, read_only=True) as opened:
        texts = take_texts(opened, next(iter(configs.values())))
    path = plan.folder(texts)
    _refuse_what_cannot_be(plan, configs, texts)
    make_folder(path.parent)
    make_folder(path)
    bare = False
    try:
        with held(path, f"The comparison {path.name}"):
            try:
                yield from _all_of_it(_Comparison(plan, configs, texts, path), jobs)
            except PrismError:
                bare = not layout.holds(path, layout.LEADERBOARD)
                raise
    finally:
        if bare:  # what was refused leaves nothing behind
            remove_tree(path, layout.is_ours)
    yield [Compared(path=str(path), time=time.time())]


def _refuse_what_cannot_be(
    plan: WritingPlan, configs: Mapping[str, WritingConfig], texts: OwnTexts
) -> None:
    """Refuse settings that a method cannot be trained with, before any is; and a language model
    that is not there, where a run is still to be trained by it.

    Raises:
        PrismError: in a sentence.
    """
    for config in [in_full(one) for one in configs.values()]:
        found = find_run(plan.study, config, texts)
        if found is None or not found.tested:
            check_weights(parse(config.backbone))
            return


def _all_of_it(comparison: _Comparison, jobs: TrainingJobs | None) -> Iterator[Batch]:
    path, count = comparison.path, len(comparison.configs)
    remove_manifest(path)
    yield [ComparisonBegun(path=str(path), runs=count, task="writing", time=time.time())]
    if (named := comparison.plan.name) and named != path.name:
        told = f"“{named}” goes on in the folder {path.name}, as an earlier version spelled it."
        yield [NoticeTold(text=told, time=time.time())]
    yield from _carry_out(comparison) if jobs is None else _by_jobs(comparison, jobs)
    if not comparison.runs:
        why = comparison.failed[0].message
        raise RunError(f"No method could be trained: {why}")
    write_manifest(path)


def _carry_out(comparison: _Comparison) -> Iterator[Batch]:
    count = len(comparison.configs)
    with Series() as series:
        for number, name in enumerate(comparison.configs, 1):
            failure = yield from _item(comparison, name, number, series)
            yield from comparison.rank(finished=number == count, series=series)
            yield [comparison.item(name, number).ended(failure)]


def _item(
    comparison: _Comparison, name: str, number: int, series: Series
) -> Generator[Batch, None, str]:
    """One method's run; returns why it has no results, or nothing."""
    try:
        run, state = _obtain(comparison, name)
    except PrismError as error:
        comparison.fail(name, str(error))
        return str(error)
    refused = yield from series.carry_out(comparison.item(name, number, run, state))
    failure = comparison.settle(name, run)
    if refused and state == "new":
        run.delete()
    return failure


def _by_jobs(comparison: _Comparison, jobs: TrainingJobs) -> Iterator[Batch]:
    needs = writing_needs(comparison.configs)
    obtained: dict[str, tuple[RunFolder, ItemState]] = {}
    begun_from = {writing_method(name).starts_from for name in comparison.configs}
    for name in sorted(comparison.configs, key=lambda one: (one not in begun_from, *_slow(one))):
        try:
            obtained[name] = _obtain(comparison, name, going=True)
        except PrismError as error:
            comparison.fail(name, str(error))
            yield [comparison.item(name, len(comparison.failed)).ended(str(error))]
    before = len(comparison.failed)

    def begun(name: str, number: int) -> ItemBegun:
        return comparison.item(name, before + number, *obtained[name])

    wanted = [
        WatchedRun(run, state, name, needs[name], partial(begun, name))
        for name, (run, state) in obtained.items()
    ]

    def settle(place: int) -> Generator[Batch, None, str]:
        one, name = wanted[place], list(obtained)[place]
        failure = comparison.settle(name, one.run)
        if refused(one.run) and one.state == "new":
            one.run.delete()
        yield from comparison.rank(finished=False)
        return failure

    yield from carry_out(wanted, jobs, settle, baselines=False)
    comparison.look_again({name: run for name, (run, _) in obtained.items()})
    yield from comparison.rank(finished=True)


def writing_needs(names: Iterable[str]) -> dict[str, frozenset[str]]:
    """Of each method those whose runs come before its own: what it starts from, and of one that
    weighs others all that are named before it, combinations too, as two at a time might both train
    a member that is lacking."""
    found: dict[str, frozenset[str]] = {}
    for name in names:
        method = writing_method(name)
        found[name] = frozenset(found if method.combines else {method.starts_from} - {""})
    return found


def _slow(name: str) -> tuple[bool, ...]:
    """Orders runs, what takes longest first, so that none is left to work alone in the end.

    To read examples before every text takes longer than to train what is short of that.
    """
    method = writing_method(name)
    reads, varies = method.first(ExamplesInContext), method.first(VariedPrompts)
    longest = method.trained and reads, method.trained and varies, reads, method.trained
    return tuple(not one for one in longest)


def _obtain(
    comparison: _Comparison, name: str, *, going: bool = False
) -> tuple[RunFolder, ItemState]:
    """The run of a method: one that is there, or a new one with the comparison's texts.

    Args:
        comparison: whose.
        name: of the method.
        going: also one that another process trains at this moment, which is to be waited for.
    """
    study, texts, config = comparison.plan.study, comparison.texts, comparison.configs[name]
    found = find_run(study, in_full(config), texts, going=going)
    if found is not None and found.tested:
        return found, "reused"
    # who paused a run may let it stand for long
    state = "" if found is None else found.status().state
    if found is not None and (state not in ACTIVE or (going and state != "paused")):
        return found, "resumed"
    run = begin_writing(study, config, texts)
    run.set_status("preparing")  # nobody works on it before its turn
    return run, "new"


def _failure(run: RunFolder) -> str:
    if not run.exists:
        return f"The run {run.name} was discarded."
    status = run.status()
    try:
        if run.stored(WritingSummary, layout.WRITTEN) is None:
            return status.message or f"The run {run.name} was {status.state} before it was tested."
    except UnreadableError as error:
        return str(error)
    return ""
