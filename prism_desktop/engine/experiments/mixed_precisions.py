"""Runs of one comparison that were computed in different number formats, and what is told of it."""

from collections.abc import Iterable, Mapping

from prism_desktop.engine.experiments.variants import closed
from prism_desktop.engine.grammar import listed
from prism_desktop.engine.runs.folder import RunFolder


def told_precisions(compared: Mapping[str, Iterable[RunFolder]]) -> str:
    """That runs were computed in several number formats, and which; empty where they were not.

    An earlier run is used again whatever "auto" chose for it, and a newer version may choose
    another format. What is fitted in one go reads features, which are the same in all.

    Args:
        compared: what to call some of the runs -> these.
    """
    found: dict[str, dict[str, None]] = {}
    for name, runs in compared.items():
        for run in runs:
            had = run.environment().precision
            if had is not None and not closed(run.config()):
                found.setdefault(had, {})[name] = None
    if len(found) < 2:
        return ""
    each = "; ".join(f"{had}: {listed([*names])}" for had, names in sorted(found.items()))
    return (
        f"Runs were computed in different number formats, which differ by rounding ({each}). "
        "precision=float32 compares runs in that one alone."
    )
