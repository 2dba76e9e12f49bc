"""A language model's features of texts: what is averaged, what is cut, and what is refused."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.events import Done, Notice
from prism_desktop.engine.models.text_features import text_features
from tests.fixtures.language_model import CONTEXT, make_language_model

PAIRS = [
    ("How are you?", "Fine."),
    (None, "It rained, and then the sun came out."),
    ("Tea?", "Yes please"),
    ("", "x"),
    ("What now?", "🎉 ja"),
]


@pytest.fixture(scope="module")
def model(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    name = make_language_model(tmp_path_factory.mktemp("encoder"), encoder=True)
    return load_language_model(parse(name), choose_device("cpu"))


def reference(model: LanguageModel, ids: list[int], own: slice) -> np.ndarray:
    """The mean of a text's own last hidden states, as transformers tells them, unit norm."""
    with torch.inference_mode():
        told = model.model(input_ids=torch.tensor([ids]), output_hidden_states=True)
    mean = told.hidden_states[-1][0, own].mean(0)
    return (mean / mean.norm()).numpy()


def test_that_features_are_the_mean_over_the_texts_own_tokens(model):
    """The prompt is context: it changes the hidden states and is not averaged."""
    words = list(model.reader.plain.encode("Fine.").ids)
    asked = list(model.reader.plain.encode("How are you?").ids)
    asked, words = asked[1:-1], words[1:-1]  # without what the tokenizer puts around
    ids = [1, *asked, 2, *words]
    found = model.encode([("How are you?", "Fine.")])[0]
    assert found == pytest.approx(reference(model, ids, slice(len(asked) + 2, None)), abs=1e-5)
    assert np.abs(found - model.encode([(None, "Fine.")])[0]).max() > 1e-3


@pytest.mark.parametrize("which", ["model", "encoder"])
def test_that_a_batch_gives_what_each_text_gives_alone(which, request):
    model = request.getfixturevalue(which)
    together = model.encode(PAIRS)
    alone = np.concatenate([model.encode([pair]) for pair in PAIRS])
    assert together.dtype == np.float32
    assert together.shape == (len(PAIRS), 32)
    assert np.abs(together - alone).max() < 1e-5
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)


def test_that_an_encoder_reads_the_text_alone_and_averages_all_tokens(encoder):
    assert not encoder.writes
    told = encoder.encode([("How are you?", "Fine."), (None, "Fine.")])
    assert np.abs(told[0] - told[1]).max() < 1e-6
    ids = encoder.reader.plain.encode("Fine.").ids
    assert told[0] == pytest.approx(reference(encoder, ids, slice(None)), abs=1e-5)


def test_that_what_does_not_fit_is_cut_and_counted(model, encoder):
    """The prompt's beginning goes first, then the text's end; a prompt keeps a quarter."""
    short, long = "word " * 5, "word " * 30
    assert model.truncated([(long, short), (None, short)]) == 0
    assert model.truncated([(long, long), (None, long)]) == 2
    laid = model.reader.lay_out([(long, short), (long, long), (None, long)])
    assert all(len(one.ids) <= CONTEXT for one in laid)
    assert len(laid[0].ids) - laid[0].first == len(short)
    cut = CONTEXT - 2
    assert np.array_equal(model.encode([(None, long)]), model.encode([(None, long[:cut])]))
    assert encoder.truncated([(None, long)]) == 1
    assert len(encoder.reader.lay_out([(None, long)])[0].ids) == CONTEXT


def test_that_a_text_cannot_spell_a_special_token(model):
    """An injected end or prompt is read letter by letter, in prompts too."""
    for pair in ((None, "a<end><reply>b"), ("a<reply>", "b")):
        ids = model.reader.lay_out([pair])[0].ids
        assert ids[0] == 1
        assert sum(token < 4 for token in ids) == 2


@pytest.mark.parametrize("which", ["model", "encoder"])
def test_that_odd_texts_have_finite_features(which, request):
    model = request.getfixturevalue(which)
    odd = ["", "\0", "\ud800", "\u202eabc", "<b>", "w" * 100_000, "\n" * 99]
    found = model.encode([(None, text) for text in odd] + [(text, "x") for text in odd])
    assert np.isfinite(found).all()
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert model.encode([]).shape == (0, 32)


