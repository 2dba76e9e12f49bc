"""The starting values of settings: a method's own, or the source project's.

And where a method's training may start.
"""

from collections.abc import Mapping
from typing import Any

from prism_desktop.engine.methods.method import Method

SOURCE_RECIPE: Mapping[str, Any] = {
    "epochs": 20,
    "batch": 64,
    "lora_lr": 5e-4,
    "token_lr": 5e-4,
    "rates_at_width": None,
    "weight_decay": 0.01,
    "rank": 4,
    "alpha": 1.0,
    "lora_std": 0.01,
    "token_std": 0.02,
    "tokens": 1,
    "temperature": 0.15,
    "learn_temperature": False,
    "patience": 5,
    "schedule": "constant",
    "start": "random",
    "flips": False,
}
"""The source project's settings, every one, for `recipe=source`; but see `_MAKING`."""
_MAKING = frozenset({"start", "tokens", "flips"})
"""What makes a method the one that it is, where the method sets it: no recipe changes that."""
CLOSED_FORM = "closed-form"
"""The start that is a convenience of ours, of no method's making."""


def starting_values(method: Method | None, *, source: bool) -> Mapping[str, Any]:
    """What a method and a recipe set in place of the defaults."""
    own: Mapping[str, Any] = method.defaults if method is not None else {}
    recipe = {
        key: value
        for key, value in SOURCE_RECIPE.items()
        if key not in _MAKING or own.get(key, CLOSED_FORM) == CLOSED_FORM
    }
    return {**own, **recipe} if source else own


def refused_start(method: Method, start: str) -> str:
    """Why a method cannot start at random, at the consensus or at the closed form; empty if it
    can."""
    if start in method.starts:
        return ""
    if start == "random":
        return f"{method.name} stands on the consensus model, so start cannot be random"
    if start == "consensus":
        return f"{method.name} has no adapter that all labelers share, so start cannot be consensus"
    return (
        f"{method.name} lacks an image tower in which labelers differ by visual tokens alone, "
        "so start cannot be closed-form"
    )
