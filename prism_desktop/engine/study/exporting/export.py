"""Exporting a study: its tables, a codebook, and nothing half written."""

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Event, Progress
from prism_desktop.engine.files import make_folder, put_text, remove
from prism_desktop.engine.study.exporting.codebook import codebook_text
from prism_desktop.engine.study.exporting.protocol_files import write_protocols
from prism_desktop.engine.study.exporting.rows import Sheet, Tables, codebook, scale_labels
from prism_desktop.engine.study.exporting.spss import write_sav
from prism_desktop.engine.study.exporting.writers import (
    write_csv,
    write_jsonl,
    write_parquet,
    write_xlsx,
)
from prism_desktop.engine.study.exporting.written_together import written_together
from prism_desktop.engine.study.store import Study

FORMATS: Final = ("csv", "xlsx", "parquet", "sav", "jsonl")
_YES_NO: Final = {0: "no", 1: "yes"}
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
# "images" stands for the texts of a study of texts, those that labelers wrote included.
TABLES: Final = ("ratings", "comparisons", "images", "labelers", "attributes")
_OF_TEXTS: Final = ("texts", "own_texts")


def export(
    study: Study,
    folder: Path | str,
    format: str = "csv",  # noqa: A002
    tables: Sequence[str] = TABLES,
) -> Iterator[Event[tuple[Path, ...]]]:
    """Write a study's tables with a codebook.

    Imported into a new study over the same images they give the same study; texts come along.

    All trials are written, also the skipped, withdrawn and superseded ones, one row per attribute
    answered, with the facts about labelers and images beside them. XLSX gives one workbook, the
    others a file per table; a table without rows has no JSON lines. `codebook.md` is for readers,
    `recipes/` says how imported files were read,
    `protocols/` how the study was labeled. Files of an earlier export in the folder are
    replaced, all at the end.

    Args:
        study: what to write; it may be open read-only.
        folder: made if it does not exist.
        format: one of FORMATS.
        tables: some of TABLES.

    Yields:
        Progress, then Done with the paths of the files. Closing the generator before that leaves
        nothing behind.

    Raises:
        InputError: unknown format or table, a folder that cannot be written, or more than Excel or
            SPSS can hold.
        DiskFullError: there was no room left.
    """
    if format not in FORMATS:
        raise InputError(
            f"There is no export format “{format}”; choose one of {', '.join(FORMATS)}."
        )
    if unknown := [table for table in tables if table not in TABLES]:
        raise InputError(f"There is no table “{unknown[0]}”; choose from {', '.join(TABLES)}.")
    yield from written_together(
        folder, partial(_export, study, format=format, tables=tables), "Reading the study"
    )


def _export(
    study: Study,
    part: Path,
    format: str,  # noqa: A002
    tables: Sequence[str],
) -> Generator[Event[tuple[Path, ...]], None, None]:
    yield Progress(0, None, "Reading the study")
    made = Tables(study)
    texts = study.kind() == "text"
    named = (_OF_TEXTS if texts and table == "images" else (table,) for table in tables)
    written = [made.sheet(table) for table in chain.from_iterable(named)]
    yield from _write(study, written, part, format)
    recipes = _write_recipes(study, part)
    write_protocols(study, part)
    put_text(part / "codebook.md", codebook_text(study, made, written, recipes))


def _write(
    study: Study,
    written: Sequence[Sheet],
    part: Path,
    format: str,  # noqa: A002
) -> Iterator[Progress]:
    """Every table, then the one of their columns, which counts what the others held."""
    total = sum(sheet.count for sheet in written)
    if format == "xlsx":
        sheets = chain(written, (codebook(written) for _ in range(1)))
        for done in write_xlsx(sheets, part / "study.xlsx"):
            yield Progress(done, max(done, total), "Writing study.xlsx")
        return
    labels = {"rating": scale_labels(study), "simulated": _YES_NO, "confirmed": _YES_NO}
    writers: Mapping[str, Callable[[Sheet, Path], Iterator[int]]] = {
        "csv": write_csv,
        "parquet": write_parquet,
        "jsonl": write_jsonl,
        "sav": partial(write_sav, labels=labels),
    }
    before = 0
    for sheet in chain(written, (codebook(written) for _ in range(1))):
        name = f"{sheet.name}.{format}"
        for done in writers[format](sheet, part / name):
            yield Progress(before + done, max(before + done, total), f"Writing {name}")
        before += sheet.written
        if format == "jsonl" and not sheet.written:
            remove(part / name)


def _write_recipes(study: Study, part: Path) -> dict[str, str]:
    """The recipes of all imports that were not undone; import -> file."""
    files = {}
    for number, report in enumerate(study.imports(), start=1):
        if not report.recipe or report.undone is not None:
            continue
        stem = _UNFIT.sub("-", Path(report.source).stem).strip("-.")[:40]
        name = (
            "-".join(filter(None, (f"{number:02d}", stem, _UNFIT.sub("", report.id[:8])))) + ".toml"
        )
        make_folder(part / "recipes")
        put_text(part / "recipes" / name, report.recipe)
        files[report.id] = f"recipes/{name}"
    return files
