"""The arrows between the parts hold, and each contract can really break."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.fixtures import source_trees
from tests.fixtures.runs import MakeRun

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
        (
            "engine/demo/faces/factors.py",
            "import prism_desktop.engine.demo.faces.drawing",
            "No circles",
        ),
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
    assert any(row.startswith(contract) for row in broken)


SHOWN = """
import os, sys
from prism_desktop.ui import app
made = app.make_application([])
window = app.build(made)
window.show()
made.processEvents()
print(window.isVisible(), sorted(set(sys.argv[1:]) & set(sys.modules)), flush=True)
os._exit(0)
"""


def test_that_the_window_is_shown_before_heavy_packages_come(tmp_path: Path) -> None:
    heavy = [
        "torch", "pandas", "matplotlib", "sklearn", "networkx", "open_clip", "peft", "scipy",
        "numpy", "sqlalchemy", "pydantic", "pyarrow", "PIL",
    ]  # fmt: skip
    homes = {"XDG_CONFIG_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run(
        [sys.executable, "-c", SHOWN, *heavy], capture_output=True, text=True, check=True,
        cwd=ROOT, env={**os.environ, **homes},
    )  # fmt: skip
    assert result.stdout.split(maxsplit=1) == ["True", "[]\n"]


BEGUN = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from prism_desktop.ui import app

def look():
    if set(sys.argv[1:]) <= set(sys.modules):
        print("there", flush=True)
        QApplication.quit()

app.make_application([])
timer = QTimer()
timer.timeout.connect(look)
timer.start(100)
sys.exit(app.main())
"""


def test_that_panels_are_loaded_while_the_first_one_is_looked_at(tmp_path: Path) -> None:
    panels = [f"prism_desktop.ui.{name}.panel" for name in ("label", "train", "explore")]
    homes = {"XDG_CONFIG_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run(
        [sys.executable, "-c", BEGUN, *panels, "pyqtgraph"], capture_output=True, text=True,
        check=True, cwd=ROOT, env={**os.environ, **homes}, timeout=90,
    )  # fmt: skip
    assert result.stdout == "there\n"


def test_that_no_module_is_looked_through_when_it_is_imported() -> None:
    code = (
        "import sys\nimport PySide6.QtCore\nhooked = __import__\n"
        "from prism_desktop.ui.app import make_application\nmake_application([])\n"
        "import json.tool\nassert hooked is not __import__\n"
        "from PySide6.support import feature\n"
        "print('json.tool' in feature.pyside_feature_dict)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert result.stdout == "False\n"


def test_that_a_study_is_told_of_without_numpy(tmp_path: Path) -> None:
    Study.create(tmp_path / "s.prism").close()
    code = (
        "import sys\nfrom prism_desktop.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'pandas', 'torch', 'PySide6'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "study", "info", str(tmp_path / "s.prism")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert result.stdout.splitlines()[-1] == "[]"


TRAIN = """
import sys
from pathlib import Path
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.session import train_run
run = RunFolder(Path(sys.argv[1]))
for event in train_run(run, Control(run)):
    pass
print(run.status().state, sorted(set(sys.argv[2:]) & set(sys.modules)))
"""


@pytest.mark.soak
def test_that_a_closed_form_trains_without_the_packages_of_adapters(
    tiny_study: Study, make_run: MakeRun
) -> None:
    """PEFT brings transformers with it: seconds that only a model with adapters may cost."""
    run = make_run(tiny_study, method="hierarchical-bayes", compare=False)
    heavy = ["peft", "transformers", "timm", "optuna", "matplotlib", "PySide6"]
    command = [sys.executable, "-c", TRAIN, str(run.path), *heavy]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.split(maxsplit=1) == ["finished", "[]\n"]


def test_that_the_command_line_starts_without_the_database_or_the_window() -> None:
    """`--help` and `--version` answer at once."""
    code = (
        "import sys, prism_desktop.cli.main\n"
        "heavy = {'sqlalchemy', 'alembic', 'PySide6', 'torch', 'pandas', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


def _sources() -> list[Path]:
    return source_trees.files()


def test_that_no_two_files_share_a_name_but_the_same_thing_in_parallel_folders() -> None:
    parallel = {"__init__", "panel", "operations", "tokens", "histories"}
    names = Counter(path.stem for path in _sources())
    assert {name for name, count in names.items() if count > 1} <= parallel


def test_that_no_two_public_classes_share_a_name() -> None:
    classes = Counter(
        node.name
        for path in _sources()
        for node in source_trees.tree(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in classes.items() if count > 1] == []


def _documented(docstring: str, section: str) -> list[str]:
    """The names that a section of a docstring, "Args" or "Attributes", speaks of."""
    found = re.search(rf"^{section}:\n((?:    .*\n?|\n)+)", docstring, re.MULTILINE)
    rows = re.findall(r"^    (\w+(?:, \w+)*): ", found.group(1) if found else "", re.MULTILINE)
    return [name for row in rows for name in row.split(", ")]


def test_that_docstrings_speak_of_arguments_that_there_are() -> None:
    wrong = []
    for path in _sources():
        for node in source_trees.nodes(path):
            if isinstance(node, ast.FunctionDef) and (docstring := ast.get_docstring(node)):
                given = node.args
                known = {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
                known |= {one.arg for one in (given.vararg, given.kwarg) if one is not None}
                lost = [name for name in _documented(docstring, "Args") if name not in known]
                wrong += [f"{path.stem}.{node.name}: {name}" for name in lost]
    assert wrong == []


def test_that_nothing_reads_a_pickle() -> None:
    """Not torch.load, not pandas' or joblib's, and numpy only where it is told not to."""
    loads = re.compile(
        r"\b(?:torch|joblib|dill|cloudpickle|marshal|shelve)\.(?:load|loads|open)\(|read_pickle"
        r"|^\s*(?:import|from) (?:pickle|dill|cloudpickle|joblib|marshal|shelve)\b"
        r"|(?:numpy|np)\.load\((?!.*allow_pickle=False)|allow_pickle=True|weights_only=False",
        re.MULTILINE,
    )
    assert loads.search("x = torch.load(path)")
    assert loads.search("np.load(path)")
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {line.strip()}"
        for path in source_trees.files()
        for line in source_trees.text(path).splitlines()
        # a sentence for the user, on weights that they trust
        if loads.search(line) and not line.strip().startswith('"')
    }
    assert found == set()
