"""Clustering of labelers: vectors from their answers, groups of them, and how reliable each labeler
is.

No torch.

Sources: MacQueen 1967 (k-means); Ward 1963 (agglomerative); Campello, Moulavi and Sander 2013
(HDBSCAN); Rousseeuw 1987 (silhouettes); Spearman 1910 for agreement on repeats as a measure of
reliability.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.events import Done
from prism_desktop.engine.methods.parts.adapter_parts import MOST_RANK
from prism_desktop.engine.methods.parts.part import MOST_GROUPS
from prism_desktop.engine.models.answers import Answers, Ints, select
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.likelihood import gather
from prism_desktop.engine.models.heads.ridge import RidgeSettings, choose, pooled
from prism_desktop.engine.models.heads.space import Features, fit_space

Clustering = Literal["k-means", "agglomerative", "hdbscan"]
Vectors = npt.NDArray[np.floating[Any]]
# perfectly reliable answers that earn the first rank; every further one takes twice as many
ANSWERS_PER_RANK = 32.0
# judgements that a labeler must have repeated for agreement with oneself to be measured by them
LEAST_REPEATS = 20
_PARTS = 3  # of the cross-validation


def fit_grouping_heads(
    features: Features, answers: Answers, labelers: int, attributes: int
) -> bayes.BayesHeads:
    """Every labeler's posterior head, all attributes: what their
    answers say of them and what everyone's say of all.

    Who enters later joins a group of known labelers, so is sought among these.
    """
    *_, done = bayes.fit(features, answers, labelers, attributes)
    assert isinstance(done, Done)
    return done.value.held()


def vectors(heads: bayes.BayesHeads) -> npt.NDArray[np.float64]:
    """(labelers, attributes * k): posterior means, in which a
    labeler with few answers stays near everyone's mean."""
    return np.asarray(heads.mean.reshape(len(heads.mean), -1), np.float64)


def group(
    points: Vectors, clustering: Clustering = "k-means", clusters: int | None = None, seed: int = 0
) -> Ints:
    """Labelers who are alike: (labelers,) int64, groups
    numbered in the order in which labelers first name them.

    Args:
        points: (labelers, n) as `vectors` returned.
        clustering: k-means; agglomerative, by Ward's criterion; or HDBSCAN, which finds the number
            of groups itself and leaves odd ones out: they join the nearest group, and all make one
            group if it finds none.
        clusters: how many groups; None for the number with the best mean silhouette. HDBSCAN takes
            no number.
        seed: of k-means's starts.
    """
    if len(points) < 3:
        return np.arange(len(points), dtype=np.int64) % (clusters or max(len(points), 1))
    if clustering == "hdbscan":
        return _in_order(_densest(points))
    if clusters is not None:
        return _in_order(_cut(points, clustering, min(clusters, len(points)), seed))
    return _in_order(_best(points, clustering, seed))


def assign(points: Vectors, groups: Ints, point: Vectors) -> npt.NDArray[np.float32]:
    """How much somebody new belongs to each group: (groups,) float32 that add up to 1.

    Shares fall with the squared distance from a group's middle, in units of the groups' own mean
    squared radius, as if each group were a Gaussian of that size; groups of one have no radius, and
    then half the way to the nearest other middle is taken.

    Args:
        points: (labelers, n) of those who were grouped.
        groups: (labelers,) their groups.
        point: (n,) of the new labeler.
    """
    count = int(groups.max()) + 1
    middles = np.stack([points[groups == number].mean(axis=0) for number in range(count)])
    distance = np.sum((middles - point) ** 2, axis=1)
    inside = np.sum((points - middles[groups]) ** 2)
    radius = inside / (len(points) - count) if len(points) > count else 0.0
    if radius <= 0 and count > 1:
        between = np.sum((middles[:, None] - middles[None]) ** 2, axis=2)
        radius = between[~np.eye(count, dtype=bool)].min() / 4
    power = np.exp(-(distance - distance.min()) / (2 * radius)) if radius > 0 else np.ones(count)
    return np.asarray(power / power.sum(), np.float32)


def reliability(
    features: Features, answers: Answers, labelers: int, attributes: int
) -> npt.NDArray[np.float64]:
    """How much each labeler's answers can be relied on: (labelers,) in 0..1, 0.5 for none at all.

    Agreement with oneself on pairs that were shown twice if everyone with answers repeated enough;
    otherwise, so that all are measured alike, agreement of each one's answers with a ridge head
    fitted to their others on other images.
    """
    own = [select(answers, answers.labeler == labeler) for labeler in range(labelers)]
    repeats = [agreement(mine) for mine in own]
    told = [place for place, mine in enumerate(own) if len(mine)]
    if all(repeats[place][1] >= LEAST_REPEATS for place in told):
        return np.array([share if count else 0.5 for share, count in repeats])
    return np.array([_fits_itself(features, mine, labelers, attributes) for mine in own])


