"""LaMP's questions as a study of people with own texts, and a model's answers to them."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prism_desktop.engine.errors import InputError, StudyError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.importing.reading.file_marks import content_mark
from prism_desktop.engine.study.records import (
    LAMP,
    LAMP_FILE,
    OTHERS,
    Doubt,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText, kept_form, text_fault
from prism_desktop.engine.writing.combined_writers import served_by
from prism_desktop.engine.writing.generation import Asked, open_writer, write_as
from prism_desktop.engine.writing.lamp_files import (
    LampQuestion,
    LampQuestions,
    LampTask,
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
from prism_desktop.engine.writing.writing_config import WritingConfig


@dataclass(frozen=True, slots=True)
class BroughtQuestions:
    """What an import brought.

    Attributes:
        task: whose questions they were.
        people: that there were, with something that they wrote.
        texts: own texts, of profiles and of outputs, those that were there already among them.
        notices: what was left out, and who was there already.
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
        InputError: a file cannot be used, is of another task, or lacks outputs, the study is one of
            images, or its people are those of another task; nothing is stored.
    """
    study.require_kind("text")
    yield Progress(0, None, f"Reading {questions.name}")
    read, mark = read_questions(questions), content_mark(questions)
    own, notices = _own_texts(read, _golds(read, outputs), outputs, most)
    if not own:
        raise InputError(
            f"{questions.name} holds nothing that people wrote: no item of its profiles can be "
            "used. If there are outputs to learn from, name them with --outputs. Nothing was "
            "imported."
        )
    people, there = dict.fromkeys(one.labeler for one in own), set(study.own_texts())
    new = tuple(one for one in own if one not in there)
    again = len(own) - len(new)
    if again:
        notices.append(f"{counted(again, 'own text was', 'own texts were')} there already.")
    known, doubts = _known_people(study, questions, mark, read, {one.labeler for one in new})
    notices += known
    report = ImportReport(
        id=new_id(), source=str(questions), format="own texts", rows_read=len(own),
        rows_kept=len(new), notices=tuple(notices), doubts=doubts,
        mapping={OTHERS: {"there already": again}, LAMP: _division(read), LAMP_FILE: mark},
    )  # fmt: skip
    if new:
        yield Progress(0, None, f"Storing {counted(len(new), 'own text')}")
        codes = {labeler.code for labeler in study.labelers()}
        fresh = tuple(LabelerRecord(code) for code in people if code not in codes)
        study.apply_import(ImportBatch(report, labelers=fresh, own_texts=new))
    told = (*notices, *(doubt.text for doubt in doubts))
    yield Done(BroughtQuestions(read.task.name, len(people), len(own), told))


def _golds(read: LampQuestions, outputs: Path | None) -> Mapping[str, str]:
    """id -> output, of all questions or, without a file, of none."""
    if outputs is None:
        return {}
    name, golds = read_outputs(outputs)
    check_task(outputs, name, read.task)
    _refuse_gaps(read, golds, outputs)
    return golds


def _own_texts(
    read: LampQuestions, golds: Mapping[str, str], path: Path | None, most: int | None
) -> tuple[list[OwnText], list[str]]:
    """What the first people of a file made, each text once, and notices; with the outputs' file
    what they answered, too."""
    own: dict[OwnText, None] = {}
    people, silent = set[str](), dict[str, None]()
    for one in read.questions:
        if one.person not in people and len(people) == most:
            continue
        made = [OwnText(one.person, text, prompt) for prompt, text in one.made]
        if path is not None:
            text = _output(read.task, one.id, golds[one.id], path)
            made.append(OwnText(one.person, text, one.asked))
        if made:
            people.add(one.person)
            own.update(dict.fromkeys(made))
        else:
            silent[one.person] = None
    notices = [*read.notices]
    if lacking := [person for person in silent if person not in people]:
        who = counted(len(lacking), "person", "people")
        notices.append(f"{who} left out, for their profiles hold nothing: {few(lacking, 3)}.")
    return list(own), notices


def _division(read: LampQuestions) -> dict[str, str]:
    """Whose ids a file's people have: those of another task or division mean other people."""
    people = "users" if read.by_user else "questions"
    return {"task": read.task.name, "makes": read.task.made, "people": people}


