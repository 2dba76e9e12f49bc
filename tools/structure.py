"""The structure of the package in numbers: `python -m tools.structure [CHECKOUT]`.

Files, lines, imports between rooms and inside them, circles, shared names: to compare two states of
the code, not to steer by.
"""

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import networkx as nx


def measure(root: Path) -> dict[str, str]:
    """What to print, by caption."""
    sources = {path: path.read_text("utf-8") for path in sorted(root.glob("prism_desktop/**/*.py"))}
    lines = [len(text.splitlines()) for text in sources.values()]
    modules = {_module(path, root): ast.parse(text) for path, text in sources.items()}
    edges = {
        (module, target)
        for module, tree in modules.items()
        for target in _imports(tree, modules.keys())
        if target != module
    }
    between = sum(_room(one) != _room(other) for one, other in edges)
    inside = Counter(_room(one) for one, other in edges if _room(one) == _room(other))
    circles = [c for c in nx.strongly_connected_components(nx.DiGraph(list(edges))) if len(c) > 1]
    names = Counter(path.name for path in sources)
    everything = "\n".join(sources.values())
    return {
        "files": f"{len(sources):,}",
        "lines": f"{sum(lines):,}",
        "median file": f"{statistics.median(n for n in lines if n > 5):.0f}",
        "largest file": f"{max(lines)}",
        "files in engine/training": str(
            len(list(root.glob("prism_desktop/engine/training/**/*.py")))
        ),
        "imports between rooms": str(between),
        "imports inside engine/training": str(inside["engine.training"]),
        "circles": str(len(circles)),
        "file names used more than once": str(sum(count > 1 for count in names.values())),
        "[str, Any]": str(everything.count("[str, Any]")),
        "lines over 100 characters": str(sum(len(line) > 100 for line in everything.splitlines())),
    }


def _module(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.Module, known: Collection[str]) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return {name for name in found if name in known}


def _room(module: str) -> str:
    """`ui` with all panels, and every package of the engine."""
    parts = module.split(".")
    return ".".join(parts[1:3]) if parts[1:2] == ["engine"] else ".".join(parts[1:2])


if __name__ == "__main__":
    for caption, number in measure(Path(sys.argv[1] if len(sys.argv) > 1 else ".")).items():
        print(f"{caption}: {number}")
