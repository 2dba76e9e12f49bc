"""Styles of writing, the eight planted groups and the people in them: `data/writers.yaml`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from prism_desktop.engine.demo.writers.phrases import phrases
from prism_desktop.engine.demo.writers.planted import planted

_FAVOURED = ("good", "bad", "very")


@dataclass(frozen=True, slots=True)
class WritingStyle:
    """How somebody writes.

    Attributes:
        levels: feature -> level, such as brevity -> short.
        rates: feature -> how often, 0 to 1; features without a rate have none.
        sentences: fewest and most sentences of a reply.
        praise: share of adjectives that praise.
        favourites: good, bad, very and emoji -> the words that the writer uses half of the time.
    """

    levels: Mapping[str, str]
    rates: Mapping[str, float]
    sentences: tuple[int, int]
    praise: float
    favourites: Mapping[str, Sequence[str]]

    def kind(self, feature: str) -> str:
        """Which of the wordings a feature's level takes."""
        kind: str = planted("writers")["features"][feature][self.levels[feature]]["kind"]
        return kind


@dataclass(frozen=True, slots=True)
class Writer:
    """One simulated person who writes."""

    code: str
    name: str
    group: str  # the planted style; "inconsistent" for those who mix all
    profile: str  # a sentence about how this person writes
    styles: Sequence[WritingStyle]  # one; of the inconsistent one of each group
    texts: int  # own texts in the demo


def feature_names() -> tuple[str, ...]:
    """The nine features of a style."""
    return tuple(planted("writers")["features"])


def group_names() -> tuple[str, ...]:
    """The eight planted groups."""
    return tuple(planted("writers")["groups"])


@cache
def demo_writers() -> tuple[Writer, ...]:
    """The demo's people."""
    file = planted("writers")
    people, groups = file["people"], file["groups"]
    rng = Random(f"writers {people['seed']}")
    odd = rng.sample(range(people["count"]), people["inconsistent"] + people["few"])
    mixed, few = set(odd[: people["inconsistent"]]), set(odd[people["inconsistent"] :])
    names, made = list(groups), []
    for row in range(people["count"]):
        group = names[row % len(names)]
        texts = people["few_texts"] if row in few else people["texts"]
        if row in mixed:
            styles = tuple(_personal(levels, rng) for levels in groups.values())
            told = "Writes now one way, now another."
            group = "inconsistent"
        else:
            styles = (_personal(groups[group], rng),)
            told = profile(groups[group])
        name = rng.choice(phrases().names)
        made.append(Writer(f"W{row + 1:03}", name, group, told, styles, texts))
    return tuple(made)


def drawn_writer(rng: Random, code: str = "") -> Writer:
    """Somebody whose level of every feature is drawn by itself: of none of the groups."""
    levels = {
        feature: rng.choice(list(known))
        for feature, known in planted("writers")["features"].items()
    }
    name = rng.choice(phrases().names)
    return Writer(code, name, "drawn", profile(levels), (_personal(levels, rng),), 0)


def profile(levels: Mapping[str, str]) -> str:
    """A sentence about a style."""
    text: str = planted("writers")["profile"]
    for feature, level in levels.items():
        text = text.replace(f"<{feature}>", planted("writers")["features"][feature][level]["says"])
    return text


def _personal(levels: Mapping[str, str], rng: Random) -> WritingStyle:
    """A person's own variety of a style."""
    file, people = planted("writers"), planted("writers")["people"]
    chosen = {feature: file["features"][feature][level] for feature, level in levels.items()}
    rates = {
        feature: _shifted(told["rate"], rng.gauss(0, people["spread"]))
        for feature, told in chosen.items()
        if "rate" in told
    }
    words = phrases().vocabulary[levels["vocabulary"]]
    few = people["favourites"]
    favourites = {kind: tuple(rng.sample(list(words[kind]), few)) for kind in _FAVOURED}
    emoji = phrases().emoji[chosen["emoji"]["kind"]]
    low, high = chosen["brevity"]["sentences"]
    return WritingStyle(
        levels=dict(levels),
        rates=rates,
        sentences=(low, high),
        praise=_shifted(chosen["mood"]["praise"], rng.gauss(0, people["spread"])),
        favourites=favourites | {"emoji": tuple(rng.sample(list(emoji), few))},
    )


def _shifted(rate: float, by: float) -> float:
    """A rate moved on the logit scale; always and never stay what they are."""
    if rate in (0.0, 1.0):
        return rate
    return 1 / (1 + math.exp(-(math.log(rate / (1 - rate)) + by)))
