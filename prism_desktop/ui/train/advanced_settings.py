"""The advanced settings: those that the chosen methods read, at their own starting values."""

from collections.abc import Callable, Mapping

from prism_desktop.engine.methods import Method

_ONLY: Mapping[str, Callable[[Method], bool]] = {
    "experts": lambda method: method.scope == "experts",
    "clustering": lambda method: method.scope == "cluster",
    "clusters": lambda method: method.scope == "cluster",
    "delta": lambda method: method.scope == "cluster" and "visual-token" in method.injection,
    "tokens": lambda method: by_gradient(method) and not method.learns_alone,
    "token_std": lambda method: by_gradient(method) and not method.learns_alone,
    "token_lr": lambda method: by_gradient(method) and not method.learns_alone,
    "strength": lambda method: bool(method.losses),
    "members": lambda method: method.parametrization == "combination",
    "decoder": lambda method: method.scorer == "mlp",
}
_ALWAYS = frozenset(
    {"split", "pairs", "recipe", "seed", "device", "precision", "threads", "compare"}
)


def applies(method: Method, key: str) -> bool:
    """Whether a setting (dotted key) can change what a method does.

    A combination trains its members with the same settings, so it heeds those of training by
    gradient."""
    group = key.partition(".")[0]
    if group in _ONLY:
        return _ONLY[group](method)
    return group in _ALWAYS or by_gradient(method)


def by_gradient(method: Method) -> bool:
    """Whether a method, or a member of it, is trained step by step."""
    return (
        method.parametrization not in ("closed-form", "retrieval") and method.trained != "nothing"
    )