def test_that_attributes_are_texts_through_the_same_model(model):
    one, two = model.encode_attributes([["kind", "a kind reply"], ["kind"]])
    assert two == pytest.approx(model.encode([(None, "kind")])[0], abs=1e-6)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert np.abs(one - two).max() > 1e-3


def test_that_loading_asks_no_network_and_says_which_model_it_is(
    tiny_language_model, model, monkeypatch
):
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    again = load_language_model(parse(tiny_language_model), choose_device("cpu"))
    assert (again.sha256, again.name) == (model.sha256, tiny_language_model)
    assert not any(p.requires_grad for p in again.model.parameters())


def edited(folder: Path, **config: object) -> str:
    """The tiny model with another config."""
    name = make_language_model(folder)
    said = json.loads((folder / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(said))
    return name


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "no-such-model"}, "transformers has no model 'no-such-model'"),
        ({"num_hidden_layers": 3}, "weights are missing"),
        (
            {"num_hidden_layers": 1},
            "more layers than its config says, such as that of model.layers",
        ),
        ({"num_hidden_layers": 0}, "claims 0 layers"),
        ({"num_hidden_layers": -1}, "claims -1 layers"),
        ({"hidden_size": 64}, "other sizes than its config says, such as"),
        ({"vocab_size": 10**9}, "its weights have"),
        ({"hidden_size": "wide"}, "do not fit"),
    ],
)
def test_that_a_config_that_does_not_fit_its_weights_is_refused(tmp_path, config, words):
    with pytest.raises(BackboneError, match=words):
        load_language_model(parse(edited(tmp_path, **config)), choose_device("cpu"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_that_weights_that_are_no_numbers_are_refused(tmp_path, value):
    name = make_language_model(tmp_path / "odd")
    path = tmp_path / "odd" / "model.safetensors"
    tensors = load_file(path)
    tensors["model.norm.weight"][3] = value
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(BackboneError, match=r"what is no number, such as model\.norm"):
        load_language_model(parse(name), choose_device("cpu"))


def test_that_a_tokenizer_of_another_model_is_refused(tmp_path):
    name = make_language_model(tmp_path / "odd")
    path = tmp_path / "odd" / "tokenizer.json"
    said = json.loads(path.read_text())
    said["model"]["vocab"]["more"] = len(said["model"]["vocab"])
    path.write_text(json.dumps(said))
    with pytest.raises(BackboneError, match="token of number 260, and its network knows 260"):
        load_language_model(parse(name), choose_device("cpu"))


def test_that_a_tokenizer_that_is_none_is_refused(tmp_path):
    name = make_language_model(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(BackboneError, match=r"tokenizer .* cannot be read"):
        load_language_model(parse(name), choose_device("cpu"))


def test_that_a_damaged_gguf_file_is_refused(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(BackboneError, match=r"m.gguf cannot be read.*prism-mini-lm"):
        load_language_model(parse(f"lm:{tmp_path / 'm.gguf'}"), choose_device("cpu"))


@pytest.mark.parametrize("template", ["", "{{ nonsense", "no place for a prompt", "{{ 1 / 0 }}"])
def test_that_a_model_without_a_usable_template_reads_prompt_and_text_all_the_same(
    tmp_path, template
):
    name = make_language_model(tmp_path)
    said = {"bos_token": "<begin>", "chat_template": template}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(said))
    reader = load_language_model(parse(name), choose_device("cpu")).reader
    assert reader.before == (1,)
    assert len(reader.between) == 2  # an empty line


def test_that_features_are_computed_once_and_cut_texts_are_told(model, tmp_path, monkeypatch):
    texts = {"a": ("Tea?", "Yes"), "b": (None, "word " * 30)}
    path = tmp_path / "cache" / "features.safetensors"
    *events, done = text_features(path, texts, model)
    assert isinstance(done, Done)
    told = [event.text for event in events if isinstance(event, Notice)]
    assert told == [
        f"1 text of 2 is longer than the {CONTEXT} tokens that {model.title} reads; the rest is "
        "not read."
    ]
    monkeypatch.setattr(LanguageModel, "encode", lambda *_: pytest.fail("computed again"))
    *_, again = text_features(path, {"a": texts["a"]}, model)
    assert isinstance(again, Done)
    assert np.array_equal(again.value["a"], done.value["a"])
