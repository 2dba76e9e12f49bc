"""Several processes that train one run: what comes of it is what one process makes."""

import csv
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.launched import leading, place_in_team
from prism_desktop.engine.runs.run_events import Finished, Step, TrainingEvent
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training import team as team_module
from prism_desktop.engine.training import trainer as trainer_module
from prism_desktop.engine.training.team import Team
from tests.fixtures.runs import MakeRun

TrainHere = Callable[..., list[TrainingEvent]]
Helper = subprocess.Popen[str]


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Helper]:
    """This process leads a team of two; the other one is the command as a launcher starts it."""
    launched = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    for name, value in {**launched, "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "prism_desktop", "train", "it leads"]
    with leading():
        process = subprocess.Popen(
            command,
            env={**os.environ, "RANK": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if distributed.is_initialized():
                distributed.destroy_process_group()
            team_module._joined.clear()
    process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL)


def free_port() -> int:
    """The first of three ports that are free together."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                for beside in (1, 2):
                    with socket.socket() as other:
                        other.bind(("127.0.0.1", port + beside))
            except (OSError, OverflowError):
                continue
        return port


def curve(folder: Path) -> list[list[float]]:
    """Losses and accuracies of metrics.csv, row by row."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [[float(row[key]) for key in ("nll", "accuracy")] for row in csv.DictReader(file)]


def test_that_two_processes_learn_what_one_does(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, request: pytest.FixtureRequest
) -> None:
    settings = {
        "method": "lora-visual-prompt", "pairs": {"ties": "davidson"},
        "lora_lr": 2e-5, "token_lr": 1e-4,  # long steps carry on what rounding changes
    }  # fmt: skip
    alone = make_run(tiny_study, **settings)
    train_here(alone)
    request.getfixturevalue("helper")
    together = make_run(tiny_study, **settings)
    assert isinstance(train_here(together)[-1], Finished)
    expected = curve(alone.path)
    assert len(expected) > 10
    for one, other in zip(expected, curve(together.path), strict=True):
        assert other == pytest.approx(one, abs=1e-4)


@pytest.mark.soak
def test_that_a_helper_who_dies_is_told_and_the_run_goes_on_without(
    tiny_study: Study, make_run: MakeRun, train_here: TrainHere, helper: Helper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(trainer_module, "REPORT_SECONDS", 0.0)
    run = make_run(tiny_study, method="lora-visual-prompt", epochs=3, batch=4)

    def kill(event: TrainingEvent) -> None:
        if isinstance(event, Step) and event.step == 3:
            helper.kill()
            helper.wait()

    with pytest.raises(RunError, match="Another process of this training has ended"):
        train_here(run, kill)
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name)
    assert isinstance(train_here(run)[-1], Finished)


@given(count=st.integers(1, 200), size=st.integers(1, 16))
def test_that_every_answer_is_in_one_share_and_the_leader_has_some(count: int, size: int) -> None:
    shares = [range(count)[Team(rank, size).share(count)] for rank in range(size)]
    assert [place for share in shares for place in share] == list(range(count))
    assert len(shares[0]) == max(map(len, shares)) > 0


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({}, (0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, (1, 4)),
        ({"RANK": "1", "WORLD_SIZE": "4"}, (0, 1)),
        ({"RANK": "4", "WORLD_SIZE": "4", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, (0, 1)),
        ({"RANK": "x", "WORLD_SIZE": "4", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, (0, 1)),
    ],
)
def test_that_a_process_is_one_of_several_only_where_a_launcher_says_so(
    said: dict[str, str], place: tuple[int, int]
) -> None:
    assert place_in_team(said) == place


@pytest.mark.parametrize("port", ["99999", "65534", "0", "-1", "abc", "", "２９５００"])
def test_that_a_port_that_is_none_is_refused_in_a_sentence(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match="is no port with two more above it"), leading():
        pass


@pytest.mark.parametrize("address", ["taken", "no.such.host.invalid"])
def test_that_a_place_where_nobody_can_listen_is_refused_in_a_sentence(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port + 2)):
        place = "127.0.0.1" if address == "taken" else address
        said = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": place, "MASTER_PORT": str(port)}
        for name, value in said.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(RunError, match="cannot listen at"), leading():
            pass
