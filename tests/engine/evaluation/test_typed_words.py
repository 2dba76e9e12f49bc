"""Words that nobody labeled, of texts: the frozen model's cosines, used only where labeled
attributes' own words hold."""

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.adaptation.predictions import predictions
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation import typed_words
from prism_desktop.engine.evaluation.typed_words import words_alone, words_hold
from prism_desktop.engine.events import outcome
from prism_desktop.engine.experiments.word_report import WordArguments, told_words, word_report
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.image_scoring import score_images
from prism_desktop.engine.models.predictor import load_predictor
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.engine.stimulus_words import TEXTS


def returned(events):
    """What a generator returns."""
    try:
        while True:
            next(events)
    except StopIteration as end:
        return end.value


def test_that_words_are_scored_by_the_cosine_of_their_sentences_and_labeled_ones_by_heads(text_run):
    model = load_predictor(text_run.path, "cpu")
    ids = [str(image) for image in text_run.table("images")["image"]]
    files = dict.fromkeys(ids, text_run.path)
    found = outcome(score_images(text_run.path, model, files, ["L1", "L2"], ["warm", "kind"]))
    texts = text_run.texts()
    features = model.backbone.encode([texts[key] for key in ids])
    said = model.backbone.encode([(None, each) for each in sentences("warm", TEXTS.templates)])
    direction = said.mean(0) / np.linalg.norm(said.mean(0))
    assert found[0, 0] == pytest.approx(features @ direction, abs=1e-5)
    assert np.array_equal(found[0, 0], found[1, 0])  # no labeler enters
    heads = outcome(score_images(text_run.path, model, files, ["L1", "L2"], ["kind"]))
    assert found[:, 1] == pytest.approx(heads[:, 0], abs=1e-5)


@pytest.mark.parametrize(
    ("low", "n", "holds"), [(0.51, 60, True), (0.49, 60, False), (0.9, 20, False), (None, 0, False)]
)
def test_that_words_hold_where_each_labeled_ones_do_beyond_chance_on_answers_enough(low, n, holds):
    sure = Accuracy(accuracy=0.8, low=0.7, high=0.9, n=200)
    accuracy = None if low is None else low + 0.05
    other = Accuracy(accuracy=accuracy, low=low, high=accuracy and accuracy + 0.05, n=n)
    assert words_hold({"kind": sure, "clear": other}) is holds
    assert not words_hold({})


def test_that_words_are_refused_at_every_door_where_they_do_not_hold(text_run):
    for door in (
        lambda: outcome(predictions(text_run, None, "warm")),
        lambda: outcome(word_report(WordArguments(run=text_run.path, words=("warm",)))),
    ):
        with pytest.raises(InputError, match="Words that nobody labeled are not used here"):
            door()
    report = outcome(word_report(WordArguments(run=text_run.path)))
    assert not report.unchecked
    assert told_words(report).startswith("Asked by its word alone, the frozen language model")
    assert "not used here" in report.refused


def test_that_words_that_tell_answers_are_let_in(
    text_run: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    """Held-out answers that follow the cosine with the attribute's own word."""
    alone = returned(words_alone(text_run, ["kind"]))
    scores = dict(zip(alone.images, alone.array[0, 0], strict=True))
    rng = np.random.default_rng(0)
    rows = []
    for number in range(120):
        left, right = rng.choice(list(scores), 2, replace=False)
        rows.append((f"t{number}", "L1", "kind", left, right, float(scores[left] > scores[right])))
    head = ["trial", "labeler", "attribute", "left", "right", "outcome"]
    made = pd.DataFrame(rows, columns=head).assign(split="test", weight=1.0)
    whole = text_run.table("pairs").iloc[:0]
    made = made.assign(**{name: 0 for name in whole.columns if name not in made})[whole.columns]
    real = RunFolder.table

    def table(self: RunFolder, name: str) -> pd.DataFrame:
        return made if name == "pairs" else real(self, name)

    monkeypatch.setattr(RunFolder, "table", table)
    found = returned(typed_words.word_accuracies(text_run))
    assert found["kind"].accuracy == 1.0
    assert words_hold({"kind": found["kind"]})
    assert found["clear"].accuracy is None
