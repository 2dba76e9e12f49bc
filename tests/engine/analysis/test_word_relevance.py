"""Which words matter: gradients that are known in closed form, words that were planted, and what is
refused."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from prism_desktop.engine.analysis.map_requests import find_text
from prism_desktop.engine.analysis.mean_word_relevance import MeanWordRelevance
from prism_desktop.engine.analysis.mean_word_relevance_rules import (
    MeanWordRequest,
    mean_word_relevance,
)
from prism_desktop.engine.analysis.relevance_rules import explain_run
from prism_desktop.engine.analysis.target_reading import TextModel
from prism_desktop.engine.analysis.word_deletion import WordTests, delete_words, judge_deletion
from prism_desktop.engine.analysis.word_relevance import WordRelevance
from prism_desktop.engine.analysis.word_relevance_rules import explain_text_run, explain_texts
from prism_desktop.engine.analysis.word_units import TextWord, joined, without_words, words_of
from prism_desktop.engine.backbones import parse
from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.models.predictor import load_predictor
from prism_desktop.engine.runs.folder import RunFolder


@pytest.fixture
def run(text_run: RunFolder) -> RunFolder:
    return text_run


class LinearReader(nn.Module):
    """Hidden states that are the input embeddings themselves."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(table)
        self.base_model = self._states

    def get_input_embeddings(self) -> nn.Embedding:
        return self.table

    def _states(self, attention_mask, input_ids=None, inputs_embeds=None):
        states = self.table(input_ids) if inputs_embeds is None else inputs_embeds
        return SimpleNamespace(last_hidden_state=states)


def test_that_gradient_times_input_is_the_closed_form_of_a_linear_reader(tiny_language_model):
    """f = m / |m| of the mean m of T embeddings: df.w / de = (w - (f.w) f) / (T |m|)."""
    whole = load_language_model(parse(tiny_language_model), choose_device("cpu"))
    table = whole.model.get_input_embeddings().weight.detach()
    toy = LanguageModel("lm:toy", LinearReader(table), whole.reader, 32, "", True, whole.device)
    w = np.random.default_rng(0).normal(size=32).astype(np.float32)
    pair = ("Tea?", "Yes please")
    (laid,) = whole.reader.lay_out([pair])
    own = table[laid.ids[laid.first :]].numpy()
    mean = own.mean(0)
    f = mean / np.linalg.norm(mean)
    gradient = (w - (f @ w) * f) / (len(own) * np.linalg.norm(mean))
    (found,) = toy.token_relevance([pair], w[None])
    assert found[laid.words] == pytest.approx(own @ gradient, abs=1e-6)
    assert found[: laid.first] == pytest.approx(0, abs=1e-7)  # a prompt is not read here
    # of first order, and f does not change with the length of m: nothing is left over
    assert found.sum() == pytest.approx(0, abs=1e-6)


def test_that_integrated_gradients_add_up_to_the_difference_of_scores(tiny_language_model):
    model = load_language_model(parse(tiny_language_model), choose_device("cpu"))
    w = np.random.default_rng(1).normal(size=32).astype(np.float32)
    pair = (None, "Yes please!")
    (laid,) = model.reader.lay_out([pair])
    (found,) = model.token_relevance([pair], w[None], steps=128)
    table = model.model.get_input_embeddings().weight.detach()
    put_in = table[laid.ids].clone()
    put_in[laid.words] = table.mean(0)
    with torch.no_grad():
        states = model.model.base_model(inputs_embeds=put_in[None]).last_hidden_state[0]
    mean = states[laid.first :].mean(0).numpy()
    without = w @ mean / np.linalg.norm(mean)
    assert found.sum() == pytest.approx(w @ model.encode([pair])[0] - without, abs=2e-2)
    assert not found[: laid.first].any()


