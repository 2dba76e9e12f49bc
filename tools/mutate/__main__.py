"""Do the tests notice? Small faults drawn at random, each tried against the tests that reach it:

    python -m tools.mutate --seed 1 --count 300 [--resume] [--survivors] [--only evaluation ...]

A test that reaches the changed statement and fails has found it. What survives is printed; what
changes nothing a user could see is listed in `harmless.toml` and counted apart. The results are
lines of JSON below `build/mutate`. Which test reaches which statement is measured first, which runs
the tests once, and renewed only for files of tests that changed.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tools.mutate import tally
from tools.mutate.choice import Change, changes, draw, places
from tools.mutate.reach import ReachedTests, content, measure, test_files
from tools.mutate.warm import Changer, Outcome, Trials

ROOT = Path(__file__).resolve().parents[2]
ENGINE = "prism_desktop/engine"
ROOMS = [f"{ENGINE}/{name}" for name in ("evaluation", "models/heads", "labeling", "study")]
ROOMS.append(f"{ENGINE}/study/importing")
TESTS = [
    *(f"tests/engine/{room}" for room in ("evaluation", "models/heads", "labeling", "study")),
    "tests/engine/adaptation/test_next_trials.py",
    *(f"tests/cli/test_{name}.py" for name in ("import_commands", "quality_command")),
    "tests/cli/test_study_commands.py",
    "tests/ui/explore/test_quality_view.py",
    "tests/ui/label",
    "tests/ui/study",
    "tests/upgrades",
]
Rooms = Mapping[str, Sequence[Path]]


def main() -> None:
    """The command line."""
    given = _arguments()
    root, state = given.root.resolve(), given.root.resolve() / "build/mutate"
    rooms = _rooms(root, given.room)
    files = sorted(file for room in rooms.values() for file in room)
    if given.measure:
        measure(root, files, given.tests, state / "reach.json")
        return
    spared = tally.harmless([c for f in files for c in changes(root, f)], given.harmless)
    _measured(root, state / "reach.json", given.tests)
    drawn = draw(root, _only(rooms, given.only), given.seed, given.count)
    path = state / f"results-{given.seed}.jsonl"
    if not given.resume and not given.survivors:
        path.unlink(missing_ok=True)
    known = tally.read(path)
    left = [c for c in drawn if c.key not in known and (given.resume or not given.survivors)]
    if given.survivors:
        left += [c for c in tally.survivors(drawn, known) if c.key not in spared]
    start = time.monotonic()
    if left:
        _try(root, files, left, path, ReachedTests(state / "reach.json"), given)
    tally.say(drawn, rooms, tally.read(path), spared)
    print(f"\n{len(left)} tried in {(time.monotonic() - start) / 60:.0f} minutes.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--only", action="append", default=[], help="files with this in their path")
    parser.add_argument("--resume", action="store_true", help="try only what was not tried yet")
    parser.add_argument("--survivors", action="store_true", help="try again what was missed")
    parser.add_argument(
        "--seconds", type=float, default=15.0, help="of processor time for one change"
    )
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--room", nargs="+", default=ROOMS, help="folders of code to change")
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--harmless", type=Path, default=tally.HARMLESS)
    parser.add_argument("--measure", action="store_true", help="only see what the tests reach")
    return parser.parse_args()


def _rooms(root: Path, folders: Sequence[str]) -> Rooms:
    """The files of each folder that are in no other folder below it."""
    taken: set[Path] = set()
    rooms = {}
    for folder in sorted(folders, reverse=True):
        files = [
            path.relative_to(root)
            for path in sorted((root / folder).rglob("*.py"))
            if path.name != "__init__.py" and "migrations" not in path.parts
        ]
        rooms[Path(folder).name] = [file for file in files if file not in taken]
        taken.update(files)
    return rooms


def _only(rooms: Rooms, parts: Sequence[str]) -> Rooms:
    def wanted(file: Path) -> bool:
        return not parts or any(part in file.as_posix() for part in parts)

    return {room: [file for file in files if wanted(file)] for room, files in rooms.items()}


def _measured(root: Path, path: Path, tests: Sequence[str]) -> None:
    """Let another process, which marks the code before it is imported, renew what is stale."""
    known = json.loads(path.read_text())["files"] if path.exists() else {}
    stale = [
        f for f in test_files(root, tests) if known.get(f, {}).get("content") != content(root / f)
    ]
    if stale:
        print(f"Measuring what {len(stale)} files of tests reach.", flush=True)
        command = [sys.executable, "-m", "tools.mutate", "--measure", *sys.argv[1:]]
        subprocess.run(command, check=True)


def _try(
    root: Path,
    files: Sequence[Path],
    left: Sequence[Change],
    path: Path,
    reached: ReachedTests,
    given: argparse.Namespace,
) -> None:
    """Try the changes in a pytest session that lasts for all of them."""

    def work(trials: Trials) -> None:
        changer = Changer(root, files)
        for number, change in enumerate(left, 1):
            tests = {t for place in places(root, files, change) for t in reached.of(place)}
            outcome = Outcome("unreached", "", 0, 0.0)
            if chosen := _ordered(tests & trials.items.keys(), reached.usual, change):
                outcome = trials.attempt(
                    lambda change=change: changer.change(change.file, change.number),  # type: ignore[misc]
                    chosen,
                    reached.usual,
                    given.seconds,
                )
            tally.write(path, change, outcome)
            print(f"{number}/{len(left)} {outcome.word} {outcome.seconds} s {change}", flush=True)

    tests = [str(root / test) for test in given.tests]
    code = pytest.main([*tests, "--rootdir", str(root), "-p", "no:xdist"], plugins=[Trials(work)])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        sys.exit(code)


def _ordered(tests: set[str], usual: Mapping[str, float], change: Change) -> list[str]:
    """Quick tests first, those of the changed file before others,
    those of one file in a row for what they share."""

    def pace(test: str) -> int:
        near = f"test_{Path(change.file).stem}.py" in test
        return sum(usual[test] > bound for bound in (0.1, 1.0, 5.0)) - 2 * near

    def cost(test: str) -> tuple[int, float, str, float]:
        file = test.split("::")[0]
        return pace(test), quickest[file], file, usual[test]

    quickest: dict[str, float] = {}
    for test in tests:
        file = test.split("::")[0]
        quickest[file] = min(usual[test], quickest.get(file, usual[test]))
    return sorted(tests, key=cost)


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
