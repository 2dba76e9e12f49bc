"""What can be wrong with a study, looked for."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.study import embeddings, queries, schema
from prism_desktop.engine.study.images import hash_file
from prism_desktop.engine.study.records import FOLDS, Problem


def database(connection: Connection) -> list[Problem]:
    """Problems inside the database: damage, references to nothing, rules broken."""
    problems = [
        Problem("integrity", f"The database is damaged: {row[0]}.")
        for row in connection.execute(text("PRAGMA integrity_check(20)"))
        if row[0] != "ok"
    ]
    problems += [
        Problem(
            "reference", f"A row of table {row[0]} refers to a row of table {row[2]} that is gone."
        )
        for row in connection.execute(text("PRAGMA foreign_key_check"))
    ]
    if connection.execute(text("PRAGMA application_id")).scalar() != schema.APPLICATION_ID:
        problems.append(Problem("identity", "The database does not carry the mark of a study."))
    for count, kind, sentence in _counted(connection):
        if count:
            problems.append(Problem(kind, sentence.format(count=count)))
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
    problems = []
    for image in queries.images(connection, study):
        if image.missing:
            problems.append(
                Problem("missing", f"The image {image.name} is not at {image.path} any more.")
            )
        elif (deep or _touched(image.path, *facts[image.id])) and not _same(image.path, image.id):
            problems.append(
                Problem(
                    "changed",
                    f"The image {image.name} at {image.path} has changed since it was added.",
                )
            )
    for folder, kind, what in (
        ("thumbnails", "thumbnail", "thumbnail"),
        ("images", "copy", "copied image"),
    ):
        strays = [file for file in (study / folder).glob("??/*") if file.stem not in facts]
        if strays:
            problems.append(
                Problem(
                    kind,
                    f"{len(strays)} files of {study / folder} belong to no {what} of the study.",
                )
            )
    return problems + _embeddings(connection, study)


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
        Problem("embeddings", f"The embeddings {name} in {study} belong to no import.")
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
