"""An order to end is obeyed wherever it comes."""

import signal
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

import pytest

from prism_desktop.engine.orders_to_end import hear

SOON = 10.0  # s


class _OrderError(BaseException):
    pass


@pytest.fixture
def _heard() -> Iterator[None]:
    def obey(_: int) -> NoReturn:
        raise _OrderError

    before = signal.getsignal(signal.SIGTERM), sys.unraisablehook
    hear(signal.SIGTERM, obey)
    yield
    signal.signal(signal.SIGTERM, before[0])
    sys.unraisablehook = before[1]


def _busy() -> Iterator[int]:
    """Is told to end while Python throws it away, where an error goes no further."""
    try:
        yield 1
    finally:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("_heard")
def test_that_an_order_is_obeyed_that_came_while_something_was_thrown_away() -> None:
    def work() -> None:
        assert any(_busy())  # asks no further, so that the generator is closed
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            pass

    with pytest.raises(_OrderError):
        work()


@pytest.mark.usefixtures("_heard")
def test_that_other_errors_that_nobody_can_catch_are_told_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("put away")

    told: list[str] = []
    hook = lambda one: told.append(str(one.exc_value))  # noqa: E731
    monkeypatch.setattr(sys, "unraisablehook", hook)
    hear(signal.SIGTERM, lambda _: None)
    Broken()
    assert told == ["put away"]
