"""Maps of many texts made, tested and taken together, with torch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.map_requests import NamedText
from prism_desktop.engine.analysis.mean_relevance_rules import held_out_accuracy
from prism_desktop.engine.analysis.mean_word_relevance import CommonWord, MeanWordRelevance
from prism_desktop.engine.analysis.target_reading import TextModel
from prism_desktop.engine.analysis.word_deletion import WordTests, judge_deletion
from prism_desktop.engine.analysis.word_relevance import DEFAULT_WORD_MAP, WordRelevance, word_map
from prism_desktop.engine.analysis.word_relevance_rules import explain_text, with_word_test
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.runs.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

_SPLITS: Final = ("test", "val", "train")  # where texts are taken from, in this order
_SHARED: Final = 5  # texts that a listed word stands in, at least
_LISTED: Final = 40  # words
_WHAT: Final = "Looking which words matter"


@dataclass(frozen=True, slots=True)
class MeanWordRequest:
    """What is asked for."""

    labeler: str  # a code of the run
    attribute: str  # a name of the run
    texts: int = 100  # at most
    kind: str = DEFAULT_WORD_MAP  # as `word_map` reads it
    against: str = ""  # as of `relevance_rules.rival_of`; empty for the score itself
    seed: int = 0


def mean_word_relevance(
    folder: RunFolder, model: TextModel, asked: MeanWordRequest
) -> Generator[Event[MeanWordRelevance], None, None]:
    """Make, test and sum up maps; the last event is `Done`.

    Args:
        folder: of the run.
        model: its own.
        asked: what of.

    Raises:
        InputError: a name or the kind is unknown, or the run has fewer than two texts.
    """
    kind = word_map(asked.kind)
    reading = model.reading(asked.labeler, asked.attribute, asked.against)
    chosen = _texts(folder, asked)
    texts = [named for _, named in chosen]
    yield Progress(0, len(texts), _WHAT)
    features = reading.encode([one.pair for one in texts])
    scores = [
        reading.scores(feature[None], one.facts)[0]
        for feature, one in zip(features, texts, strict=True)
    ]
    signs = _apart(np.array(scores))
    tastes = _random_tastes(features, asked.seed)
    maps: list[WordRelevance] = []
    for place, (one, sign) in enumerate(zip(texts, signs, strict=True)):
        whose = asked.labeler, asked.attribute, kind, asked.against
        made = explain_text(model, one, *whose, sign=int(sign))
        seed = asked.seed, place
        maps.append(with_word_test(model, made, one, taste=tastes[place], seed=seed))
        yield Progress(place + 1, len(texts), _WHAT)
    yield Done(_summed(folder, asked, chosen, maps))


def common_words(maps: Sequence[WordRelevance]) -> tuple[CommonWord, ...]:
    """What the words of several texts do to their scores, those first that are farthest from doing
    nothing.

    Of each text the mean over a word's places counts once; the intervals are Student's over texts,
    at 5 % for all listed words together.
    """
    from scipy.stats import t

    of: dict[str, list[float]] = {}
    for one in maps:
        own: dict[str, list[float]] = {}
        for word, each in zip(one.words, one.sign * one.relevance, strict=True):
            if not np.isnan(each):
                own.setdefault(word.folded, []).append(float(each))
        for name, several in own.items():
            of.setdefault(name, []).append(float(np.mean(several)))
    shared = sorted((name for name in of if len(of[name]) >= _SHARED), key=lambda n: -len(of[n]))
    listed = shared[:_LISTED]
    found = []
    for name in listed:
        each = np.array(of[name])
        wide = t.ppf(1 - 0.025 / len(listed), len(each) - 1) * each.std(ddof=1) / len(each) ** 0.5
        mean = float(each.mean())
        found.append(CommonWord(name, len(each), mean, mean - float(wide), mean + float(wide)))
    return tuple(sorted(found, key=lambda one: -_clear(one)))


def _clear(word: CommonWord) -> float:
    """How far the near end of its interval is from nothing; negative where that is inside."""
    return max(word.low, -word.high)


def _apart(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """1 for texts at or above the mean of the texts, -1 for those below."""
    return np.where(scores >= scores.mean(), 1, -1)


def _random_tastes(features: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """(n, width) a direction of the features for each text, turned to what sets the text apart by
    it: a sum of differences of random texts, as if somebody had chosen between them blindly."""
    rng = np.random.default_rng((seed, 3))
    away = features - features.mean(0)
    tastes = rng.normal(size=(len(features), len(features))) @ away
    sides = np.array([_apart(features @ each)[row] for row, each in enumerate(tastes)])
    turned: NDArray[np.float32] = (tastes * sides[:, None]).astype(np.float32)
    return turned


def _summed(
    folder: RunFolder,
    asked: MeanWordRequest,
    chosen: Sequence[tuple[pd.Series[Any], NamedText]],
    maps: Sequence[WordRelevance],
) -> MeanWordRelevance:
    tests = WordTests.joined([one.tests for one in maps if one.tests is not None])
    groups = [one.pair[0] or str(row["image"]) for row, one in chosen]
    return MeanWordRelevance(
        kind=maps[0].kind,
        labeler=asked.labeler,
        attribute=asked.attribute,
        texts=tuple(str(row["image"]) for row, _ in chosen),
        held_out=sum(str(row["split"]) == "test" for row, _ in chosen),
        sizes=np.array([len(one.words) for one in maps], np.int64),
        relevance=np.concatenate([one.sign * one.relevance for one in maps]).astype(np.float32),
        passed=tests.passes & tests.tested,
        above=np.array([one.sign > 0 for one in maps]),
        test=judge_deletion(tests, groups, asked.seed),
        common=common_words(maps),
        accuracy=held_out_accuracy(folder, asked.labeler, asked.attribute),
        against=asked.against,
    )


def _texts(folder: RunFolder, asked: MeanWordRequest) -> list[tuple[pd.Series[Any], NamedText]]:
    """The texts that are looked at, held-out ones first, at random."""
    known, told, facts = folder.table("images"), folder.texts(), folder.image_facts()
    drawn = known.iloc[np.random.default_rng(asked.seed).permutation(len(known))]
    rank = drawn["split"].map({name: place for place, name in enumerate(_SPLITS)})
    drawn = drawn.assign(rank=rank.fillna(len(_SPLITS))).sort_values("rank", kind="stable")
    found: list[tuple[pd.Series[Any], NamedText]] = []
    for _, row in drawn.iterrows():
        key = str(row["image"])
        if key in told and len(found) < asked.texts:
            beside = {name: values.get(key, "") for name, values in facts.items()}
            found.append((row, NamedText(str(row["name"]), told[key], beside)))
    if len(found) < 2:
        raise InputError("The run has fewer than two texts, so there are no words over texts.")
    return found
