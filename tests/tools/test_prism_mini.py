"""prism-mini as shipped: an open_clip CLIP that knows drawn faces; and the recipe that makes it."""

import json

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import load_file

from prism_desktop.engine import paths
from prism_desktop.engine.demo.faces import factors, sample
from prism_desktop.engine.demo.faces.pictures import jpeg
from prism_desktop.engine.events import Done
from tools.prism_mini.captions import TEMPLATES, Captioner, phrases, strengths, vocabulary
from tools.prism_mini.pretrain import CONFIG, Pretraining, Recipe, normalized, pretrain, save
from tools.prism_mini.training_faces import SIZE, DrawnFaces, augmented, drawn, seen

FOLDER = paths.resources() / "prism-mini"


@pytest.fixture(scope="module")
def shipped() -> CLIP:
    config = json.loads((FOLDER / "config.json").read_text())
    model = CLIP(**config["model_cfg"])
    model.load_state_dict(
        {name: value.float() for name, value in load_file(FOLDER / "weights.safetensors").items()}
    )
    return model.eval()


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> DrawnFaces:
    for event in drawn(24, 3, tmp_path_factory.mktemp("faces") / "faces.u8", workers=1):
        if isinstance(event, Done):
            return event.value
    raise AssertionError


def order(model: CLIP, factor: str, words: str, low: float, high: float, count: int = 40) -> float:
    """Share of pairs, alike but for one factor, that the words order rightly."""
    faces = sample(count, 123)
    pictures = [
        seen(jpeg(faces.face(row) | {factor: value}))
        for value in (low, high)
        for row in range(count)
    ]
    with torch.inference_mode():
        images = model.encode_image(normalized(np.stack(pictures)), normalize=True)
        texts = model.encode_text(
            open_clip.SimpleTokenizer()([t.format(words) for t in TEMPLATES]), normalize=True
        )
        scores = images @ texts.mean(dim=0)
    return float((scores[count:] > scores[:count]).float().mean())


@pytest.mark.parametrize(
    ("factor", "words", "low", "high"),
    [
        ("smile", "smiling", -0.4, 0.8),
        *(
            pytest.param(*each, marks=pytest.mark.soak)
            for each in (
                ("glasses", "glasses", 0.0, 0.7),
                ("hair_length", "long hair", -0.2, 0.8),
                ("eye_size", "big eyes", 0.85, 1.2),
                ("age", "older", 0.1, 0.9),
            )
        ),
    ],
)
def test_that_shipped_weights_order_faces_by_what_is_visible(shipped, factor, words, low, high):
    assert order(shipped, factor, words, low, high) >= 0.8


def test_that_shipped_files_are_small_and_match_the_recipe():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 25 * 2**20
    assert json.loads((FOLDER / "config.json").read_text()) == CONFIG
    assert {value.dtype for value in load_file(FOLDER / "weights.safetensors").values()} == {
        torch.float16
    }


def test_that_words_never_seen_have_zero_rows(shipped):
    tokenizer = open_clip.SimpleTokenizer()
    table = shipped.token_embedding.weight
    assert not table[tokenizer.encode("volcano")].any()
    assert table[tokenizer.encode("smiling")].any()
    assert (table != 0).any(dim=1).sum() == len(torch.unique(tokenizer(list(vocabulary()))))


def test_that_the_card_states_what_is_asked_of_it():
    card = (FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
    for words in (
        "smiling",
        "glasses",
        "long hair",
        "big eyes",
        "older",
        "seed",
        "Simulated faces only",
    ):
        assert words in card


def test_that_cut_texts_give_the_features_that_open_clip_gives(tmp_path):
    torch.manual_seed(0)
    model = Pretraining(Recipe()).eval()
    save(model, tmp_path)
    plain = CLIP(**CONFIG["model_cfg"]).eval()
    plain.load_state_dict(model.clip.state_dict())
    plain.token_embedding.weight.data = model.texts.full_table()
    texts = ["a smiling person", "this person looks very long haired and old"]
    with torch.inference_mode():
        assert torch.allclose(
            model.texts(texts), plain.encode_text(open_clip.SimpleTokenizer()(texts)), atol=1e-5
        )
    assert load_file(tmp_path / "weights.safetensors").keys() == plain.state_dict().keys()


@pytest.mark.soak
def test_that_pretraining_starts_and_is_repeatable(few, tmp_path):
    recipe = Recipe(steps=(2,), batch=8, texts=6, long_texts=2, warmup=1)
    for name in ("one", "two"):
        assert isinstance(list(pretrain(recipe, few, tmp_path / name))[-1], Done)
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_that_faces_are_drawn_once_and_read_back(few, tmp_path):
    file = tmp_path / "faces.u8"
    first = list(drawn(3, 5, file, workers=1))
    written = file.stat().st_mtime_ns
    again = list(drawn(3, 5, file, workers=1))
    assert (len(first), len(again)) == (2, 1)
    assert file.stat().st_mtime_ns == written
    assert few.pixels.shape == (24, SIZE, SIZE, 3)
    assert np.array_equal(few.pixels[7], seen(jpeg(sample(24, 3).face(7))))


def test_that_augmentation_only_mirrors_and_shifts(few):
    moved = augmented(np.array(few.pixels), np.random.default_rng(0))
    assert moved.shape == few.pixels.shape
    assert not np.array_equal(moved, few.pixels)
    assert abs(float(moved.mean()) - float(few.pixels.mean())) < 8


def test_that_every_phrase_is_truer_of_faces_that_have_more_of_it():
    faces = sample(400, 9)
    shown = strengths(faces.standard(), faces.factors)
    glasses = [factor.name for factor in factors()].index("glasses")
    wearing = faces.factors[:, glasses] > 0
    assert shown[wearing, glasses].min() > 0.5
    assert (shown[~wearing, glasses] == -1).all()
    assert {phrase.kind for phrase in phrases()} > {factor.name for factor in factors()}


def test_that_captions_come_with_truths_between_0_and_1():
    faces = sample(16, 9)
    captioner = Captioner(np.random.default_rng(0))
    shown = strengths(faces.standard(), faces.factors)
    for texts, truths in (captioner.singles(30, shown), captioner.several(10, shown)):
        assert truths.shape == (16, len(texts))
        assert 0 <= truths.min() <= truths.max() <= 1
        assert "{" not in "".join(texts)


@pytest.mark.soak
def test_that_measuring_reports_every_factor(shipped, tmp_path, monkeypatch):
    from tools.prism_mini import measure

    monkeypatch.setattr(measure, "HELD_OUT", 30)
    monkeypatch.setattr(measure, "_PROBED", 30)
    measured = measure.measure(FOLDER, tmp_path)
    assert set(measured.revealed) == {factor.name for factor in factors()}
    assert {row.about for row in measured.orderings} > set(measured.revealed)
    assert "| smiling | smile |" in measure.tables(measured)
