"""One text explained: its words' relevance to a labeler's score, and the map's test, with torch.

The heads of a run judge a text's features, and not all of them can be differentiated where they
are: retrieval votes, combinations weigh others. So the gradient towards the features is taken by
central differences of the very scores that the run predicts, and goes on from there through the
frozen language model to the input embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.attribution import Target
from prism_desktop.engine.analysis.map_requests import NamedText, find_text
from prism_desktop.engine.analysis.relevance_rules import spearman, target_of
from prism_desktop.engine.analysis.word_deletion import delete_words
from prism_desktop.engine.analysis.word_relevance import (
    DEFAULT_WORD_MAP,
    FIRST_PARTS,
    STEPS,
    WordRelevance,
    word_map,
)
from prism_desktop.engine.analysis.word_units import TextWord, joined, without_words, words_of
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.image_blocks import SeenImages
from prism_desktop.engine.models.obstacles import NO_WORD_MAP, find_obstacles, refuse
from prism_desktop.engine.models.predictor import Combined, OnFeatures, Predictor, load_predictor
from prism_desktop.engine.models.saved_heads import place

Floats = NDArray[np.float32]
_STEP: Final = 1e-2  # of a central difference; features have length 1, and scores are float32
_ROWS: Final = 8_192  # features that heads judge at once


@dataclass(frozen=True, slots=True, eq=False)
class Dropped:
    """What a model reads in a text without each of its words."""

    words: int
    parts: tuple[NDArray[np.int64], ...]  # which words are left out of each version
    features: Floats  # (1 + parts, width), the whole text's first

    def effects(self, scores: NDArray[np.floating]) -> Floats:
        """(words,) how far a score falls without each word, NaN of what was not read; `scores` are
        those of the features."""
        found = np.full(self.words, np.nan, np.float32)
        for part, score in zip(self.parts, scores[1:], strict=True):
            found[part] = (scores[0] - score) / max(1, len(part))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """A trained model on what a frozen language model reads."""

    predictor: Predictor
    reader: LanguageModel

    @classmethod
    def of(cls, predictor: Predictor) -> TextModel:
        """Raises: InputError: it reads no texts, or not through frozen features."""
        reader = predictor.backbone
        if not isinstance(reader, LanguageModel) or not _on_features(predictor):
            raise InputError(NO_WORD_MAP)
        return cls(predictor, reader)

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes."""
        return self.predictor.labelers

    def row(self, code: str) -> int:
        """A labeler's. Raises: InputError: unknown."""
        return place("labeler", code, self.labelers)

    def target(self, labeler: str, attribute: str, against: str = "") -> Target:
        """As `relevance_rules.target_of`, of an attribute that was labeled."""
        place("attribute", attribute, self.predictor.attributes)
        return target_of(self, labeler, attribute, against)

    def scores(self, features: Floats, target: Target, facts: Mapping[str, str]) -> Floats:
        """The target of (n, width) features: (n,).

        What others answered about the text itself, which some methods add, is left out: it is no
        word of the text.
        """
        found = np.zeros(len(features), np.float32)
        codes = [code for code, _ in target.parts]
        weights = np.array([weight for _, weight in target.parts], np.float32)
        for start in range(0, len(features), _ROWS):
            part = features[start : start + _ROWS]
            seen = SeenImages(len(part), None, {k: [v] * len(part) for k, v in facts.items()})
            nobody = np.full(len(part), -1, np.int64)
            told = self.predictor.scores(part, codes, [target.attribute], nobody, seen)
            found[start : start + _ROWS] = weights @ told[:, 0]
        return found

    def gradient(self, feature: Floats, target: Target, facts: Mapping[str, str]) -> Floats:
        """(width,) of the target towards a text's features, by central differences."""
        step = _STEP * np.eye(len(feature), dtype=np.float32)
        moved = self.scores(np.concatenate([feature + step, feature - step]), target, facts)
        up, down = np.split(moved.astype(np.float64), 2)
        return ((up - down) / (2 * _STEP)).astype(np.float32)

    def versions(
        self, text: NamedText, words: Sequence[TextWord], kept: NDArray[np.bool_]
    ) -> Floats:
        """(m, width) features of a text of which some words are left: (m, words)."""
        prompt, whole = text.pair
        told = [without_words(whole, words, each) for each in kept]
        different = list(dict.fromkeys(told))
        row = {each: number for number, each in enumerate(different)}
        features = self.reader.encode([(prompt, each) for each in different])
        return features[[row[each] for each in told]]

    def token_map(
        self, text: NamedText, words: Sequence[TextWord], direction: Floats, steps: int = 0
    ) -> tuple[Floats, float]:
        """(words,) relevance to a direction of the features, as `token_relevance`, and that of the
        rest, as a share of all."""
        (tokens,) = self.reader.token_relevance([text.pair], direction[None], steps)
        (laid,) = self.reader.reader.lay_out([text.pair])
        own = tokens[laid.words]
        letters = self.reader.reader.letters(text.pair[1])[: len(own)]
        values = joined(words, letters, own)
        rest = float(np.abs(tokens).sum() - np.abs(own).sum())
        return values, rest / max(float(np.abs(tokens).sum()), 1e-12)

    def dropped(self, text: NamedText, words: Sequence[TextWord]) -> Dropped:
        """A text without each word alone; of more than `FIRST_PARTS` words neighbours go together,
        and share what they do."""
        read = np.flatnonzero(self._read(text, words))
        parts = np.array_split(read, min(FIRST_PARTS, max(1, len(read))))
        kept = np.ones((1 + len(parts), len(words)), bool)
        for row, part in enumerate(parts):
            kept[1 + row, part] = False
        return Dropped(len(words), tuple(parts), self.versions(text, words, kept))

    def _read(self, text: NamedText, words: Sequence[TextWord]) -> NDArray[np.bool_]:
        (laid,) = self.reader.reader.lay_out([text.pair])
        count = laid.words.stop - laid.words.start
        letters = self.reader.reader.letters(text.pair[1])[:count]
        return ~np.isnan(joined(words, letters, np.zeros(count)))


