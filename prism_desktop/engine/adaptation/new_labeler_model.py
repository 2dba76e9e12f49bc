"""The model of one new labeler on top of a trained one: what is shared stays, what is personal is
fitted to few answers.

The new labeler's own parameters start where the method's learned start is, else at the mean of the
known labelers', and are held there by a Gaussian whose width is how far the known labelers lie from
it: without answers the start remains, and few answers move it little. Only the answered images pass
the tower.

Sources: MacKay, "Bayesian Interpolation", Neural Computation 4 (1992), for a prior whose width
comes from the data; Liu and Nocedal 1989 (L-BFGS); Zhang et al., "LoRA-FA", 2023, for adapters of
which only the upper factor is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from prism_desktop.engine.methods.parts.part import OwnStart
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.attribute_heads import TABLE
from prism_desktop.engine.models.base import PersonalModel
from prism_desktop.engine.models.builders import SHARED
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.models.saved import LoadedRun
from prism_desktop.engine.training.pair_loss import PairLoss
from prism_desktop.engine.training.scoring import Scorer

PASSES = 10  # of the answered images through the model, forwards and backwards
# of the objective, which a pass must gain: what is less is float32's noise, in which searches get
# lost
_ENOUGH = 1e-4
_NARROWEST = 1e-3  # spread where known labelers hardly differ
_START = "prompts.start"  # what meta-learning learned to start from

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class OwnParameter:
    """A parameter of the new labeler's own."""

    tensor: nn.Parameter
    start: Tensor  # of the same shape
    spread: float  # standard deviation of the known labelers about the start


def new_labeler_model(
    loaded: LoadedRun, context: LabelerContext, fresh: str, seed: int
) -> tuple[PersonalTower, dict[str, OwnParameter]]:
    """A model of the new labeler alone that has everything shared
    of a trained one, and the new labeler's own parameters.

    Its frozen weights are float32, whatever the run's are: a fit takes few passes, and the search
    for its end gets lost in bfloat16's noise. Scores differ from the run's precision by rounding.

    Args:
        loaded: the trained model, from which tensors are copied, the backbone's shared.
        context: of the new labeler alone.
        fresh: name of the adapter that is the new labeler's own; empty without.
        seed: of what is drawn: the lower factors of a new adapter.
    """
    card = loaded.card
    model = type(loaded.model)(
        loaded.backbone,
        1,
        method=loaded.method,
        context=context,
        tokens=card.tokens,
        rank=card.rank,
        alpha=card.alpha,
        experts=card.experts,
        trunk=card.trunk,
        temperature=card.temperature,
        seed=seed,
        heads=None if loaded.model.heads is None else loaded.model.heads.labeled,
    )
    given, named = loaded.model.kept_state(), dict(model.named_parameters())
    declared = {name: how for name, how in loaded.method.own.items() if name in given}
    own = {name: named[name] for name, how in declared.items() if how != "fitted"}
    starts = {name: _start(name, how, given) for name, how in declared.items()}
    model.load_kept_state(
        {name: starts.get(name, given.get(name, t)) for name, t in model.kept_state().items()}
    )
    model.requires_grad_(False)
    made = {
        name: OwnParameter(
            own[name], starts[name].to(model.device), _spread(given[name], starts[name])
        )
        for name in own
    }
    return model, made | _adapters(model, loaded.model, fresh)