def test_that_differences_give_the_gradient_of_linear_heads_through_their_own_scores(run):
    model = TextModel.of(load_predictor(run.path, "cpu"))
    heads = model.predictor.loaded.heads
    reading, width = model.reading("L1", "kind"), 32
    feature = reading.encode([(None, "Yes, gladly")])[0]
    exact = heads.space.axes @ heads.mean[0, 0] * heads.factor()[0, 0]
    assert reading.gradient(feature, {}) == pytest.approx(exact, abs=1e-3)
    apart = model.reading("L1", "kind", "L2")
    other = heads.space.axes @ heads.mean[1, 0] * heads.factor()[1, 0]
    assert apart.gradient(feature, {}) == pytest.approx(exact - other, abs=1e-3)
    assert exact.shape == (width,)


def test_that_words_are_taken_out_whole_with_their_space_and_marks_stand_for_themselves():
    text = "Hm, it's well-known!! 🎉 日本"
    words = words_of(text)
    told = [word.text for word in words]
    assert told == ["Hm", ",", "it's", "well-known", "!!", "🎉", "日", "本"]
    assert "".join(text.split()) == "".join(told)
    kept = np.array([word.text not in {"it's", "🎉"} for word in words])
    assert without_words(text, words, kept) == "Hm, well-known!! 日本"
    assert without_words("a b .", words_of("a b ."), np.array([True, False, True])) == "a."
    assert without_words("a", words_of("a"), np.array([False])) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("मुझे यह पसंद है", ["मुझे", "यह", "पसंद", "है"]),
        ("e\u0301tude, e\u0301te\u0301", ["e\u0301tude", ",", "e\u0301te\u0301"]),
        ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
        ("น้ำใจ", ["น้", "ำ", "ใ", "จ"]),
        ("ខ្ញុំ", ["ខ្", "ញុំ"]),
        ("so ❤\ufe0f", ["so", "❤\ufe0f"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
    ],
)
def test_that_signs_that_are_set_on_letters_stay_with_them(text: str, words: list[str]) -> None:
    assert [word.text for word in words_of(text)] == words


