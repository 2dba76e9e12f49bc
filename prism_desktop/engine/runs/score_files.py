"""Score files: what labelers' models say of images, a column for each labeler and attribute.

A file is Parquet: `image`, and one float32 column for each labeler and attribute, named
`LABELER/ATTRIBUTE`. Labelers of whom the same is said, as of those of a consensus, share the first
one's columns. Which column is whose stands in the file's metadata under `prism.scores`. Files of
format 1, of versions up to 0.1, hold a row for each labeler, attribute and image instead; they are
read alike.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.files import whole
from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.parquet_forms import (
    TEXT,
    Cells,
    Form,
    numbers_in,
    read_heading,
    read_table,
    texts_in,
)
from prism_desktop.engine.runs.run_tables import SCORES

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
FORMAT = 2
_KEY = b"prism.scores"
_IMAGE = "image"
_TWICE = "it speaks of some labelers, attributes or images twice"
_TELL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class LabelerScores:
    """What one labeler says of all images: (images, attributes) float32; differences are logits."""

    labeler: str
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Scores of labelers, attributes and images; differences are logits.

    Attributes:
        array: (labelers, attributes, images), NaN where nothing is said; float32 from a file.
    """

    labelers: tuple[str, ...]
    attributes: tuple[str, ...]
    images: tuple[str, ...]
    array: npt.NDArray[np.floating[Any]]

    @classmethod
    def of(cls, scores: "pd.DataFrame | ScoreTable") -> "ScoreTable":
        """From a frame with the columns labeler, attribute, image and score."""
        import pandas as pd

        if isinstance(scores, ScoreTable):
            return scores
        codes, names = zip(
            *(
                pd.factorize(pd.Index(scores[key].astype(object)))
                for key in ("labeler", "attribute", "image")
            ),
            strict=True,
        )
        shape = tuple(len(each) for each in names)
        score = scores["score"].to_numpy()
        values = np.full(shape, np.nan, score.dtype if score.dtype.kind == "f" else np.float64)
        values[codes] = score
        labelers, attributes, images = (tuple(map(str, each)) for each in names)
        return cls(labelers, attributes, images, values)

    @classmethod
    def joined(cls, tables: Sequence["ScoreTable"]) -> "ScoreTable":
        """Several as one; each speaks of images of its own."""
        names = [
            tuple(dict.fromkeys(name for table in tables for name in getattr(table, axis)))
            for axis in ("labelers", "attributes", "images")
        ]
        values = np.full([len(each) for each in names], np.nan, np.float32)
        for table in tables:
            own = (table.labelers, table.attributes, table.images)
            places = [rows_of(each, known) for each, known in zip(own, names, strict=True)]
            values[np.ix_(*places)] = table.array
        labelers, attributes, images = names
        return cls(labelers, attributes, images, values)

    def only(self, images: Iterable[str]) -> "ScoreTable":
        """Of some images alone."""
        rows = rows_of(tuple(images), self.images)
        rows = rows[rows >= 0]
        kept = tuple(self.images[row] for row in rows)
        return ScoreTable(self.labelers, self.attributes, kept, self.array[:, :, rows])

    def called(self, labelers: Mapping[str, str]) -> "ScoreTable":
        """With other labelers' names on what is said; who is not among them keeps their own."""
        names = tuple(labelers.get(code, code) for code in self.labelers)
        return ScoreTable(names, self.attributes, self.images, self.array)

    def by_labeler(self) -> Iterator[LabelerScores]:
        """What each labeler's model says, to be written."""
        for labeler, scores in zip(self.labelers, self.array, strict=True):
            yield LabelerScores(labeler, np.ascontiguousarray(scores.T, np.float32))

    def frame(self) -> "pd.DataFrame":
        """labeler, attribute, image, score: a row for each score that there is."""
        import pandas as pd

        said = np.nonzero(~np.isnan(self.array))
        columns = {
            name: pd.Series(np.array(names, dtype=object)[codes], dtype="str")
            for name, names, codes in zip(
                ("labeler", "attribute", "image"),
                (self.labelers, self.attributes, self.images),
                said,
                strict=True,
            )
        }
        return pd.DataFrame({**columns, "score": self.array[said]})


def no_scores() -> ScoreTable:
    """A table in which nothing is said of anybody."""
    return ScoreTable((), (), (), np.zeros((0, 0, 0), np.float32))


