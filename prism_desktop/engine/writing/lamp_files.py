"""The files of the LaMP benchmark (Salemi et al., ACL 2024), read as hostile.

A file of questions is a list of objects with `id`, `input` and `profile`, of the time split with
`user_id`, too; a file of outputs an object with `task` and `golds`, a list of `id` and `output`.
Which task it is, the questions' wording and the profiles' fields say together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import GIGABYTE, read_foreign
from prism_desktop.engine.grammar import counted, listed, word_for
from prism_desktop.engine.json_files import NoNumber, parse_json
from prism_desktop.engine.plain_text import clause, few
from prism_desktop.engine.study.texts import kept_form, text_fault

MOST_BYTES: Final = 4 * GIGABYTE  # the largest official file has less than one
_TASK: Final = re.compile(r"LaMP[_-]([1-7])", re.ASCII)
# A year, perhaps with month and day, perhaps with a time; the year is known by its four digits.
_DATE: Final = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?)?(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?\S*)?",
    re.ASCII,
)
# Why items of profiles are left out; {} stands for the task's fields and scores.
_LOST: Final = {
    "object": "no item that a profile can have",
    "fields": "no {fields} that can be read",
    "label": "no {made} of {task}, {labels}",
    "text": "a text that no study can hold",
    "again": "the same stands there already",
}


@dataclass(frozen=True, slots=True)
class LampTask:
    """One of the seven tasks.

    Attributes:
        name: as the files have it.
        begins: how every question of it does.
        marker: in a question, behind which what is asked about stands; empty where it is not the
            same that a profile has.
        given: a profile's field that is asked about; empty where its texts answer nothing.
        made: the field that the person made of it.
        labels: the closed set of outputs; empty for texts.
    """

    name: str
    begins: str
    marker: str
    given: str
    made: str
    labels: tuple[str, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Of a profile's items, besides `id` and `date`."""
        return frozenset({self.given, self.made} - {""})

    @property
    def scored(self) -> bool:
        """Whether profiles hold scores, which are the task's labels."""
        return self.made == "score"


