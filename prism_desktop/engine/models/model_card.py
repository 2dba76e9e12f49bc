"""What a trained model says of itself in its file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prism_desktop.engine.device import Device, Precision
from prism_desktop.engine.models.personal_tower import PersonalTower


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The metadata of `tokens.safetensors`, as JSON."""

    method: str
    backbone: str  # parses to the backbone
    backbone_sha256: str  # of its weights
    labelers: tuple[str, ...]  # codes, in the order of the table's rows
    attributes: Mapping[str, tuple[str, ...]]  # name -> templates, in the order of training
    tokens: int
    rank: int
    alpha: float
    experts: int
    temperature: float
    profiles: tuple[str, ...] | None = None  # of the labelers, where the method reads them
    ties: float | None = None  # Davidson's nu; None where ties were left out
    precision: str = "float32"  # of the frozen visual weights in training
    device: str = "cpu"  # kind of device that it was trained on
    trunk: int = 0  # blocks of the image tower in front of tokens and adapters

    def precision_on(self, device: Device) -> Precision | None:
        """What it was trained in, on the kind of device that it was trained on.

        Elsewhere None, which is float32.
        """
        if self.precision != "bfloat16" or device.kind != self.device:
            return None
        return Precision("bfloat16", "Chosen because the model was trained in it.")


def describe(
    model: PersonalTower,
    method: str,
    labelers: Sequence[str],
    attributes: Mapping[str, Sequence[str]],
    ties: float | None = None,
) -> ModelCard:
    """The card of a model; `LoadedRun(model, card)`
    predicts with a model that is still in training.

    Args:
        model: the model.
        method: name of the method.
        labelers: codes in the order of the table's rows.
        attributes: name -> templates in the order of training.
        ties: Davidson's nu, where ties were learned.
    """
    return ModelCard(
        method=method,
        backbone=model.backbone.name,
        backbone_sha256=model.backbone.sha256,
        labelers=tuple(labelers),
        attributes={name: tuple(templates) for name, templates in attributes.items()},
        tokens=model.tokens,
        rank=model.rank,
        alpha=model.alpha,
        experts=model.experts,
        temperature=float(model.temperature),
        profiles=model.context.profiles,
        ties=ties,
        precision=model.precision,
        device=model.device.type,
        trunk=model.trunk,
    )
