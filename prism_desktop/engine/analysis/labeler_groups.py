"""Labelers who judge alike: an order in which they stand together, and groups where there are any.

A group says something only if labelers agree more within groups than labelers would who differ in
nothing but how much they agree with everybody. That is tested, and what does not pass is no group.
"""

from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BEST_ORDER = 300  # labelers up to whom the order of branches is optimised, which is cubic
_NEAREST = 10  # others per labeler whose links make the groups
_SHUFFLES = 19  # with a network that beats them all, p is 1 / 20
_FEWEST = 8  # labelers of whom groups may be asked


@dataclass(frozen=True, slots=True)
class Groups:
    """Communities of labelers, the largest first."""

    members: tuple[tuple[str, ...], ...]  # codes; empty where no groups stand out
    modularity: float  # of the network (Newman 2006); NaN with too few labelers
    shuffled: float  # the largest of as many networks without groups; NaN as above

    def of(self, labeler: str) -> int | None:
        """The place of a labeler's group; None without one."""
        return next((at for at, group in enumerate(self.members) if labeler in group), None)

    def told(self) -> str:
        """Whether there are groups, and what says so, in a sentence or two."""
        if np.isnan(self.modularity):
            return f"With fewer than {counted(_FEWEST, 'labeler')} no groups are looked for."
        measured = (
            f"(modularity {self.modularity:.2f}; of {_SHUFFLES} networks without groups, at most "
            f"{self.shuffled:.2f})"
        )
        if not self.members:
            return f"No groups stand out {measured}."
        sizes = [str(len(group)) for group in self.members]
        return (
            f"{counted(len(sizes), 'group')} of {', '.join(sizes[:-1])} and {sizes[-1]} labelers "
            f"agree more among themselves than with others {measured}."
        )


def alike_together(result: AgreementResult) -> Ints:
    """The rows of `AgreementResult.matrix` in an order that lets labelers who agree stand together.

    Average linkage (UPGMA) of 1 - agreement, the branches turned so that neighbours are near
    (Bar-Joseph, Gifford & Jaakkola 2001) with up to 300 labelers.
    """
    count = len(result.labelers)
    if count < 3:
        return np.arange(count)
    apart = 1 - steadied(result)
    np.fill_diagonal(apart, 0)
    tree = linkage(
        squareform(apart, checks=False), "average", optimal_ordering=count <= _BEST_ORDER
    )
    return leaves_list(tree).astype(np.int64)


def by_mean(result: AgreementResult) -> Ints:
    """The rows by mean agreement with others, the highest first; who shares nothing comes last."""
    result = result.on_shares()
    shared = np.where(np.eye(len(result.labelers), dtype=bool), 0, result.counts)
    given = shared.sum(axis=1)
    total = np.nansum(np.where(shared > 0, result.matrix * shared, 0.0), axis=1)
    mean = np.where(given > 0, total / np.maximum(given, 1), -1.0)
    return np.argsort(-mean, kind="stable").astype(np.int64)


def groups(result: AgreementResult, seed: int = 0) -> Groups:
    """Communities by the Louvain method (Blondel et al. 2008) in the network of nearest labelers.

    The same is done with networks in which each labeler agrees with everybody as much as before,
    and what remains is dealt out anew; unless their modularity is lower each time, there are no
    groups.

    Args:
        result: from `agreement`.
        seed: of the method and of the shuffles.
    """
    count = len(result.labelers)
    if count < _FEWEST:
        return Groups((), np.nan, np.nan)
    agreed = steadied(result)
    found, modularity = _communities(agreed, seed)
    shuffled = max(
        _communities(each, seed)[1] for each in _without_groups(agreed, np.random.default_rng(seed))
    )
    if not 1 < len(found) < count or modularity <= shuffled:
        return Groups((), modularity, shuffled)
    named = (tuple(result.labelers[row] for row in sorted(group)) for group in found)
    return Groups(tuple(sorted(named, key=lambda group: -len(group))), modularity, shuffled)


def steadied(result: AgreementResult) -> Floats:
    """Agreement drawn towards its mean, by as much as 50 answers weigh; the mean where nothing is
    shared, so that few answers make nobody alike or unlike. (labelers, labelers), no NaN; on a
    scale whose middle is chance."""
    result = result.on_shares()
    off = ~np.eye(len(result.labelers), dtype=bool)
    known = off & (result.counts > 0) & ~np.isnan(result.matrix)
    if not known.any():
        return np.full(result.matrix.shape, 0.5)
    mean = np.average(result.matrix[known], weights=result.counts[known])
    weight = np.where(known, result.counts, 0)
    value = np.where(known, result.matrix, mean)
    return np.asarray((value * weight + mean * ENOUGH) / (weight + ENOUGH))


def _communities(agreed: Floats, seed: int) -> tuple[list[set[int]], float]:
    """Of the network in which everybody is linked with those whom they agree with most."""
    count = len(agreed)
    weight = np.maximum(agreed - 0.5, 0) + 1e-9  # agreement by chance draws nobody
    np.fill_diagonal(weight, 0)
    near = np.argsort(-weight, axis=1, kind="stable")[:, : min(_NEAREST, count // 3)]
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(count))
    for row in range(count):
        graph.add_weighted_edges_from((row, int(other), weight[row, other]) for other in near[row])
    found = nx.community.louvain_communities(graph, seed=seed)
    return found, float(nx.community.modularity(graph, found))


def _without_groups(agreed: Floats, rng: np.random.Generator) -> "list[Floats]":
    """Networks as they come where labelers differ only in how much they agree with everybody."""
    count = len(agreed)
    one, two = np.triu_indices(count, 1)
    whole = agreed[one, two].mean()
    own = (agreed.sum(axis=1) - agreed.diagonal()) / (count - 1)
    expected = own[one] + own[two] - whole
    rest = agreed[one, two] - expected
    made = []
    for _ in range(_SHUFFLES):
        dealt = np.zeros_like(agreed)
        dealt[one, two] = expected + rng.permutation(rest)
        made.append(dealt + dealt.T)
    return made
