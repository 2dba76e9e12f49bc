"""The study's operations: one function per user action.

Each runs off the window's thread and reports what it touched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.embeddings import EmbeddingSet, list_embeddings, name_from
from prism_desktop.engine.study.image_formats import SUFFIXES
from prism_desktop.engine.study.records import (
    AttributeRecord,
    Changes,
    ImageRecord,
    ImportReport,
    Kind,
    LabelerRecord,
    RelinkReport,
    StudyInfo,
)

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the Study panel shows, read in one go."""

    info: StudyInfo
    labelers: tuple[LabelerRecord, ...]
    attributes: tuple[AttributeRecord, ...]
    imports: tuple[ImportReport, ...]
    missing: tuple[ImageRecord, ...]
    samples: tuple[ImageRecord, ...]  # a few faces for the header
    backups: tuple[Path, ...]  # newest first
    targets: Mapping[Kind, int]  # trials of each task that a labeler is asked for
    suited: Mapping[Kind, int]  # the same where nobody says: what suits the number of images
    embeddings: tuple[EmbeddingSet, ...]  # imported ones


def open_study(path: Path, read_only: bool = False) -> "Study":
    """Open a study.

    Raises:
        InputError: if nothing is there.
    """
    from prism_desktop.engine.study.store import Study

    if not path.is_dir():
        raise InputError(f"There is no study at {path}; it may have been moved or renamed.")
    return Study.open(path, read_only=read_only)


def create_study(folder: Path, name: str, attributes: Sequence[str]) -> Path:
    """Make an empty study and close it again; returns its folder."""
    from prism_desktop.engine.study.store import Study

    with Study.create(folder, name=name or None, attributes=tuple(attributes)) as study:
        return Path(study.path)


def overview(study: "Study") -> Overview:
    """Read what the Study panel shows."""
    from prism_desktop.engine.labeling.design import target

    images, said = study.images(), study.targets()
    kinds: tuple[Kind, ...] = ("comparison", "rating")
    step = max(1, len(images) // 8)
    backups = sorted(
        (Path(study.path) / "backups").glob("*"),
        key=lambda file: file.stat().st_mtime,
        reverse=True,
    )
    return Overview(
        info=study.info(),
        labelers=tuple(study.labelers()),
        attributes=tuple(study.attributes()),
        imports=tuple(study.imports()),
        missing=tuple(image for image in images if image.missing),
        samples=tuple(image for image in images[::step] if not image.missing)[:8],
        backups=tuple(backups),
        targets={kind: target(kind, images, said.get(kind)) for kind in kinds},
        suited={kind: target(kind, images) for kind in kinds},
        embeddings=list_embeddings(Path(study.path)),
    )


def count_images(folder: Path, limit: int = 200_000) -> Iterator[Event[int]]:
    """How many files under `folder` look like images, up to `limit`.

    Cancelled within 1,000 files.
    """
    count = 0
    for number, file in enumerate(folder.rglob("*")):
        count += file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
        if number % 1000 == 0:
            yield Progress(number, None, "Counting images")
        if count >= limit:
            break
    yield Done(count)


def import_images(study: "Study", folder: Path, copy: bool) -> Iterator[Event[ImportReport]]:
    """Add a folder's images; events, the last one a `Done` with the report."""
    from prism_desktop.engine.study.importing import import_images as work

    yield from work(study, folder, copy=copy)


def one_set(files: Sequence[Path]) -> str:
    """What a set of embeddings would be called, if this is a file of one; empty if it is not."""
    from prism_desktop.engine.study.importing import is_embeddings

    return name_from(files[0].stem) if len(files) == 1 and is_embeddings(files[0]) else ""


def import_files(
    study: "Study", files: Sequence[Path], **options: Any
) -> Iterator[Event[ImportReport]]:
    """Add ratings, comparisons or embeddings from files.

    Events, the last one a `Done` with the report.
    """
    from prism_desktop.engine.study.importing import import_files as work

    yield from work(study, list(files), **options)


def export(study: "Study", folder: Path, kind: str) -> Iterator[Event[Any]]:
    """Write the study's tables into `folder` as "csv", "xlsx" or "parquet"."""
    from prism_desktop.engine.study.exporting import export as work

    yield from work(study, folder, format=kind)


def demo(folder: Path) -> Iterator[Event[Any]]:
    """Draw the demo study into `folder`."""
    from prism_desktop.engine.demo.demo_study import build_demo

    yield from build_demo(folder)


def undo_import(study: "Study", import_id: str) -> Changes:
    """Take an import back."""
    return study.undo_import(import_id)


def add_labeler(study: "Study", code: str, display_name: str, profile: str) -> Changes:
    """Add a labeler."""
    return study.add_labeler(code, display_name=display_name, profile=profile)


def update_labeler(study: "Study", code: str, display_name: str, profile: str) -> Changes:
    """Change a labeler's name and profile; the code stays."""
    return study.update_labeler(code, display_name=display_name, profile=profile)


def add_attribute(study: "Study", record: AttributeRecord) -> Changes:
    """Add something to judge."""
    return study.add_attribute(
        record.name,
        question=record.question,
        scale_labels=record.scale_labels,
        templates=record.templates,
    )


def update_attribute(study: "Study", record: AttributeRecord) -> Changes:
    """Change an attribute's question, scale labels and templates; the name stays."""
    return study.update_attribute(
        record.name,
        question=record.question,
        scale_labels=record.scale_labels,
        templates=record.templates,
    )


def relink(study: "Study", folder: Path) -> Iterator[Event[RelinkReport]]:
    """Look for moved images under `folder`; events, the last one a `Done` with the report."""
    yield from study.relinking(folder)


def back_up(study: "Study") -> Iterator[Event[Path]]:
    """Write a verified copy of the database into the study's backups.

    Events, the last one a `Done` with its place.
    """
    yield Progress(0, None, "Backing up")
    yield Done(study.backup())


def image_paths(study: "Study") -> dict[str, Path]:
    """Where each image is now, by id."""
    return {image.id: image.path for image in study.images()}


def set_target(study: "Study", kind: Kind, count: int | None) -> Changes:
    """Say how many trials of a task each labeler is asked
    for; None: as many as suit the number of images."""
    return study.set_target(kind, count)
