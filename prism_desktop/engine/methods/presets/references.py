"""Reference methods: one model for everyone, everything trained, and the profile as text."""

from prism_desktop.engine.methods.method import Method

BASELINES: tuple[Method, ...] = (
    Method(
        "consensus",
        "Consensus",
        "One model for everyone: the labeler is ignored. The baseline that personalisation must "
        "beat.",
        "the unified baseline of the PRISM report",
        featured=True,
        personal=False,
        scope="nobody",
        needs=(),
        inputs=(),
        adaptation="everyone is served alike",
    ),
    Method(
        "full-finetune",
        "Full fine-tuning",
        "Everything but the text tower is trained, with a visual token per labeler. Slow, and "
        "easily learns by heart.",
        "PRISM report, comparison",
        trained="all-but-text",
        defaults={"lora_lr": 1e-4},
    ),
    Method(
        "profile-text",
        "Profile as text",
        "The labeler's profile is read before the attribute by the text tower; nothing is trained.",
        "text baseline of the progress tracker",
        injection=("text-token",),
        trained="nothing",
        inputs=("text", "profiles"),
        adaptation="reads the profile",
    ),
)
