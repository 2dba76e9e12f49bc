"""Combinations of runs of other methods, with weights learned on validation answers."""

from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.method_roles import CONSENSUS, FLAGSHIP, LADDER, POSTERIOR
from prism_desktop.engine.methods.parts.scoring_parts import AveragedRuns, ChosenRuns, StackedRuns

COMBINATIONS: tuple[Method, ...] = (
    Method(
        "selective",
        "Selective",
        "A personal model for each labeler whose validation answers it makes likelier, the "
        "consensus for the others.",
        "strategy 4",
        "Combinations",
        (ChosenRuns(),),
        tasks=("judging", "writing"),
        stands_on=(CONSENSUS, POSTERIOR),
    ),
    Method(
        "ensemble",
        "Ensemble",
        "The average of calibrated hierarchical Bayes and LoRA + visual prompt.",
        "Lakshminarayanan et al., NeurIPS 2017",
        "Combinations",
        (AveragedRuns(),),
        tasks=("judging", "writing"),
        featured=True,
        stands_on=(CONSENSUS, POSTERIOR, FLAGSHIP),
    ),
    Method(
        "auto",
        "Automatic",
        "Fits the cheap methods first, adds costly ones while validation says that they pay, and "
        "explains its choice.",
        "Caruana et al., ICML 2004",
        "Combinations",
        (StackedRuns(LADDER),),
        tasks=("judging", "writing"),
        featured=True,
        stands_on=(CONSENSUS, POSTERIOR),
    ),
)
