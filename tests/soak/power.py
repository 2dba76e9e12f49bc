"""Disks as a power cut may leave them, made from what a real process did to its disk.

The disk shim recorded every write, sync, truncation and change of a name. What was not synced when
the power went may have reached the disk or not, each write whole, not at all or in part (in sectors
of 512 or 4096 bytes), in any order; names of one folder change in the order in which they were
changed. A synced file's bytes are there, and a synced folder's names with its own; a synced file's
name is not there for that.
"""

import random
import shutil
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

WRITE, SYNC, TRUNCATE, CREATE, RENAME, UNLINK, MKDIR, RMDIR, LINK, MARK = range(1, 11)
_HEAD = struct.Struct("=5Q")
_NAMED = {CREATE, RENAME, UNLINK, MKDIR, RMDIR, LINK}


@dataclass(frozen=True, slots=True)
class _Lost:
    """How likely it is that an unsynced change is lost."""

    names: float
    bytes: float
    torn: bool = False


_LOST = {
    "nothing unsynced": _Lost(1, 1),
    "everything": _Lost(0, 0),
    "names without bytes": _Lost(0, 1),
    "bytes without names": _Lost(1, 0),
    "some": _Lost(0.3, 0.5),
    "torn": _Lost(0.2, 0.2, torn=True),
}
HOW = tuple(_LOST)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a process did, as it was recorded."""

    kind: int
    path: str
    other: str = ""  # the new name
    offset: int = 0  # of a write; the length of a truncation; the number of a file made or synced
    data: bytes = b""


def read_trace(file: Path) -> list[Step]:
    """The steps of a recording, in their order.

    Rust's libraries rename without the C library, so such a rename is told by the file's number.
    """
    steps: list[Step] = []
    numbers: dict[str, int] = {}  # of files that were made
    for step in _recorded(file):
        if step.kind == CREATE:
            numbers[step.path] = step.offset
        elif step.kind == RENAME and step.path in numbers:
            numbers[step.other] = numbers.pop(step.path)
        elif step.kind == SYNC and numbers.get(step.path, step.offset) != step.offset:
            folder = Path(step.path).parent
            for name, number in numbers.items():
                if number == step.offset and Path(name).parent == folder:
                    steps.append(Step(RENAME, name, step.path))
                    numbers[step.path] = numbers.pop(name)
                    break
        steps.append(step)
    return steps


def pack(step: Step) -> bytes:
    """A step as the shim records it."""
    path, other = step.path.encode(), step.other.encode()
    head = _HEAD.pack(step.kind, len(path), len(other), step.offset, len(step.data))
    return head + path + other + step.data


def _recorded(file: Path) -> list[Step]:
    content, at, steps = memoryview(file.read_bytes()), 0, []
    while at < len(content):
        kind, path, other, offset, length = _HEAD.unpack_from(content, at)
        parts, at = [], at + _HEAD.size
        for size in (path, other, length):
            parts.append(bytes(content[at : at + size]))
            at += size
        steps.append(Step(kind, parts[0].decode(), parts[1].decode(), offset, parts[2]))
    return steps


@dataclass(slots=True)
class _Node:
    """A file with its bytes, or a folder with its names."""

    names: "dict[str, _Node] | None" = None
    content: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class _Change:
    """A step, with the files and folders that it is about; those stay the same under any name."""

    step: Step
    node: _Node  # what is written, synced or named
    folder: _Node | None = None  # where its name is
    name: str = ""
    source: _Node | None = None  # where its name was
    old: str = ""


class Recording:
    """What a process did below a folder, from which any number of crashed disks can be made.

    Args:
        root: the folder that was worked in.
        before: a copy of it as it was before, all of it on the disk.
        trace: the recording.
    """

    def __init__(self, root: Path, before: Path, trace: Path) -> None:
        self._root, self._before = root, before
        self.steps = read_trace(trace)

    def told(self, at: int) -> tuple[str, ...]:
        """What was acknowledged before a step."""
        return tuple(step.path for step in self.steps[:at] if step.kind == MARK)

    def crash(self, at: int, how: str, dice: random.Random, to: Path) -> None:
        """Write to a folder what may be on the disk if the power goes before step `at`.

        Args:
            at: from 0 to the number of steps.
            how: one of `HOW`.
            dice: decides what cannot be known.
            to: the folder, which is made anew.
        """
        top = _read(self._before)
        live = _Live(top, self._root)
        changes = [live.change(step) for step in self.steps[:at]]
        for change, data in _kept(changes, how, dice):
            _apply(change, data)
        shutil.rmtree(to, ignore_errors=True)
        _write(top, to)


class _Live:
    """The names as the running process saw them, beside those on the disk."""

    def __init__(self, top: _Node, root: Path) -> None:
        self._root = str(root)
        self._top = top
        self._names: dict[int, dict[str, _Node]] = {}

    def _inside(self, folder: _Node) -> dict[str, _Node]:
        if id(folder) not in self._names:
            self._names[id(folder)] = dict(folder.names or {})
        return self._names[id(folder)]

    def _find(self, path: str) -> tuple[_Node, str]:
        """(Folder, name) of a path."""
        parts = Path(path).relative_to(self._root).parts
        node = self._top
        for part in parts[:-1]:
            node = self._inside(node)[part]
        return node, parts[-1] if parts else ""

    def _at(self, path: str) -> _Node:
        folder, name = self._find(path)
        return self._inside(folder)[name] if name else folder

    def change(self, step: Step) -> _Change:
        """What a step is about; the names are changed by it."""
        if step.kind == MARK:
            return _Change(step, _Node())
        if step.kind not in _NAMED:
            return _Change(step, self._at(step.path))
        folder, name = self._find(step.path)
        inside = self._inside(folder)
        if step.kind in (CREATE, MKDIR):
            inside[name] = _Node({} if step.kind == MKDIR else None)
            return _Change(step, inside[name], folder, name)
        if step.kind in (UNLINK, RMDIR):
            return _Change(step, inside.pop(name), folder, name)
        target, new = self._find(step.other)
        node = inside[name] if step.kind == LINK else inside.pop(name)
        self._inside(target)[new] = node
        return _Change(step, node, target, new, folder if step.kind == RENAME else None, name)


def _kept(
    changes: Sequence[_Change], how: str, dice: random.Random
) -> Iterator[tuple[_Change, Sequence[tuple[int, bytes]]]]:
    """The changes that reached the disk, each with the parts of its bytes that did."""
    synced = {id(c.node): number for number, c in enumerate(changes) if c.step.kind == SYNC}
    late: set[int] = set()  # folders whose later names did not
    lost = _LOST[how]
    for number, change in enumerate(changes):
        step = change.step
        if step.kind in (MARK, SYNC):
            continue
        data: Sequence[tuple[int, bytes]] = [(0, step.data)]
        if step.kind in _NAMED:
            folders = {id(f) for f in (change.folder, change.source) if f is not None}
            if step.kind == MKDIR:
                folders.add(id(change.node))
            durable = (any if step.kind == MKDIR else all)(
                synced.get(folder, -1) > number for folder in folders
            )
            if not durable and (late & folders or dice.random() < lost.names):
                late |= folders
                continue
        elif synced.get(id(change.node), -1) < number:
            if dice.random() < lost.bytes:
                continue
            if lost.torn:
                data = _pieces(step, dice)
        yield change, data


def _apply(change: _Change, data: Sequence[tuple[int, bytes]]) -> None:
    step, node = change.step, change.node
    if step.kind == WRITE:
        for offset, part in data:
            start = step.offset + offset
            if len(node.content) < start:
                node.content.extend(bytes(start - len(node.content)))
            node.content[start : start + len(part)] = part
    elif step.kind == TRUNCATE:
        del node.content[step.offset :]
        node.content.extend(bytes(step.offset - len(node.content)))
    else:
        _rename(change)


def _rename(change: _Change) -> None:
    """Make, move or remove a name."""
    assert change.folder is not None
    assert change.folder.names is not None
    names = change.source.names if change.source is not None else None
    if names is not None and names.get(change.old) is change.node:
        del names[change.old]
    if change.step.kind not in (UNLINK, RMDIR):
        change.folder.names[change.name] = change.node
    elif change.folder.names.get(change.name) is change.node:
        del change.folder.names[change.name]


def _pieces(step: Step, dice: random.Random) -> list[tuple[int, bytes]]:
    """Sectors of a write that reached the disk: those before one, or any."""
    sector = dice.choice((512, 4096))
    starts = range(0, len(step.data), sector)
    if dice.random() < 0.5:
        kept = list(starts[: dice.randint(0, len(starts))])
    else:
        kept = [start for start in starts if dice.random() < 0.5]
    return [(start, step.data[start : start + sector]) for start in kept]


def _read(path: Path) -> _Node:
    if not path.is_dir():
        return _Node(content=bytearray(path.read_bytes()))
    return _Node({inner.name: _read(inner) for inner in sorted(path.iterdir())})


def _write(node: _Node, path: Path) -> None:
    if node.names is None:
        path.write_bytes(node.content)
        return
    path.mkdir(parents=True)
    for name, inner in node.names.items():
        _write(inner, path / name)
