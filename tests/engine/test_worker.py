"""What a worker can be asked for, and that nothing else starts a process of ours."""

import ast
import subprocess
import sys

from prism_desktop.engine.worker import SERVICES
from tests.fixtures import source_trees

# The installer of Qt's libraries runs the system's package manager; the faces of the demo study
# are drawn by functions, in a pool of the standard library. Slurm is asked and told by commands.
STARTERS = {
    "engine/processes/pool.py",
    "engine/processes/jobs.py",
    "engine/processes/job_states.py",
    "engine/demo/faces/pictures.py",
    "qt_libraries.py",
}


def test_that_what_is_asked_for_is_what_workers_can_do() -> None:
    asked = set()
    for path in source_trees.files():
        for node in source_trees.nodes(path):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in ("call", "send", "_request") and isinstance(node.args[0], ast.Constant):
                asked.add(node.args[0].value)
    assert asked == set(SERVICES)


def test_that_every_service_refuses_what_it_does_not_know() -> None:
    for service in SERVICES.values():
        assert service.arguments.model_config["extra"] == "forbid"


def test_that_nothing_else_starts_a_process() -> None:
    for path in source_trees.files():
        file, nodes = source_trees.place(path), source_trees.nodes(path)
        imported = {
            name.partition(".")[0]
            for node in nodes
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert file in STARTERS or not imported & {"subprocess", "multiprocessing"}, file


IMPORTERS = {
    "cli/command_table.py": {"import_module"},  # of modules in a table of its own
    "ui/app.py": {"__import__"},  # which it puts back, and does not call
}


def test_that_nothing_is_imported_by_a_name_that_was_sent() -> None:
    for path in source_trees.files():
        file, nodes = source_trees.place(path), source_trees.nodes(path)
        names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        names |= {node.id for node in nodes if isinstance(node, ast.Name)}
        found = names & {"import_module", "__import__", "run_module"}
        assert found <= IMPORTERS.get(file, set()), file


def test_that_a_worker_starts_without_heavy_packages() -> None:
    heavy = {"torch", "pandas", "matplotlib", "sklearn", "open_clip", "peft", "optuna"}
    code = f"import sys, prism_desktop.engine.worker; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_that_a_worker_gets_ready_without_the_compiler_of_torch() -> None:
    """It is two seconds of imports, before a closed form can be computed."""
    code = """
import sys
import torch
from prism_desktop.engine.processes.process_setup import release_torch
torch.set_deterministic_debug_mode("warn")
release_torch()
print(torch.are_deterministic_algorithms_enabled(), "torch._inductor" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
