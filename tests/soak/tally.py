"""A plugin of pytest for `make soak`: its last line says what was tried by all processes, and the
seed of the run is kept."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from tests.soak import budget


def pytest_testnodedown(node: Any) -> None:
    """Take over what another process tried."""
    budget.tally.update(Counter(getattr(node, "workeroutput", {}).get("tally", {})))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what this process tried, or keep the seed of the whole run."""
    handed = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["tally"] = dict(budget.tally)
    elif budget.tally:
        budget.failures = session.testsfailed
        budget.note(str(date.today()))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line, and the seed to try it again with."""
    if hasattr(config, "workeroutput") or not budget.tally:
        return
    print(f"Soak, seed {budget.SEED}: {budget.tried()}, {budget.failures} failures.")
    if budget.failures:
        print(f"The same again: PRISM_SOAK_SEED={budget.SEED} make soak")
