"""What a trained model of any kind reads in texts, and what it says of that, with torch.

A model judges features: those of the frozen language model, those of the language model as a
labeler's tokens and adapters make it read, or several side by side where it combines runs or where
what is asked is of several labelers. What bears on the score is propagated back through each.

Not all that judges features can be differentiated where it is: retrieval votes, combinations weigh
others. So the gradient towards features is taken by central differences of the very scores that
the run predicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from prism_desktop.engine.analysis.attribution import Target, feature_scores
from prism_desktop.engine.analysis.relevance_rules import target_of
from prism_desktop.engine.analysis.word_units import TextWord, joined
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.backbones.prompt_layout import Pair, TextTokenizer
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.image_blocks import SeenImages
from prism_desktop.engine.models.language_tower import PersonalLanguageModel
from prism_desktop.engine.models.obstacles import NO_WORD_MAP
from prism_desktop.engine.models.predictor import Combined, Predictor, Tower
from prism_desktop.engine.models.saved_heads import place

Floats = NDArray[np.float32]
Facts = Mapping[str, str]  # what a run's blocks read beside a text
Judge = Callable[[Floats, Facts], Floats]  # (n, width) features -> (n,) what is said of them

_STEP: Final = 1e-2  # of a central difference; features have length 1, and scores are float32
_ROWS: Final = 8_192  # features that are judged at once
_PASS: Final = 128  # texts of a pass of a labeler's own model


class FeatureReading(Protocol):
    """A network that makes features of texts."""

    @property
    def reader(self) -> TextTokenizer:
        """Prompts and texts as its tokens."""

    @property
    def width(self) -> int:
        """Numbers of a text's features."""

    def encode(self, pairs: Sequence[Pair]) -> Floats:
        """(n, width), unit norm."""

    def token_relevance(self, pair: Pair, direction: Floats, steps: int) -> Floats:
        """(tokens,) relevance of each to a direction of the features, see `token_shares`; the last
        ones are those that `reader` lays out."""


@dataclass(frozen=True, slots=True)
class FrozenReading:
    """By the frozen language model, the same for everybody."""

    model: LanguageModel

    @property
    def reader(self) -> TextTokenizer:
        """As declared."""
        return self.model.reader

    @property
    def width(self) -> int:
        """As declared."""
        return self.model.width

    def encode(self, pairs: Sequence[Pair]) -> Floats:
        """As declared."""
        return self.model.encode(pairs)

    def token_relevance(self, pair: Pair, direction: Floats, steps: int) -> Floats:
        """As declared."""
        return self.model.token_relevance([pair], direction[None], steps)[0]


@dataclass(frozen=True, slots=True)
class LabelerReading:
    """By the language model with a labeler's tokens and adapters.

    Attributes:
        row: of the labeler, or of the first of those that read alike.
    """

    model: PersonalLanguageModel
    row: int

    @property
    def reader(self) -> TextTokenizer:
        """As declared."""
        return self.model.reader

    @property
    def width(self) -> int:
        """As declared."""
        return int(self.model.backbone.embed_dim)

    @torch.no_grad()
    def encode(self, pairs: Sequence[Pair]) -> Floats:
        """As declared."""
        found = np.empty((len(pairs), self.width), np.float32)
        with self.model.fused():
            for start in range(0, len(pairs), _PASS):
                tokens = self.model.prepare(self.model.accept(pairs[start : start + _PASS]))
                whose = torch.full((len(tokens),), self.row, device=tokens.device)
                found[start : start + _PASS] = self.model.encode(tokens, whose).cpu().numpy()
        return found

    def token_relevance(self, pair: Pair, direction: Floats, steps: int) -> Floats:
        """As declared; the labeler's tokens come first."""
        return self.model.token_relevance(pair, self.row, direction, steps)


