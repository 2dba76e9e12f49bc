"""The engine behind the import assistant, made up for tests of the window."""

import pytest

from prism_desktop.ui import operations
from tests.ui.study.plans import FakeEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Plans in place of the engine's, good ones unless a test says otherwise."""
    made = FakeEngine()
    monkeypatch.setattr(operations, "plan_import", made.plan_import)
    monkeypatch.setattr(operations, "apply_import_plan", made.apply_plan)
    return made
