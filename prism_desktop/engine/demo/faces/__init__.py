"""Parametric faces: drawn for the demo study and for pretraining prism-mini. Nobody's portrait."""

from prism_desktop.engine.demo.faces.drawing import draw
from prism_desktop.engine.demo.faces.factors import Faces, Factor, factors, sample

__all__ = ["Faces", "Factor", "draw", "factors", "sample"]
