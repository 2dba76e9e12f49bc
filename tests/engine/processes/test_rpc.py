"""Long work in another process: what it tells, and how it ends."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.processes import pool
from prism_desktop.engine.processes.rpc import listen

Start = Callable[[str], Iterator[Event[int]]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    # A process for each test, as some of them end it; one that waits would first get ready for more
    # than is asked here.
    monkeypatch.setattr(pool, "take", pool.Worker)
    monkeypatch.setattr(pool, "give_back", pool.Worker.close)
    return lambda what: listen(
        "tests.fixtures.talking", what, str(tmp_path / "end"), what="Starting"
    )


def test_that_events_arrive_and_the_result_when_everything_is_put_away(
    start: Start, tmp_path: Path
) -> None:
    events = start("well")
    heard = []
    for event in events:
        heard.append(event)
        if isinstance(event, Done):
            assert (tmp_path / "end").read_text() == "put away"
    assert [event for place, event in enumerate(heard) if event not in heard[:place]] == [
        Progress(0, None, "Starting"),
        Progress(1, 2, "Reading"),
        Notice("Two rows were left out."),
        Done(8),
    ]


def test_that_wrong_input_is_told_in_the_child_s_words(start: Start) -> None:
    with pytest.raises(RunError, match=r"^There is no such labeler\.$"):
        list(start("wrong"))


def test_that_a_bug_is_told_in_a_sentence_and_logged_whole(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(RunError, match=r"could not be done \(ZeroDivisionError"),
    ):
        list(start("bug"))
    assert "Traceback" in caplog.text


def test_that_a_child_that_dies_without_a_word_is_noticed(start: Start) -> None:
    with pytest.raises(
        RunError, match=r"Starting failed: its process ended unexpectedly \(code 3\)"
    ):
        list(start("death"))


def test_that_closing_ends_the_child_which_puts_away_what_it_began(
    start: Start, tmp_path: Path
) -> None:
    events = start("long")
    for event in events:
        if isinstance(event, Notice):
            break
    events.close()  # type: ignore[attr-defined]
    assert (tmp_path / "end").read_text() == "put away"
