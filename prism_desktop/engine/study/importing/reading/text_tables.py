"""Reading text tables: CSV and its relatives, in any encoding and dialect."""

import csv
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import foreign_text
from prism_desktop.engine.study.importing.data_tables import Reading
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.own_export.export_names import exported_as
from prism_desktop.engine.study.importing.reading.encodings import Encoding, find_encoding
from prism_desktop.engine.study.importing.reading.grids import CHUNK, Grid, GridBuilder

if TYPE_CHECKING:
    from _csv import Reader

    from numpy.typing import NDArray

DELIMITERS: Final = ("\t", ";", "|", ",")  # in this order where nothing else tells
_NAMES: Final = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}
_SAMPLE: Final = 1 << 16  # characters that tell the dialect
_MAX_CELL: Final = 1 << 24
_NONE: Final = "\x1f"  # between cells of a table that has one column
_ONE_NAME: Final = re.compile(r"\w+")
_NUMBERED: Final = re.compile(r'"?\d+"?[\s,;|]')
_BREAK: Final = re.compile(r"\r\n|\r|\n")
_SEP: Final = re.compile(r"\s*\"?sep=(.)\"?[,;\t|]*\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextDialect:
    """How cells are told apart."""

    delimiter: str = ","
    quote: str = '"'  # "" if quotation marks are letters like others
    escape: str = ""  # stands before a quotation mark inside quotes
    spaces: bool = False  # blanks after a delimiter belong to it
    strict: bool = True
    skipped: int = 0  # lines before the table: sep=;

    def reader(self, lines: Iterable[str]) -> "Reader":
        """Records of the lines."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            doublequote=not self.escape,
            skipinitialspace=self.spaces,
            strict=self.strict,
        )


def read_text(
    path: Path, recipe: Recipe, *, as_written: bool = False
) -> Generator[float, None, Grid]:
    """Read a text table.

    Args:
        path: the file.
        recipe: its encoding and delimiter are heeded.
        as_written: an apostrophe before what a spreadsheet would run is taken off in tables of our
            own export alone.

    Yields:
        Now and then which share of the file has been read.

    Returns:
        The table.

    Raises:
        InputError: if it is no text, not in the given encoding, or quoted beyond repair.
    """
    encoding = find_encoding(path, recipe.encoding)
    dialect, ours = _dialect(path, encoding, recipe.delimiter)
    if as_written and not recipe.delimiter:
        dialect = _of_one_column(path, encoding, dialect)
    neutralised = ours or not as_written
    notices = [encoding.notice] if encoding.notice else []
    with _long_cells():
        try:
            builder = yield from _read(path, encoding, dialect, neutralised=neutralised)
        except csv.Error:
            dialect, notice = _mended(path, encoding, dialect)
            notices.append(notice)
            builder = yield from _read(path, encoding, dialect, neutralised=neutralised)
    delimiter = "" if dialect.delimiter == _NONE else dialect.delimiter
    reading = Reading(encoding.codec.removesuffix("-sig"), delimiter)
    return Grid(
        path.name,
        path.name,
        builder.columns(),
        builder.numbers(),
        reading,
        widths=builder.widths(),
        notices=notices,
    )


def _open(path: Path, encoding: Encoding) -> TextIO:
    return foreign_text(path, encoding.codec, encoding.errors, newline="")


@contextmanager
def _long_cells() -> Iterator[None]:
    """Allow cells longer than csv's 128 KB, such as JSON ones."""
    before = csv.field_size_limit(_MAX_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read(
    path: Path, encoding: Encoding, dialect: TextDialect, *, neutralised: bool
) -> Generator[float, None, GridBuilder]:
    builder = GridBuilder(path.name, neutralised=neutralised)
    size = max(1, path.stat().st_size)
    with _open(path, encoding) as file:
        for rows, numbers in _records(file, dialect):
            builder.add(rows, numbers)
            yield min(1.0, file.buffer.tell() / size)
    return builder


def _records(
    lines: Iterable[str], dialect: TextDialect
) -> Iterator[tuple[list[list[str]], "NDArray[np.int32]"]]:
    """Chunks of records and the lines on which they begin."""
    lines = iter(lines)
    for _ in islice(lines, dialect.skipped):
        pass
    reader = dialect.reader(lines)
    while True:
        before = reader.line_num
        rows = list(islice(reader, CHUNK))
        if not rows:
            return
        begin = before + 1 + dialect.skipped
        if reader.line_num - before == len(rows):
            numbers = np.arange(begin, begin + len(rows), dtype=np.int32)
        else:
            heights = np.fromiter(map(_height, rows), np.int32, len(rows))
            numbers = (begin + np.cumsum(heights) - heights).astype(np.int32)
        yield rows, numbers


def _height(row: Sequence[str]) -> int:
    """The lines that a record takes."""
    return 1 + sum(len(_BREAK.findall(cell)) for cell in row if "\n" in cell or "\r" in cell)


def _dialect(path: Path, encoding: Encoding, given: str) -> tuple[TextDialect, bool]:
    """The dialect, told by the first lines, and whether they are those of our own export."""
    with _open(path, encoding) as file:
        lines = file.read(_SAMPLE).splitlines(keepends=True)
        whole = not file.read(1)
    if not whole and len(lines) > 1:
        lines.pop()
    said = _SEP.fullmatch(lines[0].lstrip("\ufeff")) if lines else None
    skipped = 1 if said else 0
    lines = lines[skipped:]
    sample = [line for line in lines if line.strip() and not line.startswith("#")][:300]
    quote = _quote(sample)
    base = TextDialect(quote=quote, strict=True, skipped=skipped)
    delimiter = _NAMES.get(given.lower(), given) or (said[1] if said else "")
    if len(delimiter) > 1:
        raise InputError(f"A delimiter is one character, not “{given}”. Nothing was imported.")
    dialect = _with_spaces(replace(base, delimiter=delimiter or _delimiter(sample, base)), sample)
    if (
        any(rf"\{quote}" in line for line in sample)
        and not any(rf"\{quote}{quote}" in line for line in sample)
        and not _doubles_quotes(sample, dialect)
    ):
        base = replace(base, escape="\\")
        dialect = replace(base, delimiter=delimiter or _delimiter(sample, base))
        dialect = _with_spaces(dialect, sample)
    head = next(replace(dialect, strict=False).reader(sample), [])
    return dialect, exported_as(head) is not None


def _of_one_column(path: Path, encoding: Encoding, dialect: TextDialect) -> TextDialect:
    """The same, but for texts below one name, in which every sign of delimiters is a letter."""
    with _open(path, encoding) as file:
        lines = file.read(_SAMPLE).splitlines()[dialect.skipped :]
    head, *rest = [line for line in lines if line.strip() and not line.startswith("# ")] or [""]
    one = _ONE_NAME.fullmatch(head.strip().strip('\ufeff"'))
    if not one or all(map(_NUMBERED.match, rest)):  # R heads no column of row numbers
        return dialect
    return replace(dialect, delimiter=_NONE, spaces=False)


def _with_spaces(dialect: TextDialect, sample: Sequence[str]) -> TextDialect:
    """The same, with blanks after a delimiter belonging to it where quoted cells begin behind."""
    loose = dialect.delimiter + " " + dialect.quote
    spaces = dialect.delimiter == " " or any(loose in line for line in sample)
    return replace(dialect, spaces=spaces)


def _doubles_quotes(sample: Sequence[str], dialect: TextDialect) -> bool:
    """Whether the first records can be read without an escape, as RFC 4180 has it: every mark that
    ends a cell stands before a delimiter. The last record may be cut off within its quotes."""
    return any(_is_whole(lines, dialect) for lines in (sample, [*sample, f"{dialect.quote}\n"]))


def _is_whole(lines: Sequence[str], dialect: TextDialect) -> bool:
    try:
        return all(True for _ in dialect.reader(lines))
    except csv.Error:
        return False


def _quote(lines: Sequence[str]) -> str:
    """The quotation mark: ' only where it stands around every cell of the first lines."""
    first = [line.strip() for line in lines[:20]]
    single = re.compile(r"'[^']*'([,;\t|]'[^']*')*")
    return "'" if first and all(single.fullmatch(line) for line in first) else '"'


def _delimiter(lines: Sequence[str], base: TextDialect) -> str:
    """The delimiter that gives the same number of cells in the most lines, then the most cells."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        share, width = _evenness(lines, replace(base, delimiter=delimiter, strict=False))
        if width > 1 and (round(share, 2), width) > best_score:
            best, best_score = delimiter, (round(share, 2), width)
    if best_score[1] == 0 and len(lines) > 2:
        share, width = _evenness(lines[1:], replace(base, delimiter=" ", spaces=True, strict=False))
        if share == 1.0 and width > 1:
            return " "
    return best


def _evenness(lines: Sequence[str], dialect: TextDialect) -> tuple[float, int]:
    """The share of records that have the commonest number of cells above one, and that number."""
    widths = Counter(len(record) for record in dialect.reader(lines) if record)
    several = {width: count for width, count in widths.items() if width > 1}
    if not several:
        return 0.0, 0
    width = max(several, key=lambda width: (several[width], width))
    return several[width] / widths.total(), width


def _mended(path: Path, encoding: Encoding, dialect: TextDialect) -> tuple[TextDialect, str]:
    """A dialect for a file whose quotation marks do not stand as they should, and what to say.

    Marks inside a cell are harmless as long as no record runs on into the next line; otherwise
    they are read as letters, and then every line must have as many cells as the others.

    Raises:
        InputError: if rows may have been swallowed.
    """
    lenient = replace(dialect, strict=False)
    end = "\x00end"  # no text holds this
    last: list[str] = []
    spanning = odd = 0
    try:
        with _open(path, encoding) as file:
            for rows, numbers in _records(chain(file, [end]), lenient):
                heights = np.diff(numbers)
                if (heights > 1).any() and not spanning:
                    spanning = int(numbers[int(np.argmax(heights > 1))])
                last, odd = rows[-1], int(numbers[-1])
        closed = last == [end]
    except csv.Error as error:
        raise InputError(
            f"{path.name} is not a readable table ({error}). Nothing was imported."
        ) from error
    words = f"Some quotation marks in {path.name} do not stand around whole cells"
    if closed and not spanning:
        return lenient, f"{words}; look at those cells."
    plain = replace(lenient, quote="")
    with _open(path, encoding) as file:
        widths, paired = set(), False
        for rows, _ in _records(file, plain):
            widths |= {len(row) for row in rows if row}
            paired = paired or any(_is_quoted(cell, dialect.quote) for row in rows for cell in row)
    if len(widths) == 1 and not paired:
        return plain, f"{words}; all were read as letters."
    raise InputError(
        f"A quotation mark in {path.name} is never closed or stands in the wrong place (row "
        f"{spanning or odd}), so that lines run together; mend it there. Nothing was imported."
    )


def _is_quoted(cell: str, quote: str) -> bool:
    return len(cell) > 1 and cell.startswith(quote) and cell.endswith(quote)
