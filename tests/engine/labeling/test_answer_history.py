"""What was answered, corrected and taken back stands in the history as it happened."""

from dataclasses import replace

import pytest

from prism_desktop.engine.labeling.answer_history import COUNTS, answer_history
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.study.records import Flag, GivenAnswers
from tests.engine.study.test_store import rating
from tests.fixtures.study import MakeStudy


def test_that_undo_correction_and_skip_are_told_and_nothing_is_lost(make_study: MakeStudy) -> None:
    study = make_study(images=12, labelers=1, comparisons=0, ratings=0)
    session = LabelingSession(study, "L1", "rating")
    session.answer({"attractive": 1, "smart": 2}, onset=1000.0, seconds=2.0)
    session.answer({"attractive": 3, "smart": 3}, onset=1010.0, seconds=2.5)
    session.undo()
    session.answer({"attractive": 4, "smart": 3}, onset=1020.0, seconds=1.5)
    session.record(GivenAnswers({"attractive": 2}, {"smart": "The image is bad"}))
    session.skip("I know this person")
    session.undo()
    history = answer_history(study.trials("L1", current=False), ["attractive", "smart"])
    assert [each.number for each in history] == [5, 4, 3, 2, 1]
    skipped, partly, corrected, before, first = history
    assert skipped.fate == "taken back"
    assert not skipped.stands
    assert partly.answers == (("attractive", "2"), ("smart", "skipped: The image is bad"))
    assert partly.fate == COUNTS
    assert corrected.answers == (("attractive", "4"), ("smart", "3"))
    assert "corrects 2" in corrected.fate
    assert corrected.stands
    assert "corrected by 3" in before.fate
    assert before.answers == (("attractive", "3"), ("smart", "3"))
    assert not before.stands
    assert first.fate == COUNTS
    assert {each.session for each in history} == {1}
    standing = {each.trial for each in history if each.stands}
    assert standing == {trial.id for trial in study.trials("L1")}
    LabelingSession(study, "L1", "rating").answer({"attractive": 1, "smart": 1})
    assert answer_history(study.trials("L1", current=False))[0].session == 2


@pytest.mark.parametrize(("flag", "told"), [("practice", "practice"), ("check", "attention check")])
def test_that_what_no_analysis_counts_is_not_told_as_counting(
    make_study: MakeStudy, flag: Flag, told: str
) -> None:
    study = make_study(images=4, labelers=1, comparisons=0, ratings=0)
    study.record([replace(rating(study, "L1"), flags=(flag, "left"))])
    (entry,) = answer_history(study.trials("L1", current=False))
    assert entry.fate == told
    assert entry.stands
