"""The schedule of a training: how many epochs, and how fast to learn at each step.

Every value is a function of the settings and the step alone.
"""

import math
import sys

from prism_desktop.engine.config import TrainConfig


def fitting_epochs(steps: int) -> int:
    """Epochs for an epoch of so many steps: enough for
    some 420 steps where that takes 6 to 20 epochs."""
    return max(6, min(20, math.ceil(420 / max(1, steps))))


def width_scale(config: TrainConfig, width: int) -> float:
    """What learning rates are multiplied by for a tower of this width.

    Adam's steps in a matrix add up over its inputs, so that equal changes of its output want rates
    in inverse proportion to the width (Yang et al., "Tensor Programs V", 2022, table 3).
    """
    return config.rates_at_width / width if config.rates_at_width else 1.0


def rate_share(config: TrainConfig, step: int, steps: int) -> float:
    """The share of the learning rates that a step uses, so that a resumed training repeats it.

    Args:
        config: gives the schedule and `max_steps`.
        step: steps that are done.
        steps: of all epochs.
    """
    if config.schedule == "constant":
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * step / min(steps, config.max_steps or sys.maxsize)))
