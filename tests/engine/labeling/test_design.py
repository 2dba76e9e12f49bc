"""Which trial comes next: fair, balanced and by what was shown alone."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from prism_desktop.engine.labeling.design import (
    Choice,
    Design,
    LabelingConfig,
    Shown,
    count_stimuli,
    default_target,
    stimulus,
)
from prism_desktop.engine.study.folds import assign_folds
from prism_desktop.engine.study.records import ImageRecord, Kind


def images(count: int, missing: tuple[int, ...] = ()) -> list[ImageRecord]:
    from pathlib import Path

    ids = [f"{number * 7919:064x}" for number in range(count)]
    folds = assign_folds(ids, [0] * 7)
    return [
        ImageRecord(i, i, Path(i), 8, 8, folds[i], False, number in missing)
        for number, i in enumerate(ids)
    ]


def walk(design: Design, count: int) -> list[Choice]:
    """Answer what the design asks, `count` times or until nothing is left."""
    choices: list[Choice] = []
    while len(choices) < count and (choice := design.next()):
        design.push(
            Shown(f"{len(design.shown):032x}", choice.left, choice.right, True, choice.repeat_of)
        )
        choices.append(choice)
    return choices


def design(
    kind: Kind = "comparison", count: int = 140, labeler: str = "L1", **config: object
) -> Design:
    return Design(kind, images(count), "study", labeler, LabelingConfig(**config))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["rating", "comparison"])
def test_that_one_in_ten_is_a_repeat_long_after_with_swapped_sides(kind: Kind) -> None:
    made = design(kind, target=120)
    choices = walk(made, 120)
    places = {shown.trial: place for place, shown in enumerate(made.shown)}
    repeats = [shown for shown in made.shown if shown.repeat_of]
    assert len(repeats) == made.repeats == 12
    assert len({shown.repeat_of for shown in repeats}) == 12
    for shown in repeats:
        old = made.shown[places[shown.repeat_of or ""]]
        assert places[shown.trial] - places[old.trial] >= 8
        assert (shown.left, shown.right) == (
            (old.left, None) if kind == "rating" else (old.right, old.left)
        )
    fresh = [stimulus(choice.left, choice.right) for choice in choices if not choice.repeat_of]
    assert len(set(fresh)) == len(fresh) == 108
    assert all(choice.probability for choice in choices if not choice.repeat_of)


def test_that_a_short_task_still_has_three_repeats() -> None:
    made = design(target=25)
    walk(made, 25)
    assert made.repeats == 3


def test_that_pairs_stay_in_folds_and_sides_are_even_for_each_image() -> None:
    made = design(target=400)
    choices = walk(made, 400)
    fold = {image.id: image.fold for image in images(140)}
    lean: Counter[str] = Counter()
    for choice in choices:
        assert choice.right is not None
        assert fold[choice.left] == fold[choice.right]
        lean[choice.left] += 1
        lean[choice.right] -= 1
    assert max(abs(value) for value in lean.values()) <= 2


def test_that_labelers_share_half_of_their_pairs() -> None:
    one, other = (
        {
            stimulus(choice.left, choice.right)
            for choice in walk(design(labeler=labeler, repeats=0, least_repeats=0), 100)
        }
        for labeler in ("L1", "L2")
    )
    assert 50 <= len(one & other) < 70
    orders = [
        [c.left for c in walk(design("rating", labeler=labeler, shared=1.0), 8)]
        for labeler in ("L1", "L2")
    ]
    assert orders[0] == orders[1]


def test_that_every_image_or_pair_comes_and_then_nothing() -> None:
    for kind in ("rating", "comparison"):
        made = design(kind, 21)  # type: ignore[arg-type]
        choices = walk(made, 1000)
        assert made.next() is None
        assert sum(choice.repeat_of is None for choice in choices) == made.stimuli == 21
        assert made.repeats >= 3


def test_that_missing_images_are_not_shown() -> None:
    absent = {image.id for image in images(21, (3, 4)) if image.missing}
    made = Design("rating", images(21, (3, 4)), "study", "L1", LabelingConfig())
    choices = walk(made, 1000)
    assert len(absent) == 2
    assert not absent & {choice.left for choice in choices}
    assert sum(choice.repeat_of is None for choice in choices) == 19


@given(
    steps=st.lists(st.sampled_from(["answer", "skip", "back", "ahead"]), max_size=60),
    pairs=st.booleans(),
)
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
def test_that_the_next_trial_depends_only_on_what_was_shown(steps: list[str], pairs: bool) -> None:
    kind: Kind = "comparison" if pairs else "rating"
    made = design(kind, 35)
    for number, step in enumerate(steps):
        if step == "back" and made.shown:
            made.pop()
        elif step == "ahead":
            made.upcoming(6)
        elif choice := made.next():
            made.push(
                Shown(f"{number}", choice.left, choice.right, step == "answer", choice.repeat_of)
            )
    fresh = design(kind, 35)
    for shown in made.shown:
        fresh.push(shown)
    assert made.next() == fresh.next()
    assert (made.fresh, made.repeats, made.skipped) == (fresh.fresh, fresh.repeats, fresh.skipped)


@pytest.mark.parametrize(
    ("kind", "count", "stimuli", "asked"),
    [
        ("rating", 1000, 1000, 250),
        ("comparison", 1000, 70_000, 400),
        ("rating", 80, 80, 80),
        ("comparison", 80, 400, 80),
        ("comparison", 20, 190, 60),  # few images: at least sixty
        ("comparison", 8, 9, 9),  # never more than there are
        ("rating", 8, 8, 8),
    ],
)
def test_that_nobody_is_asked_for_more_than_a_session_or_two(
    kind: Kind, count: int, stimuli: int, asked: int
) -> None:
    assert default_target(kind, count, stimuli) == asked


def test_that_only_images_of_one_fold_are_counted_as_pairs() -> None:
    shown = images(15)  # one fold of three, six of two
    assert count_stimuli("rating", shown) == 15
    assert count_stimuli("comparison", shown) == 3 + 6 * 1


def test_that_a_repeat_that_was_undone_comes_again() -> None:
    made = design(target=120)
    taken_back = 0
    for _ in range(120):
        (choice,) = walk(made, 1)
        if choice.repeat_of:
            made.pop()
            assert walk(made, 1) == [choice]
            taken_back += 1
    assert taken_back == made.repeats > 5


@pytest.mark.parametrize("lag", [0, 3, 8])
def test_that_as_many_trials_as_asked_for_lie_between_a_trial_and_its_repeat(lag: int) -> None:
    made = design("rating", repeats=0.5, lag=lag)
    walk(made, 100)
    places = {shown.trial: place for place, shown in enumerate(made.shown)}
    between = [
        places[shown.trial] - places[shown.repeat_of] - 1 for shown in made.shown if shown.repeat_of
    ]
    assert len(between) > 30
    assert min(between) >= lag


def test_that_every_face_is_as_likely_to_be_rated_next() -> None:
    fresh = [choice for choice in walk(design("rating", 40), 40) if not choice.repeat_of]
    assert {choice.probability for choice in fresh} == {1 / 40}


@pytest.mark.parametrize("kind", ["rating", "comparison"])
def test_that_chosen_trials_come_first_and_back_again_after_undo_and_missing_ones_are_passed_over(
    kind: Kind,
) -> None:
    records = images(40, missing=(3,))
    known = [record.id for record in records]
    fold = [record.id for record in records if record.fold == records[0].fold]
    chosen = (
        ((known[3],), (known[5],), ("gone",), (known[8],))
        if kind == "rating"
        else ((fold[0], fold[2]), (fold[0], "gone"), (fold[1], fold[2]))
    )
    config = LabelingConfig(order="telling", planned=tuple(tuple(sorted(each)) for each in chosen))
    made = Design(kind, records, "study", "L1", config)
    plain = Design(kind, records, "study", "L1", LabelingConfig())
    before = made.upcoming(3)
    choices = walk(made, 3)
    assert choices == before
    wanted = [each for each in config.planned if "gone" not in each and known[3] not in each]
    assert [stimulus(choice.left, choice.right) for choice in choices[:2]] == wanted
    assert [choice.probability for choice in choices[:2]] == [1, 1]
    assert choices[2].probability < 1  # then at random, as without
    assert stimulus(choices[2].left, choices[2].right) in {
        stimulus(choice.left, choice.right) for choice in walk(plain, 5)
    }
    for _ in range(2):
        made.pop()
    again = made.next()
    assert again is not None
    assert stimulus(again.left, again.right) == wanted[1]
