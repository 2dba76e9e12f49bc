"""JSON that somebody else wrote."""

import pytest

from prism_desktop.engine.json_files import parse_json


@pytest.mark.parametrize(
    "text", [r'"\ud800"', r'{"a": ["\uDFFF"]}', r'{"\ud83d": 1}', r'"\ud83dx"']
)
def test_that_half_a_letter_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        parse_json(text.encode())


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', r'"\\ud800"', '"plain"'])
def test_that_whole_letters_are_read(text: str) -> None:
    assert isinstance(parse_json(text.encode()), str)
