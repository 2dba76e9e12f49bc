"""Checkpoints that are whole or absent: tensors, then
a manifest with their SHA-256, then one rename.

checkpoints/step-00000120/ holds state.safetensors and manifest.json. The last two good ones are
kept.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue
from safetensors.torch import load_file, save_file
from torch import Tensor

from prism_desktop.engine.atomic import sync
from prism_desktop.engine.foreign_files import sha256
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.stored import Stored

KEPT = 2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training's state between two steps."""

    tensors: Mapping[str, Tensor]  # everything that has a shape, on the CPU
    cursor: Mapping[str, Any]  # epoch, step and the like, as JSON


class _Manifest(Stored):
    """What a checkpoint holds, written after its tensors."""

    sha256: str = ""  # of the tensors' file
    step: int | None = None
    cursor: dict[str, JsonValue] = {}


def save(folder: Path, checkpoint: Checkpoint, step: int) -> Path:
    """Write a checkpoint durably, verify it, then prune old ones; returns its folder."""
    final = folder / f"step-{step:08d}"
    if final.exists() and verified(final):
        return final
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{final.name}.{os.getpid()}.tmp"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        save_file(
            {k: t.detach().to("cpu").contiguous().clone() for k, t in checkpoint.tensors.items()},
            beside / layout.STATE,
        )
        sync(beside / layout.STATE)
        _Manifest(
            sha256=sha256(beside / layout.STATE), step=step, cursor=dict(checkpoint.cursor)
        ).save(beside / layout.MANIFEST)
        sync(beside)
        if final.exists():  # what lies there is damaged
            shutil.rmtree(final)
        beside.rename(final)
        sync(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    if verified(final):
        _prune(folder)
    return final


def recover(folder: Path) -> tuple[Checkpoint | None, int]:
    """The newest good checkpoint, and how many damaged ones after it were removed."""
    damaged = 0
    for path in sorted(folder.glob("step-*"), reverse=True):
        if not verified(path):
            damaged += 1
            # else it would pass for newer than what training writes next
            shutil.rmtree(path, ignore_errors=True)
            continue
        manifest = _Manifest.load(path / layout.MANIFEST) or _Manifest()
        return Checkpoint(load_file(path / layout.STATE), manifest.cursor), damaged
    return None, damaged


def verified(path: Path) -> bool:
    """Whether the tensors are those that the manifest was written for."""
    manifest = _Manifest.load(path / layout.MANIFEST)
    try:
        return manifest is not None and manifest.sha256 == sha256(path / layout.STATE)
    except OSError:
        return False


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimizer's moments and step counts by name; its settings come from the configuration."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer.{place}.{name}": torch.as_tensor(value)
        for place, values in state.items()
        for name, value in values.items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the moments back, exactly."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "optimizer":
            place, _, name = rest.partition(".")
            state.setdefault(int(place), {})[name] = tensor
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def _prune(folder: Path) -> None:
    for path in sorted(folder.glob("step-*"), reverse=True)[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(".step-*.tmp"):  # left by a process that was killed while it wrote
        shutil.rmtree(path, ignore_errors=True)
