"""Frozen networks that see images or read texts: `parse` what the user wrote, `fetch` the weights,
`load` the model (`causal_lm.load_language_model` where it reads texts).

Importing this is cheap; torch and open_clip are imported when a backbone is loaded.
"""

from prism_desktop.engine.backbones.download import fetch
from prism_desktop.engine.backbones.open_clip import Backbone, image_size, load
from prism_desktop.engine.backbones.spec import DEFAULT, MINI, BackboneSpec, parse, require_tower
from prism_desktop.engine.backbones.weight_files import check_weights, weights_path

__all__ = [
    "DEFAULT",
    "MINI",
    "Backbone",
    "BackboneSpec",
    "check_weights",
    "fetch",
    "image_size",
    "load",
    "parse",
    "require_tower",
    "weights_path",
]
