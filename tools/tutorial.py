"""A copy of the program that has the method of docs/adding-a-method.md, made by following it:

    python -m tools.tutorial FOLDER

New files are written, and blocks put below the lines that the page names. Run the copy with its
folder in PYTHONPATH.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "adding-a-method.md"
_BLOCK = r":\n\n```(?:python)?\n(?P<block>.*?)```\n"
_STEP = re.compile(
    r"^(?:New file `(?P<new>[^`]+)`|In `(?P<old>[^`]+)`, below `(?P<line>[^`]+)`)" + _BLOCK,
    re.MULTILINE | re.DOTALL,
)


def follow(folder: Path) -> list[Path]:
    """Copy the program into a folder and do there what the page says.

    Returns:
        The files that were written or changed.

    Raises:
        ValueError: if the page names a line that is not there once.
    """
    for name in ("prism_desktop", "tests", "resources", "data"):
        skip = shutil.ignore_patterns("__pycache__", "golden")
        shutil.copytree(ROOT / name, folder / name, ignore=skip, dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return [_do(folder, step) for step in _STEP.finditer(PAGE.read_text("utf-8"))]


def _do(folder: Path, step: re.Match[str]) -> Path:
    if step["new"]:
        path = folder / step["new"]
        path.write_text(step["block"], "utf-8")
        return path
    path, line = folder / step["old"], f"{step['line']}\n"
    text = path.read_text("utf-8")
    if text.count(f"\n{line}") != 1:
        raise ValueError(f"{step['old']} has not once the line {step['line']!r}")
    path.write_text(text.replace(f"\n{line}", f"\n{line}{step['block']}"), "utf-8")
    return path


if __name__ == "__main__":
    for changed in follow(Path(sys.argv[1])):
        print(changed)