_TAGS: Final = (
    "sci-fi", "based on a book", "comedy", "action", "twist ending", "dystopia", "dark comedy",
    "classic", "psychology", "fantasy", "romance", "thought-provoking", "social commentary",
    "violence", "true story",
)  # fmt: skip
_CATEGORIES: Final = (
    "food & drink", "sports", "education", "parents", "religion", "travel", "business", "crime",
    "science & technology", "culture & arts", "entertainment", "politics", "women",
    "style & beauty", "healthy living",
)  # fmt: skip
# What an author of papers made is told in the words of LaMP-5: profiles have no references.
TITLED: Final = "Generate a title for the following abstract of a paper:"
TASKS: Final = (
    LampTask(
        "LaMP_1", "For an author who has written the paper with the title", "", "abstract",
        "title", ("[1]", "[2]"),
    ),
    LampTask("LaMP_2", "Which tag does this movie relate to", "description:", "description",
             "tag", _TAGS),
    # the second task as it was before 2023-11
    LampTask("LaMP_2", "Which category does this article relate to", "article:", "text",
             "category", _CATEGORIES),
    LampTask("LaMP_3", "What is the score of the following review", "review:", "text", "score",
             ("1", "2", "3", "4", "5")),
    LampTask("LaMP_4", "Generate a headline for the following article", "article:", "text",
             "title"),
    LampTask("LaMP_5", "Generate a title for the following abstract of a paper", "paper:",
             "abstract", "title"),
    LampTask("LaMP_6", "Generate a subject for the following email", "email:", "text", "title"),
    LampTask("LaMP_7", "Paraphrase the following tweet", "", "", "text"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LampQuestion:
    """What is asked of a person, and what they made before.

    Attributes:
        id: of the question.
        person: of the time division its user; else the question itself.
        asked: the whole input.
        made: prompt or None, and text, of everything in the profile, oldest first where dates say.
    """

    id: str
    person: str
    asked: str
    made: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True, slots=True)
class LampQuestions:
    """A file of questions.

    Attributes:
        task: whose they are.
        questions: each id once.
        by_user: whether people are users, as in the time division, and not questions.
        notices: what was left out, in sentences.
    """

    task: LampTask
    questions: tuple[LampQuestion, ...]
    by_user: bool = False
    notices: tuple[str, ...] = ()


def read_questions(path: Path) -> LampQuestions:
    """A file of questions.

    Raises:
        InputError: it is none, is of several tasks or of another than its profiles, a question
            stands there twice, or only some have a user.
    """
    value = _json(path)
    if isinstance(value, dict) and isinstance(value.get("golds"), list):
        value = value["golds"]  # as the script for the emails writes them
    if not isinstance(value, list) or not value:
        raise _no_questions(path, "it holds no list of questions")
    rows = [_question_row(path, place, row) for place, row in enumerate(value, 1)]
    if twice := [key for key, times in Counter(key for key, *_ in rows).items() if times > 1]:
        raise _no_questions(path, f"question {few(twice, 3)} stands there more than once")
    task = _task_of(path, rows)
    users = {bool(user) for _, user, *_ in rows}
    if len(users) > 1:
        raise _no_questions(path, "some of its questions have a user_id, and others have none")
    lost: Counter[str] = Counter()
    questions = tuple(
        LampQuestion(key, user or key, kept_form(asked), _made(task, asked, profile, lost))
        for key, user, asked, profile in rows
    )
    if lost["fields"] and not any(one.made for one in questions):
        raise _no_questions(
            path, f"its questions are those of {task.name}, and its profiles are not"
        )
    return LampQuestions(task, questions, users == {True}, tuple(_notices(task, lost)))


def _notices(task: LampTask, lost: Counter[str]) -> Iterator[str]:
    """What was left out of profiles, and whose place in them is not known."""
    said = {
        "fields": " or ".join(sorted(task.fields)),
        "made": task.made,
        "task": task.name,
        "labels": listed(task.labels),
    }
    for why, told in _LOST.items():
        if count := lost[why]:
            yield f"{counted(count, 'item')} of profiles left out: {told.format(**said)}."
    if count := lost["date"]:
        yield (
            f"{counted(count, 'item')} of profiles {word_for(count, 'has', 'have')} no date that "
            "can be read, beside others that have one; they stand before these."
        )
    if count := lost["dates"]:
        yield (
            f"{counted(count, 'item')} of profiles {word_for(count, 'has', 'have')} dates that "
            "cannot be read, as YEAR-MONTH-DAY can; the order is the file's."
        )


def read_outputs(path: Path) -> tuple[str, dict[str, str]]:
    """A file of outputs, official ones or somebody's predictions.

    Returns:
        The task's name, and id -> output.

    Raises:
        InputError: it is none, or an id stands there twice.
    """
    value = _json(path)
    named = _TASK.fullmatch(str(value.get("task"))) if isinstance(value, dict) else None
    golds = value.get("golds") if isinstance(value, dict) else None
    if named is None or not isinstance(golds, list):
        raise InputError(
            f"{path.name} is no file of LaMP's outputs: it needs a task, LaMP_1 to LaMP_7, and "
            "golds, a list of id and output."
        )
    found: dict[str, str] = {}
    for place, row in enumerate(golds, 1):
        key = _key(row.get("id")) if isinstance(row, dict) else ""
        output = _text(row.get("output")) if isinstance(row, dict) else None
        if not key or output is None:
            raise InputError(f"Entry {place:,} of {path.name} has no id or no output.")
        if key in found:
            raise InputError(f"{path.name} has two outputs for {key}; keep the right one.")
        found[key] = output
    return f"LaMP_{named[1]}", found


def check_task(path: Path, name: str, task: LampTask) -> None:
    """Refuse outputs of another task."""
    if name != task.name:
        raise InputError(
            f"{path.name} holds outputs of {name}, and the questions are those of {task.name}; "
            "name the files of one task."
        )


def _json(path: Path) -> Any:
    try:
        return parse_json(read_foreign(path, MOST_BYTES))
    except OSError as error:
        raise_fault(error, path)
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise InputError(f"{path.name} cannot be read as JSON: {clause(error)}.") from None


def _question_row(path: Path, place: int, row: object) -> tuple[str, str, str, Sequence[object]]:
    """(id, user or "", input, profile) of an entry."""
    if not isinstance(row, dict):
        raise _no_questions(path, f"entry {place:,} is no question")
    key, asked, profile = _key(row.get("id")), _text(row.get("input")), row.get("profile")
    if not key or asked is None or not isinstance(profile, list):
        raise _no_questions(path, f"entry {place:,} lacks an id, an input or a profile")
    if fault := text_fault(kept_form(asked)):
        raise _no_questions(path, f"the input of {key} {fault}")
    user = _key(row.get("user_id"))
    if row.get("user_id") is not None and not user:
        raise _no_questions(path, f"the user_id of {key} is neither a text nor a whole number")
    return key, user, asked, profile


def _task_of(path: Path, rows: Sequence[tuple[str, str, str, Sequence[object]]]) -> LampTask:
    found = {
        next((task for task in TASKS if asked.startswith(task.begins)), None)
        for _, _, asked, _ in rows
    }
    if None in found:
        raise _no_questions(path, "a question begins as none of LaMP-1 to LaMP-7 does")
    if len(found) > 1:
        names = sorted({task.name for task in found if task is not None})
        raise _no_questions(path, f"it mixes questions of {' and '.join(names)}")
    task = found.pop()
    assert task is not None
    return task


def _made(
    task: LampTask, asked: str, profile: Sequence[object], lost: Counter[str]
) -> tuple[tuple[str | None, str], ...]:
    """What a person made before: asked as the question is, without duplicates."""
    head = TITLED
    if task.marker and task.marker in asked:
        head = asked[: asked.index(task.marker) + len(task.marker)]
    items = [item for item in profile if isinstance(item, dict)]
    lost["object"] += len(profile) - len(items)
    found: dict[tuple[str | None, str], None] = {}
    for item in _oldest_first(items, lost):
        given, made = _text(item.get(task.given)), _text(item.get(task.made))
        if made is None or (task.given and given is None):
            lost["fields"] += 1
            continue
        prompt = kept_form(f"{head} {given}") if task.given else None
        text = kept_form(made)
        if task.scored and text not in task.labels:
            lost["label"] += 1
            continue
        if text_fault(text) or (prompt is not None and text_fault(prompt)):
            lost["text"] += 1
            continue
        lost["again"] += (prompt, text) in found
        found[prompt, text] = None
    return tuple(found)


def _oldest_first(
    items: Sequence[Mapping[str, object]], lost: Counter[str]
) -> Sequence[Mapping[str, object]]:
    """A profile by its dates; what has none that can be read stands first, which is counted."""
    dates = [_date(item.get("date")) for item in items]
    unread = dates.count(())
    if unread < len(items):
        lost["date"] += unread
    else:
        lost["dates"] += sum(item.get("date") not in (None, "") for item in items)
    order = sorted(range(len(items)), key=dates.__getitem__)
    return [items[place] for place in order]


def _date(told: object) -> tuple[int, ...]:
    """A date as numbers, of a year alone one; empty where it cannot be read."""
    whole = isinstance(told, str | int) and not isinstance(told, bool)
    found = _DATE.fullmatch(str(told).strip()) if whole else None
    if found is None:
        return ()
    return tuple(int(found[part] or 0) for part in (1, 3, 4, 5, 6, 7))


def _key(value: object) -> str:
    known = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    return kept_form(str(value)) if known else ""


def _text(value: object) -> str | None:
    """A text, or a number as one: scores are either, and 4.0 is 4."""
    if isinstance(value, bool | NoNumber) or not isinstance(value, str | int | float):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _no_questions(path: Path, why: str) -> InputError:
    return InputError(
        f"{path.name} is no file of LaMP's questions that can be used: {why}. docs/lamp.md says "
        "which files to fetch."
    )
