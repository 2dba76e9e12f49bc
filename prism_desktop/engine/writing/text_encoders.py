"""The encoder of texts that own texts are looked up by and people are grouped by: MiniLM where it
is on this machine.

Nothing is downloaded for it: where it is not there, the language model's own features are taken,
and the run says so.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.backbones.language_files import language_weights
from prism_desktop.engine.backbones.spec import SENTENCE_ENCODER, parse
from prism_desktop.engine.backbones.weight_files import check_weights
from prism_desktop.engine.errors import BackboneError, InputError
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.writing.open_models import opened
from prism_desktop.engine.writing.writing_config import WritingConfig

AUTO: Final = "auto"  # MiniLM where it is on this machine, else the language model itself
OWN: Final = "own"  # the language model itself
_WAY: Final = f"name an encoder with --set encoder={SENTENCE_ENCODER}, or encoder=lm:FOLDER."


def chosen_encoder(config: WritingConfig) -> str:
    """The encoder in full: what the settings name, else MiniLM where it is there, else "own".

    Raises:
        InputError: what is named reads no texts.
        BackboneError: what is named is not there, or cannot be used.
    """
    if config.encoder == OWN:
        return OWN
    spec = parse(SENTENCE_ENCODER if config.encoder == AUTO else config.encoder)
    if spec.kind != "language":
        raise InputError(
            f"The setting encoder needs a network that reads texts, and {spec.title} "
            f"{spec.nature}; name one such as {SENTENCE_ENCODER}, or {OWN} for the language model "
            "itself."
        )
    if config.encoder != AUTO:
        check_weights(spec)
        return spec.text
    try:
        return OWN if language_weights(spec) is None else spec.text
    except BackboneError:  # what is left of it is of no use
        return OWN


def opened_encoder(
    config: WritingConfig,
) -> Generator[Progress | Notice, None, LanguageModel | None]:
    """The encoder that a run's settings name; None for the language model itself."""
    name = chosen_encoder(config)
    if name == OWN:
        return None
    return (yield from opened(name, config.device, "Opening the encoder"))


def lacking_encoder(title: str) -> str:
    """What is said where the language model takes the encoder's place."""
    return f"Texts were looked up by {title}'s own features of prompts and not by MiniLM's; {_WAY}"


def lacking_to_group(title: str) -> str:
    """The same of people who are grouped."""
    return f"People were grouped by {title}'s own features of their texts, not by MiniLM's; {_WAY}"
