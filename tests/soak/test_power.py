"""The power goes while the program works: what was acknowledged is there when it comes back.

A real process's writes, syncs and names are recorded, disks as a cut may leave them are made from
the recording (see `power`), and the program opens each.
"""

import json
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill
from tests.soak import budget, cases, power, recovery
from tests.soak.cases import Case, study_in
from tests.soak.conftest import Servers
from tests.soak.fork_server import ForkServer
from tests.soak.power import Recording
from tests.soak.shim import Arm
from tests.soak.torch_cases import with_torch

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="the disk shim is for Linux"),
]
STORE = {case.name: case for case in cases.STORE}
SPARE = ("missing", "copy")  # a copy that is of no image yet does no harm
WRITING = (
    "import a table", "copy images in", "import embeddings", "relink", "change a scale",
    "undo an import", "redo an import", "upgrade",
)  # fmt: skip


def record(server: ForkServer, place: Path, scratch: Path, job: str, *given: object) -> Recording:
    """Do a job in a folder, and keep what it did there."""
    before = scratch / "before"
    shutil.rmtree(before, ignore_errors=True)
    shutil.copytree(place, before, symlinks=True)
    trace = scratch / "trace"
    ending = server.run(job, *given, root=place, arm=Arm("record"), trace=trace)
    assert ending.code == 0, ending.printed
    recording = Recording(place, before, trace)
    assert recording.told(len(recording.steps)) == ending.told
    return recording


def crashes(
    recording: Recording, count: int, dice: random.Random, to: Path
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Disks in `to`, each with what it is and what was acknowledged by then."""
    for number in range(count):
        at, how = dice.randint(0, len(recording.steps)), power.HOW[number % len(power.HOW)]
        recording.crash(at, how, dice, to)
        budget.count("crash states")
        yield f"step {at}, {how}", recording.told(at)


def test_that_acknowledged_answers_survive_a_power_cut(servers: Servers, tmp_path: Path) -> None:
    study, dice = tmp_path / "a.prism", budget.dice("power", "label")
    with Study.create(study, attributes=("attractive", "smart")) as made:
        fill(made)
    before = recovery.state_of(study)
    recording = record(servers("store"), study, tmp_path, "label", study, dice.random(), 60)
    for state, told in crashes(recording, 2 * budget.STATES, dice, tmp_path / "crashed"):
        try:
            recovery.assert_whole(tmp_path / "crashed", told, before)
        except BaseException as error:
            error.add_note(state)
            raise


@pytest.mark.parametrize("name", WRITING)
def test_that_a_command_survives_a_power_cut(name: str, servers: Servers, tmp_path: Path) -> None:
    case, dice = STORE[name], budget.dice("power", name)
    place, to = tmp_path / "place", tmp_path / "crashed"
    place.mkdir()
    case.prepare(place)
    before = case.result(cases.clone(place, to)) if case.whole else None
    recording = record(servers("store"), place, tmp_path, "acknowledged", *case.arguments(place))
    result = case.result(place)
    for state, told in crashes(recording, budget.STATES // 4, dice, to):
        try:
            _assert_before_or_after(case, to, (before, result), done=bool(told))
        except BaseException as error:
            error.add_note(state)
            raise


def _assert_before_or_after(
    case: Case, folder: Path, results: tuple[object, object], *, done: bool
) -> None:
    before, result = results
    if before is None:  # an upgrade happens on opening
        assert case.result(folder) == result
        return
    with Study.open(study_in(folder)) as study:
        problems = [p.text for p in study.check() if p.kind not in (*SPARE, *case.known)]
    assert not problems, problems
    recovery.assert_backups_whole(study_in(folder))
    assert case.result(folder) in ((result,) if done else (before, result))


def test_that_a_file_that_is_replaced_is_whole_after_a_power_cut(
    servers: Servers, tmp_path: Path
) -> None:
    place, dice = tmp_path / "place", budget.dice("power", "files")
    place.mkdir()
    recording = record(servers("store"), place, tmp_path, "whole_files", place, 12)
    for state, told in crashes(recording, budget.STATES, dice, tmp_path / "crashed"):
        file = tmp_path / "crashed" / "state.json"
        if file.exists():
            found = json.loads(file.read_text("utf-8"))
            assert found == {"number": found["number"], "text": "x" * 5000}, state
        else:
            assert len(told) == 0, state


def test_that_the_newest_saved_checkpoint_survives_a_power_cut(
    servers: Servers, tmp_path: Path
) -> None:
    from prism_desktop.engine.runs.checkpoint import recover

    place, dice = tmp_path / "place", budget.dice("power", "checkpoints")
    place.mkdir()
    recording = record(servers("torch"), place, tmp_path, "checkpoints", place, 8)
    for state, told in crashes(recording, budget.STATES, dice, tmp_path / "crashed"):
        saved = int(told[-1].split()[1]) if told else 0
        found, _ = recover(tmp_path / "crashed")
        step = found.cursor["step"] if found is not None else 0
        assert saved <= step <= saved + 1, state
        if found is not None:
            assert (found.tensors["weight"] == float(step)).all(), state


@pytest.mark.parametrize("name", ["train by gradient", "train a closed form"])
def test_that_a_run_goes_on_or_says_so_after_a_power_cut(
    name: str, servers: Servers, tmp_path: Path, tiny_backbone: str
) -> None:
    (case,) = [case for case in with_torch(tiny_backbone) if case.name == name]
    place, to, dice = tmp_path / "place", tmp_path / "crashed", budget.dice("power", name)
    place.mkdir()
    case.prepare(place)
    server = servers("torch")
    recording = record(server, place, tmp_path, "acknowledged", *case.arguments(place))
    result = case.result(place)
    for state, told in crashes(recording, budget.STATES // 3, dice, to):
        try:
            recovery.assert_runs_told(study_in(to))
            if not told or case.result(to) != result:
                assert case.again is not None
                for arguments in case.again(to):
                    done = server.run("command", *arguments, root=to)
                    assert done.code == 0, done.printed
            assert case.result(to) == result
        except BaseException as error:
            error.add_note(state)
            raise
