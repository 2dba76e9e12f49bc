"""Looks for what is damaged, gone or odd among a study's runs, comparisons, curves and searches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prism_desktop.engine.adaptation.adapted_labelers import unreadable_adapted
from prism_desktop.engine.errors import PrismError, UnreadableError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs import layout, run_tables
from prism_desktop.engine.runs.curve_files import (
    KShotCurve,
    LearningCurve,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Leaderboard
from prism_desktop.engine.runs.manifest import differences
from prism_desktop.engine.runs.run_list import RunSummary, list_runs
from prism_desktop.engine.runs.stored import Stored
from prism_desktop.engine.tensor_files import read_header
from prism_desktop.engine.writing.board_table import read_board

_ALIKE = 1e-6  # of two accuracies of the same answers, which may be summed in another order
_KINDS: dict[str, type[Stored]] = {"shots": KShotCurve, "curve": LearningCurve}


@dataclass(frozen=True, slots=True)
class ResultProblems:
    """What is wrong with the results in a study's folder."""

    problems: tuple[str, ...]  # a sentence each
    # runs that were made before runs had manifests; what changed in them is found only in part
    unmarked: int


def check_results(study: Path) -> Iterator[Event[ResultProblems]]:
    """Read every file of every result; the last event is `Done[ResultProblems]`."""
    runs = _runs(study)
    problems: list[str] = []
    unmarked = 0
    for number, run in enumerate(runs):
        yield Progress(number, len(runs), "Checking the runs")
        ended = RunFolder(run.path).tested
        marked = (run.path / layout.MANIFEST).exists()
        unmarked += ended and not marked
        problems += dict.fromkeys(_of_run(run, marked=marked))
    for path in (
        *_folders(study / layout.COMPARISONS),
        *_folders(study / layout.WRITING_COMPARISONS),
        *_folders(study / layout.SEARCHES),
        study / layout.CURVES,
    ):
        problems += _changed(path)
    yield Progress(len(runs), len(runs), "Checking comparisons and curves")
    problems += _unreadable_records(study)
    yield Done(ResultProblems(tuple(dict.fromkeys(problems)), unmarked))


def passed_over(study: Path) -> tuple[str, ...]:
    """What lists of results show as unreadable, a sentence each; their small files are read."""
    runs = (run.damage for run in _runs(study) if run.damage)
    return tuple(dict.fromkeys((*runs, *_unreadable_records(study))))


def _runs(study: Path) -> list[RunSummary]:
    """The runs of both tasks."""
    found = (*list_runs(study), *list_runs(study, "writing"))
    return [run for run in found if run.state != "discarded"]


def contradiction(run: RunFolder) -> str:
    """Why a run's results cannot be those of its predictions, in a sentence; empty if they can.

    Only the share of the tested answers that were predicted right is computed again.

    Raises:
        PrismError: its files cannot be read, or do not belong together.
    """
    from prism_desktop.engine.evaluation.metrics import correct, score_pairs
    from prism_desktop.engine.evaluation.report import held_out

    summary = run.summary()
    told = summary.test.micro if summary is not None else None
    if told is None or told.accuracy is None:
        return ""
    scores = run.scores()
    hits = correct(score_pairs(held_out(run.table("pairs")), scores or run.predictions()))
    if len(hits) and told.n in (None, len(hits)) and abs(hits.mean() - told.accuracy) <= _ALIKE:
        return ""
    found = f"{hits.mean():.1%} of {len(hits):,}" if len(hits) else "none"
    of = "the tested answers" if told.n is None else counted(told.n, "tested answer")
    return (
        f"{run.name}: {layout.SUMMARY} says that {told.accuracy:.1%} of {of} were "
        f"predicted right, and by {layout.PREDICTIONS} it is {found}. Evaluate the "
        "run again, or train again."
    )


def _of_run(run: RunSummary, *, marked: bool) -> Iterator[str]:
    folder = RunFolder(run.path)
    if run.damage:
        yield run.damage
    yield from _changed(run.path)
    for path in _folders(run.path / layout.ADAPTED):
        yield from _changed(path)
    yield from unreadable_adapted(folder)
    if not marked:
        yield from _odd_weights(folder) if run.task == "writing" else _odd(folder)


def _odd(run: RunFolder) -> Iterator[str]:
    """What is wrong with a run that has no marks, as far as its files can tell."""
    tables = {layout.table_name(name): form for name, form in run_tables.TABLES.items()}
    readers: dict[str, Callable[[], object]] = {
        **{name: partial(run.scores, name) for name in layout.SCORES},
        **{name: partial(run.frame, name, form) for name, form in tables.items()},
    }
    sound = True
    for name, read in readers.items():
        if (run.path / name).exists():
            try:
                read()
            except UnreadableError as error:
                sound = False
                yield str(error)
    yield from _odd_weights(run)
    try:
        run.metrics()
        run.config()
        if sound and run.tested and (told := contradiction(run)):
            yield told
    except PrismError as error:
        yield f"{run.name}: {error}"


def _odd_weights(run: RunFolder) -> Iterator[str]:
    for path in sorted(run.path.glob("*.safetensors")):
        try:
            read_header(path)
        except UnreadableError as error:
            yield str(error)


def _changed(folder: Path) -> Iterator[str]:
    """The files of a marked folder that are not what was written."""
    try:
        for name, why in differences(folder):
            yield f"{folder.name}: {name} is damaged or was changed ({why})."
    except UnreadableError as error:
        yield str(error)


def _unreadable_records(study: Path) -> Iterator[str]:
    """Comparisons and curves that cannot be read."""
    for path in sorted((study / layout.COMPARISONS).glob(f"*/{layout.LEADERBOARD}")):
        yield from _unreadable(Leaderboard, path)
    for path in sorted((study / layout.WRITING_COMPARISONS).glob(f"*/{layout.LEADERBOARD}")):
        try:
            read_board(path.parent)
        except UnreadableError as error:
            yield str(error)
    for kind, record in _KINDS.items():
        for path in sorted((study / layout.CURVES).glob(f"{kind}-*.json")):
            yield from _unreadable(record, path)


def _unreadable(record: type[Stored], path: Path) -> Iterator[str]:
    try:
        record.from_file(path)
    except UnreadableError as error:
        yield str(error)


def _folders(path: Path) -> list[Path]:
    """The folders in a folder, but hidden ones, which are being made; no links."""
    if not path.is_dir():
        return []
    return sorted(
        one
        for one in path.iterdir()
        if one.is_dir() and not one.is_symlink() and not one.name.startswith(".")
    )
