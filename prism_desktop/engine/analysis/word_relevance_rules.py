"""One text explained: its words' relevance to a labeler's score, and the map's test, with torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.map_requests import NamedText, find_text
from prism_desktop.engine.analysis.relevance_rules import spearman
from prism_desktop.engine.analysis.target_reading import Floats, TargetReading, TextModel
from prism_desktop.engine.analysis.word_deletion import delete_words
from prism_desktop.engine.analysis.word_relevance import (
    DEFAULT_WORD_MAP,
    FIRST_PARTS,
    STEPS,
    WordRelevance,
    word_map,
)
from prism_desktop.engine.analysis.word_units import TextWord, without_words, words_of
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.obstacles import find_obstacles, refuse
from prism_desktop.engine.models.predictor import load_predictor


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


def versions(
    reading: TargetReading, text: NamedText, words: Sequence[TextWord], kept: NDArray[np.bool_]
) -> Floats:
    """(m, width) features of a text of which some words are left: (m, words)."""
    prompt, whole = text.pair
    told = [without_words(whole, words, each) for each in kept]
    different = list(dict.fromkeys(told))
    row = {each: number for number, each in enumerate(different)}
    features = reading.encode([(prompt, each) for each in different])
    return features[[row[each] for each in told]]


def dropped(reading: TargetReading, text: NamedText, words: Sequence[TextWord]) -> Dropped:
    """A text without each word alone; of more than `FIRST_PARTS` words neighbours go together, and
    share what they do."""
    read = np.flatnonzero(reading.read(text.pair, words))
    parts = np.array_split(read, min(FIRST_PARTS, max(1, len(read))))
    kept = np.ones((1 + len(parts), len(words)), bool)
    for row, part in enumerate(parts):
        kept[1 + row, part] = False
    return Dropped(len(words), tuple(parts), versions(reading, text, words, kept))


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
    chosen, reading = word_map(kind), model.reading(labeler, attribute, against)
    words = words_of(text.pair[1])
    both = np.stack([np.ones(len(words), bool), np.zeros(len(words), bool)])
    features = versions(reading, text, words, both)
    whole, empty = reading.scores(features, text.facts)
    beside = 0.0
    if chosen == "occlusion":
        gone = dropped(reading, text, words)
        values = gone.effects(reading.scores(gone.features, text.facts))
    else:
        direction = reading.gradient(features[0], text.facts)
        values, beside = reading.token_map(text.pair, words, direction, _steps(chosen))
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
    reading = model.reading(found.labeler, found.attribute, found.against)
    words, facts = found.words, text.facts

    def kept(stays: NDArray[np.bool_]) -> NDArray[np.floating]:
        return found.sign * reading.scores(versions(reading, text, words, stays), facts)

    gone = dropped(reading, text, words)
    rival = None if taste is None else taste_map(reading, found, text, taste, gone)
    tests = delete_words(kept, found.relevance, rival, seed)
    alone = found.sign * gone.effects(reading.scores(gone.features, facts))
    both = ~np.isnan(alone) & ~np.isnan(found.relevance)
    return found.with_tests(tests, spearman(found.relevance[both], alone[both]))


def taste_map(
    reading: TargetReading, found: WordRelevance, text: NamedText, taste: Floats, gone: Dropped
) -> Floats:
    """(words,) the map of the same kind of a taste, a direction of the features; `gone` is of
    `dropped`."""
    if found.kind == "occlusion":
        return gone.effects(gone.features @ taste)
    return reading.token_map(text.pair, found.words, taste, _steps(found.kind))[0]


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
