"""What a study holds already, in columns, for an import to be compared with.

Runs in the reader's thread.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection

from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.queries import COUNTED
from prism_desktop.engine.study.records import ImageId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE: Final = -1  # the code of what is not there
LABELED, IMPORTED, SIMULATED = 0, 1, 2  # codes of `KnownAnswers.source`
_CHUNK = 50_000  # rows that exist as the driver's tuples at one time
_ROWS: Final = f"""SELECT t.id, t.kind = 'comparison', t.labeler_id, t.left_id, t.right_id,
a.attribute_id, coalesce(a.raw, a.value), t.session_id, t.place, t.onset, t.seconds, t.import_id,
CASE t.source WHEN 'labeled' THEN 0 WHEN 'imported' THEN 1 ELSE 2 END
FROM trial AS t JOIN answer AS a ON a.trial_id = t.id
WHERE t.skipped = 0 AND a.value IS NOT NULL AND {COUNTED}
AND (:without IS NULL OR t.import_id IS NULL
     OR t.import_id <> (SELECT id FROM import WHERE uid = :without))
ORDER BY t.id, a.attribute_id"""


@dataclass(frozen=True, slots=True, eq=False)
class KnownAnswers:
    """The study's answers that count: answered, neither withdrawn nor corrected.

    One answer to one attribute per place, in order of recording: rising `trial`.

    Attributes:
        labelers, images, attributes: what codes stand for.
        imports: what each import is called ("week1.csv").
        labeler, left, attribute: (n,) int32.
        right: (n,) int32, -1 for a rating.
        comparison: (n,) bool, an outcome rather than a rating.
        value: (n,) float64, the rating as its file had it, else the step; outcomes 1 (left), 0
            (tie), -1 (right).
        onset, seconds: (n,) float64, Unix s and s; NaN where they are not known.
        order: (n,) int32, place within the session.
        session: (n,) int32, equal for answers of one session.
        source: (n,) int8, LABELED, IMPORTED or SIMULATED.
        imported: (n,) int32, place in `imports`; -1 for what was labeled in the program.
        trial: (n,) int64, the trial's number in the database.
    """

    labelers: tuple[str, ...]
    images: tuple[ImageId, ...]
    attributes: tuple[str, ...]
    imports: tuple[str, ...]
    labeler: "NDArray[np.int32]"
    left: "NDArray[np.int32]"
    right: "NDArray[np.int32]"
    attribute: "NDArray[np.int32]"
    comparison: "NDArray[np.bool_]"
    value: "NDArray[np.float64]"
    onset: "NDArray[np.float64]"
    seconds: "NDArray[np.float64]"
    order: "NDArray[np.int32]"
    session: "NDArray[np.int32]"
    source: "NDArray[np.int8]"
    imported: "NDArray[np.int32]"
    trial: "NDArray[np.int64]"

    def __len__(self) -> int:
        return len(self.trial)


def known_answers(connection: Connection, without: str | None = None) -> KnownAnswers:
    """Every answer that counts.

    Args:
        connection: to the study.
        without: an import whose answers are left aside.
    """
    import numpy as np

    keys, names = {}, []
    for table, column in (
        ("labeler", "code"), ("stimulus", "sha256"), ("attribute", "name"), ("import", "source"),
        ("session", "uid"),
    ):  # fmt: skip
        keys[table], known = _names(connection, table, column)
        names.append(known)
    cursor = driver_of(connection).execute(_ROWS, {"without": without})
    parts = []
    while rows := cursor.fetchmany(_CHUNK):
        parts.append(_columns(np.array(rows, np.float64), keys))  # None becomes NaN
    parts = parts or [_columns(np.empty((0, 13)), keys)]
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}
    labelers, images, attributes, imports, _ = names
    files = tuple(Path(str(source).split(", ")[0]).name for source in imports)
    return KnownAnswers(labelers, images, attributes, files, **columns)


def trial_ids(connection: Connection, numbers: "list[int]") -> dict[int, str]:
    """A trial's number in the database -> its identifier."""
    driver, found = driver_of(connection), dict[int, str]()
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        marks = ",".join("?" * len(part))
        found.update(driver.execute(f"SELECT id, uid FROM trial WHERE id IN ({marks})", part))
    return found


def _columns(
    numbers: "NDArray[np.float64]", keys: "dict[str, NDArray[np.int64]]"
) -> "dict[str, NDArray[Any]]":
    """Rows of the query above, (n, 13), as columns; whole numbers are exact up to 2^53."""
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
        "session": coded("session", 7),
        "order": numbers[:, 8].astype(np.int32),
        "onset": numbers[:, 9].copy(),
        "seconds": numbers[:, 10].copy(),
        "imported": coded("import", 11),
        "source": numbers[:, 12].astype(np.int8),
    }


def _names(
    connection: Connection, table: str, column: str
) -> "tuple[NDArray[np.int64], tuple[Any, ...]]":
    import numpy as np

    rows = driver_of(connection).execute(f"SELECT id, {column} FROM {table} ORDER BY id").fetchall()
    keys = np.array([key for key, _ in rows], np.int64)
    return keys, tuple(name for _, name in rows)
