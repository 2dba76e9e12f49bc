"""Which words matter to a labeler's model over many texts, as a record;
`mean_word_relevance_rules` makes it, with torch.

What is explained of each text is what sets it apart: how far its target lies above the mean of the
texts, or below. The words that are listed are the commonest, with what they do to the score itself.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.word_deletion import (
    FEWEST_TEXTS,
    DeletionTest,
    WordMargin,
)
from prism_desktop.engine.analysis.word_relevance import WordMapKind, word_map
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.runs.estimates import TOO_FEW

_CHANCE = 0.5  # of an accuracy
_NAMED = 5  # words of a sentence


@dataclass(frozen=True, slots=True)
class CommonWord:
    """A word of several texts, with what it does to the score where it stands, in logits; the
    interval is 95 % for all listed words together (Bonferroni), over texts."""

    word: str
    texts: int
    mean: float
    low: float
    high: float

    @property
    def stands_out(self) -> bool:
        """Whether it raises or lowers the score beyond chance."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True, eq=False)
class MeanWordRelevance:
    """The maps of one labeler's model on one attribute, over many texts."""

    kind: WordMapKind
    labeler: str
    attribute: str
    texts: tuple[str, ...]  # ids
    held_out: int  # of them that training did not see
    sizes: NDArray[np.int64]  # (n,) words of each
    relevance: NDArray[np.float32]  # (all words,) one text's after another's: for the score, signed
    passed: NDArray[np.bool_]  # (n,) which maps pass their test
    above: NDArray[np.bool_]  # (n,) whether the text lies above the mean, or below, of the texts
    test: DeletionTest
    common: tuple[CommonWord, ...]  # by how far they are from doing nothing
    # of the model on this labeler's held-out answers about the attribute, with its interval
    accuracy: tuple[float, float, float] | None = None
    against: str = ""  # a code, or `relevance_map.CONSENSUS`

    @property
    def supported(self) -> bool:
        """Whether the maps pass their test over these texts."""
        return self.test.supported

    @property
    def predicts(self) -> bool | None:
        """Whether the model is right beyond chance about this labeler; None where unknown."""
        return None if self.accuracy is None else self.accuracy[1] > _CHANCE

    def of(self, place: int) -> NDArray[np.float32]:
        """(words,) the map of one text."""
        ends = np.cumsum(self.sizes)
        return self.relevance[ends[place] - self.sizes[place] : ends[place]]

    def answer(self, who: str) -> str:
        """One sentence: which words matter and how that was tested. `who` is the labeler."""
        tested = f"tested on {counted(self.test.texts, 'text')}, {self.test.passed} pass"
        if self.test.texts < FEWEST_TEXTS:
            return f"{TOO_FEW.capitalize()}: {tested}."
        if self.predicts is False:
            return (
                f"No word can be told for {who}: the model predicts their held-out answers no "
                f"better than chance ({tested})."
            )
        told = []
        for verb, sign in (("raise", 1), ("lower", -1)):
            words = [w for w in self.common if w.stands_out and sign * w.mean > 0]
            if words:
                listed = ", ".join(
                    f"“{each.word}” ({each.mean:+.2f} [{each.low:.2f}, {each.high:.2f}])"
                    for each in words[:_NAMED]
                )
                told.append(f"{listed} {word_for(len(words), f'{verb}s', verb)} it")
        found = (
            f"No word stands out for {who} ({tested})."
            if not told
            else f"In the score of {who}'s model {'; '.join(told)} ({tested})."
        )
        return found if self.supported else f"Not supported by its own test: {found}"

    def doubts(self, who: str) -> list[str]:
        """Sentences on what the answer rests on and why it may not hold."""
        told = [self.tested()]
        if self.accuracy is None:
            told.append(f"How well the model predicts {who} on this attribute was not tested.")
        elif not self.predicts:
            low, high = (100 * each for each in self.accuracy[1:])
            told.append(
                f"The model predicts {who}'s held-out answers no better than chance "
                f"({self.accuracy[0]:.0%} [{low:.0f}, {high:.0f}]), so its words say nothing of "
                f"{who}."
            )
        if self.held_out < len(self.texts):
            seen = len(self.texts) - self.held_out
            told.append(f"Training saw {counted(seen, 'of these texts', 'of these texts')}.")
        told.append(
            "A word is taken where it stands: it may matter through its neighbours. Words that go "
            "with others in these texts share what both do."
        )
        return told

    def tested(self) -> str:
        """What the test says over texts."""
        if self.test.texts < FEWEST_TEXTS:
            return self.test.told()
        verdict = "pass" if self.supported else "do not pass"
        return f"The maps {verdict} their test. {self.test.told()}"

    def single_told(self, place: int) -> str:
        """What a text's own map is of, and whether it passes its test."""
        side = "above" if self.above[place] else "below"
        verdict = "passes" if self.passed[place] else "does not pass"
        return f"What sets this text {side} the mean of the texts; the map {verdict} its own test."

    def table(self) -> str:
        """The words as lines of a table."""
        width = max([len(each.word) for each in self.common] + [4])
        lines = [f"{'word':<{width}}  texts  relevance         interval"]
        lines += [
            f"{each.word:<{width}} {each.texts:>6} {each.mean:>+10.3f} "
            f"[{each.low:+.3f}, {each.high:+.3f}]"
            for each in self.common
        ]
        return "\n".join(lines)

    def told(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        return self._plain() | {
            "relevance": [
                [None if np.isnan(each) else float(each) for each in self.of(place)]
                for place in range(len(self.texts))
            ],
            "passed": self.passed.tolist(), "above": self.above.tolist(),
            "supported": self.supported, "answer": self.answer(self.labeler),
            "doubts": self.doubts(self.labeler),
        }  # fmt: skip

    def _plain(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "labeler": self.labeler, "attribute": self.attribute,
            "texts": self.texts, "held_out": self.held_out, "test": asdict(self.test),
            "common": [asdict(each) for each in self.common], "accuracy": self.accuracy,
            "against": self.against,
        }  # fmt: skip

    def save(self, beside: Path) -> None:
        """Write it as .npz."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez(beside, told=json.dumps(self._plain()), **arrays)

    @classmethod
    def load(cls, path: Path) -> MeanWordRelevance:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
            told = json.loads(str(stored["told"]))
        test = told.pop("test")
        margins = tuple(WordMargin(**each) for each in test.pop("margins"))
        accuracy, common = told.pop("accuracy"), told.pop("common")
        return cls(
            **arrays,
            kind=word_map(told.pop("kind")),
            texts=tuple(told.pop("texts")),
            test=DeletionTest(**test, margins=margins),
            common=tuple(CommonWord(**each) for each in common),
            accuracy=tuple(accuracy) if accuracy else None,
            **told,
        )


_ARRAYS = ("sizes", "relevance", "passed", "above")
