"""Which pair comes next: allowed, never too often, by chance as said, and telling as said."""

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.special import softmax

from prism_desktop.engine.labeling.pair_rules import person_of
from prism_desktop.engine.labeling.pair_sorting import PairSorter, open_questions
from prism_desktop.engine.labeling.pairing import (
    STRATEGIES,
    Belief,
    ComparedPair,
    PairChooser,
    PairField,
    Strategy,
    from_weights,
)
from prism_desktop.engine.study.records import FactRecord

FIELD = PairField.of([0] * 8 + [1] * 5 + [2], [0, 0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 7, 8, 9])


def belief(seed: int, faces: int, width: int = 4) -> Belief:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(faces, width))
    return from_weights(features, rng.normal(size=width), np.diag(rng.uniform(0.2, 1, width)))


def chances(gap: float, side: float, tie: float) -> np.ndarray:
    """Left, tie and right, written out."""
    return np.asarray(softmax([(gap + side) / 2, tie, -(gap + side) / 2]))


def chooser_of(strategy: Strategy) -> PairChooser:
    return PairChooser(FIELD, strategy, "salt", beliefs=[belief(1, 14)], against=[belief(2, 14)])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_that_every_allowed_pair_is_shown_as_often_as_it_may_be(strategy: Strategy) -> None:
    chooser = chooser_of(strategy)
    rng, shown = np.random.default_rng(2), Counter[tuple[int, int]]()
    while (pair := chooser.next()) is not None:
        assert FIELD.allows(*pair)
        shown[pair] += 1
        chooser.push(ComparedPair(*pair, (int(rng.integers(-1, 2)),)))
    allowed = {pair for pair in combinations(range(14), 2) if FIELD.allows(*pair)}
    assert set(shown) == allowed
    assert len(allowed) == 28 + 10 - 2 - 3  # 8 and 5 faces, without those of one person
    assert set(shown.values()) == {1}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_that_what_was_shown_leads_to_the_same_pair_again(strategy: Strategy) -> None:
    made = []
    for _ in range(2):
        chooser = chooser_of(strategy)
        pairs = []
        for number in range(12):
            pair = chooser.next()
            assert pair is not None
            pairs.append(pair)
            chooser.push(ComparedPair(*pair, (number % 3 - 1,)))
        made.append(pairs)
    assert made[0] == made[1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_that_a_plan_is_what_comes_while_answers_are_still_to_come(strategy: Strategy) -> None:
    planned = chooser_of(strategy).plan(3)
    assert len(set(planned)) == 3
    one_by_one = chooser_of(strategy)
    for pair in planned:
        assert one_by_one.next() == pair
        one_by_one.push(ComparedPair(*pair, None))


def test_that_the_disputed_pair_is_that_on_which_two_tastes_disagree_most() -> None:
    """Two labelers who see one feature alike and another the other way round."""
    features = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.2, -1.0]])
    one, other = (
        from_weights(features, np.array([1.0, second]), 0.01 * np.eye(2)) for second in (2, -2)
    )
    chooser = PairChooser(PairField.of([0] * 4), "disputed", "s", beliefs=[one], against=[other])
    assert chooser.next() == (2, 3)


def test_that_the_unsure_pair_is_that_which_can_be_foretold_least() -> None:
    features = np.array([[0.0], [1.0], [1.1], [5.0]])
    known = from_weights(features, np.array([2.0]), np.array([[0.01]]))
    assert PairChooser(PairField.of([0] * 4), "unsure", "s", beliefs=[known]).next() == (1, 2)


def test_that_balanced_pairs_join_all_faces_and_show_them_equally_often() -> None:
    chooser = PairChooser(PairField.of([0] * 20), "balanced", "salt")
    joined, times = {0}, Counter[int]()
    pairs = []
    for _ in range(40):
        pair = chooser.next()
        assert pair is not None
        pairs.append(pair)
        times.update(pair)
        chooser.push(ComparedPair(*pair, (1,)))
    for _ in range(20):
        joined |= {face for pair in pairs[:19] if joined & set(pair) for face in pair}
    assert joined == set(range(20))
    assert max(times.values()) - min(times.values()) <= 1


def test_that_sorting_finds_the_order_with_few_questions() -> None:
    faces = 24
    order = np.random.default_rng(3).permutation(faces)
    chooser = PairChooser(PairField.of([0] * faces), "sorted", "salt")
    asked: list[tuple[int, int]] = []
    for _ in range(round(faces * np.log2(faces))):
        pair = chooser.next()
        assert pair is not None
        asked.append(pair)
        chooser.push(ComparedPair(*pair, (1 if order[pair[0]] > order[pair[1]] else -1,)))
    neighbours = pairwise(np.argsort(order))  # each had to be asked to tell the order for sure
    assert {tuple(sorted(map(int, pair))) for pair in neighbours} <= set(asked)
    assert len(asked) < len(list(combinations(range(faces), 2))) / 2


def test_that_asking_all_open_questions_in_turn_sorts() -> None:
    items = np.random.default_rng(4).permutation(37).tolist()
    said: dict[tuple[int, int], bool] = {}
    rounds = 0
    while asked := list(open_questions(items, lambda one, other: said.get((one, other)))):
        assert not set(asked) & set(said)
        faces = [face for pair in asked for face in pair]
        assert len(set(faces)) == len(faces)  # none waits for another
        said.update({(one, other): one > other for one, other in asked})
        rounds += 1
    assert len(said) <= 37 * np.ceil(np.log2(37))
    assert rounds < len(said) / 2
    told = {tuple(sorted(pair)) for pair in said}
    assert set(pairwise(range(37))) <= told  # each had to be asked to tell the order for sure


