"""A run's data: what the Explore panel reads of a run, as plain arrays.

Read in a job's thread, never in the window's.
"""

import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.adaptation.adapted_labelers import (
    AdaptedLabeler,
    list_adapted,
    unreadable_adapted,
)
from prism_desktop.engine.analysis.face_ranking import Area, within
from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.shape import shape
from prism_desktop.engine.errors import PrismError, RunError, UnreadableError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.experiments.result_checks import contradiction
from prism_desktop.engine.methods import METHODS, ignores_labelers, method_title
from prism_desktop.engine.models.obstacles import Obstacles, find_obstacles
from prism_desktop.engine.parquet_forms import TEXT, Cells, Form, read_table
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.estimates import TOO_FEW, told_accuracy, too_few
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.result_files import Result, SnapshotMeta, Summary
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
from prism_desktop.engine.runs.score_files import ScoreTable, read_scores, rows_of
from prism_desktop.ui.explore.face_shares import (
    Floats,
    ShareSpread,
    Standing,
    percentiles,
    standing_of,
)
from prism_desktop.ui.explore.run_answers import FaceLabels, RunAnswers

if TYPE_CHECKING:
    import pyarrow as pa

    from prism_desktop.engine.processes.inference_client import InferenceClient

_SPLIT: Form = {"image": TEXT, "split": Cells("text", blank=True, old=True)}


