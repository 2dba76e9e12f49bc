"""Which changes are tried: drawn by a seed, evenly over rooms, their files and functions."""

import ast
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from tools.mutate import sites
from tools.mutate.reach import Place

# How often each kind is drawn where a function offers it: what turns a result into another wrong
# one rather than into an error comes first.
WEIGHTS = {
    "comparison": 4,
    "arithmetic": 4,
    "constant": 4,
    "condition": 3,
    "boolean": 3,
    "opposite": 3,
    "removed": 2,
    "slice": 2,
    "returned": 1,
}
Key = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Change:
    """One change of one file.

    Attributes:
        number: its place in `sites.sites` of the file as it is.
        offset: lines from the function's first to the statement's.
        constant: whether a module's number is changed; `function` is its name then.
        nth: which of the same changes of one function it is.
        code: digest of the function as it is, whatever its layout and comments.
    """

    file: str
    function: str
    number: int
    line: int
    offset: int
    kind: str
    before: str
    after: str
    nth: int
    constant: bool
    code: str

    @property
    def key(self) -> Key:
        """What it is known by, whatever changes elsewhere in the file."""
        return self.file, self.function, self.before, self.after, self.nth

    def __str__(self) -> str:
        before, after = (" ".join(text.split())[:70] for text in (self.before, self.after))
        return f"{self.file}:{self.line} {self.function}: `{before}` -> `{after}`"


def changes(root: Path, file: Path) -> list[Change]:
    """All changes of one file."""
    seen: Counter[Key] = Counter()
    found = []
    for number, site in enumerate(sites.sites(ast.parse((root / file).read_text("utf-8")))):
        same = file.as_posix(), site.function, site.before, site.after, 0
        found.append(
            Change(
                file.as_posix(),
                site.function,
                number,
                site.line,
                0 if site.constant else site.line - site.first,
                site.kind,
                site.before,
                site.after,
                seen[same],
                site.constant,
                site.code,
            )
        )
        seen[same] += 1
    return found


def draw(root: Path, rooms: Mapping[str, Sequence[Path]], seed: int, count: int) -> list[Change]:
    """Draw changes that the compiler does not see through, each once: rooms take turns, and so do
    the files of a room and the functions of a file."""
    chance = random.Random(seed)
    taken = []
    for room in sorted(rooms):
        order = sorted(rooms[room])
        chance.shuffle(order)
        files = [_turns(root, one, random.Random(f"{seed} {one.as_posix()}")) for one in order]
        taken.append(_in_turn(files))
    return list(itertools.islice(_in_turn(taken), count))


def _in_turn(turns: Iterable[Iterator[Change]]) -> Iterator[Change]:
    left = list(turns)
    while left:
        for turn in list(left):
            change = next(turn, None)
            if change is None:
                left.remove(turn)
            else:
                yield change


def _turns(root: Path, file: Path, chance: random.Random) -> Iterator[Change]:
    """The changes of one file in the order of their trial, functions taking turns."""
    left: dict[str, list[Change]] = defaultdict(list)
    for change in changes(root, file):
        left[change.function].append(change)
    order = sorted(left)
    chance.shuffle(order)
    while left:
        for function in [one for one in order if one in left]:
            kinds = sorted({change.kind for change in left[function]})
            kind = chance.choices(kinds, [WEIGHTS[one] for one in kinds])[0]
            change = chance.choice([one for one in left[function] if one.kind == kind])
            left[function].remove(change)
            if not left[function]:
                del left[function]
            if _matters(root, change):
                yield change


def _matters(root: Path, change: Change) -> bool:
    """Whether the change makes other code that can take the place of the present one."""
    path = root / change.file
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    site = sites.sites(tree)[change.number]
    if site.constant:
        return True
    before = compile(tree, str(path), "exec", dont_inherit=True)
    after = compile(sites.changed(source, change.number), str(path), "exec", dont_inherit=True)
    old, new = (sites.code_of(code, site.function, site.first) for code in (before, after))
    return old.co_freevars == new.co_freevars and _plain(old) != _plain(new)


def _plain(code: CodeType) -> tuple[object, ...]:
    inner = tuple(
        _plain(one) if isinstance(one, CodeType) else (type(one), one) for one in code.co_consts
    )
    return code.co_code, code.co_names, code.co_varnames, inner


def places(root: Path, files: Iterable[Path], change: Change) -> set[Place]:
    """The statements that a change bears on; those that read it if it is a module's number."""
    if not change.constant:
        return {Place(change.file, change.function, change.code, change.offset)}
    found = set()
    for file in files:
        tree = ast.parse((root / file).read_text("utf-8"))
        for function, name in sites.functions(tree):
            first, code = sites.first_line(function), sites.digest(function)
            for line in _lines_with(function, change.function):
                found.add(Place(file.as_posix(), name, code, line - first))
    return found


def _lines_with(function: ast.FunctionDef, name: str) -> Iterator[int]:
    for part in ast.walk(function):
        if isinstance(part, ast.stmt) and part is not function:
            for node in ast.walk(part):
                if name in (getattr(node, "id", None), getattr(node, "attr", None)):
                    yield part.lineno
                    break
