"""Directions of words: how much nearer a picture is to some words than to others, as a frozen
backbone reads both.

Source: Radford et al., "Learning transferable visual models from natural language supervision",
ICML 2021 (zero-shot classification of two prompts; here the difference of their logits, unscaled).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.models.attribute_reader import ClipReader
from prism_desktop.engine.models.attribute_texts import sentences


def text_directions(
    backbone: Backbone, features: npt.NDArray[np.float32], words: Sequence[tuple[str, str]]
) -> npt.NDArray[np.float32]:
    """(images, pairs of words): the cosine with the first words less that with the second.

    Args:
        backbone: the frozen network.
        features: (images, embed_dim) of it, unit norm.
        words: the nearer, the farther; where the second are empty, the cosine with the first alone.
    """
    reader = ClipReader(backbone)
    told = dict.fromkeys(text for pair in words for text in pair if text)
    vectors = reader.vectors([sentences(text) for text in told])
    known = dict(zip(told, vectors.cpu().numpy(), strict=True))
    none = np.zeros(features.shape[1], np.float32)
    axes = [known[more] - known.get(less, none) for more, less in words]
    return np.asarray(features @ np.array(axes, np.float32).T, np.float32)
