"""The simulation of labelers at work: trials with answers, response times and sessions on
real-looking days."""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.demo.pair_schedule import Dealer, Pair, ScheduledPair, sided, with_repeats
from prism_desktop.engine.demo.simulated_labelers import DemoDesign, Floats, SimulatedLabeler
from prism_desktop.engine.study.records import Kind, StimulusRecord, TrialRecord

_SPREAD = 0.32  # of the logarithm of response times
_CLOSE = 0.7  # lead at which the slowing by closeness has fallen to a third
# of each attribute, and how hard it was: 1 clear, 2 very close
_Answer = tuple[dict[str, int | str], float]
_NAMES = {1: "left", -1: "right", 0: "tie"}


class Simulation:
    """All trials of the demo, in the order in which the labelers came."""

    def __init__(
        self,
        images: Sequence[StimulusRecord],
        standard: NDArray[np.float32],
        design: DemoDesign,
        seed: int,
    ) -> None:
        """Args: images: the study's stimuli, in the order of the rows of `standard`.
        standard: (images, factors), each factor with mean 0 and variance 1.
        design: how trials are laid out. seed: of pairs, noise and times.
        """
        self._images = images
        self._standard = standard
        self._design = design
        self._seed = seed
        self._folds = [image.fold for image in images]

    def run(
        self, labelers: Sequence[SimulatedLabeler], scale: float = 1.0
    ) -> dict[str, list[TrialRecord]]:
        """Labeler code -> trials. `scale` multiplies the number of trials, for small studies."""
        rng = np.random.default_rng(self._seed)
        most = max(self._first_time(labeler.comparisons, scale) for labeler in labelers)
        everyone = Dealer(self._folds, rng).deal(round(most * self._design.shared), set())
        return {
            labeler.code: self._labeler(
                labeler, everyone, scale, np.random.default_rng([self._seed, number])
            )
            for number, labeler in enumerate(labelers)
        }

    def _first_time(self, trials: int, scale: float) -> int:
        return round(trials * scale) - round(trials * scale * self._design.repeats)

    def _labeler(
        self,
        labeler: SimulatedLabeler,
        everyone: Sequence[Pair],
        scale: float,
        rng: np.random.Generator,
    ) -> list[TrialRecord]:
        """One labeler's trials: pairs that everybody answers, pairs of their own, ratings, and
        repeats of both."""
        comparisons = self._first_time(labeler.comparisons, scale)
        shared = list(everyone[: round(comparisons * self._design.shared)])
        dealer = Dealer(self._folds, rng)
        pairs = shared + dealer.deal(comparisons - len(shared), set(everyone))
        pairs = sided([pairs[place] for place in rng.permutation(len(pairs))], rng)
        ratings = min(self._first_time(labeler.ratings, scale), len(self._images))
        faces = [(int(row),) for row in rng.permutation(len(self._images))[:ratings]]
        repeats = self._design.repeats * scale
        lag = self._design.repeat_lag
        told: dict[Kind, list[ScheduledPair]] = {
            "comparison": with_repeats(pairs, round(labeler.comparisons * repeats), lag, rng),
            "rating": with_repeats(faces, round(labeler.ratings * repeats), lag, rng),
        }
        answers: dict[Kind, list[_Answer]] = {
            "comparison": self._compared(labeler, told["comparison"], rng),
            "rating": self._rated(labeler, told["rating"], rng),
        }
        return self._sessions(labeler, told, answers, 1 / dealer.pairs, rng)

    def _compared(
        self, labeler: SimulatedLabeler, shown: Sequence[ScheduledPair], rng: np.random.Generator
    ) -> list[_Answer]:
        """Answers to comparisons, each with how hard it was on average over the attributes."""
        rows = np.array([trial.images for trial in shown])
        felt: dict[str, Floats] = {}
        given: dict[str, NDArray[np.int8]] = {}
        for attribute, utility in labeler.utilities(self._standard).items():
            lead = utility[rows[:, 0]] - utility[rows[:, 1]]
            given[attribute], felt[attribute] = labeler.compare(lead, rng)
        hard = np.mean([1 + np.exp(-np.abs(lead) / _CLOSE) for lead in felt.values()], axis=0)
        return [
            (
                {attribute: _NAMES[int(answers[row])] for attribute, answers in given.items()},
                float(hard[row]),
            )
            for row in range(len(shown))
        ]

    def _rated(
        self, labeler: SimulatedLabeler, shown: Sequence[ScheduledPair], rng: np.random.Generator
    ) -> list[_Answer]:
        """Answers to ratings, likewise."""
        rows = np.array([trial.images[0] for trial in shown])
        utilities = labeler.utilities(self._standard)
        given = {
            attribute: labeler.rate(utility[rows], rng) for attribute, utility in utilities.items()
        }
        hard = np.mean(
            [1 + np.exp(-np.abs(utility[rows]) / _CLOSE) for utility in utilities.values()], axis=0
        )
        return [
            (
                {attribute: int(answers[row]) for attribute, answers in given.items()},
                float(hard[row]),
            )
            for row in range(len(shown))
        ]

    def _sessions(
        self,
        labeler: SimulatedLabeler,
        told: Mapping[Kind, Sequence[ScheduledPair]],
        answers: Mapping[Kind, Sequence[_Answer]],
        probability: float,
        rng: np.random.Generator,
    ) -> list[TrialRecord]:
        """Cut both sequences into sessions of one kind each and lay these on successive days."""
        length = self._design.session_trials
        ids = {kind: [_identifier(rng) for _ in told[kind]] for kind in told}
        trials = []
        for day, (kind, start) in enumerate(_sittings(told, length)):
            session, onset = _identifier(rng), self._begin(day, rng)
            for order, place in enumerate(range(start, min(start + length, len(told[kind])))):
                shown, (answer, hard) = told[kind][place], answers[kind][place]
                seconds = labeler.seconds * hard * math.exp(_SPREAD * rng.standard_normal())
                trial = TrialRecord(
                    id=ids[kind][place],
                    labeler=labeler.code,
                    session=session,
                    order=order,
                    kind=kind,
                    left=self._images[shown.images[0]].id,
                    onset=round(onset, 3),
                    seconds=round(seconds, 3),
                    answers=answer,
                    repeat_of=None if shown.again is None else ids[kind][shown.again],
                    source="simulated",
                )
                if kind == "comparison":
                    drawn = probability if shown.again is None else None
                    trial = replace(
                        trial, right=self._images[shown.images[1]].id, probability=drawn
                    )
                trials.append(trial)
                onset += seconds + rng.uniform(0.3, 0.9)
        return trials

    def _begin(self, day: int, rng: np.random.Generator) -> float:
        """When a session starts, in unix seconds: some time of a working day."""
        morning = datetime.combine(self._design.first_day + timedelta(days=day), time(9), UTC)
        return morning.timestamp() + float(rng.uniform(0, 8 * 3600))


def _sittings(told: Mapping[Kind, Sequence[ScheduledPair]], length: int) -> list[tuple[Kind, int]]:
    """Kind and first place of each session, so that both kinds go on at the same pace."""
    sessions: list[tuple[float, Kind, int]] = [
        ((start + 0.5 * length) / len(told[kind]), kind, start)
        for kind in told
        for start in range(0, len(told[kind]), length)
    ]
    return [(kind, start) for _, kind, start in sorted(sessions)]


def _identifier(rng: np.random.Generator) -> str:
    return uuid.UUID(bytes=rng.bytes(16), version=4).hex
