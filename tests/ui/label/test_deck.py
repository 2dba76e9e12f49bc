"""What each key press means, without Qt and without a disk."""

from pathlib import Path

from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.ui.label.trial_queue import (
    Answered,
    Deck,
    Kept,
    Redone,
    Shown,
    Skipped,
    Snapshot,
    Undone,
)

PAIRS = [Shown(f"a{number}", f"b{number}") for number in range(9)]


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


def _deck(*attributes: str) -> Deck:
    return Deck(attributes or ("x", "y"), _snapshot(0))


def _trial(number: int, **answers: int | str) -> TrialRecord:
    shown = PAIRS[number]
    return TrialRecord("t", "L1", "s", 0, "comparison", shown.left, shown.right, answers=answers)


def test_that_the_last_attribute_moves_on_at_once() -> None:
    deck = _deck()
    assert deck.current is not None
    deck.current.onset = 10.0
    assert deck.answer("left", 11.0) == Kept(PAIRS[0], {"x": "left"})
    assert deck.attribute == "y"
    effect = deck.answer("tie", 12.5)
    assert effect == Answered({"x": "left", "y": "tie"}, 10.0, 2.5)
    assert deck.current.shown == PAIRS[1]
    assert (deck.now, deck.done) == (1, 1)


def test_that_fast_answers_run_ahead_of_the_disk() -> None:
    deck = _deck("x")
    effects = [deck.answer("left", 0.0), deck.answer("left", 0.0)]
    assert deck.current is not None
    assert deck.current.shown == PAIRS[2]
    for number, effect in enumerate(effects, start=1):
        assert effect is not None
        deck.confirm(effect, _snapshot(number, done=number, can_undo=True))
    assert deck.coming(9) == PAIRS[2:5]
    assert deck.done == 2


def test_that_the_present_trial_keeps_its_answers_when_an_earlier_one_is_stored() -> None:
    deck = _deck()
    deck.answer("left", 0.0)
    effect = deck.answer("left", 0.0)
    deck.answer("right", 0.0)
    assert effect is not None
    deck.confirm(effect, _snapshot(1, done=1, can_undo=True))
    assert deck.current is not None
    assert deck.current.answers == {"x": "right"}


def test_that_undo_takes_back_one_key_press() -> None:
    deck = _deck()
    deck.answer("left", 0.0)
    assert deck.undo() == Kept(PAIRS[0], {})
    assert deck.attribute == "x"
    assert deck.redo(0.0) == Kept(PAIRS[0], {"x": "left"})
    assert deck.attribute == "y"


def test_that_undo_of_a_finished_trial_comes_back_to_its_last_question() -> None:
    deck = _deck()
    deck.answer("left", 0.0)
    first = deck.answer("tie", 0.0)
    assert first is not None
    deck.confirm(first, _snapshot(1, done=1, can_undo=True))
    effect = deck.undo()
    assert effect == Undone()
    assert deck.current is None  # the disk is being waited for
    deck.confirm(effect, _snapshot(0, _trial(0, x="left", y="tie"), can_redo=True))
    assert deck.current is not None
    assert (deck.current.answers, deck.attribute, deck.done) == ({"x": "left"}, "y", 0)


def test_that_redo_brings_the_same_trial_back() -> None:
    deck = _deck()
    undone = Snapshot(tuple(PAIRS[:3]), {}, _trial(0, x="left", y="tie"), can_redo=True)
    deck.undo()
    deck.waiting = True
    deck.confirm(Undone(), undone)
    assert deck.redo(0.0) == Redone()


def test_that_another_answer_after_undo_is_recorded_anew() -> None:
    deck = _deck()
    deck.waiting = True
    deck.confirm(
        Undone(), Snapshot(tuple(PAIRS[:3]), {}, _trial(0, x="left", y="tie"), can_redo=True)
    )
    effect = deck.answer("right", 0.0)
    assert isinstance(effect, Answered)
    assert dict(effect.answers) == {"x": "left", "y": "right"}


def test_that_redo_does_nothing_once_another_answer_was_given() -> None:
    deck = _deck()
    deck.waiting = True
    deck.confirm(
        Undone(), Snapshot(tuple(PAIRS[:3]), {}, _trial(0, x="left", y="tie"), can_redo=True)
    )
    deck.undo()
    deck.answer("right", 0.0)
    assert deck.redo(0.0) is None
    assert deck.current is not None
    assert deck.current.answers == {"x": "right"}


def test_that_answers_undone_in_a_new_trial_survive_a_step_further_back() -> None:
    deck = _deck()
    deck.answer("left", 0.0)
    first = deck.answer("left", 0.0)
    assert first is not None
    deck.confirm(first, _snapshot(1, done=1, can_undo=True))
    deck.answer("tie", 0.0)
    deck.undo()
    back = deck.undo()
    assert back == Undone()
    deck.confirm(back, _snapshot(0, _trial(0, x="left", y="left"), can_redo=True))
    again = deck.redo(0.0)
    assert again == Redone()
    deck.confirm(again, _snapshot(1, done=1, can_undo=True))
    deck.redo(0.0)
    assert deck.current is not None
    assert deck.current.answers == {"x": "tie"}


def test_that_a_skip_waits_for_what_comes_next() -> None:
    deck = _deck()
    deck.answer("left", 0.0)
    effect = deck.skip("The image is bad", 0.0)
    assert effect == Skipped("The image is bad", None, None)
    assert deck.answer("left", 0.0) is None
    deck.confirm(effect, _snapshot(4, done=1, can_undo=True))
    assert deck.current is not None
    assert deck.current.shown == PAIRS[4]
    assert deck.current.answers == {}


def test_that_the_end_of_the_design_leaves_nothing_current() -> None:
    deck = Deck(("x",), Snapshot((PAIRS[0],), {}))
    effect = deck.answer("left", 0.0)
    assert deck.current is None
    assert effect is not None
    deck.confirm(effect, Snapshot((), {}, can_undo=True, done=1))
    assert deck.current is None
    assert deck.undo() == Undone()


def test_that_answers_given_before_a_skip_come_back_when_it_is_undone() -> None:
    deck = _deck()
    deck.answer("left", 0.0)
    skip = deck.skip("The image is bad", 0.0)
    assert skip is not None
    deck.confirm(skip, _snapshot(1, done=1, can_undo=True))
    back = deck.undo()
    assert back == Undone()
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
    deck.confirm(back, _snapshot(0, skipped, can_redo=True))
    assert deck.current is not None
    assert (deck.current.answers, deck.attribute) == ({"x": "left"}, "y")
    assert deck.redo(0.0) == Redone()  # the skip again


def test_that_a_trial_begun_in_an_earlier_sitting_goes_on_with_its_next_question() -> None:
    deck = Deck(("x", "y"), Snapshot(tuple(PAIRS[:3]), {}, begun={"x": "tie"}))
    assert deck.attribute == "y"
    effect = deck.answer("left", 0.0)
    assert isinstance(effect, Answered)
    assert dict(effect.answers) == {"x": "tie", "y": "left"}
