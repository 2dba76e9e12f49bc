"""Facts about labelers and images that imports brought: what is kept, and which of them count."""

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.database import driver_of
from prism_desktop.engine.study.records import Changes, FactRecord
from prism_desktop.engine.study.writing import check_name

_OWNERS: Final = {
    "rater": ("SELECT code, id FROM labeler", "labeler"),
    "image": ("SELECT sha256, id FROM stimulus", "image"),
}
# Rows come in the order of their imports, so that the newest value is the last.
_NEWEST = """SELECT f.owner_kind, coalesce(p.code, s.sha256), f.name, f.value FROM fact AS f
LEFT JOIN labeler AS p ON f.owner_kind = 'rater' AND p.id = f.owner_id
LEFT JOIN stimulus AS s ON f.owner_kind = 'image' AND s.id = f.owner_id
ORDER BY f.owner_kind DESC, p.id, s.name, f.name, f.import_id"""


def add(connection: Connection, facts: Iterable[FactRecord], import_id: int) -> Changes:
    """Keep what an import says; of two values for one fact the last counts, empty ones are not
    kept.

    Raises:
        InputError: the labeler or image is not in the study, or a fact's name cannot be used.
    """
    driver = driver_of(connection)
    owners = {kind: dict(driver.execute(query)) for kind, (query, _) in _OWNERS.items()}
    named: set[str] = set()
    touched: set[str] = set()

    def rows() -> Iterator[tuple[str, int, str, int, str]]:
        for fact in facts:
            if not fact.value.strip():
                continue
            if fact.name not in named:
                check_name(fact.name, "the name of a fact")
                named.add(fact.name)
            owner = owners.get(fact.kind, {}).get(fact.owner)
            if owner is None:
                what = _OWNERS[fact.kind][1] if fact.kind in _OWNERS else fact.kind
                raise InputError(f"There is no {what} {fact.owner!r} in this study.")
            touched.add(fact.kind)
            yield fact.kind, owner, fact.name, import_id, fact.value

    driver.executemany(
        "INSERT OR REPLACE INTO fact (owner_kind, owner_id, name, import_id, value) "
        "VALUES (?, ?, ?, ?, ?)",
        rows(),
    )
    return Changes(images="image" in touched, labelers="rater" in touched)


def current(connection: Connection) -> tuple[FactRecord, ...]:
    """What is known about labelers, in the order in which they were added, then about images, in
    the order of their names; of one owner in the order of the facts' names."""
    rows = driver_of(connection).execute(_NEWEST)
    newest = {(kind, owner, name): value for kind, owner, name, value in rows}
    return tuple(FactRecord(*key, value) for key, value in newest.items())
