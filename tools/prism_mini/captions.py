"""What can be said of a face, and how true it is: phrases
from the factors and traits, graded, put into templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.demo.faces.factors import factors
from prism_desktop.engine.demo.faces.traits import traits

# The templates that scoring uses, twice as likely as the others, and a few more so that the wording
# matters little.
TEMPLATES = (
    "{}",
    "a {} person",
    "this person looks {}",
    "this person is {}",
    "this person appears {}",
)
_OTHERS = (
    "a face with {}",
    "a person with {}",
    "a drawing of a {} face",
    "a photo of a {} person",
    "someone {}",
)
_GRADES = (("{}", 0.0), ("very {}", 1.0), ("somewhat {}", -0.5))
_SHARPNESS = 4.0  # logits per standard deviation: how abruptly a phrase becomes true


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, and the direction in factor space along which they become truer."""

    text: str
    direction: tuple[float, ...]  # (factors,), unit norm, over `strengths`
    kind: str  # the factor or trait it speaks of


@cache
def phrases() -> tuple[Phrase, ...]:
    """Every phrase of `data/faces.yaml` and `data/consensus.yaml`,
    for the high and for the low side."""
    told: list[Phrase] = []
    for row, factor in enumerate(factors()):
        axis = np.eye(len(factors()))[row]
        told += [Phrase(text, tuple(axis), factor.name) for text in factor.high_phrases]
        told += [Phrase(text, tuple(-axis), factor.name) for text in factor.low_phrases]
    for trait in traits():
        told += [Phrase(text, tuple(trait.weights), trait.name) for text in trait.high_phrases]
        told += [Phrase(text, tuple(-trait.weights), trait.name) for text in trait.low_phrases]
    return tuple(told)


def strengths(standard: NDArray[np.float32], values: NDArray[np.float64]) -> NDArray[np.float32]:
    """How much of each factor a face shows, for captions:
    things that are there or not count by their presence.

    Args:
        standard: (faces, factors) with mean 0 and variance 1.
        values: (faces, factors) in the units of the drawing.
    """
    shown = standard.copy()
    for row, factor in enumerate(factors()):
        if factor.presence < 1:
            there = values[:, row] > 0
            shown[:, row] = np.where(there, 0.6 + values[:, row], -1.0)
    return shown


class Captioner:
    """Makes texts and says of every face how likely each text is true of it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._directions = np.array([phrase.direction for phrase in phrases()], dtype=np.float32)
        kinds = [phrase.kind for phrase in phrases()]
        names = {trait.name for trait in traits()}
        share = np.array([(2.0 if kind in names else 1.0) / kinds.count(kind) for kind in kinds])
        self._share = share / share.sum()

    def singles(
        self, count: int, shown: NDArray[np.float32]
    ) -> tuple[list[str], NDArray[np.float32]]:
        """`count` one-phrase texts; truths are (faces, count) in 0..1."""
        chosen = self._rng.choice(len(self._share), count, p=self._share)
        texts, columns = [], []
        for index in chosen:
            wording, shift = _GRADES[self._rng.choice(3, p=(0.7, 0.2, 0.1))]
            text, truth = (
                wording.format(phrases()[index].text),
                _sigmoid(shown @ self._directions[index] - shift),
            )
            if self._rng.uniform() < 0.12:
                text, truth = f"not {text}", 1 - truth
            texts.append(self._template().format(text))
            columns.append(truth)
        return texts, np.stack(columns, axis=1)

    def several(
        self, count: int, shown: NDArray[np.float32]
    ) -> tuple[list[str], NDArray[np.float32]]:
        """`count` texts of two or three phrases, each true of some face in the batch.

        Truths are (faces, count).
        """
        texts, columns = [], []
        for row in self._rng.choice(len(shown), count):
            told = _sigmoid(self._directions @ shown[row]) * self._share
            chosen = self._rng.choice(
                len(told), int(self._rng.integers(2, 4)), replace=False, p=told / told.sum()
            )
            truth = np.prod([_sigmoid(shown @ self._directions[index]) for index in chosen], axis=0)
            joint = (" and ", ", ")[int(self._rng.integers(2))]
            texts.append(
                self._template().format(joint.join(phrases()[index].text for index in chosen))
            )
            columns.append(truth)
        return texts, np.stack(columns, axis=1)

    def _template(self) -> str:
        pool: Sequence[str] = TEMPLATES if self._rng.uniform() < 0.7 else _OTHERS
        return pool[int(self._rng.integers(len(pool)))]


def _sigmoid(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    truth: NDArray[np.float32] = (1 / (1 + np.exp(-_SHARPNESS * strength))).astype(np.float32)
    return truth


@cache
def vocabulary() -> tuple[str, ...]:
    """Texts that together hold every token a caption can have."""
    wordings = [
        *TEMPLATES,
        *_OTHERS,
        *(grade for grade, _ in _GRADES),
        "not {}",
        "{} and {}",
        "{}, {}",
    ]
    return tuple(wording.replace("{}", " ").strip() for wording in wordings) + tuple(
        phrase.text for phrase in phrases()
    )
