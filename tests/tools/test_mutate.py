"""Small faults are put where they can be seen, and what no test sees is told."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutate import sites
from tools.mutate.choice import draw

ROOT = Path(__file__).resolve().parents[2]
CODE = '''
LIMIT = 10


def clipped(value):
    """No more than the limit."""
    return min(value, LIMIT)


def positive(value):
    if value < 0:
        raise ValueError(f"{value} is below {0}.")
    return value
'''
TESTS = """
import pytest
from package.room.sums import clipped, positive


def test_that_it_is_clipped():
    assert clipped(99) == 10


def test_that_what_is_below_zero_is_refused():
    with pytest.raises(ValueError):
        positive(-2)
    assert positive(2) == 2
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return a < b", {"a <= b", "a > b", "True", "False"}),
        ("return a is None", {"a is not None", "True", "False"}),
        ("x = a + b * c", {"a - b * c", "b / c"}),
        ("x = rows[1]", {"2", "0"}),
        ("x = rows[1:-1]", {":-1", "1:", "2", "0"}),
        ("x = a and not b", {"a or not b", "b"}),
        ("x = max(a, 0.5)", {"min(a, 0.5)", "0.55"}),
        ("if a: b()", {"True", "False", "pass"}),
        ("raise ValueError(a + 1)", {"pass"}),
        ("logger.info(a + 1)", set()),
        ("assert a == 1", set()),
    ],
)
def test_that_an_expression_is_changed_in_every_way(line: str, expected: set[str]) -> None:
    found = {site.after for site in sites.sites(ast.parse(f"def f(a, b, c):\n    {line}\n"))}
    assert found == expected


def _project(root: Path) -> Path:
    (root / "package/room").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "package/room/sums.py").write_text(CODE)
    (root / "tests/test_sums.py").write_text(TESTS)
    return root


def _mutate(root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    paths = ["--root", str(root), "--room", "package/room", "--tests", "tests"]
    command = [sys.executable, "-m", "tools.mutate", *paths, "--harmless", str(root / "list.toml")]
    plain = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = os.environ | plain | {"PYTHONPATH": f"{ROOT}{os.pathsep}{root}"}
    return subprocess.run(
        [*command, *more], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def test_that_what_no_test_sees_survives_until_it_is_listed_as_harmless(tmp_path: Path) -> None:
    root = _project(tmp_path)
    shown = _mutate(root).stdout
    assert {row for row in shown.splitlines() if row.startswith("survived: ")} == {
        "survived: package/room/sums.py:11 positive: `value < 0` -> `value <= 0`",
        "survived: package/room/sums.py:11 positive: `0` -> `1`",
    }
    [entry] = [part for part in shown.split("\n\n") if 'after = "value <= 0"' in part]
    (root / "list.toml").write_text(entry.replace('why = ""', 'why = "nobody gives 0"'))
    shown = _mutate(root, "--resume").stdout
    assert "`value < 0` -> `value <= 0`" not in shown
    assert "| all | 9 | 7 | 0 | 1 | 0 | 0 | 1 | 77.8% | 87.5% |" in shown
    code = root / "package/room/sums.py"
    code.write_text(CODE.replace("return value\n", "return value + 0\n"))
    refused = _mutate(root, "--resume")
    assert refused.returncode != 0
    assert "positive: `value < 0` -> `value <= 0`" in refused.stderr


def test_that_a_seed_draws_the_same_changes_and_rooms_take_turns(tmp_path: Path) -> None:
    root = _project(tmp_path)
    for name in ("one", "two", "three"):
        (root / f"package/{name}.py").write_text(CODE)
    many = [Path(f"package/{name}.py") for name in ("one", "two", "three")]
    rooms = {"room": [Path("package/room/sums.py")], "package": many}
    drawn = draw(root, rooms, 3, 10)
    assert drawn == draw(root, rooms, 3, 10)
    assert drawn != draw(root, rooms, 4, 10)
    assert sum(change.file == "package/room/sums.py" for change in drawn) == 5
    assert len(set(drawn)) == 10
