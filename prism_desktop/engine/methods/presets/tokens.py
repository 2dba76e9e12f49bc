"""Learned tokens and words: adapters, if there are any, are everyone's."""

from prism_desktop.engine.methods.method import Method

_PREFIX = {"start": "consensus", "token_lr": 5e-3}
# no early end: tokens are only fitted in the last epochs
_META = {"start": "consensus", "epochs": 10, "patience": 10}

TOKENS: tuple[Method, ...] = (
    Method(
        "lora-visual-prompt",
        "LoRA + visual prompt",
        # start where hierarchical Bayes ends, see `closed_form_start`
        "Adapters learned from everyone, and one visual token that learns what each labeler sees.",
        "PRISM report; Jia et al., ECCV 2022; Hu et al., ICLR 2022; Kumar et al., ICLR 2022",
        featured=True,
        revision=2,  # starts at the closed form
        adaptation="its head follows in milliseconds, then a token is fitted in seconds",
        defaults={"start": "closed-form"},
    ),
    Method(
        "text-token",
        "Text token",
        "Adapters learned from everyone, and one learned word per labeler in front of the "
        "attribute's text.",
        "PRISM report; Zhou et al., IJCV 2022 (CoOp)",
        injection=("text-token",),
        # a word turns every attribute at once and soon learns by heart
        defaults={"token_lr": 2e-3},
    ),
    Method(
        "hybrid-prompt",
        "Visual + text token",
        "A visual token and a learned word for each labeler, trained together.",
        "PRISM report, future direction 5; Khattak et al., CVPR 2023 (MaPLe)",
        injection=("visual-token", "text-token"),
    ),
    Method(
        "hierarchical",
        "Hierarchical tokens",
        "Each labeler's token is a common one plus a small deviation that must be earned.",
        "PRISM report, future direction 2; Gelman and Hill 2007",
        parametrization="hierarchical",
        losses=("prior",),
        adaptation="starts at the common token, then fits its deviation",
    ),
    Method(
        "contrastive",
        "Contrastive tokens",
        "Tokens of labelers who agree are pulled together, of those who do not pushed apart.",
        "PRISM report, future direction 3",
        losses=("contrastive",),
    ),
    Method(
        "prefix-on-unified",
        "Prefix on the consensus",
        "The consensus adapters stay; a few tokens per labeler are learned, and kept where "
        "validation improves.",
        "prefix plan; Li and Liang, ACL 2021",
        trained="tokens",
        losses=("keep-if-better",),
        defaults={**_PREFIX, "tokens": 5, "epochs": 10},
    ),
    Method(
        "cluster-prefix",
        "Prefix per group",
        "Labelers are grouped by their tastes, and each group learns a prefix on the consensus.",
        "strategy 1 and prefix plan",
        scope="cluster",
        trained="tokens",
        defaults={**_PREFIX, "tokens": 5, "epochs": 10},
        adaptation="joins groups by what its answers say",
    ),
    Method(
        "augmented",
        "Augmented",
        "LoRA and visual prompt with mirrored images, pairs from ratings, and the consensus's "
        "opinions as soft labels. Its gain is over a consensus that learns from the same pairs, "
        "not over that of other methods.",
        "strategy 5; Hinton, Vinyals and Dean 2015",
        losses=("distil",),
        # A rating in ten pairs teaches little more than in two, and made an epoch four times as
        # long.
        defaults={"flips": True, "pairs": {"use": "both", "cap_per_image": 2}},
    ),
    Method(
        "multi-task",
        "Multi-task",
        "LoRA and visual prompt that also guess who answered and fit ratings with each labeler's "
        "own thresholds.",
        "strategy 6; McCullagh 1980",
        losses=("user-id", "ordinal"),
    ),
    Method(
        "reptile",
        "Reptile",
        "A starting token from which every labeler's own is a few steps away.",
        "strategy 8; Nichol, Achiam and Schulman 2018",
        trained="tokens",
        losses=("reptile",),
        defaults=_META,
        adaptation="a few steps from the learned starting token",
    ),
    Method(
        "maml-token",
        "MAML token",
        "A starting token trained so that a few steps on some answers help on others (first "
        "order).",
        "strategy 8; Finn, Abbeel and Levine, ICML 2017",
        trained="tokens",
        losses=("maml",),
        defaults=_META,
        adaptation="a few steps from the learned starting token",
    ),
    Method(
        "user-embedding",
        "Labeler embedding",
        "A vector of 64 numbers per labeler, turned into a token by a shared map; labelers can be "
        "interpolated.",
        "strategy 10",
        parametrization="low-rank",
        adaptation="starts at the mean vector, then fits its own",
    ),
)
