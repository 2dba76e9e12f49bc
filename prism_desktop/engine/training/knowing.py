"""What a method wants to know of the labelers before its model is built, from the training answers alone."""

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import Method
from prism_desktop.engine.personal.answers import Answers
from prism_desktop.engine.personal.known import Known

Matrix = npt.NDArray[np.float32]


def wants_features(method: Method) -> bool:
    """Whether `know` needs the frozen backbone's features for a method."""
    return method.owner == "cluster" or method.made in ("context", "history") or _earns_ranks(method)


def know(
    method: Method,
    config: TrainConfig,
    train: Answers,
    labelers: int,
    attributes: int,
    features: Matrix | None,
    text: Matrix | None,
    profile_vectors: Matrix | None,
    profiles: tuple[str, ...],
) -> Known:
    """Facts about the labelers that a method reads; empty for most methods.

    Args:
        method: how the model will be made.
        config: of the run.
        train: the answers of the training split.
        labelers, attributes: how many.
        features: (images, d) float32, frozen, unit norm; None where `wants_features` is false.
        text: (attributes, d) float32, the text tower's vectors; None where there is no text tower.
        profile_vectors: (labelers, d) float32 of profiles, zero rows where there is none; None without a text tower.
        profiles: each labeler's profile text; empty where there is none.
    """
    if "profiles" in method.inputs:
        return Known(profiles=profiles)
    return Known()


def _earns_ranks(method: Method) -> bool:
    return "lora" in method.places and "visual-token" in method.places
