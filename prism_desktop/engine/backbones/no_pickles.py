"""The refusal of weights that are no safetensors: a pickle can run code while it is read.

Needs no torch.
"""

import os
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import MAX_WEIGHTS, open_foreign
from prism_desktop.engine.plain_text import clause

PICKLED: Final = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib", ".tar", ".mar")


def check_safetensors(path: Path) -> None:
    """Refuse whatever is not safetensors: a pickle can run code while it is read.

    Raises:
        BackboneError: with the way to convert the file.
    """
    try:
        with open_foreign(path, MAX_WEIGHTS) as file:
            head = file.read(9)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise_fault(error, path)
        raise BackboneError(
            f"The weights file {path} cannot be read ({error.strerror or clause(error)})."
        ) from error
    if len(head) == 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8:
        return
    if head[:2] == b"PK" or head[:1] == b"\x80" or path.suffix.lower() in PICKLED:
        raise BackboneError(
            f"{path.name} is a pickle, which can run code when it is opened, so it was not read. "
            'Convert it where you trust it: python -c "import torch, safetensors.torch as s; '
            "d = torch.load('IN', map_location='cpu'); "
            "d = d.state_dict() if hasattr(d, 'state_dict') else d.get('state_dict', d); "
            "s.save_file({k.removeprefix('module.'): v.contiguous() for k, v in d.items() "
            "if v.ndim or 'logit' in k}, "
            "'OUT.safetensors')\"; then name OUT.safetensors."
        )
    if path.suffix.lower() != ".safetensors":
        raise BackboneError(
            f"{path.name} is no safetensors file, so it was not read. Save the weights with "
            "safetensors.torch.save_file and name that file."
        )
    raise BackboneError(
        f"The weights file {path} is damaged or incomplete; fetch or copy it again."
    )
