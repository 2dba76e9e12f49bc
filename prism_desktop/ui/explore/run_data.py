"""A run's data: what the Explore panel knows of a run, as plain arrays; `run_reading.py` reads
it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.adaptation.adapted_labelers import (
    AdaptedLabeler,
)
from prism_desktop.engine.analysis.face_ranking import Area, Rows, within
from prism_desktop.engine.methods import METHODS, ignores_labelers
from prism_desktop.engine.models.obstacles import Obstacles
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.estimates import SHUFFLED, TOO_FEW, told_accuracy, too_few
from prism_desktop.engine.runs.result_files import Result, Summary
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.ui.explore.face_shares import (
    Floats,
    Placing,
    ShareSpread,
    Standing,
    percentiles,
    share_at,
)
from prism_desktop.ui.explore.run_answers import FaceLabels, RunAnswers
from prism_desktop.ui.explore.run_scores import RunScores

if TYPE_CHECKING:
    from prism_desktop.engine.processes.inference_client import InferenceClient

Key = TypeVar("Key")
Found = TypeVar("Found")

UNREAD = "The answers are still being read."


@dataclass(slots=True)
class RunData:
    """A run's predictions and what it learned from.

    Attributes:
        scores: of each labeler and attribute (images,), read when it is asked for.
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
    scores: RunScores
    consensus: Floats | None
    summary: Summary  # blank if the run was not evaluated
    row: dict[str, int]  # image id to its row
    answers: RunAnswers = field(default_factory=RunAnswers)
    unread: bool = False  # whether `run_reading.read_rest` still has to tell the answers
    # (images given,) whether an answered face was left out of training and validation
    held: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    # (images,) whether any answer about it was learned from, or settings were chosen by it
    learned: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    facts: dict[str, dict[int, str]] = field(default_factory=dict)  # by name, by row
    texts: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)  # prompt, text by id
    words: StimulusWords = FACES  # for what the images are, which may be texts
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
    _orders: dict[tuple[str, str], Rows] = field(default_factory=dict)
    _face_shares: dict[tuple[str, int], Floats] = field(default_factory=dict)  # by attribute, row
    # who entered after the training, by code
    adapted_labelers: dict[str, AdaptedLabeler] = field(default_factory=dict)
    title: str = ""  # what to call the run
    obstacles: Obstacles = field(default_factory=Obstacles)
    # blocks and heads of the image tower, as far as known, and the blocks of its trunk
    attention: tuple[int, int, int] = (0, 0, 0)
    damage: tuple[str, ...] = ()  # who entered and cannot be read, a sentence each
    given: int = 0  # images that the run was given; others follow them
    grown: bool = False  # whether it has any that the run was not given
    _model: "InferenceClient | None" = None
    _closed: bool = False
    _alike: dict[tuple[()], bool] = field(default_factory=dict)  # one verdict, once it is known
    state: int = 0  # counts how often the scores became others
    # held where what was found out of the scores is kept, or forgotten
    _keeping: threading.Lock = field(default_factory=threading.Lock)
    _choosing: threading.Lock = field(default_factory=threading.Lock)  # several jobs may ask
    _placing: threading.Lock = field(default_factory=threading.Lock)
    # what was begun of an attribute, in a state of the scores, by whoever holds `_placing`
    _begun: dict[tuple[str, int], Placing] = field(default_factory=dict)

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
        """(images,) float32 of one labeler and attribute; raises UnreadableError."""
        return self.scores.of(labeler, attribute)

    def score_table(self, attributes: Sequence[str]) -> Floats:
        """(labelers, attributes, images) float32; reads all of them, so never in the window's
        thread."""
        count = len(self.images)  # more may come meanwhile
        found = np.empty((len(self.labelers), len(attributes), count), np.float32)
        for place, attribute in enumerate(attributes):
            start = 0
            for block in self.scores.blocks(self.labelers, attribute):
                found[start : start + len(block), place] = block[:, :count]
                start += len(block)
        return found

    def share(self, labeler: str, attribute: str) -> Floats:
        """(images,) float32 share of the other faces that score lower; any other key than a
        labeler's stands for the consensus."""
        if labeler in self.labelers:
            return self._once(
                self._shares,
                (labeler, attribute),
                lambda: percentiles(self.score(labeler, attribute)),
            )
        key, state = ("", attribute), self.state
        if (known := self._shares.get(key)) is not None:
            return known
        lasting = self.consensus is not None or attribute in self.standings
        found = percentiles(self.consensus_of(attribute))
        if lasting:  # else there is no consensus yet
            self._keep(self._shares, key, found, state)
        return found

    def face_shares(self, attribute: str, face: int) -> Floats:
        """(labelers,) float32 share of the other faces that score lower than one to each labeler;
        reads all scores, so not in the window's thread unless `knows_face`."""
        while (found := self._face_shares.get((attribute, face))) is None:
            for _ in self.look_at(attribute, face):
                pass
        return found

    def look_at(self, attribute: str, face: int) -> Iterator[None]:
        """Find the same out, in steps between which it may be ended."""
        key = attribute, face
        while key not in self._face_shares:
            state, count, found = self.state, len(self.images), list[Floats]()
            for block in self.scores.blocks(self.labelers, attribute):
                found.append(share_at(block[:, :count], face))
                yield
            self._keep(self._face_shares, key, np.concatenate(found), state)

    def knows_face(self, attribute: str, face: int) -> bool:
        """Whether these are known, or found in no time."""
        if (attribute, face) in self._face_shares or len(self.labelers) < 2:
            return True
        return self.scores.at_hand(self.labelers, attribute)

    def order(self, labeler: str, attribute: str) -> Rows:
        """Rows of the faces that a labeler's model scores, the highest first; sorts once, and of
        many faces not in the window's thread unless `ordered`."""

        def find() -> Rows:
            scores = self.score(labeler, attribute)
            found = np.argsort(-scores, kind="stable")[: np.count_nonzero(~np.isnan(scores))]
            return found.astype(np.int64)

        return self._once(self._orders, (labeler, attribute), find)

    def ordered(self, attribute: str) -> bool:
        """Whether orders and shares of all labelers are known."""
        keys = [(code, attribute) for code in self.labelers]
        return all(key in self._orders and key in self._shares for key in keys)

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
        """Where all labelers put the faces; reads and places them all, so never in the window's
        thread unless it is among `standings`."""
        while (found := self.standings.get(attribute)) is None:
            for _ in self.place(attribute):
                pass
        return found

    def place(self, attribute: str) -> Iterator[None]:
        """Find the same out, in steps between which it may be ended; whoever asks next goes on from
        there."""
        with self._placing:  # who comes meanwhile waits rather than does it again
            while attribute not in self.standings:
                state, of_today = self.state, (attribute, self.state)
                begun = self._begun.get(of_today) or Placing(len(self.images))
                self._begun = {of_today: begun}
                for block in self.scores.blocks(self.labelers[begun.placed :], attribute):
                    for row in block:
                        begun.add(percentiles(row[: begun.images]))
                    yield
                self._begun.clear()
                self._keep(self.standings, attribute, begun.standing(), state)

    def _once(self, kept: dict[Key, Found], key: Key, find: Callable[[], Found]) -> Found:
        """What is kept of the scores, or else is found out; anew where these became others
        meanwhile."""
        while (known := kept.get(key)) is None:
            state = self.state
            self._keep(kept, key, find(), state)
        return known

    def _keep(self, kept: dict[Key, Found], key: Key, found: Found, state: int) -> None:
        """Keep what was found out of the scores of a state, unless they are others by now."""
        with self._keeping:
            if state == self.state:
                kept[key] = found

    def take_answers(self, answers: RunAnswers) -> None:
        """The answers are known now."""
        self.answers, self.unread = answers, False
        self.learned = np.zeros(len(self.images), bool)
        self.learned[: self.given] = answers.judged(self.given) & ~self.held
        self._labels.clear()

    def labels(self, labeler: str, attribute: str) -> FaceLabels:
        """What a labeler answered about each face."""
        key = labeler, attribute
        if self.unread:
            return RunAnswers().of(labeler, attribute, len(self.images))
        return self._once(
            self._labels, key, lambda: self.answers.of(labeler, attribute, len(self.images))
        )

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
        if not known and self.consensus is None:  # the labelers' mean, which nobody tested
            return ""
        row = self.test.per_labeler.get(labeler) if known else self.beside.macro
        told = told_accuracy(row)
        if row is None or row.accuracy is None:
            return ""
        control = f" {SHUFFLED}" if self.summary.shuffled else ""
        if told.few:
            few = f"{TOO_FEW.capitalize()} how good this is: right on {told.rest}"
            return f"{few} of the held-out answers.{control}"
        return f"Right on {told.line} of the held-out answers.{control}"

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
        if self.is_consensus:
            return True
        several = len(self.labelers) > 1
        return self._once(
            self._alike, (), lambda: several and self.scores.alike(self.labelers, self.attributes)
        )

    def with_attribute(self, attribute: str, columns: Mapping[str, Floats]) -> None:
        """Add an attribute that nobody labeled, `columns[labeler]` (images,) float32; of images
        that came after it was asked nothing is said.

        A second time replaces it.
        """
        blank = np.full(len(self.images), np.nan, np.float32)
        self.scores.type(attribute, {code: columns.get(code, blank) for code in self.labelers})
        self._forget()
        if attribute in self.attributes:
            return
        self.attributes = (*self.attributes, attribute)
        if self.consensus is not None:
            self.consensus = np.concatenate([self.consensus, blank[None]])

    def with_images(
        self,
        images: Sequence[tuple[str, str, str]],
        scores: Floats,
        texts: Mapping[str, tuple[str | None, str]] | None = None,
        attributes: Sequence[str] | None = None,
    ) -> None:
        """Add images, or texts, that the run was not given.

        Args:
            images: id, name and path of each; the path of a text is empty.
            scores: (labelers, attributes, images) float32.
            texts: id -> prompt or None, and text, of those that are texts.
            attributes: what the scores are of; all of the run's if it is None.
        """
        kinds = self.attributes if attributes is None else attributes
        self.scores.grow(self.labelers, kinds, scores)  # first: jobs may be reading
        self.texts = {**self.texts, **(texts or {})}
        self.grown = True
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
        if self.consensus is not None:
            blank = np.full((len(self.consensus), len(ids)), np.nan, np.float32)
            self.consensus = np.concatenate([self.consensus, blank], axis=1)
        self._forget()

    def _forget(self) -> None:
        """The scores are others now."""
        with self._keeping:
            self.state += 1
            self._alike.clear()
            of_scores = (self._shares, self._orders, self._face_shares, self.standings)
            for kept in (*of_scores, self._labels):
                kept.clear()
