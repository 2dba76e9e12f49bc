"""Texts of a combination: for each person those of the run that weighs most for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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

_HEAVIEST = "Its generated texts are those of the run that weighs most for each person."


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
        Nothing where a run wrote none, or in another way than the others. How long a text takes is
        not known of it: as long as with the run that writes it.
    """
    stored = [one.stored(WritingSummary, layout.WRITTEN) for one in runs.values()]
    first, *others = (None if one is None else one.quality for one in stored)
    if first is None or not all(one is not None and one.alike(first) for one in others):
        return CombinedTexts({}, None, ())
    names, several = list(runs), [read_answered(one, texts) for one in runs.values()]
    found: dict[str, dict[int, AnsweredText]] = {}
    for setting, row in [(one, row) for one, rows in several[0].items() for row in rows]:
        best = int(weights[setting][texts.owner[row]].argmax())
        if row in several[best].get(setting, {}):
            by = f"{method} ({names[best]})"
            one = several[best][setting][row]._replace(method=by)
            found.setdefault(setting, {})[row] = one
    known = found.get(KNOWN, {})
    told = {
        "measures": measured(texts, known, first.labels), "latency": None,
        "empty": sum(not one.text.strip() for one in known.values()),
    }  # fmt: skip
    return CombinedTexts(found, first.model_copy(update=told), (_HEAVIEST,))