def _on_features(predictor: Predictor) -> bool:
    """Whether a model, and each that it combines, judges frozen features."""
    if isinstance(predictor, Combined):
        return all(map(_on_features, predictor.members))
    return isinstance(predictor, OnFeatures)


def explain_text(
    model: TextModel,
    text: NamedText,
    labeler: str,
    attribute: str,
    kind: str = DEFAULT_WORD_MAP,
    against: str = "",
    sign: int = 1,
) -> WordRelevance:
    """Make a map; it is not tested yet.

    Args:
        model: a trained one.
        text: it.
        labeler, against: as of `relevance_rules.target_of`.
        attribute: a name of the run.
        kind: as `word_map` reads it.
        sign: 1 for what raises the target, -1 for what lowers it.

    Raises:
        InputError: the labeler, the attribute or the kind is unknown.
    """
    chosen, target = word_map(kind), model.target(labeler, attribute, against)
    words = words_of(text.pair[1])
    both = np.stack([np.ones(len(words), bool), np.zeros(len(words), bool)])
    features = model.versions(text, words, both)
    whole, empty = model.scores(features, target, text.facts)
    beside = 0.0
    if chosen == "occlusion":
        gone = model.dropped(text, words)
        values = gone.effects(model.scores(gone.features, target, text.facts))
    else:
        direction = model.gradient(features[0], target, text.facts)
        values, beside = model.token_map(text, words, direction, _steps(chosen))
    return WordRelevance(
        kind=chosen,
        labeler=labeler,
        attribute=attribute,
        name=text.name,
        prompt=text.pair[0] or "",
        text=text.pair[1],
        words=words,
        relevance=np.float32(sign) * values,
        beside=beside,
        score=float(whole),
        empty=float(empty),
        against=against,
        sign=sign,
    )


def with_word_test(
    model: TextModel,
    found: WordRelevance,
    text: NamedText,
    over: NamedText | None = None,
    *,
    taste: Floats | None = None,
    seed: tuple[int, int] = (0, 0),
) -> WordRelevance:
    """The same map with its test, of a pair each text's.

    Args:
        model, text: as of `explain_text`.
        found: what it made.
        over: the second text of a pair.
        taste: (width,) a direction of the features drawn at random, whose words are a rival.
        seed: of random orders.
    """
    if found.other is not None:
        assert over is not None
        found = replace(found, other=with_word_test(model, found.other, over, seed=seed))
    target = model.target(found.labeler, found.attribute, found.against)
    words, facts = found.words, text.facts

    def kept(stays: NDArray[np.bool_]) -> NDArray[np.floating]:
        return found.sign * model.scores(model.versions(text, words, stays), target, facts)

    gone = model.dropped(text, words)
    rival = None if taste is None else taste_map(model, found, text, taste, gone)
    tests = delete_words(kept, found.relevance, rival, seed)
    alone = found.sign * gone.effects(model.scores(gone.features, target, facts))
    both = ~np.isnan(alone) & ~np.isnan(found.relevance)
    return found.with_tests(tests, spearman(found.relevance[both], alone[both]))


def taste_map(
    model: TextModel, found: WordRelevance, text: NamedText, taste: Floats, gone: Dropped
) -> Floats:
    """(words,) the map of the same kind of a taste, a direction of the features; `gone` is of
    `TextModel.dropped`."""
    if found.kind == "occlusion":
        return gone.effects(gone.features @ taste)
    return model.token_map(text, found.words, taste, _steps(found.kind))[0]


def _steps(kind: str) -> int:
    return STEPS if kind == "integrated-gradients" else 0


def explain_texts(
    model: TextModel,
    text: NamedText,
    over: NamedText | None,
    whose: tuple[str, str, str, str],
    *,
    check: bool = True,
) -> WordRelevance:
    """A map of one text or of a pair, tested where wanted; `whose` is labeler, attribute, kind,
    against.

    Raises:
        InputError: as `explain_text`, or both are the same text.
    """
    if over is not None and over.pair == text.pair:
        raise InputError("A text does not differ from itself; name another one beside it.")
    found = explain_text(model, text, *whose)
    if over is not None:
        second = explain_text(model, over, *whose, sign=-1)
        found = replace(found, other=second, score=found.score - second.score)
    return with_word_test(model, found, text, over) if check else found


def explain_text_run(
    run: Path, text: str, whose: tuple[str, str, str, str], over: str = "", device: str = "auto"
) -> WordRelevance:
    """Load a run and explain one text, or one beside another, for the command line; `text` and
    `over` as of `find_text`, `whose` as of `explain_texts`."""
    refuse(find_obstacles(run).maps)
    first, second = find_text(run, text), find_text(run, over) if over else None
    return explain_texts(TextModel.of(load_predictor(run, device)), first, second, whose)
