"""How a run folder is read for Explore, part by part, in a job's thread, never in the window's."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prism_desktop.engine.adaptation.adapted_labelers import (
    list_adapted,
    unreadable_adapted,
)
from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.shape import shape
from prism_desktop.engine.errors import PrismError, RunError, UnreadableError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.experiments.result_checks import contradiction
from prism_desktop.engine.methods import method_title
from prism_desktop.engine.models.obstacles import find_obstacles
from prism_desktop.engine.parquet_forms import (
    Cells,
    Form,
    places_in,
    read_table,
    texts_in,
)
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.result_files import SnapshotMeta, Summary
from prism_desktop.engine.runs.run_label import read_label
from prism_desktop.engine.runs.run_tables import (
    COMPARED,
    COMPARISONS_FILE,
    FACTS,
    FACTS_FILE,
    IMAGES,
    IMAGES_FILE,
    META_FILE,
    RATED,
    RATINGS_FILE,
)
from prism_desktop.engine.runs.score_files import ScoreFile
from prism_desktop.ui.explore.run_answers import RunAnswers
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.run_scores import RunScores

if TYPE_CHECKING:
    import pyarrow as pa

_SPLIT: Form = {"split": Cells("text", blank=True, old=True)}
_LARGE = 8 << 20  # bytes; what is smaller is read and compared with its mark in a tenth of a second
_ANSWERS = (RATINGS_FILE, COMPARISONS_FILE)


@dataclass(frozen=True, slots=True, eq=False)
class RestOfRun:
    """What was left for later of a large run."""

    answers: RunAnswers
    damage: tuple[str, ...]  # what cannot be read of it, a sentence each


def read_run(folder: Path, names: Mapping[str, str]) -> Iterator[Event[RunData]]:
    """Read what Explore needs of a run folder; the last event is `Done[RunData]`.

    Scores are read when they are asked for. Where there are many of them or many answers, the data
    come as `unread`: `read_rest` tells what is left.

    Raises:
        RunError: if the run has no predictions yet or its files cannot be read.
        OSError: it cannot be found out.
    """
    if not _has_predictions(folder):
        raise RunError(
            "This run has no predictions, for it was not trained to its end. Resume it in Train."
        )
    run = RunFolder(folder)
    yield Progress(0, 3, "Reading predictions")
    data = _predictions(run, names)
    if run.of_texts:
        data.texts, data.words = run.texts(), run.meta().words
    yield Progress(1, 3, "Reading the labels behind them")
    for what in (_read_summary, _read_held, _read_facts, _read_consensus):
        try:
            what(run, data)
        except PrismError as error:  # the rest is shown without it
            data.damage += (str(error),)
    yield Progress(2, 3, "Reading who entered later")
    data.obstacles = find_obstacles(folder)
    data.attention = _attention(run, data)
    data.title = read_label(folder).name or method_title(data.summary.method, texts=run.of_texts)
    join(folder, data, names)
    _compare_labelers(data)
    if not _is_large(run, layout.PREDICTIONS):
        data.scores.several([(code, kind) for code in data.labelers for kind in data.attributes])
    data.unread = any(_is_large(run, name) for name in (layout.PREDICTIONS, *_ANSWERS))
    if not data.unread:
        for event in read_rest(data):
            if isinstance(event, Done):
                take_rest(data, event.value)
    yield Done(data)


def read_rest(data: RunData) -> Iterator[Event[RestOfRun]]:
    """Look through the predictions of a run and read its answers; the last event is
    `Done[RestOfRun]`, for `take_rest`.

    Raises:
        UnreadableError: the predictions are not those that the run wrote.
    """
    run = RunFolder(data.folder)
    yield Progress(0, 2, "Checking the predictions")
    check_file(run.path, layout.PREDICTIONS)
    yield Progress(1, 2, "Reading the answers")
    answers, damage = RunAnswers(data.images[: data.given]), list[str]()
    for what in (_check_results, _read_ratings, _read_comparisons):
        try:
            damage += what(run, answers)
        except PrismError as error:
            damage.append(str(error))
        yield Progress(1, 2, "Reading the answers")
    yield Done(RestOfRun(answers, tuple(damage)))


def take_rest(data: RunData, rest: RestOfRun) -> None:
    """Put what was read later into a run's data; where a window shows them, in its thread."""
    data.damage += rest.damage
    data.take_answers(rest.answers)


def _is_large(run: RunFolder, name: str) -> bool:
    try:
        return (run.path / name).stat().st_size > _LARGE
    except OSError:  # whoever reads it tells why
        return False


def _compare_labelers(data: RunData) -> None:
    """Whether the run says the same of all of them."""
    try:
        data.scores.compare_files()
    except UnreadableError as error:  # they are taken to differ
        data.damage += (str(error),)


def _attention(run: RunFolder, data: RunData) -> tuple[int, int, int]:
    """Blocks and heads of the tower that maps are made of, and the blocks of its trunk."""
    if data.obstacles.maps or data.texts or not data.summary.backbone:
        return 0, 0, 0
    try:
        found, trunk = shape(parse(data.summary.backbone)), run.config().entered_behind
    except PrismError:  # its weights lay elsewhere, and maps will say so
        return 0, 0, 0
    return (0, 0, 0) if found is None else (found.blocks, found.heads, trunk)


