"""The notation of backbones. Importing this needs neither torch nor open_clip."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from prism_desktop.engine.backbone_names import EMBEDDINGS, LANGUAGE, MINI_LM
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import is_plain_file
from prism_desktop.engine.paths import typed
from prism_desktop.engine.stimulus_words import StimulusKind

MINI = "prism-mini"
DEFAULT = "ViT-B-32-quickgelu:openai"


class KnownNetwork(NamedTuple):
    """A network that is offered by name."""

    title: str
    download: int  # bytes; 0 for the one that comes with the program


KNOWN: Final = {
    MINI: KnownNetwork(f"{MINI} (embedded, fast)", 0),
    DEFAULT: KnownNetwork("CLIP ViT-B/32 (OpenAI)", 605_000_000),
    "ViT-B-16-quickgelu:openai": KnownNetwork("CLIP ViT-B/16 (OpenAI)", 599_000_000),
    "ViT-L-14-quickgelu:openai": KnownNetwork("CLIP ViT-L/14 (OpenAI)", 1_710_000_000),
}
SMALL_LM: Final = "lm:HuggingFaceTB/SmolLM2-135M-Instruct"
# "Sentence-BERT", EMNLP 2019; what texts are compared by where it is at hand
SENTENCE_ENCODER: Final = "lm:sentence-transformers/all-MiniLM-L6-v2"
READERS: Final = {
    MINI_LM: KnownNetwork(f"{MINI_LM} (embedded, fast)", 0),
    SMALL_LM: KnownNetwork("SmolLM2-135M-Instruct", 269_000_000),
    SENTENCE_ENCODER: KnownNetwork("all-MiniLM-L6-v2", 91_000_000),
}
GGUF = ".gguf"
LANGUAGE_SOURCES: Final = ("embedded", "folder", "gguf", "hub")
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pkl")
HOW = (
    f'Write a backbone as "{MINI}", "MODEL:TAG" (such as {DEFAULT}), "MODEL:PATH" (a local '
    'safetensors file) or "embeddings:NAME" (embeddings imported into the study); for texts as '
    f'"{MINI_LM}", "lm:FOLDER", "lm:FILE.gguf" or "lm:OWNER/NAME" (a language model of the Hugging '
    "Face hub)."
)

# A drive letter's colon belongs to the path.
_PARTS = re.compile(r"^(?P<model>(?:[A-Za-z]:[\\/])?[^:]+):(?P<source>.+)$")
_ON_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """One backbone, as asked for."""

    text: str  # canonical; parses to an equal spec
    kind: Literal["folder", "pretrained", "file", "embeddings", "language"]
    # open_clip's architecture, a config JSON's path, a folder's path or "prism-mini", a set's
    # name; of a language model its folder, its GGUF file, its name on the hub or "prism-mini-lm"
    model: str
    # the pretrained tag, or the path of the weights; of a language model what it is, as in
    # `LANGUAGE_SOURCES`; else empty
    source: str

    @property
    def title(self) -> str:
        """For a reader: without folders."""
        if self.kind == "folder" or (self.kind == "language" and self.source != "hub"):
            return Path(self.model).name
        if self.kind == "file":
            return (
                f"{Path(self.model).stem if self.model.endswith('.json') else self.model}, "
                f"{Path(self.source).name}"
            )
        if self.kind == "language":
            return self.model
        return f"{self.model} embeddings" if self.kind == "embeddings" else self.text

    @property
    def has_tower(self) -> bool:
        """Whether there is a network that methods can change, which also reads attributes.

        Embeddings were computed elsewhere.
        """
        return self.kind != "embeddings"

    @property
    def sees_images(self) -> bool:
        """Whether it is a network for images; a language model reads texts."""
        return self.kind not in ("embeddings", "language")

    @property
    def nature(self) -> str:
        """What it works on, as a sentence goes on after its title."""
        if self.kind == "embeddings":
            return "are numbers only"
        return "sees images" if self.sees_images else "reads texts"


def require_tower(spec: BackboneSpec, what: str) -> None:
    """Refuse what embeddings cannot do.

    Args:
        spec: the backbone that was chosen.
        what: what needs one, as a sentence's subject: "The method text-token", "A word as an
            attribute".

    Raises:
        InputError: if it has no image tower and no text tower.
    """
    if spec.kind == "language":
        raise InputError(
            f"{what} needs a network that sees images, and {spec.title} reads texts; choose an "
            f"image backbone such as {MINI}, or a method that runs on features of texts."
        )
    if not spec.has_tower:
        raise InputError(
            f"{what} needs a network that sees images and reads texts, and the imported embeddings "
            f"{spec.model!r} are numbers only; choose an image backbone such as {MINI}, or a "
            "method that runs on embeddings."
        )


def known_networks(kind: StimulusKind) -> Mapping[str, KnownNetwork]:
    """The networks that are offered by name for stimuli of a kind."""
    return READERS if kind == "text" else KNOWN


def misfit(spec: BackboneSpec, kind: StimulusKind) -> str:
    """Why a backbone makes nothing of stimuli of a kind, in one sentence; empty if it does.

    Imported embeddings are of whatever the study holds.
    """
    if spec.kind == "embeddings" or (spec.kind == "language") == (kind == "text"):
        return ""
    if kind == "text":
        return (
            f"{spec.title} sees images, and this study is one of texts; choose a language model "
            f"such as {MINI_LM}."
        )
    return (
        f"{spec.title} reads texts, and this study is one of images; choose an image backbone such "
        f"as {MINI}."
    )


def parse(text: str) -> BackboneSpec:
    """Read a backbone from what the user wrote.

    Raises:
        InputError: if the text names no backbone.
    """
    text = text.strip()
    if text == MINI:
        return BackboneSpec(MINI, "folder", MINI, "")
    if text == MINI_LM:
        return BackboneSpec(MINI_LM, "language", MINI_LM, "embedded")
    if text.startswith(LANGUAGE):
        return _language_model(text.removeprefix(LANGUAGE).strip())
    if text.startswith(EMBEDDINGS):
        name = text.removeprefix(EMBEDDINGS).strip()
        if not name or "/" in name or "\\" in name:
            raise InputError(f"{text!r} names no embeddings. {HOW}")
        return BackboneSpec(f"{EMBEDDINGS}{name}", "embeddings", name, "")
    if text and is_plain_file(typed(text) / "config.json"):
        text = _absolute(text)
        return BackboneSpec(text, "folder", text, "")
    parts = _PARTS.match(text)
    if not parts:
        raise InputError(f"{text!r} is no backbone. {HOW}")
    model, source = parts["model"], parts["source"]
    if _is_path(source):
        model, source = _absolute(model) if model.endswith(".json") else model, _absolute(source)
        return BackboneSpec(f"{model}:{source}", "file", model, source)
    if source.lower() == "openai" and model.startswith("ViT-") and not model.endswith("-quickgelu"):
        # OpenAI trained with QuickGELU; the plain architecture would give wrong features
        model += "-quickgelu"
    return BackboneSpec(f"{model}:{source}", "pretrained", model, source)


def _language_model(name: str) -> BackboneSpec:
    """A folder or a file that is there, else what is written like either, else a name on the
    hub."""
    if not name:
        raise InputError(f'"{LANGUAGE}" names no language model. {HOW}')
    if name == MINI_LM:
        return parse(MINI_LM)
    if name.lower().endswith(GGUF):
        path = _absolute(name)
        return BackboneSpec(f"{LANGUAGE}{path}", "language", path, "gguf")
    there = is_plain_file(typed(name) / "config.json")
    if _ON_HUB.fullmatch(name) and not there and ".." not in name:
        return BackboneSpec(f"{LANGUAGE}{name}", "language", name, "hub")
    path = _absolute(name)
    return BackboneSpec(f"{LANGUAGE}{path}", "language", path, "folder")


def _is_path(source: str) -> bool:
    return (
        "/" in source
        or "\\" in source
        or source.lower().endswith(WEIGHT_SUFFIXES)
        or is_plain_file(Path(source))
    )


def _absolute(path: str) -> str:
    """A run is opened from any folder, so its backbone's files are named in full.

    A path that leads nowhere, or where this user may not look, is kept.
    """
    found = typed(path)
    there = os.path.exists(found)  # noqa: PTH110, Path.exists raises where nobody may look
    return str(found.absolute()) if there else path