def agreement(answers: Answers) -> tuple[float, int]:
    """Share of repeated judgements of one labeler that came out alike, and how many there are.

    A tie agrees by half.
    """
    low, high = np.minimum(answers.left, answers.right), np.maximum(answers.left, answers.right)
    won = np.where(answers.left <= answers.right, answers.outcome, 1 - answers.outcome)
    order = np.lexsort((answers.group, high, low, answers.attribute))
    keys = np.stack([answers.attribute, low, high])[:, order]
    again = np.all(keys[:, 1:] == keys[:, :-1], axis=0)
    alike = 1 - np.abs(won[order][1:] - won[order][:-1])[again]
    return (float(alike.mean()) if len(alike) else 0.5), len(alike)


def earned_ranks(reliable: npt.NDArray[np.float64], counts: Ints) -> Ints:
    """The rank of each labeler's own adapters: capacity
    where there is signal, 0..8, rising in both arguments.

    Of n answers of reliability r, (2 r - 1)^2 n perfectly reliable ones' worth of information
    remain, and every doubling of them past `ANSWERS_PER_RANK` earns a rank.

    Args:
        reliable: (labelers,) as `reliability` returned.
        counts: (labelers,) numbers of answers.
    """
    worth = np.maximum(2 * reliable - 1, 0) ** 2 * counts
    return np.asarray(
        np.clip(np.floor(np.log2(1 + worth / ANSWERS_PER_RANK)), 0, MOST_RANK), np.int64
    )


def _best(points: Vectors, clustering: Clustering, seed: int) -> npt.NDArray[Any]:
    """The cut with the best mean silhouette; one group if none is better than chance."""
    from sklearn.metrics import silhouette_score

    best, found = 0.0, np.zeros(len(points), np.int64)
    for count in range(2, min(len(points), MOST_GROUPS + 1)):
        labels = _cut(points, clustering, count, seed)
        if 1 < len(np.unique(labels)) < len(points):
            score = float(silhouette_score(points, labels))
            if score > best:
                best, found = score, labels
    return found


def _cut(points: Vectors, clustering: Clustering, count: int, seed: int) -> npt.NDArray[Any]:
    from sklearn.cluster import AgglomerativeClustering, KMeans

    count = min(count, len(np.unique(points, axis=0)))  # who are all alike make one group
    if clustering == "agglomerative":
        return np.asarray(AgglomerativeClustering(n_clusters=count).fit_predict(points))
    # scikit-learn knows 2^32 seeds
    starts = KMeans(n_clusters=count, n_init=20, random_state=seed % 2**32)
    return np.asarray(starts.fit_predict(points))


def _densest(points: Vectors) -> npt.NDArray[Any]:
    from sklearn.cluster import HDBSCAN

    labels = np.asarray(HDBSCAN(min_cluster_size=2, copy=True).fit_predict(points))
    if (labels < 0).all():
        return np.zeros(len(points), np.int64)
    middles = np.stack(
        [points[labels == number].mean(axis=0) for number in range(labels.max() + 1)]
    )
    nearest = np.argmin(np.sum((points[:, None] - middles[None]) ** 2, axis=2), axis=1)
    return np.where(labels < 0, nearest, labels)


def _in_order(labels: npt.NDArray[Any]) -> Ints:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def _fits_itself(features: Features, mine: Answers, labelers: int, attributes: int) -> float:
    """Share of one labeler's answers that a head fitted
    to their answers on other images foretells."""
    settings = RidgeSettings()
    x = fit_space(features, settings.dims, settings.power).project(features)
    part = np.random.default_rng(settings.seed).integers(0, _PARTS, len(x))
    left, right = part[mine.left], part[mine.right]
    penalty = choose(x, mine, labelers, attributes, settings)
    hits: list[npt.NDArray[Any]] = []
    for held in range(_PARTS):
        inside = select(mine, (left != held) & (right != held) & (mine.outcome != 0.5))
        outside = select(mine, (left == held) & (right == held) & (mine.outcome != 0.5))
        heads = pooled(gather(x, inside, None, labelers, attributes, settings.overlap), penalty)
        logit = np.sum((x[outside.left] - x[outside.right]) * heads[outside.attribute], axis=1)
        hits.append(np.where(logit == 0, 0.5, (logit > 0) == (outside.outcome > 0.5)))
    found = np.concatenate(hits)
    return float(found.mean()) if len(found) else 0.5
