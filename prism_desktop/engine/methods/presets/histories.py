"""History encoders: networks that read what a labeler answered before, so that somebody new is
one forward pass."""

from prism_desktop.engine.methods.method import Method
from prism_desktop.engine.methods.parts.adapter_parts import SharedAdapter
from prism_desktop.engine.methods.parts.scoring_parts import CosineScores
from prism_desktop.engine.methods.parts.text_parts import HistoryMemory
from prism_desktop.engine.methods.parts.visual_tokens import (
    ContextTokens,
    HistoryTokens,
    SharedToken,
)

HISTORIES: tuple[Method, ...] = (
    Method(
        "e2p-1",
        "Embedding to prefix, 1 token",
        "A network turns a summary of a labeler's answers (or the profile) into one token.",
        "E2P: Huber et al. 2025",
        "From histories",
        (ContextTokens(), SharedAdapter(), CosineScores()),
        tasks=("judging", "writing"),
    ),
    Method(
        "e2p-5",
        "Embedding to prefix, 5 tokens",
        "A network turns a summary of a labeler's answers (or the profile) into five tokens.",
        "E2P: Huber et al. 2025",
        "From histories",
        (ContextTokens(), SharedAdapter(), CosineScores()),
        tasks=("judging", "writing"),
        settings={"tokens": 5},
    ),
    Method(
        "persoma-perceiver",
        "History encoder (Perceiver)",
        "A small transformer reads a labeler's past comparisons and writes tokens.",
        "PERSOMA: Hebert et al. 2024; Jaegle et al., ICML 2021",
        "From histories",
        (HistoryTokens(), SharedAdapter(), CosineScores()),
        tasks=("judging", "writing"),
    ),
    Method(
        "persoma-mlp",
        "History encoder (mean)",
        "A network reads a labeler's past comparisons, averages them and writes tokens.",
        "PERSOMA: Hebert et al. 2024",
        "From histories",
        (HistoryTokens(averaged=True), SharedAdapter(), CosineScores()),
        tasks=("judging", "writing"),
    ),
    Method(
        "gated-memory",
        "Gated memory",
        "Image tokens look things up in a memory of the labeler's past comparisons, through a "
        "gate that starts closed.",
        "Alayrac et al., NeurIPS 2022 (Flamingo)",
        "From histories",
        (SharedToken(), HistoryMemory(), SharedAdapter(), CosineScores()),
        tasks=("judging", "writing"),
    ),
)
