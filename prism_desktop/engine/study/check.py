"""What can be wrong with a study, looked for."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.grammar import counted, plural, word_for
from prism_desktop.engine.hearing import check_wanted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study import embeddings, queries, sound_rows
from prism_desktop.engine.study.confirmed import quoted
from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.database_check import database_problems, odd_rows_sentence
from prism_desktop.engine.study.images import hash_file
from prism_desktop.engine.study.records import ImageRecord, Problem
from prism_desktop.engine.study.sound_rows import places_of


def database(connection: Connection) -> list[Problem]:
    """Problems inside the database, and the way out of them."""
    return list(database_problems(driver_of(connection)))


def passed_over(connection: Connection) -> tuple[str, ...]:
    """A sentence about each kind of odd rows that readers do not see."""
    return tuple(map(odd_rows_sentence, sound_rows.passed_over(driver_of(connection))))


def files(connection: Connection, study: Path, *, deep: bool) -> list[Problem]:
    """Images that are missing or have changed, and files
    in the study's folder that belong to no image."""
    driver = driver_of(connection)
    places = places_of(driver)  # a file of an image that is odd is no stray
    rows = driver.execute(f"SELECT sha256, bytes, modified FROM {places['stimulus']}")
    facts = {row[0]: (row[1], row[2]) for row in rows}
    missing, changed = [], []
    for image in queries.images(connection, study):
        check_wanted()
        if image.missing:
            missing.append(image)
        elif (deep or _touched(image.path, *facts[image.id])) and not _same(image.path, image.id):
            changed.append(image)
    problems = [*_missing(missing, study), *_changed(changed)]
    for folder, kind, what in (
        ("thumbnails", "thumbnail", "thumbnails"),
        ("images", "copy", "copied images"),
    ):
        files = [file.name for file in (study / folder).glob("??/*")]
        strays = sorted(name for name in files if name.split(".")[0] not in facts)
        if strays:
            problems.append(
                Problem(
                    kind,
                    f"{_counted_files(len(strays))} to no image of the study among the {what} in "
                    f"{study / folder}: {few(strays)}. Nothing needs them; they can be deleted.",
                )
            )
    return problems + _embeddings(connection, study)


def _missing(images: Sequence[ImageRecord], study: Path) -> Iterator[Problem]:
    """One sentence for each folder whose images are gone."""
    copies = [image.name for image in images if image.copied]
    if copies:
        yield Problem(
            "missing",
            f"{_are(len(copies), 'copied image')} gone from {study / 'images'}: {few(copies)}. "
            f"Import the folder that they came from again ({_command('import', study)}): they "
            "are copied again.",
        )
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for image in images:
        if not image.copied:
            folders[_folder(image)].append(image.name)
    for folder, names in sorted(folders.items()):
        where = word_for(len(names), "it was", "they were")
        yield Problem(
            "missing",
            f"{_are(len(names), 'image')} not where {where} (under {folder}): {few(names)}. "
            f"{_command('relink', study)} finds {_them(len(names))} again.",
        )


def _changed(images: Sequence[ImageRecord]) -> Iterator[Problem]:
    if images:
        have = counted(len(images), "image has", "images have")
        since = word_for(len(images), "it was", "they were")
        yield Problem(
            "changed",
            f"{have} changed since {since} added: {few([str(image.path) for image in images])}. "
            "Put the files back as they were, or import their folder as new images.",
        )


def _folder(image: ImageRecord) -> str:
    """The folder that an image was imported from, told by its name."""
    path, name = image.path.as_posix(), f"/{image.name}"
    return path.removesuffix(name) if path.endswith(name) else str(image.path.parent)


def _command(name: str, study: Path) -> str:
    return f"`prism-desktop study {name} {quoted(str(study))} FOLDER`"


def _are(count: int, what: str) -> str:
    return counted(count, f"{what} is", f"{plural(what)} are")


def _them(count: int) -> str:
    return word_for(count, "it", "them")


def _counted_files(count: int) -> str:
    return counted(count, "file belongs", "files belong")


def _embeddings(connection: Connection, study: Path) -> list[Problem]:
    """Sets of embeddings that are gone or damaged, or that no import owns."""
    problems = []
    for name in _owned(connection):
        try:
            embeddings.read_embeddings(study, name)
        except PrismError as error:
            problems.append(Problem("embeddings", str(error)))
    problems += [
        Problem(
            "embeddings",
            f"The embeddings {name} in {study} belong to no import; `prism-desktop study check "
            f"--repair {quoted(str(study))}` moves them out of the way.",
        )
        for name in stray_embeddings(connection, study)
    ]
    return problems


def stray_embeddings(connection: Connection, study: Path) -> list[str]:
    """Names of sets of embeddings that no import owns."""
    owned = _owned(connection)
    return [found.name for found in embeddings.list_embeddings(study) if found.name not in owned]


def _owned(connection: Connection) -> list[str]:
    reports = [report for report in queries.imports(connection) if report.undone is None]
    return [
        str(report.mapping["embeddings"]) for report in reports if "embeddings" in report.mapping
    ]


def _touched(path: Path, size: int | None, modified: float | None) -> bool:
    try:
        status = path.stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime) != (size, modified)


def _same(path: Path, image: str) -> bool:
    try:
        return hash_file(path) == image
    except OSError:
        return False
