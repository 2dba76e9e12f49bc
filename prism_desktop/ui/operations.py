"""The study's operations: one function per user action.

Each runs off the window's thread and reports what it touched.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine import access
from prism_desktop.engine.errors import CorruptStudyError, InputError, PrismError
from prism_desktop.engine.events import Done, Event, Progress, value
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import put_text, write_named
from prism_desktop.engine.stimulus_words import StimulusKind, StimulusWords
from prism_desktop.engine.study.backup_files import BackupRecord
from prism_desktop.engine.study.embeddings import EmbeddingSet, list_embeddings, name_from
from prism_desktop.engine.study.image_formats import SUFFIXES
from prism_desktop.engine.study.records import (
    AttributeRecord,
    Changes,
    ImageRecord,
    ImportReport,
    Kind,
    LabelerRecord,
    Order,
    Problem,
    ProtocolRecord,
    RelinkReport,
    StudyInfo,
)

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.import_recipe import Recipe
    from prism_desktop.engine.study.importing.plan import ImportPlan
    from prism_desktop.engine.study.importing.reading.file_reading import KeptTables
    from prism_desktop.engine.study.known_studies import Origin
    from prism_desktop.engine.study.store import Study

_SAMPLES = (8, 26)  # images, of which there are a few first


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the Study panel shows, read in one go."""

    info: StudyInfo
    labelers: tuple[LabelerRecord, ...]
    attributes: tuple[AttributeRecord, ...]
    imports: tuple[ImportReport, ...]
    missing: tuple[ImageRecord, ...]
    samples: tuple[ImageRecord, ...]  # some faces from all over the study
    backups: tuple[Path, ...]  # newest first
    backup_failure: str  # why the automatic one failed, "" if it did not
    targets: Mapping[Kind, int]  # trials of each task that a labeler is asked for
    suited: Mapping[Kind, int]  # the same where nobody says: what suits the number of images
    orders: Mapping[Kind, Order]  # in which the trials of each task come
    protocol: ProtocolRecord | None  # that sessions follow
    set_aside: Mapping[str, int]  # trials of practice and attention checks
    can_grow: bool  # whether a run learns from answers as they come
    foretold: bool  # whether a run foretells which trials tell most of somebody new
    embeddings: tuple[EmbeddingSet, ...]  # imported ones
    passed_over: tuple[str, ...]  # a sentence about what of it cannot be read, each


@dataclass(frozen=True, slots=True)
class StudyFaults:
    """What a check found, a sentence each."""

    database: tuple[str, ...]  # which a repair looks after
    files: tuple[str, ...]


def open_study(
    path: Path, read_only: str = "", tell: Callable[[str], None] = lambda _: None
) -> "Study":
    """Open a study, to look only if `read_only` says why; `tell` hears what takes long of it.

    Raises:
        InputError: if nothing is there.
    """
    from prism_desktop.engine.study.store import Study

    if not path.is_dir():
        raise InputError(f"There is no study at {path}; it may have been moved or renamed.")
    return Study.open(path, read_only=bool(read_only), why=read_only, tell=tell)


def origin(study: "Study", *, note: bool) -> "Origin | None":
    """Where a study that was just opened comes from; None if that cannot be read.

    It is known from now on if it is to be noted.
    """
    from prism_desktop.engine.study.known_studies import origin as read
    from prism_desktop.engine.study.known_studies import remember

    try:
        info = study.info()
        found = read(info)
    except PrismError:
        return None
    if note:
        remember(info.id, Path(study.path))
    return found


def open_known(
    path: Path, read_only: str, *, note: bool, tell: Callable[[str], None] = lambda _: None
) -> "tuple[Study, Origin | None, StimulusWords]":
    """Open a study, and say where it comes from and what its stimuli are called; raises as
    `open_study`, with no study left open."""
    study = open_study(path, read_only, tell)
    try:
        return study, origin(study, note=note), study.words()
    except BaseException:
        study.close()  # else it would stay locked
        raise


def create_study(
    folder: Path, name: str, attributes: Sequence[str], kind: StimulusKind | None = None
) -> Path:
    """Make an empty study, of images or texts if that is known; returns its folder."""
    from prism_desktop.engine.study.store import Study

    with Study.create(folder, name=name or None, attributes=tuple(attributes), kind=kind) as study:
        return Path(study.path)


