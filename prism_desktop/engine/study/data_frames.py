"""Trials and images as pandas tables, one row per attribute answered.

Runs in the reader's thread.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from prism_desktop.engine import coded_columns
from prism_desktop.engine.errors import CorruptStudyError
from prism_desktop.engine.study import schema
from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.queries import COUNTED

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_CHOSEN = f"t.kind = :kind AND t.skipped = 0 AND {COUNTED}"
_TRIALS = f"""SELECT t.id, t.uid, t.labeler_id, t.session_id, t.place, t.left_id, t.right_id,
t.onset, t.seconds,
e.uid, t.source, t.dropped_frames,
CASE WHEN coalesce(e.strategy, t.strategy, 'random') = 'random' THEN 1 ELSE 0 END
FROM trial AS t LEFT JOIN trial AS e ON e.id = t.repeat_of_id
WHERE {_CHOSEN}{{of}} ORDER BY t.id"""
_ANSWERS = f"""SELECT a.trial_id, a.attribute_id, a.value, a.raw, a.seconds
FROM trial AS t JOIN answer AS a ON a.trial_id = t.id
WHERE {_CHOSEN}{{of}} ORDER BY a.trial_id, a.attribute_id"""
_TRIAL_KINDS, _ANSWER_KINDS = "wtwwwwrrrttrw", "wwrrr"  # of their columns, see `_typed`
_BLOCK = 50_000  # rows that are Python's own at a time
_OF_ONE = " AND t.labeler_id = (SELECT id FROM labeler WHERE code = :labeler)"


def comparisons(
    connection: Connection, labeler: str | None = None, *, coded: bool = False
) -> "pd.DataFrame":
    """Current comparisons.

    Args:
        connection: to the study.
        labeler: whose, a code; None for everybody's.
        coded: who, what and which image as `coded_columns`, for many answers.

    Returns:
        trial, labeler, session, order (int64), left, right (image ids), attribute, outcome ("left",
        "right" or "tie"), onset (unix s, of the trial), seconds (of the answer, NaN: only known of
        the whole trial or not at all), repeat_of (trial or missing), source, dropped_frames
        (float64, NaN: not measured), drawn (int64, 0: the pair was chosen by what it tells, 1: it
        was not, or nobody knows); oldest first.
    """
    frame = _answers(connection, "comparison", ("left", "right"), labeler, coded=coded)
    frame = frame.drop(columns="raw")
    outcomes = _texts([schema.OUTCOME_NAME[value] for value in (-1, 0, 1)])
    frame.insert(
        7, "outcome", outcomes.take(frame.pop("value").to_numpy() + 1).reset_index(drop=True)
    )
    return frame


def ratings(
    connection: Connection, labeler: str | None = None, *, coded: bool = False
) -> "pd.DataFrame":
    """Current ratings.

    Args:
        connection: to the study.
        labeler: whose, a code; None for everybody's.
        coded: who, what and which image as `coded_columns`, for many answers.

    Returns:
        trial, labeler, session, order (int64), image (id), attribute, value (int64, 1-4), raw
        (float64, the rating as it was imported where its scale was another, else NaN), onset (unix
        s, of the trial), seconds (of the answer, NaN: only known of the whole trial or not at all),
        repeat_of (trial or missing), source, dropped_frames (float64, NaN: not measured), drawn
        (int64, 0: the face was chosen by what it tells, 1: it was not, or nobody knows); oldest
        first.
    """
    return _answers(connection, "rating", ("image",), labeler, coded=coded)


def images(connection: Connection, study: Path) -> "pd.DataFrame":
    """image (id), name, path (str), width, height (px), fold (0-6); in the order of their names."""
    import pandas as pd

    query = "SELECT sha256, name, path, copied, width, height, fold FROM stimulus ORDER BY name"
    image, name, path, copied, width, height, fold = _columns(connection, query, 7)
    paths = [
        str(study / place) if inside else place for place, inside in zip(path, copied, strict=True)
    ]
    numbers = {"width": width, "height": height, "fold": fold}
    return pd.DataFrame(
        {"image": _texts(image), "name": _texts(name), "path": _texts(paths)}
        | {key: pd.Series(values, dtype="int64") for key, values in numbers.items()}
    )


def _answers(
    connection: Connection,
    kind: str,
    sides: tuple[str, ...],
    labeler: str | None,
    *,
    coded: bool,
) -> "pd.DataFrame":
    """The answers of a kind; raises CorruptStudyError where its rows lack what joins them."""
    try:
        return _joined(connection, kind, sides, labeler, coded=coded)
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise CorruptStudyError(
            f"The {kind}s of the study cannot be read, for its database is damaged. Nothing was "
            "changed; look in its folder `backups` for an older state."
        ) from error


def _joined(
    connection: Connection,
    kind: str,
    sides: tuple[str, ...],
    labeler: str | None,
    *,
    coded: bool,
) -> "pd.DataFrame":
    """Strings are looked up once per trial or table row
    and spread by number, far quicker than by row."""
    import numpy as np
    import pandas as pd

    whose = {} if labeler is None else {"labeler": labeler}
    of = _OF_ONE if whose else ""
    trials = _typed(connection, _TRIALS.format(of=of), _TRIAL_KINDS, kind=kind, **whose)
    asked = _typed(connection, _ANSWERS.format(of=of), _ANSWER_KINDS, kind=kind, **whose)
    rows = np.searchsorted(trials[0], asked[0])
    given, raw, own = asked[2:]
    alone = np.bincount(rows, minlength=len(trials[0]))[rows] == 1  # its trial's time is its own
    own = np.where(np.isnan(own) & alone, trials[8][rows], own)
    there = ~np.isnan(given)  # the others were skipped
    rows, raw, own, attribute = rows[there], raw[there], own[there], asked[1][there]
    value = given[there].astype(np.int64)
    del asked, given, alone, there  # of two million answers each is many megabytes

    def spread(column: "pd.Series[Any]") -> "pd.Series[Any]":
        return column.take(rows).reset_index(drop=True)

    def named(query: str, keys: "NDArray[np.int64]") -> "pd.Series[Any]":
        known, names = _columns(connection, query, 2)
        places = np.searchsorted(np.array(known, np.int64), keys)
        if coded:
            return coded_columns.coded(places, names)
        return _texts(names).take(places).reset_index(drop=True)

    stimuli = "SELECT id, sha256 FROM stimulus ORDER BY id"
    shown = {side: named(stimuli, _whole(trials[5 + n])[rows]) for n, side in enumerate(sides)}
    columns = {
        "trial": coded_columns.encoded(rows, trials[1]) if coded else spread(trials[1]),
        "labeler": named("SELECT id, code FROM labeler ORDER BY id", trials[2][rows]),
        "session": named("SELECT id, uid FROM session ORDER BY id", trials[3][rows]),
        "order": pd.Series(trials[4][rows]),
        **shown,
        "attribute": named("SELECT id, name FROM attribute ORDER BY id", attribute),
        "value": pd.Series(value),
        "raw": pd.Series(raw),
        "onset": pd.Series(trials[7][rows]),
        "seconds": pd.Series(own),
        "repeat_of": spread(trials[9]),
        "source": spread(trials[10]),
        "dropped_frames": pd.Series(trials[11][rows]),
        "drawn": pd.Series(trials[12][rows]),
    }
    return pd.DataFrame(columns)


def _typed(connection: Connection, query: str, kinds: str, **parameters: str) -> list[Any]:
    """The columns of a query, read a block at a time: as Python's own, millions of rows take ten
    times as much memory. `kinds` has a letter for each: whole (int64), real (float64), text."""
    import numpy as np
    import pandas as pd

    made: dict[str, Any] = {"w": np.int64, "r": np.float64}
    parts: list[list[Any]] = [[] for _ in kinds]
    cursor = driver_of(connection).execute(query, parameters)
    while rows := cursor.fetchmany(_BLOCK):
        for part, kind, column in zip(parts, kinds, zip(*rows, strict=True), strict=True):
            part.append(_texts(column) if kind == "t" else np.array(column, made[kind]))
    return [
        pd.concat([_texts([]), *part], ignore_index=True)
        if kind == "t"
        else np.concatenate([np.zeros(0, made[kind]), *part])
        for part, kind in zip(parts, kinds, strict=True)
    ]


def _whole(numbers: "NDArray[Any]") -> "NDArray[np.int64]":
    """As int64; raises ValueError if one is not there."""
    if (numbers != numbers).any():
        raise ValueError("a number is not there")
    return numbers.astype("int64")


def _columns(
    connection: Connection, query: str, count: int, **parameters: str
) -> list[tuple[Any, ...]]:
    rows = driver_of(connection).execute(query, parameters).fetchall()
    return list(zip(*rows, strict=True)) if rows else [()] * count


def _texts(values: Iterable[str | None]) -> "pd.Series[Any]":
    import pandas as pd

    return pd.Series(list(values), dtype="str")
