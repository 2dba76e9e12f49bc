"""JSON that somebody else wrote."""

import pytest

from prism_desktop.engine.json_files import parse_json


@pytest.mark.parametrize(
    "text", [r'"\ud800"', r'{"a": ["\uDFFF"]}', r'{"\ud83d": 1}', r'"\ud83dx"']
)
def test_that_half_a_letter_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match="half of a letter"):
        parse_json(text.encode())


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', r'"\\ud800"', '"plain"'])
def test_that_whole_letters_are_read(text: str) -> None:
    assert isinstance(parse_json(text.encode()), str)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_that_json_is_read_in_every_encoding_that_it_may_be_in(encoding: str) -> None:
    assert parse_json('{"name": "Zoë"}'.encode(encoding)) == {"name": "Zoë"}


def test_that_text_in_another_encoding_is_called_that() -> None:
    with pytest.raises(ValueError, match="no text in UTF-8"):
        parse_json('{"name": "Zoë"}'.encode("latin-1"))
