"""The embedded demo study: drawn faces, six simulated labelers with planted tastes, real trials in a real store."""

from prism_desktop.engine.study.demo.ideal import IdealAccuracy, ideal_accuracies, macro, true_utilities
from prism_desktop.engine.study.demo.labelers import SimulatedLabeler, labelers
from prism_desktop.engine.study.demo.study import build_demo

__all__ = [
    "IdealAccuracy",
    "SimulatedLabeler",
    "build_demo",
    "ideal_accuracies",
    "labelers",
    "macro",
    "true_utilities",
]