def rows_of(names: Sequence[str], known: Sequence[str]) -> Ints:
    """The place of each name among the known ones, -1 for one that is not there."""
    places = {name: place for place, name in enumerate(known)}
    return np.array([places.get(name, -1) for name in names], np.int64)


class _Heading(BaseModel):
    """What the metadata of a file say."""

    model_config = ConfigDict(strict=True)

    format: int
    labelers: list[str]
    attributes: list[str]
    columns: list[list[str]]  # of each labeler, by attribute


def write_scores(
    path: Path,
    scored: Iterable[Progress | LabelerScores],
    attributes: Sequence[str],
    images: Sequence[str],
) -> Iterator[Progress]:
    """Write the scores of every labeler, attribute and image."""
    kept: list[LabelerScores] = []
    told = time.monotonic()
    for event in scored:
        if isinstance(event, Progress):
            yield event
            continue
        alike = bool(kept) and np.array_equal(event.scores, kept[0].scores)
        kept.append(LabelerScores(event.labeler, kept[0].scores) if alike else event)
        if time.monotonic() - told > _TELL_SECONDS:  # so that it can be ended meanwhile
            told = time.monotonic()
            yield Progress(0, None, "Predicting")
    yield Progress(0, None, "Writing predictions")
    _write(path, kept, attributes, images)


