"""What the trials say: a line of JSON for each, those known to be harmless told apart, a table."""

import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.mutate.choice import Change, Key
from tools.mutate.warm import Outcome

HARMLESS = Path(__file__).with_name("harmless.toml")
WORDS = ("found", "slow", "survived", "cut", "unreached")
FOUND = ("found", "slow")


class StaleEntryError(Exception):
    """The list of harmless changes names code that is no longer there."""


def write(path: Path, change: Change, outcome: Outcome) -> None:
    """Append what became of a change; a later line about it takes the place of an earlier one."""
    row = {**asdict(change), **asdict(outcome)}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read(path: Path) -> dict[Key, Mapping[str, Any]]:
    """What is known of each change."""
    found: dict[Key, Mapping[str, Any]] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        row = json.loads(line)
        found[row["file"], row["function"], row["before"], row["after"], row["nth"]] = row
    return found


def harmless(now: Iterable[Change], path: Path = HARMLESS) -> dict[Key, str]:
    """The changes that alter nothing a user could see, each with its reason.

    Args:
        now: every change that can be made today.

    Raises:
        StaleEntryError: if the function of an entry is not the one that was looked at.
    """
    entries = tomllib.loads(path.read_text("utf-8"))["harmless"] if path.exists() else []
    codes = {change.key: change.code for change in now}
    found, stale = {}, []
    for one in entries:
        key = one["file"], one["function"], one["before"], one["after"], one.get("nth", 0)
        if codes.get(key) == one["code"]:
            found[key] = one["why"]
        else:
            stale.append(f"{one['file']} {one['function']}: `{one['before']}` -> `{one['after']}`")
    if stale:
        raise StaleEntryError(
            f"{path.name} lists changes of code that is another now; look at each again, then put "
            "its new `code` there or take it out:\n  " + "\n  ".join(stale)
        )
    return found


def entry(change: Change) -> str:
    """What stands in the list of the harmless for a change, but for the reason."""
    lines = [
        "[[harmless]]",
        *(f"{name} = {json.dumps(getattr(change, name))}" for name in ("file", "function")),
        *(f"{name} = {json.dumps(getattr(change, name))}" for name in ("before", "after", "nth")),
        f'code = "{change.code}"',
        'why = ""',
    ]
    return "\n".join(lines)


def survivors(changes: Sequence[Change], known: Mapping[Key, Mapping[str, Any]]) -> list[Change]:
    """Those that were tried and not found."""
    return [c for c in changes if known.get(c.key, {}).get("word", "found") not in FOUND]


def say(
    changes: Sequence[Change],
    rooms: Mapping[str, Sequence[Path]],
    known: Mapping[Key, Mapping[str, Any]],
    spared: Container[Key],
) -> None:
    """Print what survived, as entries to copy and as a list, and the table."""
    left = [change for change in survivors(changes, known) if change.key not in spared]
    for change in left:
        print(f"\n{entry(change)}")
    print()
    for change in left:
        print(f"{known[change.key]['word']}: {change}")
    print("\n" + table(changes, rooms, known, spared))


def table(
    changes: Sequence[Change],
    rooms: Mapping[str, Sequence[Path]],
    known: Mapping[Key, Mapping[str, Any]],
    spared: Container[Key],
) -> str:
    """Counts and rates by room, as Markdown; "found of all" counts the harmless as missed."""
    room = {file.as_posix(): name for name, files in rooms.items() for file in files}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for change in changes:
        if (row := known.get(change.key)) is not None:
            word = row["word"]
            if change.key in spared and word not in FOUND:
                word = "harmless"
            counts[room[change.file]][word] += 1
    counts = dict(sorted(counts.items()))
    counts["all"] = sum(counts.values(), Counter())
    head = ("room", "tried", *WORDS, "harmless", "found of all", "found of not harmless")
    rows = [head, ("---", *["---:"] * (len(head) - 1))]
    for name, count in counts.items():
        tried, hits = count.total(), sum(count[word] for word in FOUND)
        rows.append(
            (
                name,
                str(tried),
                *(str(count[word]) for word in (*WORDS, "harmless")),
                _rate(hits, tried),
                _rate(hits, tried - count["harmless"]),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
