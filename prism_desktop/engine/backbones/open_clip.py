"""Frozen open_clip models: built from a config, filled from safetensors, never from a pickle."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prism_desktop.engine import paths
from prism_desktop.engine.backbones.download import fetch
from prism_desktop.engine.backbones.light_import import import_open_clip
from prism_desktop.engine.backbones.no_pickles import check_safetensors
from prism_desktop.engine.backbones.spec import MINI, BackboneSpec, require_tower
from prism_desktop.engine.backbones.weight_files import (
    checksum,
    local_folder,
    weights_path,
)
from prism_desktop.engine.device import Device
from prism_desktop.engine.errors import BackboneError, UnreadableError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import read_foreign
from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.plain_text import clause
from prism_desktop.engine.tensor_files import read_tensors

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor, nn

_SHAPE = ("embed_dim", "vision_cfg", "text_cfg")


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """A frozen network that sees images and reads attributes."""

    name: str  # canonical spec text, stored with every run
    model: nn.Module  # open_clip CLIP in evaluation mode, no parameter requires a gradient
    tokenizer: Callable[[Sequence[str]], Tensor]  # texts -> (texts, context) int64
    image_size: int  # side of the square input, pixels
    mean: tuple[float, float, float]  # of RGB in 0..1
    std: tuple[float, float, float]
    width: int  # of the visual tokens
    embed_dim: int  # of the space shared by images and texts
    blocks: int  # of the visual tower
    patches: int  # visual tokens without the class token
    sha256: str  # of the weights file
    device: Device

    @property
    def token_width(self) -> int:
        """Numbers of a token that enters the visual tower."""
        return self.width

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return int(self.patches**0.5)

    def encode(self, pixels: NDArray[np.uint8], chunk: int = 64) -> NDArray[np.float32]:
        """The features of images, unit norm.

        Args:
            pixels: (n, 3, S, S) or (n, S, S, 3) uint8 RGB, S the image size.
            chunk: images of one pass.

        Returns:
            (n, embed_dim) float32.
        """
        import torch

        device, clip = self.device.torch, self.model
        mean, std = (
            torch.tensor(three, device=device).view(1, 3, 1, 1) for three in (self.mean, self.std)
        )
        seen = np.empty((len(pixels), self.embed_dim), np.float32)
        with torch.inference_mode():
            for start in range(0, len(pixels), chunk):
                part = (
                    torch.from_numpy(np.array(pixels[start : start + chunk])).to(device).float()
                    / 255
                )
                part = part.permute(0, 3, 1, 2) if part.shape[-1] == 3 else part
                scaled = (part - mean) / std
                found = clip.encode_image(scaled, normalize=True)  # type: ignore[operator]
                seen[start : start + chunk] = found.float().cpu().numpy()
        return seen


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What is needed to build a model, before any weight is read."""

    config: dict[str, Any]  # open_clip's model_cfg
    preprocess: Mapping[str, Any]  # mean, std


def load(spec: BackboneSpec, device: Device) -> Backbone:
    """Build the model and read its weights, downloading them first if they are not in the cache.

    A caller that wants to show the download runs `download.fetch(spec)` first.

    Raises:
        BackboneError: if the model is unknown, cannot take a labeler's token, or its weights are
            missing, damaged, a pickle, or of another architecture.
    """
    recipe = _recipe(spec)
    path = weights_path(spec)
    if path is None:
        for _ in fetch(spec):
            pass
        path = weights_path(spec)
    if path is None:
        raise BackboneError(
            f"The weights of {spec.title} were fetched but are not in {paths.cache()}."
        )
    check_safetensors(path)
    sha256 = checksum(spec, path)
    model = _build(spec, recipe.config)
    _fill(model, path, spec)
    model.requires_grad_(False).eval().to(device.torch)
    vision = recipe.config["vision_cfg"]
    visual: Any = model.visual
    return Backbone(
        name=spec.text,
        model=model,
        tokenizer=_tokenizer(recipe.config),
        image_size=int(vision["image_size"]),
        mean=_triple(recipe.preprocess["mean"]),
        std=_triple(recipe.preprocess["std"]),
        width=int(visual.class_embedding.shape[0]),
        embed_dim=int(visual.proj.shape[1]),
        blocks=len(visual.transformer.resblocks),
        patches=int(visual.positional_embedding.shape[0]) - 1,
        sha256=sha256,
        device=device,
    )


def image_size(spec: BackboneSpec) -> int:
    """The side of the square input in pixels, without reading weights."""
    return int(_recipe(spec).config["vision_cfg"]["image_size"])


def _recipe(spec: BackboneSpec) -> _Recipe:
    """Config and preprocessing of a spec.

    Raises:
        BackboneError: if the architecture or the tag is unknown, or the config cannot be read.
        InputError: if the spec names embeddings.
    """
    require_tower(spec, "Loading a backbone")
    if spec.kind == "folder":
        return _read_config(local_folder(spec) / "config.json")
    if spec.model.endswith(".json"):
        return _read_config(paths.typed(spec.model))
    open_clip = import_open_clip()
    config = open_clip.get_model_config(spec.model)
    if config is None:
        raise BackboneError(
            f"open_clip has no model {spec.model!r}{_nearest(spec.model, open_clip.list_models())}"
        )
    preprocess: Mapping[str, Any] = {}
    if spec.kind == "pretrained":
        preprocess = open_clip.get_pretrained_cfg(spec.model, spec.source)
        if not preprocess:
            tags = open_clip.list_pretrained_tags_by_model(spec.model)
            raise BackboneError(
                f"{spec.model} has no weights tagged {spec.source!r}{_nearest(spec.source, tags)}"
            )
        config["quick_gelu"] = bool(preprocess.get("quick_gelu", False))
    return _Recipe(config, _preprocess(preprocess))


