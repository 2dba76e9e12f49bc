"""What a leaderboard tells of generated texts: gains, what soft tokens replace, and whether methods
that foretell better also write nearer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from prism_desktop.engine.evaluation.significance import holm
from prism_desktop.engine.runs.writing_files import (
    SIMILARITY,
    RankAgreement,
    WritingGain,
    WritingRow,
)
from prism_desktop.engine.writing.answered_texts import AnsweredIn, gained
from prism_desktop.engine.writing.board_words import combinations
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.tested_settings import ENTERED_WITH, KNOWN, entered_name

_CONTEXTS: Final = ("text-baseline",)  # what soft tokens replace, where it is compared
_EXACT: Final = 8  # methods up to whom every order is tried
_DRAWN: Final = 9_999  # orders otherwise
_KEYS: Final = ("quality_over_unified", "quality_over_retrieval")
Floats = npt.NDArray[np.float64]


def with_quality(
    rows: Sequence[WritingRow],
    answered: Mapping[str, AnsweredIn],
    texts: OwnTexts,
    references: Sequence[str],
) -> list[WritingRow]:
    """Rows with what their generated texts gain, p after Holm over all methods of a measure and, of
    held-out people, of each number of texts.

    Args:
        rows: of the board.
        answered: by method, what it generated.
        texts: that all of them saw.
        references: the unified model and the retrieval.
    """
    found = list(rows)
    for key, over in zip(_KEYS, references, strict=True):
        gains = _gains(over, rows, answered, texts, KNOWN)
        found = [row.model_copy(update={key: one}) for row, one in zip(found, gains, strict=True)]
        for count in ENTERED_WITH:
            gains = _gains(over, rows, answered, texts, entered_name(count))
            found = [
                _with_entered(row, count, {key: one}) for row, one in zip(found, gains, strict=True)
            ]
    return found


def _with_entered(row: WritingRow, count: int, told: Mapping[str, object]) -> WritingRow:
    """A row that says more of held-out people of whom so many texts are known."""
    entered = tuple(
        one.model_copy(update=told) if one.examples == count else one for one in row.entered
    )
    return row.model_copy(update={"entered": entered})


def _gains(
    over: str,
    rows: Sequence[WritingRow],
    answered: Mapping[str, AnsweredIn],
    texts: OwnTexts,
    setting: str,
) -> list[dict[str, WritingGain]]:
    """Of each row what its texts of a setting gain over another method, by measure."""
    other = next((row for row in rows if row.method == over), None)
    found = [
        {} if other is None or row is other else _gain(row, other, answered, texts, setting)
        for row in rows
    ]
    for measure in dict.fromkeys(name for one in found for name in one):
        ps = holm([one[measure].mean.p if measure in one else None for one in found])
        for one, p in zip(found, ps, strict=True):
            if measure in one:
                mean = one[measure].mean.model_copy(update={"p": p})
                one[measure] = one[measure].model_copy(update={"mean": mean})
    return found


def _gain(
    row: WritingRow,
    other: WritingRow,
    answered: Mapping[str, AnsweredIn],
    texts: OwnTexts,
    setting: str,
) -> dict[str, WritingGain]:
    """A row's gains over another one; none where the two cannot be compared."""
    one, beside = row.summary.quality, other.summary.quality
    if one is None or beside is None or one.decoding.read != beside.decoding.read:
        return {}
    mine, theirs = (answered[name].get(setting, {}) for name in (row.method, other.method))
    found = gained(other.method, texts, mine, theirs, one.labels)
    if one.reader != beside.reader:  # MiniLM came in between, or other weights
        found.pop(SIMILARITY, None)
    return found


def replaced_context(rows: Sequence[WritingRow], retrieval: str) -> tuple[str, list[WritingRow]]:
    """What soft tokens replace: the profile and examples as text, else the retrieval.

    Returns:
        The method whose context is replaced, empty if none reads any, and the rows with the tokens
        of it that each soft token replaces, less what the method itself still reads.
    """
    context = {row.method: row.summary.context_tokens for row in rows}
    over = next((name for name in (*_CONTEXTS, retrieval) if context.get(name)), "")
    found = []
    for row in rows:
        saved = context.get(over, 0.0) - row.summary.context_tokens
        soft = row.summary.soft_tokens
        worth = saved / soft if over and soft and saved > 0 else None
        found.append(row.model_copy(update={"compression": worth}))
    return over, found


def agreements(rows: Sequence[WritingRow]) -> dict[str, RankAgreement]:
    """Of each measure whether methods that foretell better also write nearer; similarities by
    different models are not compared, nor combinations, whose texts another method wrote."""
    combined = combinations(rows)
    rows = [row for row in rows if row.method not in combined]
    told = [row.summary.quality for row in rows if row.summary.quality]
    names = dict.fromkeys(name for one in told for name in one.measures)
    if len({one.reader for one in told}) > 1:
        names.pop(SIMILARITY, None)
    return {name: rank_agreement(list(_pairs(rows, name))) for name in names}


def _pairs(rows: Sequence[WritingRow], measure: str) -> Iterator[tuple[float, float]]:
    for row in rows:
        told = row.summary.quality and row.summary.quality.measures.get(measure)
        if told and told.value is not None and row.summary.test.value is not None:
            yield -row.summary.test.value, told.value


def rank_agreement(pairs: Sequence[tuple[float, float]]) -> RankAgreement:
    """Spearman's rho of two numbers of each method, with its p by permutations.

    Args:
        pairs: two numbers of each method, both greater where it is better.
    """
    told = RankAgreement(methods=len(pairs))
    if len(pairs) < 3:
        return told
    one, other = (_centred([pair[place] for pair in pairs]) for place in (0, 1))
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    if size == 0:  # all are as good
        return told
    rho = float(one @ other) / size
    reached = [
        abs(float(one @ other[order])) / size >= abs(rho) - 1e-12 for order in _orders(len(pairs))
    ]
    return told.model_copy(update={"rho": rho, "p": sum(reached) / len(reached)})


def _centred(values: Sequence[float]) -> Floats:
    ranks = np.asarray(rankdata(np.round(values, 12)), np.float64)
    centred: Floats = ranks - ranks.mean()
    return centred


def _orders(count: int) -> Iterator[npt.NDArray[np.int64]]:
    """All orders, or many with the one that there is among them."""
    if count <= _EXACT:
        yield from (np.array(order) for order in permutations(range(count)))
        return
    draw = np.random.default_rng(0)
    yield np.arange(count)
    yield from (draw.permutation(count) for _ in range(_DRAWN))
