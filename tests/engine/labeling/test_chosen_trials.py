"""Trials that are chosen: planned ones or what a sort asks for, with drawn ones between them."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from prism_desktop.engine.labeling.design import (
    Choice,
    Design,
    LabelingConfig,
    Shown,
    Stimulus,
    stimulus,
)
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.labeling.orders import pairs_within
from prism_desktop.engine.study.records import (
    FactRecord,
    GivenAnswers,
    ImageRecord,
    ImportBatch,
    ImportReport,
    Order,
)
from prism_desktop.engine.study.store import Study
from tests.engine.labeling.test_design import images
from tests.fixtures.study import MakeStudy

ANSWER = {"smart": "left"}


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    made = make_study(images=35, labelers=1, comparisons=0, ratings=0)
    made.add_labeler("N")
    return made


def pairs_of(records: tuple[ImageRecord, ...] | list[ImageRecord]) -> list[Stimulus]:
    """All pairs of a fold, in an order of their own."""
    folds: dict[int, list[str]] = {}
    for record in records:
        folds.setdefault(record.fold, []).append(record.id)
    return [stimulus(one, other) for one, other, _ in pairs_within(folds.values(), "mine")]


def shown(choice: Choice | Any) -> Stimulus:
    return stimulus(choice.left, choice.right)


def design(order: Order = "telling", **config: Any) -> Design:
    chosen = LabelingConfig(order=order, repeats=0, least_repeats=0, **config)
    return Design("comparison", images(70), "study", config.pop("who", "L1"), chosen)


def walk(made: Design, count: int, answers: Mapping[str, str] = ANSWER) -> list[Choice]:
    found = []
    for number in range(count):
        choice = made.next()
        assert choice is not None
        made.push(Shown(f"{number}", choice.left, choice.right, True, None, True, answers))
        found.append(choice)
    return found


def test_that_planned_trials_come_in_order_with_a_share_drawn_alike_for_everybody() -> None:
    plan = pairs_of(images(70))
    drawn = []
    for who in ("L1", "L2"):
        made = Design(
            "comparison", images(70), "study", who,
            LabelingConfig(order="telling", repeats=0, least_repeats=0, drawn=0.25),
        )  # fmt: skip
        made.plan(plan if who == "L1" else plan[::-1])
        choices = walk(made, 40)
        chosen = [choice for choice in choices if choice.strategy == "telling"]
        assert [choice.probability for choice in chosen] == [1.0] * 30
        wanted = plan if who == "L1" else plan[::-1]
        by_chance = [choice for choice in choices if choice.strategy == "random"]
        assert [shown(choice) for choice in chosen] == [
            pair for pair in wanted if pair not in {shown(one) for one in by_chance}
        ][:30]
        assert all(0 < (choice.probability or 0) < 1 for choice in by_chance)
        drawn.append([shown(choice) for choice in by_chance])
    assert len(drawn[0]) == len(drawn[1]) == 10
    assert len(set(drawn[0]) & set(drawn[1])) >= 8  # less what was chosen before its turn


@pytest.mark.parametrize("order", ["telling", "sorted", "unsure"])
def test_that_without_a_plan_or_a_question_trials_are_drawn(order: Order) -> None:
    made = design(order)
    choices = walk(made, 40, {})
    assert {choice.strategy for choice in choices} <= {"random", order}
    if order != "sorted":
        assert {choice.strategy for choice in choices} == {"random"}


def test_that_a_plan_changes_nothing_of_what_was_told_ahead(study: Study) -> None:
    study.set_order("comparison", "telling")
    session = LabelingSession(study, "N", "comparison")
    seen = []
    for _ in range(2):
        seen.append(_pair(session.current))
        session.answer(ANSWER)
    now, ahead = session.current, session.upcoming(6)
    plan = [pair for pair in pairs_of(study.images()) if pair not in map(_pair, (now, *ahead))]
    plan = [*seen, *(pair for pair in plan if pair not in seen)]  # what was asked stays asked
    session.plan(plan)
    assert (session.current, session.upcoming(6)) == (now, ahead)
    for coming in ahead:
        session.answer(ANSWER)
        assert session.current == coming
    session.answer(ANSWER)
    found, drawn = [], []
    while len(found) < 4:
        current = session.current
        assert current is not None
        (found if current.strategy == "telling" else drawn).append(_pair(current))
        session.answer(ANSWER)
    assert found == [pair for pair in plan if pair not in (*seen, *drawn)][:4]


def test_that_undo_and_redo_go_back_and_forth_over_a_plan_that_changed(study: Study) -> None:
    study.set_order("comparison", "telling")
    session = LabelingSession(study, "N", "comparison")
    pairs = pairs_of(study.images())
    seen = []
    for number in range(12):
        if number % 3 == 0:
            session.plan(pairs[5 * number :])
        session.upcoming(3)
        seen.append(session.current)
        session.answer(ANSWER)
    end = session.current
    for before in reversed(seen):
        session.undo()
        assert session.current == before
        assert _pair(before) not in map(_pair, session.upcoming(4))
    for after in (*seen[1:], end):
        session.redo()
        assert session.current == after


def test_that_a_pair_left_in_its_midst_comes_first_whatever_would_be_chosen(study: Study) -> None:
    study.set_order("comparison", "telling")
    session = LabelingSession(study, "N", "comparison")
    session.plan(pairs_of(study.images()))
    session.answer(ANSWER)
    left = session.current
    assert left is not None
    assert left.right is not None
    session.keep(left.left.id, left.right.id, GivenAnswers({"attractive": "tie"}))
    again = LabelingSession(study, "N", "comparison")  # the plan is gone with the window
    assert again.current == left
    assert again.begun is not None
    assert again.begun.answers == {"attractive": "tie"}
    again.answer(ANSWER)
    assert again.current is not None
    assert _pair(again.current) != _pair(left)


def test_that_sorting_goes_on_from_what_was_said_and_finds_the_order() -> None:
    records = [record for record in images(140) if record.fold == 0][:12]
    place = {record.id: number for number, record in enumerate(sorted(records, key=_turned))}
    config = LabelingConfig(order="sorted", repeats=0, least_repeats=0, drawn=0)
    made = Design("comparison", records, "study", "L1", config)
    asked = set()
    for number in range(200):
        choice = made.next()
        assert choice is not None
        assert choice.right is not None
        if choice.strategy == "random":  # nothing more to ask before it is answered
            break
        asked.add(shown(choice))
        higher = "left" if place[choice.left] > place[choice.right] else "right"
        if number == 7:  # a slip of the finger, which is taken back
            lower = {"left": "right", "right": "left"}[higher]
            made.push(Shown("slip", choice.left, choice.right, True, None, True, {"a": lower}))
            made.pop()
            assert shown(made.next()) == shown(choice)
        made.push(Shown(f"{number}", choice.left, choice.right, True, None, True, {"a": higher}))
        if {stimulus(a.id, b.id) for a, b in pairwise(sorted(records, key=_turned))} <= asked:
            break
    assert {stimulus(a.id, b.id) for a, b in pairwise(sorted(records, key=_turned))} <= asked
    assert len(asked) < 12 * 11 / 2


@pytest.mark.parametrize("order", ["random", "sorted"])
def test_that_one_persons_faces_are_never_compared(order: Order) -> None:
    records = images(28)
    person = {record.id: str(number % 3) for number, record in enumerate(records[:20])}
    config = LabelingConfig(order=order, repeats=0, least_repeats=0, person=person)
    made, seen = Design("comparison", records, "study", "L1", config), 0
    while (choice := made.next()) is not None:
        seen += 1
        assert choice.right is not None
        assert choice.left not in person or person[choice.left] != person.get(choice.right)
        made.push(Shown(f"{seen}", choice.left, choice.right, True, None, True, {"a": "left"}))
    fold = {record.id: record.fold for record in records}
    allowed = [
        (one, other) for one, other in pairs_of(records)
        if fold[one] == fold[other] and (one not in person or person[one] != person.get(other))
    ]  # fmt: skip
    assert seen == len(allowed)


@pytest.mark.parametrize("order", ["random", "sorted"])
def test_that_only_faces_of_the_same_group_are_compared(order: Order) -> None:
    records = images(42)
    group = {record.id: str(number % 2) for number, record in enumerate(records)}
    config = LabelingConfig(order=order, repeats=0, least_repeats=0, group=group)
    made = Design("comparison", records, "study", "L1", config)
    for choice in walk(made, 30):
        assert choice.right is not None
        assert group[choice.left] == group[choice.right]


def test_that_a_fact_of_images_says_whose_faces_they_show(study: Study) -> None:
    ids = [image.id for image in study.images()]
    facts = [FactRecord("image", image, "Identity", "the same") for image in ids]
    assert LabelingSession(study, "N", "comparison").current is not None
    report = ImportReport("ab" * 16, "t.csv", "csv", 1, 1)
    study.apply_import(ImportBatch(report, facts=facts))
    assert LabelingSession(study, "N", "comparison").current is None


def _pair(presentation: Any) -> Stimulus:
    return stimulus(presentation.left.id, presentation.right.id)


def _turned(record: ImageRecord) -> str:
    return record.id[::-1]
