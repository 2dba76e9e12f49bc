"""What every token of a run's texts cost, as its file holds it, for combinations of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.files import write_whole
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.writing.people_intervals import Texts

Floats = npt.NDArray[np.float64]
TokenCosts = Mapping[str, Mapping[int, Floats]]  # setting -> text -> (own tokens,) nats


def write_costs(run: RunFolder, measured: Mapping[str, Texts]) -> None:
    """Keep what every token cost."""
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for setting, texts in measured.items():
        nats = [cost for one in texts.values() for cost in one.costs]
        tensors[f"{setting}.texts"] = torch.tensor(list(texts), dtype=torch.int64)
        counts = [len(one.costs) for one in texts.values()]
        tensors[f"{setting}.tokens"] = torch.tensor(counts, dtype=torch.int64)
        tensors[f"{setting}.nats"] = torch.tensor(nats, dtype=torch.float32)
    write_whole(run.path / layout.TOKEN_COSTS, lambda beside: save_file(tensors, beside))


def read_costs(run: RunFolder, asked: Mapping[str, Sequence[int]]) -> TokenCosts:
    """What every token cost in a finished run.

    Args:
        run: the run.
        asked: setting -> the texts of which the costs must be there.

    Raises:
        UnreadableError: it cannot be read, or is not what the run wrote.
    """
    path = run.path / layout.TOKEN_COSTS
    tensors = {name: one.numpy() for name, one in run.tensors(layout.TOKEN_COSTS).items()}
    found: dict[str, dict[int, Floats]] = {}
    try:
        for name in tensors:
            setting, _, kind = name.rpartition(".")
            if kind != "texts":
                continue
            counts = tensors[f"{setting}.tokens"]
            nats = np.asarray(tensors[f"{setting}.nats"], np.float64)
            if counts.sum() != len(nats) or not (np.isfinite(nats).all() and (counts >= 0).all()):
                raise ValueError("its numbers do not fit together")
            parts = np.split(nats, np.cumsum(counts)[:-1]) if len(counts) else []
            found[setting] = dict(zip(tensors[name].tolist(), parts, strict=True))
        if any(row not in found.get(name, ()) for name, rows in asked.items() for row in rows):
            raise ValueError("its texts are not those that the run was tested on")
    except (KeyError, ValueError, IndexError) as error:
        raise UnreadableError(path, str(error)) from error
    return found