@dataclass(frozen=True, slots=True, eq=False)
class TargetReading:
    """What is read of texts for a target, and how high they score.

    Attributes:
        parts: readings, each with those who judge by it; their scores add up.
    """

    parts: tuple[tuple[FeatureReading, tuple[Judge, ...]], ...]

    def encode(self, pairs: Sequence[Pair]) -> Floats:
        """(n, width) features, those of the readings side by side."""
        return np.hstack([reading.encode(pairs) for reading, _ in self.parts])

    def scores(self, features: Floats, facts: Facts) -> Floats:
        """The target of (n, width) features: (n,).

        What others answered about the text itself, which some methods add, is left out: it is no
        word of the text.
        """
        found = np.zeros(len(features), np.float32)
        for own, (_, judges) in zip(self._split(features), self.parts, strict=True):
            found += _judged(judges, own, facts)
        return found

    def gradient(self, feature: Floats, facts: Facts) -> Floats:
        """(width,) of the target towards a text's features, by central differences."""
        found = []
        for own, (_, judges) in zip(self._split(feature), self.parts, strict=True):
            step = _STEP * np.eye(len(own), dtype=np.float32)
            moved = _judged(judges, np.concatenate([own + step, own - step]), facts)
            up, down = np.split(moved.astype(np.float64), 2)
            found.append((up - down) / (2 * _STEP))
        return np.concatenate(found).astype(np.float32)

    def token_map(
        self, pair: Pair, words: Sequence[TextWord], direction: Floats, steps: int = 0
    ) -> tuple[Floats, float]:
        """(words,) relevance to a direction of the features, see `token_shares`, NaN of what was
        not read; and that of what is no word of the text, as a share of all."""
        several, mass, beside = [], 0.0, 0.0
        for own, (reading, _) in zip(self._split(direction), self.parts, strict=True):
            tokens = reading.token_relevance(pair, own, steps)
            (laid,) = reading.reader.lay_out([pair])
            theirs = tokens[len(tokens) - len(laid.ids) :][laid.words]
            several.append(_of_words(reading, pair, words, theirs))
            whole = float(np.abs(tokens).sum())
            mass, beside = mass + whole, beside + whole - float(np.abs(theirs).sum())
        return _added(several), beside / max(mass, 1e-12)

    def read(self, pair: Pair, words: Sequence[TextWord]) -> NDArray[np.bool_]:
        """(words,) which are within what is read."""
        found = [_of_words(reading, pair, words, None) for reading, _ in self.parts]
        return ~np.isnan(_added(found))

    def _split(self, features: Floats) -> list[Floats]:
        """(..., width) as those of each reading."""
        ends = np.cumsum([reading.width for reading, _ in self.parts])[:-1]
        return np.split(features, ends, axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """A trained model that judges what a language model reads in texts."""

    predictor: Predictor

    @classmethod
    def of(cls, predictor: Predictor) -> TextModel:
        """Raises: InputError: it reads no texts."""
        if not isinstance(predictor.backbone, LanguageModel):
            raise InputError(NO_WORD_MAP)
        return cls(predictor)

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes."""
        return self.predictor.labelers

    def row(self, code: str) -> int:
        """A labeler's. Raises: InputError: unknown."""
        return place("labeler", code, self.labelers)

    def reading(self, labeler: str, attribute: str, against: str = "") -> TargetReading:
        """Of the target that `relevance_rules.target_of` names, of an attribute that was labeled.

        Raises:
            InputError: the labeler or the attribute is unknown.
        """
        place("attribute", attribute, self.predictor.attributes)
        target = target_of(self, labeler, attribute, against)
        merged: dict[FeatureReading, tuple[Judge, ...]] = {}
        for reading, judge in _parts(self.predictor, target):
            merged[reading] = (*merged.get(reading, ()), judge)
        if not merged:  # a combination that says the same of every text
            merged[FrozenReading(_frozen(self.predictor))] = ()
        return TargetReading(tuple(merged.items()))


def _parts(predictor: Predictor, target: Target) -> list[tuple[FeatureReading, Judge]]:
    """What is read for a target, and who judges by it."""
    if isinstance(predictor, Combined):
        return [
            part
            for member, weights in zip(predictor.members, predictor.weights, strict=True)
            if (own := _weighed(target, predictor.labelers, weights)).parts
            for part in _parts(member, own)
        ]
    if not isinstance(predictor, Tower):
        return [(FrozenReading(_frozen(predictor)), _by_heads(predictor, target))]
    model = predictor.loaded.model
    assert isinstance(model, PersonalLanguageModel), "`of` was asked"
    return [
        (LabelerReading(model, model.view_groups[predictor.loaded.row(code)]), judge)
        for code, weight in target.parts
        for judge in [_by_tower(predictor, code, weight, target.attribute)]
    ]


def _frozen(predictor: Predictor) -> LanguageModel:
    assert isinstance(predictor.backbone, LanguageModel), "`of` was asked"
    return predictor.backbone


def _weighed(target: Target, labelers: Sequence[str], weights: Floats) -> Target:
    """What a target takes of a member of a combination; `weights` (labelers,)."""
    own = [(code, part * float(weights[labelers.index(code)])) for code, part in target.parts]
    return Target(target.attribute, tuple((code, part) for code, part in own if part))


def _by_heads(predictor: Predictor, target: Target) -> Judge:
    codes = [code for code, _ in target.parts]
    weights = np.array([weight for _, weight in target.parts], np.float32)

    def judge(features: Floats, facts: Facts) -> Floats:
        seen = SeenImages(len(features), None, {k: [v] * len(features) for k, v in facts.items()})
        nobody = np.full(len(features), -1, np.int64)
        told = predictor.scores(features, codes, [target.attribute], nobody, seen)
        found: Floats = weights @ told[:, 0]
        return found

    return judge


def _by_tower(predictor: Tower, code: str, weight: float, attribute: str) -> Judge:
    def judge(features: Floats, facts: Facts) -> Floats:
        return np.float32(weight) * feature_scores(predictor.loaded, features, code, attribute)

    return judge


def _judged(judges: Sequence[Judge], features: Floats, facts: Facts) -> Floats:
    found = np.zeros(len(features), np.float32)
    for start in range(0, len(features), _ROWS):
        part = slice(start, start + _ROWS)
        for judge in judges:
            found[part] += judge(features[part], facts)
    return found


def _of_words(
    reading: FeatureReading, pair: Pair, words: Sequence[TextWord], values: Floats | None
) -> Floats:
    """(words,) the values of the text's tokens as a reading lays them out; None for zeros."""
    (laid,) = reading.reader.lay_out([pair])
    count = laid.words.stop - laid.words.start
    letters = reading.reader.letters(pair[1])[:count]
    return joined(words, letters, np.zeros(count) if values is None else values)


def _added(several: Sequence[Floats]) -> Floats:
    """The sum of (words,) each; NaN where all are."""
    all_ = np.stack(several)
    return np.where(np.isnan(all_).all(0), np.nan, np.nansum(all_, axis=0)).astype(np.float32)
