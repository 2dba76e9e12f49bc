"""Combinations of runs of other methods, with weights learned on validation answers."""

from prism_desktop.engine.methods.method import Method

# What `auto` tries, cheapest first; not `collaborative`, which needs other labelers' answers on the
# same face.
LADDER = ("consensus", "hierarchical-bayes", "mlp-decoder", "lora-visual-prompt", "hybrid-prompt")

COMBINATIONS: tuple[Method, ...] = (
    Method(
        "selective",
        "Selective",
        "A personal model for each labeler whose validation answers it makes likelier, the "
        "consensus for the others.",
        "strategy 4",
        parametrization="combination",
        scorer="linear",
        inputs=(),
        needs=("consensus", "hierarchical-bayes"),
        adaptation="the consensus until its own answers say that a personal model helps",
    ),
    Method(
        "ensemble",
        "Ensemble",
        "The average of calibrated hierarchical Bayes and LoRA + visual prompt.",
        "Lakshminarayanan et al., NeurIPS 2017",
        featured=True,
        parametrization="combination",
        scorer="linear",
        needs=("consensus", "hierarchical-bayes", "lora-visual-prompt"),
        adaptation="as its members do",
    ),
    Method(
        "auto",
        "Automatic",
        "Fits the cheap methods first, adds costly ones while validation says that they pay, and "
        "explains its choice.",
        "Caruana et al., ICML 2004",
        featured=True,
        parametrization="combination",
        scorer="linear",
        inputs=(),
        needs=("consensus", "hierarchical-bayes"),
        adaptation="as its members do",
    ),
)
