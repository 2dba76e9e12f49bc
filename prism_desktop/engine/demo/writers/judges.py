"""Simulated judges of replies: what they like is planted in `data/judges.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.demo.simulated_labelers import SimulatedLabeler
from prism_desktop.engine.demo.writers.phrases import Prompt, phrases
from prism_desktop.engine.demo.writers.planted import planted
from prism_desktop.engine.demo.writers.qualities import QUALITIES, qualities
from prism_desktop.engine.demo.writers.replies import reply
from prism_desktop.engine.demo.writers.writing_style import Writer, demo_writers

_REFERENCE = 8  # replies to each prompt over which qualities are standardised


@dataclass(frozen=True, slots=True)
class WrittenReply:
    """A text that can be judged."""

    prompt: Prompt
    text: str
    writer: Writer


def judged_replies(each: int, seed: int = 0) -> list[WrittenReply]:
    """Replies to all of the demo's prompts, each prompt answered by several writers.

    Args:
        each: replies to one prompt, by as many writers.
        seed: of who replies and what.
    """
    made: list[WrittenReply] = []
    for prompt in phrases().prompts:
        rng = Random(f"judged replies|{seed}|{prompt.text}")
        made += [
            WrittenReply(prompt, reply(writer, prompt, seed), writer)
            for writer in rng.sample(list(demo_writers()), each)
        ]
    return made


def standard_qualities(texts: Sequence[str]) -> NDArray[np.float32]:
    """(texts, 8) in the order of `QUALITIES`, each with mean 0 and variance 1 over replies of the
    demo's writers."""
    mean, deviation, _ = _reference()
    return ((qualities(texts) - mean) / deviation).astype(np.float32)


@cache
def judges() -> tuple[SimulatedLabeler, ...]:
    """The six judges; their utilities take what `standard_qualities` returns and have variance 1
    over replies of the demo's writers."""
    consensus = {
        attribute: _weights(told["weights"])
        for attribute, told in planted("judges")["consensus"].items()
    }
    return tuple(_judge(entry, consensus) for entry in planted("judges")["judges"])


def judged_attributes() -> Mapping[str, str]:
    """Attribute -> question."""
    return {name: told["question"] for name, told in planted("judges")["consensus"].items()}


def _judge(
    entry: Mapping[str, Any], consensus: Mapping[str, NDArray[np.float64]]
) -> SimulatedLabeler:
    _, _, correlation = _reference()
    tastes = {}
    for attribute, taste in entry["tastes"].items():
        weights = taste["share"] * consensus[attribute] + _weights(taste["own"])
        tastes[attribute] = weights / np.sqrt(weights @ correlation @ weights)
    plain = {key: value for key, value in entry.items() if key not in ("tastes", "rating_shares")}
    return SimulatedLabeler(**plain, rating_shares=tuple(entry["rating_shares"]), tastes=tastes)


def _weights(told: Mapping[str, float]) -> NDArray[np.float64]:
    unknown = set(told) - set(QUALITIES)
    if unknown:
        raise ValueError(f"no such quality: {', '.join(sorted(unknown))}")
    return np.array([told.get(name, 0.0) for name in QUALITIES])


@cache
def _reference() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, standard deviation and correlation of the qualities."""
    found = qualities([one.text for one in judged_replies(_REFERENCE)])
    correlation = np.atleast_2d(np.corrcoef(found, rowvar=False))
    return found.mean(axis=0), found.std(axis=0), correlation
