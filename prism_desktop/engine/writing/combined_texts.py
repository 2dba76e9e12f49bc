"""Texts of a combination: for each person those of the run that weighs most for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.writing_files import WritingQuality, WritingSummary
from prism_desktop.engine.writing.answered_texts import (
    AnsweredIn,
    AnsweredText,
    measured,
    read_answered,
)
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.tested_settings import KNOWN

_HEAVIEST: Final = "Its generated texts are those of the run that weighs most for each person."
_OTHERWISE: Final = (
    "It has no generated texts, as those of its runs were written, or compared with own ones, in "
    "different ways; train these again."
)
_LACKING: Final = "It has no generated texts, as not all of its runs wrote the same ones."


class CombinedTexts(NamedTuple):
    """What a combination writes to held-out prompts, and what it is worth."""

    answered: AnsweredIn
    quality: WritingQuality | None  # None where there are no texts
    notices: tuple[str, ...]


def combined_texts(
    method: str,
    texts: OwnTexts,
    runs: Mapping[str, RunFolder],
    weights: Mapping[str, Mapping[int, npt.NDArray[np.float64]]],
) -> CombinedTexts:
    """Take each text from the run that weighs most for its person, as the answers of a combination
    to any other prompt are.

    Args:
        method: the combination.
        texts: that all runs saw.
        runs: by method.
        weights: by setting, of each person (runs,).

    Returns:
        Nothing where a run wrote none, or in another way than the others, and of a setting that
        not all of them have. How long a text takes is not known: as long as with the run that
        writes it.
    """
    stored = [one.stored(WritingSummary, layout.WRITTEN) for one in runs.values()]
    qualities = [None if one is None else one.quality for one in stored]
    first = qualities[0]
    if first is None or None in qualities:
        return CombinedTexts({}, None, ())
    if len({repr((one.decoding.read, one.reader)) for one in qualities if one is not None}) > 1:
        return CombinedTexts({}, None, (_OTHERWISE,))
    try:
        several = [read_answered(one, texts) for one in runs.values()]
    except PrismError as error:
        return CombinedTexts({}, None, (f"It has no generated texts: {error}",))
    names = list(runs)
    found: dict[str, dict[int, AnsweredText]] = {}
    for setting in several[0]:
        rows = several[0][setting].keys()
        if any(one.get(setting, {}).keys() != rows for one in several):
            continue  # a mean over those alone whose run wrote some would not be that of all
        for row in rows:
            best = heaviest_place(weights[setting][texts.owner[row]])
            by = f"{method} ({names[best]})"
            found.setdefault(setting, {})[row] = several[best][setting][row]._replace(method=by)
    if not found.get(KNOWN):
        return CombinedTexts({}, None, (_LACKING,))
    told = {
        "measures": measured(texts, found[KNOWN], first.labels), "latency": None,
        "empty": sum(not one.text.strip() for one in found[KNOWN].values()),
    }  # fmt: skip
    return CombinedTexts(found, first.model_copy(update=told), (_HEAVIEST,))


def heaviest_place(weights: npt.NDArray[np.floating[Any]]) -> int:
    """Which of the runs weighs most, as it is found again in a file of float32; of equals the
    first."""
    return int(weights.astype(np.float32).argmax())
