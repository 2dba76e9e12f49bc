"""Which pair comes next: allowed, never too often, by chance as said, and telling as said."""

from collections import Counter
from collections.abc import Generator
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.special import softmax

from prism_desktop.engine.labeling.pairing import (
    STRATEGIES,
    Belief,
    Compared,
    PairChooser,
    PairField,
    Strategy,
    from_weights,
    merge_sort,
)

FIELD = PairField.of([0] * 8 + [1] * 5 + [2], [0, 0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 7, 8, 9])


def belief(seed: int, faces: int, width: int = 4) -> Belief:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(faces, width))
    return from_weights(features, rng.normal(size=width), np.diag(rng.uniform(0.2, 1, width)))


def chances(gap: float, side: float, tie: float) -> np.ndarray:
    """Left, tie and right, written out."""
    return np.asarray(softmax([(gap + side) / 2, tie, -(gap + side) / 2]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_that_every_allowed_pair_is_shown_as_often_as_it_may_be(strategy: Strategy) -> None:
    chooser = PairChooser(FIELD, strategy, "salt", beliefs=[belief(1, 14)])
    rng, shown = np.random.default_rng(2), Counter[tuple[int, int]]()
    while (proposal := chooser.next()) is not None:
        assert FIELD.allows(*proposal.pair)
        assert proposal.stream in ("random", strategy)
        assert 0 < proposal.probability <= 1
        shown[proposal.pair] += 1
        chooser.push(Compared(*proposal.pair, int(rng.integers(-1, 2))), [1])
    allowed = {pair for pair in combinations(range(14), 2) if FIELD.allows(*pair)}
    assert set(shown) == allowed
    assert len(allowed) == 28 + 10 - 2 - 3  # 8 and 5 faces, without those of one person
    assert set(shown.values()) == {1}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_that_what_was_shown_leads_to_the_same_pair_again(strategy: Strategy) -> None:
    made = []
    for _ in range(2):
        chooser = PairChooser(FIELD, strategy, "salt", beliefs=[belief(1, 14)])
        pairs = []
        for number in range(12):
            proposal = chooser.next()
            assert proposal is not None
            pairs.append(proposal)
            chooser.push(Compared(*proposal.pair, number % 3 - 1), [number % 3 - 1])
        made.append(pairs)
    assert made[0] == made[1]


def test_that_chance_has_its_share_and_its_probability() -> None:
    field, streams, drawn = PairField.of([0] * 6), Counter[str](), Counter[tuple[int, int]]()
    for number in range(1500):
        chooser = PairChooser(field, "balanced", f"labeler {number}", random_share=0.3)
        proposal = chooser.next()
        assert proposal is not None
        streams[proposal.stream] += 1
        if proposal.stream == "random":
            drawn[proposal.pair] += 1
    assert streams["random"] == pytest.approx(450, abs=4 * np.sqrt(1500 * 0.3 * 0.7))
    each = streams["random"] / 15
    assert all(abs(drawn[pair] - each) < 4.5 * np.sqrt(each) for pair in combinations(range(6), 2))


def test_that_balanced_pairs_join_all_faces_and_show_them_equally_often() -> None:
    chooser = PairChooser(PairField.of([0] * 20), "balanced", "salt", random_share=0)
    joined, times = {0}, Counter[int]()
    pairs = []
    for _ in range(40):
        proposal = chooser.next()
        assert proposal is not None
        pairs.append(proposal.pair)
        times.update(proposal.pair)
        chooser.push(Compared(*proposal.pair, 1))
    for _ in range(20):
        joined |= {face for pair in pairs[:19] if joined & set(pair) for face in pair}
    assert joined == set(range(20))
    assert max(times.values()) - min(times.values()) <= 1


def test_that_sorting_finds_the_order_with_few_questions() -> None:
    faces = 24
    order = np.random.default_rng(3).permutation(faces)
    chooser = PairChooser(PairField.of([0] * faces), "sorted", "salt", random_share=0)
    asked: list[tuple[int, int]] = []
    for _ in range(round(faces * np.log2(faces))):
        proposal = chooser.next()
        assert proposal is not None
        one, other = proposal.pair
        asked.append((one, other))
        chooser.push(Compared(one, other, 1 if order[one] > order[other] else -1))
    neighbours = pairwise(np.argsort(order))  # each had to be asked to tell the order for sure
    assert {tuple(sorted(map(int, pair))) for pair in neighbours} <= set(asked)
    assert len(asked) < len(list(combinations(range(faces), 2))) / 2


def test_that_a_merge_sort_sorts() -> None:
    items = np.random.default_rng(4).permutation(37).tolist()
    found: list[int] = []

    def whole() -> Generator[tuple[int, int], bool, None]:
        found.extend((yield from merge_sort(items)))

    sort = whole()
    pair: tuple[int, int] | None = next(sort)
    while pair is not None:
        try:
            pair = sort.send(pair[0] > pair[1])
        except StopIteration:
            pair = None
    assert found == sorted(items)


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
                proposal = chooser.next()
                assert proposal is not None
                one, other = proposal.pair
                answer = dice.choice((1, 0, -1), p=chances(places[one] - places[other], 0, -1))
                chooser.push(Compared(one, other, int(answer)), [int(answer)])
                thought = thought.told(proposal.pair, int(answer))
            found = np.sign(np.diff(thought.mean[pairs])) == np.sign(np.diff(places[pairs]))
            right.append(found.mean())
        reached[strategy] = np.mean(right)
    assert reached["informative"] > reached["random"] + 0.01
