"""Finding the header of a table and leaving out rows that hold no data."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.cells import NUMBER_LIKE
from prism_desktop.engine.study.importing.data_tables import (
    EMPTY,
    DataColumn,
    DataTable,
    LeftOut,
    unique_names,
)
from prism_desktop.engine.study.importing.own_export.export_names import exported_as
from prism_desktop.engine.study.importing.reading.grids import (
    Grid,
    Merge,
    RawColumn,
    compact,
)
from prism_desktop.engine.study.importing.text_columns import texts_kind
from prism_desktop.engine.study.importing.values.numerals import is_missing_word

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEARCHED: Final = 20  # rows among which the header is looked for
_SHOWN: Final = 60  # rows that tell what data look like
_DATE: Final = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T_].*)?")
_IMPORT_ID: Final = re.compile(r"\s*\{\s*['\"]?ImportId['\"]?\s*:")
_HEADS: Final = frozenset(
    {"rater", "labeler", "user", "participant", "subject", "worker", "annotator", "judge"}
    | {"id", "name", "image", "img", "file", "filename", "face", "photo", "picture", "stimulus"}
    | {"item", "left", "right", "winner", "loser", "outcome", "choice", "rating", "score"}
    | {"answer", "response", "label", "value", "trial", "session", "date", "time", "timestamp"}
    | {"rt", "status", "age", "gender", "sex"}
)


@dataclass(slots=True)
class HeaderRows:
    """Where the header stands, by places among the rows.

    Attributes:
        names: one per column; empty where the file has none.
        titles: the texts of further header rows.
        places: rows that are header.
        first: the first row of data.
    """

    names: list[str]
    titles: list[str]
    places: list[int]
    first: int
    notices: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)  # rows of {"ImportId": ...}


def with_header(grid: Grid, *, as_written: bool = False) -> DataTable | None:
    """The table of a grid: names from its header, other header rows left out; `as_written`, rows
    below the header are texts, also where they begin as comments do.

    Returns:
        None if there is nothing in the grid.

    Raises:
        InputError: if names stand there and no rows.
    """
    _leave_out_comments(grid, as_written=as_written)
    if not len(grid) or not grid.columns:
        return None
    heads = _find(grid)
    _settle_widths(grid, heads)
    numbers = tuple(int(grid.rows[place]) for place in heads.places)
    if above := _above(grid, heads):
        grid.left_out.append(LeftOut("lines above the header", above))
    if heads.ids:
        rows = tuple(int(grid.rows[place]) for place in heads.ids)
        grid.left_out.append(LeftOut("another program's identifiers of the columns", rows))
    grid.notices += heads.notices
    _fill_down(grid, heads)
    mask = np.arange(len(grid)) >= heads.first
    if heads.places:
        mask &= ~_repeats(grid, heads)
    grid.keep(mask)
    columns = _columns(grid, heads)
    reading = replace(grid.reading, header_rows=numbers, notices=tuple(grid.notices))
    return DataTable(grid.name, columns, grid.rows, grid.file, reading, tuple(grid.left_out))


def _above(grid: Grid, heads: HeaderRows) -> tuple[int, ...]:
    taken = {*heads.places, *heads.ids}
    return tuple(int(grid.rows[place]) for place in range(heads.first) if place not in taken)


def _columns(grid: Grid, heads: HeaderRows) -> tuple[DataColumn, ...]:
    """Named columns; nameless ones that hold nothing are dropped."""
    kept = [
        place
        for place, column in enumerate(grid.columns)
        if heads.names[place] or (column.codes != EMPTY).any()
    ]
    names = unique_names([heads.names[place] or f"column {place + 1}" for place in kept])
    if len({heads.names[place].strip() for place in kept if heads.names[place]}) < sum(
        bool(heads.names[place]) for place in kept
    ):
        twice = [name for name, count in Counter(heads.names).items() if name and count > 1]
        grid.notices.append(f"More than one column is called “{twice[0]}”; they were numbered.")
    columns = []
    for name, place in zip(names, kept, strict=True):
        column = compact(grid.columns[place])
        columns.append(
            DataColumn(name, tuple(column.values), column.codes, title=heads.titles[place])
        )
    return tuple(columns)


def _find(grid: Grid) -> HeaderRows:
    """Find the header among the first rows."""
    rows = [grid.row(place) for place in range(min(_SHOWN, len(grid)))]
    places = [place for place in range(min(SEARCHED, len(rows))) if _is_wide(grid, rows, place)]
    header = places[0] if places else 0
    if _is_known(rows[0]):  # whatever words stand below
        return HeaderRows(_uncommented(rows[0]), [""] * len(grid.columns), [0], 1)
    if rows[header][0].startswith("#") and len(places) > 1:
        header = _commented(rows, places)
    width = len(grid.columns)
    if not _has_header(grid, rows, header):
        notice = (
            "The file names no columns: its first row holds data already; its columns are called "
            "column 1, column 2, ..."
        )
        return HeaderRows([""] * width, [""] * width, [], header, [notice])
    heads = HeaderRows([cell.strip() for cell in rows[header]], [""] * width, [header], header + 1)
    if heads.names[0].startswith("#"):
        heads.names[0] = heads.names[0].lstrip("# ")
    _add_upper(grid, rows, heads)
    _add_further(rows, heads)
    if len(heads.places) > 1 and any(heads.titles) and not heads.ids:
        row = int(grid.rows[heads.places[-1]])
        heads.notices.append(f"Row {row} was read as a part of the header, not as data.")
    return heads


def _is_known(row: Sequence[str]) -> bool:
    """Whether a row can be nothing but the header of a table of ours or of texts."""
    cells = [cell for cell in _uncommented(row) if cell]
    return exported_as(cells) is not None or texts_kind(cells) is not None


def _uncommented(row: Sequence[str]) -> list[str]:
    """The cells of a header, which some programs mark as a comment."""
    cells = [cell.strip() for cell in row]
    return [cells[0].lstrip("# "), *cells[1:]] if cells and cells[0].startswith("#") else cells


def _span(row: Sequence[str]) -> int:
    """How far a row reaches: the place after its last filled cell."""
    return max((place + 1 for place, cell in enumerate(row) if cell), default=0)


def _is_wide(grid: Grid, rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a row reaches about as far as the others and is filled by half."""
    span, filled = _span(rows[place]), sum(map(bool, rows[place]))
    if grid.widths is None:
        most = max(map(_span, rows))
    else:
        widths = grid.widths[: len(rows)].tolist()
        common = Counter(widths).most_common(1)[0][0]
        most = max(
            (_span(row) for row, width in zip(rows, widths, strict=True) if width == common),
            default=1,
        )
        if place == 0 and filled == span == common - 1 and set(widths[1:]) == {common}:
            return True  # R heads a table without the names of its rows
    return span >= 0.75 * most and filled >= 0.5 * span


