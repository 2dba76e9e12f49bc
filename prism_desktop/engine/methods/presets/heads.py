"""Heads on the features of a frozen backbone: seconds to fit, and imported embeddings will do."""

from prism_desktop.engine.methods.method import Method

HEADS: tuple[Method, ...] = (
    Method(
        "mlp-decoder",
        "MLP decoder",
        "A small network on frozen features and a vector per labeler, with heads for comparisons "
        "and for ratings.",
        "the PRISM repository's README",
        featured=True,
        injection=("head",),
        trained="head",
        scorer="mlp",
        losses=("rated",),
        inputs=(),
        adaptation="a vector is fitted to the answers in seconds",
        defaults={
            "token_lr": 1e-2,
            "rates_at_width": None,
            "lora_lr": 2e-3,
            "epochs": 12,
            "patience": 4,
            "strength": 0.5,
        },
    ),
    Method(
        "retrieval",
        "Nearest past comparisons",
        "The labeler's most similar past comparisons vote, beside the consensus; nothing is "
        "trained.",
        "strategy 2",
        injection=("head",),
        parametrization="retrieval",
        trained="nothing",
        scorer="linear",
        inputs=(),
        adaptation="its answers join the index",
    ),
    Method(
        "hierarchical-bayes",
        "Hierarchical Bayes",
        "Tastes as weights on frozen features, with a prior learned over labelers. Fast, and it "
        "knows how sure it is.",
        "Minka and Picard 1997; Chapelle and Harchaoui, NIPS 2004",
        featured=True,
        injection=("head",),
        parametrization="closed-form",
        trained="head",
        scorer="linear",
        inputs=(),
        revision=4,  # calibrated on validation answers
        adaptation="its posterior is updated in milliseconds",
    ),
    Method(
        "collaborative",
        "Collaborative",
        "Hierarchical Bayes, helped by the other labelers' answers on the very same face.",
        "Koren, Bell and Volinsky 2009",
        featured=True,
        injection=("head",),
        parametrization="closed-form",
        trained="head",
        scorer="linear",
        inputs=(),
        reads_tested_faces=True,
        revision=4,  # calibrated on validation answers
        adaptation="its posterior is updated in milliseconds",
    ),
)
