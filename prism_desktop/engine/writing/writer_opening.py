"""Models that write, made and opened: the frozen language model, and a method's model on it."""

from __future__ import annotations

from collections.abc import Generator

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.download import fetch
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Notice, Progress, value
from prism_desktop.engine.methods.writing_methods import WritingMethod
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig

_KEPT_MODELS: dict[str, LanguageModel] = {}  # the last one, for the runs of a comparison


def new_model(
    base: LanguageModel, method: WritingMethod, config: WritingConfig, past: PastTexts
) -> WriterModel:
    """A method's model in its first state, of the people whom training knows.

    Raises:
        InputError: the language model has no projections that adapters change.
    """
    groups = None
    if method.grouped:
        groups = [int(one) for one in past.grouped(config, method)]
    return WriterModel(base, method, config, len(past.texts.known), groups)


def opened_language_model(
    config: WritingConfig,
) -> Generator[Progress | Notice, None, LanguageModel]:
    """The frozen language model, kept for the next run.

    Raises:
        InputError: it is an encoder, which cannot write.
    """
    spec, device = parse(config.backbone), choose_device(config.device)
    key = f"{spec.text}|{device.kind}"
    if key not in _KEPT_MODELS:
        yield from value(fetch(spec))
        yield Progress(0, None, "Opening the language model")
        base = load_language_model(spec, device)
        if not base.writes:
            raise InputError(
                f"{base.title} is an encoder, which reads texts and cannot write; choose a causal "
                "language model, such as prism-mini-lm."
            )
        _KEPT_MODELS.clear()
        _KEPT_MODELS[key] = base
    return _KEPT_MODELS[key]
