"""Times of trials of which only the whole is known."""

import pandas as pd
import pytest

from prism_desktop.engine.evaluation.quality.answer_table import answer_table, with_times
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy


def _older(study: Study) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """Answers as an older study has them, without a time of their own."""
    trials = study.trials()
    whole = {trial.id: trial.seconds for trial in trials if trial.seconds is not None}
    frames = [
        with_times(frame.assign(seconds=float("nan")), trials)
        for frame in (study.comparisons(), study.ratings())
    ]
    return frames[0], frames[1], whole


def test_that_answers_share_their_trial_s_time_once(make_study: MakeStudy) -> None:
    study = make_study(images=8, labelers=2, comparisons=8, ratings=6)
    compared, rated, whole = _older(study)
    assert whole
    shared = answer_table(compared, rated).groupby("trial")["seconds"].sum(min_count=1)
    for trial, seconds in whole.items():
        assert shared[trial] == pytest.approx(seconds)
