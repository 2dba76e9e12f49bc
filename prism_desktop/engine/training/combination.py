"""Combinations of runs of the same data.

Weights are learned on validation alone.

Members are calibrated first: each one's scores are multiplied by the factor that fits the
validation answers best, so that a sum of scores is a sum of comparable logits.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.methods import CONSENSUS, METHODS
from prism_desktop.engine.methods.needed_methods import needs_tower
from prism_desktop.engine.methods.parts.scoring_parts import Rule
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.combination_file import CombinedRuns, Member
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.metrics_file import drop_metrics_from
from prism_desktop.engine.runs.result_files import Costs
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.closed_form import Scores, close_epoch
from prism_desktop.engine.training.routine import Cursor
from prism_desktop.engine.training.run_evaluation import training_costs

_PARTS = 5  # of the cross-fitting
_PAYS = 0.002  # nats per answer that a further member must gain on validation, cross-fitted

Doubles = npt.NDArray[np.float64]
Obtain = Callable[[str], Generator[TrainingEvent, None, RunFolder]]


@dataclass(slots=True, eq=False)
class Combination:
    """Weighs the members' scores.

    It costs what its members cost, whether they were trained for it or found there.

    Attributes:
        kind: the method's name, as its file keeps it.
        rule: how the members are weighed.
        members: methods in the order of their cost, the consensus first.
        obtain: makes sure that a method's run is there.
    """

    kind: str
    rule: Rule
    members: tuple[str, ...]
    obtain: Obtain
    labelers: tuple[str, ...]
    attributes: tuple[str, ...]
    images: tuple[str, ...]
    answers: Mapping[str, Answers]
    folder: Path
    stopping: bool = False
    cursor: Cursor = field(default_factory=Cursor)
    epochs: int = 1
    steps: int = 1
    chosen: tuple[Member, ...] = ()
    why: tuple[str, ...] = ()  # sentences that explain the choice
    _scores: Scores | None = None
    # of the members, see `training_costs`
    _costs: dict[str, Costs] = field(default_factory=dict)

    def counts(self) -> Mapping[str, int]:
        """Of the members that have weight, and `weights`, which alone are its own."""
        used = [
            self._costs[member.method].parameters for member in self.chosen if any(member.weight)
        ]
        total = {
            key: sum(each.get(key, 0) for each in used) for key in ("lora", "tokens", "trainable")
        }
        weights = len(self.chosen) * len(self.labelers)
        return total | {"trainable": total["trainable"] + weights, "weights": weights}

    def resume(self) -> tuple[bool, int]:
        """There are no checkpoints; members that are finished are used again."""
        drop_metrics_from(self.folder / layout.METRICS, 1)
        return False, 0

    def save(self) -> None:
        """Nothing to save before it is done."""

    def run(self) -> Iterator[TrainingEvent]:
        """Obtain the members, weigh them, and validate once."""
        known: dict[str, Scores] = {}
        runs: dict[str, str] = {}
        factors: dict[str, float] = {}
        for name in self.members:
            if self.stopping:
                break
            member = yield from self.obtain(name)
            known[name], factors[name] = self._read(member)
            runs[name], self._costs[name] = member.name, training_costs(member)
            if self.rule == "while it pays" and not self._pays(name, known):
                del known[name]
                if needs_tower(METHODS[name]):
                    break  # what costs more would hardly pay where this did not
        begun, weights = time.perf_counter(), self._weigh(known)
        self.chosen = tuple(
            Member(
                method=name,
                run=runs[name],
                calibration=factors[name],
                weight=tuple(float(w) * factors[name] for w in weights[place]),
                parameters=self._costs[name].parameters.get("trainable"),
                seconds=self._costs[name].seconds,
            )
            for place, name in enumerate(known)
        )
        for sentence in self._explain():
            yield Notice(sentence)
        self._scores = np.einsum("mu,muan->uan", weights, np.stack(list(known.values()))).astype(
            np.float32
        )
        self.cursor.step, self.cursor.ended, self.cursor.best_epoch = 1, True, 1
        self.cursor.seconds = time.perf_counter() - begun + self._members_seconds()
        yield close_epoch(
            self.cursor, self._scores, self.answers, self.labelers, self.attributes, self.folder
        )

    def score(self) -> Iterator[Progress | LabelerScores]:
        """Every labeler's scores of all images."""
        assert self._scores is not None, "score comes after run"
        for row, labeler in enumerate(self.labelers):
            yield LabelerScores(labeler, np.ascontiguousarray(self._scores[row].T))

    def write(self, run: RunFolder) -> None:
        """Write combination.json."""
        found = CombinedRuns(kind=self.kind, members=self.chosen, why=tuple(self.why))
        found.save(run.path / layout.COMBINATION)

    def _members_seconds(self) -> float:
        """Of all that were tried, whether they were kept or not.

        An average only compares with the consensus.
        """
        tried = {name: cost.seconds or 0.0 for name, cost in self._costs.items()}
        if self.rule == "average":
            tried.pop(CONSENSUS, None)
        return float(sum(tried.values()))

    def _read(self, run: RunFolder) -> tuple[Scores, float]:
        """Calibrated scores, (labelers, attributes, images)
        float32, and the factor that calibrated them.

        Raises:
            RunError: if the member speaks of other labelers, attributes or images than the
                combination.
        """
        table = run.scores()
        own = (self.labelers, self.attributes, self.images)
        if table is None or (table.labelers, table.attributes, table.images) != own:
            raise RunError(
                f"The run {run.name} scores other labelers, attributes or images; train the member "
                "again."
            )
        scores: Scores = table.array
        factor = calibration(differences(scores, self.answers["val"]), self.answers["val"])
        return np.float32(factor) * scores, factor

    def _pays(self, name: str, known: Mapping[str, Scores]) -> bool:
        """Whether the last member improves the validation likelihood, cross-fitted over images."""
        val, last = self.answers["val"], len(known) - 1
        if not last:
            return True
        margins = np.stack([differences(scores, val) for scores in known.values()])
        without, with_it = cross_fitted(margins[:last], val), cross_fitted(margins, val)
        gain = without - with_it
        title = METHODS[name].title
        if gain > _PAYS:
            self.why = (
                *self.why,
                f"{title} is in: it gains {gain:.3f} nats per validation answer.",
            )
            return True
        self.why = (
            *self.why,
            f"{title} is left out: it gains {gain:.3f} nats per validation answer, less than "
            f"{_PAYS}.",
        )
        return False

    def _weigh(self, known: Mapping[str, Scores]) -> Doubles:
        """(members, labelers) float64."""
        val, size = self.answers["val"], (len(known), len(self.labelers))
        margins = np.stack([differences(scores, val) for scores in known.values()])
        if self.rule == "average":
            weights = np.full(size, 1.0 / max(1, len(known) - 1))
            weights[0] = 0.0  # the consensus is there to compare with
            return weights
        if self.rule == "one or the other":
            personal = [helps(margins[0], margins[1], val, row) for row in range(size[1])]
            return np.stack([1.0 - np.array(personal, float), np.array(personal, float)])
        return np.repeat(stacked(margins, val)[:, None], size[1], axis=1)

    def _explain(self) -> tuple[str, ...]:
        """Sentences on who is served by what: names of people, or weights."""
        if self.rule == "one or the other":
            personal = [
                code for code, w in zip(self.labelers, self.chosen[1].weight, strict=True) if w > 0
            ]
            named = ", ".join(personal) or "nobody"
            self.why = (
                f"A personal model for {named}, by their own validation answers; the consensus for "
                "the others.",
            )
        elif self.rule == "while it pays":
            shares = ", ".join(
                f"{METHODS[m.method].title} {m.weight[0] / m.calibration:.2f}"
                for m in self.chosen
                if m.weight
            )
            self.why = (*self.why, f"Weights of the calibrated members: {shares}.")
        return self.why


