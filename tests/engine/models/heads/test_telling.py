"""Questions that would tell most of a labeler: those of whose answers least is known."""

import numpy as np
import pytest

from prism_desktop.engine.models.answers import select
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.em import EmSettings
from prism_desktop.engine.models.heads.laplace import moderation
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.telling import (
    NO_IMAGE,
    Questions,
    choices_between,
    most_telling,
    ratings_of_faces,
)
from tests.engine.models.heads.planted import answer, features, last, order

DIMS, FACES = 6, 150
SETTINGS = BayesSettings(dims=DIMS, overlap=np.inf, em=EmSettings(strength=20.0, share=1.0))
X = features(FACES, DIMS)


def _heads(labelers: int, attributes: int) -> tuple[BayesHeads, np.ndarray]:
    """Heads of all labelers but the last, and all utilities."""
    rng = np.random.default_rng(3)
    shared, own = (rng.normal(size=(n, attributes, DIMS)) for n in (1, labelers))
    true = np.einsum("uak,nk->uan", shared + own, X)
    given = answer(true, 60)
    known = select(given, given.labeler < labelers - 1)
    return last(bayes.fit(X, known, labelers - 1, attributes, settings=SETTINGS)), true


def test_that_faces_are_chosen_of_which_least_is_known_and_each_counts_for_the_next() -> None:
    heads = _heads(7, 1)[0].adapt(X, None)
    chosen = most_telling(heads, X, ratings_of_faces(np.arange(FACES)), 5)
    z, covariance, noise = heads.space.project(X), heads.prior.covariance, heads.noise[0, 0]
    for face in chosen:  # by brute force: the face that shrinks the posterior's volume most
        gain = [
            np.linalg.slogdet(np.eye(DIMS) + covariance @ np.outer(row, row) / noise)[1]
            for row in z
        ]
        assert gain[face] == pytest.approx(max(gain))
        covariance = np.linalg.inv(np.linalg.inv(covariance) + np.outer(z[face], z[face]) / noise)
    assert len(set(chosen.tolist())) == 5


def test_that_what_one_attribute_tells_of_another_counts() -> None:
    heads = _heads(7, 2)[0].adapt(X, None)
    images = np.repeat(np.arange(FACES), 2)
    asked = Questions(images, np.full(2 * FACES, NO_IMAGE), np.tile([0, 1], FACES))
    chosen = most_telling(heads, X, asked, 6)
    z, covariance = heads.space.project(X), heads.covariance(0)
    rows = np.zeros((2 * FACES, 2, DIMS))
    rows[np.arange(2 * FACES), asked.attribute] = z[images]
    rows = rows.reshape(2 * FACES, -1)
    for one in chosen:
        told = np.einsum("nd,nd->n", rows @ covariance, rows) / heads.noise[0, asked.attribute]
        assert told[one] == pytest.approx(told.max())
        noise = heads.noise[0, asked.attribute[one]]
        information = np.outer(rows[one], rows[one]) / noise
        covariance = np.linalg.inv(np.linalg.inv(covariance) + information)


def test_that_pairs_are_chosen_whose_outcome_is_open_and_tells_of_differences() -> None:
    heads, rng = _heads(7, 1)[0].adapt(X, None), np.random.default_rng(0)
    left, right = rng.permutation(FACES)[:100], rng.permutation(FACES)[:100]
    (first,) = most_telling(heads, X, choices_between(left, right), 1)
    z, steep = heads.space.project(X), heads.steepness()[0, 0]
    rows = z[left] - z[right]
    variance = np.einsum("nd,nd->n", rows @ heads.covariance(0), rows)
    chance = 1 / (1 + np.exp(-steep * (rows @ heads.mean[0, 0]) * moderation(steep**2 * variance)))
    told = steep**2 * chance * (1 - chance) * variance
    assert told[first] == pytest.approx(told.max())
    same = choices_between(np.append(left, left[first]), np.append(right, left[first]))
    assert 100 not in most_telling(heads, X, same, 100)  # a face beside itself tells nothing


def test_that_chosen_ratings_bring_more_of_a_taste_than_as_many_random_ones() -> None:
    known, true = _heads(13, 1)
    nobody, rng, found = known.adapt(X, None), np.random.default_rng(1), []
    telling = most_telling(nobody, X, ratings_of_faces(np.arange(100)), 8)
    for _ in range(20):
        said = true[12, 0] + 0.5 * rng.normal(size=FACES)
        for images in (rng.permutation(100)[:8], telling):
            some = np.zeros(8, np.int64)
            heads = known.adapt(X, None, Ratings(some, some, images, said[images]))
            found.append(order(heads.scores(X), true[12:]))
    random, chosen = np.reshape(found, (20, 2)).mean(axis=0)
    assert chosen > random


def test_that_a_longer_choice_begins_with_the_shorter_one_and_ends_with_what_there_is() -> None:
    heads, asked = _heads(5, 2)[0].adapt(X, None), ratings_of_faces(np.arange(30))
    every = most_telling(heads, X, asked, 100)
    assert sorted(every) == list(range(30))
    assert list(most_telling(heads, X, asked, 7)) == list(every[:7])
