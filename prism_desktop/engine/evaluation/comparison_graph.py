"""The graph of comparisons: folds of images from its components, then a balanced partition with
a small cut."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from prism_desktop.engine.evaluation.pairs import Floats, Ints, image_codes

_SLACK = 1.1  # a part may hold 10 % more answers than its share
_PASSES = 12


def partition(pairs: pd.DataFrame, parts: int, seed: int = 0) -> tuple[dict[str, int], str]:
    """Part the images so that the parts hold about equally
    many answers and few pairs lie between parts.

    Whole components are placed first, largest first, where their labelers have the fewest answers
    yet. A component larger than a part is grown over the parts in breadth-first order (linear
    deterministic greedy, Stanton and Kliot, KDD 2012) and then improved by moving single images
    while that shortens the cut and keeps the balance.

    Args:
        pairs: a pairs frame, not empty.
        parts: how many parts to make.
        seed: of the order in which images are tried.

    Returns:
        The part (0 to parts - 1) of every image in a pair, and the method used: "components" or
        "min-cut".
    """
    left, right, images = image_codes(pairs)
    n = len(images)
    ones = np.ones(len(pairs))
    adjacency = sparse.coo_array((ones, (left, right)), shape=(n, n)).tocsr()
    adjacency = (adjacency + adjacency.T).tocsr()
    _, component = csgraph.connected_components(adjacency, directed=False)
    loads = _loads(pairs, left, right, n)
    rng = np.random.default_rng(seed)
    part = _place(adjacency, component.astype(np.int64), loads, parts, rng)
    whole = np.bincount(component, weights=loads.sum(1)).max() <= _SLACK * loads.sum() / parts
    if not whole:
        _improve(adjacency, part, loads.sum(1), parts, rng)
    return dict(zip(images, part.tolist(), strict=True)), "components" if whole else "min-cut"


def _loads(pairs: pd.DataFrame, left: Ints, right: Ints, n: int) -> Floats:
    """Answers per image and labeler, (n, labelers)."""
    labeler, names = pd.factorize(pairs["labeler"].astype(object), sort=True)
    loads = np.zeros((n, len(names)))
    np.add.at(loads, (left, labeler), 1.0)
    np.add.at(loads, (right, labeler), 1.0)
    return loads


def _place(
    adjacency: sparse.csr_array,
    component: Ints,
    loads: Floats,
    parts: int,
    rng: np.random.Generator,
) -> Ints:
    part = np.full(len(component), -1, dtype=np.int64)
    volume, held = np.zeros(parts), np.zeros((parts, loads.shape[1]))
    limit = _SLACK * loads.sum() / parts
    members = np.split(np.argsort(component, kind="stable"), np.cumsum(np.bincount(component))[:-1])
    for images in sorted(members, key=lambda group: (-loads[group].sum(), group[0])):
        weight = loads[images].sum(0)
        if weight.sum() <= limit:
            # Where no part has room any more, the emptiest takes it: whole components lose no pair.
            fits = volume + weight.sum() <= limit
            crowding = (
                np.where(fits, held @ weight + 1e-9 * volume, np.inf) if fits.any() else volume
            )
            part[images] = np.argmin(crowding)
        else:
            _grow(adjacency, images, part, volume.copy(), loads.sum(1), limit, rng)
        np.add.at(held, part[images], loads[images])
        volume = held.sum(1)
    return part


def _grow(
    adjacency: sparse.csr_array,
    images: Ints,
    part: Ints,
    volume: Floats,
    weight: Floats,
    limit: float,
    rng: np.random.Generator,
) -> None:
    """Fill `part` for the images of one component, in breadth-first order from a random image."""
    start = int(rng.choice(images))
    order = csgraph.breadth_first_order(adjacency, start, directed=False, return_predecessors=False)
    for image in order:
        near = adjacency.indices[adjacency.indptr[image] : adjacency.indptr[image + 1]]
        edges = adjacency.data[adjacency.indptr[image] : adjacency.indptr[image + 1]]
        placed = part[near] >= 0
        pull = np.bincount(part[near][placed], weights=edges[placed], minlength=len(volume))
        score = (pull + 1e-6) * (1.0 - volume / limit)
        best = int(np.argmax(score)) if score.max() > 0 else int(np.argmin(volume))
        part[image] = best
        volume[best] += weight[image]


def _improve(
    adjacency: sparse.csr_array, part: Ints, weight: Floats, parts: int, rng: np.random.Generator
) -> None:
    """Move single images to the part they have most pairs with, as long as the balance holds."""
    volume = np.bincount(part, weights=weight, minlength=parts)
    high, low = _SLACK * weight.sum() / parts, (2 - _SLACK) * weight.sum() / parts
    for _ in range(_PASSES):
        moved = 0
        for image in rng.permutation(len(part)):
            span = slice(adjacency.indptr[image], adjacency.indptr[image + 1])
            pull = np.bincount(
                part[adjacency.indices[span]], weights=adjacency.data[span], minlength=parts
            )
            here = part[image]
            fits = volume + weight[image] <= high
            there = int(np.argmax(np.where(fits, pull, -1.0)))
            if pull[there] <= pull[here] or volume[here] - weight[image] < low:
                continue
            part[image] = there
            volume[here] -= weight[image]
            volume[there] += weight[image]
            moved += 1
        if not moved:
            break
