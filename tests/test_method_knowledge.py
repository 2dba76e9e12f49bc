"""What is known of a method is known in one place."""

import ast
import re
from collections import Counter
from pathlib import Path

from prism_desktop.engine.methods import METHODS, Method
from tests.fixtures import source_trees

ROOT = Path(__file__).parents[1]
# plain words that are names of methods, too
_WORDS = {"auto", "consensus", "contrastive", "hierarchical", "retrieval", "ensemble", "selective"}
_BUILDERS = {
    "adaptation/fitter_choice.py", "adaptation/fitters.py", "adaptation/new_labeler_model.py",
    "models/builders.py", "models/personal_tower.py", "models/saved_heads.py",
    "training/closed_form.py",
    "training/conditioning.py", "training/factory.py", "training/losses/registry.py",
}  # fmt: skip
# what is said to a reader, and questions that the method answers as a whole
_WORDING = {
    "name", "title", "summary", "source", "family", "featured", "revision", "tasks", "entering",
    "obstacle", "defaults", "size", "ranges", "kept",
}  # fmt: skip
_FLAGS = {name for name in dir(Method) if not name.startswith("_")} - _WORDING
_QUESTIONS = {"combines", "averages", "needs_tower", "trained_before", "reads_tested_faces"}
_METHODS = {"method", "known", "chosen", "here", "combination", "entry"}


def _asks(node: ast.AST) -> bool:
    """Whether a piece of code asks a method what it is made of."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in _QUESTIONS
    if not isinstance(node, ast.Attribute) or node.attr not in _FLAGS:
        return False
    of = node.value
    named = of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else ""
    listed = isinstance(of, ast.Subscript) and ast.unparse(of.value) == "METHODS"
    looked_up = isinstance(of, ast.Call) and ast.unparse(of.func) == "method"
    return named in _METHODS or listed or looked_up


def _sources() -> list[tuple[str, Path]]:
    """Files outside the declarations, by their place below the package."""
    found = [(source_trees.place(path), path) for path in source_trees.files()]
    return [(name, path) for name, path in found if "engine/methods/" not in name]


def test_that_no_place_but_the_presets_and_their_roles_names_a_method() -> None:
    named = []
    for name, path in _sources():
        documented = {
            node.body[0].value.lineno
            for node in source_trees.nodes(path)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node) is not None
        }
        for node in source_trees.nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node.lineno in documented:
                    continue
                words = set(re.findall(r"[\w-]+", node.value))
                named += [(name, node.lineno, word) for word in words & (METHODS.keys() - _WORDS)]
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                asks = any("method" in ast.unparse(side).split(".")[-1] for side in sides)
                words = [s.value for s in sides if isinstance(s, ast.Constant)]
                named += [(name, node.lineno, word) for word in words if asks and word in METHODS]
    assert named == []


def test_that_few_places_beside_declarations_and_builders_ask_what_a_method_is_made_of() -> None:
    asking = Counter(
        name.removeprefix("engine/")
        for name, path in _sources()
        if name.removeprefix("engine/") not in _BUILDERS
        for node in source_trees.nodes(path)
        if _asks(node)
    )
    listed = re.search(
        r"^- \*\*Who asks a method\*\*.*?(?=^- \*\*|^#)",
        (ROOT / "ARCHITECTURE.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert listed is not None
    assert asking.total() <= 20, asking
    assert set(re.findall(r"`([\w/]+\.py)`", listed[0])) == set(asking) | _BUILDERS
