"""A study in which nothing was labeled."""

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy


@pytest.fixture
def fresh(make_study: MakeStudy) -> Study:
    """Images and labelers, nothing labeled."""
    return make_study(comparisons=0, ratings=0)
