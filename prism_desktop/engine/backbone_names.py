"""How backbones are written that have no image tower, for those who only ask whether it is one."""

from typing import Final

MINI_LM: Final = "prism-mini-lm"
EMBEDDINGS: Final = "embeddings:"
LANGUAGE: Final = "lm:"


def gives_features_alone(backbone: str) -> bool:
    """Whether a backbone, as it is written, has no image tower, so that methods stand on its
    features: imported embeddings, or a language model."""
    return backbone.startswith((EMBEDDINGS, LANGUAGE)) or backbone == MINI_LM