def test_that_information_is_what_answers_tell_on_average() -> None:
    """Mutual information of answer and gap, by drawing gaps."""
    thought = belief(5, 6)
    thought = Belief(thought.mean, thought.root, side=0.4, tie=-0.5)
    rng = np.random.default_rng(6)
    for pair in ((0, 1), (2, 5), (3, 4)):
        told = thought.information(np.array([pair]))[0]
        mean, variance = (each[0] for each in thought.gaps(np.array([pair])))
        drawn = np.stack(
            [chances(gap, 0.4, -0.5) for gap in rng.normal(mean, np.sqrt(variance), 20_000)]
        )
        entropy = -(drawn.mean(axis=0) * np.log(drawn.mean(axis=0))).sum()
        noise = -(drawn * np.log(drawn)).sum(axis=1).mean()
        assert told == pytest.approx(entropy - noise, abs=0.01)


def test_that_a_belief_learns_as_bayes_would() -> None:
    """Against the posterior on a grid of one weight."""
    features = np.array([[0.0], [1.0]])
    prior = from_weights(features, np.array([0.3]), np.array([[0.5]]))
    grid = np.linspace(-5, 5, 4001)
    for outcome, place in ((1, 0), (0, 1), (-1, 2)):
        density = np.exp(-((grid - 0.3) ** 2)) * [chances(-w, 0, -1)[place] for w in grid]
        density /= density.sum()
        mean = float(density @ grid)
        variance = float(density @ (grid - mean) ** 2)
        after = prior.told((0, 1), outcome)
        assert after.mean[1] - after.mean[0] == pytest.approx(mean, abs=0.06)
        assert after.gaps(np.array([[0, 1]]))[1][0] == pytest.approx(variance, rel=0.12)


def test_that_an_answer_to_come_makes_surer_and_moves_nothing() -> None:
    thought = belief(7, 9)
    after = thought.told((1, 4), None)
    np.testing.assert_array_equal(after.mean, thought.mean)
    pair = np.array([[1, 4]])
    before, left = thought.gaps(pair)[1][0], after.gaps(pair)[1][0]
    assert left < before
    assert after.information(pair)[0] < thought.information(pair)[0]


def test_that_telling_pairs_teach_a_taste_sooner_than_chance() -> None:
    rng = np.random.default_rng(8)
    features, taste = rng.normal(size=(120, 12)), rng.normal(size=12)
    places = features @ taste
    pairs = np.array(list(combinations(range(120), 2)))
    reached = {}
    for strategy in ("random", "informative"):
        right = []
        for seed in range(4):
            start = from_weights(features, np.zeros(12), np.eye(12))
            chooser = PairChooser(
                PairField.of([0] * 120),
                strategy,
                f"{seed}",
                beliefs=[start],  # type: ignore[arg-type]
            )
            thought, dice = start, np.random.default_rng(seed)
            for _ in range(120):
                pair = chooser.next()
                assert pair is not None
                one, other = pair
                answer = dice.choice((1, 0, -1), p=chances(places[one] - places[other], 0, -1))
                chooser.push(ComparedPair(one, other, (int(answer),)))
                thought = thought.told(pair, int(answer))
            found = np.sign(np.diff(thought.mean[pairs])) == np.sign(np.diff(places[pairs]))
            right.append(found.mean())
        reached[strategy] = np.mean(right)
    assert reached["informative"] > reached["random"] + 0.01


def test_that_only_facts_about_images_say_whose_face_it_is() -> None:
    facts = [
        FactRecord("image", "i1", "Person", "p7"),
        FactRecord("image", "i2", "identity", "p8"),
        FactRecord("image", "i3", "age", "31"),
        FactRecord("rater", "L1", "person", "p7"),
    ]
    assert person_of(facts) == {"i1": "p7", "i2": "p8"}


@pytest.mark.parametrize("strategy", ["informative", "sorted"])
@pytest.mark.parametrize("outcome", [-1, 0, 1])
def test_that_an_answer_says_the_same_with_sides_exchanged(
    outcome: int, strategy: Strategy
) -> None:
    one, other = chooser_of(strategy), chooser_of(strategy)
    for pair in combinations(range(8), 2):
        if FIELD.allows(*pair) and sum(pair) % 3:
            one.push(ComparedPair(*pair, (outcome,)))
            other.push(ComparedPair(*reversed(pair), (-outcome,)))
    assert one.plan(20) == other.plan(20)


def test_that_a_sort_takes_what_was_skipped_or_tied_for_neither_and_what_was_said_for_said() -> (
    None
):
    def sorter() -> PairSorter:
        return PairSorter([0] * 6, "salt", lambda one, other: True)

    def asked(said: dict[tuple[int, int], int | None]) -> list[tuple[int, int]]:
        """All questions of the first sort, answered as said; else by the faces' numbers."""
        known: dict[tuple[int, int], tuple[int | None, ...]] = {}
        order = []
        for _ in range(40):
            pair = next(sorter().questions(known, 0), None)
            if pair is None or pair in known or len(known) == 15:
                break
            order.append(pair)
            known[pair] = (said.get(pair, -1),)
        return order

    ties: dict[tuple[int, int], int | None] = dict.fromkeys(combinations(range(6), 2), 0)
    skips: dict[tuple[int, int], int | None] = dict.fromkeys(ties)
    assert asked(skips) == asked(ties)
    assert asked(ties) != asked(dict.fromkeys(ties, 1))


def test_that_nothing_is_asked_where_there_are_no_faces() -> None:
    assert list(PairSorter([], "salt", lambda one, other: True).questions({}, 3)) == []
