"""Which kind of stimuli a study holds, and what they are called.

Runs in the reader's or the writer's thread.
"""

from typing import Final

from sqlalchemy import Connection, select, text

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.stimulus_words import StimulusKind, StimulusWords, words_for
from prism_desktop.engine.study import schema

KIND: Final = "stimuli"  # of `meta`: what a study was made for, where somebody said so


def kind_of(connection: Connection) -> StimulusKind:
    """What the study holds; of one that is empty, what it was made for, images if nobody said."""
    found = connection.execute(text("SELECT kind FROM stimulus ORDER BY id LIMIT 1")).scalar()
    if found is None:
        row = schema.MetaRow
        found = connection.execute(select(row.value).where(row.key == KIND)).scalar()
    return "text" if found == "text" else "image"


def words_of(connection: Connection) -> StimulusWords:
    """What the study's stimuli are called."""
    kind = kind_of(connection)
    counts = "SELECT count(*), count(prompt) FROM stimulus_text"
    texts, prompts = connection.execute(text(counts)).one() if kind == "text" else (0, 0)
    return words_for(kind, prompted=0 < texts == prompts)


def check_kind(connection: Connection, kind: StimulusKind) -> None:
    """Refuse stimuli of another kind than those of the study.

    Raises:
        InputError: a study holds images or texts.
    """
    row = schema.StimulusRow
    found = connection.execute(select(row.kind).order_by(row.id).limit(1)).scalar()
    told = (
        found is not None
        or connection.execute(
            select(schema.MetaRow.value).where(schema.MetaRow.key == KIND)
        ).scalar()
    )
    if told and kind_of(connection) != kind:
        own, other = words_for(kind_of(connection)), words_for(kind)
        raise InputError(
            f"This study is one of {own.kept_many}, and a study holds stimuli of one kind; make "
            f"another study for the {other.kept_many}. Nothing was added."
        )
