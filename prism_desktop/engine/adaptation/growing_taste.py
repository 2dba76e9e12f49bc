"""A labeler's model as it grows: each answer is foretold before it is learned from.

The accuracy is prequential (Dawid, "Statistical theory: the prequential approach", Journal of the
Royal Statistical Society A 147, 1984): the posterior of answers before foretells the next ones, and
only then learns from them; trial by trial while somebody labels, and in up to twenty parts what was
answered before. Answers that the run itself learned from are never foretold, and neither is a
question that was asked before.

What more answers would bring is told by `expected_gain`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.adaptation.adapt import told_of
from prism_desktop.engine.adaptation.expected_gain import (
    count_answers,
    expected_gain,
    share_of,
)
from prism_desktop.engine.adaptation.growth import Growth, GrowthArguments
from prism_desktop.engine.adaptation.head_fitter import KnownTaste, LabelerFitter
from prism_desktop.engine.adaptation.new_answers import made_of
from prism_desktop.engine.adaptation.trial_planning import open_best
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.ceiling import ceilings
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.pairs import time_order
from prism_desktop.engine.evaluation.quality.labeler_measures import share
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.store import Study

_PARTS = 20  # between which answers that were given before are learned from
_FEWEST = 5  # trials of a part
_BEFORE = 20  # rated faces that a newly rated one is put in order with
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
        """What `MORE` more answers to comparisons would add to the accuracy; see
        `expected_gain`."""
        if self._known is None:
            return None
        if self._more is None or self._more[0] is not self._known:
            found = expected_gain(self.fitter, self._known, self._told, seed)
            if found is None:
                return None
            self._more = self._known, found
        return self._more[1]

    @property
    def answers(self) -> int:
        """How many it learned from."""
        return count_answers(*self._told)

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
        run=run.name, answers=kept.answers, accuracy=share_of(kept.accuracy()),
        ceiling=share_of(ceilings(compared, rated).get(asked.labeler)),
        more=share_of(kept.more()),
    )  # fmt: skip
    yield Done((kept, told))


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
