"""What the form of a new run offers, in words."""

BACKBONES = {
    "prism-mini": "prism-mini (embedded, fast)",
    "ViT-B-32-quickgelu:openai": "CLIP ViT-B/32 (OpenAI)",
    "ViT-B-16-quickgelu:openai": "CLIP ViT-B/16 (OpenAI)",
    "ViT-L-14-quickgelu:openai": "CLIP ViT-L/14 (OpenAI)",
}
SPLITS = {
    "image": "Unseen images (headline)",
    "pair": "Unseen pairs",
    "labeler": "Unseen labelers",
    "time": "Later answers",
    "label": "Random answers (leaks)",
}
SPLIT_NOTES = {
    "image": "The test's faces are never seen in training. The number to report.",
    "pair": "The test's pairs are new, but their faces may be in training with others.",
    "labeler": "The test's labelers give training only the few answers set below.",
    "time": "Each labeler's later answers are predicted from the earlier ones.",
    "label": "Another attribute of the same pair may be in training: these numbers flatter the "
    "model.",
}
DEVICES = {"auto": "Automatic", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)", "cpu": "CPU"}


def architecture(file: str) -> str:
    """The open_clip model that a weights file's name speaks of; ViT-B/32 if it says nothing."""
    name = file.lower().replace("_", "-").replace("/", "-")
    for mark, model in (
        ("l-14", "ViT-L-14"),
        ("b-16", "ViT-B-16"),
        ("b-32", "ViT-B-32"),
        ("h-14", "ViT-H-14"),
    ):
        if mark in name or mark.replace("-", "") in name:
            return model + ("-quickgelu" if "openai" in name or "quickgelu" in name else "")
    return "ViT-B-32-quickgelu"
