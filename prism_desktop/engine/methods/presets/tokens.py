"""Learned tokens and words: adapters, if there are any, are everyone's."""

from prism_desktop.engine.methods.method import Method, Start
from prism_desktop.engine.methods.parts.adapter_parts import FrozenAdapter, SharedAdapter
from prism_desktop.engine.methods.parts.loss_parts import (
    AgreementContrast,
    Distillation,
    KeptIfBetter,
    LabelerGuess,
    MamlSteps,
    OrdinalRatings,
    ReptileSteps,
    TokenPrior,
)
from prism_desktop.engine.methods.parts.scoring_parts import CosineScores, StartingHeads
from prism_desktop.engine.methods.parts.text_parts import LearnedWords
from prism_desktop.engine.methods.parts.visual_tokens import (
    FactoredTokens,
    GroupTokens,
    HierarchicalTokens,
    MetaPrefixTable,
    PrefixTable,
    SharedToken,
    TokenTable,
)

_PREFIX = {"token_lr": 5e-3, "tokens": 5, "epochs": 10}
# no early end: tokens are only fitted in the last epochs
_META = {"epochs": 10, "patience": 10}
# where labelers differ by tokens alone, which may start as one
_ANYWHERE: tuple[Start, ...] = ("random", "consensus", "closed-form")

TOKENS: tuple[Method, ...] = (
    Method(
        "lora-visual-prompt",
        "LoRA + visual prompt",
        # start where hierarchical Bayes ends, see `closed_form_start`
        "Adapters learned from everyone, and one visual token that learns what each labeler sees.",
        "PRISM report; Jia et al., ECCV 2022; Hu et al., ICLR 2022; Kumar et al., ICLR 2022",
        "Tokens",
        (StartingHeads(), TokenTable(), SharedAdapter(), CosineScores()),
        featured=True,
        starts=("closed-form", "random", "consensus"),
        revision=2,  # starts at the closed form
    ),
    Method(
        "text-token",
        "Text token",
        "Adapters learned from everyone, and one learned word per labeler in front of the "
        "attribute's text.",
        "PRISM report; Zhou et al., IJCV 2022 (CoOp)",
        "Tokens",
        (SharedToken(), LearnedWords(), SharedAdapter(), CosineScores()),
        # a word turns every attribute at once and soon learns by heart
        settings={"token_lr": 2e-3},
    ),
    Method(
        "hybrid-prompt",
        "Visual + text token",
        "A visual token and a learned word for each labeler, trained together.",
        "PRISM report, future direction 5; Khattak et al., CVPR 2023 (MaPLe)",
        "Tokens",
        (TokenTable(), LearnedWords(), SharedAdapter(), CosineScores()),
    ),
    Method(
        "hierarchical",
        "Hierarchical tokens",
        "Each labeler's token is a common one plus a small deviation that must be earned.",
        "PRISM report, future direction 2; Gelman and Hill 2007",
        "Tokens",
        (StartingHeads(), HierarchicalTokens(), SharedAdapter(), CosineScores(), TokenPrior()),
        tasks=("judging", "writing"),
        starts=_ANYWHERE,
    ),
    Method(
        "contrastive",
        "Contrastive tokens",
        "Tokens of labelers who agree are pulled together, of those who do not pushed apart.",
        "PRISM report, future direction 3",
        "Tokens",
        # tokens that are pulled apart by their angles must not start as one
        (TokenTable(), SharedAdapter(), CosineScores(), AgreementContrast()),
    ),
    Method(
        "prefix-on-unified",
        "Prefix on the consensus",
        "The consensus adapters stay; a few tokens per labeler are learned, and kept where "
        "validation improves.",
        "prefix plan; Li and Liang, ACL 2021",
        "Tokens",
        (PrefixTable(), FrozenAdapter(), CosineScores(), KeptIfBetter()),
        tasks=("judging", "writing"),
        starts=("consensus",),
        settings=_PREFIX,
    ),
    Method(
        "cluster-prefix",
        "Prefix per group",
        "Labelers are grouped by their tastes, and each group learns a prefix on the consensus.",
        "strategy 1 and prefix plan",
        "Tokens",
        (GroupTokens(), FrozenAdapter(), CosineScores()),
        tasks=("judging", "writing"),
        starts=("consensus",),
        settings=_PREFIX,
    ),
    Method(
        "augmented",
        "Augmented",
        "LoRA and visual prompt with mirrored images, pairs from ratings, and the consensus's "
        "opinions as soft labels. Its gain is over a consensus that learns from the same pairs, "
        "not over that of other methods.",
        "strategy 5; Hinton, Vinyals and Dean 2015",
        "Tokens",
        (StartingHeads(), TokenTable(), SharedAdapter(), CosineScores(), Distillation()),
        tasks=("judging", "writing"),
        starts=_ANYWHERE,
        # A rating in ten pairs teaches little more than in two, and made an epoch four times as
        # long.
        settings={"flips": True, "pairs": {"use": "both", "cap_per_image": 2}},
    ),
    Method(
        "multi-task",
        "Multi-task",
        "LoRA and visual prompt that also guess who answered and fit ratings with each labeler's "
        "own thresholds.",
        "strategy 6; McCullagh 1980",
        "Tokens",
        (
            StartingHeads(),
            TokenTable(),
            SharedAdapter(),
            CosineScores(),
            LabelerGuess(),
            OrdinalRatings(),
        ),
        tasks=("judging", "writing"),
        starts=_ANYWHERE,
    ),
    Method(
        "reptile",
        "Reptile",
        "A starting token from which every labeler's own is a few steps away.",
        "strategy 8; Nichol, Achiam and Schulman 2018",
        "Tokens",
        (MetaPrefixTable(), FrozenAdapter(), CosineScores(), ReptileSteps()),
        tasks=("judging", "writing"),
        starts=("consensus",),
        settings=_META,
    ),
    Method(
        "maml-token",
        "MAML token",
        "A starting token trained so that a few steps on some answers help on others (first "
        "order).",
        "strategy 8; Finn, Abbeel and Levine, ICML 2017",
        "Tokens",
        (MetaPrefixTable(), FrozenAdapter(), CosineScores(), MamlSteps()),
        tasks=("judging", "writing"),
        starts=("consensus",),
        settings=_META,
    ),
    Method(
        "user-embedding",
        "Labeler embedding",
        "A vector of 64 numbers per labeler, turned into a token by a shared map; labelers can be "
        "interpolated.",
        "strategy 10",
        "Tokens",
        (FactoredTokens(), SharedAdapter(), CosineScores()),
        tasks=("judging", "writing"),
    ),
)
