"""Models that write, made and opened: the frozen language model, and a method's model on it."""

from __future__ import annotations

import platform
from collections.abc import Generator

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.methods.writing_method import WritingMethod
from prism_desktop.engine.models.saved import refuse_others
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Environment
from prism_desktop.engine.writing.open_models import opened
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig


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


def keep_networks(
    run: RunFolder, base: LanguageModel, encoder: LanguageModel | None = None
) -> None:
    """Write down, once, on which weights a run stands: of what writes, and of what looks texts up
    where that is another network.

    Raises:
        RunError: they are others than when it began.
    """
    if check_networks(run, base, encoder):
        return
    known = run.environment()
    if known.blank:
        known = Environment(
            device=base.device.kind, device_name=base.device.name, platform=platform.platform()
        )
    found = {"backbone_sha256": base.sha256}
    found |= {} if encoder is None else {"encoder_sha256": encoder.sha256}
    known.model_copy(update=found).save(run.path / layout.ENVIRONMENT)


def check_networks(run: RunFolder, base: LanguageModel, encoder: LanguageModel | None) -> bool:
    """Whether a run says on which weights it stands, as those of earlier versions do not.

    Raises:
        RunError: it says so, and these are others.
    """
    known = run.environment()
    trained = [(base, known.backbone_sha256)]
    trained += [] if encoder is None else [(encoder, known.encoder_sha256)]
    for network, sha256 in trained:
        if sha256 is not None:
            refuse_others(network.name, network.sha256, sha256, run.path)
    return all(sha256 is not None for _, sha256 in trained)


def opened_language_model(
    config: WritingConfig,
) -> Generator[Progress | Notice, None, LanguageModel]:
    """The frozen language model that writes.

    Raises:
        InputError: it is an encoder, which cannot write.
    """
    base = yield from opened(config.backbone, config.device)
    if not base.writes:
        raise InputError(
            f"{base.title} is an encoder, which reads texts and cannot write; choose a causal "
            "language model, such as prism-mini-lm."
        )
    return base