def test_that_tokens_add_up_to_words_and_what_was_not_read_is_unknown():
    words = (TextWord("ab", 0, 2), TextWord("!", 2, 3), TextWord("cd", 4, 6), TextWord("e", 7, 8))
    letters = [(0, 1), (1, 3), (3, 4), (3, 5), (5, 6)]
    found = joined(words, letters, np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    # the second token lies as much in "ab" as in "!", and a space belongs to the word after it
    assert found[[0, 2]] == pytest.approx([3.0, 28.0])
    assert np.isnan(found[[1, 3]]).all()


def planted(n: int, seed: int, *, known: bool) -> WordTests:
    """Tests of maps of n texts of 16 words, three of which alone matter; maps know them, or not."""
    rng = np.random.default_rng(seed)
    several = []
    for text in range(n):
        worth = np.zeros(16)
        worth[rng.choice(16, 3, replace=False)] = 1.0
        values = worth + 0.1 * rng.normal(size=16) if known else rng.normal(size=16)
        several.append(delete_words(lambda kept, w=worth: kept @ w, values, seed=(seed, text)))
    return WordTests.joined(several)


def test_that_the_deletion_test_tells_planted_words_from_random_ones():
    found = judge_deletion(planted(40, 1, known=True))
    assert found.supported
    assert found.passed >= 36
    # without 2, 4 and 8 of 16 words: of 3 worth one each 2, 3 and 3 are gone, by chance 7/24
    assert found.fall == pytest.approx(8 / 3, abs=0.05)
    assert found.margins[0].mean == pytest.approx(8 / 3 - 3 * 7 / 24, abs=0.15)
    blind = judge_deletion(planted(40, 2, known=False))
    assert not blind.supported
    assert blind.passed <= 8


def test_that_few_texts_are_too_few_to_tell_whatever_their_maps_do():
    found = judge_deletion(planted(8, 1, known=True))
    assert not found.supported
    assert found.told().startswith("Too few to tell: ")
    short = delete_words(lambda kept: kept.sum(1), np.arange(3.0))
    assert not short.tested[0]
    assert not short.passes[0]


def test_that_texts_of_one_prompt_are_drawn_together():
    tests = planted(40, 1, known=True)
    alone, together = judge_deletion(tests), judge_deletion(tests, ["p"] * 20 + ["q"] * 20)
    assert (alone.prompts, together.prompts) == (40, 2)


@pytest.mark.parametrize("kind", ["occlusion", "integrated-gradients", "gradient-input"])
def test_that_a_map_of_a_text_is_tested_and_comes_back_from_its_file(run, kind, tmp_path: Path):
    name = str(run.table("images")["name"].iloc[0])
    found = explain_text_run(run.path, name, ("L1", "kind", kind, ""))
    assert len(found.relevance) == len(found.words) > 3
    assert "random words" in found.verdict()
    found.save(tmp_path / "map.npz")
    again = WordRelevance.load(tmp_path / "map.npz")
    assert again.told() == found.told()
    assert (again.prompt, again.text, again.words) == (found.prompt, found.text, found.words)


def test_that_occlusion_is_what_each_word_alone_does_to_the_predicted_score(run):
    model = TextModel.of(load_predictor(run.path, "cpu"))
    text = find_text(run.path, str(run.table("images")["name"].iloc[0]))
    found = explain_texts(model, text, None, ("L2", "clear", "occlusion", ""), check=False)
    kept = np.ones(len(found.words), bool)
    kept[2] = False
    reading = model.reading("L2", "clear")
    less = reading.encode([(text.pair[0], without_words(text.pair[1], found.words, kept))])
    assert found.relevance[2] == pytest.approx(found.score - reading.scores(less, {})[0], abs=1e-5)


def test_that_a_pair_has_the_second_texts_map_turned_round(run):
    names = [str(name) for name in run.table("images")["name"][:2]]
    whose = ("L1", "kind", "occlusion", "")
    pair, alone = (
        explain_text_run(run.path, names[0], whose, names[1]),
        [explain_text_run(run.path, name, whose) for name in names],
    )
    assert pair.other is not None
    assert pair.other.relevance == pytest.approx(-alone[1].relevance, abs=1e-5)
    assert pair.score == pytest.approx(alone[0].score - alone[1].score, abs=1e-5)


def test_that_maps_of_many_texts_are_kept_whole_and_say_first_that_they_are_too_few(
    run, tmp_path: Path
):
    model = TextModel.of(load_predictor(run.path, "cpu"))
    found = outcome(mean_word_relevance(run, model, MeanWordRequest("L1", "kind", 8)))
    assert found.answer("Ada").startswith("Too few to tell")
    assert len(found.texts) == 8
    assert set(found.told()["passed"]) <= {True, False}
    found.save(tmp_path / "many.npz")
    again = MeanWordRelevance.load(tmp_path / "many.npz")
    assert again.told() == found.told()
    assert len(again.of(3)) == again.sizes[3]


@pytest.mark.parametrize(
    ("text", "whose", "why"),
    [
        ("nobody", ("L1", "kind", "occlusion", ""), "no text 'nobody'"),
        ("reply-000", ("L9", "kind", "occlusion", ""), "no labeler 'L9'"),
        ("reply-000", ("L1", "smart", "occlusion", ""), "no attribute 'smart'"),
        ("reply-000", ("L1", "kind", "legrad", ""), "no map 'legrad' of texts"),
        ("reply-000", ("L1", "kind", "occlusion", "L1"), "does not differ from themselves"),
    ],
)
def test_that_what_is_not_there_is_refused_in_a_sentence(run, text, whose, why):
    with pytest.raises(InputError, match=why):
        explain_text_run(run.path, text, whose)


def test_that_maps_over_pictures_lead_to_words_instead(run):
    with pytest.raises(InputError, match="this run is of texts"):
        explain_run(run.path, "L1", "kind", "reply-000")
