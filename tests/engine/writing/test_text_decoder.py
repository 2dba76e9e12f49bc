"""Texts of several people written in one pass, with and without kept keys and values."""

from collections.abc import Sequence

import pytest
import torch

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS, writing_method
from prism_desktop.engine.runs.decoding import Decoding
from prism_desktop.engine.writing.key_value_cache import KeptPrefixes, keeps_states
from prism_desktop.engine.writing.soft_prefixes import Written
from prism_desktop.engine.writing.text_decoder import StartedText, decode
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig

PEOPLE = 3
SHORT = Decoding(most_tokens=10)


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


def _model(base: LanguageModel, name: str) -> WriterModel:
    """A model whose numbers are drawn, so that people differ."""
    config = WritingConfig.of(name, {"rank": 2}, ["prefix=2"])
    model = WriterModel(base, writing_method(name), config, PEOPLE)
    generator = torch.Generator().manual_seed(1)
    for one in model.parameters():
        one.data += torch.randn(one.shape, generator=generator)
    if model.prefix is not None:
        model.kept[1] = False  # somebody is served without soft tokens
    return model


def _written(base: LanguageModel, texts: Sequence[StartedText]) -> Written:
    items = torch.randn(PEOPLE, 4, base.width, generator=torch.Generator().manual_seed(2))
    who = torch.tensor([one.place for one in texts])
    return Written(items[who], torch.ones(len(texts), 4), items[who, 0])


def _texts(base: LanguageModel) -> list[StartedText]:
    """Two prompts as everybody, of unlike lengths, one behind a context that is shared."""
    found = []
    for place in range(PEOPLE):
        for number, prompt in enumerate(("so?", "a longer question")):
            before = list(base.reader.plain.encode("seen " * place).ids)
            laid = base.reader.lay_out([(prompt, "")])[0].ids
            shared = len(before) + len(base.reader.before)
            found.append(StartedText([*before, *laid], shared, place, 12, seed=7 * place + number))
    return found


def _made(
    model: WriterModel, texts: Sequence[StartedText], how: Decoding, **given: object
) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    written = _written(model.base, texts)
    for ended in decode(model, texts, written, how, **given):  # type: ignore[arg-type]
        found |= dict(ended)
    return [found[place] for place in range(len(texts))]


@pytest.mark.parametrize("name", sorted(WRITING_METHODS))
def test_that_kept_states_give_the_tokens_of_reading_all_again(
    base: LanguageModel, name: str
) -> None:
    assert keeps_states(base.model)
    model, texts = _model(base, name), _texts(base)
    again = _made(model, texts, SHORT, cached=False)
    assert _made(model, texts, SHORT) == again
    assert any(again)


def test_that_greedy_tokens_are_the_likeliest_of_the_models_own_logits(
    base: LanguageModel,
) -> None:
    model, text = _model(base, "prefix-on-unified"), _texts(base)[0]
    ids = list(text.ids)
    for _ in range(SHORT.most_tokens):
        tokens, who = torch.tensor([ids]), torch.tensor([0])
        logits = model.logits(tokens, torch.ones_like(tokens), who, None, soft=True)
        token = int(logits[0, -1].argmax())
        if token in base.reader.after:
            break
        ids.append(token)
    assert _made(model, [text], SHORT) == [ids[len(text.ids) :]]


def test_that_a_beginning_is_read_once_for_all_prompts_of_a_person(
    base: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, texts, kept = _model(base, "prefix-on-unified"), _texts(base), KeptPrefixes()
    asked: list[int] = []
    ahead = WriterModel.ahead

    def counted(self: WriterModel, who: torch.Tensor, written: Written | None) -> torch.Tensor:
        asked.extend(who.tolist())
        return ahead(self, who, written)

    monkeypatch.setattr(WriterModel, "ahead", counted)
    first = _made(model, texts, SHORT, kept=kept)
    assert sorted(asked) == [0, 2]  # 1 has no soft tokens
    assert _made(model, texts, SHORT, kept=kept) == first
    assert sorted(asked) == [0, 2]


def test_that_what_is_drawn_follows_from_the_seed_of_each_text_alone(base: LanguageModel) -> None:
    model, texts = _model(base, "user-embedding"), _texts(base)
    how = Decoding(temperature=2.0, top_p=0.9, most_tokens=6)
    together = _made(model, texts, how)
    assert together == [_made(model, [one], how)[0] for one in texts]
    assert together != _made(model, texts, SHORT)
    likeliest = Decoding(temperature=2.0, top_p=1e-9, most_tokens=10)
    assert _made(model, texts, likeliest) == _made(model, texts, SHORT)


def test_that_more_texts_than_one_pass_holds_are_all_written(base: LanguageModel) -> None:
    model, texts = _model(base, "consensus"), _texts(base) * 12
    found = _made(model, texts, Decoding(most_tokens=2))
    assert found == found[: len(texts) // 12] * 12


def test_that_a_text_without_room_is_empty(base: LanguageModel) -> None:
    model, text = _model(base, "unprompted"), _texts(base)[0]
    full = StartedText(text.ids, text.shared, 0, 0)
    assert _made(model, [full, text], SHORT)[0] == []


def test_that_attention_within_a_window_is_not_taken_for_one_that_can_be_kept() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    size = {"vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8,
            "num_attention_heads": 2, "num_key_value_heads": 2}  # fmt: skip
    assert keeps_states(LlamaForCausalLM(LlamaConfig(**size)))
    assert not keeps_states(MistralForCausalLM(MistralConfig(**size, sliding_window=4)))


@pytest.mark.parametrize("cached", [True, False])
def test_that_a_text_that_has_ended_is_not_read_beyond_the_last_position(
    base: LanguageModel, cached: bool
) -> None:
    model, seen = _model(base, "consensus"), []
    plain = base.reader.lay_out([("so?", "")])[0].ids
    full = [*plain, *[plain[-1]] * (base.context - len(plain) - 2)]
    texts = [StartedText(full, 0, 0, 2), *(StartedText(plain, 0, 1, 30) for _ in range(3))]

    def read(_: object, given: tuple[object, ...], named: dict[str, torch.Tensor]) -> None:
        places = named.get("position_ids")
        ids = named["input_ids"] if "input_ids" in named else named["inputs_embeds"]
        seen.append(int(places.max()) + 1 if places is not None else ids.shape[1])

    hook = base.model.register_forward_pre_hook(read, with_kwargs=True)
    try:
        found = _made(model, texts, Decoding(most_tokens=30, temperature=1.0), cached=cached)
    finally:
        hook.remove()
    assert max(map(len, found)) > 10  # the others went on
    assert max(seen) == base.context


def test_that_what_greedy_texts_do_not_read_makes_no_other_way_of_choosing() -> None:
    assert Decoding(seed=1, top_p=0.5).read == Decoding().read
    assert Decoding(seed=1, temperature=1.0).read != Decoding(temperature=1.0).read
    assert Decoding(most_tokens=5).read != Decoding().read
