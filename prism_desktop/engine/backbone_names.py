"""How backbones are written: which see no images, and their names without folders."""

from pathlib import PureWindowsPath
from typing import Final

MINI_LM: Final = "prism-mini-lm"
EMBEDDINGS: Final = "embeddings:"
LANGUAGE: Final = "lm:"


def gives_features_alone(backbone: str) -> bool:
    """Whether a backbone, as it is written, has no network that methods can change, so that they
    stand on its features: imported embeddings."""
    return backbone.startswith(EMBEDDINGS)


def reads_texts(backbone: str) -> bool:
    """Whether a backbone, as it is written, is a language model."""
    return backbone.startswith(LANGUAGE) or backbone == MINI_LM


def short(backbone: str) -> str:
    """A backbone's name without the folders that its files lie in."""
    if "/" not in backbone and "\\" not in backbone:
        return backbone
    model, _, weights = backbone.partition(":") if backbone[1:2] != ":" else (backbone, "", "")
    return (
        PureWindowsPath(model).name
        if model.endswith(".json")
        else f"{model}:{PureWindowsPath(weights).name}"
    )