def _write(
    path: Path, scored: Sequence[LabelerScores], attributes: Sequence[str], images: Sequence[str]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays: dict[str, Any] = {_IMAGE: pa.array(images, pa.string())}
    columns: list[list[str]] = []
    for one in scored:
        if columns and one.scores is scored[0].scores:
            columns.append(columns[0])
            continue
        columns.append([_unused(f"{one.labeler}/{name}", arrays) for name in attributes])
        for place, name in enumerate(columns[-1]):
            arrays[name] = pa.array(one.scores[:, place], pa.float32())
    heading = _Heading(
        format=FORMAT,
        labelers=[one.labeler for one in scored],
        attributes=list(attributes),
        columns=columns,
    )
    table = pa.table(arrays).replace_schema_metadata({_KEY: heading.model_dump_json()})
    with whole(path) as beside:
        pq.write_table(
            table,
            beside,
            max(1, len(images)),
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )


def _unused(name: str, taken: Mapping[str, object]) -> str:
    """The name, with an apostrophe for each column that has it already."""
    while name in taken:
        name += "'"
    return name


_SCORE: Cells = SCORES["score"]


class ScoreFile:
    """A file of scores whose columns are read when they are asked for.

    What is read later must be of the file that was opened: once it is another or gone, that is
    told instead. Of a file of format 1 all rows that are wanted are read at once, for they may lie
    anywhere.

    Attributes:
        labelers, attributes, images: in the file's order, each once.
    """

    def __init__(
        self, path: Path, labeler: str | None = None, attribute: str | None = None
    ) -> None:
        """Read what a file says of its columns, and its images.

        Args:
            path: the file.
            labeler, attribute: the only ones that are wanted, where not all are.

        Raises:
            UnreadableError: it cannot be read, or holds something else.
            FileNotFoundError: there is none.
        """
        self._path, self._state = path, _state(path)
        self._stored = read_heading(path)
        self._rows: ScoreTable | None = None
        self._columns: dict[tuple[str, str], str] = {}  # of labeler and attribute
        if _KEY not in self._stored.metadata:
            self._rows = _read_rows(path, labeler, attribute)
            self.labelers, self.attributes, self.images = (
                self._rows.labelers, self._rows.attributes, self._rows.images
            )  # fmt: skip
            self._check()
            return
        heading = _parsed(path, self._stored.metadata[_KEY])
        for code, names in zip(heading.labelers, heading.columns, strict=True):
            self._columns.update(((code, kind), name) for kind, name in zip(
                heading.attributes, names, strict=True))  # fmt: skip
        self.labelers = tuple(code for code in heading.labelers if labeler in (None, code))
        self.attributes = tuple(kind for kind in heading.attributes if attribute in (None, kind))
        self.images = tuple(texts_in(self._table({_IMAGE: TEXT})[_IMAGE]))
        if len(set(self.images)) < len(self.images):
            raise UnreadableError(path, _TWICE)
        self._check()

    @property
    def alike(self) -> bool:
        """Whether it says the same of all labelers, as of those of a consensus."""
        if self._rows is not None:
            first = self._rows.array[:1]
            return all(np.array_equal(one, first[0], equal_nan=True) for one in self._rows.array)
        return all(
            self._columns[code, kind] == self._columns[self.labelers[0], kind]
            for code in self.labelers
            for kind in self.attributes
        )

    def columns(self, wanted: Sequence[tuple[str, str]]) -> list[Floats]:
        """(images,) float32 of each labeler and attribute of the file, not to be written into.

        Raises:
            UnreadableError: they cannot be read, hold what is no number, or the file is not the one
                that was opened.
        """
        if not wanted:
            return []
        if self._rows is not None:
            who = {code: row for row, code in enumerate(self.labelers)}
            what = {kind: column for column, kind in enumerate(self.attributes)}
            return [self._rows.array[who[code], what[kind]] for code, kind in wanted]
        names = [self._columns[pair] for pair in wanted]
        self._check()
        try:
            table = self._table(dict.fromkeys(sorted(set(names)), _SCORE))
        except FileNotFoundError:
            raise UnreadableError(self._path, "it is gone") from None
        self._check()  # another may have come in its place meanwhile
        found = {name: numbers_in(table[name]).astype(np.float32, copy=False) for name in names}
        return [found[name] for name in names]

    def table(self) -> ScoreTable:
        """All of it; raises as `columns`."""
        if self._rows is not None:
            return self._rows
        shape = len(self.labelers), len(self.attributes), len(self.images)
        values = np.empty(shape, np.float32)
        pairs = [(code, kind) for code in self.labelers for kind in self.attributes]
        for place, column in zip(np.ndindex(shape[:2]), self.columns(pairs), strict=True):
            values[place] = column
        return ScoreTable(self.labelers, self.attributes, self.images, values)

    def _check(self) -> None:
        """Raises UnreadableError where the file is not the one that was opened."""
        if _state(self._path) != self._state:
            raise UnreadableError(self._path, "it was changed after it was opened; open it again")

    def _table(self, form: Form) -> Any:
        return read_table(self._path, form, heading=self._stored)


def _state(path: Path) -> tuple[int, ...]:
    """Tells a file from another one of its name; empty where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise unreadable(path, error) from error
    return status.st_ino, status.st_size, status.st_mtime_ns


def read_scores(path: Path, labeler: str | None = None, attribute: str | None = None) -> ScoreTable:
    """The scores of a file, or one labeler's or of one attribute; only those columns are read.

    Raises:
        UnreadableError: it cannot be read, or holds something else.
        FileNotFoundError: there is none.
    """
    return ScoreFile(path, labeler, attribute).table()


def _parsed(path: Path, text: bytes) -> _Heading:
    try:
        heading = _Heading.model_validate(parse_json(text))
    except (ValidationError, ValueError, RecursionError):
        raise UnreadableError(path, "what it says of its columns is damaged") from None
    if heading.format > FORMAT:
        raise UnreadableError(path, "a newer version of the program wrote it")
    fits = len(heading.columns) == len(heading.labelers) and all(
        len(names) == len(heading.attributes) and _IMAGE not in names for names in heading.columns
    )
    if not fits:
        raise UnreadableError(path, "what it says of its columns is damaged")
    for names in (heading.labelers, heading.attributes):
        if len(set(names)) < len(names):
            raise UnreadableError(path, _TWICE)
    return heading


def _read_rows(path: Path, labeler: str | None, attribute: str | None) -> ScoreTable:
    """A file of format 1."""
    filters = [("labeler", "==", labeler)] if labeler is not None else []
    filters += [("attribute", "==", attribute)] if attribute is not None else []
    table = read_table(path, SCORES, filters)
    codes, names = zip(
        *(_codes(table[key]) for key in ("labeler", "attribute", "image")), strict=True
    )
    values = np.full([len(each) for each in names], np.nan, np.float32)
    values[codes] = table["score"].to_numpy()
    if np.count_nonzero(~np.isnan(values)) != len(table):
        raise UnreadableError(path, _TWICE)
    labelers, attributes, images = names
    return ScoreTable(labelers, attributes, images, values)


def _codes(column: Any) -> tuple[Ints, tuple[str, ...]]:
    """A text column as numbers and the texts that occur: a million strings never become Python
    objects."""
    encoded = column.combine_chunks()
    used, codes = np.unique(encoded.indices.to_numpy().astype(np.int64), return_inverse=True)
    words = encoded.dictionary.take(used).to_pylist()
    # a dictionary may hold a text twice
    places: dict[str, int] = {}
    same = np.array([places.setdefault(word, len(places)) for word in words], np.int64)
    return (same[codes] if len(words) else codes.astype(np.int64)), tuple(places)
