"""What the documents name is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_that_every_test_named_beside_a_promise_exists() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = set(re.findall(r"`(\S*test_\w+\.py)`", text))
    assert len(named) > 30
    assert {name for name in named if not (ROOT / name).is_file()} == set()