def _samples(images: Sequence[ImageRecord]) -> tuple[ImageRecord, ...]:
    """Some images from all over the study, the first few of them as well as all."""
    few, more = (images[:: max(1, len(images) // count)][:count] for count in _SAMPLES)
    return tuple(dict.fromkeys((*few, *more)))[: _SAMPLES[1]]


def overview(study: "Study") -> Overview:
    """Read what the Study panel shows."""
    from prism_desktop.engine.adaptation.growth import can_grow
    from prism_desktop.engine.experiments.result_checks import passed_over
    from prism_desktop.engine.labeling.design import target
    from prism_desktop.engine.labeling.protocol import asked_by
    from prism_desktop.engine.labeling.telling_trials import foretold

    info, images, said, protocol = study.info(), study.images(), study.targets(), study.protocol()
    stimuli = study.stimuli()
    kinds: tuple[Kind, ...] = ("comparison", "rating")
    return Overview(
        info=info,
        labelers=tuple(study.labelers()),
        attributes=tuple(study.attributes()),
        imports=tuple(study.imports()),
        missing=tuple(image for image in images if image.missing),
        samples=_samples([image for image in images if not image.missing]),
        backups=tuple(study.backups()),
        backup_failure=study.backup_failure or "",
        targets={kind: target(kind, stimuli, said.get(kind)) for kind in kinds}
        | asked_by(protocol, sum(each.confirmed for each in study.attributes())),
        suited={kind: target(kind, stimuli) for kind in kinds},
        orders=study.orders(),
        protocol=protocol,
        set_aside=study.set_aside(),
        foretold=foretold(Path(study.path)),
        can_grow=can_grow(Path(study.path)),
        embeddings=list_embeddings(Path(study.path)),
        passed_over=(*info.passed_over, *passed_over(Path(study.path))),
    )


def check_study(path: Path) -> Iterator[Event[StudyFaults]]:
    """Look through a study's database, images and results, beside whoever has it open.

    Events, the last one a `Done`.
    """
    from prism_desktop.engine.experiments.result_checks import check_results
    from prism_desktop.engine.study.store import Study

    yield Progress(0, None, "Checking the database and the images")
    try:
        with Study.open(path, read_only=True) as study:
            found = study.check()
    except CorruptStudyError as error:
        found = [Problem("integrity", str(error))]
    results = yield from value(check_results(path))
    database = tuple(problem.text for problem in found if problem.in_database)
    others = tuple(problem.text for problem in found if not problem.in_database)
    yield Done(StudyFaults(database, (*others, *results.problems)))


def repair_study(path: Path) -> Iterator[Event[str]]:
    """Mend the database of a study that is not open, after a backup.

    Events, the last one a `Done` with what was done, in sentences. It cannot be cancelled in its
    midst, since the new database takes the old one's place in one step.
    """
    from prism_desktop.engine.study.repair import repair

    yield Progress(0, None, "Mending the database")
    yield Done(repair(path).summary())


def backups_of(path: Path) -> "tuple[BackupRecord, ...]":
    """A study's backups with what they hold, newest first; the study may be damaged."""
    from prism_desktop.engine.study.backup import described

    return described(path)


def restore_study(path: Path, name: str) -> Iterator[Event[str]]:
    """Put a backup in place of the database of a study that is not open.

    Events, the last one a `Done` with what was done, in sentences. It cannot be cancelled in its
    midst, since the database takes the other one's place in one step.
    """
    from prism_desktop.engine.study.restoring import restore

    yield Progress(0, None, "Going back to the backup")
    yield Done(restore(path, name).summary())


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


def import_images(
    study: "Study", folder: Path, copy: bool, only: Sequence[str] | None = None
) -> Iterator[Event[ImportReport]]:
    """Add a folder's images, or those of its files that are named.

    Events, the last one a `Done` with the report.
    """
    from prism_desktop.engine.study.importing.image_folder import import_images as work

    yield from work(study, folder, copy=copy, only=only)


def one_set(files: Sequence[Path]) -> str:
    """What a set of embeddings would be called, if this is a file of one; empty if it is not."""
    from prism_desktop.engine.study.importing.import_files import is_embeddings

    return name_from(files[0].stem) if len(files) == 1 and is_embeddings(files[0]) else ""


def import_embeddings(
    study: "Study", file: Path, name: str | None
) -> Iterator[Event[ImportReport]]:
    """Add a set of embeddings, called `name` or as its file.

    Events, the last one a `Done` with the report.
    """
    from prism_desktop.engine.study.importing.import_files import import_embedding_file as work

    yield from work(study, file, name)


def plan_import(
    study: "Study",
    files: Sequence[Path],
    recipe: "Recipe",
    *,
    replacing: str = "",
    kept: "KeptTables | None" = None,
) -> Iterator["Event[ImportPlan]"]:
    """Find out what an import of these files would bring; nothing is written.

    Args:
        replacing: id of an import that this one is to take the place of; its answers do not count
            as given before.
        kept: what was read of these files for earlier plans.

    Yields:
        Progress, then Done with the plan.

    Raises:
        InputError: if a file cannot be read or understood.
    """
    from prism_desktop.engine.study.importing.plan_making import plan_import as work

    yield from work(study, files, recipe, replaces=replacing or None, kept=kept)


def kept_tables() -> "KeptTables":
    """A place for what is read of the files of one import, while its recipe changes."""
    from prism_desktop.engine.study.importing.reading.file_reading import KeptTables

    return KeptTables()


def apply_import_plan(
    study: "Study", plan: "ImportPlan", *, replacing: str = ""
) -> Iterator[Event[ImportReport]]:
    """Write what was planned, in place of the import `replacing` if one is named.

    Events, the last one a `Done` with the report.
    """
    from prism_desktop.engine.study.importing.import_files import apply_plan as work

    yield from work(study, plan, confirmed=True, replaces=replacing or None)


def apply_together(
    study: "Study",
    plan: "ImportPlan",
    sets: Sequence[tuple[Path, str | None]],
    *,
    replacing: str = "",
) -> Iterator[Event[tuple[ImportReport, ...]]]:
    """As `apply_import_plan`, and after it sets of embeddings, each under its name.

    Events, the last one a `Done` with the reports.
    """
    from prism_desktop.engine.study.importing.import_files import apply_together as work

    yield from work(study, plan, sets, confirmed=True, replaces=replacing or None)


def usual_name(file: Path) -> str:
    """What a set of embeddings is called if nobody says otherwise."""
    return name_from(file.stem)


def save_recipe(recipe: "Recipe", file: Path) -> None:
    """Write a recipe as TOML.

    Raises:
        InputError: if the file cannot be written.
    """
    access.refuse_held_back(file)
    try:
        write_named(file, lambda beside: put_text(beside, recipe.to_toml()))
    except OSError as error:
        raise_fault(error, file, kept="The recipe was not saved; everything else is kept.")
        raise InputError(
            f"The recipe cannot be written to {file} ({error.strerror}); choose another place."
        ) from error


def export(study: "Study", folder: Path, kind: str) -> Iterator[Event[Any]]:
    """Write the study's tables into `folder` in one of the formats of `exporting`."""
    from prism_desktop.engine.study.exporting import export as work

    yield from work(study, folder, format=kind)


def paper_bundle(study: "Study", folder: Path, stimuli: bool) -> Iterator[Event[Any]]:
    """Write what a paper takes out of a study, without names, into `folder`."""
    from prism_desktop.engine.evaluation.publication.paper_bundle import PaperOptions
    from prism_desktop.engine.evaluation.publication.paper_bundle import paper_bundle as work

    yield from work(study, folder, PaperOptions(stimuli=stimuli))


def demo(folder: Path, *, texts: bool = False) -> Iterator[Event[Any]]:
    """Make the demo study of faces or of texts in `folder`."""
    if texts:
        from prism_desktop.engine.demo.text_study import build_text_demo

        yield from build_text_demo(folder)
        return
    from prism_desktop.engine.demo.demo_study import build_demo

    yield from build_demo(folder)


def undo_import(study: "Study", import_id: str) -> Changes:
    """Take an import back."""
    return study.undo_import(import_id)


def redo_import(study: "Study", import_id: str) -> Iterator[Event[ImportReport]]:
    """Bring an import that was undone back: its files are read again as they were read then.

    Events, the last one a `Done` with the report.
    """
    from prism_desktop.engine.study.importing.import_files import redo_import as work

    yield from work(study, import_id)


def is_there(file: Path) -> bool:
    """Whether a file that a study names lies on this computer; the network is not asked."""
    from prism_desktop.engine.study.importing.reading.file_marks import is_of_this_computer

    return is_of_this_computer(str(file)) and file.is_file()


def changed_files(report: ImportReport) -> list[Path]:
    """The files of an import that hold something else than when they were imported."""
    from prism_desktop.engine.study.importing.reading.file_marks import changed_files as work

    return work(report)


def dismiss_doubts(study: "Study", import_id: str, places: Sequence[int]) -> Changes:
    """Show these doubts of an import no more; they stay in its report."""
    return study.dismiss_doubts(import_id, places)


def confirm_attribute(study: "Study", name: str) -> Changes:
    """Say that an attribute is a judgment; from now on training learns it."""
    return study.confirm_attribute(name)


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
    yield from study.backing_up()


def image_paths(study: "Study") -> dict[str, Path]:
    """Where each image is now, by id."""
    return {image.id: image.path for image in study.images()}
