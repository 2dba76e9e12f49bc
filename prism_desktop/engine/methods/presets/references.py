"""Reference methods: one model for everyone, everything trained, and the profile as text."""

from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.parts.adapter_parts import SharedAdapter, WholeTower
from prism_desktop.engine.methods.parts.scoring_parts import (
    CosineScores,
    LinearScores,
    UntrainedCosine,
)
from prism_desktop.engine.methods.parts.text_parts import ProfileText
from prism_desktop.engine.methods.parts.visual_tokens import ConsensusToken, EarlyTokens, NoTokens

BASELINES: tuple[Method, ...] = (
    Method(
        "consensus",
        "Consensus",
        "One model for everyone: the labeler is ignored. The baseline that personalisation must "
        "beat.",
        "the unified baseline of the PRISM report",
        "Baselines",
        (ConsensusToken(), SharedAdapter(), CosineScores()),
        tasks=("judging", "writing"),
        featured=True,
        personal=False,
        stands_on=(),
        on_embeddings=(LinearScores(),),
    ),
    Method(
        "full-finetune",
        "Full fine-tuning",
        "Everything but the text tower is trained, with a visual token per labeler. Slow, and "
        "easily learns by heart.",
        "PRISM report, comparison",
        "Baselines",
        (EarlyTokens(), WholeTower(), CosineScores()),
        starts=("random",),
    ),
    Method(
        "profile-text",
        "Profile as text",
        "The labeler's profile is read before the attribute by the text tower; nothing is trained.",
        "text baseline of the progress tracker",
        "Baselines",
        (NoTokens(), ProfileText(), UntrainedCosine()),
        starts=("random",),
    ),
)
