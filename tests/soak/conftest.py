"""What a soak run shares: the servers that fork, and its tally."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill
from tests.soak import budget, shim
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


def _is_soak(config: pytest.Config) -> bool:
    return config.option.markexpr == "soak"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What was tried, and the seed to try it again with."""
    if not _is_soak(config):
        return
    failures = sum(len(terminalreporter.stats.get(kind, ())) for kind in ("failed", "error"))
    if failures:
        terminalreporter.write_line(f"Try it again with PRISM_SOAK_SEED={budget.SEED}.")
    terminalreporter.write_line(f"Soak, seed {budget.SEED}: {budget.tried()}, {failures} failures.")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep the seed of a soak run among the seeds."""
    if _is_soak(session.config) and budget.tally:
        budget.note(str(date.today()), session.testsfailed)
