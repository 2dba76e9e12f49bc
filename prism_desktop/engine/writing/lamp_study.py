"""LaMP's questions as a study of people with own texts, and a model's answers to them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.records import ImportBatch, ImportReport, LabelerRecord, new_id
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText, kept_form, text_fault
from prism_desktop.engine.writing.generation import Asked, open_writer, write_as
from prism_desktop.engine.writing.lamp_files import (
    LampQuestion,
    LampQuestions,
    check_task,
    read_outputs,
    read_questions,
)
from prism_desktop.engine.writing.new_writers import (
    may_be_read,
    with_new_people,
    writer_of_new_people,
)
from prism_desktop.engine.writing.own_text_data import OwnTexts, read_texts


@dataclass(frozen=True, slots=True)
class BroughtQuestions:
    """What an import brought.

    Attributes:
        task: whose questions they were.
        people: that there were.
        texts: own texts, of profiles and of outputs.
        notices: what was left out.
    """

    task: str
    people: int
    texts: int
    notices: tuple[str, ...]


def bring_questions(
    study: Study, questions: Path, outputs: Path | None = None, most: int | None = None
) -> Iterator[Event[BroughtQuestions]]:
    """Bring people, and what they made, into a study of texts, in one transaction.

    Args:
        study: of texts, or an empty one.
        questions: an official file.
        outputs: what belongs to it; each becomes an own text in answer to its question. None: the
            questions stay to be answered.
        most: people at most, the first of the file; None for all.

    Raises:
        InputError: a file cannot be used, is of another task, or lacks outputs; nothing is stored.
    """
    yield Progress(0, None, f"Reading {questions.name}")
    read = read_questions(questions)
    golds: dict[str, str] = {}
    if outputs is not None:
        name, golds = read_outputs(outputs)
        check_task(outputs, name, read.task)
        _refuse_gaps(read, golds, outputs)
    people: dict[str, None] = {}
    own: list[OwnText] = []
    for one in read.questions:
        if one.person not in people and len(people) == most:
            continue
        people[one.person] = None
        own += [OwnText(one.person, text, prompt) for prompt, text in one.made]
        if outputs is not None:
            own.append(OwnText(one.person, _output(one.id, golds[one.id], outputs), one.asked))
    own = list(dict.fromkeys(own))
    known = {labeler.code for labeler in study.labelers()}
    report = ImportReport(
        id=new_id(), source=str(questions), format="own texts", rows_read=len(own),
        rows_kept=len(own), notices=read.notices,
    )  # fmt: skip
    yield Progress(0, None, f"Storing {counted(len(own), 'own text')}")
    fresh = tuple(LabelerRecord(code) for code in people if code not in known)
    study.apply_import(ImportBatch(report, labelers=fresh, own_texts=tuple(own)))
    yield Done(BroughtQuestions(read.task.name, len(people), len(own), read.notices))


def _output(key: str, text: str, path: Path) -> str:
    if fault := text_fault(kept_form(text)):
        raise InputError(f"The output for {key} in {path.name} {fault}; mend it or leave it out.")
    return text


def _refuse_gaps(read: LampQuestions, golds: dict[str, str], path: Path) -> None:
    """Every question has an output, and every output a question."""
    asked = {one.id for one in read.questions}
    if lacking := [key for key in asked if key not in golds]:
        raise InputError(
            f"{path.name} lacks {counted(len(lacking), 'output')}, such as that for "
            f"{sorted(lacking)[0]}; name the outputs of the same file, or leave them out."
        )
    if others := [key for key in golds if key not in asked]:
        raise InputError(
            f"{path.name} has {counted(len(others), 'output')} for no question, such as that for "
            f"{others[0]}; name the outputs of the same file."
        )


def answer_questions(
    run: RunFolder, questions: Path
) -> Iterator[Event[tuple[str, dict[str, str]]]]:
    """What a run's model answers to a file of questions, in the run's own way of choosing tokens.

    All own texts of a person may be read, as nothing is tested here, but for those in answer to
    what the file asks them. Whom training did not know enters by theirs.

    Args:
        run: finished.
        questions: an official file.

    Yields:
        Progress, notices, then Done with the task's name and id -> what was generated; questions of
        people of whom the study has no own texts are left out, which is told.

    Raises:
        InputError: the study has own texts of nobody who is asked.
    """
    read = read_questions(questions)
    wanted = list(dict.fromkeys(one.person for one in read.questions))
    texts = with_new_people(run, read_texts(run), wanted, able=True)
    there = {one.code for one in texts.meta.people}
    known = {texts.meta.people[row].code for row in texts.known}
    if strangers := [code for code in wanted if code not in there]:
        told = (
            f"{few(strangers, 3)} cannot enter {run.name}: its study has no own texts of them, "
            "which lamp import brings, or they are simulated and its people are not, or the other "
            "way round."
        )
        if len(strangers) == len(wanted):
            raise InputError(told)
        left = counted(sum(one.person not in there for one in read.questions), "question")
        yield Notice(f"{left} left out: {told}")
    found: dict[str, str] = {}
    for new in (False, True):
        part = [one for one in read.questions
                if one.person in there and (one.person not in known) == new]  # fmt: skip
        if part:
            found |= yield from _answered(run, texts, part, new=new)
    answered = [one.id for one in read.questions if one.id in found]
    yield Done((read.task.name, {key: found[key] for key in answered}))


def _answered(
    run: RunFolder, texts: OwnTexts, part: Sequence[LampQuestion], *, new: bool
) -> Generator[Progress | Notice, None, dict[str, str]]:
    """Answers by id, as people who enter first or as people whom training knew."""
    place = {one.code: row for row, one in enumerate(texts.meta.people)}
    prompts: dict[str, set[str]] = {}
    for one in part:
        prompts.setdefault(one.person, set()).add(kept_form(one.asked))
    read = may_be_read(texts, {place[code]: asked for code, asked in prompts.items()})
    hidden = sum(person in read for person in texts.owner) - sum(map(len, read.values()))
    if hidden:
        yield Notice(f"{counted(hidden, 'own text')} not read, as the file asks for just these.")
    if new:
        who = counted(len(prompts), "person enters", "people enter")
        yield Notice(f"{who} by their own texts, as training did not know them.")
        writer = yield from writer_of_new_people(run, texts, prompts)
    else:
        writer = replace((yield from open_writer(run)), histories=read)
    asked = [Asked(place[one.person], one.asked) for one in part]
    written = yield from value(write_as(writer, asked, writer.model.config.decoding))
    return {one.id: text for one, text in zip(part, written, strict=True)}
