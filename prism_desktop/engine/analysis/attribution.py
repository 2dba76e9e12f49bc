"""Relevance maps of many images at once, by every rule that `relevance_map` names, with torch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from prism_desktop.engine.analysis.relevance_map import OWNERS, MapKind, TokenSeats
from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.parts.visual_tokens import VisualTokens
from prism_desktop.engine.models.attention import BlockAttention, recorded_attention
from prism_desktop.engine.models.saved import LoadedRun

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 128  # of one pass of a small tower
_ENTRIES = 2**26  # of all attention tensors of one pass, at most

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """What is explained: a weighted sum of labelers' scores on an attribute.

    A labeler's own score, the mean of several, or how far one lies above others.
    """

    attribute: str  # a name of the run, or any words
    parts: tuple[tuple[str, float], ...]  # (code, weight), no code twice

    @classmethod
    def score(cls, labeler: str, attribute: str) -> Target:
        """A labeler's own."""
        return cls(attribute, ((labeler, 1.0),))

    @classmethod
    def mean(cls, labelers: Sequence[str], attribute: str) -> Target:
        """Of several labelers."""
        return cls(attribute, tuple((code, 1 / len(labelers)) for code in labelers))

    def less(self, other: Target) -> Target:
        """How far this one, of other labelers, lies above another."""
        return Target(self.attribute, (*self.parts, *((who, -part) for who, part in other.parts)))


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Maps of n images."""

    grids: Floats  # (n, rows, columns)
    tokens: Floats  # (n,) relevance of the labeler's own tokens, a share of theirs and the patches'


def target_scores(run: LoadedRun, pixels: NDArray[np.uint8], target: Target) -> Floats:
    """The target of each of (n, 3, S, S) uint8 images: (n,) float32."""
    patches = run.backbone.patches
    return kept_scores(run, pixels, target, np.ones((len(pixels), 1, patches), bool))[:, 0]


def kept_scores(
    run: LoadedRun, pixels: NDArray[np.uint8], target: Target, kept: NDArray[np.bool_]
) -> Floats:
    """The target of images of which only some patches are seen; the tokens of the others are
    dropped, so that no grey or black place is shown in their stead.

    Args:
        run: a trained model.
        pixels: (n, 3, S, S) uint8.
        target: what is computed.
        kept: (n, m, patches) which patches each of the m passes over an image sees.

    Returns:
        (n, m) float32.
    """
    found = np.zeros(kept.shape[:2], np.float32)
    for code, weight in target.parts:
        seen = kept_features(run, pixels, code, kept)
        found += np.float32(weight) * feature_scores(run, seen, code, target.attribute)
    return found


@torch.no_grad()
def kept_features(
    run: LoadedRun, pixels: NDArray[np.uint8], code: str, kept: NDArray[np.bool_]
) -> Floats:
    """What a labeler's model sees in such images: (n, m, embed_dim) float32, unit norm.

    Args:
        run, pixels, kept: as of `kept_scores`.
        code: the labeler's.
    """
    n, m, patches = kept.shape
    flat, model = kept.reshape(n * m, patches), run.clip
    found = np.zeros((n * m, run.backbone.embed_dim), np.float32)
    counts = flat.sum(1)
    with model.fused():
        for count in np.unique(counts):
            rows = np.flatnonzero(counts == count)
            step = _step(run, 1 + run.card.tokens + int(count))
            for start in range(0, len(rows), step):
                part = rows[start : start + step]
                used, image = np.unique(part // m, return_inverse=True)
                images = model.normalise(torch.from_numpy(np.ascontiguousarray(pixels[used])))
                # the places of `count` ones in each row, in their order
                seen = torch.from_numpy(np.nonzero(flat[part])[1].reshape(len(part), -1))
                labeler = torch.full((len(part),), run.row(code), device=model.device)
                features = model.image_features(
                    images,
                    labeler,
                    torch.from_numpy(image).to(model.device),
                    None if count == patches else seen.to(model.device),
                )
                found[part] = features.cpu().numpy()
    return found.reshape(n, m, -1)


def patch_features(run: LoadedRun, pixels: NDArray[np.uint8], code: str) -> Floats:
    """(n, 1 + patches, embed_dim): what is seen of images whole, and without each patch."""
    patches = run.backbone.patches
    kept = np.concatenate([np.ones((1, patches), bool), ~np.eye(patches, dtype=bool)])
    return kept_features(run, pixels, code, np.broadcast_to(kept, (len(pixels), *kept.shape)))


@torch.no_grad()
def feature_scores(run: LoadedRun, features: Floats, code: str, attribute: str) -> Floats:
    """(..., embed_dim) that a labeler's model sees -> (...) their scores."""
    flat = torch.from_numpy(features.reshape(-1, features.shape[-1])).to(run.model.device)
    labeler = torch.full((len(flat),), run.row(code), device=flat.device)
    scores = run.model.score(flat, labeler, run.attribute_texts([attribute]))[:, 0]
    return scores.float().cpu().numpy().reshape(features.shape[:-1])


