"""Scores are the same in whatever order images and labelers pass."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.events import Progress
from prism_desktop.engine.methods import method
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.histories import Episodes, gather_history
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.text_tokens import UserWords
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training import scoring
from prism_desktop.engine.training.pair_loss import PairLoss
from prism_desktop.engine.training.resources import Pixels
from prism_desktop.engine.training.scoring import Scorer, score_all
from prism_desktop.engine.training.tally import Tally

CODES = [f"L{number}" for number in range(5)]
NAMES = ["smart", "kind"]
TEXTS = [(name,) for name in NAMES]
IMAGES = 30
GROUPS = np.eye(2, dtype=np.float32)[[0, 1, 0, 0, 1]]


class Counted:
    """Pixels that know how often each image was taken."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        array = rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
        self.pixels, self.taken = Pixels(array, np.arange(IMAGES)), np.zeros(IMAGES, int)

    def __len__(self) -> int:
        return IMAGES

    def take(self, images: Ints, flips: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[Any]:
        np.add.at(self.taken, images, 1)
        return self.pixels.take(images, flips)


def scorer_of(name: str, backbone: Backbone, trunk: int) -> Scorer:
    context = LabelerContext(shares=GROUPS) if name == "cluster-prefix" else LabelerContext()
    model = PersonalClip(
        backbone, 5, method=method(name), context=context, token_std=1.0, trunk=trunk
    )
    return Scorer(model, TEXTS, Counted())


def scores_of(scorer: Scorer, images: Ints | None = None) -> npt.NDArray[np.float32]:
    events = list(score_all(scorer, CODES, images))
    told = [event for event in events if isinstance(event, LabelerScores)]
    assert [one.labeler for one in told] == CODES
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert last.done == last.total
    return np.stack([one.scores for one in told])


@pytest.mark.parametrize("trunk", [0, 1])
@pytest.mark.parametrize("name", ["lora-visual-prompt", "cluster-prefix", "consensus"])
def test_that_each_image_is_taken_once_and_scored_as_by_one_labeler_after_the_other(
    name: str, trunk: int, backbone: Backbone
) -> None:
    scorer = scorer_of(name, backbone, trunk)
    found = scores_of(scorer)
    assert isinstance(scorer.inputs, Counted)
    assert (scorer.inputs.taken == 1).all()
    pixels = scorer.model.prepare(scorer.inputs.take(np.arange(IMAGES)))
    with torch.no_grad():
        alone = [scorer.model(pixels, torch.full((IMAGES,), row), TEXTS) for row in range(5)]
    assert np.allclose(found, torch.stack(alone), atol=1e-4)
    some = np.array([7, 3, 22])
    assert np.allclose(scores_of(scorer, some), found[:, some], atol=1e-4)
    different = len({row.tobytes() for row in found})
    assert different == {"lora-visual-prompt": 5, "cluster-prefix": 2, "consensus": 1}[name]


def test_that_more_labelers_than_a_pass_has_rows_are_scored_as_few(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = scorer_of("lora-visual-prompt", backbone, 1)
    found = scores_of(scorer)
    monkeypatch.setattr(scoring, "ROWS", 3)
    monkeypatch.setattr(scoring, "HELD", 20)  # four images
    assert np.allclose(scores_of(scorer), found, atol=1e-4)


def test_that_a_tally_of_answers_is_that_of_each_alone(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, rng = scorer_of("lora-visual-prompt", backbone, 1), np.random.default_rng(1)
    n = 40
    answers = Answers(
        np.sort(rng.integers(5, size=n)), rng.integers(2, size=n), rng.integers(15, size=n),
        rng.integers(15, IMAGES, size=n), rng.integers(2, size=n).astype(np.float32),
        np.ones(n, np.float32), np.arange(n),
    )  # fmt: skip
    monkeypatch.setattr(scoring, "ROWS", 8)
    loss = PairLoss(ties=False)
    told = scorer.tally(answers, loss, Tally(CODES, NAMES))
    scores = scores_of(scorer)
    left = scores[answers.labeler, answers.left, answers.attribute]
    right = scores[answers.labeler, answers.right, answers.attribute]
    difference = torch.from_numpy(left - right)
    expected = Tally(CODES, NAMES)
    outcome = torch.from_numpy(answers.outcome)
    expected.add(
        answers.labeler,
        answers.attribute,
        loss(difference, outcome).double().numpy(),
        scoring.correct(difference, outcome).double().numpy(),
    )
    assert np.allclose(told.sums, expected.sums, atol=1e-3)


def reading_scorer(name: str, backbone: Backbone) -> Scorer:
    """Of labelers with ten answers each."""
    rng, each = np.random.default_rng(0), 10
    labeler, n = np.repeat(np.arange(5), each), 5 * each
    answers = Answers(
        labeler, rng.integers(2, size=n), rng.integers(15, size=n),
        rng.integers(15, IMAGES, size=n), rng.integers(2, size=n).astype(np.float32),
        np.ones(n, np.float32), np.arange(n),
    )  # fmt: skip
    history, answer = gather_history(answers, 5)
    context = LabelerContext(
        history=history,
        answer=answer,
        features=rng.normal(size=(IMAGES, 6)).astype(np.float32),
        attribute_vectors=rng.normal(size=(2, backbone.embed_dim)).astype(np.float32),
    )
    known = LabelerContext() if name == "hybrid-prompt" else context
    model = PersonalClip(backbone, 5, method=method(name), context=known, token_std=1.0)
    for gate in (one for key, one in model.named_parameters() if key.endswith("gamma")):
        gate.data.fill_(1.0)
    return Scorer(model, TEXTS, Counted())


def count_readings(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many labelers' histories, or words, each reading is of, from now on."""
    found: list[int] = []
    shown, words = Episodes.shown, UserWords.forward

    def count_shown(self: Episodes, labelers: Sequence[int]) -> Any:
        found.append(len(labelers))
        return shown(self, labelers)

    def count_words(self: UserWords, clip: Any, texts: Any, labelers: torch.Tensor) -> Any:
        found.append(len(labelers))
        return words(self, clip, texts, labelers)

    monkeypatch.setattr(Episodes, "shown", count_shown)
    monkeypatch.setattr(UserWords, "forward", count_words)
    return found


@pytest.mark.parametrize("rows", [10, 3])  # two images of a pass, and some labelers of one
@pytest.mark.parametrize(
    "name", ["persoma-perceiver", "persoma-mlp", "gated-memory", "hybrid-prompt"]
)
def test_that_what_a_model_reads_of_labelers_is_read_once_for_all_images(
    name: str, rows: int, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = reading_scorer(name, backbone)
    model = scorer.model
    pixels = model.prepare(scorer.inputs.take(np.arange(IMAGES)))
    alone = [model(pixels, torch.full((IMAGES,), row), TEXTS).detach() for row in range(5)]
    monkeypatch.setattr(scoring, "ROWS", rows)
    monkeypatch.setattr(scoring, "HELD", 20)  # four of a part
    read = count_readings(scorer, monkeypatch)
    found = scores_of(scorer)
    if rows == 10 or name != "gated-memory":  # whose memory is large, and kept for one pass's
        assert sum(read) == 5
    assert np.allclose(found, torch.stack(alone), atol=1e-4)
    assert len({row.tobytes() for row in found}) == 5
    with torch.no_grad():
        again = model(pixels, torch.full((IMAGES,), 3), TEXTS).numpy()
    assert np.allclose(again, found[3], atol=1e-4)

    # what was read goes with what it was read by
    own = [one for key, one in model.named_parameters() if key.startswith(("prompts", "words"))]
    own += [one for key, one in model.named_parameters() if key.startswith("memory")]
    optimizer = torch.optim.AdamW([one for one in own if one.requires_grad], lr=0.1)
    model(pixels, torch.arange(IMAGES) % 5, TEXTS).pow(2).sum().backward()
    optimizer.step()
    with torch.no_grad():
        later = model(pixels, torch.full((IMAGES,), 3), TEXTS).numpy()
    fresh = model(pixels, torch.full((IMAGES,), 3), TEXTS).detach().numpy()
    assert np.allclose(later, fresh, atol=1e-4)
    assert not np.allclose(later, again, atol=1e-3)
