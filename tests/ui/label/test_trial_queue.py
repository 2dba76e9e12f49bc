"""What each key press means, without Qt and without a disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop.engine.study.records import AnswerTime, GivenAnswers, TrialRecord
from prism_desktop.ui.label.trial_queue import (
    KeepAnswers,
    PresentedImages,
    RecordTrial,
    RedoTrial,
    Snapshot,
    TrialQueue,
    UndoTrial,
)

PAIRS = [PresentedImages(f"a{number}", f"b{number}") for number in range(9)]


def _snapshot(
    first: int, previous: TrialRecord | None = None, done: int = 0, **more: bool
) -> Snapshot:
    coming = tuple(PAIRS[first : first + 3])
    return Snapshot(
        coming,
        {each.left: Path(each.left) for each in coming},
        previous,
        done=done,
        target=9,
        **more,
    )


def _deck(*attributes: str) -> TrialQueue:
    return TrialQueue(attributes or ("x", "y"), _snapshot(0))


def _trial(number: int, **answers: int | str) -> TrialRecord:
    shown = PAIRS[number]
    return TrialRecord("t", "L1", "s", 0, "comparison", shown.left, shown.right, answers=answers)


def test_that_the_last_attribute_moves_on_at_once() -> None:
    queue = _deck()
    queue.faces_painted(1000.0, 1, 10.0)
    first = AnswerTime(1000.0, 1.0)
    assert queue.answer("left", 11.0) == KeepAnswers(
        PAIRS[0],
        GivenAnswers({"x": "left"}, times={"x": first}, onset=1000.0, dropped_frames=1),
    )
    assert queue.attribute == "y"
    queue.question_painted(1001.25, 11.25)
    command = queue.answer("tie", 12.5)
    times = {"x": first, "y": AnswerTime(1001.25, 1.25)}
    assert command == RecordTrial(
        GivenAnswers(
            {"x": "left", "y": "tie"}, times=times, onset=1000.0, seconds=2.5, dropped_frames=1
        )
    )
    assert queue.current is not None
    assert queue.current.shown == PAIRS[1]
    assert (queue.now, queue.done) == (1, 1)


def test_that_fast_answers_run_ahead_of_the_disk() -> None:
    queue = _deck("x")
    effects = [queue.answer("left", 0.0), queue.answer("left", 0.0)]
    assert queue.current is not None
    assert queue.current.shown == PAIRS[2]
    for number, command in enumerate(effects, start=1):
        assert command is not None
        queue.confirm(command, _snapshot(number, done=number, can_undo=True))
    assert queue.coming(9) == PAIRS[2:5]
    assert queue.done == 2


def test_that_the_present_trial_keeps_its_answers_when_an_earlier_one_is_stored() -> None:
    queue = _deck()
    queue.answer("left", 0.0)
    command = queue.answer("left", 0.0)
    queue.answer("right", 0.0)
    assert command is not None
    queue.confirm(command, _snapshot(1, done=1, can_undo=True))
    assert queue.current is not None
    assert queue.current.answers == {"x": "right"}


def test_that_undo_takes_back_one_key_press() -> None:
    queue = _deck()
    queue.answer("left", 0.0)
    assert queue.undo() == KeepAnswers(PAIRS[0], GivenAnswers())
    assert queue.attribute == "x"
    assert queue.redo(0.0) == KeepAnswers(PAIRS[0], GivenAnswers({"x": "left"}))
    assert queue.attribute == "y"


def test_that_undo_of_a_finished_trial_comes_back_to_its_last_question() -> None:
    queue = _deck()
    queue.answer("left", 0.0)
    first = queue.answer("tie", 0.0)
    assert first is not None
    queue.confirm(first, _snapshot(1, done=1, can_undo=True))
    command = queue.undo()
    assert command == UndoTrial()
    assert queue.current is None  # the disk is being waited for
    queue.confirm(command, _snapshot(0, _trial(0, x="left", y="tie"), can_redo=True))
    assert queue.current is not None
    assert (queue.current.answers, queue.attribute, queue.done) == ({"x": "left"}, "y", 0)


def test_that_redo_brings_the_same_trial_back() -> None:
    queue = _deck()
    undone = Snapshot(tuple(PAIRS[:3]), {}, _trial(0, x="left", y="tie"), can_redo=True)
    queue.undo()
    queue.waiting = True
    queue.confirm(UndoTrial(), undone)
    assert queue.redo(0.0) == RedoTrial()


def test_that_another_answer_after_undo_is_recorded_anew() -> None:
    queue = _deck()
    queue.waiting = True
    queue.confirm(
        UndoTrial(), Snapshot(tuple(PAIRS[:3]), {}, _trial(0, x="left", y="tie"), can_redo=True)
    )
    command = queue.answer("right", 0.0)
    assert isinstance(command, RecordTrial)
    assert command.given.answers == {"x": "left", "y": "right"}


def test_that_redo_does_nothing_once_another_answer_was_given() -> None:
    queue = _deck()
    queue.waiting = True
    queue.confirm(
        UndoTrial(), Snapshot(tuple(PAIRS[:3]), {}, _trial(0, x="left", y="tie"), can_redo=True)
    )
    queue.undo()
    queue.answer("right", 0.0)
    assert queue.redo(0.0) is None
    assert queue.current is not None
    assert queue.current.answers == {"x": "right"}


def test_that_answers_undone_in_a_new_trial_survive_a_step_further_back() -> None:
    queue = _deck()
    queue.answer("left", 0.0)
    first = queue.answer("left", 0.0)
    assert first is not None
    queue.confirm(first, _snapshot(1, done=1, can_undo=True))
    queue.answer("tie", 0.0)
    queue.undo()
    back = queue.undo()
    assert back == UndoTrial()
    queue.confirm(back, _snapshot(0, _trial(0, x="left", y="left"), can_redo=True))
    again = queue.redo(0.0)
    assert again == RedoTrial()
    queue.confirm(again, _snapshot(1, done=1, can_undo=True))
    queue.redo(0.0)
    assert queue.current is not None
    assert queue.current.answers == {"x": "tie"}


def test_that_a_skip_waits_for_what_comes_next() -> None:
    queue = _deck()
    command = queue.skip("The image is bad", 0.0, rest=True)
    assert command == RecordTrial(GivenAnswers(skips=dict.fromkeys("xy", "The image is bad")))
    assert queue.answer("left", 0.0) is None
    queue.confirm(command, _snapshot(4, done=1, can_undo=True))
    assert queue.current is not None
    assert queue.current.shown == PAIRS[4]
    assert queue.current.answers == {}


def test_that_the_end_of_the_design_leaves_nothing_current() -> None:
    queue = TrialQueue(("x",), Snapshot((PAIRS[0],), {}))
    command = queue.answer("left", 0.0)
    assert queue.current is None
    assert command is not None
    queue.confirm(command, Snapshot((), {}, can_undo=True, done=1))
    assert queue.current is None
    assert queue.undo() == UndoTrial()


def test_that_a_skipped_question_keeps_the_answers_before_it_and_asks_the_next() -> None:
    queue = _deck("x", "y", "z")
    queue.faces_painted(1000.0, 0, 10.0)
    queue.answer("left", 11.0)
    queue.question_painted(1001.0, 11.0)
    kept = queue.skip("I cannot judge this", 14.0)
    assert isinstance(kept, KeepAnswers)
    assert (kept.given.answers, kept.given.skips) == ({"x": "left"}, {"y": "I cannot judge this"})
    assert queue.attribute == "z"
    queue.question_painted(1004.0, 14.0)
    done = queue.answer("tie", 15.0)
    assert isinstance(done, RecordTrial)
    assert done.given.answers == {"x": "left", "z": "tie"}
    assert done.given.skips == {"y": "I cannot judge this"}
    assert done.given.times["y"] == AnswerTime(1001.0, 3.0)
    assert queue.current is not None  # it moves on at once, for something was answered
    assert queue.current.shown == PAIRS[1]


def test_that_the_rest_of_a_trial_is_skipped_without_losing_what_was_given() -> None:
    queue = _deck("x", "y", "z")
    queue.faces_painted(1000.0, 0, 10.0)
    queue.answer("left", 11.0)
    queue.question_painted(1001.0, 11.0)
    done = queue.skip("I know this person", 12.0, rest=True)
    assert isinstance(done, RecordTrial)
    assert done.given.answers == {"x": "left"}
    assert done.given.skips == dict.fromkeys("yz", "I know this person")
    assert done.given.times.keys() == {"x", "y"}  # the last question was never put
    assert done.given.seconds == 2.0


def test_that_undo_goes_back_over_skips_key_press_by_key_press() -> None:
    queue = _deck("x", "y", "z")
    queue.faces_painted(1000.0, 0, 10.0)
    queue.answer("left", 11.0)
    done = queue.skip("I know this person", 12.0, rest=True)
    assert done is not None
    queue.confirm(done, _snapshot(1, done=1, can_undo=True))
    back = queue.undo()
    assert back == UndoTrial()
    assert isinstance(done, RecordTrial)
    record = replace(
        _trial(0, x="left"), skips=done.given.skips, times=done.given.times, onset=1000.0
    )
    queue.confirm(back, _snapshot(0, record, can_redo=True))
    assert queue.current is not None
    assert (queue.current.answers, queue.current.skips) == ({"x": "left"}, {})
    assert queue.attribute == "y"
    kept = queue.skip("The image is bad", 20.0)  # only this question now
    assert isinstance(kept, KeepAnswers)
    assert queue.attribute == "z"
    queue.undo()
    queue.undo()
    assert queue.attribute == "x"
    again = queue.redo(21.0), queue.redo(22.0)
    assert all(isinstance(each, KeepAnswers) for each in again)
    assert queue.current.skips == {"y": "The image is bad"}
    assert queue.redo(23.0) is None


def test_that_a_trial_of_skips_alone_comes_back_with_all_of_them_but_the_last() -> None:
    queue = _deck()
    queue.skip("The image is bad", 0.0)
    done = queue.skip("I know this person", 1.0)
    assert isinstance(done, RecordTrial)
    assert queue.waiting  # the design may choose otherwise now
    queue.confirm(done, _snapshot(1, done=1, can_undo=True))
    back = queue.undo()
    assert back is not None
    skipped = TrialRecord(
        "t", "L1", "s", 0, "comparison", "a0", "b0", status="skipped",
        skip_reason="I know this person; The image is bad",
        skips={"x": "The image is bad", "y": "I know this person"},
        times={"x": AnswerTime(1.0, 1.0), "y": AnswerTime(2.0, 1.0)},
    )  # fmt: skip
    queue.confirm(back, _snapshot(0, skipped, can_redo=True))
    assert queue.current is not None
    assert (queue.current.skips, queue.attribute) == ({"x": "The image is bad"}, "y")
    assert queue.redo(2.0) == RedoTrial()


def test_that_a_skip_of_an_older_version_is_undone_and_brought_back_whole() -> None:
    queue = _deck()
    queue.waiting = True
    skipped = TrialRecord(
        "t",
        "L1",
        "s",
        0,
        "comparison",
        "a0",
        "b0",
        status="skipped",
        skip_reason="The image is bad",
    )
    queue.confirm(UndoTrial(), _snapshot(0, skipped, can_redo=True))
    assert queue.attribute == "x"
    assert queue.redo(0.0) == RedoTrial()


# What happens between two answers, each time 100 s of absence -> how the trial is flagged.
AWAY: dict[str, tuple[tuple[tuple[str, float], ...], tuple[str, ...]]] = {
    "another panel": ((("leave", 13), ("go_on", 113)), ("left",)),
    "twice": ((("leave", 13), ("go_on", 21), ("leave", 22), ("go_on", 114)), ("left",)),
    "lost by two at once": (
        (("leave", 13), ("leave", 14), ("go_on", 113), ("go_on", 114)), ("left",),
    ),
    "the skip card": ((("hold", 13), ("go_on", 113)), ()),
    "the card, then the window": ((("hold", 13), ("leave", 50), ("go_on", 113)), ("left",)),
    "not back yet": ((("leave", 16),), ("left",)),
}  # fmt: skip


@pytest.mark.parametrize("name", AWAY)
def test_that_the_clock_stands_while_the_labeler_is_away(name: str) -> None:
    steps, flags = AWAY[name]
    queue = _deck()
    queue.faces_painted(1000.0, 0, 10.0)
    queue.answer("left", 12.0)
    queue.question_painted(1002.0, 12.0)
    for what, now in steps:
        getattr(queue, what)(now)
    done = queue.answer("left", 116.0)
    assert isinstance(done, RecordTrial)
    assert done.given.times["y"] == AnswerTime(1002.0, 4.0)
    assert (done.given.seconds, done.given.flags) == (6.0, flags)


def test_that_a_trial_that_was_left_is_kept_as_such_before_anything_was_answered() -> None:
    queue = _deck()
    assert queue.leave(1.0) is None  # nothing was seen yet
    queue.go_on(2.0)
    queue.faces_painted(1000.0, 0, 10.0)
    kept = queue.leave(11.0)
    assert isinstance(kept, KeepAnswers)
    assert (kept.given.answers, kept.given.flags) == ({}, ("left",))
    assert queue.leave(12.0) is None  # once is enough
    queue.go_on(20.0)
    queue.answer("left", 21.0)
    done = queue.answer("left", 22.0)
    assert isinstance(done, RecordTrial)
    assert done.given.flags == ("left",)
    assert queue.current is not None
    assert queue.current.flags == ()  # the next trial was not


def test_that_a_key_quicker_than_the_screen_has_no_onset_and_took_no_time() -> None:
    queue = _deck()
    queue.faces_painted(1000.0, 0, 10.0)
    queue.answer("left", 11.0)
    done = queue.answer("left", 11.001)  # the second question was not painted yet
    assert isinstance(done, RecordTrial)
    assert done.given.times["y"] == AnswerTime(None, 0.0)


def test_that_an_undone_answer_has_the_time_of_when_it_was_asked_again() -> None:
    queue = _deck()
    queue.faces_painted(1000.0, 0, 10.0)
    queue.answer("left", 11.0)
    queue.undo()
    queue.redo(12.0)
    assert queue.current is not None
    assert queue.current.given().times == {"x": AnswerTime(1000.0, 1.0)}
    queue.undo()
    queue.question_painted(1005.0, 15.0)
    queue.answer("right", 17.0)
    assert queue.current.given().times == {"x": AnswerTime(1005.0, 2.0)}


def test_that_another_trial_that_was_begun_comes_with_what_was_given_to_it() -> None:
    begun = GivenAnswers({"x": "tie"})
    queue = TrialQueue(("x", "y"), Snapshot((PAIRS[0],), {}, begun=begun))
    command = queue.answer("left", 1.0)
    assert isinstance(command, RecordTrial)
    assert queue.current is None  # nothing was foretold
    other = Snapshot((PAIRS[1],), {}, begun=GivenAnswers({"x": "right"}, flags=("interrupted",)))
    queue.confirm(command, other)
    assert queue.current is not None
    assert queue.current.shown == PAIRS[1]
    assert queue.current.answers == {"x": "right"}
    assert queue.attribute == "y"


def test_that_what_a_trial_repeats_is_known_once_that_is_stored() -> None:
    told = [replace(PAIRS[2], repeat_of=name) for name in ("ahead 1", "f" * 32)]
    queue = TrialQueue(("x",), Snapshot((PAIRS[0], told[0]), {}))
    command = queue.answer("left", 1.0)
    assert command is not None
    queue.confirm(command, Snapshot((told[1],), {}))
    again = queue.answer("right", 2.0)
    assert isinstance(again, RecordTrial)
    assert again.shown is not None
    assert again.shown.repeat_of == "f" * 32


def test_that_a_trial_begun_in_an_earlier_sitting_goes_on_with_its_next_question() -> None:
    queue = TrialQueue(("x", "y"), Snapshot(tuple(PAIRS[:3]), {}, begun=GivenAnswers({"x": "tie"})))
    assert queue.attribute == "y"
    command = queue.answer("left", 0.0)
    assert isinstance(command, RecordTrial)
    assert command.given.answers == {"x": "tie", "y": "left"}


def test_that_a_trial_of_an_earlier_sitting_keeps_its_times_and_says_so() -> None:
    begun = GivenAnswers(
        {"x": "tie"},
        times={"x": AnswerTime(500.0, 1.5)},
        onset=500.0,
        dropped_frames=2,
        flags=("interrupted",),
    )
    queue = TrialQueue(("x", "y"), Snapshot(tuple(PAIRS[:3]), {}, begun=begun))
    queue.faces_painted(9000.0, 0, 10.0)
    done = queue.answer("left", 13.0)
    assert isinstance(done, RecordTrial)
    assert done.given.times == {"x": AnswerTime(500.0, 1.5), "y": AnswerTime(9000.0, 3.0)}
    assert (done.given.onset, done.given.seconds) == (500.0, 4.5)
    assert (done.given.dropped_frames, done.given.flags) == (2, ("interrupted",))


def test_that_an_answer_to_a_question_that_is_not_asked_any_more_is_kept() -> None:
    begun = GivenAnswers({"x": "tie", "gone": "left"})
    queue = TrialQueue(("x", "y"), Snapshot(tuple(PAIRS[:3]), {}, begun=begun))
    assert queue.attribute == "y"
    done = queue.answer("right", 0.0)
    assert isinstance(done, RecordTrial)
    assert done.given.answers == {"x": "tie", "gone": "left", "y": "right"}


def test_that_answers_to_all_that_is_still_asked_leave_the_last_question_open() -> None:
    begun = GivenAnswers({"x": "tie", "y": "left"})
    queue = TrialQueue(("x", "y"), Snapshot(tuple(PAIRS[:3]), {}, begun=begun))
    assert queue.attribute == "y"
    done = queue.redo(0.0)
    assert isinstance(done, RecordTrial)
    assert done.given.answers == {"x": "tie", "y": "left"}
