"""K-shot evaluation: how well a labeler is served after K answers."""

from collections.abc import Mapping, Sequence

import pandas as pd

from prism_desktop.engine.evaluation.report import evaluate, gain, held_out
from prism_desktop.engine.runs.curve_files import (
    ShotPoint,
)
from prism_desktop.engine.runs.result_files import (
    MacroGain,
)


def kshot_curve(
    pairs: pd.DataFrame,
    predictions: Mapping[int, Sequence[pd.DataFrame]],
    consensus: pd.DataFrame | None = None,
    seed: int = 0,
    given: Mapping[int, float] | None = None,
    random: Mapping[int, Sequence[pd.DataFrame]] | None = None,
) -> list[ShotPoint]:
    """Accuracy against K.

    Args:
        pairs: a pairs frame with splits; the test rows of the labelers in the predictions are
            tested.
        predictions: {K: predictions of each resample}; a resample adapted each labeler to their own
            K answers.
        consensus: what K answers must beat.
        seed: of the intervals.
        given: {K: the mean number of answers that there were}, less than K where labelers have
            fewer; None for K.
        random: what chosen answers must beat: predictions after as many random ones.

    Returns:
        Per K, ascending. The accuracy is the macro mean of the resamples' mean; its interval is
        over images; the gain is against consensus, None without it.
    """
    rows = []
    for k in sorted(predictions):
        frames = list(predictions[k])
        codes = set(frames[0]["labeler"].astype(object))
        test = held_out(pairs)
        test = test[test["labeler"].isin(codes)]
        result = evaluate(test, frames, seed=seed)
        gained = None
        if consensus is not None:
            gained = MacroGain.of(gain(test, frames, consensus, seed))
        rows.append(
            ShotPoint(
                k=k,
                answers=float(k if given is None else given[k]),
                **result.macro.given(),
                per_labeler=result.per_labeler,
                resamples=len(frames),
                deviation=result.deviation,
                gain=gained,
                over_random=None
                if random is None
                else MacroGain.of(gain(test, frames, random[k], seed)),
            )
        )
    return rows
