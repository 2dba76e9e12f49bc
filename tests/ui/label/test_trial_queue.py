"""What each key press means, without Qt and without a disk."""

from pathlib import Path

from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.ui.label.trial_queue import (
    KeepAnswers,
    PresentedImages,
    RecordAnswers,
    RecordSkip,
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
    assert queue.current is not None
    queue.current.onset = 10.0
    assert queue.answer("left", 11.0) == KeepAnswers(PAIRS[0], {"x": "left"})
    assert queue.attribute == "y"
    command = queue.answer("tie", 12.5)
    assert command == RecordAnswers({"x": "left", "y": "tie"}, 10.0, 2.5)
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
    assert queue.undo() == KeepAnswers(PAIRS[0], {})
    assert queue.attribute == "x"
    assert queue.redo(0.0) == KeepAnswers(PAIRS[0], {"x": "left"})
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
    assert isinstance(command, RecordAnswers)
    assert dict(command.answers) == {"x": "left", "y": "right"}


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
    queue.answer("left", 0.0)
    command = queue.skip("The image is bad", 0.0)
    assert command == RecordSkip("The image is bad", None, None)
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


def test_that_answers_given_before_a_skip_come_back_when_it_is_undone() -> None:
    queue = _deck()
    queue.answer("left", 0.0)
    skip = queue.skip("The image is bad", 0.0)
    assert skip is not None
    queue.confirm(skip, _snapshot(1, done=1, can_undo=True))
    back = queue.undo()
    assert back == UndoTrial()
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
    queue.confirm(back, _snapshot(0, skipped, can_redo=True))
    assert queue.current is not None
    assert (queue.current.answers, queue.attribute) == ({"x": "left"}, "y")
    assert queue.redo(0.0) == RedoTrial()  # the skip again


def test_that_a_trial_begun_in_an_earlier_sitting_goes_on_with_its_next_question() -> None:
    queue = TrialQueue(("x", "y"), Snapshot(tuple(PAIRS[:3]), {}, begun={"x": "tie"}))
    assert queue.attribute == "y"
    command = queue.answer("left", 0.0)
    assert isinstance(command, RecordAnswers)
    assert dict(command.answers) == {"x": "tie", "y": "left"}
