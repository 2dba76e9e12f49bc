"""Two models compared face by face: two labelers, a labeler and the consensus, or two runs. Nothing
here touches Qt."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.analysis.face_ranking import NOWHERE, Area
from prism_desktop.engine.analysis.score_agreement import (
    DisputedPair,
    Rows,
    ScoreCorrelation,
    disputed_faces,
    disputed_pairs,
    pearson,
    spearman,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import with_codes
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.ui.explore.face_shares import Floats, percentiles
from prism_desktop.ui.explore.ranked_faces import CONSENSUS, area_options
from prism_desktop.ui.explore.run_data import RunData


@dataclass(frozen=True, slots=True)
class PairQuestion:
    """Whose models are compared, on what; the second of another run where `run` is one."""

    one: str
    other: str  # a code, or `CONSENSUS`
    attribute: str
    run: str = ""  # the other run's folder
    area: Area = NOWHERE  # of the map, whose faces alone are listed

    def options(self) -> list[str]:
        """The same as options of the command `two-labelers`."""
        words = ["--one", self.one]
        words += ["--consensus"] if self.other == CONSENSUS else ["--other", self.other]
        words += ["--attribute", self.attribute, *area_options(self.area)]
        return words + (["--other-run", self.run] if self.run else [])


@dataclass(frozen=True, slots=True, eq=False)
class ComparedModels:
    """The comparison, on the faces that both score.

    Attributes:
        x, y: (images,) scores of the first and the second; NaN where they say nothing.
        shares: both as shares of faces that score lower.
        rows: faces that both score.
        listed: those of them that are listed; all, or the brushed ones.
        names: what to call the two.
        disputed: of the listed ones, the widest gap first.
        pairs: in opposite order, the widest first.
        doubts: how far each can be trusted; empty where nothing was tested.
        few: whether one was tested on too few answers to tell.
    """

    x: Floats
    y: Floats
    shares: tuple[Floats, Floats]
    rows: Rows
    listed: Rows
    names: tuple[str, str]
    disputed: Rows
    pairs: tuple[DisputedPair, ...]
    linear: ScoreCorrelation | None
    ranks: ScoreCorrelation | None
    doubts: tuple[str, str]
    few: bool

    @property
    def same(self) -> bool:
        """Whether both put all faces in the same order."""
        one, other = (each[self.rows] for each in self.shares)
        return bool(np.array_equal(one, other))

    def headline(self) -> str:
        """The correlations in a line; empty where there are none."""
        if self.linear is None or self.ranks is None:
            return ""
        told = f"r {_told(self.linear)}, rank correlation {_told(self.ranks).removeprefix('= ')}"
        return f"{TOO_FEW.capitalize()}: {told}" if self.few else told

    def trust(self) -> str:
        """How far either can be trusted."""
        told = zip(self.names, self.doubts, strict=True)
        return " ".join(f"{name}: {doubt[0].lower()}{doubt[1:]}" for name, doubt in told if doubt)


def compare(
    data: RunData,
    asked: PairQuestion,
    second: RunData | None = None,
    among: NDArray[np.bool_] | None = None,
) -> ComparedModels:
    """Compare all faces, and list what is disputed.

    Args:
        second: the other run's data where there is one.
        among: (images,) the faces that disputes are listed of; None for all.
    """
    of = second or data
    x = _scores(data, asked.one, asked.attribute)
    y = _scores(of, asked.other, asked.attribute)
    if second is not None:
        y = _aligned(data, second, y)
    shares = data.share(asked.one, asked.attribute), _shares(of, asked, y, second is not None)
    rows = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    one, other = shares[0][rows], shares[1][rows]
    listed = shares if among is None else tuple(np.where(among, each, np.nan) for each in shares)
    return ComparedModels(
        x,
        y,
        shares,
        rows,
        rows if among is None else rows[among[rows]],
        (_name(data, asked.one, ""), _name(of, asked.other, of.title if second else "")),
        disputed_faces(*listed),
        disputed_pairs(*listed),
        pearson(x[rows], y[rows]),
        spearman(one, other),
        (data.trust(asked.one), of.trust(asked.other)),
        data.unsure(asked.one) or of.unsure(asked.other),
    )


def _scores(data: RunData, who: str, attribute: str) -> Floats:
    if who != CONSENSUS:
        return data.score(who, attribute)
    if data.consensus is None:
        data.standing(attribute)
    return data.consensus_of(attribute)


def _shares(of: RunData, asked: PairQuestion, scores: Floats, aligned: bool) -> Floats:
    """Of the second; kept with its run, but of another run anew, for it may have other faces."""
    return percentiles(scores) if aligned else of.share(asked.other, asked.attribute)


def _aligned(data: RunData, second: RunData, scores: Floats) -> Floats:
    """Another run's scores, where this run has the images."""
    found = np.full(len(data.images), np.nan, np.float32)
    places = np.array([second.row.get(image, -1) for image in data.images], np.int64)
    found[places >= 0] = scores[places[places >= 0]]
    return found


def _name(data: RunData, who: str, run: str) -> str:
    if who == CONSENSUS:
        name = "Consensus model" if data.consensus is not None else "All labelers' mean"
    else:
        name = with_codes(data.names).get(who, who)
    return f"{name} in {run}" if run else name


def _told(found: ScoreCorrelation) -> str:
    """Two decimals and the interval; neither a perfect agreement nor "-0.00" is claimed."""
    if abs(found.value) >= 0.995:
        return "> 0.99" if found.value > 0 else "< -0.99"
    value, low, high = (round(each, 2) + 0.0 for each in (found.value, found.low, found.high))
    return f"= {value:.2f} [{low:.2f}, {high:.2f}]"


def head_of(found: ComparedModels) -> tuple[str, ...]:
    """The columns of `table`."""
    both = [f"{what} {who}" for what in ("score", "percentile") for who in found.names]
    return ("name", "image", *both, "gap")


def table(data: RunData, found: ComparedModels) -> list[tuple[object, ...]]:
    """A row for each listed face that both score, the most disputed first; percentiles are among
    all faces."""
    one, other = found.shares
    order = found.listed[np.argsort(-np.abs(one - other)[found.listed], kind="stable")]
    return [
        (
            data.image_names[row],
            data.images[row],
            *(float(each[row]) for each in (found.x, found.y, one, other)),
            float(one[row] - other[row]),
        )
        for row in map(int, order)
    ]


def drawn(found: ComparedModels, attribute: str) -> dict[str, Any]:
    """What the scatter figure needs, by the names of its arguments."""
    rows, part = found.rows, len(found.listed) < len(found.rows)
    brushed = f"Dark: {len(found.listed):,} brushed; numbers are of all. " if part else ""
    return {
        "x": found.x[rows],
        "y": found.y[rows],
        "names": found.names,
        "title": f"{attribute}: {found.headline() or 'too few faces to correlate'}",
        "note": f"{counted(len(rows), 'face')}, a dot each; intervals: 95%, over faces. "
        f"{brushed}{found.trust()}".strip(),
        "lit": np.isin(rows, found.listed) if part else None,
    }
