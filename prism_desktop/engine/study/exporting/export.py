"""Exporting a study: its tables, a codebook, and nothing half written."""

import errno
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import DiskFullError, InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.exporting.codebook import codebook_text
from prism_desktop.engine.study.exporting.rows import Sheet, codebook, sheets
from prism_desktop.engine.study.exporting.writers import write_csv, write_parquet, write_xlsx
from prism_desktop.engine.study.store import Study

FORMATS: Final = ("csv", "xlsx", "parquet")
TABLES: Final = ("ratings", "comparisons", "images", "labelers", "attributes")


def export(
    study: Study,
    folder: Path | str,
    format: str = "csv",  # noqa: A002
    tables: Sequence[str] = TABLES,
) -> Iterator[Event[tuple[Path, ...]]]:
    """Write a study's tables with a codebook.

    Imported into a new study over the same images they give the same study.

    All trials are written, also the skipped, withdrawn and superseded ones, one row per attribute
    answered. CSV and Parquet give a file per table, XLSX one workbook; `codebook.md` is for
    readers. Files of an earlier export in the folder are replaced, all at the end.

    Args:
        study: what to write; it may be open read-only.
        folder: made if it does not exist.
        format: one of FORMATS.
        tables: some of TABLES.

    Yields:
        Progress, then Done with the paths of the files. Closing the generator before that leaves
        nothing behind.

    Raises:
        InputError: unknown format or table, a folder that cannot be written, or more than Excel can
            hold.
        DiskFullError: there was no room left.
    """
    if format not in FORMATS:
        raise InputError(
            f"There is no export format “{format}”; choose one of {', '.join(FORMATS)}."
        )
    if unknown := [table for table in tables if table not in TABLES]:
        raise InputError(f"There is no table “{unknown[0]}”; choose from {', '.join(TABLES)}.")
    target = Path(folder).expanduser().resolve()
    part = target / f".export-{uuid.uuid4().hex[:8]}"
    try:
        part.mkdir(parents=True)
        yield Progress(0, None, "Reading the study")
        written = list(sheets(study, tables))
        written.append(codebook(written))
        yield from _write(written, part, format)
        (part / "codebook.md").write_text(codebook_text(study, written), encoding="utf-8")
        paths = tuple(sorted(target / path.name for path in part.iterdir()))
        for path in paths:
            (part / path.name).replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFullError(
                f"There was no room left for the export in {target}; no file was changed."
            ) from error
        raise InputError(
            f"The export cannot be written to {target} ({error.strerror}); no file was changed."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    yield Done(paths)


def _write(written: Sequence[Sheet], part: Path, format: str) -> Iterator[Progress]:  # noqa: A002
    total, before = sum(len(sheet.rows) for sheet in written), 0
    if format == "xlsx":
        for done in write_xlsx(written, part / "study.xlsx"):
            yield Progress(done, total, "Writing study.xlsx")
        return
    write = write_csv if format == "csv" else write_parquet
    for sheet in written:
        name = f"{sheet.name}.{format}"
        for done in write(sheet, part / name):
            yield Progress(before + done, total, f"Writing {name}")
        before += len(sheet.rows)
