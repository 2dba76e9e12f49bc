"""Reading SPSS (.sav, .zsav, .por) and Stata (.dta) files, with their labels and missing values."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import MAX_TABLE, plain_file
from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable, Reading
from prism_desktop.engine.study.importing.reading.cell_texts import text_of
from prism_desktop.engine.study.importing.reading.grids import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    coded,
)

if TYPE_CHECKING:
    import pandas as pd

_OLD_STATA: Final = range(104, 116)  # the first byte of .dta files before Stata 13
_PROGRAMS: Final = {"sav": "an SPSS", "por": "an SPSS", "dta": "a Stata"}


def statistics_kind(start: bytes) -> str:
    """ "sav", "por" or "dta" by the first bytes of a file, "" for any other."""
    if start.startswith((b"$FL2", b"$FL3")):
        return "sav"
    if start.startswith(b"<stata_dta>"):
        return "dta"
    if b"SPSSPORT" in start[:1024].replace(b"\r", b"").replace(b"\n", b""):
        return "por"
    old = len(start) > 4 and start[0] in _OLD_STATA and start[1] in {1, 2} and start[2] == 1
    return "dta" if old and start[3] == 0 else ""


def read_statistics(path: Path, kind: str, encoding: str = "") -> DataTable:
    """Read a file of SPSS or Stata. Row numbers are those of its cases.

    Args:
        path: the file.
        kind: as `statistics_kind` tells it.
        encoding: of its texts; empty for what the file says.

    Raises:
        InputError: if it is damaged or too large.
    """
    import pyreadstat

    notices: list[str] = []
    try:
        data, facts = _read(path, kind, encoding)
    except pyreadstat.ReadstatError as error:
        if encoding or "encoding" not in str(error):
            raise _damaged(path, kind, error) from error
        notices.append(
            f"{path.name} does not say its encoding rightly; it was read in Windows' Western "
            "encoding (cp1252). Name another with --encoding if names are wrong."
        )
        try:
            data, facts = _read(path, kind, "cp1252")
        except Exception as again:
            raise_fault(again, path, kept="Nothing was imported.")
            raise _damaged(path, kind, again) from again
    except InputError:
        raise
    except Exception as error:  # its parsers raise errors of text decoding, of dates and more
        raise_fault(error, path, kept="Nothing was imported.")
        raise _damaged(path, kind, error) from error
    columns = tuple(_column(str(name), data.iloc[:, i], facts) for i, name in enumerate(data))
    reading = Reading(kind=kind, header_rows=(), notices=tuple(notices))
    rows = np.arange(1, len(data) + 1, dtype=np.int32)
    return DataTable(path.name, columns, rows, path.name, reading)


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    return InputError(
        f"{path.name} is not {_PROGRAMS[kind]} file that can be read ({error}). Nothing was "
        "imported."
    )


def _read(path: Path, kind: str, encoding: str) -> "tuple[pd.DataFrame, Any]":
    import pyreadstat

    reader: dict[str, Any] = {
        "sav": pyreadstat.read_sav,
        "por": pyreadstat.read_por,
        "dta": pyreadstat.read_dta,
    }
    plain_file(path, MAX_TABLE)
    options: dict[str, Any] = {"encoding": encoding} if encoding else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that it drops and frames that it fragments
        _, facts = reader[kind](str(path), metadataonly=True, **options)
        rows, width = facts.number_rows or 0, facts.number_columns or 0
        if rows > MAX_ROWS or width > MAX_COLUMNS or rows * width > MAX_CELLS:
            raise InputError(f"{path.name} has too many rows or columns. Nothing was imported.")
        if kind != "por":
            options["user_missing"] = True
        data, facts = reader[kind](str(path), row_limit=MAX_ROWS, **options)
    return data, facts


def _column(name: str, cells: "pd.Series[Any]", facts: Any) -> DataColumn:
    import pandas as pd

    codes, found = pd.factorize(cells, use_na_sentinel=True)
    values = [_plain(value) for value in found]
    stata = set((getattr(facts, "missing_user_values", None) or {}).get(name, ()))
    texts = [f".{value}" if value in stata else text_of(value) for value in values]
    ranges = (getattr(facts, "missing_ranges", None) or {}).get(name, ())
    missing = {
        text
        for text, value in zip(texts, values, strict=True)
        if value in stata or _is_in(value, ranges)
    }
    labels: Mapping[Any, str] = (facts.variable_value_labels or {}).get(name, {})
    named = {
        f".{value}" if value in stata else text_of(_plain(value)): str(label)
        for value, label in labels.items()
    }
    title = (facts.column_names_to_labels or {}).get(name) or ""
    raw = coded(texts, codes)
    kept = frozenset(missing & set(raw.values))
    return DataColumn(name, tuple(raw.values), raw.codes, str(title), named, kept)


def _plain(value: Any) -> object:
    """A value of numpy or pandas as Python's own."""
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    return value.item() if isinstance(value, np.generic) else value


def _is_in(value: object, ranges: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a value is one that the file declares as missing."""
    for part in ranges:
        low, high = part["lo"], part["hi"]
        if isinstance(value, str) and isinstance(low, str):
            if value.rstrip() == low.rstrip():
                return True
        elif (
            isinstance(value, int | float)
            and not isinstance(low, str)
            and not isinstance(high, str)
            and low <= value <= high
        ):
            return True
    return False
