"""Features of texts, computed once per study and language model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.backbones.prompt_layout import LaidOut, Pair
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.study.row_cache import read_rows, write_rows

_PER_PASS = 64  # texts


def cut_texts(model: LanguageModel, laid: Sequence[LaidOut]) -> str:
    """A sentence on texts that are longer than what a model reads."""
    cut = sum(one.cut for one in laid)
    return (
        f"{counted(cut, 'text')} of {len(laid):,} {word_for(cut, 'is', 'are')} longer than "
        f"the {model.context:,} tokens that {model.title} reads; the rest is not read."
    )


def text_features(
    path: Path, texts: Mapping[str, Pair], model: LanguageModel
) -> Iterator[Event[Mapping[str, npt.NDArray[np.float32]]]]:
    """What a frozen language model reads in each text.

    Args:
        path: the cache's file, see `row_cache.features_file`; it is read and added to.
        texts: identity of a text -> a prompt or None, and the text.
        model: what `load_language_model` returned.

    Yields:
        Progress; a Notice where texts are longer than what the model reads; then Done with
        identity -> (width,) float32, unit norm, of these texts and of all that the cache has.
    """
    known = dict(read_rows(path, "features"))
    laid = model.reader.lay_out(list(texts.values()))
    if any(one.cut for one in laid):
        yield Notice(cut_texts(model, laid))
    # by length, so that little of a pass is filled up
    missing = sorted((key for key in texts if key not in known), key=lambda key: len(texts[key][1]))
    for start in range(0, len(missing), _PER_PASS):
        part = missing[start : start + _PER_PASS]
        known.update(zip(part, model.encode([texts[key] for key in part]), strict=True))
        yield Progress(
            min(start + _PER_PASS, len(missing)), len(missing), "Reading features of the texts"
        )
    if missing:
        write_rows(path, "features", known)
    yield Done(known)
