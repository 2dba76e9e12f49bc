"""The device and the number format that a model computes in, decided here alone.

torch is imported on use only: the window asks for names and never computes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted

if TYPE_CHECKING:
    import torch

Kind = Literal["cuda", "mps", "cpu"]
KINDS: tuple[Kind, ...] = ("cuda", "mps", "cpu")  # in order of preference
# width from which a processor gains by bfloat16: of any network, and of an image tower (whose
# attention is ours, see `models/fused_blocks.py`) where the processor has matrix units for it
WIDE, WIDE_WITH_MATRIX_UNITS = 512, 128
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Device:
    """Where the model computes."""

    kind: Kind
    name: str  # for a reader: "NVIDIA H100 80GB HBM3" or "CPU, 8 threads"
    why: str  # one sentence: why this one

    @property
    def torch(self) -> torch.device:
        """The same for torch."""
        import torch

        return torch.device(self.kind)


@dataclass(frozen=True, slots=True)
class Precision:
    """How the frozen visual weights are held.

    Trained parameters and text vectors are always float32.

    Weights held in bfloat16 are preferred to autocast, which on CPU costs more than it saves.
    """

    name: Literal["float32", "bfloat16"]
    why: str  # one sentence

    @property
    def weights(self) -> torch.dtype:
        """The dtype of the frozen visual weights."""
        import torch

        return torch.bfloat16 if self.name == "bfloat16" else torch.float32


def choose_device(requested: str = "auto") -> Device:
    """Take the GPU, then Apple's MPS, then the CPU, or what is requested.

    Args:
        requested: "auto", "cuda" (or "gpu"), "mps" or "cpu".

    Raises:
        InputError: if the request is unknown or not available on this machine.
    """
    wanted = {"gpu": "cuda"}.get(requested.strip().lower(), requested.strip().lower())
    if wanted == "auto":
        kind = next(kind for kind in KINDS if _available(kind))
        reason = {
            "cuda": "a GPU was found",
            "mps": "Apple's GPU was found",
            "cpu": "no GPU was found",
        }[kind]
        return Device(kind, _name(kind), f"Chosen because {reason}.")
    for kind in KINDS:
        if wanted == kind:
            if not _available(kind):
                raise InputError(
                    f"This machine or this build of torch has no {kind} device; use --device auto "
                    "or cpu."
                )
            return Device(kind, _name(kind), "Chosen because it was asked for.")
    raise InputError(f"The device {requested!r} is unknown; use auto, cuda, mps or cpu.")


def precision(
    device: Device, requested: str = "auto", width: int = 0, *, sees: bool = False
) -> Precision:
    """Decide the precision: bfloat16 where the device computes
    it natively and gains by it, float32 elsewhere.

    Args:
        device: where the network computes.
        requested: one of PRECISIONS; "auto" decides here.
        width: of the network; on a processor only wide ones gain (`make bench`).
        sees: whether the network is an image tower.

    Raises:
        InputError: if the request is unknown.
    """
    if requested == "float32":
        return Precision("float32", "Chosen because it was asked for.")
    if requested == "bfloat16":
        return Precision("bfloat16", "Chosen because it was asked for.")
    if requested != "auto":
        raise InputError(f"The precision {requested!r} is unknown; use {', '.join(PRECISIONS)}.")
    if device.kind == "cuda":
        import torch

        if torch.cuda.is_bf16_supported():
            return Precision("bfloat16", "Chosen because this GPU computes it natively.")
    if device.kind == "cpu" and width >= _gains_from(sees):
        return Precision("bfloat16", "Chosen because this processor computes it natively.")
    return Precision("float32", "Chosen because nothing would be gained by less.")


def _gains_from(sees: bool) -> float:
    """The width from which this processor gains by bfloat16."""
    import torch

    # not in older versions
    told: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if told.get("amx_bf16"):
        return WIDE_WITH_MATRIX_UNITS if sees else WIDE
    return WIDE if told.get("avx512_bf16") else math.inf


def _available(kind: Kind) -> bool:
    import torch

    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return True


def _name(kind: Kind) -> str:
    import torch

    if kind == "cuda":
        return torch.cuda.get_device_name()
    if kind == "mps":
        return "Apple GPU (MPS)"
    return f"CPU, {counted(torch.get_num_threads(), 'thread')}"
