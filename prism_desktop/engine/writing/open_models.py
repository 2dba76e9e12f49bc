"""Frozen language models that stay open for the next run of a comparison: what writes, and what
compares or looks up texts, which may be one and the same."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.download import fetch
from prism_desktop.engine.backbones.language_files import check_language_model, language_checksum
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.events import Notice, Progress, value

_MOST: Final = 3  # that a run needs: it writes, compares texts and looks them up
_OPEN: dict[str, LanguageModel] = {}  # the one used last is the last


def opened(
    name: str, device: str, what: str = "Opening the language model"
) -> Generator[Progress | Notice, None, LanguageModel]:
    """A language model, downloaded on first use.

    Args:
        name: as in settings: prism-mini-lm, lm:FOLDER, lm:FILE.gguf, lm:OWNER/NAME.
        device: as in settings.
        what: is told while it is opened.

    Raises:
        BackboneError: it is missing, damaged, a pickle, or needs code of its own.
    """
    spec, where = parse(name), choose_device(device)
    yield from value(fetch(spec))
    check_language_model(spec)
    key = f"{spec.text}|{where.kind}|{language_checksum(spec)}"  # other weights may come there
    model = _OPEN.pop(key, None)
    if model is None:
        yield Progress(0, None, what)
        while len(_OPEN) >= _MOST:  # before the next one takes memory
            del _OPEN[next(iter(_OPEN))]
        model = load_language_model(spec, where)
    _OPEN[key] = model
    return model
