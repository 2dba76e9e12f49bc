"""Lists of names that somebody types, "a,b,c": of labelers, attributes, stimuli, methods."""

import csv
from collections.abc import Collection, Sequence
from contextlib import suppress

from prism_desktop.engine.errors import InputError


def listed_names(text: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """The names in "a,b,c": in double quotes where they hold a comma, as a CSV file has them, or
    without, where they are known.

    Args:
        text: what was typed.
        known: names that there are.

    Raises:
        InputError: the names that there are can be read in two ways.
    """
    parts = text.split(",")
    readings = _readings(parts, frozenset(known))
    if len(readings) > 1:
        shown = " or ".join(",".join(f'"{name}"' for name in reading) for reading in readings)
        raise InputError(
            f"“{text}” can mean {shown}, for names hold commas; write it so, in double quotes."
        )
    if readings:
        return readings[0]
    with suppress(csv.Error):  # raised for a quote that is a sign like others
        parts = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    return tuple(part.strip() for part in parts if part.strip())


def as_listed(names: Sequence[str]) -> str:
    """Names as `listed_names` reads them: "a, b", in double quotes where a plain list would be read
    otherwise."""
    return ", ".join(
        '"' + name.replace('"', '""') + '"' if {",", '"'} & set(name) else name for name in names
    )


def _readings(parts: Sequence[str], known: frozenset[str]) -> list[tuple[str, ...]]:
    """The first two ways of joining parts to nothing but known names; none where no name holds a
    comma or a quote, so that there is but one way."""
    longest = max((name.count(",") + 1 for name in known if set(name) & {",", '"'}), default=0)
    if not longest:
        return []
    ways: list[list[tuple[str, ...]]] = [[()]]  # of the first parts, none of them to all
    for end in range(1, len(parts) + 1):
        found: list[tuple[str, ...]] = []
        for start in range(max(0, end - longest), end):
            name = ",".join(parts[start:end]).strip()
            if name in known:
                found += [(*before, name) for before in ways[start]]
        ways.append(found[:2])
    return ways[-1]
