"""The agreement network: labelers close where they agree, linked above a threshold."""

from dataclasses import dataclass

import networkx as nx
import numpy as np

from prism_desktop.engine.analysis.agreement import AgreementResult

_LARGE = 300  # labelers beyond which the layout takes fewer steps


@dataclass(frozen=True, slots=True)
class Link:
    """Two labelers who agree at least as much as asked."""

    labeler: str
    other: str
    agreement: float  # 0-1
    count: int  # shared answers


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
    result: AgreementResult, threshold: float = 0.6, fewest: int = 1, seed: int = 0
) -> Network:
    """Lay the labelers out and link those who agree.

    The places do not depend on the threshold, so that nothing jumps when it is moved.

    Args:
        result: from `agreement`.
        threshold: least agreement of a link, 0-1.
        fewest: least number of shared answers of a link.
        seed: of the layout; the same seed and agreement give the same places.
    """
    return Network(layout(result, seed), links(result, threshold, fewest), threshold)


def links(result: AgreementResult, threshold: float = 0.0, fewest: int = 1) -> tuple[Link, ...]:
    """The labelers who agree at least as much as `threshold` on at least `fewest` shared answers.

    They are rows of `AgreementResult.frame`, the table; the window and the figure draw these links.

    Args:
        result: from `agreement`.
        threshold: least agreement of a link, 0-1.
        fewest: least number of shared answers of a link.

    Returns:
        The strongest first; two labelers who share nothing have no link.
    """
    rows = result.frame()
    rows = rows[(rows["agreement"] >= threshold) & (rows["count"] >= fewest)]  # NaN is not
    rows = rows.sort_values("agreement", ascending=False, kind="stable")
    columns = (rows[name].tolist() for name in ("labeler", "other", "agreement", "count"))
    return tuple(Link(*row) for row in zip(*columns, strict=True))


def layout(result: AgreementResult, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Places of all labelers within -1 to 1 by a spring layout.

    Who shares nothing with anyone stands on a rim.
    """
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(result.labelers)
    for link in links(result):
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
