"""A labeler's model as it grows: each answer is foretold before it is learned from.

The accuracy is prequential (Dawid, "Statistical theory: the prequential approach", Journal of the
Royal Statistical Society A 147, 1984): the posterior of answers before foretells the next ones, and
only then learns from them; trial by trial while somebody labels, and in up to twenty parts what was
answered before. Answers that the run itself learned from are never foretold, and neither is a
question that was asked before.

What more answers would bring is the posterior's own expectation (preposterior analysis; Raiffa and
Schlaifer, "Applied Statistical Decision Theory", 1961): tastes are drawn from the posterior, answer
so many random questions, and what is learned from these foretells others better by so much.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from prism_desktop.engine.adaptation.adapt import told_of
from prism_desktop.engine.adaptation.growth import MORE, Growth, GrowthArguments, Share
from prism_desktop.engine.adaptation.head_fitter import KnownTaste, LabelerFitter
from prism_desktop.engine.adaptation.new_answers import made_of
from prism_desktop.engine.adaptation.trial_planning import open_best
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.ceiling import Ceiling, ceilings
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.pairs import time_order
from prism_desktop.engine.evaluation.quality.labeler_measures import share
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.store import Study

_PARTS = 20  # between which answers that were given before are learned from
_FEWEST = 5  # trials of a part
_BEFORE = 20  # rated faces that a newly rated one is put in order with
_TASTES = 8  # drawn to see what more answers bring
_PAIRS = 400  # by which these are tested
_CHOICE = {"left": 1.0, "tie": 0.0, "right": -1.0}


@dataclass(eq=False)
class GrowingTaste:
    """One labeler's model in one run, by the answers that it was shown so far.

    Attributes:
        foretold: a row for each question that was foretold: trial, hit (0, 0.5 or 1).
    """

    run: RunFolder
    fitter: LabelerFitter
    labeler: str
    learned: set[str] = field(default_factory=set)  # trials
    foretold: list[tuple[str, float]] = field(default_factory=list)
    _known: KnownTaste | None = None
    _more: tuple[KnownTaste, Estimate] | None = None  # of which posterior
    _told: tuple[Answers | None, Ratings | None] = (None, None)

    def __post_init__(self) -> None:
        meta = self.run.meta()
        self._attributes = {name: row for row, name in enumerate(meta.names)}
        images = self.run.table("images")["image"].astype(str)
        self._images = {image: row for row, image in enumerate(images)}
        # what the run's prior, or the labeler's own heads, were learned from
        tables = (self.run.table("comparisons"), self.run.table("ratings"))
        self._trained = {str(trial) for table in tables for trial in table["trial"]}

    def follow(self, compared: pd.DataFrame, rated: pd.DataFrame) -> Iterator[Event[None]]:
        """Foretell what is new, a few trials at a time, and learn from it.

        Args:
            compared, rated: all of the labeler's, as `Study.comparisons()` and `Study.ratings()`.
        """
        rows = _in_time(compared, rated)
        if self.learned - set(rows["trial"]):  # something was taken back
            self.learned.clear()
            self.foretold.clear()
            self._known = None
        trained = rows["trial"].isin(self._trained)
        new = rows[~rows["trial"].isin(self.learned) & ~trained]
        trials = list(dict.fromkeys(new["trial"]))
        size = max(_FEWEST, -(-len(trials) // _PARTS)) if len(trials) > 1 else 1
        if self._known is None:
            self._learn(compared, rated, self._trained | self.learned)
        for start in range(0, len(trials), size):
            yield Progress(start, len(trials), "Learning from the answers")
            part = set(trials[start : start + size])
            self._foretell(rows, part)
            self.learned |= part
            self._learn(compared, rated, self._trained | self.learned)
        yield Done(None)

    def accuracy(self) -> Estimate:
        """Of what was foretold."""
        table = pd.DataFrame(self.foretold, columns=["trial", "hit"])
        return share(table["hit"].astype("float64"), table["trial"].astype(str))

    def more(self, seed: int = 0) -> Estimate | None:
        """What `MORE` more answers to comparisons would add to the accuracy."""
        if self._known is None or len(self._images) < 3:
            return None
        if self._more is not None and self._more[0] is self._known:
            return self._more[1]
        rng = np.random.default_rng(seed)
        known = self._known
        k = known.heads.space.dims
        x = known.heads.space.project(known.features)
        mean = known.heads.mean[0].reshape(-1)
        root = np.linalg.cholesky(
            known.heads.covariance(0) + 1e-9 * np.eye(len(mean))
        )  # a little of which rounding makes nothing
        added = []
        for _ in range(_TASTES):
            taste = (mean + root @ rng.normal(size=len(mean))).reshape(-1, k)
            added.append(self._added(known, x, taste, rng))
        error = 1.96 * float(np.std(added, ddof=1)) / np.sqrt(_TASTES)
        found = float(np.mean(added))
        told = Estimate(found, found - error, found + error, _TASTES)
        self._more = known, told
        return told

    @property
    def answers(self) -> int:
        """How many it learned from."""
        answers, ratings = self._told
        single = 0 if ratings is None else len(ratings)
        if answers is None:
            return single
        return single + int(len(answers) if answers.derived is None else (~answers.derived).sum())

    def _learn(self, compared: pd.DataFrame, rated: pd.DataFrame, trials: set[str]) -> None:
        """The posterior of the answers of some trials."""
        some = (frame[frame["trial"].astype(str).isin(trials)] for frame in (compared, rated))
        try:
            self._told = told_of(self.run, made_of(self.run, self.labeler, "", *some, again=True))
        except InputError:  # nothing to learn from yet
            self._told = None, None
        self._known = self.fitter.posterior(*self._told)

    def _foretell(self, rows: pd.DataFrame, trials: set[str]) -> None:
        """What was said in some trials beside what the model expected before."""
        assert self._known is not None
        scores = self._known.heads.scores(self._known.features)[0]
        asked: set[tuple[str, str, str]] = set()
        rated: dict[str, list[tuple[str, float]]] = {}  # by attribute, the latest last
        for trial, name, left, right, said in _lists(rows):
            known = trial in self.learned or trial in self._trained
            if known or trial in trials:
                attribute = self._attributes.get(name)
                there = attribute is not None and {left, right} <= self._images.keys()
                if there and not known and (name, left, right) not in asked:
                    hit = self._hit(scores[attribute], left, right, said, rated.get(name, []))
                    if hit is not None:
                        self.foretold.append((trial, hit))
                asked |= {(name, left, right), (name, right, left)}
                if left == right:
                    rated.setdefault(name, []).append((left, said))

    def _hit(
        self,
        scores: npt.NDArray[np.float32],
        left: str,
        right: str,
        said: float,
        rated: Sequence[tuple[str, float]],
    ) -> float | None:
        """How far (images,) scores foretold what was said: of a rating, beside the faces rated
        before it; None where these say nothing."""

        def score(image: str) -> float:
            return float(scores[self._images[image]])

        if left != right:
            return _agrees(score(left) - score(right), said)
        hits = [
            _agrees(score(left) - score(other), said - value)
            for other, value in rated[-_BEFORE:]
            if other in self._images and value != said
        ]
        return float(np.mean(hits)) if hits else None

    def _added(
        self,
        known: KnownTaste,
        x: npt.NDArray[np.float64],
        taste: npt.NDArray[np.float64],
        rng: np.random.Generator,
    ) -> float:
        """How much more often a model foretells somebody of a taste, (attributes, k), once it
        learned from more of their answers."""
        heads, attributes, images = known.heads, len(taste), len(x)
        steep = heads.steepness()[0]

        def asked(count: int) -> tuple[npt.NDArray[np.int64], ...]:
            left = rng.integers(images, size=count)
            right = (left + rng.integers(1, images, count)) % images
            return rng.integers(attributes, size=count), left, right

        def lead(
            weights: npt.NDArray[np.float64], some: tuple[npt.NDArray[np.int64], ...]
        ) -> npt.NDArray[np.float64]:
            attribute, left, right = some
            return np.asarray(np.einsum("nk,nk->n", x[left] - x[right], weights[attribute]))

        def right_share(told: BayesHeads, some: tuple[npt.NDArray[np.int64], ...]) -> float:
            chance = expit(steep[some[0]] * lead(taste, some))
            said = lead(told.mean[0], some)
            return float(np.where(said > 0, chance, 1 - chance).mean())

        more, test = asked(MORE), asked(_PAIRS)
        chosen = rng.random(MORE) < expit(steep[more[0]] * lead(taste, more))
        answers, ratings = self._told
        told = _with_choices(answers, more, chosen.astype(np.float32))
        grown = self.fitter.posterior(told, ratings)
        assert grown is not None
        return right_share(grown.heads, test) - right_share(heads, test)


def taste_of(
    asked: GrowthArguments, kept: GrowingTaste | None
) -> Iterator[Event[tuple[GrowingTaste, Growth] | None]]:
    """Learn what a labeler said since the last call.

    Args:
        asked: of whom in which study.
        kept: of the last call, which is gone on with where it is of the same labeler and run.

    The last event is `Done`: what the next call goes on with and what is known by now; None where
    no run of the study says how surely it knows labelers.
    """
    yield Progress(0, None, "Learning from the answers")
    with Study.open(asked.study, read_only=True) as study:
        names, _ = confirmed_names(study.attributes(), study.path)
        compared, rated = (
            frame[frame["attribute"].isin(names)]
            for frame in (study.comparisons(asked.labeler), study.ratings(asked.labeler))
        )
    same = kept is not None and kept.labeler == asked.labeler
    before = (kept.run, kept.fitter) if kept is not None and same else None
    opened = yield from value(open_best(asked.study, before))
    if opened is None:
        yield Done(None)
        return
    run, fitter = opened
    if kept is None or not same or kept.fitter is not fitter:
        kept = GrowingTaste(run, fitter, asked.labeler)
    yield from value(kept.follow(compared, rated))
    told = Growth(
        run=run.name, answers=kept.answers, accuracy=_told(kept.accuracy()),
        ceiling=_told(ceilings(compared, rated).get(asked.labeler)), more=_told(kept.more()),
    )  # fmt: skip
    yield Done((kept, told))


def _told(found: Estimate | Ceiling | None) -> Share | None:
    if found is None or not found.n:
        return None
    return Share(value=found.value, low=found.low, high=found.high, n=found.n)


def _lists(rows: pd.DataFrame) -> Iterator[tuple[str, str, str, str, float]]:
    """trial, attribute, left, right, value."""
    columns = (rows[name].tolist() for name in ("trial", "attribute", "left", "right", "value"))
    return zip(*columns, strict=True)


def _agrees(lead: float, said: float) -> float:
    """Whether a lead has the sign of what was said; no lead, or a tie, is half right."""
    return 0.5 if said == 0 or lead == 0 else float((lead > 0) == (said > 0))


def _in_time(compared: pd.DataFrame, rated: pd.DataFrame) -> pd.DataFrame:
    """trial, attribute, left, right, value: comparisons and ratings, whose right is their left, in
    the order in which they were given."""
    one = compared.assign(value=compared["outcome"].astype(str).map(_CHOICE))
    two = rated.assign(left=rated["image"], right=rated["image"])
    columns = ["trial", "labeler", "onset", "attribute", "left", "right", "value"]
    rows = pd.concat([one[columns].astype({"value": "float64"}), two[columns]], ignore_index=True)
    for name in ("trial", "attribute", "left", "right"):
        rows[name] = rows[name].astype(str)
    rows["value"] = rows["value"].astype("float64")
    return rows.assign(order=time_order(rows)).sort_values("order", kind="stable")


def _with_choices(
    answers: Answers | None,
    asked: tuple[npt.NDArray[np.int64], ...],
    chosen: npt.NDArray[np.float32],
) -> Answers:
    """The answers and choices that are made up beside them."""
    attribute, left, right = asked
    first = 0 if answers is None or not len(answers) else int(answers.group.max()) + 1
    made = Answers(
        labeler=np.zeros_like(attribute), attribute=attribute, left=left, right=right,
        outcome=chosen, weight=np.ones(len(chosen), np.float32),
        group=first + np.arange(len(chosen)), derived=np.zeros(len(chosen), bool),
    )  # fmt: skip
    if answers is None or not len(answers):
        return made
    names = [part.name for part in fields(answers) if part.name not in ("derived", "time")]
    whole = {name: np.concatenate([getattr(answers, name), getattr(made, name)]) for name in names}
    derived = np.zeros(len(answers), bool) if answers.derived is None else answers.derived
    return Answers(**whole, derived=np.concatenate([derived, made.derived]))
