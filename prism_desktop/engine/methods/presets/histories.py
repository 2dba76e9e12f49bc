"""History encoders: networks that read what a labeler answered before, so that somebody new is
one forward pass."""

from prism_desktop.engine.methods.method import Method

# Networks that make tokens learn at the rate of networks, not at that of a table's free numbers.
_ENCODER = {"token_lr": 1e-3}

HISTORIES: tuple[Method, ...] = (
    Method(
        "e2p-1",
        "Embedding to prefix, 1 token",
        "A network turns a summary of a labeler's answers (or the profile) into one token.",
        "E2P: Huber et al. 2025",
        parametrization="context",
        defaults=_ENCODER,
        adaptation="one forward pass over its answers",
    ),
    Method(
        "e2p-5",
        "Embedding to prefix, 5 tokens",
        "A network turns a summary of a labeler's answers (or the profile) into five tokens.",
        "E2P: Huber et al. 2025",
        parametrization="context",
        defaults={**_ENCODER, "tokens": 5},
        adaptation="one forward pass over its answers",
    ),
    Method(
        "persoma-perceiver",
        "History encoder (Perceiver)",
        "A small transformer reads a labeler's past comparisons and writes tokens.",
        "PERSOMA: Hebert et al. 2024; Jaegle et al., ICML 2021",
        parametrization="history",
        defaults={**_ENCODER, "tokens": 4},
        adaptation="one forward pass over its answers",
    ),
    Method(
        "persoma-mlp",
        "History encoder (mean)",
        "A network reads a labeler's past comparisons, averages them and writes tokens.",
        "PERSOMA: Hebert et al. 2024",
        parametrization="averaged",
        defaults={**_ENCODER, "tokens": 4},
        adaptation="one forward pass over its answers",
    ),
    Method(
        "gated-memory",
        "Gated memory",
        "Image tokens look things up in a memory of the labeler's past comparisons, through a "
        "gate that starts closed.",
        "Alayrac et al., NeurIPS 2022 (Flamingo)",
        injection=("memory",),
        parametrization="history",
        defaults=_ENCODER,
        adaptation="one forward pass over its answers",
    ),
)
