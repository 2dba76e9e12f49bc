"""What can be wrong with a study, looked for."""

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.study import embeddings, queries, schema
from prism_desktop.engine.study.images import hash_file
from prism_desktop.engine.study.records import FOLDS, ImageRecord, Problem

_NAMED = 3  # files named of those that a sentence counts
# the way out of a damaged database
_BACKUP = (
    " Put the newest copy from the study's folder `backups` in the place of study.sqlite3, or undo "
    "the import that brought it."
)


def database(connection: Connection) -> list[Problem]:
    """Problems inside the database: damage, references to nothing, rules broken."""
    problems = [
        Problem("integrity", f"The database is damaged: {row[0]}.{_BACKUP}")
        for row in connection.execute(text("PRAGMA integrity_check(20)"))
        if row[0] != "ok"
    ]
    problems += [
        Problem(
            "reference",
            f"A row of table {row[0]} refers to a row of table {row[2]} that is gone.{_BACKUP}",
        )
        for row in connection.execute(text("PRAGMA foreign_key_check"))
    ]
    if connection.execute(text("PRAGMA application_id")).scalar() != schema.APPLICATION_ID:
        problems.append(
            Problem("identity", f"The database does not carry the mark of a study.{_BACKUP}")
        )
    for count, kind, sentence in _counted(connection):
        if count:
            problems.append(Problem(kind, sentence.format(count=count) + _BACKUP))
    return problems


def _counted(connection: Connection) -> Iterator[tuple[int, str, str]]:
    """(How many, kind of problem, sentence) of what foreign keys and checks cannot hold.

    Imported and simulated trials have no log of their own, so theirs is not compared.
    """
    counts = (
        (
            f"stimulus WHERE fold NOT BETWEEN 0 AND {FOLDS - 1}",
            "fold",
            "{count} images have no valid fold.",
        ),
        (
            "trial AS t WHERE t.skipped = 0 AND NOT EXISTS (SELECT 1 FROM answer AS a WHERE "
            "a.trial_id = t.id)",
            "reference",
            "{count} answered trials have lost their answers.",
        ),
        (
            """trial AS t WHERE t.import_id IS NULL AND t.source = 'labeled' AND t.withdrawn <>
            coalesce(
            (SELECT e.event = 'withdrawn' FROM trial_event AS e WHERE e.trial_id = t.id ORDER BY
            e.id DESC LIMIT 1),
            t.withdrawn)""",
            "reference",
            "{count} trials are withdrawn or not against what their log says.",
        ),
        (
            """fact AS f WHERE NOT EXISTS (SELECT 1 FROM labeler AS p WHERE f.owner_kind = 'rater'
            AND p.id = f.owner_id) AND NOT EXISTS (SELECT 1 FROM stimulus AS s WHERE f.owner_kind =
            'image' AND s.id = f.owner_id)""",
            "reference",
            "{count} facts are about a labeler or an image that is gone.",
        ),
    )
    for table, kind, sentence in counts:
        yield connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one(), kind, sentence


def files(connection: Connection, study: Path, *, deep: bool) -> list[Problem]:
    """Images that are missing or have changed, and files
    in the study's folder that belong to no image."""
    facts = {
        row[0]: (row[1], row[2])
        for row in connection.execute(text("SELECT sha256, bytes, modified FROM stimulus"))
    }
    missing, changed = [], []
    for image in queries.images(connection, study):
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
                    f"{study / folder}: {_few(strays)}. Nothing needs them; they can be deleted.",
                )
            )
    return problems + _embeddings(connection, study)


def _missing(images: Sequence[ImageRecord], study: Path) -> Iterator[Problem]:
    """One sentence for each folder whose images are gone."""
    copies = [image.name for image in images if image.copied]
    if copies:
        yield Problem(
            "missing",
            f"{_are(len(copies), 'copied image')} gone from {study / 'images'}: {_few(copies)}. "
            f"Import the folder that they came from again (`{_command('import', study)}`): they "
            "are copied again.",
        )
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for image in images:
        if not image.copied:
            folders[_folder(image)].append(image.name)
    for folder, names in sorted(folders.items()):
        where = "it was" if len(names) == 1 else "they were"
        yield Problem(
            "missing",
            f"{_are(len(names), 'image')} not where {where} (under {folder}): {_few(names)}. "
            f"`{_command('relink', study)}` finds {_them(len(names))} again.",
        )


def _changed(images: Sequence[ImageRecord]) -> Iterator[Problem]:
    if images:
        one = len(images) == 1
        have = "1 image has" if one else f"{len(images)} images have"
        since = "it was" if one else "they were"
        yield Problem(
            "changed",
            f"{have} changed since {since} added: {_few([str(image.path) for image in images])}. "
            "Put the files back as they were, or import their folder as new images.",
        )


def _folder(image: ImageRecord) -> str:
    """The folder that an image was imported from, told by its name."""
    path, name = image.path.as_posix(), f"/{image.name}"
    return path.removesuffix(name) if path.endswith(name) else str(image.path.parent)


def _command(name: str, study: Path) -> str:
    return f"prism-desktop study {name} {shlex.quote(str(study))} FOLDER"


def _are(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _counted_files(count: int) -> str:
    return "1 file belongs" if count == 1 else f"{count} files belong"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _embeddings(connection: Connection, study: Path) -> list[Problem]:
    """Sets of embeddings that are gone or damaged, or that no import owns."""
    reports = [report for report in queries.imports(connection) if report.undone is None]
    owned = [
        str(report.mapping["embeddings"]) for report in reports if "embeddings" in report.mapping
    ]
    problems = []
    for name in owned:
        try:
            embeddings.read_embeddings(study, name)
        except PrismError as error:
            problems.append(Problem("embeddings", str(error)))
    strays = [found.name for found in embeddings.list_embeddings(study) if found.name not in owned]
    problems += [
        Problem(
            "embeddings",
            f"The embeddings {name} in {study} belong to no import; delete their file, or import "
            "it again.",
        )
        for name in strays
    ]
    return problems


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
