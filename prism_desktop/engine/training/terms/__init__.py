"""What a method adds to the likelihood of the answers; one module per term, found by its name in `Method.losses`."""

from prism_desktop.engine.training.terms.registry import TERMS, build_terms
from prism_desktop.engine.training.terms.term import Moment, Term

__all__ = ["TERMS", "Moment", "Term", "build_terms"]
