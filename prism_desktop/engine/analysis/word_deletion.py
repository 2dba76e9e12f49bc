"""The deletion test of words: does a score fall when the words go that a map calls relevant?

Words are taken out of the text, and the text without them is read anew; nothing grey stands in
their stead. At an eighth, a quarter and a half of its words the fall of the score is read and
averaged (comprehensiveness: DeYoung et al., "ERASER", ACL 2020), for the most relevant words, for
the least relevant ones, for words at random, and for those that matter most to a taste drawn at
random, which knows the texts and nothing of the labeler.

Needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import TOO_FEW

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# (m, words) which words each of m versions of a text keeps -> (m,) scores
KeptWords = Callable[[Bools], NDArray[np.floating]]

RIVALS: Final = ("random words", "the least relevant words", "the words of a random taste")
FEWEST_TEXTS: Final = 20  # below which nothing is told of texts
FEWEST_WORDS: Final = 4  # below which orders of a text's words hardly differ
_SHARES: Final = (1 / 8, 1 / 4, 1 / 2)
_ORDERS: Final = 19  # random orders of each text: to beat all of them is one chance in twenty
_DRAWS: Final = 2000  # of the bootstrap


@dataclass(frozen=True, slots=True, eq=False)
class WordTests:
    """How far the score of n texts falls without words; NaN where a text has too few of them."""

    most: Floats  # (n,) without the most relevant
    rivals: Floats  # (n, rivals) without those of `RIVALS`; NaN where no taste was drawn
    random_high: Floats  # (n,) what one random order in twenty surpasses

    def __len__(self) -> int:
        return len(self.most)

    @property
    def tested(self) -> Bools:
        """(n,) which texts have words enough."""
        return np.asarray(~np.isnan(self.most), dtype=np.bool_)

    @property
    def passes(self) -> Bools:
        """(n,) whose fall is above that of 19 random orders, and of every other rival."""
        rivals = np.where(np.isnan(self.rivals), -np.inf, self.rivals).max(1)
        return np.asarray(self.most > np.maximum(rivals, self.random_high), dtype=np.bool_)

    def table(self) -> Floats:
        """(n, 5), for a file."""
        return np.column_stack([self.most, self.rivals, self.random_high])

    @classmethod
    def of(cls, table: Floats) -> WordTests:
        """What `table` gave."""
        return cls(table[:, 0], table[:, 1:-1], table[:, -1])

    @classmethod
    def joined(cls, several: Sequence[WordTests]) -> WordTests:
        """Those of other texts one after another."""
        return cls.of(np.concatenate([one.table() for one in several]))


@dataclass(frozen=True, slots=True)
class WordMargin:
    """By how much more the score falls than with a rival, on average over texts; 95 % interval."""

    rival: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DeletionTest:
    """Whether words that maps call relevant matter, over texts."""

    texts: int  # with words enough
    prompts: int  # groups of texts that were drawn together
    passed: int  # single texts
    fall: float  # mean, without the most relevant words
    margins: tuple[WordMargin, ...]

    @property
    def supported(self) -> bool:
        """Whether they beat every rival beyond chance."""
        return self.texts >= FEWEST_TEXTS and all(each.low > 0 for each in self.margins)

    def told(self) -> str:
        """The falls in a sentence, too few to tell said first."""
        gaps = "; ".join(
            f"{each.mean:+.2f} [{each.low:.2f}, {each.high:.2f}] more than without {each.rival}"
            for each in self.margins
        )
        told = (
            f"Without their most relevant words, an eighth to a half of them, the score of "
            f"{counted(self.texts, 'text')} falls by {self.fall:.2f} logits on average: {gaps}. "
            f"{self.passed} of {self.texts} single texts pass."
        )
        return told if self.texts >= FEWEST_TEXTS else f"{TOO_FEW.capitalize()}: {told}"


def delete_words(
    scores: KeptWords,
    values: NDArray[np.floating],
    taste: NDArray[np.floating] | None = None,
    seed: tuple[int, int] = (0, 0),
) -> WordTests:
    """Test the map of one text.

    Args:
        scores: of its versions, larger where what the map explains is more.
        values: (words,) relevance, NaN where not read: such words stay.
        taste: (words,) likewise, of a taste drawn at random; None for no such rival.
        seed: of the random orders.
    """
    read = np.flatnonzero(~np.isnan(values))
    n, blank = len(read), np.full(1, np.nan)
    if n < FEWEST_WORDS:
        return WordTests(blank, np.full((1, len(RIVALS)), np.nan), blank)
    ends = np.unique(np.ceil(n * np.array(_SHARES)).astype(int))
    given = [np.argsort(-values[read], kind="stable"), np.argsort(values[read], kind="stable")]
    if taste is not None:
        given.append(np.argsort(-taste[read], kind="stable"))
    random = np.argsort(np.random.default_rng(seed).random((_ORDERS, n)), axis=1)
    orders = np.concatenate([np.stack(given), random])
    kept = np.ones((len(orders), len(ends), len(values)), bool)
    for row, order in enumerate(orders):
        for column, end in enumerate(ends):
            kept[row, column, read[order[:end]]] = False
    flat = kept.reshape(-1, len(values))
    found = np.asarray(scores(np.concatenate([np.ones_like(flat[:1]), flat])), np.float64)
    falls = (found[0] - found[1:]).reshape(len(orders), -1).mean(1)
    by_chance = falls[len(given) :]
    other = falls[2] if taste is not None else np.nan
    rivals = np.array([[by_chance.mean(), falls[1], other]])
    return WordTests(falls[:1], rivals, by_chance.max(keepdims=True))


def judge_deletion(
    tests: WordTests, groups: Sequence[str] | None = None, seed: int = 0
) -> DeletionTest:
    """Whether maps are supported, over the texts that they are of.

    Args:
        tests: of n texts.
        groups: (n,) which texts belong together, as those of one prompt; None: each for itself.
            They are drawn together.
        seed: of the bootstrap.
    """
    kept = np.flatnonzero(tests.tested).tolist()
    names = [str(place) for place in kept] if groups is None else [groups[place] for place in kept]
    _, place = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    many = int(place.max()) + 1 if len(kept) else 0
    draws = np.random.default_rng(seed).integers(0, max(many, 1), (_DRAWS, many))
    size = np.bincount(place, minlength=many) if many else np.zeros(0)
    margins = []
    for column, rival in enumerate(RIVALS):
        gap = (tests.most - tests.rivals[:, column])[kept]
        if not many or np.isnan(gap).any():
            continue
        whole = np.bincount(place, weights=gap, minlength=many)
        means = whole[draws].sum(1) / size[draws].sum(1)
        low, high = np.quantile(means, [0.025, 0.975])
        margins.append(WordMargin(rival, float(gap.mean()), float(low), float(high)))
    fall = float(tests.most[kept].mean()) if many else 0.0
    passed = int(tests.passes[kept].sum())
    return DeletionTest(len(kept), many, passed, fall, tuple(margins))