def _known_people(
    study: Study, path: Path, mark: str, read: LampQuestions, joined: Collection[str]
) -> tuple[list[str], tuple[Doubt, ...]]:
    """What is told of people whose codes the study has already and who get new texts.

    Users of one task are the same in all files of the time division, and so are the questions of
    one file. Questions of another file of the user division are other people by the benchmark's
    rules, but nothing in the file says which division it is of, so that they are a doubt. So is who
    came in some other way.

    Raises:
        InputError: they came with another task, or by questions in place of users.
    """
    known = [labeler.code for labeler in study.labelers() if labeler.code in joined]
    came = _sources(study)
    if told := _other_people(read, came, known):
        raise InputError(
            f"{told}; make a study for each (`prism-desktop study new DIR`). Nothing was imported."
        )
    alike, unsure = dict[str, list[str]](), dict[str, list[str]]()
    for code in known:
        sources = came.get(code, ())
        files = few([Path(one.source).name for one in sources], 3)
        same = bool(sources) and all(
            one.mapping.get(LAMP_FILE) == mark or (read.by_user and LAMP in one.mapping)
            for one in sources
        )
        (alike if same else unsure).setdefault(files, []).append(code)
    notices = [f"{_there(codes, files)}." for files, codes in alike.items()]
    doubts = [
        f"{_there(codes, files)}: what this file has of them was added to theirs. If its ids mean "
        "others, undo the import and bring the file into a study of its own."
        for files, codes in unsure.items()
    ]
    return notices, tuple(Doubt("people", text, path.name) for text in doubts)


def _there(codes: Sequence[str], files: str) -> str:
    many = counted(len(codes), "person was", "people were")
    return f"{many} there already{f', from {files}' if files else ''} ({few(codes, 3)})"


def _sources(study: Study) -> dict[str, tuple[ImportReport, ...]]:
    """Labeler -> the imports that brought what they wrote."""
    reports = {report.id: report for report in study.imports()}
    return {
        code: tuple(reports[one] for one in ids) for code, ids in study.own_text_imports().items()
    }


def _other_people(
    read: LampQuestions, came: Mapping[str, Sequence[ImportReport]], codes: Sequence[str]
) -> str:
    """Who of these people has the code of somebody else in the study; "" if nobody."""
    own = _division(read)
    for code in codes:
        for report in came.get(code, ()):
            told = report.mapping.get(LAMP, own)
            if told != own:
                task = told.get("task", "LaMP") if isinstance(told, Mapping) else "LaMP"
                return (
                    f"{code} is in the study as somebody of {task} ({Path(report.source).name}), "
                    "and ids of another task or division of LaMP mean other people"
                )
    return ""


def _output(task: LampTask, key: str, text: str, path: Path) -> str:
    kept = kept_form(text)
    fault = text_fault(kept)
    if not fault and task.labels and kept not in task.labels:
        fault = f"is no label of {task.name}"
    if fault:
        raise InputError(f"The output for {key} in {path.name} {fault}; mend it or leave it out.")
    return kept


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
        InputError: the study has own texts of nobody who is asked, or somebody's code is that of
            another task's person.
    """
    read = read_questions(questions)
    wanted = list(dict.fromkeys(one.person for one in read.questions))
    why: list[str] = []
    _refuse_other_people(run, read, wanted)
    texts = with_new_people(run, read_texts(run), wanted, why)
    there = {one.code for one in texts.meta.people}
    known = {texts.meta.people[row].code for row in texts.known}
    if strangers := [code for code in wanted if code not in there]:
        told = " ".join(why)
        if len(strangers) == len(wanted):
            raise InputError(f"{told} `prism-desktop lamp import STUDY QUESTIONS` brings profiles.")
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


def _refuse_other_people(run: RunFolder, read: LampQuestions, codes: Sequence[str]) -> None:
    """Nobody answers as somebody else of the same code; a run without its study cannot be asked."""
    try:
        with Study.open(run.study, read_only=True) as study:
            told = _other_people(read, _sources(study), codes)
    except StudyError:
        return
    if told:
        raise InputError(f"{told}; take a run that learned from this task's people.")


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
    found: dict[str, str] = {}
    how = WritingConfig.load(run.path / layout.CONFIG).decoding
    known = [] if new else list(read)
    for path, people in served_by(run, texts, known, read if new else {}).items():
        served = [each for each in part if place[each.person] in people]
        serving = RunFolder(path)
        if new:
            asked_by = {each.person: prompts[each.person] for each in served}
            writer = yield from writer_of_new_people(serving, texts, asked_by)
        else:
            writer = replace((yield from open_writer(serving)), histories=read)
        asked = [Asked(place[each.person], each.asked) for each in served]
        written = yield from value(write_as(writer, asked, how))
        found |= {each.id: text for each, text in zip(served, written, strict=True)}
    return found
