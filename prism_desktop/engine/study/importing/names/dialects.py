"""What programs call things: the table dialects.toml, and names compared with it."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from prism_desktop.engine.study.importing.import_recipe import Unit

_FILE: Final = Path(__file__).with_name("dialects.toml")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN: Final = re.compile(r"[\s\-/]+")
_WITHIN: Final = re.compile(r":(?=[^\s])")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one program heads its columns.

    Attributes:
        name: the program's, "" for what any table may do.
        roles: role -> patterns of column names, the preferred ones first. "weak_attribute" are
            names that mean an attribute only where the values are attributes.
        rt_unit: of response times, None where it is not known.
    """

    name: str
    roles: Mapping[str, tuple[str, ...]]
    signature: tuple[frozenset[str], ...] = ()
    rt_unit: Unit | None = None

    def rank(self, role: str, name: str) -> int | None:
        """How well a column's name (as `plain_name` writes it) suits a role, 0 is best; None: it
        does not."""
        patterns = self.roles.get(role, ())
        for known in dict.fromkeys((name, name.replace(".", "_"))):
            for place, pattern in enumerate(patterns):
                if known == pattern or ("*" in pattern and fnmatchcase(known, pattern)):
                    return place
        last = name.rpartition(".")[2]
        if (
            not self.name
            and last != name
            and last in patterns
            and role not in ("ignore", "left", "right")
        ):
            return len(patterns) + patterns.index(last)  # "meta.rater"
        return None


def plain_name(name: str) -> str:
    """A column's name as compared: "Response time", "ResponseTime" and "response_time" are one."""
    words = _WITHIN.sub(".", _CAMEL.sub("_", name.strip().strip(":?").strip()))
    return re.sub(r"_+", "_", _BETWEEN.sub("_", words).lower()).strip("_") if words else ""


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def trait_words() -> dict[str, frozenset[str]]:
    """A word for something judged, as `plain_name` writes it -> all that mean the same."""
    groups = [frozenset(entry["words"]) for entry in _content()["trait"]]
    return {word: group for group in groups for word in group}


@cache
def _all() -> tuple[Dialect, tuple[Dialect, ...]]:
    content = _content()
    programs = tuple(
        Dialect(
            entry["name"],
            _roles(entry),
            tuple(frozenset(names) for names in entry["signature"]),
            entry.get("rt_unit"),
        )
        for entry in content["program"]
    )
    return Dialect("", _roles(content["any"])), programs


def _roles(entry: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    return {
        role: tuple(names)
        for role, names in entry.items()
        if isinstance(names, list) and role != "signature"
    }


def common() -> Dialect:
    """What columns are called in any table."""
    return _all()[0]


def dialect_of(names: Iterable[str]) -> Dialect | None:
    """The program whose columns these are, None if no one's are known.

    Args:
        names: of all columns, as the file heads them.
    """
    plain = {plain_name(name) for name in names}
    return next(
        (
            dialect
            for dialect in _all()[1]
            if any(_holds(plain, needed) for needed in dialect.signature)
        ),
        None,
    )


def _holds(names: set[str], needed: frozenset[str]) -> bool:
    return all(
        pattern in names or ("*" in pattern and any(fnmatchcase(name, pattern) for name in names))
        for pattern in needed
    )


def best(role: str, names: Sequence[str], dialects: Sequence[Dialect]) -> list[tuple[int, int]]:
    """Which columns suit a role, best first.

    Args:
        role: as the dialects name it.
        names: of the columns, plain.
        dialects: the preferred one first.

    Returns:
        (place of the column, place of the dialect) each.
    """
    found = []
    for place, name in enumerate(names):
        for number, dialect in enumerate(dialects):
            rank = dialect.rank(role, name)
            if rank is not None:
                found.append((number, rank, place))
                break
    return [(place, number) for number, _, place in sorted(found)]
