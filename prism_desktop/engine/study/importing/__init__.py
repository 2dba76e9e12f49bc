"""Readers of data that others made: image folders, tables of every kind, and our own exports."""

from prism_desktop.engine.study.importing.doubts import Choice, Decision, DecisionNeededError
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import (
    apply_plan,
    import_embedding_file,
    import_files,
    is_embeddings,
    redo_import,
)
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.importing.plan_making import plan_import
from prism_desktop.engine.study.importing.recipe import Recipe, read_recipe

__all__ = [
    "Choice",
    "Decision",
    "DecisionNeededError",
    "ImportPlan",
    "Recipe",
    "apply_plan",
    "import_embedding_file",
    "import_files",
    "import_images",
    "is_embeddings",
    "plan_import",
    "read_recipe",
    "redo_import",
]
