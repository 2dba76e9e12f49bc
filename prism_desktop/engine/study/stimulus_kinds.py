"""Which kind of stimuli a study holds, and what they are called.

Runs in the reader's or the writer's thread.
"""

import json
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, Row, delete, select, text, update

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.stimulus_words import (
    FACES,
    REPLIES,
    TEXTS,
    StimulusKind,
    StimulusWords,
    words_for,
)
from prism_desktop.engine.study import schema, stored_json
from prism_desktop.engine.study.records import DEFAULT_SCALE

KIND: Final = "stimuli"  # of `meta`: what a study was made for, where somebody said so
USUAL: Final = "usual attributes"  # of `meta`: nobody named any when the study was made
_WORDS: Final = (FACES, TEXTS, REPLIES)


def held_kind(connection: Connection) -> StimulusKind | None:
    """What the study holds or was made for, the one place that decides it; None: it is open for
    both.

    What people wrote makes a study one of texts, also where nothing is judged yet.
    """
    held = (
        "SELECT coalesce((SELECT kind FROM stimulus ORDER BY id LIMIT 1), "
        "(SELECT 'text' FROM own_text LIMIT 1))"
    )
    found = connection.execute(text(held)).scalar()
    if found is None:
        row = schema.MetaRow
        found = connection.execute(select(row.value).where(row.key == KIND)).scalar()
    if found is None:
        return None
    return "text" if found == "text" else "image"


def kind_of(connection: Connection) -> StimulusKind:
    """Likewise; of a study that is open for both, images."""
    return held_kind(connection) or "image"


def words_of(connection: Connection) -> StimulusWords:
    """What the study's stimuli are called."""
    kind = kind_of(connection)
    counts = "SELECT count(*), count(prompt) FROM stimulus_text"
    texts, prompts = connection.execute(text(counts)).one() if kind == "text" else (0, 0)
    return words_for(kind, prompted=0 < texts == prompts)


def check_kind(connection: Connection, kind: StimulusKind) -> None:
    """Refuse stimuli, or what people wrote, of another kind than the study's.

    Raises:
        InputError: a study holds images or texts.
    """
    held = held_kind(connection)
    if held is not None and held != kind:
        own, other = words_for(held), words_for(kind)
        raise InputError(
            f"This study is one of {own.kept_many}, and a study holds stimuli of one kind; make "
            f"another study for the {other.kept_many} (`prism-desktop study new DIR`). Nothing "
            "was added."
        )


def reword(connection: Connection, words: StimulusWords) -> bool:
    """Ask for attributes that nobody worded as of what comes into a study that holds nothing yet.

    Those that the study was made with because nobody named any are those usual for its kind. What
    somebody typed stays: a question, templates, and the name of whatever has its own words.

    Returns:
        Whether anything was worded anew.
    """
    row = schema.AttributeRow
    known, usual = _known(connection)
    changed = False
    for place, each in enumerate(known):
        asked, described, plain = _unsaid(each)
        unsaid = usual and asked and described and plain
        called = words.attributes[place] if unsaid else each.name
        values = {
            "name": called,
            "question": words.rating_question(called) if asked else each.question,
            "templates": _written(words.templates) if described else each.templates,
        }
        if any(getattr(each, column) != value for column, value in values.items()):
            connection.execute(update(row).where(row.id == each.id).values(**values))
            changed = True
    return changed


def drop_usual(connection: Connection, kept: Collection[str]) -> bool:
    """Take out the attributes that a study was made with because nobody named any, but for those
    of some names and whatever somebody worded; returns whether there were such."""
    known, usual = _known(connection)
    gone = [each.id for each in known if usual and each.name not in kept and all(_unsaid(each))]
    if gone:
        row = schema.AttributeRow
        connection.execute(delete(row).where(row.id.in_(gone)))
    return bool(gone)


def _known(connection: Connection) -> tuple[Sequence[Row[int, str, str, str, str]], bool]:
    """The attributes, and whether they are those usual for a kind of which nothing is used yet."""
    row, meta = schema.AttributeRow, schema.MetaRow
    columns = (row.id, row.name, row.question, row.templates, row.scale_labels)
    known = connection.execute(select(*columns).order_by(row.id)).all()
    usual = connection.execute(select(meta.value).where(meta.key == USUAL)).scalar() is not None
    names = tuple(each.name for each in known)
    return known, usual and names in (FACES.attributes, TEXTS.attributes) and not _used(connection)


def _unsaid(attribute: Row[int, str, str, str, str]) -> tuple[bool, bool, bool]:
    """Whether nobody worded an attribute's question, its templates, its scale."""
    name = attribute.name
    return (
        attribute.question in [one.rating_question(name) for one in _WORDS],
        stored_json.templates(attribute.templates) in [one.templates for one in _WORDS],
        stored_json.scale_labels(attribute.scale_labels) == DEFAULT_SCALE,
    )


def _written(texts: tuple[str, ...]) -> str:
    return json.dumps(list(texts), ensure_ascii=False)


def _used(connection: Connection) -> bool:
    """Whether anything else names the study's attributes."""
    used = "SELECT EXISTS (SELECT 1 FROM answer) OR EXISTS (SELECT 1 FROM protocol)"
    return bool(connection.execute(text(used)).scalar())
