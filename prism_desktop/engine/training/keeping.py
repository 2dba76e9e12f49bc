"""A trained model written into its run's folder, whatever it is made of."""

from collections.abc import Sequence

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.personal.base import PersonalModel
from prism_desktop.engine.personal.model import PersonalClip
from prism_desktop.engine.personal.saved import save_model
from prism_desktop.engine.training.run import RunFolder


def keep(model: PersonalModel, run: RunFolder, labelers: Sequence[str]) -> None:
    """Write the model's files."""
    if not isinstance(model, PersonalClip):
        raise RunError(f"A {type(model).__name__} cannot be saved.")
    templates: dict[str, Sequence[str]] = {a["name"]: a["templates"] for a in run.meta()["attributes"]}
    save_model(model, run.path, method=run.config().method, labelers=labelers, attributes=templates)
