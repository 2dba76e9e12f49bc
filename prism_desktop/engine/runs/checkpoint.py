"""Checkpoints that are whole or absent: tensors, then
a manifest with their SHA-256, then one rename.

checkpoints/step-00000120/ holds state.safetensors and manifest.json. The last two good ones are
kept.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue
from safetensors.torch import load_file, save_file
from torch import Tensor

from prism_desktop.engine.errors import FailedReadError, UnreadableError
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.files import make_folder, move, remove_tree, sync, write_whole
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, plain_file, sha256
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.status import check_ours
from prism_desktop.engine.runs.stored import Stored

KEPT = 2
_ours = layout.ours_in(f"{layout.CHECKPOINTS}/step-00000000")
_LEFT = re.compile(r"\.step-\d{8,}\.\d+\.tmp", re.ASCII)


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
    """Write a checkpoint durably, verify it, then prune old ones; returns its folder.

    Args:
        folder: of a run that this process works on.
        checkpoint: what is kept.
        step: at which the training is.

    Raises:
        TakenOverError: the run is no longer this process's.
    """
    check_ours(folder.parent)
    final = folder / f"step-{step:08d}"
    if final.exists() and verified(final):
        return final
    fresh = folder / f".{final.name}.{os.getpid()}.tmp"
    remove_tree(fresh, _ours)
    make_folder(fresh)
    try:
        tensors = {
            k: t.detach().to("cpu").contiguous().clone() for k, t in checkpoint.tensors.items()
        }
        write_whole(fresh / layout.STATE, lambda beside: save_file(tensors, beside))
        _Manifest(
            sha256=sha256(fresh / layout.STATE), step=step, cursor=dict(checkpoint.cursor)
        ).save(fresh / layout.MANIFEST)
        sync(fresh)
        remove_tree(final, _ours)  # what lies there is damaged
        move(fresh, final)
        sync(folder)
    finally:
        remove_tree(fresh, _ours)
    if verified(final):
        _prune(folder)
    return final


def recover(folder: Path) -> tuple[Checkpoint | None, int]:
    """The newest good checkpoint, and how many damaged ones after it were removed."""
    damaged = 0
    for path in _checkpoints(folder):
        if not verified(path):
            damaged += 1
            # else it would pass for newer than what training writes next
            remove_tree(path, _ours)
            continue
        manifest = _Manifest.load(path / layout.MANIFEST) or _Manifest()
        plain_file(path / layout.STATE, MAX_WEIGHTS)
        return Checkpoint(load_file(path / layout.STATE), manifest.cursor), damaged
    return None, damaged


def verified(path: Path) -> bool:
    """Whether the tensors are those that the manifest was written for.

    Raises:
        FailedReadError: the disk could not be read, which says nothing of them.
    """
    try:
        manifest = _Manifest.from_file(path / layout.MANIFEST)
        return manifest is not None and manifest.sha256 == sha256(path / layout.STATE)
    except FailedReadError:
        raise
    except UnreadableError:
        return False
    except OSError as error:
        found = unreadable(path / layout.STATE, error)
        if isinstance(found, FailedReadError):
            raise found from error
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
    for path in _checkpoints(folder)[KEPT:]:
        remove_tree(path, _ours)
    for path in folder.glob(".step-*.tmp"):  # left by a process that was killed while it wrote
        if _LEFT.fullmatch(path.name):
            remove_tree(path, _ours)


def _checkpoints(folder: Path) -> list[Path]:
    """The newest first; what has a name of another form is none."""
    found = [path for path in folder.glob("step-*") if layout.CHECKPOINT.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")), reverse=True)
