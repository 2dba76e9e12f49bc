"""Labeling: answers are recorded in order, back and forth without losing anything."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest

from prism_desktop.engine import paths
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.labeling_session import NOT_RESUMED, LabelingSession
from prism_desktop.engine.labeling.practice import PracticeSession
from prism_desktop.engine.labeling.presentations import AnsweredPresentation
from prism_desktop.engine.study.records import AnswerTime, GivenAnswers, Kind, Order
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    made = make_study(images=21, labelers=1, comparisons=5, ratings=3)
    made.add_labeler("N")
    return made


@pytest.mark.parametrize("order", get_args(Order))
def test_that_what_was_announced_is_what_comes(study: Study, order: Order) -> None:
    study.set_order("comparison", order)
    session = LabelingSession(study, "N", "comparison")
    for _ in range(15):
        ahead = session.upcoming(4)
        assert len(ahead) == 4
        session.answer({"smart": "left"}, onset=10.0, seconds=0.5)
        assert session.current == ahead[0]


def test_that_a_labeler_resumes_where_they_stopped(study: Study) -> None:
    first = LabelingSession(study, "N", "rating")
    assert first.last_seen is None
    for value in (1, 2, 3):
        first.answer({"smart": value}, onset=100.0 + value, seconds=0.5)
    first.skip("The image is bad", onset=200.0)
    wanted, progress = first.current, first.progress
    path = study.path
    study.close()
    with Study.open(path) as again:
        second = LabelingSession(again, "N", "rating")
        assert second.current == wanted
        assert second.progress == progress
        assert (progress.done, progress.answered, progress.skipped) == (4, 3, 1)
        assert second.last_seen == 200.0
        assert second.id != first.id
        second.undo()
        second.undo()
        assert second.previous_answer is not None
        assert second.previous_answer.answers == {"smart": 3}


def test_that_undo_and_redo_go_all_the_way_and_change_no_answer(study: Study) -> None:
    session = LabelingSession(study, "N", "comparison")
    seen = []
    for outcome in ("left", "right", "tie", "left"):
        seen.append(session.current)
        session.answer({"smart": outcome})
    end, log = session.current, study.trials("N")
    for presentation in reversed(seen):
        session.undo()
        assert session.current == presentation
        assert session.previous_answer is not None
    assert not session.can_undo
    assert study.trials("N") == ()
    with pytest.raises(InputError, match="nothing to undo"):
        session.undo()
    for presentation in seen:
        assert session.current == presentation
        session.redo()
    assert session.current == end
    assert session.previous_answer is None
    assert study.trials("N") == log
    with pytest.raises(InputError, match="nothing to redo"):
        session.redo()


def test_that_an_answer_after_undo_supersedes_the_old_one(study: Study) -> None:
    session = LabelingSession(study, "N", "rating")
    for value in (1, 2, 3):
        session.answer({"smart": value})
    old = study.trials("N")
    session.undo()
    session.undo()
    session.answer({"smart": 4})
    assert not session.can_redo
    log = study.trials("N", current=False)
    assert log[1].status == "withdrawn"
    assert log[1].superseded_by == log[3].id
    assert log[3].left == old[1].left
    # The third was taken back as well, and is asked again.
    assert session.current is not None
    assert session.current.left.id == old[2].left
    session.undo()
    assert session.current.left.id == old[1].left
    assert [trial.answers["smart"] for trial in study.trials("N")] == [1]


def test_that_a_refused_answer_leaves_the_session_where_it_was(study: Study) -> None:
    session = LabelingSession(study, "N", "rating")
    before = session.current
    for wrong in ({"smart": 9}, {}, {"funny": 1}):
        with pytest.raises(InputError):
            session.answer(wrong)
    assert session.current == before
    assert session.progress.done == 0


def test_that_a_whole_task_is_recorded_in_order(study: Study) -> None:
    session = LabelingSession(study, "N", "rating")
    while session.current:
        session.answer({"smart": 2, "attractive": 3}, onset=1.0, seconds=0.4)
    trials = study.trials("N")
    assert [trial.order for trial in trials] == list(range(len(trials)))
    assert {trial.session for trial in trials} == {session.id}
    assert all(one.left != other.left for one, other in pairwise(trials))
    assert session.upcoming(3) == ()
    assert session.progress.repeats == study.progress()[-1].repeats == 3
    with pytest.raises(InputError, match="Everything was shown"):
        session.answer({"smart": 1})


def test_that_imported_trials_are_not_asked_again_nor_undone(study: Study) -> None:
    from prism_desktop.engine.study.records import new_id

    session = LabelingSession(study, "N", "rating")
    for _ in range(3):
        session.answer({"smart": 1})
    study.add_labeler("I")
    copies = [
        replace(t, id=new_id(), labeler="I", session="theirs", source="imported")
        for t in study.trials("N")
    ]
    study.record(copies)
    theirs = LabelingSession(study, "I", "rating")
    assert not theirs.can_undo
    assert theirs.progress.done == 0
    asked = set()
    while theirs.current:
        asked.add(theirs.current.left.id)
        theirs.answer({"smart": 1})
    assert not asked & {copy.left for copy in copies}
    assert len(asked) == 18


def test_that_a_session_needs_a_known_labeler_and_images(
    study: Study, make_study: MakeStudy
) -> None:
    with pytest.raises(InputError, match="no labeler"):
        LabelingSession(study, "nobody", "rating")
    empty = make_study("few", images=3, labelers=0)
    empty.add_labeler("N")
    with pytest.raises(InputError, match="too few images"):
        LabelingSession(empty, "N", "comparison")


def test_that_a_sitting_goes_on_with_the_answers_of_one_that_ended_in_a_trial(study: Study) -> None:
    first = LabelingSession(study, "N", "comparison")
    shown = first.current
    assert shown is not None
    assert shown.right is not None
    assert first.begun is None
    given = GivenAnswers(
        {"smart": "left"}, times={"smart": AnswerTime(5.0, 0.5)}, dropped_frames=2, flags=("left",)
    )
    first.keep(shown.left.id, shown.right.id, given)
    again = LabelingSession(study, "N", "comparison")
    assert again.current == shown
    begun = again.begun
    assert begun == replace(given, onset=5.0, seconds=0.5, flags=("left", "interrupted"))
    assert LabelingSession(study, "N", "rating").begun is None
    assert begun is not None
    again.record(replace(begun, answers={"smart": "left", "attractive": "tie"}, seconds=2.0))
    assert again.begun is None
    assert LabelingSession(study, "N", "comparison").begun is None
    (trial,) = study.trials("N")
    assert (trial.dropped_frames, trial.flags) == (2, ("left", "interrupted"))
    assert trial.time("smart") == AnswerTime(5.0, 0.5)
    assert trial.time("attractive") == AnswerTime(None, None)


@pytest.mark.parametrize("kind", ["rating", "comparison"])
def test_that_answers_to_a_face_that_is_gone_are_recorded_before_another_is_asked(
    study: Study, kind: Kind
) -> None:
    first = LabelingSession(study, "N", kind)
    shown = first.current
    assert shown is not None
    answer = 2 if kind == "rating" else "tie"
    right = None if shown.right is None else shown.right.id
    given = GivenAnswers({"smart": answer}, times={"smart": AnswerTime(5.0, 0.5)})
    first.keep(shown.left.id, right, given)
    shown.left.path.unlink()
    again = LabelingSession(study, "N", kind)
    assert again.begun is None
    assert again.current is not None
    assert again.current.left != shown.left
    (trial,) = study.trials("N")
    assert (trial.left, trial.right, trial.answers) == (shown.left.id, right, {"smart": answer})
    assert trial.skips == {"attractive": NOT_RESUMED}
    assert (trial.onset, trial.seconds, trial.flags) == (5.0, 0.5, ("interrupted",))
    assert study.pending("N", kind) is None
    assert LabelingSession(study, "N", kind).progress.answered == 1
    assert again.can_undo


def test_that_nothing_is_recorded_of_a_lost_face_in_a_study_that_is_only_read(study: Study) -> None:
    first = LabelingSession(study, "N", "rating")
    shown = first.current
    assert shown is not None
    first.keep(shown.left.id, None, GivenAnswers({"smart": 1}))
    shown.left.path.unlink()
    study.close()
    with Study.open(study.path, read_only=True) as reader:
        assert LabelingSession(reader, "N", "rating").begun is None
        assert reader.pending("N", "rating") is not None


def test_that_a_trial_with_a_skipped_question_counts_as_answered_and_one_of_skips_does_not(
    study: Study,
) -> None:
    session = LabelingSession(study, "N", "rating")
    session.record(GivenAnswers({"smart": 3}, skips={"attractive": "The image is bad"}))
    session.record(GivenAnswers(skips={"smart": "B", "attractive": "A"}))
    session.skip("I know this person")
    assert (session.progress.answered, session.progress.skipped) == (1, 2)
    assert [trial.skip_reason for trial in study.trials("N")] == [
        None,
        "A; B",
        "I know this person",
    ]
    progress = study.progress()[-1]
    assert (progress.ratings, progress.skipped) == (1, 2)
    assert list(study.ratings().query("labeler == 'N'")["attribute"]) == ["smart"]
    resumed = LabelingSession(study, "N", "rating")
    assert resumed.progress == session.progress
    resumed.undo()
    resumed.undo()
    assert resumed.previous_answer is not None
    assert resumed.previous_answer.skips == {"attractive": "A", "smart": "B"}


def test_that_a_sitting_asks_for_as_many_trials_as_the_study_says(study: Study) -> None:
    study.set_target("comparison", 17)
    assert LabelingSession(study, "N", "comparison").progress.target == 17
    assert LabelingSession(study, "N", "rating").progress.target == 21


@pytest.mark.parametrize("kind", ["rating", "comparison"])
def test_that_practice_records_nothing_and_uses_no_face_that_comes_soon(
    make_study: MakeStudy, kind: Kind
) -> None:
    large = make_study("large", images=90, labelers=1, comparisons=0, ratings=0)
    session = LabelingSession(large, "L1", kind)
    soon = {
        face.id
        for shown in session.upcoming(20)
        for face in (shown.left, shown.right)
        if face is not None
    }
    practice = PracticeSession(session)
    while shown := practice.current:
        assert not soon & {face.id for face in (shown.left, shown.right) if face is not None}
        practice.answer({"smart": 2 if kind == "rating" else "tie"})
    assert practice.progress.done == practice.progress.target == 3
    assert large.trials(current=False) == ()
    practice.undo()
    assert practice.current is not None
    practice.redo()
    assert practice.current is None


def test_that_undo_and_redo_are_offered_where_there_is_something(study: Study) -> None:
    session = LabelingSession(study, "N", "rating")
    assert (session.can_undo, session.can_redo) == (False, False)
    session.answer({"smart": 1})
    assert (session.can_undo, session.can_redo) == (True, False)
    later = LabelingSession(study, "N", "rating")  # answers of earlier sittings can be taken back
    assert (later.can_undo, later.can_redo) == (True, False)
    assert not LabelingSession(study, "N", "comparison").can_undo
    later.undo()
    assert (later.can_undo, later.can_redo) == (False, True)
    with pytest.raises(InputError, match="nothing to undo"):
        later.undo()
    later.redo()
    assert (later.can_undo, later.can_redo) == (True, False)
    with pytest.raises(InputError, match="nothing to redo"):
        later.redo()


def test_that_practice_counts_what_was_answered_apart_from_what_was_skipped(study: Study) -> None:
    practice = PracticeSession(LabelingSession(study, "N", "rating"))
    practice.answer({"smart": 3})
    practice.answer({"smart": 1})
    practice.skip("unclear")
    progress = practice.progress
    assert (progress.done, progress.answered, progress.skipped) == (3, 2, 1)


def test_that_practice_can_be_taken_back_and_forth(study: Study) -> None:
    practice = PracticeSession(LabelingSession(study, "N", "rating"))
    first = practice.current
    assert (practice.can_undo, practice.can_redo, practice.previous_answer) == (False, False, None)
    practice.answer({"smart": 3})
    assert (practice.can_undo, practice.can_redo) == (True, False)
    practice.undo()
    assert practice.current == first
    assert practice.previous_answer is not None
    assert practice.previous_answer.answers == {"smart": 3}
    assert (practice.can_undo, practice.can_redo) == (False, True)


def test_that_practice_taken_back_twice_shows_each_answer_at_its_own_face(study: Study) -> None:
    practice = PracticeSession(LabelingSession(study, "N", "rating"))
    for value in (3, 1):
        practice.answer({"smart": value})
    for value in (1, 3):
        practice.undo()
        assert practice.previous_answer is not None
        assert practice.previous_answer.answers == {"smart": value}


def test_that_answers_kept_apart_stay_in_the_order_they_were_given(study: Study) -> None:
    session = LabelingSession(study, "N", "rating")
    session.answer({"smart": 3})
    later = [
        AnsweredPresentation(image.id, None, GivenAnswers({"smart": value}, dropped_frames=0))
        for value, image in enumerate(study.images()[:3], 1)
    ]
    shutil.rmtree(study.path)
    session.keep_apart(later)
    (file,) = paths.rescued().glob("*ratings.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["order"] for row in rows[-3:]] == [1, 2, 3]


def test_that_a_repeat_kept_apart_says_what_it_repeats(study: Study) -> None:
    session = LabelingSession(study, "N", "comparison")
    session.answer({"smart": "left"})
    (first,) = study.trials("N")
    image = next(one.id for one in study.images() if one.id not in (first.left, first.right))
    given = GivenAnswers({"smart": "tie"})
    assert first.right is not None
    later = [
        AnsweredPresentation(first.right, first.left, given, repeat_of=first.id),
        AnsweredPresentation(image, first.left, given, probability=0.25, strategy="sorted"),
        # planned while the trial before was on its way to the disk
        AnsweredPresentation(first.left, image, given, repeat_of="ahead 2"),
    ]
    shutil.rmtree(study.path)
    session.keep_apart(later)
    (file,) = paths.rescued().glob("*comparisons.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()][-4:]
    assert [row["repeat_of"] for row in rows] == [None, first.id, None, rows[2]["trial"]]
    assert (rows[2]["probability"], rows[2]["strategy"]) == (0.25, "sorted")
    assert rows[3]["strategy"] is None
