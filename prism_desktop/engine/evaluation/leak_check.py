"""The leak check: what train, validation and test share although their split promises that they
do not."""

import pandas as pd

from prism_desktop.engine.evaluation.pairs import SPLITS, unordered
from prism_desktop.engine.grammar import counted

# Per kind: what may be in one split only. "pair" is unordered.
_PROMISES: dict[str, tuple[tuple[str, ...], ...]] = {
    "image": (("image",), ("labeler", "attribute", "pair")),
    "pair": (("pair",),),
    "labeler": (("labeler",), ("labeler", "pair")),
    "time": (("labeler", "pair"),),
    "label": (("labeler", "attribute", "pair"),),
}


def leaks(pairs: pd.DataFrame, kind: str, shots: int = 0) -> list[str]:
    """Everything that breaks a split's promise, one sentence each; empty if it is kept.

    Args:
        pairs: a pairs frame with splits.
        kind: of the split, see `splits`.
        shots: how many of a held-out labeler's first trials may train (labeler split).
    """
    kept = pairs[pairs["split"].isin(SPLITS)].reset_index(drop=True)
    kept = kept.assign(pair=unordered(kept)[0])
    found = []
    for columns in _PROMISES[kind]:
        rows = kept
        if columns == ("image",):
            ends = [
                kept[["split"]].assign(image=kept[side].astype(object))
                for side in ("left", "right")
            ]
            rows = pd.concat(ends, ignore_index=True)
        elif columns == ("labeler",):
            rows = kept[kept["order"] >= shots]
        places = rows[[*columns, "split"]].drop_duplicates()
        both = int((places.groupby(list(columns)).size() > 1).sum())
        if both:
            found.append(
                f"{counted(both, 'time')} the same {' and '.join(columns)} is in more than one "
                f"split."
            )
    if kind == "time":
        found += _out_of_order(kept)
    return found


def _out_of_order(kept: pd.DataFrame) -> list[str]:
    """Labelers who answered something of an earlier split
    after something of a later one, within a task."""
    place = kept["split"].map({name: number for number, name in enumerate(SPLITS)})
    found = []
    for (labeler, source), rows in kept.assign(place=place).groupby(
        ["labeler", "source"], sort=True
    ):
        span = rows.groupby("place")["order"].agg(["min", "max"])
        if (span["max"].to_numpy()[:-1] >= span["min"].to_numpy()[1:]).any():
            found.append(
                f"Some of {labeler}'s {source}s are trained on that came after tested ones."
            )
    return found
