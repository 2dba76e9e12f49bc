"""What of the pictures goes with choices: planted tastes are found, and nothing where there is
none."""

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.evaluation.intervals import dyadic_variance, p_of
from prism_desktop.engine.evaluation.taste.choice_links import taste_links
from prism_desktop.engine.evaluation.taste.taste_records import ImageProperty, TasteReport
from prism_desktop.engine.evaluation.taste.taste_words import headline, overview, standing

FACES, PROPERTIES = 100, 5
NAMES = [f"p{number}" for number in range(PROPERTIES)]


def judged(seed: int, taste: float = 0.0, labelers: int = 4, pairs: int = 150) -> TasteReport:
    """Simulated labelers share a taste that goes with the properties; the first one also likes the
    first property by `taste`."""
    dice = np.random.default_rng(seed)
    seen = dice.normal(size=(FACES, PROPERTIES))
    shared = seen @ dice.normal(0, 0.5, PROPERTIES) + dice.normal(size=FACES)
    frames = []
    for number in range(labelers):
        liked = shared + dice.normal(0, 0.7, FACES) + (taste * seen[:, 0] if number == 0 else 0)
        left = dice.integers(FACES, size=pairs)
        right = (left + 1 + dice.integers(FACES - 1, size=pairs)) % FACES
        won = liked[left] - liked[right] + dice.logistic(size=pairs) > 0
        frames.append(frame(f"L{number}", left, right, won))
    return taste_links(pd.concat(frames, ignore_index=True), images(FACES), seen, NAMES)


def images(count: int) -> list[str]:
    return [f"{number:03d}" for number in range(count)]


def frame(labeler: str, left: np.ndarray, right: np.ndarray, won: np.ndarray) -> pd.DataFrame:
    ids = np.array(images(FACES), dtype=object)
    pairs = pd.DataFrame({"left": ids[left], "right": ids[right], "outcome": won.astype(float)})
    return pairs.assign(labeler=labeler, attribute="kind")


def test_that_a_planted_taste_stands_out_and_is_the_labelers_own() -> None:
    report = judged(3, taste=1.5, pairs=300)
    own, other = report.of("L0"), report.of("L1")
    assert own is not None
    assert other is not None
    assert standing(own.links[0]) == "out"
    assert own.links[0].low is not None
    assert own.links[0].low > 0.05
    assert {standing(link) for link in other.links} <= {"not", "alone"}
    said = report.model_copy(
        update={
            "properties": tuple(
                ImageProperty(name=name, more=f"face with {name}", kind="fact", images=FACES)
                for name in NAMES
            )
        }
    )
    assert headline(said, own).startswith("More often the face with p0")
    assert overview(said).startswith("1 of 4 labelers stand out")


def test_that_labelers_who_see_alike_are_told_apart_only_by_chance() -> None:
    """Their shared taste goes with every property, which is not beyond the consensus."""
    found = [judged(seed) for seed in range(12)]
    ps = [link.p for report in found for one in report.labelers for link in one.links]
    assert np.mean([p < 0.05 for p in ps if p is not None]) < 0.08
    assert any(link.own_holm < 0.001 for each in found for link in each.everybody if link.own_holm)


def test_that_the_error_of_a_share_is_the_dyadic_one() -> None:
    dice = np.random.default_rng(0)
    left, right = np.array([0, 0, 1, 2, 3, 4, 0]), np.array([1, 2, 2, 3, 4, 5, 5])
    seen = dice.normal(size=(FACES, 1))
    won = np.array([True, False, True, True, False, True, True])
    link = (
        taste_links(frame("L", left, right, won), images(FACES), seen, ["p"]).labelers[0].links[0]
    )
    hit = ((seen[left, 0] > seen[right, 0]) == won).astype(float)
    ends = np.bincount(np.concatenate([left, right])) / len(left)
    influence = (hit - hit.mean()) / len(hit) / (1 - (ends**2).sum() / 2)
    error = np.sqrt(dyadic_variance(influence, left, right, 6))
    assert link.own == pytest.approx(hit.mean())
    assert link.own_p == pytest.approx(p_of(hit.mean() - 0.5, error, 6))


def test_that_a_few_choices_that_are_all_alike_make_nothing_sure() -> None:
    """Sixty choices against the same three pictures of a group are a matter of three pictures."""
    left, right = np.repeat(np.arange(3), 20), np.arange(3, 63)
    seen = np.zeros((FACES, 1))
    seen[:3] = 1
    pairs = pd.concat(
        [
            frame("L", left, right, np.ones(60, bool)),
            frame("M", left, right, np.arange(60) % 2 == 0),
        ],
        ignore_index=True,
    )
    taste = taste_links(pairs, images(FACES), seen, ["group: a"]).of("L")
    assert taste is not None
    link = taste.links[0]
    assert (link.own, link.n, link.holm) == (1.0, 6, None)
    assert standing(link) == "few"
    assert link.low is not None
    assert link.high is not None
    assert link.high - link.low > 0.5


def test_that_pairs_alike_or_unknown_in_a_property_say_nothing_of_it() -> None:
    seen = np.full((FACES, 2), np.nan)
    seen[:4, 0], seen[:2, 1] = [1, 1, 2, 3], [1, 1]
    pairs = frame("L", np.array([0, 2, 3]), np.array([1, 3, 9]), np.array([True, False, True]))
    known, alike = taste_links(pairs, images(FACES), seen, ["p", "q"]).labelers[0].links
    assert (known.choices, known.own) == (1, 1.0)
    assert (alike.choices, alike.own, standing(alike)) == (0, None, "unknown")
