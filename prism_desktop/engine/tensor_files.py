"""Tensors from files that somebody else, or a failing disk, may have written: safetensors only.

A pickle can run code while it is read; safetensors cannot. What the format allows beyond that, and
no model of this program needs, is refused here: headers that fill memory, kinds and shapes of
tensors that no method has, numbers that are none.
"""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.foreign_files import GIGABYTE, MAX_WEIGHTS, open_foreign
from prism_desktop.engine.json_files import parse_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = "prism"  # of the metadata: what the file says of itself, as JSON
_HEADER = GIGABYTE // 16  # bytes
_TENSORS, _AXES = 1_000_000, 8
_DTYPES = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"}


def read_header(path: Path) -> tuple[Mapping[str, int], dict[str, Any]]:
    """Bytes of each tensor, and what the file says of itself, empty if nothing.

    See the format's own description (safetensors).

    Raises:
        UnreadableError: it is no such file.
        FileNotFoundError: there is none.
    """
    try:
        with open_foreign(path, MAX_WEIGHTS) as file:
            start = file.read(8)
            (length,) = struct.unpack("<Q", start) if len(start) == 8 else (0,)
            if not 2 <= length <= _HEADER:
                raise ValueError("it is damaged, or no safetensors file")
            text = file.read(length)
            room = path.stat().st_size - 8 - length
        header = parse_json(text)
        if not isinstance(header, dict) or len(header) > _TENSORS:
            raise ValueError("it is damaged, or no safetensors file")
        said = header.pop("__metadata__", {})
        sizes = {name: _size(name, one, room) for name, one in header.items()}
        if sum(sizes.values()) != room:
            raise ValueError("it is cut short, or something was added")
        card = parse_json(said[KEY].encode()) if KEY in said else {}
        if not isinstance(card, dict):
            raise ValueError("it does not say what it is")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UnreadableError(path, str(error)) from error
    return sizes, card


def read_arrays(path: Path) -> "tuple[dict[str, NDArray[Any]], dict[str, Any]]":
    """The tensors as arrays, all of them finite, and what the file says of itself.

    Raises as `read_header`.
    """
    import numpy as np
    from safetensors.numpy import load_file

    arrays: dict[str, NDArray[Any]]
    arrays, card = _loaded(path, load_file)
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UnreadableError(path, f"{name[:60]} holds what is no number")
    return arrays, card


def read_tensors(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same as torch's tensors, of any kind that torch has."""
    import torch
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor]
    tensors, card = _loaded(path, load_file)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UnreadableError(path, f"{name[:60]} holds what is no number")
    return tensors, card


def _loaded(path: Path, load: Callable[[Path], Any]) -> tuple[Any, dict[str, Any]]:
    """What a reader of the format's library makes of a file, its header having been looked at."""
    from safetensors import SafetensorError

    _, card = read_header(path)
    try:
        return load(path), card
    except (OSError, MemoryError) as error:
        raise unreadable(path, error) from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise UnreadableError(path, "it is damaged, or no safetensors file") from error


def _size(name: str, one: Any, room: int) -> int:
    """Bytes of a tensor, which must be those of its kind and shape, within the file."""
    if not isinstance(one, dict) or one.get("dtype") not in _DTYPES:
        raise ValueError(f"{name[:60]} is of no kind that a model has")
    shape, ends = one.get("shape"), one.get("data_offsets")
    if not isinstance(shape, list) or len(shape) > _AXES or not isinstance(ends, list):
        raise ValueError(f"{name[:60]} has no shape that a model has")
    numbers = [*shape, *ends]
    if len(ends) != 2 or not all(type(one) is int and 0 <= one <= MAX_WEIGHTS for one in numbers):
        raise ValueError(f"{name[:60]} has no shape that a model has")
    if not ends[0] <= ends[1] <= room:
        raise ValueError("it is cut short, or something was added")
    return int(ends[1] - ends[0])
