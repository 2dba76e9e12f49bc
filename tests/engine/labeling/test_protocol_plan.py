"""What comes next under a protocol: balanced, apart, covering its blocks, and the same again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.design import stimulus
from prism_desktop.engine.labeling.protocol import (
    BlockRules,
    BreakRules,
    CheckRules,
    GapRule,
    KnownFaces,
    PracticeRules,
    Protocol,
    RepeatRules,
    SpacingRules,
    of_same_prompts,
    parse_protocol,
    troubles,
    usual_protocol,
)
from prism_desktop.engine.labeling.protocol_parts import DoneTrial
from prism_desktop.engine.labeling.protocol_plan import PlannedTrial, PlanSurroundings, ProtocolPlan
from prism_desktop.engine.study.folds import assign_folds
from prism_desktop.engine.study.records import SET_ASIDE, ImageRecord, Kind, Order
from prism_desktop.engine.study.texts import TextRecord

ATTRIBUTES = ("attractive", "smart", "kind")
_MANY = 70


def faces(count: int = _MANY) -> tuple[ImageRecord, ...]:
    ids = [f"{number * 7919:064x}" for number in range(count)]
    folds = assign_folds(ids, [0] * 7)
    return tuple(
        ImageRecord(each, f"{number}.png", Path(each), 8, 8, folds[each], False, False)
        for number, each in enumerate(ids)
    )


AROUND = PlanSurroundings(faces(), ATTRIBUTES, "study")


def plan(protocol: Protocol, labeler: str = "L1") -> ProtocolPlan:
    return ProtocolPlan(protocol, labeler, AROUND)


def done(planned: PlannedTrial, number: int, answer: int) -> DoneTrial:
    """What a labeler made of it: answered in one of four ways, or skipped."""
    part, choice = planned.part, planned.choice
    said = ("left", "tie", "right", "left") if choice.right else (1, 2, 3, 4)
    answers = {} if answer == 4 else dict.fromkeys(part.attributes, said[answer])
    return DoneTrial(
        f"{number:032x}", part.kind, choice.left, choice.right, answers, part.attributes,
        part.name, planned.flags, choice.repeat_of, onset=1e9 + 4 * number,
    )  # fmt: skip


def walk(made: ProtocolPlan, answers: Iterator[int], most: int = 5_000) -> list[PlannedTrial]:
    """Go through all of it."""
    walked: list[PlannedTrial] = []
    while len(walked) < most and (planned := made.next()):
        walked.append(planned)
        made.push(done(planned, len(made.shown), next(answers)))
    return walked


def dice(seed: int) -> Iterator[int]:
    import random

    rolled = random.Random(seed)
    while True:
        yield rolled.choice((0, 0, 1, 2, 2, 3, 4))


@st.composite
def protocols(draw: st.DrawFn) -> Protocol:
    names = ("one", "two", "three")[: draw(st.integers(1, 3))]
    blocks = tuple(
        BlockRules(
            name=name,
            kind=draw(st.sampled_from(("rating", "comparison"))),
            trials=draw(st.integers(1, 45)),
            attributes=draw(st.sampled_from(((), ("smart",), ("smart", "kind")))),
            one_attribute_at_a_time=draw(st.booleans()),
            order=draw(st.sampled_from(("random", "telling"))),
        )
        for name in names
    )
    known = {"smart": KnownFaces(high=("0.png", "1.png"), low=("2.png", "3.png"))}
    return Protocol(
        seed=draw(st.integers(0, 3)),
        shuffle_blocks=draw(st.booleans()),
        practice=PracticeRules(
            trials=draw(st.integers(0, 3)), least_right=draw(st.sampled_from((0.0, 0.9)))
        ),
        repeats=RepeatRules(
            share=draw(st.sampled_from((0.0, 0.1, 0.4))), lag=draw(st.integers(1, 9))
        ),
        breaks=BreakRules(every=draw(st.sampled_from((0, 7)))),
        checks=CheckRules(every=draw(st.sampled_from((0, 5))), known=known),
        spacing=SpacingRules(trials=draw(st.integers(0, 4))),
        blocks=blocks,
    )  # fmt: skip


@given(protocols(), st.integers(0, 1_000))
@settings(max_examples=8, deadline=None)
def test_that_every_block_is_covered_with_repeats_that_keep_their_lag(
    protocol: Protocol, seed: int
) -> None:
    made = plan(protocol)
    walked = walk(made, dice(seed))
    place = {trial.trial: number for number, trial in enumerate(made.shown)}
    order = [planned.part.name for planned in walked if not planned.part.practice]
    # no face is rated twice on the same attributes, whatever the blocks
    rated = sum(part.fresh for part in made.blocks if part.kind == "rating")
    names = [part.name for part in made.blocks]
    assert list(dict.fromkeys(order)) == names or rated > _MANY - 30
    assert sorted(order, key=order.index) == order  # a block that was left is over
    for part in made.blocks:
        own = [
            trial
            for trial in made.shown
            if trial.block == part.name and set(SET_ASIDE).isdisjoint(trial.flags)
        ]
        fresh = [trial for trial in own if trial.repeat_of is None]
        again = [trial for trial in own if trial.repeat_of is not None]
        faces_ran_out = part.kind == "rating" and rated > _MANY - 30
        assert len(own) == part.trials or faces_ran_out
        assert len(again) <= part.repeats
        if len(fresh) > part.repeats + 2 * protocol.repeats.lag + 5 and all(t.answers for t in own):
            assert len(again) == int(len(fresh) * part.repeats / part.fresh + 1e-9)
        assert len({stimulus(each.left, each.right) for each in fresh}) == len(fresh)
        assert len({each.repeat_of for each in again}) == len(again)
        for each in again:
            old = made.shown[place[each.repeat_of or ""]]
            assert old.block == part.name
            assert old.answers
            assert place[each.trial] - place[old.trial] >= protocol.repeats.lag
            turned = (old.left, None) if old.right is None else (old.right, old.left)
            assert (each.left, each.right) == turned


@given(
    st.sampled_from(("rating", "comparison")), st.integers(1, 12), st.integers(0, 12),
    st.sampled_from((12, 35, 70)), st.integers(0, 1_000),
)  # fmt: skip
@settings(max_examples=8, deadline=None)
def test_that_repeats_keep_their_lag_and_swap_sides_however_faces_are_spaced(
    kind: Kind, lag: int, spacing: int, like: int, seed: int
) -> None:
    ids = [image.id for image in AROUND.images]
    groups = [set(ids[start::like]) for start in range(like)]
    like_it = {image: group - {image} for group in groups for image in group}
    around = replace(AROUND, alike=like_it.__getitem__)
    rules = Protocol(
        seed=seed,
        repeats=RepeatRules(share=0.3, lag=lag),
        spacing=SpacingRules(trials=spacing),
        blocks=(BlockRules(name="one", kind=kind, trials=40),),
    )
    made = ProtocolPlan(rules, "L1", around)
    walk(made, repeat(0))
    place = {trial.trial: number for number, trial in enumerate(made.shown)}
    again = [trial for trial in made.shown if trial.repeat_of is not None]
    assert len(again) == 12
    assert len({trial.repeat_of for trial in again}) == 12
    near = 0
    for trial in again:
        old = made.shown[place[trial.repeat_of or ""]]
        assert place[trial.trial] - place[old.trial] >= lag
        turned = (old.left, None) if old.right is None else (old.right, old.left)
        assert (trial.left, trial.right) == turned
        last = made.shown[max(0, place[trial.trial] - min(spacing, 2)) : place[trial.trial]]
        before = {image for each in last for image in (each.left, each.right)} - {None}
        near += not before.isdisjoint((trial.left, trial.right))
    # a face comes again at once only where few are left to repeat
    assert near <= 3 or not spacing


@given(protocols(), st.integers(0, 1_000))
@settings(max_examples=8, deadline=None)
def test_that_a_face_is_on_either_side_equally_often_and_does_not_come_again_soon(
    protocol: Protocol, seed: int
) -> None:
    made = plan(protocol)
    walked = walk(made, dice(seed))
    lean: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    for planned, trial in zip(walked, made.shown, strict=True):
        if trial.right is not None:
            # the side was chosen where it could be: repeats are turned, checks are by chance
            if trial.repeat_of is None and not planned.flags:
                assert lean[trial.left] <= lean[trial.right]
            lean[trial.left] += 1
            lean[trial.right] -= 1
            chosen.update((trial.left, trial.right))
    fresh = [
        number
        for number, planned in enumerate(walked)
        if planned.choice.repeat_of is None and not planned.flags
    ]
    gap = min(protocol.spacing.trials, 2)
    for number in fresh:
        before = made.shown[max(0, number - gap) : number]
        near = {image for each in before for image in (each.left, each.right)}
        assert walked[number].choice.left not in near or made.parts[0].kind == "rating"


@given(protocols(), st.integers(0, 1_000), st.integers(0, 60))
@settings(max_examples=8, deadline=None)
def test_that_the_same_answers_lead_to_the_same_trials_however_often_it_was_left(
    protocol: Protocol, seed: int, left_at: int
) -> None:
    whole = plan(protocol)
    walked = walk(whole, dice(seed))
    replayed = plan(parse_protocol(protocol.toml()))
    for number, (planned, trial) in enumerate(zip(walked, whole.shown, strict=True)):
        if number == left_at:  # looked ahead, gone on and come back
            replayed.upcoming(6)
            replayed.push(trial)
            replayed.pop()
        assert replayed.next() == planned
        replayed.push(trial)
    assert replayed.next() is None


def test_that_what_is_told_ahead_is_what_comes() -> None:
    blocks = (
        BlockRules(name="one", kind="rating", trials=12),
        BlockRules(name="two", kind="comparison", trials=12),
    )
    rules = Protocol(blocks=blocks, practice=PracticeRules(trials=2), checks=CheckRules())
    made = plan(rules)
    told: list[PlannedTrial] = []
    while planned := made.next():
        if told:
            assert planned == told.pop(0)
        told = made.upcoming(4)[1:]
        made.push(done(planned, len(made.shown), 0))


def test_that_practice_comes_again_until_it_is_passed_or_the_labeler_stops() -> None:
    rules = Protocol(
        blocks=(BlockRules(name="one", kind="comparison", trials=3, attributes=("smart",)),),
        practice=PracticeRules(trials=2, least_right=1.0, most_rounds=2, if_failed="stop"),
        checks=CheckRules(known={"smart": KnownFaces(high=("0.png",), low=("2.png", "3.png"))}),
    )
    high = AROUND.images[0].id

    def answer(made: ProtocolPlan, *, right: bool) -> None:
        planned = made.next()
        assert planned is not None
        assert planned.flags == ("practice",)
        on_left = planned.choice.left == high
        made.push(done(planned, len(made.shown), 0 if on_left == right else 2))

    failing = plan(rules)
    for _ in range(4):
        assert not failing.failed
        answer(failing, right=False)
    assert failing.failed
    assert failing.next() is None
    passing = plan(rules)
    answer(passing, right=True)
    answer(passing, right=False)
    again = passing.next()
    assert again is not None
    assert again.card is not None
    assert (again.card.kind, again.card.right, again.card.asked) == ("practice again", 1, 2)
    for _ in range(2):
        answer(passing, right=True)
    block = passing.next()
    assert block is not None
    assert block.part.name == "one"
    assert not block.flags


def test_that_practice_comes_again_after_a_long_time_away() -> None:
    rules = Protocol(
        blocks=(BlockRules(name="one", kind="rating", trials=10),),
        practice=PracticeRules(trials=1),
        gaps=(GapRule(after_minutes=60, then="instructions"),),
    )
    made = plan(rules)
    for _ in range(3):
        planned = made.next()
        assert planned is not None
        made.push(done(planned, len(made.shown), 1))
    planned = made.next()
    assert planned is not None
    assert not planned.flags
    made.begin_anew()
    practice = made.next()
    assert made.current is not None
    assert made.current.practice
    assert practice is not None
    assert practice.flags == ("practice",)
    made.pop()
    over = made.next()
    assert over is not None
    assert not over.flags


def test_that_instructions_after_any_time_away_come_once_in_a_session() -> None:
    rules = Protocol(
        blocks=(BlockRules(name="one", kind="rating", trials=4),),
        practice=PracticeRules(trials=2),
        gaps=(GapRule(after_minutes=0, then="instructions"),),
    )
    made = plan(rules)
    assert [bool(each.flags) for each in walk(made, dice(0), most=4)] == [True, True, False, False]
    planned = made.next()
    assert planned is not None
    later = replace(done(planned, len(made.shown), 1), session="another")
    made.push(later)
    practised = [each for each in walk(made, dice(0), most=2) if each.flags]
    assert len(practised) == 2


def test_that_nobody_practises_for_what_is_done_already() -> None:
    blocks = (
        BlockRules(name="one", kind="rating", trials=3),
        BlockRules(name="two", kind="comparison", trials=3),
    )
    made = plan(Protocol(blocks=blocks, practice=PracticeRules(trials=1)))
    kinds = [planned.part.kind for planned in walk(made, dice(0), most=6) if planned.flags]
    assert kinds == ["rating", "comparison"]
    made.begin_anew()  # in the midst of the second block
    again = made.next()
    assert again is not None
    assert (again.part.kind, again.flags) == ("comparison", ("practice",))
    walk(made, dice(0))
    made.begin_anew()
    assert made.next() is None


def test_that_attributes_one_at_a_time_have_a_round_each_in_an_order_of_the_labelers_own() -> None:
    block = BlockRules(name="one", kind="rating", trials=4, one_attribute_at_a_time=True)
    rules = Protocol(blocks=(block,))
    orders = set()
    for labeler in ("L1", "L2", "L3", "L4", "L5"):
        asked = [planned.part.attributes for planned in walk(plan(rules, labeler), dice(1))]
        assert Counter(asked) == {(name,): 4 for name in ATTRIBUTES}
        orders.add(tuple(dict.fromkeys(asked)))
    assert len(orders) > 1


def test_that_breaks_come_where_they_should_and_not_at_the_end() -> None:
    rules = Protocol(
        blocks=(BlockRules(name="one", kind="rating", trials=20),), breaks=BreakRules(every=10)
    )
    cards = [planned.card for planned in walk(plan(rules), dice(0))]
    assert [number for number, card in enumerate(cards) if card] == [0, 10]
    assert [card.kind for card in cards if card] == ["block", "break"]


@pytest.mark.parametrize("answer", [0, 2])
def test_that_attention_checks_come_on_top_and_are_marked(answer: int) -> None:
    known = {"smart": KnownFaces(high=("0.png", "1.png"), low=("2.png", "3.png"))}
    rules = Protocol(
        blocks=(BlockRules(name="one", kind="comparison", trials=40, attributes=("smart",)),),
        checks=CheckRules(every=10, known=known),
    )
    made = plan(rules)
    walked = walk(made, iter([answer] * 100))
    checks = [trial for trial in made.shown if trial.flags]
    assert len(walked) - len(checks) == 40
    assert len(checks) in (3, 4)
    high = {AROUND.images[number].id for number in (0, 1)}
    for check in checks:
        assert len(high.intersection((check.left, check.right))) == 1
        right, asked = made.known.right(check)
        assert asked == 1
        assert right == ((check.left in high) == (answer == 0))


@pytest.mark.parametrize("order", ["random", "sorted"])
def test_that_only_texts_of_one_prompt_meet_where_the_block_says_so(order: Order) -> None:
    texts = tuple(
        TextRecord(f"{n:064x}", f"t{n}", f"Text {n}.", f"Prompt {n % 5}?" if n < 25 else None,
                   None, None, n % 5)
        for n in range(28)
    )  # fmt: skip
    block = BlockRules(name="one", kind="comparison", trials=40, order=order, same_prompt=True)
    rules = Protocol(blocks=(block,), spacing=SpacingRules(trials=0))
    made = ProtocolPlan(rules, "L1", PlanSurroundings(texts, ATTRIBUTES, "study"))
    prompt = {text.id: text.prompt for text in texts}
    met = [planned.choice for planned in walk(made, dice(1))]
    assert len(met) == 40
    assert all(prompt[each.left] and prompt[each.left] == prompt[each.right or ""] for each in met)


def test_that_same_prompts_are_written_only_where_they_are_wanted() -> None:
    usual = usual_protocol()
    assert "same_prompt" not in usual.toml()
    assert parse_protocol(of_same_prompts(usual).toml()) == of_same_prompts(usual)
    with pytest.raises(InputError, match="no two texts meet"):
        parse_protocol('blocks = [{name = "R", kind = "rating", trials = 4, same_prompt = true}]')
    told = troubles(of_same_prompts(usual), (), faces(4))
    assert any("no two of the study do" in each for each in told)
