"""Trials and images as pandas tables, one row per attribute answered. Runs in the reader's thread."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from prism_desktop.engine.study import schema
from prism_desktop.engine.study.reading import CURRENT
from prism_desktop.engine.study.reading import images as image_records

if TYPE_CHECKING:
    import pandas as pd

_QUERY = f"""SELECT t.uid, p.code, s.uid, t.place, l.sha256, r.sha256, n.name, a.value, a.raw, t.onset,
t.seconds, e.uid, t.source FROM trial AS t
JOIN answer AS a ON a.trial_id = t.id JOIN attribute AS n ON n.id = a.attribute_id
JOIN labeler AS p ON p.id = t.labeler_id JOIN session AS s ON s.id = t.session_id
JOIN stimulus AS l ON l.id = t.left_id LEFT JOIN stimulus AS r ON r.id = t.right_id
LEFT JOIN trial AS e ON e.id = t.repeat_of_id
WHERE t.kind = :kind AND t.skipped = 0 AND {CURRENT} ORDER BY t.id, n.id"""
_COLUMNS = (
    "trial",
    "labeler",
    "session",
    "order",
    "left",
    "right",
    "attribute",
    "value",
    "raw",
    "onset",
    "seconds",
    "repeat_of",
    "source",
)


def comparisons(connection: Connection) -> "pd.DataFrame":
    """Current comparisons.

    Returns:
        trial, labeler, session, order (int64), left, right (image ids), attribute, outcome ("left", "right" or "tie"),
        onset (unix s), seconds, repeat_of (trial or missing), source; oldest first.
    """
    frame = _answers(connection, "comparison").drop(columns="raw")
    frame["value"] = frame["value"].map(schema.OUTCOME_NAME).astype("str")
    return frame.rename(columns={"value": "outcome"})


def ratings(connection: Connection) -> "pd.DataFrame":
    """Current ratings.

    Returns:
        trial, labeler, session, order (int64), image (id), attribute, value (int64, 1-4), raw (float64, the rating as
        it was imported where its scale was another, else NaN), onset (unix s), seconds, repeat_of (trial or missing),
        source; oldest first.
    """
    return _answers(connection, "rating").drop(columns="right").rename(columns={"left": "image"})


def images(connection: Connection, study: Path) -> "pd.DataFrame":
    """image (id), name, path (str), width, height (px), fold (0-6); in the order of their names."""
    import pandas as pd

    rows = [(i.id, i.name, str(i.path), i.width, i.height, i.fold) for i in image_records(connection, study)]
    frame = pd.DataFrame(rows, columns=["image", "name", "path", "width", "height", "fold"])
    texts = dict.fromkeys(("image", "name", "path"), "str")
    return frame.astype(texts | dict.fromkeys(("width", "height", "fold"), "int64"))


def _answers(connection: Connection, kind: str) -> "pd.DataFrame":
    import pandas as pd

    rows = connection.execute(text(_QUERY), {"kind": kind}).fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_COLUMNS)
    types = {"order": "int64", "value": "int64", "raw": "float64", "onset": "float64", "seconds": "float64"}
    return pd.DataFrame(
        {name: pd.Series(column, dtype=types.get(name, "str")) for name, column in zip(_COLUMNS, columns, strict=True)}
    )