def _read_config(path: Path) -> _Recipe:
    try:
        content = parse_json(read_foreign(path))
        if not isinstance(content, dict) or not isinstance(content.get("model_cfg", {}), dict):
            raise ValueError("it holds no settings")
    except (OSError, ValueError) as error:
        raise_fault(error, path)
        raise BackboneError(
            f"The backbone's config {path} cannot be read: {clause(error)}."
        ) from error
    config = content.get("model_cfg", content)
    missing = [key for key in _SHAPE if key not in config]
    if missing:
        raise BackboneError(
            f"The backbone's config {path} lacks {', '.join(missing)}; it must be an open_clip "
            "config."
        )
    return _Recipe(config, _preprocess(content.get("preprocess_cfg", {})))


def _preprocess(given: Mapping[str, Any]) -> dict[str, Any]:
    known = import_open_clip().constants
    return {
        "mean": given.get("mean") or known.OPENAI_DATASET_MEAN,
        "std": given.get("std") or known.OPENAI_DATASET_STD,
    }


def _build(spec: BackboneSpec, config: Mapping[str, Any]) -> nn.Module:
    """The architecture with random weights, checked for
    a place where a labeler's token can enter."""
    import torch
    from open_clip.model import CLIP, CustomTextCLIP
    from open_clip.transformer import VisionTransformer

    reason = _unsuitable(config)
    if not reason:
        kind = CustomTextCLIP if config.get("custom_text") else CLIP
        shape = {key: value for key, value in config.items() if key != "custom_text"}
        try:
            # the caller's random stream does not depend on the backbone
            with torch.random.fork_rng(devices=[]):
                model = kind(**shape)
        except (TypeError, ValueError, RuntimeError, AssertionError) as error:
            raise BackboneError(
                f"open_clip cannot build {spec.title} from its config: {clause(error)}."
            ) from error
        visual = model.visual
        if (
            isinstance(visual, VisionTransformer)
            and visual.attn_pool is None
            and visual.pool_type == "tok"
        ):
            built: nn.Module = model
            return built
        reason = "its image tower does not end in a class token"
    raise BackboneError(
        f"{spec.title} cannot be personalised: {clause(reason)}. Use a CLIP with a plain vision "
        f"transformer, such as ViT-B-32-quickgelu:openai, ViT-B-16-quickgelu:openai or {MINI}."
    )


def _unsuitable(config: Mapping[str, Any]) -> str:
    """Why an architecture is refused before it is built; empty if it is not."""
    vision, text = config["vision_cfg"], config["text_cfg"]
    if vision.get("timm_model_name") or isinstance(vision.get("layers"), list):
        return "its image tower is no plain vision transformer"
    if text.get("hf_model_name") or text.get("hf_tokenizer_name"):
        return "its text tower needs files from Hugging Face beside the weights"
    if not isinstance(vision.get("image_size"), int):
        return "its images are not square"
    if "multimodal_cfg" in config:
        return "it is a captioning model"
    return ""


def _fill(model: nn.Module, path: Path, spec: BackboneSpec) -> None:
    """Read the weights into the model, exactly: nothing missing, nothing left over."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    try:
        state: dict[str, torch.Tensor] = read_tensors(path)[0]
    except (OSError, UnreadableError) as error:
        raise_fault(error.__cause__ or error, path)
        why = error.why if isinstance(error, UnreadableError) else error
        raise BackboneError(
            f"The weights file {path} is damaged or incomplete ({why}); fetch or copy it again."
        ) from error
    state = convert_state_dict(model, state)
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    target = model.state_dict()
    # stored as a scalar by some and as one value by others
    if "logit_scale" in state and "logit_scale" in target:
        state["logit_scale"] = state["logit_scale"].reshape(target["logit_scale"].shape)
    missing, extra = sorted(target.keys() - state.keys()), sorted(state.keys() - target.keys())
    shapes = [key for key in target.keys() & state.keys() if target[key].shape != state[key].shape]
    if missing or extra or shapes:
        example = (sorted(shapes) or missing or extra)[0]
        raise BackboneError(
            f"{path.name} holds weights of another architecture than {spec.title}: of its "
            f"tensors {len(missing):,} are missing, {len(extra):,} too many and {len(shapes):,} of "
            f"another shape (for instance {example}). Name the MODEL that the file was made for."
        )
    model.load_state_dict(state)


def _tokenizer(config: Mapping[str, Any]) -> Callable[[Sequence[str]], Tensor]:
    from open_clip import SimpleTokenizer

    text = config["text_cfg"]
    tokenizer: Callable[[Sequence[str]], Tensor] = SimpleTokenizer(
        context_length=text.get("context_length", 77), **text.get("tokenizer_kwargs", {})
    )
    return tokenizer


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; it offers {', '.join(known[:8])}." if known else "; none are offered for it."
