"""Attributes as sentences for the text tower. Needs no torch."""

from collections.abc import Sequence

DEFAULT_TEMPLATES = (
    "{}",
    "a {} person",
    "this person looks {}",
    "this person is {}",
    "this person appears {}",
)


def sentences(attribute: str, templates: Sequence[str] = DEFAULT_TEMPLATES) -> tuple[str, ...]:
    """Each template with the attribute in its place; a template without a place stays as it is."""
    return tuple(template.replace("{}", attribute) for template in templates)
