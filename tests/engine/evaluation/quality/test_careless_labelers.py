"""Careless labelers are flagged, honest ones are not, however unlike others they are."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.quality.answer_table import answer_table
from prism_desktop.engine.evaluation.quality.circular_triads import circular_triads
from prism_desktop.engine.evaluation.quality.joint_measures import averaged
from prism_desktop.engine.evaluation.quality.labeler_flags import care_of, flags_of
from prism_desktop.engine.evaluation.quality.labeler_measures import Checks, own_measures
from prism_desktop.engine.evaluation.quality.own_consistency import answer_pairs
from prism_desktop.engine.evaluation.quality.quality_report import (
    QualityReport,
    _attribute,
    study_quality,
)
from prism_desktop.engine.evaluation.quality.quality_words import (
    LABELER,
    headline,
    labeler_value,
    report_json,
    told_checks,
    told_circles,
)
from prism_desktop.engine.evaluation.quality.turned_parts import turned_parts
from prism_desktop.engine.events import Done
from prism_desktop.engine.labeling.exclusion_rules import USUAL
from tests.bench.careless import flagged
from tests.engine.evaluation import fabricate
from tests.fixtures.planted_care import CARELESS, planted
from tests.soak import budget

# what each careless labeler must be flagged for, at least
_FOR = {
    "random clicker": {"random"},
    "always left": {"one side"},
    "straight-liner": {"one answer"},
    "fast clicker": {"too fast"},
    "label-swapper": {"turned round"},
}


def _check(seed: int, scale: float) -> None:
    for code, reasons in flagged(seed, scale):
        if code in CARELESS:
            assert set(reasons) >= _FOR[code], (seed, code, reasons)
        else:
            assert not reasons, (seed, code, reasons)


def test_that_careless_labelers_are_found_and_honest_ones_left_alone() -> None:
    _check(seed=1, scale=0.6)


@pytest.mark.soak
def test_that_they_are_in_many_studies() -> None:
    for number in range(max(2, round(20 * budget.SCALE))):
        _check(seed=1000 * budget.SEED + number, scale=1.0)


def _of(code: str, seed: int = 3) -> pd.DataFrame:
    table = answer_table(*planted(seed, 0.5, images=150))
    return table[table["labeler"] == code].reset_index(drop=True)


def test_that_consistency_does_not_change_if_all_is_turned_round() -> None:
    rows = _of("L1")
    turned = rows.assign(value=-rows["value"])
    assert answer_pairs(turned).consistency() == answer_pairs(rows).consistency()
    # who turned all of it cannot be told from the opposite taste
    assert not turned_parts(turned, answer_pairs(turned)).turned


def test_that_shuffled_answers_have_no_consistency() -> None:
    rows = _of("L1")
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(12):
        found = answer_pairs(rows.assign(value=rng.permutation(rows["value"]))).consistency()
        inside += found.low < 0 < found.high
    assert inside >= 9


def test_that_the_turned_part_is_pointed_at() -> None:
    rows = _of("L1")
    sessions = list(dict.fromkeys(rows["session"]))
    bad = rows["session"].isin(sessions[:2])
    turned = rows.assign(value=rows["value"].where(~bad, -rows["value"]))
    found = turned_parts(turned, answer_pairs(turned))
    assert found.turned
    # ratings are turned about the middle only roughly by a sign, so some parts may be missed
    assert (found.rows == bad.to_numpy()).mean() > 0.9


def _report(comparisons: pd.DataFrame, ratings: pd.DataFrame) -> QualityReport:
    *_, last = study_quality(comparisons, ratings)
    assert isinstance(last, Done)
    return last.value


def test_that_what_the_rules_leave_out_is_marked_and_counted() -> None:
    few = ["L1", "L2", "random clicker", "fast clicker"]
    some, rated = (
        frame[frame["labeler"].isin(few) & (frame["attribute"] == "smart")]
        for frame in planted(2, 0.6, images=50)
    )
    report = _report(some, rated)
    flags = {each.code: [flag.reason for flag in each.flags] for each in report.labelers}
    out = {code for code, reasons in flags.items() if set(reasons) & set(USUAL.leave_out)}
    assert out == {"random clicker", "fast clicker"}
    assert report.answers == len(some) + len(rated)
    theirs = report.marks[report.marks["labeler"].isin(out)]
    assert len(theirs) == sum((frame["labeler"].isin(out)).sum() for frame in (some, rated))
    assert f"{len(theirs):,} answers of 2 flagged labelers" in report.left_out()
    assert all(each.labelers == 2 for each in report.attributes)


@pytest.mark.parametrize(
    ("asked", "failed", "flagged"),
    [(10, 7, True), (40, 20, True), (40, 4, False), (10, 4, False), (4, 4, False), (0, 0, False)],
)
def test_that_who_surely_fails_checks_is_flagged_and_who_failed_a_few_is_not(
    asked: int, failed: int, flagged: bool
) -> None:
    said = [("L1", "a", "b", "smart", "left")]
    rows = answer_table(fabricate.comparisons(said), fabricate.ratings([]).assign(raw=np.nan))
    care = care_of(rows, USUAL, Checks(asked, failed))
    assert [flag.reason for flag in care.flags] == ["failed checks"] * flagged
    assert care.own.checks_failed.n == asked
    if asked:
        assert care.own.checks_failed.value == failed / asked


def test_that_failed_checks_leave_a_labeler_out_and_are_told() -> None:
    said = [(code, "a", "b", "smart", "left") for code in ("L1", "L2", "L3")]
    frames = fabricate.comparisons(said), fabricate.ratings([]).assign(raw=np.nan)
    checks = {"L1": Checks(20, 12), "L2": Checks(20, 1)}
    *_, last = study_quality(*frames, checks=checks)
    assert isinstance(last, Done)
    report = last.value
    assert set(report.marks["labeler"]) == {"L1"}
    assert set(report.marks["reason"]) == {"failed checks"}
    lines = {each.code: told_checks(each).line for each in report.labelers}
    # Wilson's interval of 12 of 20 is 38.7 to 78.1 per cent
    assert lines["L1"] == "12 of 20 60% [39, 78]"
    assert lines["L3"] == "–"
    told = {each["labeler"]: each for each in report_json(report, {})["labelers"]}
    measured = told["L1"]["measures"]["checks_failed"]
    assert (measured["value"], measured["n"], measured["few"]) == (0.6, 20, False)
    assert measured["low"] == pytest.approx(0.387, abs=5e-4)
    assert "12 of" not in told["L2"]["told"]
    assert told["L1"]["flags"][0]["reason"] == "failed checks"
    lenient = USUAL.model_copy(update={"leave_out": ("random",)})
    *_, last = study_quality(*frames, lenient, checks=checks)
    assert isinstance(last, Done)
    assert last.value.marks.empty


def test_that_labelers_are_also_measured_within_what_they_did() -> None:
    comparisons, ratings = planted(2, 0.3, images=50)
    compared = comparisons[comparisons["labeler"].isin(["L1", "L2", "L3", "L4"])]
    rated = ratings[ratings["labeler"].isin(["L3", "L4", "contrarian", "quick"])]
    groups = {each.group: each for each in _attribute("smart", answer_table(compared, rated))}
    assert {name: each.labelers for name, each in groups.items()} == {
        "all": 6, "only rated": 2, "only compared": 2, "both": 2,
    }  # fmt: skip
    assert groups["only rated"].comparisons is None
    assert groups["only compared"].ratings is None


def test_that_two_groups_are_told_apart_as_three_are() -> None:
    comparisons, ratings = planted(2, 0.3, images=50)
    compared = comparisons[comparisons["labeler"].isin(["L1", "L2"])]
    rated = ratings[ratings["labeler"].isin(["L3", "L4"])]
    groups = {
        each.group: each.labelers for each in _attribute("smart", answer_table(compared, rated))
    }
    assert groups == {"all": 4, "only rated": 2, "only compared": 2}


def test_that_every_interval_holds_its_value_and_who_repeats_nothing_is_unknown() -> None:
    comparisons, ratings = (
        frame[frame["attribute"] == "smart"] for frame in planted(4, 0.5, images=60)
    )
    some = ["L1", "straight-liner"]
    report = _report(*(frame[frame["labeler"].isin(some)] for frame in (comparisons, ratings)))
    for each in report.labelers:
        for words in LABELER:
            found = labeler_value(each, words.key)
            if found.n and words.key != "circular":  # which is beside what is expected
                low, high = found.low - 1e-12, found.high + 1e-12
                assert low <= found.value <= high, (each.code, words.key)
    liner = next(each for each in report.labelers if each.code == "straight-liner")
    given = ratings[ratings["labeler"] == "straight-liner"]["value"]
    assert liner.own.one_answer.value == pytest.approx((given == given.mode()[0]).mean())
    once = ratings[ratings["labeler"].isin(["L1", "L2"])]
    once = once.drop_duplicates(["labeler", "image"])
    for each in _report(comparisons[:0], once).labelers:
        assert each.ratings >= 50
        assert headline(each) == (
            "Nothing flagged; no face was judged twice, so consistency is unknown."
        )
        assert told_circles(each).line == "–"


def test_that_who_turned_half_of_it_round_is_not_called_random_too() -> None:
    rows = _of("L1")
    half = rows["order"] >= rows["order"].median()
    turned = rows.assign(value=rows["value"].where(~half, -rows["value"]))
    pairs = answer_pairs(turned)
    flags = flags_of(own_measures(turned, pairs, USUAL), turned_parts(turned, pairs), USUAL)
    assert [flag.reason for flag in flags] == ["turned round"]


def test_that_a_share_of_who_contradicts_themselves_stays_a_share() -> None:
    pairs = [(f"a{number}", f"b{number}") for number in range(60) for _ in range(2)]
    ways = ["left", "right", "right", "left"] * 30  # each pair twice, the second time reversed
    said = [("L1", *pair, "smart", way) for pair, way in zip(pairs, ways, strict=True)]
    table = answer_table(fabricate.comparisons(said), fabricate.ratings([]).assign(raw=np.nan))
    care = care_of(table, USUAL)
    assert 0 <= care.own.consistency.low <= care.own.consistency.high <= 1
    assert "account for 0% [0%, 0%] of an answer" in care.flags[0].text


def test_that_a_circle_is_named_in_the_order_in_which_each_face_beats_the_next() -> None:
    said = [("L1", "a", "b", "smart", "left"), ("L1", "c", "b", "smart", "right"),
            ("L1", "a", "c", "smart", "right")]  # fmt: skip
    frame = fabricate.comparisons(said)
    (found,) = _report(frame, fabricate.ratings([]).assign(raw=np.nan)).labelers[0].examples
    assert found.sort == "circle"
    assert found.images in {("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b")}
    assert set(found.trials) == set(frame["trial"])


def test_that_somebody_who_throws_a_coin_makes_circles_as_their_own_model_expects() -> None:
    """Of three faces compared by a coin, a quarter are a circle."""
    rng = np.random.default_rng(8)
    said = [
        ("L1", one, other, "smart", "left" if rng.random() < 0.5 else "right")
        for one, other in combinations("abcdefghijklm", 2)
    ]
    frame = fabricate.comparisons(said)
    found = circular_triads(answer_table(frame, fabricate.ratings([]).assign(raw=np.nan)))
    assert found.triads == 286
    assert found.expected == pytest.approx(286 / 4, rel=0.2)
    assert found.low <= found.circular <= found.high


def test_that_an_interval_of_the_consistency_is_one_of_95_per_cent() -> None:
    found = answer_pairs(_of("L1")).consistency()
    wide = norm.ppf(0.975) * found.error
    assert (found.low, found.high) == pytest.approx((found.value - wide, found.value + wide))


def test_that_attributes_answered_alike_make_no_labeler_surer() -> None:
    one = Estimate(0.4, 0.2, 0.6, 50, error=0.2 / norm.ppf(0.975))
    both = averaged([one, one])
    assert (both.value, both.n) == (0.4, 100)
    assert (both.low, both.high) == pytest.approx((0.2, 0.6), abs=1e-6)


def test_that_comparisons_of_rated_faces_are_held_against_the_ratings() -> None:
    rows = _of("L1")
    rated = set(rows[rows["kind"] == "rating"]["left"])
    compared = rows[(rows["kind"] == "comparison") & (rows["value"] != 0)]
    both = compared[compared["left"].isin(rated) & compared["right"].isin(rated)]
    found = own_measures(rows, answer_pairs(rows), USUAL).bridge
    assert 0 < found.n <= len(both)  # faces that are rated alike say nothing
    assert found.value > 0.7
