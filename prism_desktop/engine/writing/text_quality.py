"""Lets a finished model write to held-out prompts, and compares with what people wrote themselves.

How many texts of each person, and which, is fixed before anything is written: the first few by the
hash of their prompts, the same for every method, so that methods are paired and people share
prompts where they can.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from prism_desktop.engine.backbones import language_files
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.backbones.spec import SENTENCE_ENCODER, parse
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.decoding import Decoding
from prism_desktop.engine.runs.writing_files import SIMILARITY, WritingLatency, WritingQuality
from prism_desktop.engine.writing.answered_texts import Answered, AnsweredText, measured
from prism_desktop.engine.writing.generation import Asked, OpenWriter, write_as
from prism_desktop.engine.writing.key_value_cache import KeptPrefixes
from prism_desktop.engine.writing.open_models import opened
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.text_overlap import overlaps
from prism_desktop.engine.writing.writing_config import AUTO, WritingConfig

_MOST_LABELS: Final = 20
_LEAST_OF_A_LABEL: Final = 5  # texts of each on average, else the words only happen to recur
_TIMED: Final = 5  # texts


def asked_rows(texts: OwnTexts, count: int, *, held_out: bool = False) -> list[int]:
    """Which tested texts of known people, or of those held out, are written: `count` of each at
    most, of those in answer to a prompt."""
    found: dict[int, list[int]] = {}
    for row in texts.of("test", held_out=held_out):
        if texts.pairs[row][0] is not None:
            found.setdefault(texts.owner[row], []).append(row)
    return sorted(
        row
        for rows in found.values()
        for row in sorted(rows, key=lambda row: (_order(texts.pairs[row][0] or ""), row))[:count]
    )


def _order(prompt: str) -> str:
    return hashlib.sha256(f"answered|{prompt}".encode()).hexdigest()


def label_set(texts: OwnTexts) -> tuple[str, ...]:
    """The closed set that people's texts are from: at most 20 different texts in the training
    folds, each five times on average; empty where they are no labels."""
    found = Counter(texts.pairs[row][1] for row in texts.of("train"))
    few = len(found) <= _MOST_LABELS and sum(found.values()) >= _LEAST_OF_A_LABEL * len(found)
    return tuple(sorted(found)) if few and len(found) > 1 else ()


def answer_and_compare(
    writer: OpenWriter,
) -> Iterator[Event[tuple[Answered, WritingQuality | None]]]:
    """Write as many texts of known people as the run's settings ask for, and measure them.

    Args:
        writer: a trained run.

    Yields:
        Progress and notices, then Done with the texts and what they are worth; nothing and None
        where the settings ask for no texts, or no tested text answers a prompt.
    """
    config, texts = writer.model.config, writer.past.texts
    rows = asked_rows(texts, config.answers)
    if not rows:
        if config.answers:
            yield Notice("No tested text answers a prompt, so the model was not let write any.")
        yield Done(({}, None))
        return
    how = config.decoding
    answered = yield from value(written_beside_own(writer, rows))
    reader = yield from opened_reader(config, writer.model.base)
    labels = label_set(texts)
    quality = WritingQuality(
        measures=measured(texts, answered, labels),
        compared_by=reader.title,
        compared_by_sha256=reader.sha256,
        answers=config.answers,
        labels=labels,
        empty=sum(not one.text.strip() for one in answered.values()),
        decoding=how,
        latency=timed(writer, _asked(texts, rows[:_TIMED]), how),
    )
    if quality.empty:
        yield Notice(f"{counted(quality.empty, 'generated text')} of {len(rows):,} holds nothing.")
    yield Done((answered, quality))


def written_beside_own(writer: OpenWriter, rows: Sequence[int]) -> Iterator[Event[Answered]]:
    """Write to the prompts of some own texts as their people, and say how near each comes.

    Args:
        writer: knows these people.
        rows: of the own texts.
    """
    config, texts = writer.model.config, writer.past.texts
    written = yield from value(_seldom(write_as(writer, _asked(texts, rows), config.decoding)))
    reader = yield from opened_reader(config, writer.model.base)
    yield Progress(0, None, "Comparing texts")
    own = [texts.pairs[row][1] for row in rows]
    near = _similar(reader, own, written)
    yield Done(
        {
            row: AnsweredText(told, {SIMILARITY: alike, **overlaps(one, told)}, config.method)
            for row, one, told, alike in zip(rows, own, written, near, strict=True)
        }
    )


def _asked(texts: OwnTexts, rows: Sequence[int]) -> list[Asked]:
    return [Asked(texts.owner[row], texts.pairs[row][0]) for row in rows]


def _seldom(events: Iterator[Event[tuple[str, ...]]]) -> Iterator[Event[tuple[str, ...]]]:
    """Without the progress of single tokens, as the run keeps each event."""
    done = -1
    for event in events:
        if not isinstance(event, Progress) or event.done > done:
            yield event
        done = max(done, event.done) if isinstance(event, Progress) else done


def _similar(reader: LanguageModel, own: Sequence[str], generated: Sequence[str]) -> list[float]:
    """The cosine of both texts' features, without their prompts; 0 of an empty text."""
    one, other = (
        reader.encode([(None, text or " ") for text in texts]) for texts in (own, generated)
    )
    found = np.clip((one * other).sum(1), -1, 1)
    return [
        float(alike) if text.strip() else 0.0 for alike, text in zip(found, generated, strict=True)
    ]


def opened_reader(
    config: WritingConfig, base: LanguageModel
) -> Generator[Progress | Notice, None, LanguageModel]:
    """The model by whose features texts are compared; `base` is the one that writes them."""
    name = config.compared_by
    if name == AUTO:
        there = language_files.is_whole(language_files.language_folder(parse(SENTENCE_ENCODER)))
        name = SENTENCE_ENCODER if there else base.name
    if parse(name).text == base.name:
        return base
    return (yield from opened(name, config.device, "Opening the model that compares texts"))


def timed(writer: OpenWriter, asked: Sequence[Asked], how: Decoding) -> WritingLatency:
    """How long texts take, written one by one without what other texts have left behind.

    The first text is written twice, as a first pass has the machine's own beginnings in it.
    """
    import torch

    first: list[float] = []
    further: list[float] = []
    for number, one in enumerate([*asked[:1], *asked]):
        steps = _steps(writer, one, how)
        if number and steps:
            first.append(steps[0])
            further += steps[1:]
    return WritingLatency(
        texts=len(first),
        tokens=len(further),
        prefill=_quantile(first, 0.5),
        prefill_p95=_quantile(first, 0.95),
        token=_quantile(further, 0.5),
        token_p95=_quantile(further, 0.95),
        device=writer.model.base.device.name,
        threads=torch.get_num_threads(),
    )


def _steps(writer: OpenWriter, asked: Asked, how: Decoding) -> list[float]:
    """Seconds to the first token, laying out included, and to each one behind it."""
    fresh = replace(writer, kept=KeptPrefixes())
    found: list[float] = []
    before = time.perf_counter()
    for event in write_as(fresh, [asked], how):
        if isinstance(event, Progress):
            now = time.perf_counter()
            found.append(now - before)
            before = now
    return [found[0] + found[1], *found[2:]] if len(found) > 1 else []


def _quantile(seconds: Sequence[float], share: float) -> float | None:
    return float(np.quantile(seconds, share)) if seconds else None
