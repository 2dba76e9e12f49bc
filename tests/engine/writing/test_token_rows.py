"""What a model reads before a text, and which tokens are the text's own."""

import pytest

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.writing.token_rows import RowMaker, packed


@pytest.fixture(scope="module")
def base(tiny_language_model: str) -> LanguageModel:
    return load_language_model(parse(tiny_language_model), choose_device("cpu"))


def _read(base: LanguageModel, ids: list[int]) -> str:
    return "".join(base.reader.plain.id_to_token(one) for one in ids)


def test_that_a_texts_own_tokens_are_its_words_and_its_end(base: LanguageModel) -> None:
    row = RowMaker(base.reader).row(("ask", "tell"))
    assert _read(base, row.ids) == "<begin>ask<reply>tell<end>"
    assert _read(base, row.ids[row.first :]) == "tell<end>"


def test_that_examples_are_read_whole_and_in_order_before_the_prompt(base: LanguageModel) -> None:
    maker = RowMaker(base.reader)
    row = maker.row(("c", "d"), [("x", "far"), ("a", "near")])
    assert _read(base, row.ids[: row.context]) == "<begin>x<reply>far<end><begin>a<reply>near<end>"
    assert _read(base, row.ids[row.first :]) == "d<end>"
    long = maker.row(("c", "d" * 20), [("x", "far" * 5), ("a", "near")])
    assert _read(base, long.ids[: long.context]) == "<begin>a<reply>near<end>"
    # one that would not fit alone takes nothing from the others
    over = maker.row(("c", "d"), [("x", "far"), ("a", "near" * 50)])
    assert _read(base, over.ids[: over.context]) == "<begin>x<reply>far<end>"


def test_that_soft_tokens_take_places_of_the_context_and_a_long_text_is_cut(
    base: LanguageModel,
) -> None:
    long = ("ask", "t" * 100)
    for soft in (0, 5):
        row = RowMaker(base.reader, soft).row(long, [("a", "b")], "profile")
        assert row.cut
        assert len(row.ids) + soft <= base.context
        assert row.context == 0
    assert not RowMaker(base.reader, 5).row(("ask", "short")).cut


def test_that_a_text_that_spells_special_tokens_is_read_letter_by_letter(
    base: LanguageModel,
) -> None:
    row = RowMaker(base.reader).row(("a", "<end>"))
    assert len(row.ids) - row.first == len("<end>") + 1


def test_that_packing_loses_no_text_and_keeps_passes_small() -> None:
    lengths = {place: 1 + place * 37 % 200 for place in range(300)}
    parts = list(packed(lengths, 1_000))
    assert sorted(place for part in parts for place in part) == list(lengths)
    assert all(max(lengths[one] for one in part) * len(part) <= 4_096 for part in parts)
