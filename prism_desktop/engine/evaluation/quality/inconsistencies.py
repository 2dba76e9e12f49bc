"""Answers of one labeler that contradict each other, with faces and trials, the worst first."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from prism_desktop.engine.evaluation.quality.circular_triads import CircularTriads
from prism_desktop.engine.evaluation.quality.labeler_measures import bridged, repeats

Sort = Literal["repeat", "circle", "bridge"]
MOST: Final = 50  # of each sort and labeler


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Answers that do not go together.

    Attributes:
        sort: a repeat answered differently, a circular triad, or a rating against a comparison.
        attribute: what was asked.
        images: the faces, as identifiers; of a circle each above the next.
        trials: where to find the answers.
        text: what was answered, a sentence.
    """

    sort: Sort
    attribute: str
    images: tuple[str, ...]
    trials: tuple[str, ...]
    text: str


def inconsistencies(rows: pd.DataFrame, triads: CircularTriads) -> tuple[Inconsistency, ...]:
    """Of one labeler, at most 50 of each sort.

    Args:
        rows: of the answer table, its index counting from 0.
        triads: of the same.
    """
    return (*_repeats(rows), *_circles(rows, triads), *_bridges(rows))


def _repeats(rows: pd.DataFrame) -> list[Inconsistency]:
    found = []
    compared = repeats(rows, "comparison")
    turned = compared[compared["value"] * compared["first"] < 0]
    for row in turned.head(MOST).itertuples():
        first, then = _side(row.first), _side(row.value)
        found.append(
            Inconsistency(
                "repeat", str(row.attribute), (str(row.left), str(row.right)),
                (str(row.before), str(row.trial)),
                f"First the {first} face, as shown here, then the {then} one.",
            )
        )  # fmt: skip
    rated = repeats(rows, "rating")
    rated = rated.assign(apart=(rated["value"] - rated["first"]).abs())
    rated = rated[rated["apart"] > 0].sort_values("apart", ascending=False, kind="stable")
    found += [
        Inconsistency(
            "repeat", str(row.attribute), (str(row.left),), (str(row.before), str(row.trial)),
            f"First rated {row.first:g}, then {row.value:g}.",
        )
        for row in rated.head(MOST - len(found)).itertuples()
    ]  # fmt: skip
    return found


def _circles(rows: pd.DataFrame, triads: CircularTriads) -> list[Inconsistency]:
    found = []
    for places in triads.rows[:MOST]:
        three = rows.loc[places]
        beats = {
            (row.left if row.value > 0 else row.right): (row.right if row.value > 0 else row.left)
            for row in three.itertuples()
        }
        one = str(three["left"].iloc[0])
        two = str(beats[one])
        found.append(
            Inconsistency(
                "circle", str(three["attribute"].iloc[0]), (one, two, str(beats[two])),
                tuple(map(str, three["trial"])),
                "The first face above the second, the second above the third, the third above the "
                "first.",
            )
        )  # fmt: skip
    return found


def _bridges(rows: pd.DataFrame) -> list[Inconsistency]:
    against = bridged(rows)
    against = against[~against["agrees"].astype(bool)]
    against = against.assign(size=against["apart"].abs())
    rated = rows[rows["kind"] == "rating"]
    given = {
        tuple(map(str, key)): (float(mine["value"].mean()), tuple(map(str, mine["trial"])))
        for key, mine in rated.groupby(["attribute", "left"], sort=False)
    }
    told = []
    for row in against.sort_values("size", ascending=False, kind="stable").head(MOST).itertuples():
        (one, first), (other, second) = (
            given[str(row.attribute), str(image)] for image in (row.left, row.right)
        )
        told.append(
            Inconsistency(
                "bridge", str(row.attribute), (str(row.left), str(row.right)),
                (str(row.trial), *first, *second),
                f"Compared, the face on the {_side(row.value)} was chosen; rated, the left one got "
                f"{one:g} and the right one {other:g}.",
            )
        )  # fmt: skip
    return told


def _side(value: Any) -> str:
    return "left" if value > 0 else "right" if value < 0 else "tie"
