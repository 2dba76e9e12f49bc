"""What was chosen by what it tells is harder than other trials, and so it is no sign of little care
or of little agreement."""

import numpy as np
import pandas as pd

from prism_desktop.engine.evaluation.quality.answer_table import answer_table
from prism_desktop.engine.evaluation.quality.attribute_reliability import kind_reliability
from prism_desktop.engine.evaluation.quality.labeler_flags import care_of
from prism_desktop.engine.evaluation.quality.quality_report import QualityReport, study_quality
from prism_desktop.engine.events import outcome
from prism_desktop.engine.labeling.exclusion_rules import USUAL
from tests.engine.evaluation import fabricate

_FACES = 80


def _answers(chosen: int, drawn: int) -> pd.DataFrame:
    """Two honest labelers of the same taste, who compare faces that stand side by side in it, and
    faces at random."""
    dice = np.random.default_rng(0)
    said, how = [], []
    for labeler in ("L1", "L2"):
        for number in range(chosen + drawn):
            if number < chosen:
                one = int(dice.integers(_FACES - 1))
                pair = dice.permutation([one, one + 1])
            else:
                pair = dice.choice(_FACES, 2, replace=False)
            lead = (pair[0] - pair[1]) / _FACES + 0.15 * dice.standard_normal()
            names = [f"f{face:03}" for face in pair]
            said.append((labeler, *names, "smart", "left" if lead > 0 else "right"))
            how.append(number >= chosen)
    return fabricate.comparisons(said).assign(drawn=np.array(how, np.int64))


_RATINGS = fabricate.ratings([]).assign(raw=np.nan)


def _report(compared: pd.DataFrame) -> QualityReport:
    return outcome(study_quality(compared, _RATINGS))


def test_that_an_honest_labeler_of_hard_pairs_is_not_taken_for_a_random_clicker() -> None:
    compared = _answers(chosen=400, drawn=100)
    report = _report(compared)
    assert [each.flags for each in report.labelers] == [(), ()]
    assert all(each.own.consistency.value > USUAL.least_consistency for each in report.labelers)
    assert report.chosen == 800
    assert "800 answers to trials chosen by what they tell are left out" in report.left_out()
    # the same answers, if nobody knew that they were chosen, say that nothing is repeated
    blind = answer_table(compared.drop(columns="drawn"), _RATINGS)
    mine = blind[blind["labeler"] == "L1"].reset_index(drop=True)
    assert [flag.reason for flag in care_of(mine, USUAL).flags] == ["random"]


def test_that_reliability_is_what_the_answers_drawn_at_random_say() -> None:
    compared = _answers(chosen=300, drawn=200)
    (found,) = _report(compared).attributes
    fair = answer_table(compared[compared["drawn"] == 1], _RATINGS)
    alone = kind_reliability(fair, "comparison")
    assert found.comparisons is not None
    assert alone is not None
    assert found.comparisons.answers == 400
    for part in ("alpha", "split_half", "shared", "needed"):
        assert getattr(found.comparisons, part) == getattr(alone, part)


def test_that_repeats_of_chosen_trials_are_no_sign_of_consistency() -> None:
    said = [("L1", "a", "b", "smart", "left"), ("L1", "b", "a", "smart", "left")]
    compared = fabricate.comparisons(said * 2)
    (mine,) = _report(compared.assign(drawn=0)).labelers
    assert mine.own.retest_comparisons.n == 0
    (mine,) = _report(compared.assign(drawn=[1, 1, 0, 0])).labelers
    assert (mine.own.retest_comparisons.n, mine.own.retest_comparisons.value) == (1, 0.0)


def test_that_a_study_in_which_all_was_drawn_leaves_nothing_out() -> None:
    report = _report(_answers(chosen=0, drawn=30))
    assert report.chosen == 0
    assert "chosen" not in report.left_out()
    assert report.attributes[0].comparisons is not None
    assert report.attributes[0].comparisons.answers == 60
