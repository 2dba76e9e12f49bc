"""All answers that a study has, in columns: an import looks in them for what is there already.

Runs in the reader's thread.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.records import ImageId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE = -1  # the code of what is not there

# Skipped trials have no answer, but were presented all the same.
_ROWS = """SELECT t.id, t.kind = 'comparison', t.labeler_id, t.left_id, t.right_id,
a.attribute_id, a.value, a.raw, t.session_id, t.place, t.onset, t.seconds, t.import_id,
t.source = 'imported',
EXISTS (SELECT 1 FROM trial AS later WHERE later.supersedes_id = t.id AND later.withdrawn = 0)
FROM trial AS t LEFT JOIN answer AS a ON a.trial_id = t.id
WHERE t.withdrawn = 0 ORDER BY t.id, a.attribute_id"""
_NAMES = (
    ("labeler", "code", "labelers"),
    ("stimulus", "sha256", "images"),
    ("attribute", "name", "attributes"),
    ("session", "uid", "sessions"),
    ("import", "uid", "imports"),
)
_CHUNK = 50_000  # rows that exist as the driver's tuples at one time


@dataclass(frozen=True, slots=True, eq=False)
class KnownAnswers:
    """One answer per place in every array, oldest trial first; a skipped trial has one place.

    Names are coded: `labelers[labeler[i]]` gave answer i.

    Attributes:
        labelers, images, attributes, sessions, imports: what codes stand for; imports by their
            ids.
        trial: (n,) int64, the same number for answers of one trial; rises with the time of
            recording.
        comparison: (n,) bool, an outcome rather than a rating.
        labeler: (n,) int32.
        left: (n,) int32, the image of a rating, or the first one of a pair.
        right: (n,) int32, NONE for a rating.
        attribute: (n,) int32, NONE if the trial was skipped.
        value: (n,) float64, the rating on the study's steps 1-4, or 1 left, 0 tie, -1 right; NaN
            if the trial was skipped.
        raw: (n,) float64, the rating as its file had it, NaN where it was not kept.
        session: (n,) int32.
        order: (n,) int64, place within the session.
        onset: (n,) float64, Unix s, NaN where it is not known.
        seconds: (n,) float64, response time, NaN where it is not known.
        import_: (n,) int32, NONE for what was answered in this program.
        imported: (n,) bool, another program's answer: its source is "imported".
        corrected: (n,) bool, a later trial corrects it.
    """

    labelers: tuple[str, ...]
    images: tuple[ImageId, ...]
    attributes: tuple[str, ...]
    sessions: tuple[str, ...]
    imports: tuple[str, ...]
    trial: "NDArray[np.int64]"
    comparison: "NDArray[np.bool_]"
    labeler: "NDArray[np.int32]"
    left: "NDArray[np.int32]"
    right: "NDArray[np.int32]"
    attribute: "NDArray[np.int32]"
    value: "NDArray[np.float64]"
    raw: "NDArray[np.float64]"
    session: "NDArray[np.int32]"
    order: "NDArray[np.int64]"
    onset: "NDArray[np.float64]"
    seconds: "NDArray[np.float64]"
    import_: "NDArray[np.int32]"
    imported: "NDArray[np.bool_]"
    corrected: "NDArray[np.bool_]"

    def __len__(self) -> int:
        return len(self.trial)


def known_answers(connection: Connection) -> KnownAnswers:
    """Every answer that was not withdrawn, corrected ones included."""
    import numpy as np

    keys: dict[str, NDArray[np.int64]] = {}
    values: dict[str, Any] = {}
    for table, column, field in _NAMES:
        keys[table], values[field] = _names(connection, table, column)
    cursor = driver_of(connection).execute(_ROWS)
    parts = []
    while rows := cursor.fetchmany(_CHUNK):
        parts.append(_columns(np.array(rows, np.float64), keys))  # None becomes NaN
    parts = parts or [_columns(np.empty((0, 15)), keys)]
    for name in list(parts[0]):
        values[name] = np.concatenate([part.pop(name) for part in parts])
    return KnownAnswers(**values)


def _columns(
    numbers: "NDArray[np.float64]", keys: "dict[str, NDArray[np.int64]]"
) -> "dict[str, NDArray[Any]]":
    """Rows of the query above, (n, 15), as columns; whole numbers are exact up to 2^53."""
    import numpy as np

    def coded(table: str, column: int) -> "NDArray[np.int32]":
        wanted = numbers[:, column]
        found = np.full(len(wanted), NONE, np.int32)
        there = ~np.isnan(wanted)
        found[there] = np.searchsorted(keys[table], wanted[there])
        return found

    return {
        "trial": numbers[:, 0].astype(np.int64),
        "comparison": numbers[:, 1] == 1,
        "labeler": coded("labeler", 2),
        "left": coded("stimulus", 3),
        "right": coded("stimulus", 4),
        "attribute": coded("attribute", 5),
        "value": numbers[:, 6].copy(),
        "raw": numbers[:, 7].copy(),
        "session": coded("session", 8),
        "order": numbers[:, 9].astype(np.int64),
        "onset": numbers[:, 10].copy(),
        "seconds": numbers[:, 11].copy(),
        "import_": coded("import", 12),
        "imported": numbers[:, 13] == 1,
        "corrected": numbers[:, 14] == 1,
    }


def _names(
    connection: Connection, table: str, column: str
) -> "tuple[NDArray[np.int64], tuple[Any, ...]]":
    import numpy as np

    rows = driver_of(connection).execute(f"SELECT id, {column} FROM {table} ORDER BY id").fetchall()
    keys = np.array([key for key, _ in rows], np.int64)
    return keys, tuple(name for _, name in rows)
