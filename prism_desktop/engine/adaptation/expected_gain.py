"""What more answers of a labeler would bring, by the doubt of their own model.

That is the posterior's own expectation (preposterior analysis; Raiffa and Schlaifer, "Applied
Statistical Decision Theory", 1961): tastes are drawn from the posterior, answer so many random
questions, and what is learned from these foretells others better by so much. It is no measurement:
where the model is wrong, so is it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from prism_desktop.engine.adaptation.adapt import told_of
from prism_desktop.engine.adaptation.growth import MORE, Share
from prism_desktop.engine.adaptation.head_fitter import KnownTaste, LabelerFitter
from prism_desktop.engine.adaptation.label_worth import ExpectedGain, WorthArguments
from prism_desktop.engine.adaptation.new_answers import new_answers_from_study
from prism_desktop.engine.adaptation.trial_planning import open_best
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.ceiling import Ceiling
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.runs.folder import RunFolder

_TASTES = 8  # drawn to see what more answers bring
_PAIRS = 400  # by which these are tested

Floats = npt.NDArray[np.float64]
Entered = tuple[RunFolder, LabelerFitter]  # a loaded run that labelers enter
Asked = tuple[npt.NDArray[np.int64], ...]  # attribute, left, right


def expected_gain(
    fitter: LabelerFitter,
    known: KnownTaste,
    told: tuple[Answers | None, Ratings | None],
    seed: int = 0,
) -> Estimate | None:
    """What `MORE` more answers to comparisons would add to the share that is foretold right.

    Args:
        fitter: the run that the labeler entered.
        known: what is known of them.
        told: the answers by which it is known.
        seed: of the tastes and the questions.

    Returns:
        The mean over tastes and its 95 % interval, which tells of the draws alone; None where there
        are too few images to compare.
    """
    heads = known.heads
    x = np.asarray(heads.space.project(known.features), dtype=np.float64)
    if len(x) < 3:
        return None
    rng = np.random.default_rng(seed)
    mean = heads.mean[0].reshape(-1)
    # a little of which rounding makes nothing
    root = np.linalg.cholesky(heads.covariance(0) + 1e-9 * np.eye(len(mean)))
    world = _World(x, heads.steepness()[0], rng)
    added = []
    for _ in range(_TASTES):
        taste = (mean + root @ rng.normal(size=len(mean))).reshape(-1, heads.space.dims)
        more, test = world.asked(MORE), world.asked(_PAIRS)
        chosen = rng.random(MORE) < world.chance(taste, more)
        answers, ratings = told
        grown = fitter.posterior(_with_choices(answers, more, chosen.astype(np.float32)), ratings)
        assert grown is not None
        added.append(world.right(grown.heads, taste, test) - world.right(heads, taste, test))
    error = 1.96 * float(np.std(added, ddof=1)) / np.sqrt(_TASTES)
    found = float(np.mean(added))
    return Estimate(found, found - error, found + error, _TASTES)


def expected_gains(
    asked: WorthArguments, before: Entered | None = None
) -> Iterator[Event[tuple[Entered | None, tuple[ExpectedGain, ...]]]]:
    """What more answers of some labelers would bring.

    Args:
        asked: of whom in which study.
        before: the run that was entered at the last call.

    The last event is `Done`: what to hand to the next call, and what was found; nothing where no
    run of the study says how surely it knows labelers.
    """
    opened = yield from value(open_best(asked.study, before))
    if opened is None:
        yield Done((None, ()))
        return
    run, fitter = opened
    found = []
    for number, code in enumerate(asked.labelers):
        yield Progress(number, len(asked.labelers), "Asking each labeler's model")
        try:
            told = told_of(run, new_answers_from_study(run, code, again=True))
        except InputError:  # nothing of theirs can be learned from yet
            found.append(ExpectedGain(labeler=code, run=run.name, answers=0, gain=None))
            continue
        known = fitter.posterior(*told)
        gain = None if known is None else share_of(expected_gain(fitter, known, told))
        answers = count_answers(*told)
        found.append(ExpectedGain(labeler=code, run=run.name, answers=answers, gain=gain))
    yield Done((opened, tuple(found)))


def count_answers(answers: Answers | None, ratings: Ratings | None) -> int:
    """Choices and ratings; pairs that were made of ratings are none."""
    single = 0 if ratings is None else len(ratings)
    if answers is None:
        return single
    return single + int(len(answers) if answers.derived is None else (~answers.derived).sum())


def share_of(found: Estimate | Ceiling | None) -> Share | None:
    """As it is told to another process; None where nothing is known."""
    if found is None or not found.n:
        return None
    return Share(value=found.value, low=found.low, high=found.high, n=found.n)


@dataclass(frozen=True, slots=True, eq=False)
class _World:
    """Questions about faces, and how somebody of a taste answers them.

    Attributes:
        x: (images, k) coordinates of the faces.
        steep: (attributes,) how surely a lead decides.
    """

    x: Floats
    steep: Floats
    rng: np.random.Generator

    def asked(self, count: int) -> Asked:
        """So many questions about two different faces."""
        images = len(self.x)
        left = self.rng.integers(images, size=count)
        right = (left + self.rng.integers(1, images, count)) % images
        return self.rng.integers(len(self.steep), size=count), left, right

    def lead(self, weights: Floats, some: Asked) -> Floats:
        """By how much the left face leads, by (attributes, k) weights."""
        attribute, left, right = some
        return np.asarray(np.einsum("nk,nk->n", self.x[left] - self.x[right], weights[attribute]))

    def chance(self, taste: Floats, some: Asked) -> Floats:
        """That the left face is chosen."""
        return np.asarray(expit(self.steep[some[0]] * self.lead(taste, some)))

    def right(self, told: BayesHeads, taste: Floats, some: Asked) -> float:
        """The share that a model foretells right of somebody of this taste."""
        chance, said = self.chance(taste, some), self.lead(told.mean[0], some)
        return float(np.where(said > 0, chance, 1 - chance).mean())


def _with_choices(
    answers: Answers | None, asked: Asked, chosen: npt.NDArray[np.float32]
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
