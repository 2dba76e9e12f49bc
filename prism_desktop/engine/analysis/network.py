"""The agreement network: labelers close where they agree, linked above a threshold."""

from dataclasses import dataclass

import networkx as nx
import numpy as np

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.runs.estimates import ENOUGH

_LARGE = 300  # labelers beyond which the layout takes fewer steps


@dataclass(frozen=True, slots=True)
class Link:
    """Two labelers who agree at least as much as asked."""

    labeler: str
    other: str
    agreement: float  # 0-1, beyond chance up to 1
    count: int  # shared answers
    low: float = float("nan")  # 95% interval
    high: float = float("nan")


@dataclass(frozen=True, slots=True)
class Network:
    """A drawable network; labelers without any link are kept."""

    positions: dict[str, tuple[float, float]]  # within -1 to 1
    links: tuple[Link, ...]  # strongest first
    threshold: float

    @property
    def isolated(self) -> tuple[str, ...]:
        """Labelers without a link."""
        linked = {name for link in self.links for name in (link.labeler, link.other)}
        return tuple(name for name in self.positions if name not in linked)


def network(
    result: AgreementResult, threshold: float | None = None, fewest: int = 1, seed: int = 0
) -> Network:
    """Lay the labelers out and link those who agree.

    The places do not depend on the threshold, so that nothing jumps when it is moved.

    Args:
        result: from `agreement`.
        threshold: least agreement of a link, 0-1; None: where the picture can be read.
        fewest: least number of shared answers of a link.
        seed: of the layout; the same seed and agreement give the same places.
    """
    least = legible(result) if threshold is None else threshold
    return Network(layout(result, seed), links(result, least, fewest), least)


def legible(result: AgreementResult) -> float:
    """The least whole per cent, as a share, of which the picture can be read.

    Of the links that stand for more than chance (their 95 % interval lies above it, and they rest
    on enough answers to tell) the strongest one and a half per labeler are shown. Without any such
    link, a tenth above chance.
    """
    chance = result.coefficient.chance
    one, two = np.triu_indices(len(result.labelers), 1)
    agreed, count = result.matrix[one, two], result.counts[one, two]
    with np.errstate(invalid="ignore"):  # NaN is above nothing
        sure = (count >= ENOUGH) & (result.low[one, two] > chance)
    if not sure.any():
        return chance + 0.1
    told = np.sort(np.round(agreed[sure], 9))[::-1]
    most = int(1.5 * len(result.labelers))
    if len(told) <= most:
        return float(np.floor(100 * told[-1]) / 100)
    return min(float(np.floor(100 * told[most]) / 100) + 0.01, 1.0)


def links(
    result: AgreementResult, threshold: float = 0.0, fewest: int = 1, most: int | None = None
) -> tuple[Link, ...]:
    """The labelers who agree at least as much as `threshold` on at least `fewest` shared answers.

    They are rows of `AgreementResult.frame`, the table; the window and the figure draw these links.

    Args:
        result: from `agreement`.
        threshold: least agreement of a link, 0-1.
        fewest: least number of shared answers of a link.
        most: only so many, the strongest; None for all.

    Returns:
        The strongest first; two labelers who share nothing have no link.
    """
    one, two = np.triu_indices(len(result.labelers), 1)
    agreed, count = result.matrix[one, two], result.counts[one, two]
    with np.errstate(invalid="ignore"):  # NaN is no link
        kept = np.flatnonzero((agreed >= threshold) & (count >= fewest))
    kept = kept[np.argsort(-agreed[kept], kind="stable")][:most]
    name = result.labelers
    told = (
        each[one[kept], two[kept]].tolist()
        for each in (result.matrix, result.counts, result.low, result.high)
    )
    return tuple(
        Link(name[i], name[j], *rest)
        for i, j, *rest in zip(one[kept], two[kept], *told, strict=True)
    )


def layout(result: AgreementResult, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Places of all labelers within -1 to 1 by a spring layout.

    Who shares nothing with anyone stands on a rim. Beyond 300 labelers only the strongest links
    pull, ten per labeler.
    """
    result, size = result.on_shares(), len(result.labelers)
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(result.labelers)
    for link in links(result, most=None if size <= _LARGE else 10 * size):
        # Agreement at or below chance does not attract; the cube makes the close ones stand out.
        graph.add_edge(
            link.labeler, link.other, weight=max(link.agreement - 0.5, 0.0) ** 3 * 8 + 0.01
        )
    alone = [name for name in result.labelers if graph.degree(name) == 0]
    together = graph.subgraph([name for name in result.labelers if name not in set(alone)])
    places: dict[str, tuple[float, float]] = {}
    if together.number_of_nodes():
        steps = 100 if together.number_of_nodes() <= _LARGE else 25
        found = nx.spring_layout(
            together, seed=seed, iterations=steps, weight="weight", scale=0.85 if alone else 1.0
        )
        places = {name: (float(x), float(y)) for name, (x, y) in found.items()}
    for number, name in enumerate(alone):
        angle = 2 * np.pi * number / len(alone)
        places[name] = (float(np.cos(angle)), float(np.sin(angle)))
    return {name: places[name] for name in result.labelers}