def fit_parameters(
    scorer: Scorer, own: Mapping[str, OwnParameter], answers: Answers, *, changes_encoding: bool
) -> None:
    """Move the new labeler's own parameters from their start
    to the most likely place, given all of their answers and the heads.

    Args:
        scorer: of the new labeler's model.
        own: what is fitted.
        answers: the new labeler's, who is labeler 0.
        changes_encoding: whether any of the parameters changes how images are seen; otherwise they
            pass the tower once.
    """
    parts = list(own.values())
    to_start(own)
    if not parts or not len(answers):
        return
    scorer.model.begin_episode(None)
    batch = scorer.batch(answers, np.arange(len(answers)))
    weight, outcome, loss = (
        scorer.send(answer_weights(answers)),
        scorer.send(batch.outcome),
        PairLoss(ties=False),
    )
    tensors = [part.tensor.requires_grad_(True) for part in parts]
    with scorer.model.fused():
        seen = None if changes_encoding else scorer.encode(batch).detach()

        def objective(x: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            _put(parts, x)
            difference = scorer.differences(batch, scorer.encode(batch) if seen is None else seen)
            total = (loss(difference, outcome) * weight).sum()
            slopes = torch.autograd.grad(total, tensors)
            gradient = torch.cat(
                [(g * part.spread).flatten() for g, part in zip(slopes, parts, strict=True)]
            )
            return float(total.detach()) + 0.5 * float(x @ x), gradient.double().cpu().numpy() + x

        start = np.zeros(sum(part.tensor.numel() for part in parts))
        limits = {"maxfun": PASSES, "maxiter": PASSES, "ftol": _ENOUGH}
        found = minimize(  # type: ignore[call-overload]
            objective, start, jac=True, method="L-BFGS-B", options=limits
        )
    _put(parts, found.x)
    for tensor in tensors:
        tensor.requires_grad_(False)


def answer_weights(answers: Answers) -> npt.NDArray[np.float32]:
    """(answers,) weights: answers that share images, such as
    pairs made of ratings, count for no more than images."""
    weight = answers.weight.astype(np.float32)
    for attribute in np.unique(answers.attribute):
        mine = answers.attribute == attribute
        images = len(np.unique(np.concatenate([answers.left[mine], answers.right[mine]])))
        weight[mine] *= min(1.0, images / float(mine.sum()))
    return weight


def score(scorer: Scorer, images: Ints | None = None) -> Scores:
    """What the new labeler says of images, all of them by default: (attributes, n) float32."""
    rows = np.arange(len(scorer.inputs)) if images is None else images
    parts = [scorer.score(block, 0) for block in scorer.blocks(rows, np.zeros(len(rows), np.int64))]
    return np.ascontiguousarray(np.concatenate(parts).T)


def to_start(own: Mapping[str, OwnParameter]) -> None:
    """Put the new labeler's own parameters where their fit starts."""
    parts = list(own.values())
    _put(parts, np.zeros(sum(part.tensor.numel() for part in parts)))


@torch.no_grad()
def _put(parts: Sequence[OwnParameter], x: npt.NDArray[np.float64]) -> None:
    """Set parameters from how many spreads they are away from their start."""
    place = 0
    for part in parts:
        away = torch.from_numpy(x[place : place + part.tensor.numel()]).to(part.start)
        part.tensor.copy_(part.start + part.spread * away.view_as(part.start))
        place += part.tensor.numel()


def _start(name: str, how: OwnStart, given: Mapping[str, Tensor]) -> Tensor:
    """Where a new labeler's row of a table starts; what is fitted in one go starts at the mean."""
    if how == "zero":
        return torch.zeros_like(given[name][:1])
    if how == "learned" and _START in given:
        return given[_START]
    return given[name].mean(dim=0, keepdim=True)


def _spread(rows: Tensor, start: Tensor) -> float:
    return max(float((rows - start).pow(2).mean().sqrt()), _NARROWEST)


@torch.no_grad()
def _adapters(model: PersonalTower, trained: PersonalTower, fresh: str) -> dict[str, OwnParameter]:
    """Copy the trained adapters.

    Returns the upper factors of the new labeler's own, which start at zero.
    """
    if model.adapted is None or trained.adapted is None:
        return {}
    given = {
        name: tensor for name, tensor in trained.adapted.named_parameters() if ".lora_" in name
    }
    own: dict[str, OwnParameter] = {}
    for name, tensor in model.adapted.named_parameters():
        if ".lora_" not in name:
            continue
        if not fresh or f".{fresh}." not in name:
            tensor.copy_(given[name])
        elif ".lora_B." in name:
            layer = name.split(".lora_B.")[0]
            others = {key: t for key, t in given.items() if key.startswith(f"{layer}.lora_B.")}
            mine = [t.flatten() for key, t in others.items() if f".{SHARED}." not in key] or [
                t.flatten() for t in others.values()
            ]
            spread = max(float(torch.cat(mine).pow(2).mean().sqrt()), _NARROWEST)
            own[f"adapted.{name}"] = OwnParameter(tensor, torch.zeros_like(tensor), spread)
    return own


def own_tensors(
    model: PersonalModel, own: Mapping[str, OwnParameter], fresh: str
) -> dict[str, nn.Parameter]:
    """Everything of the new labeler's that must be kept: what
    was fitted, heads, and the drawn factors of a new adapter."""
    named = dict(model.named_parameters())
    drawn = {
        name: tensor
        for name, tensor in named.items()
        if name == TABLE or (fresh and f".lora_A.{fresh}." in name)
    }
    return {name: part.tensor for name, part in own.items()} | drawn
