"""How choices go with properties of the pictures, and whether a labeler's do more than others'.

Of every pair that a labeler decided, and of every two faces that they rated differently, it is
asked whether the face with more of a property won. The share of such pairs is in the unit of
agreement: one half is nothing. What is beyond the consensus is that share less the mean of the
other labelers' shares, whose noise counts as well.

Pairs that share a face depend on one another, whoever judged them, so variances are dyadic
cluster-robust over faces, through all labelers at once (see `intervals`). Labelers are taken as
given. Where all labelers see alike, a test says "p < 0.05" in about 5 % of simulations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.special import ndtri

from prism_desktop.engine.evaluation.intervals import LEVEL, p_of, student_width
from prism_desktop.engine.evaluation.pairs import Floats, Ints, image_codes, unordered
from prism_desktop.engine.evaluation.significance import holm
from prism_desktop.engine.evaluation.taste.taste_records import (
    LabelerTaste,
    PropertyLink,
    TasteReport,
)
from prism_desktop.engine.runs.estimates import too_few

_MOST_LEVERAGE = 0.5
_RANKED = 4 / 9  # variance of a share of n ranked faces' pairs, of that of n coins


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """One labeler's shares, (properties,) each, and what every pair does to them.

    Attributes:
        rows: (r,) the labeler's pairs.
        influence: (r, properties) what each adds to the share, minus the share; sums to 0.
        stretch: what makes up for deviations being taken from a mean that they drew to themselves.
    """

    rows: Ints
    share: Floats
    choices: Ints
    faces: Ints
    influence: Floats
    stretch: float

    @property
    def n(self) -> Ints:
        return np.minimum(self.choices, self.faces)


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """The pairs of one attribute, and who made them.

    Attributes:
        hit: (pairs, properties) 1 where the face with more won, 0 where the other did, NaN where
            they have as much or it is not known.
        face: (faces, pairs) which faces each row shows.
        pair: (pairs,) the number of the unordered pair of each.
        level: (faces, properties) whether a face has more of what is there or not; None of what
            comes in more than two degrees.
    """

    labelers: tuple[str, ...]
    rows: tuple[Ints, ...]  # of each labeler
    left: Ints
    right: Ints
    hit: Floats
    face: sparse.csr_array
    pair: Ints
    level: tuple[npt.NDArray[np.bool_] | None, ...]

    @classmethod
    def of(cls, pairs: pd.DataFrame, known: Sequence[str], values: Floats) -> "_Design":
        decided = pairs[pairs["outcome"] != 0.5].reset_index(drop=True)
        left, right, images = image_codes(decided)
        row = {image: place for place, image in enumerate(known)}
        blank = np.full((1, values.shape[1]), np.nan)
        seen = np.vstack([values, blank])[[row.get(image, -1) for image in images]]
        apart = seen[left] - seen[right] if len(images) else np.zeros((0, values.shape[1]))
        won = decided["outcome"].to_numpy(np.float64)[:, None] > 0.5
        hit = np.where(np.isnan(apart) | (apart == 0), np.nan, (apart > 0) == won)
        code, _ = unordered(decided)
        count, place = len(decided), np.arange(len(decided))
        ends = np.concatenate([left, right]), np.concatenate([place, place])
        grouped = decided.groupby("labeler", sort=True).indices
        return cls(
            tuple(str(one) for one in grouped),
            tuple(np.asarray(one, np.int64) for one in grouped.values()),
            left,
            right,
            hit,
            sparse.csr_array((np.ones(2 * count), ends), shape=(len(images), count)),
            np.unique(code, return_inverse=True)[1].astype(np.int64),
            tuple(_level(column) for column in seen.T),
        )

    def shares(self, rows: Ints) -> _Shares:
        """Of one labeler."""
        hit = self.hit[rows]
        there = ~np.isnan(hit)
        choices = there.sum(axis=0)
        share = np.divide(
            np.where(there, hit, 0.0).sum(axis=0), choices,
            out=np.full(hit.shape[1], np.nan), where=choices > 0,
        )  # fmt: skip
        influence = np.where(there, hit - share, 0.0) / np.maximum(choices, 1)
        ends = np.concatenate([self.left[rows], self.right[rows]])
        part = np.unique(ends, return_counts=True)[1] / len(rows)
        leverage = min(float((part**2).sum()) / 2, _MOST_LEVERAGE)
        return _Shares(rows, share, choices, self.faces(rows), influence, 1 / (1 - leverage))

    def faces(self, rows: Ints) -> Ints:
        """(properties,) how many faces some rows tell of; where a property is there or not, twice
        those of its rarer side, of which each pair has one."""
        there = (~np.isnan(self.hit[rows])).astype(np.float64)
        shown = (self.face[:, rows] @ there) > 0
        count = shown.sum(axis=0)
        for place, level in enumerate(self.level):
            if level is not None:
                more = int((shown[:, place] & level).sum())
                count[place] = 2 * min(more, int(count[place]) - more)
        return np.asarray(count, np.int64)


def _level(column: Floats) -> npt.NDArray[np.bool_] | None:
    degrees = np.unique(column[~np.isnan(column)])
    return column == degrees[-1] if len(degrees) == 2 else None


@dataclass(frozen=True, slots=True, eq=False)
class _Total:
    """Sums over labelers.

    Attributes:
        labelers: (properties,) how many have a share.
        share: (properties,) sum of the shares.
        face, pair: influences of pairs on their own labeler's share, summed by face (faces,
            properties) and by unordered pair.
        squares: (properties,) of the latter, summed.
    """

    labelers: Ints
    share: Floats
    face: Floats
    pair: Floats
    squares: Floats

    @classmethod
    def of(cls, design: _Design, shares: Sequence[_Shares]) -> "_Total":
        influence = np.zeros(design.hit.shape)
        for one in shares:
            influence[one.rows] = one.influence
        each = np.array([one.share for one in shares])
        there = (~np.isnan(each)).sum(axis=0)
        pair = _summed(design.pair, influence)[1]
        squares = (pair**2).sum(axis=0)
        face = design.face @ influence
        return cls(there, np.nansum(each, axis=0), face, pair, squares)


def taste_links(
    pairs: pd.DataFrame, images: Sequence[str], values: Floats, names: Sequence[str]
) -> TasteReport:
    """The links of every labeler and attribute, and those of all labelers together.

    Args:
        pairs: a pairs frame, of which splits are not looked at; ties are left out.
        images: of the rows of `values`.
        values: (images, properties), NaN where unknown; only their order within a column counts.
        names: of the properties.
    """
    found: dict[str, list[PropertyLink]] = {}
    together: list[PropertyLink] = []
    for attribute, rows in pairs.groupby("attribute", sort=False):
        design = _Design.of(rows, images, values)
        shares = [design.shares(each) for each in design.rows]
        if not shares:
            continue
        total = _Total.of(design, shares)
        for code, own in zip(design.labelers, shares, strict=True):
            links = _of_labeler(design, total, own, str(attribute), names)
            found.setdefault(code, []).extend(links)
        together += _of_everybody(design, total, str(attribute), names)
    return _corrected(found, together)


def _of_labeler(
    design: _Design, total: _Total, own: _Shares, attribute: str, names: Sequence[str]
) -> list[PropertyLink]:
    """One labeler's links on one attribute, without corrections for how many there are."""
    face = design.face[:, own.rows] @ own.influence
    shown, pair = _summed(design.pair[own.rows], own.influence)
    least = _least_error(own.share, own.n)
    error = np.maximum(_error(face * own.stretch, ((pair * own.stretch) ** 2).sum(axis=0)), least)
    rest = total.labelers - (~np.isnan(own.share))
    many = np.maximum(rest, 1)
    others = np.where(rest > 0, (total.share - np.nan_to_num(own.share)) / many, np.nan)
    # of a pair that the labeler did not judge, the others' part alone
    elsewhere = (total.squares - (total.pair[shown] ** 2).sum(axis=0)) / many**2
    here = pair * own.stretch - (total.pair[shown] - pair) / many
    within = elsewhere + (here**2).sum(axis=0)
    beside = _error(face * own.stretch - (total.face - face) / many, within)
    beside = np.maximum(beside, least)
    return [
        _link(name, attribute, _Cell(own, others, error, beside, place))
        for place, name in enumerate(names)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """One property of one labeler: a column of what was found."""

    own: _Shares
    others: Floats
    error: Floats
    beside: Floats  # standard error of own - others
    place: int


def _summed(pair: Ints, influence: Floats) -> tuple[Ints, Floats]:
    """The different pairs among some rows, and the sums of their influences (pairs, properties)."""
    shown, place = np.unique(pair, return_inverse=True)
    many = np.ones(len(pair)), (place, np.arange(len(pair)))
    summed = sparse.csr_array(many, shape=(len(shown), len(pair))) @ influence
    return shown, np.asarray(summed, np.float64)


def _error(face: Floats, within: Floats) -> Floats:
    """(properties,) standard errors, as `intervals.dyadic_variance` of each column.

    Args:
        face: (faces, properties) sums of influences by face.
        within: (properties,) sums of squares of those by pair.
    """
    through, images = (face**2).sum(axis=0), max(len(face), 2)
    variance = np.maximum(through - within, within) * images / (images - 1)
    return np.asarray(np.sqrt(variance), np.float64)


def _least_error(share: Floats, n: Ints) -> Floats:
    """(properties,) what no error is below: that of faces in a random order (Kendall, Biometrika
    1938), with four more where all choices are alike (Agresti and Coull, Am. Stat. 1998), so that
    nothing is sure because it happened a few times."""
    drawn = (share * n + 2) / (n + 4)
    return np.sqrt(_RANKED * drawn * (1 - drawn) / np.maximum(n, 1))


def _link(name: str, attribute: str, cell: _Cell) -> PropertyLink:
    at, own = cell.place, cell.own
    choices, n, faces = int(own.choices[at]), int(own.n[at]), int(own.faces[at])
    if not choices:
        return PropertyLink(property=name, attribute=attribute, choices=0, n=0)
    share, others = float(own.share[at]), float(cell.others[at])
    low, high = _bounds(share, float(cell.error[at]), faces, (0.0, 1.0))
    told = PropertyLink(
        property=name, attribute=attribute, own=share, own_low=low, own_high=high,
        own_p=p_of(share - 0.5, float(cell.error[at]), faces), choices=choices, n=n,
    )  # fmt: skip
    if np.isnan(others):
        return told
    beyond = share - others
    low, high = _bounds(beyond, float(cell.beside[at]), faces, (-1.0, 1.0))
    p = p_of(beyond, float(cell.beside[at]), faces)
    more = {"others": others, "beyond": beyond, "low": low, "high": high, "p": p}
    return told.model_copy(update=more)


def _of_everybody(
    design: _Design, total: _Total, attribute: str, names: Sequence[str]
) -> list[PropertyLink]:
    """The mean over labelers, each counting the same."""
    many = np.maximum(total.labelers, 1)
    error = _error(total.face / many, total.squares / many**2)
    there = ~np.isnan(design.hit)
    choices = there.sum(axis=0)
    faces = design.faces(np.arange(len(there), dtype=np.int64))
    found = []
    for place, name in enumerate(names):
        if not choices[place]:
            found.append(PropertyLink(property=name, attribute=attribute))
            continue
        share = float(total.share[place] / many[place])
        low, high = _bounds(share, float(error[place]), int(faces[place]), (0.0, 1.0))
        found.append(
            PropertyLink(
                property=name,
                attribute=attribute,
                own=share,
                own_low=low,
                own_high=high,
                own_p=p_of(share - 0.5, float(error[place]), int(faces[place])),
                choices=int(choices[place]),
                n=int(min(choices[place], faces[place])),
            )
        )
    return found


def _bounds(
    value: float, error: float, faces: int, within: tuple[float, float]
) -> tuple[float, float]:
    half = float(ndtri(0.5 + LEVEL / 2)) * student_width(faces) * error
    return max(value - half, within[0]), min(value + half, within[1])


def _corrected(
    found: Mapping[str, list[PropertyLink]], together: Sequence[PropertyLink]
) -> TasteReport:
    """With p-values for as many tests as there are; what rests on too few answers is not tested."""
    everything = [link for links in found.values() for link in links]
    over_all = dict(zip(map(id, everything), _holm(everything, "p"), strict=True))
    labelers = []
    for code, links in found.items():
        own, beyond = _holm(links, "own_p"), _holm(links, "p")
        labelers.append(
            LabelerTaste(
                labeler=code,
                links=tuple(
                    link.model_copy(
                        update={"own_holm": a, "holm": b, "holm_all": over_all[id(link)]}
                    )
                    for link, a, b in zip(links, own, beyond, strict=True)
                ),
                tests=_tests(links),
            )
        )
    told = [
        link.model_copy(update={"own_holm": p})
        for link, p in zip(together, _holm(together, "own_p"), strict=True)
    ]
    return TasteReport(labelers=tuple(labelers), everybody=tuple(told), tests=_tests(everything))


def _holm(links: Sequence[PropertyLink], name: str) -> list[float | None]:
    return holm([None if too_few(link.n) else getattr(link, name) for link in links])


def _tests(links: Sequence[PropertyLink]) -> int:
    return sum(link.own is not None and not too_few(link.n) for link in links)