@dataclass(slots=True)
class RunData:
    """A run's predictions and what it learned from.

    Attributes:
        scores: (labelers, attributes, images) float32, NaN where the run predicted nothing;
            differences are logits.
        consensus: (attributes, images) float32 of the consensus run on the same split, or None.
    """

    folder: Path
    labelers: tuple[str, ...]
    names: dict[str, str]  # what to call each labeler
    everybody: tuple[str, ...]  # the study's labelers in their order, which gives the colours
    attributes: tuple[str, ...]
    images: tuple[str, ...]  # SHA-256
    image_names: tuple[str, ...]
    paths: tuple[str, ...]
    scores: Floats
    consensus: Floats | None
    summary: Summary  # blank if the run was not evaluated
    row: dict[str, int]  # image id to its row
    answers: RunAnswers = field(default_factory=RunAnswers)
    # (images,) whether any answer about it was learned from, or settings were chosen by it
    learned: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    facts: dict[str, dict[int, str]] = field(default_factory=dict)  # by name, by row
    # what was found out about the faces, kept as long as the run is shown
    spreads: dict[tuple[str, str], ShareSpread] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    # by row, (labelers, attributes) ends of a 95 % interval of the share
    strips: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)
    plane: Floats | None = None  # (images given, 2) a map of the faces by their features
    trained: tuple[str, ...] = ()  # attributes of the run; others were typed since
    folded: tuple[str, ...] = ()  # the names of the faces, as a search looks at them
    _shares: dict[tuple[str, str], Floats] = field(default_factory=dict)
    _labels: dict[tuple[str, str], FaceLabels] = field(default_factory=dict)
    # who entered after the training, by code
    adapted_labelers: dict[str, AdaptedLabeler] = field(default_factory=dict)
    title: str = ""  # what to call the run
    obstacles: Obstacles = field(default_factory=Obstacles)
    attention: tuple[int, int] = (0, 0)  # blocks and heads of the image tower, as far as known
    damage: tuple[str, ...] = ()  # who entered and cannot be read, a sentence each
    given: int = 0  # images that the run was given; others follow them
    grown: bool = False  # whether it has any that the run was not given
    _model: "InferenceClient | None" = None
    _closed: bool = False
    _choosing: threading.Lock = field(default_factory=threading.Lock)  # several jobs may ask

    def model(self) -> "InferenceClient":
        """The line to a process that holds the model.

        The process starts with the first question; once this was closed, none does.
        """
        from prism_desktop.engine.processes.inference_client import InferenceClient

        with self._choosing:
            if self._model is None:
                self._model = InferenceClient(self.folder)
                if self._closed:
                    self._model.close()
            return self._model

    def close(self) -> None:
        """End the model's process, if there is one."""
        with self._choosing:
            self._closed = True
            model = self._model
        if model is not None:
            model.close()

    def score(self, labeler: str, attribute: str) -> Floats:
        """(images,) float32 of one labeler and attribute."""
        found: Floats = self.scores[self.labelers.index(labeler), self.attributes.index(attribute)]
        return found

    def share(self, labeler: str, attribute: str) -> Floats:
        """(images,) float32 share of the other faces that score lower; any other key than a
        labeler's stands for the consensus."""
        known = labeler if labeler in self.labelers else ""
        key = known, attribute
        if key not in self._shares:
            scores = self.score(labeler, attribute) if known else self.consensus_of(attribute)
            self._shares[key] = percentiles(scores)
        return self._shares[key]

    def consensus_of(self, attribute: str) -> Floats:
        """(images,) float32: the consensus model's scores; without one, the mean of the labelers'
        shares, NaN before `standing` was asked for."""
        if self.consensus is not None:
            found: Floats = self.consensus[self.attributes.index(attribute)]
            return found
        standing = self.standings.get(attribute)
        blank = np.full(len(self.images), np.nan, np.float32)
        return blank if standing is None else standing.mean

    def standing(self, attribute: str) -> Standing:
        """Where all labelers put the faces; takes a while for many, so never in the window's
        thread unless it is among `standings`."""
        if attribute not in self.standings:
            place = self.attributes.index(attribute)
            self.standings[attribute] = standing_of(self.scores[:, place])
            if self.consensus is None:
                self._shares.pop(("", attribute), None)
        return self.standings[attribute]

    def labels(self, labeler: str, attribute: str) -> FaceLabels:
        """What a labeler answered about each face."""
        key = labeler, attribute
        if key not in self._labels:
            self._labels[key] = self.answers.of(labeler, attribute, len(self.images))
        return self._labels[key]

    @property
    def knows_spread(self) -> bool:
        """Whether the method knows how sure it is of a single face."""
        known = METHODS.get(self.summary.method)
        tells = known is not None and known.scoring.tells_spread
        return tells and layout.holds(self.folder, layout.HEAD)

    @property
    def knows_faces(self) -> bool:
        """Whether it keeps what its model sees in its images."""
        return any(layout.holds(self.folder, name) for name in (layout.HEAD, layout.CLOSED_FORM))

    def call(self, names: Mapping[str, str]) -> None:
        """Call the labelers as the study does; `names` of everybody by code."""
        self.everybody = tuple(names)
        self.names.update({code: names.get(code, code) for code in self.labelers})

    def brushed(self, area: Area) -> NDArray[np.bool_] | None:
        """(images,) which faces lie in an area of their map; None where the area is none, or the
        map is not known."""
        if self.plane is None or area[2] <= area[0] or area[3] <= area[1]:
            return None
        found = np.zeros(len(self.images), bool)
        found[: len(self.plane)] = within(self.plane, area)
        return found

    def unsure(self, labeler: str) -> bool:
        """Whether a labeler's model was tested on too few answers to tell."""
        row = self.test.per_labeler.get(labeler)
        return row is not None and row.accuracy is not None and too_few(row.n)

    def trust(self, labeler: str) -> str:
        """How far a labeler's model can be trusted, in a sentence; empty where it was not tested.

        Any other key than a labeler's stands for the consensus model.
        """
        known = labeler in self.labelers
        row = self.test.per_labeler.get(labeler) if known else self.beside.macro
        told = told_accuracy(row)
        if row is None or row.accuracy is None:
            return ""
        if told.few:
            return (
                f"{TOO_FEW.capitalize()} how good this is: right on {told.rest} of the held-out "
                "answers."
            )
        return f"Right on {told.line} of the held-out answers."

    def worth(self, names: Mapping[str, str]) -> str:
        """What all models are worth, for a figure's footnote; `names` by code."""
        told = [
            f"{names[code]} {told_accuracy(row).line}"
            for code in self.labelers
            if (row := self.test.per_labeler.get(code)) is not None and row.accuracy is not None
        ]
        return f"Right on held-out answers: {'; '.join(told)}." if told else ""

    @property
    def test(self) -> Result:
        """The held-out accuracies, blank if the run was not evaluated."""
        return self.summary.test

    @property
    def beside(self) -> Result:
        """Those of the consensus model; blank where the run is one itself, or has none."""
        consensus = self.summary.consensus
        return consensus if consensus is not None and not self.is_consensus else Result()

    @property
    def is_consensus(self) -> bool:
        """Whether the run is one model for everyone itself."""
        return ignores_labelers(self.summary.method)

    @property
    def ignores_labelers(self) -> bool:
        """Whether labelers cannot be compared by it: whatever its method is, all that it predicts
        is the same for each of them, as of a combination that chose the consensus alone."""
        return self.is_consensus or (
            len(self.labelers) > 1
            and all(np.array_equal(one, self.scores[0], equal_nan=True) for one in self.scores[1:])
        )

    def with_attribute(self, attribute: str, columns: Mapping[str, Floats]) -> None:
        """Add an attribute that nobody labeled, `columns[labeler]` (images,) float32.

        A second time replaces it.
        """
        block = np.full((len(self.labelers), 1, len(self.images)), np.nan, np.float32)
        for place, labeler in enumerate(self.labelers):
            if labeler in columns:
                block[place, 0] = columns[labeler]
        self._forget()
        if attribute in self.attributes:
            self.scores[:, self.attributes.index(attribute)] = block[:, 0]
            return
        self.scores = np.concatenate([self.scores, block], axis=1)
        self.attributes = (*self.attributes, attribute)
        if self.consensus is not None:
            blank = np.full((1, len(self.images)), np.nan, np.float32)
            self.consensus = np.concatenate([self.consensus, blank])

    def with_images(self, images: Sequence[tuple[str, str, str]], scores: Floats) -> None:
        """Add images that the run was not given.

        Args:
            images: id, name and path of each.
            scores: (labelers, attributes, images) float32.
        """
        self.grown = True
        self._forget()
        self.learned = np.append(self.learned, np.zeros(len(images), bool))
        self.spreads = {key: old.longer(len(images)) for key, old in self.spreads.items()}
        ids, names, paths = (tuple(each) for each in zip(*images, strict=True))
        self.row.update({image: len(self.images) + place for place, image in enumerate(ids)})
        self.images, self.image_names, self.paths = (
            self.images + ids,
            self.image_names + names,
            self.paths + paths,
        )
        self.folded += tuple(name.casefold() for name in names)
        self.scores = np.concatenate([self.scores, scores], axis=2)
        if self.consensus is not None:
            blank = np.full((len(self.consensus), len(ids)), np.nan, np.float32)
            self.consensus = np.concatenate([self.consensus, blank], axis=1)

    def _forget(self) -> None:
        """The scores are others now."""
        for kept in (self._shares, self._labels, self.standings):
            kept.clear()


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
    data.attention = _attention(data)
    data.title = read_label(folder).name or method_title(data.summary.method)
    join(folder, data, names)
    yield Done(data)


