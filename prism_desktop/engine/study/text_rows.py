"""Texts in the database: those that are judged, and those that people wrote.

Runs in the reader's or the writer's thread.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, insert, select, text

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.stimulus_words import TEXTS, words_for
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.folds import assign_folds
from prism_desktop.engine.study.records import FOLDS, AddedStimuli, Changes
from prism_desktop.engine.study.stimulus_kinds import check_kind, held_kind, reword
from prism_desktop.engine.study.texts import (
    MOST_CHARACTERS,
    NewText,
    OwnText,
    TextRecord,
    fold_key,
    kept_form,
    name_fault,
    text_fault,
    text_id,
)
from prism_desktop.engine.study.writing import fold_counts, touch

_TEXTS: Final = """SELECT s.sha256, s.name, t.text, t.prompt, p.code, t.group_name, s.fold
FROM stimulus AS s JOIN stimulus_text AS t ON t.stimulus_id = s.id
LEFT JOIN labeler AS p ON p.id = t.author_id WHERE s.kind = 'text'
AND (:without IS NULL OR s.import_id IS NULL
     OR s.import_id <> (SELECT id FROM import WHERE uid = :without)) ORDER BY s.name"""
_OWN: Final = """SELECT p.code, o.text, o.prompt FROM own_text AS o
JOIN labeler AS p ON p.id = o.labeler_id
WHERE (:labeler IS NULL OR p.code = :labeler)
AND (:without IS NULL OR o.import_id IS NULL
     OR o.import_id <> (SELECT id FROM import WHERE uid = :without)) ORDER BY p.id, o.id"""

_SOURCES: Final = """SELECT DISTINCT p.code, i.uid, i.id FROM own_text AS o
JOIN labeler AS p ON p.id = o.labeler_id JOIN import AS i ON i.id = o.import_id ORDER BY i.id"""


def texts(connection: Connection, without: str | None = None) -> tuple[TextRecord, ...]:
    """Every text to be judged, in the order of their names; `without` is an import whose texts are
    left aside."""
    rows = connection.execute(text(_TEXTS), {"without": without})
    return tuple(TextRecord(*row) for row in rows)


def own_texts(
    connection: Connection, labeler: str | None, without: str | None = None
) -> tuple[OwnText, ...]:
    """What people wrote, a labeler's or everybody's, in the order in which it was added; `without`
    is an import whose texts are left aside."""
    rows = connection.execute(text(_OWN), {"labeler": labeler, "without": without})
    return tuple(OwnText(*row) for row in rows)


def own_text_imports(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Labeler -> the ids of the imports that brought what they wrote."""
    found: dict[str, tuple[str, ...]] = {}
    for code, uid, _ in connection.execute(text(_SOURCES)):
        found[code] = (*found.get(code, ()), uid)
    return found


def add_texts(
    connection: Connection, new: Sequence[NewText], import_id: int | None = None
) -> AddedStimuli:
    """Add texts that the study has not; authors are labelers of the study.

    Texts of one group, or of one prompt where they have no group, get the same fold.

    Raises:
        InputError: one cannot be kept, its name is another text's, or nobody has its author's code;
            nothing is added.
    """
    if not new:
        return AddedStimuli((), (), (), Changes())
    check_kind(connection, "text")
    row = schema.StimulusRow
    known: dict[str, str] = {
        found[0]: found[1] for found in connection.execute(select(row.sha256, row.name))
    }
    words = words_for("text", prompted=all(each.prompt for each in new))
    worded = not known and reword(connection, words)
    names = set(known.values())
    fresh: dict[str, NewText] = {}
    duplicates = []
    for each in map(_kept, new):
        key = text_id(each.text, each.prompt)
        if key in known:
            duplicates.append((each.name, known[key]))
            continue
        if each.name in names:
            raise InputError(f"There is another text {each.name!r} already; nothing was added.")
        names.add(each.name)
        known[key] = each.name
        fresh[key] = each
    _insert(connection, fresh, import_id)
    changes = Changes(images=bool(fresh), attributes=worded)
    return AddedStimuli(tuple(fresh), tuple(duplicates), (), changes)


def add_own_texts(
    connection: Connection, new: Sequence[OwnText], import_id: int | None = None
) -> Changes:
    """Add what people wrote; what the study has of the same person already is left out.

    Raises:
        InputError: a text cannot be kept, or nobody has its author's code; nothing is added.
    """
    if not new:
        return Changes()
    check_kind(connection, "text")
    worded = held_kind(connection) is None and reword(connection, TEXTS)
    people, row = _people(connection), schema.OwnTextRow
    there = {tuple(found) for found in connection.execute(select(row.labeler_id, row.sha256))}
    fresh = []
    for each in new:
        prompt, said = _prompt(each.prompt), kept_form(each.text)
        _check(said, prompt)
        labeler, key = _person(people, each.labeler), text_id(said, prompt)
        if (labeler, key) not in there:
            there.add((labeler, key))
            fresh.append(
                {"labeler_id": labeler, "prompt": prompt, "text": said, "sha256": key,
                 "import_id": import_id}
            )  # fmt: skip
    if fresh:
        connection.execute(insert(row), fresh)
        touch(connection)
    return Changes(labelers=bool(fresh), attributes=worded)


