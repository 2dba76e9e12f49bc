"""The relevance of a text's words as a record; `word_relevance_rules` makes it, with torch.

For a target, a labeler's score s_u(t, a) of a text or how far it lies above another's:

- `occlusion`: how far the target falls when a word alone is taken out of the text and the rest
  is read anew; signed. No gradient enters. In texts of many words neighbours go together.
- `integrated-gradients`: the mean gradient towards the input embeddings on the way from the
  vocabulary's mean embedding, times how far each token is from it (Sundararajan, Taly and Yan,
  "Axiomatic attribution for deep networks", ICML 2017), added up over a word's tokens.
- `gradient-input`: the gradient towards the input embedding of each token, times that embedding
  (Denil, Demiraj and de Freitas, "Extraction of salient sentences from labelled documents", 2014).
  It is of first order, so it need not add up to what the words do together; both are told.

Beside a map stands its own test, see `word_deletion`. Of a pair of texts the map is two maps: of
the first what raises its score, of the second what lowers its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.word_deletion import RIVALS, WordTests
from prism_desktop.engine.analysis.word_units import TextWord
from prism_desktop.engine.errors import InputError

WordMapKind = Literal["occlusion", "integrated-gradients", "gradient-input"]
WORD_MAPS: Final[tuple[WordMapKind, ...]] = get_args(WordMapKind)
DEFAULT_WORD_MAP: Final[WordMapKind] = "occlusion"  # which wins, see docs/results.md
STEPS: Final = 16  # of integrated gradients
FIRST_PARTS: Final = 64  # words that occlusion leaves out one by one; of more, neighbours together


def word_map(text: str) -> WordMapKind:
    """A kind of map of words by its name.

    Raises:
        InputError: there is no such kind.
    """
    known = next((each for each in WORD_MAPS if each == text), None)
    if known is None:
        raise InputError(f"There is no map {text!r} of texts; there are {', '.join(WORD_MAPS)}.")
    return known


@dataclass(frozen=True, slots=True, eq=False)
class WordRelevance:
    """A map over one text, with what is known of its worth."""

    kind: WordMapKind
    labeler: str
    attribute: str
    name: str  # the text's, in the study
    prompt: str  # "" for none
    text: str
    words: tuple[TextWord, ...]
    relevance: NDArray[
        np.float32
    ]  # (words,) signed, logits; NaN where the model did not read so far
    beside: float  # relevance of what is no word of the text, as a share of all
    score: float  # the target; only differences between texts mean something
    empty: float  # the target of the text without any word
    against: str = ""  # whose score is taken off: a code, or `relevance_map.CONSENSUS`
    tests: WordTests | None = None  # of this map alone; None: not tested
    occlusion: float = float("nan")  # Spearman with each word's own effect; NaN: flat, or unknown
    sign: int = 1  # -1: of what lowers the target
    other: WordRelevance | None = None  # of a pair: the second text's; `score` is the difference

    @property
    def supported(self) -> bool | None:
        """Whether it passes its test, of a pair both; None where it has none."""
        if self.tests is None or not self.tests.tested[0]:
            return None
        return bool(self.tests.passes[0]) and (self.other is None or self.other.supported is True)

    @property
    def strongest(self) -> float:
        """The largest relevance of any word, for or against; of a pair in both texts."""
        own = float(np.nanmax(np.abs(self.relevance), initial=0.0))
        return own if self.other is None else max(own, self.other.strongest)

    def ranked(self) -> list[tuple[TextWord, float]]:
        """Words that were read, the most relevant first."""
        order = np.argsort(-np.nan_to_num(self.relevance, nan=-np.inf), kind="stable")
        read = [place for place in order if not np.isnan(self.relevance[place])]
        return [(self.words[place], float(self.relevance[place])) for place in read]

    def verdict(self) -> str:
        """A few sentences on how far the map can be trusted."""
        if self.other is None:
            return self._own_verdict()
        return f"First text: {self._own_verdict()} Second text: {self.other._own_verdict()}"

    def limits(self) -> str:
        """What the numbers add up to, and what was not read."""
        apart = self._own_score - self.empty
        told = (
            f"The words' relevance adds up to {self.sign * float(np.nansum(self.relevance)):+.2f}; "
            f"without any of them the score would be {abs(apart):.2f} "
            f"{'lower' if apart >= 0 else 'higher'}."
        )
        if self.beside:
            told += f" What is no word of the text has {self.beside:.0%} of all relevance."
        unread = int(np.isnan(self.relevance).sum())
        if unread:
            told += f" {unread:,} of {len(self.words):,} words are beyond what the model reads."
        return told if self.other is None else f"{told} Second text: {self.other.limits()}"

    @property
    def _own_score(self) -> float:
        """Of this text alone, also where `score` is a difference."""
        return self.score if self.other is None else self.score + self.other.score

    def _own_verdict(self) -> str:
        if self.tests is None:
            return "The map was not tested."
        if not self.tests.tested[0]:
            return "Too few words to test the map."
        most, high = float(self.tests.most[0]), float(self.tests.random_high[0])
        rivals = "; ".join(
            f"without {rival} {float(fall):+.2f}"
            for rival, fall in zip(RIVALS, self.tests.rivals[0], strict=True)
            if not np.isnan(fall)
        )
        passed = "passes its test" if self.tests.passes[0] else "is not supported by its own test"
        told = (
            f"The map {passed}: without its most relevant words the score falls by {most:+.2f}; "
            f"{rivals} (one random order in twenty {high:+.2f})."
        )
        if self.kind == "occlusion" or self.occlusion != self.occlusion:
            return told
        return (
            f"{told} Its rank correlation with what each word alone does is {self.occlusion:.2f}."
        )

    def with_tests(self, tests: WordTests, occlusion: float) -> WordRelevance:
        """The same map, tested."""
        return replace(self, tests=tests, occlusion=occlusion)

    def told(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        listed = [
            {"word": word.text, "start": word.start, "end": word.end,
             "relevance": None if np.isnan(each) else float(each)}
            for word, each in zip(self.words, self.relevance, strict=True)
        ]  # fmt: skip
        return {
            "kind": self.kind, "labeler": self.labeler, "attribute": self.attribute,
            "against": self.against, "text": self.name, "score": self.score, "words": listed,
            "beside": self.beside, "without_words": self.empty, "supported": self.supported,
            "verdict": self.verdict(), "limits": self.limits(),
            "other": None if self.other is None else self.other.told(),
        }  # fmt: skip

    def save(self, beside: Path) -> None:
        """Write everything as .npz."""
        second = {} if self.other is None else self.other._arrays(_OTHER)
        np.savez(beside, **self._arrays(), **second)

    def _arrays(self, before: str = "") -> dict[str, Any]:
        told = {name: getattr(self, name) for name in _PLAIN} | {
            "places": np.array([(word.start, word.end) for word in self.words]).reshape(-1, 2),
            "tests": np.array([] if self.tests is None else self.tests.table()),
        }
        # a text as its bytes: NumPy's own letters lose zeros at the end
        told |= {name: np.frombuffer(getattr(self, name).encode(), np.uint8) for name in _LONG}
        return {before + name: each for name, each in told.items()}

    @classmethod
    def load(cls, path: Path) -> WordRelevance:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            second = cls._of(stored, _OTHER) if f"{_OTHER}relevance" in stored else None
            return replace(cls._of(stored), other=second)

    @classmethod
    def _of(cls, stored: Mapping[str, Any], before: str = "") -> WordRelevance:
        own = {name: stored[before + name] for name in _PLAIN}
        plain = {name: each if each.ndim else each.item() for name, each in own.items()}
        long: dict[str, Any] = {name: stored[before + name].tobytes().decode() for name in _LONG}
        tests, text = stored[f"{before}tests"], long["text"]
        places = [(int(start), int(end)) for start, end in stored[f"{before}places"]]
        return cls(
            words=tuple(TextWord(text[start:end], start, end) for start, end in places),
            tests=WordTests.of(tests) if tests.size else None,
            **long,
            **plain,
        )


_OTHER = "other_"  # before the names of the second text's
_LONG = ("name", "prompt", "text")
_PLAIN = (
    "kind", "labeler", "attribute", "against", "relevance", "beside", "score", "empty", "occlusion",
    "sign",
)  # fmt: skip
