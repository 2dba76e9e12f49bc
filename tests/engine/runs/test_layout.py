"""The names of a run's files are spelt in one module."""

import ast
from pathlib import Path

from prism_desktop.engine.runs import layout
from tests.fixtures import source_trees

# Folders of a backbone have a config.json, too, and the program a log.txt of its own; what tells
# folders of ours from others lies below the room of runs.
DOORS = "engine/folder_handles.py"
OTHERS = {
    layout.CONFIG: ("engine/backbones/", DOORS),
    layout.LOG: ("engine/log_file.py",),
    layout.LEADERBOARD: (DOORS,),
    layout.SEARCH: (DOORS,),
}
NAMES = {
    value
    for name, value in vars(layout).items()
    if name.isupper() and isinstance(value, str) and "." in value
} | {f"{table}.parquet" for table in layout.TABLES}


def spelt(path: Path) -> set[str]:
    """File names in a module's strings, docstrings left out."""
    docstrings = {
        id(node.body[0].value)
        for node in source_trees.nodes(path)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in source_trees.nodes(path)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]
    return {name for name in NAMES for text in texts if text.rpartition("/")[2] == name}


def test_that_no_other_module_spells_a_file_of_a_run() -> None:
    assert {"summary.json", "events.jsonl", "images.parquet", "leaderboard.json"} <= NAMES
    found = {
        f"{source_trees.place(path)}: {name}"
        for path in source_trees.files()
        if path != Path(layout.__file__)
        for name in spelt(path)
        if not source_trees.place(path).startswith(OTHERS.get(name, ()))
    }
    assert found == set()


def test_that_a_spelt_name_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "bad.py"
    module.write_text('"""summary.json"""\nX = "summary.json"\nY = f"{X}/events.jsonl"\n')
    assert spelt(module) == {"summary.json", "events.jsonl"}
