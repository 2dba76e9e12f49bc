"""The saving of trained models into their run's folder, whatever they are made of."""

from collections.abc import Sequence

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.models.base import PersonalModel
from prism_desktop.engine.models.decoder import DecoderModel
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.models.saved import save_model
from prism_desktop.engine.models.saved_heads import HeadCard, save_heads
from prism_desktop.engine.runs.folder import RunFolder


def save_trained(
    model: PersonalModel, run: RunFolder, labelers: Sequence[str], ties: float | None = None
) -> None:
    """Write the model's files; `ties` is Davidson's nu, where ties were learned."""
    if isinstance(model, DecoderModel):
        config, names = run.config(), run.meta().names
        sha256 = run.environment().backbone_sha256 or ""
        save_heads(
            model,
            run.path,
            HeadCard(config.method, config.backbone, sha256, tuple(labelers), names),
        )
        return
    if not isinstance(model, PersonalTower):
        raise RunError(f"A {type(model).__name__} cannot be saved.")
    templates: dict[str, Sequence[str]] = {a.name: a.templates for a in run.meta().attributes}
    save_model(
        model,
        run.path,
        method=run.config().method,
        labelers=labelers,
        attributes=templates,
        ties=ties,
    )
