"""The text that a simulated writer writes in reply to a prompt."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from random import Random

from prism_desktop.engine.demo.writers.phrases import Prompt, phrases
from prism_desktop.engine.demo.writers.writing_style import Writer, WritingStyle

_SHORT_FORMS = (
    ("I am ", "I'm "), ("cannot", "can't"), ("do not", "don't"), ("did not", "didn't"),
    ("Do not", "Don't"), ("Did not", "Didn't"), ("it is ", "it's "), ("It is ", "It's "),
    ("Let us", "Let's"), ("let us", "let's"), ("I will", "I'll"), ("We are", "We're"),
    ("That is ", "That's "), ("Cannot", "Can't"), ("I have got", "I've got"),
    ("Going to", "Gonna"), ("will not", "won't"),
)  # fmt: skip
_OWN_CAPITAL = re.compile(r"(I\b|[A-Z][a-z]*day\b)")  # words that keep theirs inside a sentence
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeio])")
_HABIT = 0.5  # of choices that fall on a favourite


def reply(writer: Writer, prompt: Prompt, seed: int = 0) -> str:
    """What somebody writes; the same for the same seed on every machine.

    Args:
        writer: who.
        prompt: in reply to what.
        seed: which of many possible replies.
    """
    rng = Random(f"{seed}|{writer.code}|{writer.name}|{prompt.text}")
    return _Reply(rng.choice(writer.styles), prompt, writer.name, rng).text()


def own_texts(writer: Writer, seed: int = 0, share: float = 1.0) -> list[tuple[Prompt, str]]:
    """A writer's own texts of the demo, or the first share of them: each in reply to another of
    the demo's prompts."""
    rng = Random(f"own texts|{seed}|{writer.code}")
    asked = rng.sample(list(phrases().prompts), writer.texts)[: math.ceil(share * writer.texts)]
    return [(prompt, reply(writer, prompt, seed)) for prompt in asked]


class _Reply:
    """One reply in the making."""

    def __init__(self, style: WritingStyle, prompt: Prompt, name: str, rng: Random) -> None:
        self._style, self._prompt, self._name, self._rng = style, prompt, name, rng
        self._words = phrases()
        self._topic = self._words.topics[prompt.topic]

    def text(self) -> str:
        """The whole reply."""
        parts = [part for part in (self._greeting(), self._body(), self._signoff()) if part]
        text = " ".join(parts)
        if self._style.levels["punctuation"] == "lowercase":
            text = text.lower()
        return text

    def _often(self, feature: str) -> bool:
        return self._rng.random() < self._style.rates[feature]

    def _pick(self, choices: Sequence[str], favourites: Sequence[str] = ()) -> str:
        if favourites and self._rng.random() < _HABIT:
            return self._rng.choice(list(favourites))
        return self._rng.choice(list(choices))

    def _greeting(self) -> str:
        known = self._words.greetings[self._style.kind("greeting")]
        return self._pick(known) if known and self._often("greeting") else ""

    def _signoff(self) -> str:
        known = self._words.signoffs[self._style.kind("signoff")]
        if not known or not self._often("signoff"):
            return ""
        return self._pick(known).replace("<name>", self._name)

    def _body(self) -> str:
        sentences = [self._ended(sentence) for sentence in self._sentences()]
        return " ".join(self._joined(sentences))

    def _sentences(self) -> list[str]:
        """As many as the style has, in the order in which people write them: the answer, what
        there is to say about it, the mood, a question back."""
        words, total = self._words, self._rng.randint(*self._style.sentences)
        mood = [words.moods[self._style.kind("mood")]] if self._often("mood") else []
        about = max(1, total - len(mood) - (total > 2) - (total > 1))
        kinds: list[tuple[bool, Sequence[str], str]] = []
        register = self._register()
        if total > 1 or (not mood and self._rng.random() < 0.5):
            kinds.append((False, words.openers[self._prompt.act][register], register))
        if total > 1 or not kinds:
            for _ in range(about):
                register = self._register()
                kinds.append((True, words.details[register], register))
        kinds += [(False, told, "plain") for told in mood]
        if total > 2:
            register = self._register()
            kinds.append((False, words.closers[register], register))
        return [self._worded(self._pick(told), hedged, of) for hedged, told, of in kinds]

    def _register(self) -> str:
        return self._style.kind("formality") if self._often("formality") else "plain"

    def _worded(self, sentence: str, may_hedge: bool, register: str) -> str:
        text = self._filled(sentence)
        if not text.endswith("?") and self._often("hedging"):
            if may_hedge:
                own = text if _OWN_CAPITAL.match(text) or self._is_name(text) else _lowered(text)
                text = f"{self._pick(self._words.hedges[register])} {own}"
            else:
                text = f"{text[:-1]}, {self._pick(self._words.hedges_after)}."
        text = text[0].upper() + text[1:]
        if self._style.kind("formality") == "casual":
            for long, short in _SHORT_FORMS:
                text = text.replace(long, short)
        return _ARTICLE.sub(r"\1n ", text)

    def _is_name(self, text: str) -> bool:
        return text.split()[0].rstrip("',s") in self._words.common["other"]

    def _filled(self, sentence: str) -> str:
        while "<" in sentence:
            before, _, rest = sentence.partition("<")
            slot, _, after = rest.partition(">")
            sentence = before + self._slot(slot) + after
        return sentence

    def _slot(self, slot: str) -> str:
        if slot == "thing":
            about = self._rng.random() < 0.6
            return self._prompt.about if about else self._pick(self._topic.things)
        if slot == "deed":
            return self._pick(self._topic.deeds)
        if slot == "place":
            return self._pick(self._topic.places)
        if slot in ("adj", "very"):
            return self._word(slot)
        return self._pick(self._words.common[slot])

    def _word(self, slot: str) -> str:
        kind = slot
        if slot == "adj":
            kind = "good" if self._rng.random() < self._style.praise else "bad"
        if self._often("vocabulary"):
            own = self._words.vocabulary[self._style.kind("vocabulary")]
            return self._pick(own[kind], self._style.favourites[kind])
        return self._pick(self._words.vocabulary["plain"][kind])

    def _ended(self, sentence: str) -> str:
        kind = self._style.kind("punctuation")
        if sentence.endswith(".") and kind in ("exclaiming", "trailing", "lowercase"):
            end = {"exclaiming": "!", "trailing": "...", "lowercase": ""}[kind]
            if self._often("punctuation"):
                sentence = sentence[:-1] + end
        if self._often("emoji"):
            known = self._words.emoji[self._style.kind("emoji")]
            sentence = f"{sentence} {self._pick(known, self._style.favourites['emoji'])}"
        return sentence

    def _joined(self, sentences: Sequence[str]) -> list[str]:
        """Sentences, some of them joined by a dash or a semicolon."""
        mark = {"dashes": " -", "semicolons": ";"}.get(self._style.kind("punctuation"))
        if mark is None:
            return list(sentences)
        made = [sentences[0]]
        for sentence in sentences[1:]:
            if made[-1].endswith(".") and self._often("punctuation"):
                kept = _OWN_CAPITAL.match(sentence) or self._is_name(sentence)
                made[-1] = f"{made[-1][:-1]}{mark} {sentence if kept else _lowered(sentence)}"
            else:
                made.append(sentence)
        return made


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:]
