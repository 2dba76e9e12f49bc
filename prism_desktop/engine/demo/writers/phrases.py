"""What simulated writers reply to and in which words: `data/replies.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from prism_desktop.engine.demo.writers.planted import planted


@dataclass(frozen=True, slots=True)
class Prompt:
    """A message that asks for a reply."""

    text: str
    topic: str
    act: str  # what the message does: invitation, opinion, ...
    about: str  # the thing that it is about


@dataclass(frozen=True, slots=True)
class Topic:
    """The words of one topic."""

    name: str
    things: Sequence[str]  # singular nouns
    deeds: Sequence[str]  # verb phrases in the infinitive
    places: Sequence[str]


@dataclass(frozen=True, slots=True)
class Phrases:
    """All wordings; sentences hold slots such as <thing>.

    Attributes:
        topics: by name.
        prompts: one for each topic and act.
        asking: act -> prompts with slots.
        openers: act -> register -> sentences.
        details, closers, hedges: register -> sentences.
        moods, greetings, signoffs, emoji: kind -> choices.
        hedges_after: hedges behind a sentence.
        vocabulary: kind -> good, bad and very -> words.
        common: what fills the slots <day>, <time> and <other>.
        names: first names of writers.
    """

    topics: Mapping[str, Topic]
    prompts: Sequence[Prompt]
    asking: Mapping[str, Sequence[str]]
    openers: Mapping[str, Mapping[str, Sequence[str]]]
    details: Mapping[str, Sequence[str]]
    closers: Mapping[str, Sequence[str]]
    hedges: Mapping[str, Sequence[str]]
    moods: Mapping[str, Sequence[str]]
    greetings: Mapping[str, Sequence[str]]
    signoffs: Mapping[str, Sequence[str]]
    emoji: Mapping[str, Sequence[str]]
    hedges_after: Sequence[str]
    vocabulary: Mapping[str, Mapping[str, Sequence[str]]]
    common: Mapping[str, Sequence[str]]
    names: Sequence[str]


@cache
def phrases() -> Phrases:
    """Read once."""
    file = planted("replies")
    topics = {
        name: Topic(name, words["things"], words["deeds"], words["places"])
        for name, words in file["topics"].items()
    }
    own = ("asking", "openers", "details", "closers", "hedges", "moods", "greetings", "signoffs",
           "emoji", "hedges_after", "vocabulary", "names")  # fmt: skip
    return Phrases(
        topics=topics,
        prompts=tuple(_prompts(file["topics"])),
        common={"day": file["days"], "time": file["times"], "other": file["others"]},
        **{name: file[name] for name in own},
    )


def _prompts(topics: Mapping[str, Any]) -> Iterator[Prompt]:
    for name, words in topics.items():
        for act, (text, about) in words["prompts"].items():
            yield Prompt(text, name, act, about)


def drawn_prompt(rng: Random) -> Prompt:
    """A prompt made from the topics' words; never one of the demo's."""
    known = phrases()
    topic = known.topics[rng.choice(list(known.topics))]
    act = rng.choice(list(known.asking))
    about = rng.choice(topic.things)
    slots = {"thing": about, "deed": rng.choice(topic.deeds), "place": rng.choice(topic.places)}
    text = rng.choice(known.asking[act])
    while "<" in text:  # a slot may come twice, with different words
        before, _, rest = text.partition("<")
        slot, _, after = rest.partition(">")
        text = before + (slots.get(slot) or rng.choice(known.common[slot])) + after
    return Prompt(text[0].upper() + text[1:], topic.name, act, about)
