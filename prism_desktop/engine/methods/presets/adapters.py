"""Adapters of labelers', of groups' or of experts' own."""

from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.parts.adapter_parts import (
    EarnedAdapters,
    ExpertAdapters,
    FrozenAdapter,
    GroupAdapters,
    OwnAdapters,
    SharedAdapter,
)
from prism_desktop.engine.methods.parts.loss_parts import LoadBalance, Shrinkage
from prism_desktop.engine.methods.parts.scoring_parts import CosineScores
from prism_desktop.engine.methods.parts.visual_tokens import (
    FrozenToken,
    NoTokens,
    SharedGroupToken,
    SharedToken,
    TokenTable,
)

ADAPTERS: tuple[Method, ...] = (
    Method(
        "adaptive-rank",
        "Adaptive rank",
        "Labelers who answer much and consistently get adapters of higher rank.",
        "PRISM report, future direction 6, with its rule turned round",
        "Adapters",
        (TokenTable(), SharedAdapter(), EarnedAdapters(), CosineScores()),
    ),
    Method(
        "cluster-lora",
        "Adapters per group",
        "Labelers are grouped by their tastes, and each group learns adapters of its own.",
        "strategy 1",
        "Adapters",
        (SharedGroupToken(), GroupAdapters(), CosineScores()),
        tasks=("judging", "writing"),
        starts=("random",),
    ),
    Method(
        "per-labeler-lora",
        "Adapters per labeler",
        "Each labeler has adapters of their own and learns alone: the cautionary tale.",
        "strategy 3",
        "Adapters",
        (NoTokens(), OwnAdapters(), CosineScores()),
        tasks=("judging", "writing"),
        starts=("random",),
    ),
    Method(
        "l2-constrained",
        "Adapters near the consensus",
        "Each labeler has adapters of their own, held near the consensus by a penalty.",
        "strategy 3; Evgeniou and Pontil, KDD 2004",
        "Adapters",
        (FrozenToken(), FrozenAdapter(), OwnAdapters(), CosineScores(), Shrinkage()),
        tasks=("judging", "writing"),
        starts=("consensus",),
        # weights an eighth away cost 0.02 nats an answer
        settings={"strength": 1.0},
    ),
    Method(
        "moe-lora",
        "Mixture of adapters",
        "A few sets of adapters, mixed for each labeler by a learned gate.",
        "strategy 7; Shazeer et al., ICLR 2017",
        "Adapters",
        (SharedToken(), ExpertAdapters(), CosineScores(), LoadBalance()),
        tasks=("judging", "writing"),
        starts=("random",),
    ),
)
