"""This process as one of several that a launcher started to do one command together.

`accelerate launch` and `torchrun` start the same command several times and number them in the
environment: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT. The first one obeys the command line; the
others help it to train (`processes/helping.py`) and end when it ends, however that happens. Needs
no torch.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.plain_text import clause

# Ports, counted from the one that the launcher names and uses itself.
STORE_PORT = 1
_LEADER_PORT = 2
_LAST_PORT = 65_535
_WAIT = 120.0  # s until the first process must be there
_RETRY = 0.2  # s


def place_in_team(environment: Mapping[str, str] | None = None) -> tuple[int, int]:
    """This process's number, from 0, and how many there are; 0 and 1 without a launcher."""
    found = os.environ if environment is None else environment
    try:
        rank, size = int(found.get("RANK", "0")), int(found.get("WORLD_SIZE", "1"))
    except ValueError:
        return 0, 1
    named = {"MASTER_ADDR", "MASTER_PORT"} <= found.keys()
    return (rank, size) if named and 0 <= rank < size else (0, 1)


def _leader_address() -> tuple[str, int]:
    """Where the first process listens, as long as it lives.

    Raises:
        RunError: the launcher named no port that has two more above it.
    """
    said = os.environ["MASTER_PORT"]
    if not (said.isascii() and said.isdigit() and 0 < int(said) <= _LAST_PORT - _LEADER_PORT):
        raise RunError(
            f"MASTER_PORT is {clause(said)}, which is no port with two more above it; name another "
            "with --master-port of torchrun or --main_process_port of accelerate."
        )
    return os.environ["MASTER_ADDR"], int(said) + _LEADER_PORT


def _listening() -> socket.socket:
    address, port = _leader_address()
    try:
        return socket.create_server((address, port), backlog=256)
    except OSError as error:
        raise RunError(
            f"The first of several processes cannot listen at {clause(address)}, port {port} "
            f"({clause(error.strerror or error)}); name another address or port to the launcher."
        ) from None


@contextlib.contextmanager
def leading() -> Iterator[None]:
    """Within, helpers stay; afterwards they end. Nothing where there are none."""
    rank, size = place_in_team()
    if size == 1 or rank:
        yield
        return
    held: list[socket.socket] = []
    with _listening() as server:

        def accept() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield
        finally:
            for one in held:
                one.close()


def end_with_leader() -> None:
    """End this process when the first one ends.

    Raises:
        RunError: there is no first process.
    """
    limit = time.monotonic() + _WAIT
    while True:
        try:
            connection = socket.create_connection(_leader_address())
            break
        except OSError:
            if time.monotonic() > limit:
                raise RunError(
                    "The first process of this command did not come; look at what it said."
                ) from None
            time.sleep(_RETRY)

    def wait() -> None:
        with contextlib.suppress(OSError):
            while connection.recv(1):
                pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
