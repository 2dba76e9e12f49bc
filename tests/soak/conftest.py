"""What a soak run shares: the servers that fork, and its tally."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill
from tests.soak import shim
from tests.soak.fork_server import ForkServer

Servers = Callable[[str], ForkServer]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Fork servers by what they have imported, each started when it is first asked for."""
    if shim.library() is None:
        pytest.skip("there is no C compiler for the disk shim here")
    started: dict[str, ForkServer] = {}
    with ExitStack() as opened:

        def server(loaded: str) -> ForkServer:
            if loaded not in started:
                scratch = tmp_path_factory.mktemp(f"jobs-{loaded}")
                started[loaded] = opened.enter_context(ForkServer(loaded, scratch))
            return started[loaded]

        yield server


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    with Study.create(tmp_path / "a.prism", attributes=("attractive", "smart")) as study:
        fill(study)
    return tmp_path / "a.prism"
