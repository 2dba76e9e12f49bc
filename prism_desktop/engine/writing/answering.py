"""What a finished run answers to any prompt, as each of some people might."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from prism_desktop.engine.errors import InputError, RunError
from prism_desktop.engine.events import Done, Event, value
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.decoding import GREEDY, Decoding
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.study.texts import kept_form, text_fault
from prism_desktop.engine.writing.combined_writers import served_by
from prism_desktop.engine.writing.generation import Asked, GeneratedText, open_writer, write_as
from prism_desktop.engine.writing.new_writers import (
    may_be_read,
    with_new_people,
    writer_of_new_people,
)
from prism_desktop.engine.writing.own_text_data import OwnTexts, read_texts
from prism_desktop.engine.writing.writing_config import WritingConfig


def answers(
    run: RunFolder, prompt: str, people: Sequence[str] | None = None, how: Decoding = GREEDY
) -> Iterator[Event[tuple[GeneratedText, ...]]]:
    """What a run's model answers to a prompt as each of some people might.

    Args:
        run: finished.
        prompt: what is answered.
        people: codes; None for all whom training knew. Others enter with the own texts that the
            study has of them, as the mark of what is written says.
        how: greedy, or drawn.

    Raises:
        InputError: there is no prompt that can be kept, or somebody cannot enter.
        RunError: the run is not finished, or cannot be read.
    """
    asked = kept_form(prompt)
    if not asked:
        raise InputError("There is no prompt to answer; write one with --prompt.")
    if fault := text_fault(asked):
        raise InputError(f"The prompt {fault}; write another.")
    if run.stored(WritingSummary, layout.WRITTEN) is None:
        raise RunError(f"{run.name} holds no trained model yet; finish or resume its training.")
    texts = read_texts(run)
    known = [texts.meta.people[row].code for row in texts.known]
    wanted = list(dict.fromkeys(known if people is None else people))
    config = WritingConfig.load(run.path / layout.CONFIG)
    new = [code for code in wanted if code not in known]
    there = [code for code in wanted if code in known]
    if new:
        texts = with_new_people(run, texts, new)  # before anything is opened
    found: list[GeneratedText] = []
    if writing_method(config.method).combines:
        found += yield from value(_of_heaviest(run, texts, there, new, asked, how))
    else:
        found += yield from value(_of_known(run, there, asked, how))
        found += yield from value(_of_new(run, texts, new, asked, how))
    by_code = {one.person: one for one in found}
    yield Done(tuple(by_code[code] for code in wanted))


def _of_known(
    run: RunFolder, codes: Sequence[str], prompt: str, how: Decoding
) -> Iterator[Event[list[GeneratedText]]]:
    if not codes:
        yield Done([])
        return
    writer = yield from open_writer(run)
    texts = writer.past.texts
    place = {texts.meta.people[row].code: row for row in texts.known}
    asked = [Asked(place[code], prompt) for code in codes]
    written = yield from value(write_as(writer, asked, how))
    method, simulated = writer.model.config.method, texts.meta.simulated
    yield Done(
        [
            GeneratedText(code, prompt, text, method, simulated)
            for code, text in zip(codes, written, strict=True)
        ]
    )


def _of_new(
    run: RunFolder, texts: OwnTexts, codes: Sequence[str], prompt: str, how: Decoding
) -> Iterator[Event[list[GeneratedText]]]:
    """Answers as people who enter first, each marked with how many texts they entered by."""
    if not codes:
        yield Done([])
        return
    writer = yield from writer_of_new_people(run, texts, {code: {prompt} for code in codes})
    place = {one.code: row for row, one in enumerate(texts.meta.people)}
    asked = [Asked(place[code], prompt) for code in codes]
    written = yield from value(write_as(writer, asked, how))
    found = []
    for code, text in zip(codes, written, strict=True):
        many = counted(len(writer.history(place[code])), "text")
        method = f"{writer.model.config.method}, entered with {many}"
        found.append(GeneratedText(code, prompt, text, method, texts.meta.simulated))
    yield Done(found)


def _of_heaviest(
    run: RunFolder, texts: OwnTexts, known: Sequence[str], new: Sequence[str], prompt: str,
    how: Decoding,
) -> Iterator[Event[list[GeneratedText]]]:  # fmt: skip
    """A combination's answers: for each person those of the run that weighs most for them."""
    config = WritingConfig.load(run.path / layout.CONFIG)
    place = {one.code: row for row, one in enumerate(texts.meta.people)}
    histories = may_be_read(texts, {place[code]: {prompt} for code in new})
    found: list[GeneratedText] = []
    for path, people in served_by(run, texts, [place[code] for code in known], histories).items():
        codes = [texts.meta.people[person].code for person in people]
        written = yield from value(answers(RunFolder(path), prompt, codes, how))
        found += [replace(one, method=f"{config.method} ({one.method})") for one in written]
    yield Done(found)
