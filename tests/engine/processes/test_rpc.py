"""Work in another process: what it tells, how it ends, and how it is cancelled."""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from prism_desktop.engine import access
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress, outcome
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.rpc import call, receive
from tests.fixtures.talking import ENTRY, TalkArguments

Start = Callable[[str], Generator[Event[Any], None, None]]


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[pool.Worker]]:
    """Those that calls take; the last one is taken again while it is usable."""
    made: list[pool.Worker] = []

    def take() -> pool.Worker:
        if not made or not made[-1].usable:
            made.append(pool.Worker(ENTRY))
        return made[-1]

    monkeypatch.setattr(pool, "take", take)
    monkeypatch.setattr(pool, "give_back", lambda worker: None)
    yield made
    for worker in made:
        worker.close()


@pytest.fixture
def start(workers: list[pool.Worker], tmp_path: Path) -> Start:
    return lambda what: call("talk", TalkArguments(what=what, file=tmp_path / "end"), "Starting")


def _until_notice(events: Iterator[Event[Any]]) -> None:
    assert any(isinstance(event, Notice) for event in events)


def test_that_events_arrive_and_the_result_when_everything_is_put_away(
    start: Start, tmp_path: Path
) -> None:
    heard = []
    for event in start("well"):
        heard.append(event)
        if isinstance(event, Done):
            assert (tmp_path / "end").read_text() == "put away"
    assert [event for place, event in enumerate(heard) if event not in heard[:place]] == [
        Progress(0, None, "Starting"),
        Progress(1, 2, "Reading"),
        Notice("Two rows were left out."),
        Done(8),
    ]


def test_that_the_worker_knows_which_studies_may_only_be_read_and_for_how_long(
    start: Start, workers: list[pool.Worker], tmp_path: Path
) -> None:
    let_go = access.hold_back(tmp_path, "Another window has it.")
    assert outcome(start("held")) == "Another window has it."
    let_go()
    assert outcome(start("held")) == ""
    assert len(workers) == 1


def test_that_wrong_input_is_told_in_the_worker_s_words(start: Start) -> None:
    with pytest.raises(RunError, match=r"^There is no such labeler\.$"):
        list(start("wrong"))


def test_that_a_bug_is_told_in_a_sentence_and_logged_whole(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(
            RunError, match=r"^The work could not be done \(ZeroDivisionError: [a-z ]+\)"
        ),
    ):
        list(start("bug"))
    assert "Traceback" in caplog.text


def test_that_a_worker_in_which_anything_unforeseen_happened_ends_and_another_is_used(
    start: Start, workers: list[pool.Worker]
) -> None:
    with pytest.raises(RunError, match="The device ran out of memory"):
        list(start("memory"))
    assert list(start("well"))[-1] == Done(8)
    assert len(workers) == 2
    assert not workers[0].usable


def test_that_a_process_that_dies_is_told_in_a_sentence_and_what_it_printed_is_logged(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(
            RunError, match=r"^Starting failed: its process ended with code 3\. What was saved"
        ),
    ):
        list(start("death"))
    assert "libraries print what they like" in caplog.text


def test_that_cancelled_work_puts_away_what_it_began_and_its_worker_is_used_again(
    start: Start, workers: list[pool.Worker], tmp_path: Path
) -> None:
    with contextlib.closing(start("long")) as events:
        _until_notice(events)
    assert (tmp_path / "end").read_text() == "put away"
    assert list(start("well"))[-1] == Done(8)
    assert len(workers) == 1


def test_that_cancelled_work_that_is_stuck_ends_with_its_process(
    start: Start, workers: list[pool.Worker], tmp_path: Path
) -> None:
    with contextlib.closing(start("stuck")) as events:
        while not (tmp_path / "stuck").exists():
            next(events)
    assert not workers[0].usable
    assert (tmp_path / "end").read_text() == "put away"


def test_that_an_unknown_service_and_unknown_arguments_are_refused_in_a_sentence(
    workers: list[pool.Worker], start: Start
) -> None:
    class Other(BaseModel):
        colour: str = "red"

    with pytest.raises(RunError, match=r"^There is no service 'sing'\.$"):
        list(call("sing", Other(), "Starting"))
    with pytest.raises(RunError, match=r"the arguments of 'talk' cannot be read\.$"):
        list(call("talk", Other(), "Starting"))
    assert list(start("well"))[-1] == Done(8)
    assert len(workers) == 1


def test_that_of_two_calls_at_once_one_is_answered_after_the_other(tmp_path: Path) -> None:
    worker = pool.Worker(ENTRY)
    with contextlib.closing(worker):
        one, two = (
            receive(worker, "talk", TalkArguments(what=what, file=tmp_path / what), what)
            for what in ("long", "well")
        )
        _until_notice(one)
        assert next(two) == Progress(0, None, "well")  # while the first one is at work
        one.close()
        assert list(two)[-1] == Done(8)


def test_that_a_call_that_waits_for_another_can_be_cancelled(tmp_path: Path) -> None:
    worker = pool.Worker(ENTRY)
    with contextlib.closing(worker):
        one, two = (
            receive(worker, "talk", TalkArguments(what="long", file=tmp_path / name), name)
            for name in ("one", "two")
        )
        _until_notice(one)
        next(two)
        two.close()
        one.close()
        assert worker.settle(60)
        assert worker.usable
        assert not (tmp_path / "two").exists()
