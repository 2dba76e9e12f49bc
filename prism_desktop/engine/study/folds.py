"""Folds of stimuli, fixed when a stimulus is added, so that
pairs drawn within them are never lost to a split."""

from collections.abc import Mapping, Sequence

from prism_desktop.engine.study.records import ImageId


def assign_folds(
    images: Sequence[ImageId], counts: Sequence[int], weights: Mapping[ImageId, int] | None = None
) -> dict[ImageId, int]:
    """Give each new image the emptiest fold, in the order of the hashes.

    Args:
        images: the new images; hashes are random, so their order is a random order that everyone
            can repeat. Of texts that share a fold, what they have in common.
        counts: how many images each fold has already.
        weights: how many stimuli each stands for; None: one each.

    Returns:
        image -> fold. Folds that were balanced stay so: their sizes differ by one at most, where
        each stands for one.
    """
    sizes = list(counts)
    folds = {}
    for image in sorted(images):
        # Among equally empty folds the hash decides, or the first fold would hold every study's odd
        # image.
        start = int(image[:8], 16) % len(sizes)
        fold = min(range(len(sizes)), key=lambda fold: (sizes[fold], (fold - start) % len(sizes)))
        sizes[fold] += 1 if weights is None else weights[image]
        folds[image] = fold
    return folds
