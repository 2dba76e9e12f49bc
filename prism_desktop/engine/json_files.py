"""Reading JSON files that somebody else, or a failing disk, may have written.

Nothing in them eats memory or passes for a number that nobody wrote: files up to a size, of a depth
that can be read, in which every name stands once. A number that JSON lacks (NaN, 1e400) or that no
computer counts with is read as its text, which fits no number's place.
"""

import json
import math
import re
from pathlib import Path
from typing import Any

from prism_desktop.engine.foreign_files import MAX_RECORD, read_foreign


class NoNumber(str):
    """The text of a number that no computer counts with, NaN, Infinity or 1e400."""

    __slots__ = ()


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_DIGITS = 18  # of an integer; more is no count of anything


def parse_json(content: bytes) -> Any:
    """The value in a JSON text.

    Raises:
        ValueError: it is none, too deep, or an object in it has a name twice; a phrase says which.
    """
    if not content.strip():
        raise ValueError("it is empty")
    try:
        text = content.decode(encoding := json.detect_encoding(content))
        value = json.loads(
            text,
            object_pairs_hook=_each_once,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=NoNumber,
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()  # the half of a pair alone is no text
        return value
    except _TwiceError:
        raise
    except UnicodeDecodeError:
        utf_8 = encoding.startswith("utf-8")
        raise ValueError("it is no text in UTF-8" if utf_8 else "it holds no JSON") from None
    except UnicodeEncodeError:
        raise ValueError(
            "a text in it holds half of a letter, a surrogate without its pair such as \\ud83d; "
            "take that out"
        ) from None
    except RecursionError:
        raise ValueError("its values are nested too deep") from None
    except ValueError:
        raise ValueError("it holds no JSON") from None


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None where the file is missing, cannot be read or holds none."""
    try:
        value = parse_json(read_foreign(path, MAX_RECORD))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


class _TwiceError(ValueError):
    """Which of the two was meant, nobody knows."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _TwiceError(f"it says {twice[:40]!r} twice")
    return made


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= _DIGITS else text


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else NoNumber(text)
