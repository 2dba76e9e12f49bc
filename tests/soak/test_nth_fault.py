"""The n-th write, sync, name or allocation fails, for every n: a sentence or success, nothing that
was acknowledged is lost, and all goes on when the fault is over."""

import errno
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill
from tests.soak import budget, cases, recovery
from tests.soak.cases import study_in
from tests.soak.conftest import Servers
from tests.soak.fork_server import Ending, ForkServer
from tests.soak.shim import ALLOCATE, DISK, Arm
from tests.soak.torch_cases import with_torch

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="the disk shim is for Linux"),
]
MOST = 150  # faults tried of one kind


def faults(steps: int, kinds: int, most: int = MOST) -> Iterator[Arm]:
    """Every step fails once, and from every step on all fail; evenly fewer where there are many."""
    every = max(1, steps // max(1, round(most * budget.SCALE)))
    errors = (errno.ENOMEM,) if kinds == ALLOCATE else (errno.ENOSPC, errno.EIO)
    for place, at in enumerate(range(1, steps + 1, every)):
        error = errors[place % len(errors)]
        budget.count("faults")
        yield Arm("fail", at, at + 1, error, kinds=kinds)
        if kinds != ALLOCATE:
            budget.count("faults")
            yield Arm("fail", at, error=errors[(place + 1) % len(errors)], kinds=kinds)


def assert_said(ending: Ending) -> None:
    """It ended with a word, not with a traceback."""
    assert "Traceback" not in ending.printed, ending.printed
    assert ending.code in (0, 1, 2), ending.printed


def record_with(server: ForkServer, study: Path, arm: Arm, seed: float) -> None:
    """Label while one step, or all from one on, fails."""
    before = recovery.state_of(study)
    ending = server.run("refused", "label_on", study, seed, root=study, arm=arm)
    assert_said(ending)
    assert ending.told, ending.printed
    refusals = [line for line in ending.told if line.startswith(("refused", "outcome"))]
    assert all(len(line) > 20 or line == "outcome done" for line in refusals), refusals
    # what was refused may have reached the disk all the same, if its sync failed
    recovery.assert_whole(study, ending.told, before, open_steps=len(refusals))


@pytest.mark.parametrize("kinds", [DISK, ALLOCATE], ids=["disk", "memory"])
def test_that_recording_survives_any_fault(kinds: int, servers: Servers, tmp_path: Path) -> None:
    study, server = tmp_path / "a.prism", servers("store")
    with Study.create(study, attributes=("attractive", "smart")) as made:
        fill(made)
    whole = server.run("label_on", study, 0.5, root=study, arm=Arm(kinds=kinds))
    # the job disarms, so its steps are those of as many rounds
    steps = max(whole.steps, 40 if kinds == DISK else 4000)
    for number, arm in enumerate(faults(steps, kinds)):
        try:
            record_with(server, study, arm, number + 0.5)
        except BaseException as error:
            error.add_note(repr(arm))
            raise


@pytest.mark.parametrize("kinds", [DISK, ALLOCATE], ids=["disk", "memory"])
@pytest.mark.parametrize("name", ["import a table", "copy images in", "undo an import"])
def test_that_a_command_survives_any_fault(
    name: str, kinds: int, servers: Servers, tmp_path: Path
) -> None:
    (case,) = [case for case in cases.STORE if case.name == name]
    server, template, place = servers("store"), tmp_path / "template", tmp_path / "place"
    template.mkdir()
    case.prepare(template)
    before = case.result(cases.clone(template, place))
    whole = server.run("command", *case.arguments(place), root=place, arm=Arm(kinds=kinds))
    assert whole.code == 0, whole.printed
    result = case.result(place)
    for arm in faults(whole.steps, kinds, MOST // 3):
        try:
            cases.clone(template, place)
            ending = server.run("refused", "command", *case.arguments(place), root=place, arm=arm)
            assert_said(ending)
            known = (result,) if ending.told == ("outcome done",) else (before, result)
            now = case.result(place)
            assert now in known, ending.printed
            if now == before:
                again = server.run("command", *case.arguments(place), root=place)
                assert again.code == 0, again.printed
            assert case.result(place) == result
            with Study.open(study_in(place)) as study:
                assert [problem.text for problem in study.check()] == []
        except BaseException as error:
            error.add_note(repr(arm))
            raise


def test_that_checkpoints_survive_any_fault(servers: Servers, tmp_path: Path) -> None:
    from prism_desktop.engine.runs.checkpoint import recover

    server, place = servers("torch"), tmp_path / "place"
    place.mkdir()
    whole = server.run("checkpoints", place, 4, root=place, arm=Arm())
    for arm in faults(whole.steps, DISK):
        shutil.rmtree(place)
        place.mkdir()
        ending = server.run("checkpoints_on", place, 4, root=place, arm=arm)
        assert ending.code == 0, (arm, ending.printed)
        saved = [int(line.split()[1]) for line in ending.told if line.startswith("saved")]
        found, _ = recover(place)
        step = found.cursor["step"] if found is not None else 0
        assert step >= max(saved, default=0), (arm, ending.told)
        if found is not None:
            assert (found.tensors["weight"] == float(step)).all(), arm


def test_that_a_training_survives_any_fault(
    servers: Servers, tmp_path: Path, tiny_backbone: str
) -> None:
    (case,) = [c for c in with_torch(tiny_backbone) if c.name == "train by gradient"]
    server, template, place = servers("torch"), tmp_path / "template", tmp_path / "place"
    template.mkdir()
    case.prepare(template)
    cases.clone(template, place)
    whole = server.run("command", *case.arguments(place), root=place, arm=Arm())
    result = case.result(place)
    assert case.again is not None
    for arm in faults(whole.steps, DISK, 20):
        try:
            cases.clone(template, place)
            ending = server.run("refused", "command", *case.arguments(place), root=place, arm=arm)
            assert_said(ending)
            recovery.assert_runs_told(study_in(place))
            if ending.told != ("outcome done",):
                for arguments in case.again(place):
                    again = server.run("command", *arguments, root=place)
                    assert again.code == 0, again.printed
            assert case.result(place) == result
        except BaseException as error:
            error.add_note(repr(arm))
            raise
