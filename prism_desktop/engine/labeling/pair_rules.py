"""Which images are compared and which never are, by what is known of them."""

from collections.abc import Iterable

from prism_desktop.engine.study.records import FactRecord, ImageId

PERSON = frozenset({"person", "identity"})  # facts of an image that say whose face it shows

TOGETHER = "compared within"  # fact of an image: only those that have it alike are compared


def person_of(facts: Iterable[FactRecord]) -> dict[ImageId, str]:
    """Image id -> whose face it shows, of those where a fact says it."""
    return {
        fact.owner: fact.value
        for fact in facts
        if fact.kind == "image" and fact.name.casefold() in PERSON
    }


def group_of(facts: Iterable[FactRecord]) -> dict[ImageId, str]:
    """Image id -> the group within which alone it is compared, of those where a fact says it."""
    return {
        fact.owner: fact.value
        for fact in facts
        if fact.kind == "image" and fact.name.casefold() == TOGETHER
    }
