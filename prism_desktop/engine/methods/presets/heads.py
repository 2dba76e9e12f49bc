"""Heads on the features of a frozen backbone: seconds to fit, and imported embeddings will do."""

from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.parts.loss_parts import RatedFaces
from prism_desktop.engine.methods.parts.scoring_parts import (
    CollaborativeScores,
    MlpScores,
    PosteriorScores,
    RetrievalScores,
)

HEADS: tuple[Method, ...] = (
    Method(
        "mlp-decoder",
        "MLP decoder",
        "A small network on frozen features and a vector per labeler, with heads for comparisons "
        "and for ratings.",
        "the PRISM repository's README",
        "Fast on frozen features",
        (MlpScores(), RatedFaces()),
        featured=True,
        settings={"rates_at_width": None, "epochs": 12, "patience": 4},
    ),
    Method(
        "retrieval",
        "Nearest past comparisons",
        "The labeler's most similar past comparisons vote, beside the consensus; nothing is "
        "trained.",
        "strategy 2",
        "Fast on frozen features",
        (RetrievalScores(),),
    ),
    Method(
        "hierarchical-bayes",
        "Hierarchical Bayes",
        "Tastes as weights on frozen features, with a prior learned over labelers. Fast, and it "
        "knows how sure it is.",
        "Minka and Picard 1997; Chapelle and Harchaoui, NIPS 2004",
        "Fast on frozen features",
        (PosteriorScores(),),
        featured=True,
        revision=4,  # calibrated on validation answers
    ),
    Method(
        "collaborative",
        "Collaborative",
        "Hierarchical Bayes, helped by the other labelers' answers on the very same face.",
        "Koren, Bell and Volinsky 2009",
        "Fast on frozen features",
        (CollaborativeScores(),),
        featured=True,
        reads_tested_faces=True,
        revision=4,  # calibrated on validation answers
    ),
)
