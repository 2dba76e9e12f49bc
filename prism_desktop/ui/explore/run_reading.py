"""How a run folder is read for Explore, part by part, in a job's thread, never in the window's."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
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
from prism_desktop.engine.parquet_forms import TEXT, Cells, Form, read_table, texts_in
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
from prism_desktop.engine.runs.score_files import ScoreTable, read_scores, rows_in, rows_of
from prism_desktop.ui.explore.face_shares import (
    Floats,
)
from prism_desktop.ui.explore.run_answers import RunAnswers
from prism_desktop.ui.explore.run_data import RunData

if TYPE_CHECKING:
    import pyarrow as pa

_SPLIT: Form = {"image": TEXT, "split": Cells("text", blank=True, old=True)}


def read_run(folder: Path, names: Mapping[str, str]) -> Iterator[Event[RunData]]:
    """Read what Explore needs of a run folder; the last event is `Done[RunData]`.

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
    for what in (
        _read_summary, _read_ratings, _read_comparisons, _read_learned, _read_facts,
        _read_consensus,
    ):  # fmt: skip
        try:
            what(run, data)
        except PrismError as error:  # the rest is shown without it
            data.damage += (str(error),)
    yield Progress(2, 3, "Reading who entered later")
    data.obstacles = find_obstacles(folder)
    data.attention = _attention(run, data)
    data.title = read_label(folder).name or method_title(data.summary.method, texts=run.of_texts)
    join(folder, data, names)
    yield Done(data)


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
    told = run.scores()
    assert told is not None, "whether there is one was asked before"
    labelers, attributes = told.labelers, told.attributes
    same = list(told.images) == images["image"]
    place = np.arange(len(row)) if same else rows_of(told.images, images["image"])
    # The study's own order of labelers and attributes is the one people know them by.
    meta = run.stored(SnapshotMeta, META_FILE) or SnapshotMeta()
    if (place < 0).any() or (meta.codes and not set(labelers) <= set(meta.codes)):
        why = "it speaks of other images or labelers than the run's data"
        raise UnreadableError(run.path / layout.PREDICTIONS, why)
    scores = np.asarray(told.array, np.float32)
    if not same:
        scores = np.full((len(labelers), len(attributes), len(row)), np.nan, np.float32)
        scores[:, :, place] = told.array
    codes, by_code = _ordered(labelers, meta.codes)
    kinds, by_kind = _ordered(attributes, meta.names)
    if (codes, kinds) != (labelers, attributes):
        scores = scores[np.ix_(by_code, by_kind)]
    return RunData(
        folder=run.path,
        labelers=codes,
        names={code: names.get(code) or code for code in codes},
        everybody=tuple(names) or codes,
        attributes=kinds,
        images=tuple(images["image"]),
        image_names=tuple(images["name"]),
        paths=tuple(images["path"]),
        scores=np.ascontiguousarray(scores),
        consensus=None,
        summary=Summary(),
        row=row,
        answers=RunAnswers(tuple(images["image"])),
        trained=kinds,
        given=len(row),
        folded=tuple(name.casefold() for name in images["name"]),
        learned=np.zeros(len(row), bool),
    )


def _there(run: RunFolder, name: str) -> bool:
    """Whether a run has a file; raises UnreadableError if it once had."""
    check_file(run.path, name)
    return os.path.lexists(run.path / name)


def _table(folder: Path, name: str, form: Form) -> "pa.Table":
    check_file(folder, name)
    return read_table(folder / name, form)


def _ordered(found: Sequence[str], known: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    order = [name for name in known if name in found]
    order += sorted(name for name in found if name not in order)
    return tuple(order), [found.index(name) for name in order]


def _read_summary(run: RunFolder, data: RunData) -> None:
    data.summary = run.summary() or data.summary
    # of a run with marks, both are what it wrote
    if not (run.path / layout.MANIFEST).exists() and layout.table_file(run.path, "pairs").exists():
        told = contradiction(run)
        data.damage += (told,) if told else ()


def _read_ratings(run: RunFolder, data: RunData) -> None:
    if _there(run, RATINGS_FILE):
        data.answers.take_ratings(run.frame(RATINGS_FILE, RATED))


def _read_comparisons(run: RunFolder, data: RunData) -> None:
    if _there(run, COMPARISONS_FILE):
        data.answers.take_comparisons(run.frame(COMPARISONS_FILE, COMPARED))


def _read_learned(run: RunFolder, data: RunData) -> None:
    """Which faces the model knows answers about, anybody's on anything, in training or validation.

    Where the images were split, by their parts; by any other split no answered face is left out.
    """
    data.learned = data.answers.judged(len(data.images))
    if not data.summary.reads_tested_faces:
        table = _table(run.path, IMAGES_FILE, _SPLIT)
        parts = texts_in(table["split"]) if "split" in table.column_names else data.images
        data.learned &= np.array([part != "test" for part in parts])


def _read_facts(run: RunFolder, data: RunData) -> None:
    """What the study knew of the images when the run was trained."""
    if _there(run, FACTS_FILE):
        told = run.frame(FACTS_FILE, FACTS)
        told["row"] = rows_in(told["image"], data.images)
        for name, known in told[told["row"] >= 0].groupby("name", sort=False):
            data.facts[str(name)] = dict(zip(known["row"].tolist(), known["value"], strict=True))


def _read_consensus(run: RunFolder, data: RunData) -> None:
    table = run.scores(layout.CONSENSUS)
    if table is None:
        return
    data.consensus = np.full((len(data.attributes), len(data.images)), np.nan, np.float32)
    if table.labelers:  # the same is said of each of them
        _place(table, table.array[-1], data, data.consensus)


def _place(table: ScoreTable, scores: Floats, data: RunData, target: Floats) -> None:
    """Put (attributes, images) scores of a file where the run's data have them."""
    kinds, faces = rows_of(table.attributes, data.attributes), rows_of(table.images, data.images)
    known = np.ix_(kinds >= 0, faces >= 0)
    target[np.ix_(kinds[kinds >= 0], faces[faces >= 0])] = scores[known]


def join(folder: Path, data: RunData, names: Mapping[str, str]) -> None:
    """Add those who entered the run; one whose files cannot be read is passed over."""
    run = RunFolder(folder)
    data.damage += unreadable_adapted(run)
    for adapted in list_adapted(run):
        path = adapted.path / layout.PREDICTIONS
        if adapted.code in data.labelers:
            continue
        block = np.full((1, len(data.attributes), len(data.images)), np.nan, np.float32)
        try:
            if not os.path.lexists(path):
                raise UnreadableError(path, "it is missing")
            check_file(adapted.path, layout.PREDICTIONS)
            told = read_scores(path)
        except UnreadableError as error:
            data.damage += (str(error),)
            continue
        if told.labelers:
            _place(told, told.array[0], data, block[0])
        data.scores = np.concatenate([data.scores, block])
        data.labelers = (*data.labelers, adapted.code)
        data.names[adapted.code] = names.get(adapted.code) or adapted.code
        data.adapted_labelers[adapted.code] = adapted
