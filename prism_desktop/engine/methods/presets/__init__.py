"""Every method, one entry each, by family."""

from prism_desktop.engine.methods.presets.adapters import ADAPTERS
from prism_desktop.engine.methods.presets.combinations import COMBINATIONS
from prism_desktop.engine.methods.presets.heads import HEADS
from prism_desktop.engine.methods.presets.histories import HISTORIES
from prism_desktop.engine.methods.presets.references import BASELINES
from prism_desktop.engine.methods.presets.tokens import TOKENS

__all__ = ["PRESETS"]

PRESETS = BASELINES + HEADS + TOKENS + ADAPTERS + HISTORIES + COMBINATIONS