def differences(scores: Scores, answers: Answers) -> Doubles:
    """(answers,) logits of scores (labelers, attributes, images)."""
    own = answers.labeler, answers.attribute
    return (scores[(*own, answers.left)] - scores[(*own, answers.right)]).astype(np.float64)


def loss(margin: Doubles, answers: Answers) -> Doubles:
    """Negative log-likelihood of each answer in nats; a tie counts as half of each."""
    return np.logaddexp(0.0, margin) - answers.outcome * margin


def calibration(margin: Doubles, answers: Answers) -> float:
    """The factor of a member's scores that fits the answers best; 1 where there are none."""
    if not len(answers) or not np.any(margin):
        return 1.0
    found = minimize_scalar(
        lambda log: loss(np.exp(log) * margin, answers).mean(), bounds=(-4.0, 4.0), method="bounded"
    )
    return float(np.exp(found.x))


def stacked(margins: Doubles, answers: Answers) -> Doubles:
    """(members,) non-negative weights that fit the answers best, held near equal shares.

    Source: Breiman, "Stacked regressions", Machine Learning 24 (1996), for logits.
    """
    count = len(margins)
    equal, strength = np.full(count, 1.0 / count), 0.01

    def objective(weights: Doubles) -> tuple[float, Doubles]:
        margin = weights @ margins
        slope = (expit(margin) - answers.outcome) / len(answers)
        value = loss(margin, answers).mean() + strength * np.sum((weights - equal) ** 2)
        return float(value), margins @ slope + 2 * strength * (weights - equal)

    found = minimize(objective, equal, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * count)
    return np.asarray(found.x, dtype=np.float64)


def cross_fitted(margins: Doubles, answers: Answers) -> float:
    """Mean loss in nats of stacked members, each answer weighed by the others' parts.

    Parts share no left image.
    """
    part = answers.left % _PARTS
    total = np.empty(len(answers))
    for held in range(_PARTS):
        inside, outside = part != held, part == held
        weights = stacked(margins[:, inside], select(answers, inside))
        total[outside] = loss(weights @ margins[:, outside], select(answers, outside))
    return float(total.mean())


def helps(consensus: Doubles, personal: Doubles, answers: Answers, labeler: int) -> bool:
    """Whether a labeler's own validation answers are likelier under the personal model."""
    mine = answers.labeler == labeler
    gained = loss(consensus[mine], select(answers, mine)) - loss(
        personal[mine], select(answers, mine)
    )
    return bool(len(gained) and gained.mean() > 0)