def _has_predictions(folder: Path) -> bool:
    """Whether there are any; raises OSError where the disk or the rights keep that a secret."""
    try:
        return stat.S_ISREG((folder / layout.PREDICTIONS).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _predictions(run: RunFolder, names: Mapping[str, str]) -> RunData:
    table = _table(run.path, IMAGES_FILE, IMAGES)
    images = {name: texts_in(table[name]) for name in IMAGES}
    row = {image: place for place, image in enumerate(images["image"])}
    check_file(run.path, layout.PREDICTIONS, whole=not _is_large(run, layout.PREDICTIONS))
    told = ScoreFile(run.path / layout.PREDICTIONS)
    # The study's own order of labelers and attributes is the one people know them by.
    meta = run.stored(SnapshotMeta, META_FILE) or SnapshotMeta()
    odd = meta.codes and not set(told.labelers) <= set(meta.codes)
    if odd or not row.keys() >= set(told.images):
        why = "it speaks of other images or labelers than the run's data"
        raise UnreadableError(run.path / layout.PREDICTIONS, why)
    codes, kinds = _ordered(told.labelers, meta.codes), _ordered(told.attributes, meta.names)
    scores = RunScores(images["image"])
    scores.add_file(told)
    return RunData(
        folder=run.path,
        labelers=codes,
        names={code: names.get(code) or code for code in codes},
        everybody=tuple(names) or codes,
        attributes=kinds,
        images=tuple(images["image"]),
        image_names=tuple(images["name"]),
        paths=tuple(images["path"]),
        scores=scores,
        consensus=None,
        summary=Summary(),
        row=row,
        answers=RunAnswers(tuple(images["image"])),
        trained=kinds,
        given=len(row),
        folded=tuple(name.casefold() for name in images["name"]),
        held=np.zeros(len(row), bool),
        learned=np.zeros(len(row), bool),
    )


def _there(run: RunFolder, name: str) -> bool:
    """Whether a run has a file; raises UnreadableError if it once had."""
    check_file(run.path, name)
    return os.path.lexists(run.path / name)


def _table(folder: Path, name: str, form: Form) -> "pa.Table":
    check_file(folder, name)
    return read_table(folder / name, form)


def _ordered(found: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Those that are known first, in their order."""
    there = set(found)
    first = [name for name in known if name in there]
    return (*first, *sorted(there.difference(first)))


def _read_summary(run: RunFolder, data: RunData) -> None:
    data.summary = run.summary() or data.summary


def _check_results(run: RunFolder, _answers: RunAnswers) -> Sequence[str]:
    # of a run with marks, both are what it wrote
    if not (run.path / layout.MANIFEST).exists() and layout.table_file(run.path, "pairs").exists():
        told = contradiction(run)
        return (told,) if told else ()
    return ()


def _read_ratings(run: RunFolder, answers: RunAnswers) -> Sequence[str]:
    if _there(run, RATINGS_FILE):
        answers.take_ratings(read_table(run.path / RATINGS_FILE, RATED))
    return ()


def _read_comparisons(run: RunFolder, answers: RunAnswers) -> Sequence[str]:
    if _there(run, COMPARISONS_FILE):
        answers.take_comparisons(read_table(run.path / COMPARISONS_FILE, COMPARED))
    return ()


def _read_held(run: RunFolder, data: RunData) -> None:
    """Which faces nobody's answers were learned from, in training or validation.

    Where the images were split, by their parts; by any other split no answered face is left out.
    """
    if not data.summary.reads_tested_faces:
        table = _table(run.path, IMAGES_FILE, _SPLIT)
        if "split" in table.column_names:
            data.held = np.array([part == "test" for part in texts_in(table["split"])], bool)


def _read_facts(run: RunFolder, data: RunData) -> None:
    """What the study knew of the images when the run was trained."""
    if _there(run, FACTS_FILE):
        told = read_table(run.path / FACTS_FILE, FACTS)
        rows, values = places_in(told["image"], data.images), texts_in(told["value"])
        for row, name, value in zip(rows.tolist(), texts_in(told["name"]), values, strict=True):
            if row >= 0:
                data.facts.setdefault(name, {})[row] = value


def _read_consensus(run: RunFolder, data: RunData) -> None:
    if not _there(run, layout.CONSENSUS):
        return
    file, scores = ScoreFile(run.path / layout.CONSENSUS), RunScores(data.images)
    scores.add_file(file)
    who = file.labelers[-1] if file.labelers else ""  # the same is said of each of them
    data.consensus = np.empty((len(data.attributes), len(data.images)), np.float32)
    for row, column in enumerate(scores.several([(who, kind) for kind in data.attributes])):
        data.consensus[row] = column


def join(folder: Path, data: RunData, names: Mapping[str, str]) -> None:
    """Add those who entered the run; one whose files cannot be read is passed over."""
    run = RunFolder(folder)
    data.damage += unreadable_adapted(run)
    for adapted in list_adapted(run):
        path = adapted.path / layout.PREDICTIONS
        if adapted.code in data.labelers:
            continue
        try:
            if not os.path.lexists(path):
                raise UnreadableError(path, "it is missing")
            check_file(adapted.path, layout.PREDICTIONS)
            file = ScoreFile(path)
            file.columns([(code, kind) for code in file.labelers[:1] for kind in file.attributes])
            data.scores.add_file(file, adapted.code)
        except UnreadableError as error:
            data.damage += (str(error),)
            continue
        data.labelers = (*data.labelers, adapted.code)
        data.names[adapted.code] = names.get(adapted.code) or adapted.code
        data.adapted_labelers[adapted.code] = adapted
