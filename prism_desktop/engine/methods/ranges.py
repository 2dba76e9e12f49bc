"""The ranges of settings that are worth searching for a method.

They follow from what the method is made of.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from prism_desktop.engine.methods.method import Method


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False  # equal factors are equally likely
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """One of a few values."""

    values: tuple[int | float | str | bool, ...]


Ranges = Mapping[str, Range | Choices]

# terms that `strength` weighs
_WEIGHED = {"prior", "contrastive", "shrink", "balance", "distil", "user-id", "ordinal"}


def ranges(method: Method) -> Ranges:
    """Dotted settings and what they may be; empty where there is nothing to search.

    Methods without gradient descent choose their own settings on validation answers, and
    combinations their weights.
    """
    if method.scorer == "linear" or method.trained == "nothing":
        return {}
    found: dict[str, Range | Choices] = {
        "token_lr": Range(1e-3, 1e-1, log=True),
        "weight_decay": Range(1e-4, 1e-1, log=True),
    }
    if method.scorer == "mlp":
        return found | {"lora_lr": Range(2e-4, 2e-2, log=True)}
    found["temperature"] = Range(0.03, 0.3, log=True)
    if method.trained == "all-but-text":
        found["lora_lr"] = Range(1e-5, 1e-3, log=True)
    elif method.trained == "tokens+lora":
        found |= {"lora_lr": Range(2e-4, 2e-2, log=True), "rank": Choices((2, 4, 8, 16))}
    if method.learns_alone:
        found.pop("token_lr")
    if method.defaults.get("start") == "consensus":
        # The shared adapters and tokens are the consensus model's and must fit its shapes and its
        # temperature.
        for key in ("rank", "temperature"):
            found.pop(key, None)
    if method.defaults.get("start") == "closed-form":
        found.pop("temperature", None)  # is of texts, in whose place there are heads
    if "visual-token" in method.injection:
        found["tokens"] = (
            Choices((1, 2, 4, 5, 10)) if method.trained == "tokens" else Choices((1, 2, 4, 5))
        )
    if method.scope == "experts":
        found["experts"] = Range(2, 8, whole=True)
    if method.scope == "cluster":
        found["clusters"] = Range(2, 6, whole=True)
    if _WEIGHED & set(method.losses):
        found["strength"] = Range(1e-3, 3.0, log=True)
    return found
