"""An order to end is obeyed wherever it comes."""

import signal
import time
from collections.abc import Iterator
from typing import NoReturn

import pytest

from prism_desktop.engine.log_file import logging_to_file
from prism_desktop.engine.orders_to_end import hear

SOON = 10.0  # s


class _OrderError(BaseException):
    pass


@pytest.fixture
def _heard() -> Iterator[None]:
    def obey(_: int) -> NoReturn:
        raise _OrderError

    before = signal.getsignal(signal.SIGTERM)
    hear(signal.SIGTERM, obey)
    yield
    signal.signal(signal.SIGTERM, before)


def _busy() -> Iterator[int]:
    """Is told to end while Python throws it away, where an error goes no further."""
    try:
        yield 1
    finally:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("_heard")
def test_that_an_order_is_obeyed_that_came_while_something_was_thrown_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def work() -> None:
        assert any(_busy())  # asks no further, so that the generator is closed
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            pass

    with logging_to_file(), pytest.raises(_OrderError):
        work()
    assert not caplog.records  # it is no mistake of the program
