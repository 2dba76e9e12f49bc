"""What splits two labelers: comparisons that they answered oppositely, faces that they rated
furthest apart."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from prism_desktop.engine.analysis.agreement import Source, rated_values


@dataclass(frozen=True, slots=True)
class Dispute:
    """One comparison or face that two labelers answered differently.

    Attributes:
        attribute: what was asked.
        images: the two faces, or the one that was rated.
        one, other: "left", "right" or "tie", left and right as in `images`; or the ratings.
        gap: how far apart: 1 for opposite, 1/2 where one called a tie; for ratings, of the scale.
    """

    attribute: str
    images: tuple[str, ...]
    one: str
    other: str
    gap: float


@dataclass(frozen=True, slots=True)
class Disputes:
    """All of them, the widest first, and of how many shared answers."""

    found: tuple[Dispute, ...]
    shared: int
    source: Source


def disputes(
    compared: pd.DataFrame,
    rated: pd.DataFrame,
    one: str,
    other: str,
    attribute: str | None = None,
    source: Source = "comparisons",
) -> Disputes:
    """What two labelers disputed, by their first answers.

    Args:
        compared: `Study.comparisons()`.
        rated: `Study.ratings()`.
        one: a labeler's code.
        other: another's.
        attribute: only this one.
        source: which answers.
    """
    rows = compared if source == "comparisons" else rated
    rows = rows[rows["labeler"].isin((one, other))]
    if attribute is not None:
        rows = rows[rows["attribute"] == attribute]
    shared, found = (_opposed if source == "comparisons" else _apart)(rows, one, other)
    return Disputes(tuple(sorted(found, key=lambda each: -each.gap)), shared, source)


def _opposed(rows: pd.DataFrame, one: str, other: str) -> tuple[int, list[Dispute]]:
    turned = (rows["left"] > rows["right"]).to_numpy()
    low, high = (
        rows["left"].where(~turned, rows["right"]), rows["right"].where(~turned, rows["left"]),
    )  # fmt: skip
    flipped = {"left": "right", "right": "left"}
    said = [
        flipped.get(outcome, outcome) if turn else outcome
        for outcome, turn in zip(rows["outcome"].astype("str"), turned, strict=True)
    ]
    table = pd.DataFrame(
        {"labeler": rows["labeler"], "attribute": rows["attribute"], "low": low, "high": high,
         "said": said}
    )  # fmt: skip
    both = _beside(table, ["attribute", "low", "high"], one, other)
    found = []
    for attribute, left, right, mine, theirs in both:
        if mine != theirs:
            gap = 0.5 if "tie" in (mine, theirs) else 1.0
            found.append(Dispute(str(attribute), (str(left), str(right)), mine, theirs, gap))
    return len(both), found


def _apart(rows: pd.DataFrame, one: str, other: str) -> tuple[int, list[Dispute]]:
    table = rows[["labeler", "attribute", "image"]].assign(said=rated_values(rows))
    both = _beside(table, ["attribute", "image"], one, other)
    values = [value for row in both for value in row[-2:]]
    scale = (max(values) - min(values)) if values else 0.0
    found = [
        Dispute(
            str(attribute), (str(image),), f"{mine:g}", f"{theirs:g}", abs(mine - theirs) / scale
        )
        for attribute, image, mine, theirs in both
        if mine != theirs
    ]
    return len(both), found


def _beside(table: pd.DataFrame, key: list[str], one: str, other: str) -> list[tuple[Any, ...]]:
    """The first answers of both, a row for each thing that both were asked."""
    first = table.drop_duplicates([*key, "labeler"])
    mine, theirs = (
        first[first["labeler"] == code].drop(columns="labeler") for code in (one, other)
    )
    joined = mine.merge(theirs, on=key, suffixes=("_one", "_other"))
    return list(joined.itertuples(index=False, name=None))
