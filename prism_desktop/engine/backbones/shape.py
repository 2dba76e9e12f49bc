"""The sizes of a backbone, without its weights and without torch: what a model on it will cost."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from prism_desktop.engine.backbones.language_files import CONFIG, language_folder
from prism_desktop.engine.backbones.spec import BackboneSpec
from prism_desktop.engine.backbones.weight_files import local_folder
from prism_desktop.engine.foreign_files import read_foreign
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.methods.parts.part import TowerSizes
from prism_desktop.engine.paths import typed


def shape(spec: BackboneSpec) -> TowerSizes | None:
    """From the backbone's config; None for embeddings, and where
    there is no config or it is no plain transformer."""
    if spec.kind == "language":
        return _language_shape(spec)
    path = _config(spec)
    try:
        content = parse_json(read_foreign(path)) if path is not None else {}
        config = content.get("model_cfg", content)
        vision, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
        if not isinstance(vision.get("layers"), int) or "embed_dim" not in config:
            return None
        return _shape(config, vision, text)
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError):
        return None


def too_deep(trunk: int, blocks: int) -> str:
    """Why so many blocks of an image tower cannot stay as they are, in a sentence; empty if they
    can."""
    if trunk < blocks:
        return ""
    return (
        f"A trunk of {counted(trunk, 'block')} leaves nothing of this image tower to enter, which "
        f"has {blocks} in all; choose at most trunk={blocks - 1}."
    )


def _shape(config: dict[str, Any], vision: dict[str, Any], text: dict[str, Any]) -> TowerSizes:
    width, blocks, embed = (
        int(vision.get("width", 768)),
        int(vision["layers"]),
        int(config["embed_dim"]),
    )
    hidden = int(width * float(vision.get("mlp_ratio", 4.0)))
    patch = int(vision.get("patch_size", 16))
    places = (int(vision.get("image_size", 224)) // patch) ** 2 + 1
    attention = 4 * width * width + 4 * width
    block = attention + 2 * width * hidden + hidden + width + 4 * width  # with both layer norms
    # Patches, class token, positions, norms before and after, projection.
    tower = (
        3 * width * patch * patch
        + width
        + places * width
        + 4 * width
        + blocks * block
        + width * embed
    )
    heads = width // int(vision.get("head_width", 64))
    return TowerSizes(width, blocks, hidden, embed, int(text.get("width", 512)), tower, heads)


def _language_shape(spec: BackboneSpec) -> TowerSizes | None:
    """Of language models of Llama's kind and of BERT's; of others what adapters would change is
    known once they are read."""
    try:
        config = parse_json(read_foreign(language_folder(spec) / CONFIG))
        kind, width = config["model_type"], int(config["hidden_size"])
        heads, blocks = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
        hidden, words = int(config["intermediate_size"]), int(config["vocab_size"]) * width
        mlp = width * hidden
        if kind == "llama":
            each = int(config.get("head_dim") or width // heads)
            keys = int(config.get("num_key_value_heads") or heads)
            block = 2 * width * each * (heads + keys) + 3 * mlp + 2 * width
            tower = words + blocks * block + width
        elif kind == "bert":
            places = int(config["max_position_embeddings"]) + int(config["type_vocab_size"])
            layer = width * width + width
            block = 4 * layer + 2 * mlp + hidden + 5 * width
            tower = words + (places + 2) * width + blocks * block + layer
        else:
            return None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return None
    return TowerSizes(width, blocks, hidden, width, width, tower, heads, gated=kind == "llama")


def _config(spec: BackboneSpec) -> Path | None:
    if not spec.has_tower:
        return None
    if spec.kind == "folder":
        return local_folder(spec) / "config.json"
    if spec.model.endswith(".json"):
        return typed(spec.model)
    # found, not imported: that would take torch and seconds
    package = importlib.util.find_spec("open_clip")
    folders = package.submodule_search_locations if package is not None else None
    return Path(next(iter(folders))) / "model_configs" / f"{spec.model}.json" if folders else None
