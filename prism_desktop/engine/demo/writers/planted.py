"""The files that say how simulated writers and judges are: `data/writers.yaml` and its fellows."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from prism_desktop.engine import paths


@cache
def planted(name: str) -> Mapping[str, Any]:
    """What one of the files says, read once.

    Args:
        name: "replies", "writers" or "judges".
    """
    text = (paths.data() / f"{name}.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded
