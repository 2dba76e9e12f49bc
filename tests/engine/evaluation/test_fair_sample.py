"""What was chosen by what it tells is no fair sample, and is left out where a sample has to be."""

from dataclasses import replace

import pandas as pd
import pytest

from prism_desktop.engine.analysis.agreement import agreement, left_out, rating_agreement
from prism_desktop.engine.evaluation.ceiling import repeated
from prism_desktop.engine.evaluation.splits import make_pairs
from prism_desktop.engine.study.records import TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return make_study(images=42, labelers=2, comparisons=0, ratings=0)


def compare(study: Study, who: str, pair: tuple[str, str], answer: str, **more: object) -> str:
    attributes = [each.name for each in study.attributes()]
    trial = TrialRecord(
        new_id(), who, f"s {who}", len(study.trials(who)), "comparison", *pair,
        answers=dict.fromkeys(attributes, answer),
    )  # fmt: skip
    study.record(replace(trial, **more))  # type: ignore[arg-type]
    return trial.id


def test_that_a_repeat_is_as_fair_as_what_it_repeats(study: Study) -> None:
    one, other, third = (image.id for image in study.images()[:3])
    chosen = compare(study, "L1", (one, other), "left", strategy="telling")
    compare(study, "L1", (other, one), "left", repeat_of=chosen)
    drawn = compare(study, "L1", (one, third), "left", strategy="random")
    compare(study, "L1", (third, one), "left", repeat_of=drawn)
    compare(study, "L1", (other, third), "left")  # nobody knows
    frame = study.comparisons().drop_duplicates("trial")
    assert frame["drawn"].tolist() == [0, 0, 1, 1, 1]
    assert len(repeated(study.comparisons())) == len(study.attributes())


def test_that_labelers_agree_as_their_drawn_answers_say(study: Study) -> None:
    ids = [image.id for image in study.images()]
    for number, pair in enumerate(zip(ids[::2], ids[1::2], strict=True)):
        how = "sorted" if number < 6 else "random"
        compare(study, "L1", pair, "left", strategy=how)
        compare(study, "L2", pair, "right" if number < 6 else "left", strategy=how)
    found = agreement(study.comparisons())
    assert found.matrix[0, 1] == 1.0
    assert found.counts[0, 1] == (len(ids) // 2 - 6) * len(study.attributes())
    assert found.chosen == 12 * len(study.attributes())
    assert f"{found.chosen:,} answers" in left_out(found.chosen)
    everything = study.comparisons().drop(columns="drawn")  # as earlier versions kept it
    assert agreement(everything).counts[0, 1] == len(ids) // 2 * len(study.attributes())
    assert rating_agreement(study.ratings()).chosen == 0
    assert left_out(0) == ""


def test_that_a_test_rests_on_drawn_answers_and_training_on_all(study: Study) -> None:
    images = study.images()
    folds: dict[int, list[str]] = {}
    for image in images:
        folds.setdefault(image.fold, []).append(image.id)
    for ids in folds.values():
        for number, pair in enumerate(zip(ids, [*ids[1:], ids[0]], strict=True)):
            compare(study, "L1", pair, "left", strategy="unsure" if number % 2 else "random")
    frames = study.comparisons(), study.ratings(), study.images_frame()
    made = make_pairs(*frames)
    chosen = set(frames[0]["trial"][frames[0]["drawn"] == 0])
    by_split = made.pairs["trial"].astype(object).groupby(made.pairs["split"]).agg(set)
    assert not by_split["test"] & chosen
    assert by_split["train"] & chosen
    assert by_split["dropped"] <= chosen
    assert made.report.counts["test"] == (made.pairs["split"] == "test").sum()
    assert "fair sample" in made.notices[0]
    before = make_pairs(frames[0].drop(columns="drawn"), *frames[1:])
    assert made.report.counts["test"] < before.report.counts["test"]
    nothing_else = frames[0][frames[0]["drawn"] == 0]
    kept = make_pairs(nothing_else, *frames[1:])
    assert kept.report.counts["test"] > 0
    assert "label some at random" in kept.notices[0]
    assert isinstance(kept.pairs, pd.DataFrame)
