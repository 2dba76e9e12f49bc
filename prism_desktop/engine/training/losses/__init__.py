"""What a method adds to the likelihood of the answers; one module per term, found by its name in `Method.losses`."""

from prism_desktop.engine.training.losses.loss_term import Moment, Term
from prism_desktop.engine.training.losses.registry import TERMS, build_terms

__all__ = ["TERMS", "Moment", "Term", "build_terms"]