def _attention(data: RunData) -> tuple[int, int]:
    """Blocks and heads of the tower that maps are made of."""
    if data.obstacles.maps or not data.summary.backbone:
        return 0, 0
    try:
        found = shape(parse(data.summary.backbone))
    except PrismError:  # its weights lay elsewhere, and maps will say so
        return 0, 0
    return (0, 0) if found is None else (found.blocks, found.heads)


def _has_predictions(folder: Path) -> bool:
    """Whether there are any; raises OSError where the disk or the rights keep that a secret."""
    try:
        return stat.S_ISREG((folder / layout.PREDICTIONS).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _predictions(run: RunFolder, names: Mapping[str, str]) -> RunData:
    images = _table(run.path, IMAGES_FILE, IMAGES).to_pydict()
    row = {image: place for place, image in enumerate(images["image"])}
    table = run.scores()
    assert table is not None, "whether there is one was asked before"
    labelers, attributes = table.labelers, table.attributes
    place = rows_of(table.images, images["image"])
    # The study's own order of labelers and attributes is the one people know them by.
    meta = run.stored(SnapshotMeta, META_FILE) or SnapshotMeta()
    if (place < 0).any() or (meta.codes and not set(labelers) <= set(meta.codes)):
        why = "it speaks of other images or labelers than the run's data"
        raise UnreadableError(run.path / layout.PREDICTIONS, why)
    scores = np.full((len(labelers), len(attributes), len(row)), np.nan, np.float32)
    scores[:, :, place] = table.array
    codes, by_code = _ordered(labelers, meta.codes)
    kinds, by_kind = _ordered(attributes, meta.names)
    return RunData(
        folder=run.path,
        labelers=codes,
        names={code: names.get(code) or code for code in codes},
        everybody=tuple(names) or codes,
        attributes=kinds,
        images=tuple(images["image"]),
        image_names=tuple(images["name"]),
        paths=tuple(map(str, images["path"])),
        scores=np.ascontiguousarray(scores[np.ix_(by_code, by_kind)]),
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
        told = _table(run.path, IMAGES_FILE, _SPLIT).to_pydict()
        data.learned &= np.array([part != "test" for part in told.get("split", data.images)])


def _read_facts(run: RunFolder, data: RunData) -> None:
    """What the study knew of the images when the run was trained."""
    if _there(run, FACTS_FILE):
        told = _table(run.path, FACTS_FILE, FACTS).to_pydict()
        for image, name, value in zip(told["image"], told["name"], told["value"], strict=True):
            if image in data.row:
                data.facts.setdefault(name, {})[data.row[image]] = value


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
