"""The arrows between the parts hold, and each contract can really break."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT = Path(sys.executable).with_name("lint-imports")


def _lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(root), "PATH": ""},
    )


def test_that_the_arrows_hold() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("engine/study/bad.py", "import prism_desktop.engine.training", "Layers"),
        ("engine/evaluation/bad.py", "import PySide6.QtCore", "The engine knows no window"),
        ("ui/bad.py", "import torch", "The window knows no database and no tensors"),
    ],
)
def test_that_a_forbidden_import_breaks_its_contract(
    tmp_path: Path, file: str, line: str, contract: str
) -> None:
    shutil.copytree(
        ROOT / "prism_desktop",
        tmp_path / "prism_desktop",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "prism_desktop" / file).write_text(line + "\n")
    result = _lint(tmp_path)
    assert result.returncode != 0
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert len(broken) == 1
    assert broken[0].startswith(contract)


def test_that_the_window_starts_without_heavy_packages() -> None:
    heavy = {"torch", "pandas", "matplotlib", "sklearn", "networkx", "open_clip", "peft", "scipy"}
    code = f"import sys, prism_desktop.ui.app; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"