def attribute_maps(
    run: LoadedRun,
    pixels: NDArray[np.uint8],
    target: Target,
    kind: MapKind,
    signs: NDArray[np.float32] | None = None,
) -> Maps:
    """Make maps.

    Args:
        run: a trained model.
        pixels: (n, 3, S, S) uint8.
        target: what is explained. Where it is of several labelers, the map of a rule without sign
            is the sum of theirs, each with a mass of 1 times the labeler's weight.
        kind: the rule.
        signs: (n,) 1 to explain what raises the target, -1 what lowers it; 1 if None.

    Raises:
        BackboneError: if the backbone's attention cannot be recorded.
    """
    signs = np.ones(len(pixels), np.float32) if signs is None else signs
    if kind.name == "occlusion":
        grids = signs[:, None, None] * patch_effects(run, pixels, target)
        return Maps(grids, np.zeros(len(pixels), np.float32))
    made = [
        (weight, _of_labeler(run, pixels, code, target.attribute, kind, signs * np.sign(weight)))
        for code, weight in target.parts
    ]
    first = made[0][1]
    if len(made) == 1:
        return first
    grids = np.zeros_like(first.grids)
    for weight, maps in made:
        mass = maps.grids.sum((1, 2), keepdims=True)
        grids += weight * maps.grids / np.maximum(mass, 1e-12)
    return Maps(grids, first.tokens)


@torch.no_grad()
def token_attention(
    run: LoadedRun, pixels: NDArray[np.uint8], code: str
) -> tuple[Floats, TokenSeats]:
    """How much of the class token's attention the tokens get that are put in for a labeler.

    Args:
        run: a trained model.
        pixels: (n, 3, S, S) uint8.
        code: the labeler's.

    Returns:
        (n, blocks) float32 shares of the blocks behind the trunk, the mean over heads, and which
        tokens these are.

    Raises:
        BackboneError: if the backbone's attention cannot be recorded.
    """
    patches, found = run.backbone.patches, []
    step, own = _step(run, 1 + run.card.tokens + patches), 0
    for start in range(0, len(pixels), step):
        part = pixels[start : start + step]
        with recorded_attention(run.model) as seen:
            labeler = torch.full((len(part),), run.row(code), device=run.model.device)
            images = run.clip.normalise(torch.from_numpy(np.ascontiguousarray(part)))
            run.clip.image_features(images, labeler)
        own = seen[0].weights.shape[-1] - 1 - patches
        rows = [block.weights[:, :, 0, 1 : 1 + own].mean(1).sum(1) for block in seen]
        found.append(torch.stack(rows, 1).cpu().numpy())
    owner = next(run.method.of(VisualTokens)).apart
    if run.model.context.deltas is not None:  # each labeler's deviation from the group's
        owner = "labeler"
    seats = TokenSeats(own, patches, OWNERS.index(owner), run.model.trunk)
    return np.concatenate(found), seats


def patch_effects(run: LoadedRun, pixels: NDArray[np.uint8], target: Target) -> Floats:
    """(n, rows, columns): how far the target falls when a patch alone is dropped."""
    found = np.zeros((len(pixels), run.backbone.patches), np.float32)
    for code, weight in target.parts:
        scores = feature_scores(run, patch_features(run, pixels, code), code, target.attribute)
        found += np.float32(weight) * (scores[:, :1] - scores[:, 1:])
    return _squared(run, found)


