"""Importing ratings, comparisons and our own exports from
files: read, understood, then written in one transaction."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.importing.batch import assemble, settle
from prism_desktop.engine.study.importing.column_recognition import Layout, recognise
from prism_desktop.engine.study.importing.contents import Contents, gather
from prism_desktop.engine.study.importing.drafts import Ledger
from prism_desktop.engine.study.importing.embedding_files import FORMAT as EMBEDDINGS
from prism_desktop.engine.study.importing.embedding_files import import_embeddings
from prism_desktop.engine.study.importing.outcome_coding import check_coding
from prism_desktop.engine.study.importing.scales import declared
from prism_desktop.engine.study.importing.table_files import read_tables
from prism_desktop.engine.study.importing.tables import Table
from prism_desktop.engine.study.importing.vectors import holds_embeddings
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.engine.study.store import Study


def import_files(
    study: Study,
    files: Sequence[Path | str],
    format: str | None = None,  # noqa: A002
    *,
    coding: str | None = None,
    scale: str | Mapping[str, str] | None = None,
    attributes: Sequence[str] | None = None,
    rename: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Iterator[Event[ImportReport]]:
    """Import tables of ratings or comparisons, in one transaction.

    The kind of each is recognised by its content.

    Labelers and attributes that the study has not are made. Rows that cannot be used are refused
    one by one, with their number and the reason; an import that keeps no row changes nothing.

    Args:
        study: where to; its images must have been imported before.
        files: CSV, XLSX or Parquet. Data and label workbooks that belong together must come
            together; a file of embeddings (.npz or Parquet) comes by itself.
        format: one of `recognise.FORMATS` or "embeddings", in place of what the content suggests;
            data workbooks may come along.
        coding: "2-first" if the number 2 means that the first image won, "1-first" if 1 does.
        scale: of the ratings, LOW-HIGH such as "1-10", for all attributes or by attribute.
        attributes: the columns of judgments, in place of all that look like it.
        rename: column -> attribute.
        name: of a set of embeddings; None for the file's.

    Yields:
        Progress, then Done with the report. Closing the generator before that changes nothing.

    Raises:
        UnknownCodingError: if outcomes are numbers, `coding` is not given and the ratings cannot
            tell it.
        InputError: if a file cannot be read or understood, or was imported before.
    """
    paths = [Path(file).expanduser() for file in files]
    if not paths:
        raise InputError("No file was given.")
    # these two before anything is read: rows that need them may be refused for another reason
    check_coding(coding)
    for words in (
        scale.values() if isinstance(scale, Mapping) else [scale] if scale is not None else []
    ):
        declared(words)
    if vectors := [path for path in paths if is_embeddings(path, format)]:
        if len(paths) > 1:
            raise InputError(
                f"{vectors[0].name} holds embeddings; import it by itself. Nothing was imported."
            )
        yield from import_embeddings(study, paths[0], _mark(study, paths[0]), name)
        return
    marks: dict[str, object] = {}
    layouts: list[Layout] = []
    for number, path in enumerate(paths):
        yield Progress(number, len(paths), f"Reading {path.name}")
        mark = _mark(study, path)
        if mark in marks.values():
            raise InputError(f"{path.name} was given twice; nothing was imported.")
        marks[str(path.resolve())] = mark
        layouts += _layouts(path, format, attributes)
    contents = Contents(
        uuid.uuid4().hex, Ledger(several=len(layouts) > 1), mapping={"files": marks}
    )
    yield from gather(study, layouts, rename or {}, contents, format)
    rows = contents.ledger.read
    yield Progress(rows, rows, "Checking what was read")
    settle(study, contents, coding, scale)
    kinds = dict.fromkeys(layout.format for layout in layouts)
    batch = assemble(study, contents, ", ".join(str(path) for path in paths), ", ".join(kinds))
    if batch.trials or batch.labelers or batch.attributes or batch.revised:
        yield Progress(rows, rows, "Writing to the study")
        study.apply_import(batch)
    yield Done(batch.report)


def is_embeddings(path: Path, format: str | None = None) -> bool:  # noqa: A002
    """Whether a file is imported as embeddings: if that
    is asked for, or its content looks like it."""
    return format == EMBEDDINGS if format is not None else holds_embeddings(path)


def recognised(
    files: Sequence[Path | str],
    format: str | None = None,  # noqa: A002
) -> list[Layout]:
    """What `import_files` would take each table for, for a preview.

    Raises:
        InputError: if a file cannot be read or understood.
    """
    return [layout for file in files for layout in _layouts(Path(file), format, None)]


def _mark(study: Study, path: Path) -> str:
    """The file's hash.

    Raises:
        InputError: if the same file was imported before, and that was not undone.
    """
    try:
        with path.open("rb") as file:
            digest = sha256()
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); nothing was imported."
        ) from error
    for report in study.imports():
        before = report.mapping.get("files")
        if (
            report.undone is None
            and isinstance(before, Mapping)
            and digest.hexdigest() in before.values()
        ):
            raise InputError(
                f"{path.name} was imported before ({report.rows_kept} rows kept); undo that import "
                "first. Nothing was imported."
            )
    return digest.hexdigest()


def _layouts(
    path: Path,
    format: str | None,  # noqa: A002
    judged: Sequence[str] | None,
) -> list[Layout]:
    """The tables of a file.

    Sheets of a workbook that are none are passed over if another sheet is one.
    """
    found: list[Layout] = []
    problems: list[InputError] = []
    for table in read_tables(path):
        try:
            found.append(_layout(table, format, judged))
        except InputError as error:
            problems.append(error)
    if problems and not found:
        raise problems[0]
    if not found:
        raise InputError(f"{path.name} is empty; nothing was imported.")
    return found


def _layout(table: Table, format: str | None, judged: Sequence[str] | None) -> Layout:  # noqa: A002
    """A table as the format that was asked for.

    The data workbook that goes with a label workbook is let through.
    """
    data = {"big_label": "big_data", "big_compare_label": "big_compare_data"}.get(format or "")
    if data is not None:
        with suppress(InputError):
            return recognise(table, data)
    return recognise(table, format, judged)
