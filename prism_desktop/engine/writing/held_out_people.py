"""Tests a model on people whom its training did not know, who enter with some of their texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.runs.writing_files import EnteredNats, WritingQuality
from prism_desktop.engine.writing.answered_texts import Answered, AnsweredIn, measured
from prism_desktop.engine.writing.entering import enter
from prism_desktop.engine.writing.generation import OpenWriter
from prism_desktop.engine.writing.key_value_cache import KeptPrefixes
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.people_intervals import Texts, mean_over_people
from prism_desktop.engine.writing.tested_settings import ENTERED_WITH, entered_name
from prism_desktop.engine.writing.text_quality import asked_rows, written_beside_own
from prism_desktop.engine.writing.text_scores import token_costs
from prism_desktop.engine.writing.writing_evaluation import Measured, scored


class HeldOutTests(NamedTuple):
    """What was found of held-out people, by how many of their texts were known."""

    scores: Measured
    answered: AnsweredIn


def measure_held_out(writer: OpenWriter) -> Iterator[Event[HeldOutTests]]:
    """Foretell the tested texts of held-out people, and write to some of their prompts.

    Args:
        writer: a trained run, of the people whom training knew.

    Yields:
        Progress and notices, then Done; nothing is found where nobody is held out.
    """
    texts, past = writer.past.texts, writer.past
    late = texts.of("test", held_out=True)
    most = writer.model.config.answers
    # where nobody is written whom training knew, as nobody answers a prompt, nobody is at all
    written = asked_rows(texts, most) and asked_rows(texts, most, held_out=True)
    said: set[str] = set()
    scores: dict[str, Texts] = {}
    answered: dict[str, Answered] = {}
    for number, count in enumerate(ENTERED_WITH if late else ()):
        yield Progress(number, len(ENTERED_WITH), "Testing held-out people")
        one = _entered(writer, count)
        places, examples = one.places or {}, one.examples
        costs = token_costs(one.model, past, late, places, one.histories, examples)
        scores[entered_name(count)] = scored(texts, late, costs)
        if written:
            events = _once(written_beside_own(one, written), said)
            found = answered[entered_name(count)] = yield from value(events)
            if empty := sum(not each.text.strip() for each in found.values()):
                yield Notice(
                    f"As held-out people, by {counted(count, 'text')} of theirs, "
                    f"{counted(empty, 'text')} that {word_for(empty, 'holds', 'hold')} nothing "
                    f"{word_for(empty, 'was', 'were')} generated; there are {len(written):,}."
                )
    yield Done(HeldOutTests(scores, answered))


def entered_scores(
    texts: OwnTexts, scores: Measured, answered: AnsweredIn, quality: WritingQuality | None
) -> tuple[EnteredNats, ...]:
    """What the summary of a run says of held-out people.

    Args:
        texts: of the run.
        scores: of all that was tested.
        answered: likewise what was written.
        quality: of what was written as known people, whose labels are taken.
    """
    labels = () if quality is None else quality.labels
    return tuple(
        EnteredNats(
            examples=count,
            score=mean_over_people(scores[name]),
            measures=measured(texts, answered.get(name, {}), labels),
        )
        for count in ENTERED_WITH
        for name in [entered_name(count)]
        if scores.get(name)
    )


def _once(events: Iterator[Event[Answered]], said: set[str]) -> Iterator[Event[Answered]]:
    """Without notices that were said before."""
    for event in events:
        if isinstance(event, Notice):
            if event.text in said:
                continue
            said.add(event.text)
        yield event


def _entered(writer: OpenWriter, count: int) -> OpenWriter:
    """The model with nobody in it but the held-out people, of whom so many texts are known."""
    texts, examples = writer.past.texts, min(writer.examples, count)
    histories = {one: texts.history(one)[:count] for one in texts.newcomers}
    model, places = enter(writer.model, writer.past, histories, examples)
    return replace(
        writer, model=model, examples=examples, places=places, histories=histories,
        kept=KeptPrefixes(),
    )  # fmt: skip