def _of_labeler(
    run: LoadedRun,
    pixels: NDArray[np.uint8],
    code: str,
    attribute: str,
    kind: MapKind,
    signs: Floats,
) -> Maps:
    """Maps of one labeler's score, a part of the images at a time."""
    patches = run.backbone.patches
    step = _step(run, 1 + run.card.tokens + patches)
    lines, shares = [], []
    for start in range(0, len(pixels), step):
        part = slice(start, start + step)
        with torch.enable_grad(), recorded_attention(run.model) as seen, _outputs(run) as outputs:
            labeler = torch.full((len(pixels[part]),), run.row(code), device=run.model.device)
            images = run.clip.normalise(torch.from_numpy(np.ascontiguousarray(pixels[part])))
            score = run.model(images, labeler, run.attribute_texts([attribute]))[:, 0]
            sign = torch.from_numpy(signs[part].copy()).to(score.device)
            found = _RULES[kind.name](
                _Pass(run, seen, outputs, labeler, attribute, sign, score, kind)
            )
        line = found.detach().float().cpu().numpy()
        mine, theirs = line[:, 1:-patches].sum(1), line[:, -patches:]
        mass = np.abs(mine) + np.abs(theirs).sum(1)
        lines.append(theirs)
        shares.append(np.divide(mine, mass, out=np.zeros_like(mass), where=mass > 0))
    return Maps(_squared(run, np.concatenate(lines)), np.concatenate(shares).astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """What a rule reads of one pass over a part of the images."""

    run: LoadedRun
    blocks: list[BlockAttention]  # behind the trunk
    outputs: list[Tensor]  # (images, tokens, width) of each of them
    labeler: Tensor  # (images,)
    attribute: str
    sign: Tensor  # (images,)
    score: Tensor  # (images,)
    kind: MapKind

    def gradients(self, of: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Of the target, summed over images, which do not know one another."""
        return torch.autograd.grad((self.sign * self.score).sum(), list(of))


def _gradient_attention(seen: _Pass) -> Tensor:
    """Chefer et al.; the row of the class token of the product, from the last block down."""
    row = _class_token(seen)
    gradients = seen.gradients([block.weights for block in seen.blocks])
    for block, gradient in zip(reversed(seen.blocks), reversed(gradients), strict=True):
        joint = (gradient * block.weights).clamp(min=0).mean(1)
        row = row + torch.einsum("bi,bij->bj", row, joint)
    return row


def _rollout(seen: _Pass) -> Tensor:
    row = _class_token(seen)
    for block in reversed(seen.blocks):
        row = 0.5 * row + 0.5 * torch.einsum("bi,bij->bj", row, block.weights.mean(1))
    return row


def _attention(seen: _Pass) -> Tensor:
    """Raises: InputError: the backbone has no such block or head, or the labelers' tokens enter
    behind it."""
    trunk, heads = seen.run.model.trunk, seen.blocks[0].weights.shape[1]
    blocks = trunk + len(seen.blocks)
    if (seen.kind.block or 1) > blocks or (seen.kind.head or 1) > heads:
        raise InputError(
            f"There is no {seen.kind}: the backbone has {counted(blocks, 'block')} of "
            f"{counted(heads, 'attention head')}."
        )
    number = blocks if seen.kind.block is None else seen.kind.block
    if number <= trunk:
        raise InputError(
            f"Block {number} stands in front of the labelers' tokens in this run, so it is the "
            f"same for all of them; name a block from {trunk + 1} to {blocks}."
        )
    block = seen.blocks[number - 1 - trunk].weights[:, :, 0]
    return block.mean(1) if seen.kind.head is None else block[:, seen.kind.head - 1]


def _legrad(seen: _Pass) -> Tensor:
    """LeGrad: of each block's own score, that of the mean of its tokens, the gradient towards its
    attention, its positive part averaged over heads and rows."""
    model, texts = seen.run.clip, seen.run.attribute_texts([seen.attribute])
    found = torch.zeros_like(seen.blocks[0].weights[:, 0, 0])
    for block, output in zip(seen.blocks, seen.outputs, strict=True):
        visual = model.visual
        tokens = visual.ln_post(output) @ visual.proj
        features = functional.normalize(tokens.float().mean(1), dim=-1)
        score = seen.sign * model.score(features, seen.labeler, texts)[:, 0]
        (gradient,) = torch.autograd.grad(score.sum(), [block.weights], retain_graph=True)
        found = found + gradient.clamp(min=0).mean((1, 2))
    return found


def _grad_eclip(seen: _Pass) -> Tensor:
    """Grad-ECLIP: values of the last block, weighted by the gradient at the class token's output
    and by how near keys are to its query."""
    last = seen.blocks[-1]
    (gradient,) = seen.gradients([last.mixed])
    weight = gradient[:, :, :1]  # (images, heads, 1, d) at the class token
    query, key = (each.transpose(1, 2).flatten(2) for each in (last.query[:, :, :1], last.key))
    near = functional.cosine_similarity(query, key, dim=-1)
    low, high = (getattr(near[:, 1:], end)(1, keepdim=True).values for end in ("min", "max"))
    near = (near - low) / (high - low).clamp(min=1e-12)
    found: torch.Tensor = (near * (weight * last.value).sum((1, 3))).clamp(min=0)
    return found


def _class_token(seen: _Pass) -> Tensor:
    weights = seen.blocks[0].weights
    row = torch.zeros(weights.shape[0], weights.shape[-1], device=weights.device)
    row[:, 0] = 1
    return row


_RULES: dict[str, Callable[[_Pass], Tensor]] = {
    "gradient-attention": _gradient_attention,
    "legrad": _legrad,
    "grad-eclip": _grad_eclip,
    "rollout": _rollout,
    "attention": _attention,
}


@contextlib.contextmanager
def _outputs(run: LoadedRun) -> Iterator[list[Tensor]]:
    """Inside, what each visual block behind the trunk puts out."""
    found: list[Tensor] = []
    visual: Any = run.model.visual
    hooks = [
        block.register_forward_hook(lambda _block, _in, out: found.append(out))
        for block in visual.transformer.resblocks[run.model.trunk :]
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _step(run: LoadedRun, tokens: int) -> int:
    """Images of one pass, so that its attention fits into memory."""
    backbone: Backbone = run.backbone
    heads = max(1, backbone.width // 64)
    return max(1, min(_ROWS, _ENTRIES // (backbone.blocks * heads * tokens * tokens)))


def _squared(run: LoadedRun, flat: Floats) -> Floats:
    """(n, patches) as (n, rows, columns)."""
    side = run.backbone.grid
    return np.ascontiguousarray(flat.reshape(len(flat), side, side), np.float32)
