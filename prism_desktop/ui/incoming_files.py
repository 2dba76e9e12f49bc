"""What is dropped on the window, told apart: tables, embeddings, images."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.image_formats import SUFFIXES
from prism_desktop.engine.study.importing.text_columns import TextsKind
from prism_desktop.ui.text_operations import seems_of_texts

if TYPE_CHECKING:
    from prism_desktop.engine.study.study_reader import StudyReader

_TEXT = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson")
TABLE_SUFFIXES = frozenset((*_TEXT, ".xlsx", ".xlsm", ".ods", ".sav", ".dta", ".parquet"))
SET_SUFFIXES = frozenset((".npz", ".parquet"))  # that may hold embeddings


@dataclass(frozen=True, slots=True)
class Incoming:
    """What was dropped on the window, told apart."""

    tables: tuple[Path, ...]
    embeddings: tuple[Path, ...]
    folders: tuple[Path, ...]  # that hold images
    loose: tuple[Path, ...]  # images by themselves
    texts: tuple[tuple[Path, TextsKind], ...] = ()  # tables of texts, those to be judged first
    perhaps: tuple[Path, ...] = ()  # tables that seem to be of texts, with more than that


def sort_incoming(
    paths: Sequence[Path], limit: int = 200_000, *, study: "StudyReader | None" = None
) -> Iterator[Event[Incoming]]:
    """Tell apart what was dropped: tables, embeddings, folders with images.

    In a study of texts, or an empty one, tables of texts are told apart too. Folders are looked
    through without following links, up to `limit` files. Cancelled within 500 files.
    """
    from prism_desktop.engine.study.importing.import_files import is_embeddings

    tables: list[Path] = []
    embeddings: list[Path] = []
    folders: list[Path] = []
    loose: list[Path] = []
    seen = 0
    for path in paths:
        if not path.is_dir():
            if path.suffix.lower() in SUFFIXES:
                loose.append(path)
            else:
                (embeddings if is_embeddings(path) else tables).append(path)
            continue
        pictures = 0
        for where, inner, files in os.walk(path):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(files):
                seen += 1
                file = Path(where) / name
                suffix = file.suffix.lower()
                pictures += suffix in SUFFIXES
                if name.startswith((".", "~$")):
                    continue
                if suffix in SET_SUFFIXES and is_embeddings(file):
                    embeddings.append(file)
                elif suffix in TABLE_SUFFIXES:
                    tables.append(file)
                if seen % 500 == 0:
                    yield Progress(seen, None, "Looking through the folder")
            if seen >= limit:
                break
        if pictures:
            folders.append(path)
    texts: tuple[tuple[Path, TextsKind], ...] = ()
    perhaps: list[Path] = []
    if study is not None and tables:
        from prism_desktop.engine.study.importing.texts.text_files import sort_tables

        yield Progress(seen, None, "Looking at the tables")
        texts, others = sort_tables(study, tables)
        of_texts = study.open_for("text")
        perhaps = [path for path in others if of_texts and seems_of_texts(path)]
        tables = [path for path in others if path not in perhaps]
    sets = tuple(embeddings)
    yield Done(Incoming(tuple(tables), sets, tuple(folders), tuple(loose), texts, tuple(perhaps)))