def succeed(connection: Connection, new: Sequence[NewText], old: int, heir: int, used: str) -> None:
    """Let the texts of an import that is replaced make room for those of its successor.

    Those that nothing uses go; those that both bring, which are the successor's already, are called
    as it says, and are whose it says. Their folds and groups stay.

    Args:
        connection: in the transaction of the import, its people being there.
        new: the successor's texts.
        old, heir: keys of the two imports.
        used: selects the stimuli that something uses.

    Raises:
        InputError: the successor has another text of the name of one that is used.
    """
    told = {"old": old, "heir": heir}
    connection.execute(
        text(
            f"DELETE FROM stimulus WHERE kind = 'text' AND import_id = :old AND id NOT IN ({used})"
        ),
        told,
    )
    left = connection.execute(text("SELECT name FROM stimulus WHERE import_id = :old"), told)
    if taken := {name for (name,) in left} & {each.name for each in new}:
        raise InputError(
            f"The text {min(taken)[:80]!r} was judged, and another one in the file is called so; "
            "give that another id. Nothing was imported."
        )
    found = connection.execute(
        text("SELECT sha256, id FROM stimulus WHERE kind = 'text' AND import_id = :heir"), told
    )
    numbers: dict[str, int] = {row[0]: row[1] for row in found}
    people = _people(connection)
    both = [(numbers[key], each) for each in map(_kept, new)
            if (key := text_id(each.text, each.prompt)) in numbers]  # fmt: skip
    renamed = text("UPDATE stimulus SET name = :name WHERE id = :number")
    for number, _ in both:  # first as nothing is called: two may change their names
        connection.execute(renamed, {"name": f"\0{number}", "number": number})
    for number, each in both:
        connection.execute(renamed, {"name": each.name, "number": number})
    for number, each in both:
        author = None if each.author is None else _person(people, each.author)
        connection.execute(
            text("UPDATE stimulus_text SET author_id = :author WHERE stimulus_id = :number"),
            {"author": author, "number": number},
        )


def _insert(connection: Connection, fresh: Mapping[str, NewText], import_id: int | None) -> None:
    if not fresh:
        return
    people = _people(connection)
    folds = _folds(connection, fresh)
    nothing: dict[str, Any] = {"path": "", "copied": 0, "width": 0, "height": 0}
    connection.execute(
        insert(schema.StimulusRow),
        [
            {"kind": "text", "sha256": key, "name": each.name, "fold": folds[key],
             "import_id": import_id, **nothing}
            for key, each in fresh.items()
        ],
    )  # fmt: skip
    row = schema.StimulusRow
    numbers = {found[0]: found[1] for found in connection.execute(select(row.sha256, row.id))}
    connection.execute(
        insert(schema.TextRow),
        [
            {"stimulus_id": numbers[key], "text": each.text, "prompt": each.prompt,
             "author_id": None if each.author is None else _person(people, each.author),
             "group_name": each.group}
            for key, each in fresh.items()
        ],
    )  # fmt: skip
    touch(connection)


def _folds(connection: Connection, fresh: Mapping[str, NewText]) -> dict[str, int]:
    """Each new text's fold: that of the texts which it belongs with, or the emptiest."""
    taken = {fold_key(each.id, each.prompt, each.group): each.fold for each in texts(connection)}
    keys = {key: fold_key(key, each.prompt, each.group) for key, each in fresh.items()}
    sizes = Counter(keys.values())
    counts = fold_counts(connection)
    said = {keys[key]: each.fold for key, each in fresh.items() if each.fold is not None}
    taken = said | taken
    for key in sizes.keys() & taken.keys():
        counts[taken[key]] += sizes[key]
    new = [key for key in sizes if key not in taken]
    folds = taken | assign_folds(new, counts, sizes)
    return {text_: folds[key] for text_, key in keys.items()}


def _kept(new: NewText) -> NewText:
    """A text as it is kept, checked."""
    name, said, prompt = kept_form(new.name), kept_form(new.text), _prompt(new.prompt)
    group = kept_form(new.group or "") or None
    _check(said, prompt)
    for called in (name, group):
        if called is not None and (fault := name_fault(called)):
            raise InputError(f"What the text {name[:80]!r} is called {fault}; nothing was added.")
    if new.fold is not None and new.fold not in range(FOLDS):
        raise InputError(f"There is no fold {new.fold}; nothing was added.")
    return NewText(name, said, prompt, new.author or None, group, new.fold)


def _prompt(prompt: str | None) -> str | None:
    return kept_form(prompt or "") or None


def _check(said: str, prompt: str | None) -> None:
    for what, content in (("A text", said), ("A prompt", prompt)):
        if content is not None and (fault := text_fault(content, MOST_CHARACTERS)):
            raise InputError(f"{what} {fault}; nothing was added.")


def _people(connection: Connection) -> dict[str, int]:
    row = schema.LabelerRow
    return {found[0]: found[1] for found in connection.execute(select(row.code, row.id))}


def _person(people: Mapping[str, int], code: str) -> int:
    if code not in people:
        raise InputError(f"There is no labeler {code!r} in this study; nothing was added.")
    return people[code]
