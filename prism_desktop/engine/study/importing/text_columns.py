"""What the columns of a file of texts are, by their names, whatever letters are capitals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

# What somebody may say that a column is.
TextRole = Literal["text", "id", "prompt", "author", "group", "fact", "ignore"]
TextsKind = Literal["texts", "own texts"]
TEXT_FORMATS: Final = get_args(TextsKind)
Part = Literal["name", "text", "prompt", "author", "group", "fold"]
FACT: Final = "fact_"  # how an export heads a column of facts
_OWN: Final = "own_text_id"  # of an export
# Of several names the first that a file has.
_NAMES: Final[dict[Part, tuple[str, ...]]] = {
    "text": ("text",),
    "name": ("id", "name"),
    "prompt": ("prompt",),
    "author": ("author", "labeler"),
    "group": ("group",),
    "fold": ("fold",),
}
_DERIVED: Final = frozenset({"text_id", _OWN})  # what an export says that follows from the rest

_NOTHING_SAID: Final[Mapping[str, TextRole]] = {}


@dataclass(frozen=True, slots=True)
class TextColumns:
    """The columns of one file of texts."""

    parts: dict[Part, str]  # what is known -> its column
    facts: tuple[str, ...]  # columns of anything else that is said about the texts

    def __contains__(self, part: str) -> bool:
        return part in self.parts


def text_columns(
    names: Sequence[str], said: Mapping[str, TextRole] = _NOTHING_SAID
) -> TextColumns | None:
    """What the columns of a table are; None where none holds texts.

    Args:
        names: of its columns.
        said: what somebody said of some of them; the others are known by their names.
    """
    known = {_plain(name): name for name in reversed(names) if name not in said}
    parts: dict[Part, str] = {}
    for name in names:
        role = said.get(name, "fact")
        if role == "id":
            parts.setdefault("name", name)
        elif role != "fact" and role != "ignore":
            parts.setdefault(role, name)
    for part, called in _NAMES.items():
        if part in parts:
            continue
        found = next((known[name] for name in called if name in known), None)
        if found is not None:
            parts[part] = found
    if "text" not in parts:
        return None
    used = {*parts.values(), *(name for name, role in said.items() if role == "ignore")}
    rest = (name for name in names if name not in used and _plain(name) not in _DERIVED)
    return TextColumns(parts, tuple(rest))


def texts_kind(
    names: Iterable[str], said: Mapping[str, TextRole] = _NOTHING_SAID
) -> TextsKind | None:
    """Whether a table can be nothing but one of texts: it has no column beside those of texts, or
    somebody said which one holds them."""
    columns = list(names)
    found = text_columns(columns, said)
    if found is None:
        return None
    if said.get(found.parts["text"]) != "text" and any(
        not _plain(name).startswith(FACT) for name in found.facts
    ):
        return None
    return "own texts" if _OWN in map(_plain, columns) else "texts"


def _plain(name: str) -> str:
    return name.strip().lower()


def role_of(columns: TextColumns, name: str) -> TextRole:
    """What a column of a table of texts is."""
    part = next((part for part, called in columns.parts.items() if called == name), None)
    if part is None:
        return "fact" if name in columns.facts else "ignore"
    return "id" if part == "name" else "ignore" if part == "fold" else part
