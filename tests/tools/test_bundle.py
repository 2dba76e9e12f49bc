"""The offline bundle: what is in it, whom it refuses, and that it installs without a network."""

import platform
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.bundle import install
from tools.bundle.install import Refused, check
from tools.bundle.make_bundle import needed, requirements
from tools.lock_pins import pins

ROOT = Path(__file__).parents[2]
HERE: dict[str, Any] = {
    "python": list(sys.version_info[:2]), "system": platform.system(),
    "machine": platform.machine(), "bytes": 1000,
}  # fmt: skip


def test_that_it_holds_what_prism_needs_and_nothing_for_its_development() -> None:
    found = needed("prism-desktop")
    assert {"torch", "pyside6-essentials", "open-clip-torch", "peft", "sympy"} <= found
    assert not found & {"pytest", "mypy", "ruff", "hatchling", "uv", "triton", "prism-desktop"}
    assert found <= set(pins((ROOT / "requirements.lock").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"python": [3, 2]}, r"for Python 3\.2 .*use python3\.2\."),
        ({"system": "Plan9"}, "for Plan9 on .* run make bundle"),
        ({"machine": "vax"}, "on vax and this is"),
        ({"bytes": 10**10}, r"takes 10\.0 GB and 0\.0 GB are free .* larger disk"),
    ],
)
def test_that_a_computer_it_was_not_made_for_is_told_so(
    changed: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=words):
        check(HERE | changed, tmp_path / "new", 2000)
    check(HERE, tmp_path / "new", 2000)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["file", "link", "full folder"])
def test_that_nothing_is_installed_over_what_is_there(kind: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    match kind:
        case "file":
            there.write_text("mine")
        case "link":
            there.symlink_to(tmp_path / "nowhere")
        case _:
            (there / "mine").mkdir(parents=True)
    with pytest.raises(Refused, match="is there already"):
        check(HERE, there, 2000)


def _wheel(folder: Path) -> Path:
    """A package of one module, as pip makes them."""
    file = folder / "prism_small-1.0-py3-none-any.whl"
    about = "prism_small-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("prism_desktop/__init__.py", "")
        wheel.writestr("prism_desktop/qt_libraries.py", "print('Qt has all that it needs.')")
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: prism-small\nVersion: 1.0"
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any")
        wheel.writestr(f"{about}/RECORD", "")
    return file


@pytest.mark.soak
@pytest.mark.parametrize("damaged", [False, True])
def test_that_an_environment_is_made_of_its_wheels_or_none_is_left(
    damaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = _wheel(wheels)
    (tmp_path / "requirements.txt").write_text(requirements(wheels))
    if damaged:
        wheel.write_bytes(wheel.read_bytes() + b"x")
    monkeypatch.setattr(install, "HERE", tmp_path)
    target = tmp_path / "target"
    if damaged:
        with pytest.raises(Refused, match="copy the bundle anew"):
            install.install(target)
        return
    assert install.install(target) == target / "bin" / "prism-desktop"
    subprocess.run([target / "bin" / "python", "-c", "import prism_desktop"], check=True)
