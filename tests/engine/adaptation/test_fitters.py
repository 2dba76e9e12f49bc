"""How a newcomer is tested on their own answers."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from prism_desktop.engine.adaptation.adapt import evaluate_adapted
from prism_desktop.engine.adaptation.cross_fitting import LEAST, cross_fitted
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.likelihood import Ratings

IMAGES = 60


@dataclass
class Recorder:
    """An entrance that remembers what it was given and what it was asked.

    It scores faces by their number.
    """

    learned: list[set[int]] = field(default_factory=list)
    asked: list[set[int]] = field(default_factory=list)
    groups: list[set[int]] = field(default_factory=list)
    rated: list[set[int]] = field(default_factory=list)

    def fit(
        self, answers: Answers, profile: str = "", ratings: Ratings | None = None
    ) -> "Recorder":
        self.learned.append({*answers.left.tolist(), *answers.right.tolist()})
        self.groups.append(set(answers.group.tolist()))
        self.rated.append(set() if ratings is None else set(ratings.image.tolist()))
        return self

    def scores(self, images: np.ndarray | None) -> np.ndarray:
        images = np.arange(IMAGES) if images is None else images
        self.asked.append(set(images.tolist()))
        return np.stack([images, -images]).astype(np.float32)


def said(presentations: int) -> Answers:
    """Two attributes of each pair.

    Of the first the higher number is always chosen, of the second the lower one.
    """
    rng = np.random.default_rng(0)
    left, right = (
        np.array([rng.choice(IMAGES, 2, replace=False) for _ in range(presentations)])
        .repeat(2, axis=0)
        .T
    )
    attribute = np.tile([0, 1], presentations)
    outcome = ((left > right) == (attribute == 0)).astype(np.float32)
    n, group = len(left), np.arange(presentations).repeat(2)
    return Answers(
        np.zeros(n, np.int64), attribute, left, right, outcome, np.ones(n, np.float32), group
    )


def test_that_no_image_of_a_tested_answer_was_learned_from() -> None:
    recorder, given, everything = Recorder(), said(40), set(range(IMAGES))
    none = np.zeros(IMAGES, np.int64)
    ratings = Ratings(none, none, np.arange(IMAGES), np.linspace(1, 7, IMAGES))
    margin = cross_fitted(recorder, given, ratings=ratings)  # type: ignore[arg-type]
    assert margin is not None
    assert len(recorder.learned) == len(recorder.asked) == 5
    for learned, asked in zip(recorder.learned, recorder.asked, strict=True):
        assert learned
        assert not learned & asked
    assert recorder.rated == [everything - asked for asked in recorder.asked]
    assert set.union(*recorder.asked) == {*given.left.tolist(), *given.right.tolist()}
    sign = np.where(given.attribute == 0, 1, -1)
    # each answer's own two faces, both attributes
    assert margin == pytest.approx(sign * (given.left - given.right))


def test_that_a_newcomer_s_accuracy_is_of_those_answers_and_few_are_not_tested() -> None:
    result = evaluate_adapted(Recorder(), said(40))  # type: ignore[arg-type]
    assert (result.accuracy, result.tested) == (1.0, 80)
    assert evaluate_adapted(Recorder(), said(LEAST // 2 - 1)).accuracy is None  # type: ignore[arg-type]
