"""The methods that the program itself chooses, by what it chooses them for, and other names of
methods; no other place knows a method's name."""

from collections.abc import Mapping
from typing import Final

CONSENSUS = "consensus"
"""One model for everyone: what personal ones must beat, and what many start from."""
POSTERIOR = "hierarchical-bayes"
"""Fitted in a second, and it knows how sure it is: what is chosen where speed counts, what groups
of labelers and starting heads are made of."""
FLAGSHIP = "lora-visual-prompt"
"""What is trained where nobody chooses: it shows where it looks and reads any attribute."""
INSTEAD = (POSTERIOR, CONSENSUS)
"""What is trained where the flagship cannot be, the first that is possible; and on texts, where the
posterior is as good in seconds (docs/results.md, "Judges of replies")."""
STARTERS = (CONSENSUS, POSTERIOR, FLAGSHIP)
"""What a comparison begins with."""
LADDER = (CONSENSUS, POSTERIOR, "mlp-decoder", FLAGSHIP, "hybrid-prompt")
"""What is tried while it pays, cheapest first; not `collaborative`, which needs other labelers'
answers on the same face."""
ALIASES: Final[Mapping[str, str]] = {
    "unified-lora": CONSENSUS,
    "per-person-lora": "per-labeler-lora",
    "hierarchical-prefix": "hierarchical",
}
"""What methods are called in work on language models; runs keep their own names."""


def canonical(name: str) -> str:
    """A method's own name in place of an alias."""
    return ALIASES.get(name, name)