def _commented(rows: Sequence[Sequence[str]], places: Sequence[int]) -> int:
    """The header among rows that begin with #: the last of them if data follow at once."""
    plain = [place for place in places if not rows[place][0].startswith("#")]
    marked = [place for place in places if rows[place][0].startswith("#")]
    if not plain:
        return places[0]
    before = [place for place in marked if place < plain[0]]
    if before and _looks_like_data(rows, plain[0]):
        return before[-1]
    return plain[0]


def _kind(cell: str) -> str:
    """What a cell looks like: "" for nothing, "number", "date" or a pattern of its signs."""
    cell = cell.strip()
    if not cell or is_missing_word(cell):
        return ""
    if NUMBER_LIKE.fullmatch(cell):
        return "number"
    if _DATE.fullmatch(cell):
        return "date"
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell))


def _has_header(grid: Grid, rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a row names columns; only what is clearly data is no header."""
    row = rows[place]
    if any(_is_head(cell) for cell in row) or len(rows) <= place + 1:
        return True
    numbers = [cell for cell in row if _kind(cell) == "number"]
    if len(numbers) > 2 and len(set(numbers)) == len(numbers):
        return True  # a matrix whose columns are numbered
    return not _looks_like_data(rows, place)


def _is_head(cell: str) -> bool:
    words = re.split(r"[^a-z]+", cell.strip().lower())
    return (
        bool(words)
        and (words[0] in _HEADS or words[-1] in _HEADS)
        and not re.search(r"\d|\.\w{3,4}$", cell)
    )


def _looks_like_data(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a row's cells are of the same kinds as those below, with at least one number or
    date or file among them, and none that names what stands below."""
    below = rows[place + 1 :]
    alike = 0
    for position, cell in enumerate(rows[place]):
        kind = _kind(cell)
        kinds = Counter(_kind(row[position]) for row in below)
        kinds.pop("", None)
        if not kinds or not kind:
            continue
        common, count = kinds.most_common(1)[0]
        if count < 0.8 * kinds.total():
            continue
        if kind == common and (kind in {"number", "date"} or "9" in kind):
            alike += 1
        elif common in {"number", "date"} or "9" in common:
            return False
    return alike >= 2 or (alike == 1 and len(rows[place]) == 1)


def _add_upper(grid: Grid, rows: Sequence[Sequence[str]], heads: HeaderRows) -> None:
    """Headers of two rows: an upper one whose cells span several columns."""
    found = _two_rows(grid, rows, heads.places[0])
    if found is None:
        return
    upper, lower = found
    above = _spread(rows[upper], grid.merges, int(grid.rows[upper]))
    names = [cell.strip() for cell in rows[lower]]
    again = {name for name, count in Counter(names).items() if name and count > 1}
    for column, (name, over) in enumerate(zip(names, above, strict=True)):
        if name in again and over:
            heads.names[column] = f"{over} / {name}"
        else:
            heads.names[column] = name or over
        heads.titles[column] = over if name else ""
    heads.places, heads.first = [upper, lower], lower + 1


def _two_rows(grid: Grid, rows: Sequence[Sequence[str]], place: int) -> tuple[int, int] | None:
    """The upper and the lower row of a header, by where its first wide row stands."""
    if _spans(grid.merges, int(grid.rows[place])) and len(rows) > place + 1:
        lower = rows[place + 1]
        numbers = any(_kind(cell) == "number" for cell in lower[1:])
        return None if numbers and _looks_like_data(rows, place + 1) else (place, place + 1)
    if _fills_gaps(rows, place):
        return place, place + 1
    if not place or grid.rows[place] != grid.rows[place - 1] + 1:
        return None
    above = rows[place - 1]
    several = sum(map(bool, above)) > 1 and "" in above and not above[0].startswith("#")
    if several or _spans(grid.merges, int(grid.rows[place - 1]), least=2):
        return place - 1, place
    return None


def _fills_gaps(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether the row below a header has words where the header has none and numbers follow."""
    if len(rows) < place + 3:
        return False
    head, lower, data = rows[place], rows[place + 1], rows[place + 2]
    if any(_kind(cell) in {"number", "date"} for cell in lower):
        return False
    gaps = [i for i, cell in enumerate(head) if i and not cell and lower[i]]
    return bool(gaps) and all(_kind(data[i]) == "number" for i in gaps)


def _spans(merges: Iterable[Merge], row: int, least: int = 1) -> bool:
    """Whether so many cells of a row are merged with their neighbours at the right."""
    return sum(m.top <= row <= m.bottom and m.right > m.left for m in merges) >= least


def _spread(row: Sequence[str], merges: Sequence[Merge], number: int) -> list[str]:
    """An upper header whose cells reach over the empty ones at their right."""
    mine: dict[int, int] = {}  # the first and the last column of each
    for merge in merges:
        if merge.top <= number <= merge.bottom:
            mine.setdefault(merge.left, merge.right)
    firsts: dict[int, int] = {}  # place -> the first column of the cell that covers it
    for left, right in mine.items():
        for place in range(left, min(right + 1, len(row))):
            firsts.setdefault(place, left)
    spread, last = [], ""
    for place, cell in enumerate(row):
        if mine:
            spread.append(row[firsts.get(place, place)].strip())
        else:
            last = cell.strip() or last
            spread.append(last)
    return spread


def _add_further(rows: Sequence[Sequence[str]], heads: HeaderRows) -> None:
    """Second and third header rows: texts of the questions, and identifiers as Qualtrics has."""
    for _ in range(2):
        place = heads.first
        if place >= len(rows):
            return
        if _is_ids(rows[place]):
            heads.ids.append(place)
        elif not any(heads.titles) and _is_titles(rows, place):
            heads.titles = [cell.strip() for cell in rows[place]]
            heads.places.append(place)
        else:
            return
        heads.first = place + 1


def _is_ids(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    return bool(filled) and sum(bool(_IMPORT_ID.match(c)) for c in filled) > 0.5 * len(filled)


def _is_titles(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a row holds the questions' texts: words above numbers and dates, nothing else."""
    if place + 1 < len(rows) and _is_ids(rows[place + 1]):
        return True
    row, below = rows[place], rows[place + 1 :]
    if len(below) < 2 or any(_kind(cell) in {"number", "date"} for cell in row):
        return False
    above = worded = 0
    for position, cell in enumerate(row):
        kinds = [kind for other in below if (kind := _kind(other[position]))]
        values = {other[position] for other in below}
        if not _kind(cell):
            continue
        like = _kind(cell) in kinds and any(sign in _kind(cell) for sign in "9._")
        if cell in values or like:
            return False
        if kinds and all(kind in {"number", "date"} for kind in kinds):
            above += 1
            worded += " " in cell.strip() or len(cell) > 12
    return above > 0 and worded >= 0.5 * above and (above > 1 or " " in " ".join(row).strip())


def _repeats(grid: Grid, heads: HeaderRows) -> "NDArray[np.bool_]":
    """(rows,) bool: rows below that repeat the header, as files have that were put together."""
    found = np.zeros(len(grid), bool)
    texts = [grid.row(place) for place in [*heads.places, *heads.ids]]
    for text in texts:
        if sum(map(bool, text)) < min(2, len(grid.columns)):
            continue
        same = np.arange(len(grid)) >= heads.first
        for column, cell in zip(grid.columns, text, strict=True):
            code = column.values.index(cell) if cell else EMPTY
            same &= column.codes == code
            if not same.any():
                break
        found |= same
    if found.any():
        rows = tuple(int(number) for number in grid.rows[found])
        grid.left_out.append(LeftOut("the header again", rows))
    return found


def _leave_out_comments(grid: Grid, *, as_written: bool) -> None:
    """Leave out empty rows, and lines that begin with #: of texts those above the header alone."""
    if not grid.columns:
        return
    filled = np.zeros(len(grid), bool)
    beyond = np.zeros(len(grid), bool)
    for place, column in enumerate(grid.columns):
        filled |= column.codes != EMPTY
        if place:
            beyond |= column.codes != EMPTY
    grid.keep(filled)
    beyond = beyond[filled]
    first = grid.columns[0]
    marked = [code for code, value in enumerate(first.values) if value.startswith("#")]
    if grid.reading.kind != "csv" or not marked or len(grid.columns) < 2:
        return
    if len(grid) and _is_known(grid.row(0)):
        return
    begun = np.isin(first.codes, marked)
    comments = begun & ~beyond
    if as_written:
        comments = np.logical_and.accumulate(comments)
    else:
        spaced = [code for code in marked if first.values[code].startswith("# ")]
        comments |= np.isin(first.codes, spaced) & (np.arange(len(grid)) >= SEARCHED)
    if comments.any() and comments.sum() < 0.5 * len(grid):
        rows = tuple(int(number) for number in grid.rows[comments])
        grid.left_out.append(LeftOut("comments", rows))
        grid.keep(~comments)


def _settle_widths(grid: Grid, heads: HeaderRows) -> None:
    """Rows of a text table that have more or fewer cells than its header."""
    if grid.widths is None or not heads.places:
        return
    width = int(grid.widths[heads.places[-1]])
    below = grid.widths[heads.first :]
    if not len(below):
        return
    if (below == width + 1).all() and all(heads.names[:width]) and len(grid.columns) == width + 1:
        first = grid.columns[0].codes[heads.first :]
        filled = (grid.columns[width].codes[heads.first :] != EMPTY).any()
        if filled and len(np.unique(first)) == len(first):
            heads.names = ["", *heads.names[:width]]
            heads.titles = ["", *heads.titles[:width]]
            grid.notices.append("The header does not name the first column, which numbers rows.")
            return
    over = np.zeros(len(grid), bool)
    for column in grid.columns[width:]:
        over |= column.codes != EMPTY
    over[: heads.first] = False
    if over.any() and over.sum() <= 0.5 * len(below):
        rows = tuple(int(number) for number in grid.rows[over])
        grid.left_out.append(
            LeftOut("more cells than the header has (a delimiter inside a cell?)", rows)
        )
        grid.keep(~over)
        below = grid.widths[heads.first :]
    elif over.any():
        grid.notices.append(
            f"{counted(int(over.sum()), 'row has', 'rows have')} more cells than the header (first:"
            f" row {int(grid.rows[int(np.argmax(over))])}), whose columns have no name. If these "
            "are texts with delimiters in them, put them in quotation marks."
        )
    short = int((below < min(width, _span(heads.names))).sum())
    if short:
        place = heads.first + int(np.argmax(below < min(width, _span(heads.names))))
        grid.notices.append(
            f"{counted(short, 'row has', 'rows have')} fewer cells than the header (first: row "
            f"{int(grid.rows[place])}); the missing ones were taken as empty."
        )


def _ranges(
    grid: Grid, column: RawColumn, merges: Iterable[Merge], first: int
) -> list[tuple[int, int]]:
    """The places of rows, from and to, over which a column's merged cells with a value reach.

    Cells that overlap, as none of a spreadsheet program's do, count once.
    """
    ranges = []
    last = first
    for merge in sorted(merges, key=lambda merge: merge.top):
        begin = int(np.searchsorted(grid.rows, merge.top))
        end = int(np.searchsorted(grid.rows, merge.bottom, side="right"))
        if begin >= last and end - begin > 1 and column.codes[begin] != EMPTY:
            ranges.append((begin, end))
            last = end
    return ranges


def _fill_down(grid: Grid, heads: HeaderRows) -> None:
    """Give the value of merged cells to all their rows; answers are never multiplied so."""
    filled: list[str] = []
    merges: dict[int, list[Merge]] = defaultdict(list)
    for merge in grid.merges:
        if merge.bottom > merge.top:
            merges[merge.left].append(merge)
    for place, column in enumerate(grid.columns):
        ranges = _ranges(grid, column, merges.get(place, ()), heads.first)
        if not ranges:
            continue
        single = int((column.codes[heads.first :] != EMPTY).sum()) - len(ranges)
        numbers = all(_kind(column.text(begin)) == "number" for begin, _ in ranges)
        name = heads.names[place] or f"column {place + 1}"
        if numbers and single > len(ranges):
            grid.notices.append(
                f"Merged cells in “{name}” hold one number for several rows; it was taken for the "
                "first of them."
            )
            continue
        column.codes = column.codes.copy()
        for begin, end in ranges:
            column.codes[begin:end] = column.codes[begin]
        filled.append(f"“{name}”")
    if filled:
        grid.notices.append(f"Merged cells in {', '.join(filled)} were filled down.")
