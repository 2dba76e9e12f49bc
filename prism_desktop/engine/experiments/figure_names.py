"""The figures for a paper by name; light, so that a menu can offer them."""

from types import MappingProxyType
from typing import Final

FIGURE_TITLES: Final = MappingProxyType(
    {
        "agreement": "Who agrees with whom: the matrix",
        "network": "Who agrees with whom: the network",
        "training": "Loss and accuracy by epoch",
        "learning-curve": "Accuracy against the number of answers",
        "ceiling": "Accuracy against each labeler's ceiling",
        "gain": "What personal models gain over the consensus",
        "shots": "Accuracy after K answers of a new labeler",
        "writing": "What methods gain at writing like somebody",
    }
)
OF_TEXTS: Final = frozenset({"writing"})  # which a study of faces cannot have
