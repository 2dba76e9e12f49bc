"""Adapters of labelers', of groups' or of experts' own."""

from prism_desktop.engine.methods.method import Method

ADAPTERS: tuple[Method, ...] = (
    Method(
        "adaptive-rank",
        "Adaptive rank",
        "Labelers who answer much and consistently get adapters of higher rank.",
        "PRISM report, future direction 6, with its rule turned round",
        injection=("visual-token", "lora"),
        adaptation="an adapter of the rank that its answers allow is fitted",
    ),
    Method(
        "cluster-lora",
        "Adapters per group",
        "Labelers are grouped by their tastes, and each group learns adapters of its own.",
        "strategy 1",
        scope="cluster",
        injection=("lora",),
        adaptation="joins groups by what its answers say",
    ),
    Method(
        "per-labeler-lora",
        "Adapters per labeler",
        "Each labeler has adapters of their own and learns alone: the cautionary tale.",
        "strategy 3",
        injection=("lora",),
        adaptation="adapters are fitted to the answers",
    ),
    Method(
        "l2-constrained",
        "Adapters near the consensus",
        "Each labeler has adapters of their own, held near the consensus by a penalty.",
        "strategy 3; Evgeniou and Pontil, KDD 2004",
        injection=("lora",),
        losses=("shrink",),
        # weights an eighth away cost 0.02 nats an answer
        defaults={"start": "consensus", "strength": 1.0},
        adaptation="adapters are fitted to the answers, starting at the consensus",
    ),
    Method(
        "moe-lora",
        "Mixture of adapters",
        "A few sets of adapters, mixed for each labeler by a learned gate.",
        "strategy 7; Shazeer et al., ICLR 2017",
        scope="experts",
        injection=("lora",),
        losses=("balance",),
        adaptation="only its gate is fitted",
    ),
)
