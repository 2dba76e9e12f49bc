"""How backbones are written that see no images, for those who only ask whether it is one."""

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
