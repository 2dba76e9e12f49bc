"""Importing embeddings of the study's images as a frozen backbone, one set per file."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import remove
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.names import checked_name
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.embeddings import NAMED, name_from, path_of, write_embeddings
from prism_desktop.engine.study.importing.embeddings.vectors import Vectors, read_vectors
from prism_desktop.engine.study.importing.names.matching import ImageIndex, aliases_of
from prism_desktop.engine.study.records import ImportBatch, ImportReport, RefusedRow, StimulusRecord
from prism_desktop.engine.study.store import Study

FORMAT = "embeddings"
_EXAMPLES = 3


@dataclass(slots=True)
class _Matched:
    """Which rows are kept, and what became of the others."""

    rows: dict[str, int] = field(default_factory=dict)  # image id -> place of its row
    refused: list[RefusedRow] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)  # names of images that the study has not
    duplicates: int = 0


def import_embeddings(
    study: Study, path: Path, mark: str, name: str | None = None
) -> Iterator[Event[ImportReport]]:
    """Import one file of embeddings; names are matched to images as in any other import.

    A row is refused if the study has not its image or another row has the same one, or if it holds
    anything but finite numbers of the usual count. In the report an archive's rows count from 1, a
    table's from 2.

    Args:
        study: where to; its images must have been imported before.
        path: an .npz archive or a Parquet table.
        mark: the file's SHA-256.
        name: of the set; None for the file's.

    Yields:
        Progress, then Done with the report. A file of which no row can be used changes nothing.

    Raises:
        InputError: if the file is none of embeddings, or the study has a set of that name.
    """
    yield Progress(0, None, f"Reading {path.name}")
    images, words = study.stimuli(), study.words()
    if not images:
        raise InputError(
            "The study has no images yet; import their folder first. Nothing was imported."
            if words is FACES
            else "The study has no texts yet; import their file first. Nothing was imported."
        )
    set_name = _free_name(study, checked_name(name, NAMED) if name else name_from(path.stem))
    vectors = read_vectors(path)
    index = ImageIndex(
        images, aliases_of(report.mapping for report in study.imports() if report.undone is None)
    )
    yield Progress(0, len(vectors.names), f"Matching {words.kept_many}")
    matched = _match(vectors, index)
    kept = [image.id for image in images if image.id in matched.rows]
    report = _report(path, mark, set_name, vectors, matched)
    report = replace(
        report, notices=tuple(_notices(set_name, vectors, images, matched, index, words))
    )
    if kept:
        yield Progress(len(kept), len(kept), "Writing to the study")
        matrix = vectors.matrix[[matched.rows[image] for image in kept]]
        digest = write_embeddings(study.path, set_name, kept, matrix)
        report = replace(report, mapping={**report.mapping, "sha256": digest})
        try:
            study.apply_import(ImportBatch(report))
        except BaseException:
            with suppress(OSError):
                remove(path_of(study.path, set_name))
            raise
    yield Done(report)


def check_set(study: Study, path: Path, name: str | None, others: Sequence[str]) -> str:
    """What a set will be called, before anything is imported.

    Args:
        others: names of the sets that are imported together with it.

    Raises:
        InputError: if the study or the others have one of that name, or it cannot be a name.
    """
    free = _free_name(study, checked_name(name, NAMED) if name else name_from(path.stem))
    if free.casefold() in (other.casefold() for other in others):
        raise InputError(
            f"Two sets of embeddings would be called {free!r}; give one of them another name. "
            "Nothing was imported."
        )
    return free


def _report(path: Path, mark: str, name: str, vectors: Vectors, matched: _Matched) -> ImportReport:
    """What the study keeps of this import.

    The file's hash in `files` refuses the same file next time; `embeddings` names what undoing
    deletes.
    """
    return ImportReport(
        id=uuid.uuid4().hex,
        source=str(path),
        format=FORMAT,
        rows_read=len(vectors.names),
        rows_kept=len(matched.rows),
        refused=tuple(matched.refused),
        duplicates=matched.duplicates,
        mapping={
            "files": {str(real(path)): mark},
            "embeddings": name,
            "dimensions": int(vectors.matrix.shape[1]),
            "columns": dict(vectors.mapping),
        },
    )


def _free_name(study: Study, name: str) -> str:
    """The name, if no import that still holds has it.

    A file of that name that no import owns is replaced.

    Raises:
        InputError: if it is taken, in whatever case, since some systems' files know none.
    """
    reports = [report for report in study.imports() if report.undone is None]
    taken = [
        str(report.mapping["embeddings"]) for report in reports if "embeddings" in report.mapping
    ]
    if any(other.casefold() == name.casefold() for other in taken):
        raise InputError(
            f"The study has embeddings {name!r} already; undo their import first or choose another "
            "name. Nothing was imported."
        )
    return name


def _match(vectors: Vectors, index: ImageIndex) -> _Matched:
    """Find the study's image of every row, the first row of an image counting.

    Rows of images that the study has not are kept apart, since a file for a whole data set has
    many.
    """
    matched = _Matched()
    finite = np.all(np.isfinite(vectors.matrix), axis=1).tolist()
    for place, key in enumerate(vectors.names):
        row = vectors.first + place

        def refuse(reason: str, row: int = row) -> None:
            matched.refused.append(RefusedRow(row, reason))

        try:
            image = index.find(key.strip())
        except ValueError as error:
            refuse(str(error))
            if "the study has no image" in str(error):
                matched.extra.append(key)
            continue
        if place in vectors.shapeless:
            refuse(vectors.shapeless[place])
        elif not finite[place]:
            refuse("holds numbers that are not finite")
        elif image in matched.rows:
            earlier = matched.rows[image]
            same = np.array_equal(vectors.matrix[earlier], vectors.matrix[place])
            numbers = "the same numbers" if same else "other numbers"
            refuse(f"is the same image as row {vectors.first + earlier}, with {numbers}")
            matched.duplicates += 1
        else:
            matched.rows[image] = place
    return matched


def _notices(
    name: str,
    vectors: Vectors,
    images: Sequence[StimulusRecord],
    matched: _Matched,
    index: ImageIndex,
    words: StimulusWords,
) -> Iterator[str]:
    """How the embeddings are used, and what of the study and of the file has no counterpart."""
    if not matched.rows:
        yield "No row could be used; nothing was imported."
        return
    yield (
        f"Choose them as the backbone embeddings:{name} "
        f"({counted(vectors.matrix.shape[1], 'dimension')})."
    )
    missing = [image.name for image in images if image.id not in matched.rows]
    if missing:
        yield (
            f"{len(missing):,} of the study's {counted(len(images), words.kept)} "
            f"{word_for(len(missing), 'has', 'have')} no embedding "
            f"({_examples(missing)}); answers on them cannot be used with these embeddings."
        )
    if matched.extra:
        yield (
            f"{counted(len(matched.extra), 'embedding is', 'embeddings are')} of "
            f"{words.kept_many} that the study has not ({_examples(matched.extra)})."
        )
    if index.loose:
        yield f"{counted(index.loose, 'image was', 'images were')} matched by file name alone."


def _examples(names: Sequence[str]) -> str:
    return ", ".join(names[:_EXAMPLES]) + (", …" if len(names) > _EXAMPLES else "")
