"""Texts of training people behind varied prompts and behind texts of theirs."""

import numpy as np
import pytest

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts, WritingMeta
from prism_desktop.engine.writing.varied_prompts import (
    missing,
    texts_of_epoch,
    told_of_varied,
    varied_prompt,
)
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


@pytest.fixture
def texts() -> OwnTexts:
    """Of two known people, one of whom has a single text without a prompt, and of one held out."""
    people = (PersonFacts(code="a"), PersonFacts(code="b"), PersonFacts(code="c", held_out=True))
    pairs = (("How are you?", "fine"), ("Are you in?", "yes"), ("test", "secret"), (None, "alone"),
             ("Who is it?", "late"))  # fmt: skip
    split = ("train", "train", "test", "train", "train")
    return OwnTexts(WritingMeta(people=people), (0, 0, 0, 1, 2), pairs, split)


def _model(base: LanguageModel, method: str) -> WriterModel:
    config = WritingConfig.of(method, {}, ["target=9", "prefix=2"])
    return WriterModel(base, writing_method(method), config, 2)


def test_that_people_get_their_own_words_up_to_the_target(
    base: LanguageModel, texts: OwnTexts
) -> None:
    found = texts_of_epoch(_model(base, "augmented"), texts, np.random.default_rng(1))
    assert missing(texts, 9) == {0: 7, 1: 0}
    assert [one.row for one in found[:3]] == [0, 1, 3]
    assert len(found) == 3 + 7
    assert all(one.pair[1] == texts.pairs[one.row][1] for one in found)
    read = {pair for one in found for pair in (one.pair, *one.before)}
    assert not {"secret", "late"} & {text for _, text in read}
    assert all(one.pair != before for one in found for before in one.before)
    varied = [one for one in found[3:] if not one.before]
    assert any(one.pair[0] != texts.pairs[one.row][0] for one in varied)


def test_that_what_is_varied_is_told_and_nothing_is_where_no_method_asks_for_it(
    base: LanguageModel, texts: OwnTexts
) -> None:
    (told,) = told_of_varied(_model(base, "augmented"), texts)
    assert "adds 7 texts to the 3" in told
    plain = _model(base, "prefix-on-unified")
    assert told_of_varied(plain, texts) == ()
    assert len(texts_of_epoch(plain, texts, np.random.default_rng(1))) == 3


def test_that_a_varied_prompt_has_no_words_of_others_and_some_of_its_own() -> None:
    prompt = "Would you like to come to the lake with us on Monday?"
    draw = np.random.default_rng(0)
    found = {varied_prompt(prompt, draw) for _ in range(40)}
    words = {word.lower().strip("?") for word in prompt.split()}
    assert len(found) > 20
    assert all({word.lower().strip("?") for word in one.split()} <= words for one in found)
    assert varied_prompt("?!", np.random.default_rng(3)) == "?!"
