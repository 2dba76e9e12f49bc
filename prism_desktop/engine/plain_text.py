"""Text from elsewhere as it is shown: names, questions, file names and sentences that hold them.

Every sink has one function that text goes through: `prism_desktop/cli/console.py` for the terminal,
`ui/plain.py` for the window, `engine/analysis/plotting.py` for figures, `engine/study/
formula_guard.py` for CSV files, and `markdown` here for reports. All of them build on `one_line`.
"""

import json
import logging
import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

# Line breaks, tabs and the like.
_BLANK: Final = re.compile(r"\r\n|[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")
_BLANK_BUT_BREAKS: Final = re.compile(r"[\t\v\f\x1c-\x1f\x85]")
_BREAK: Final = re.compile(r"\r\n|[\r\u2028\u2029]")
# What is not seen but does something: control characters, overrides of the writing direction,
# signs without width, halves of letters, numbers that are no character. Joiners and marks of
# direction stay, since scripts and emoji need them.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_NOT_IN_JSON: Final = re.compile(rf"{_UNSEEN.pattern}|[\x85\u2028\u2029]")  # breaks no line
_LONG: Final = 500  # characters of one word, far beyond any name that people read


def one_line(text: str, most: int | None = None) -> str:
    """Text on one line, in which everything can be seen.

    White space becomes blanks; what cannot be seen is written as Python would, "\\x1b".

    Args:
        text: anything, halves of letters included.
        most: characters; the middle of a longer text is left out. None leaves out only the middle
            of endless words.
    """
    return _seen(_BLANK.sub(" ", text), most)


def many_lines(text: str, most: int | None = None) -> str:
    """As `one_line`, but line breaks stay."""
    return _seen(_BLANK_BUT_BREAKS.sub(" ", _BREAK.sub("\n", text)), most)


def in_full(text: str) -> str:
    """As `many_lines`, and nothing is left out, however long a word is: for what is judged."""
    return _UNSEEN.sub(_escape, _BLANK_BUT_BREAKS.sub(" ", _BREAK.sub("\n", text)))


def shortened(text: str, most: int) -> str:
    """Text of at most `most` characters: of a longer one the beginning and the end."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[len(text) - end :]}"


def beginning(text: str, most: int) -> str:
    """How a text begins, in at most `most` characters: whole words, and "…" where it goes on.

    A word that fills half of them, as all of a script without blanks, is cut.
    """
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    if not text[most - 1].isspace():
        words = kept.rsplit(maxsplit=1)
        kept = words[0] if len(words) == 2 and 2 * len(words[0]) >= most else kept
    return f"{kept.rstrip(' ,;:')}…"


def few(names: Sequence[str], most: int = 3, count: int | None = None) -> str:
    """Some names in a sentence, and how many more there are.

    Args:
        names: all of them, or the first.
        most: of them that are named.
        count: of all; None if `names` are all.
    """
    shown = names[:most]
    more = (len(names) if count is None else count) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def told_once(told: Sequence[tuple[str, str]], most: int = 8) -> list[str]:
    """Sentences in their order, those that differ in a name alone told once.

    Args:
        told: what each sentence is of, empty for nothing by name, and the sentence.
        most: names that are listed beside the first one's.
    """
    same: dict[str, list[tuple[str, str]]] = {}
    for name, sentence in told:
        form = sentence.replace(name, "\0") if name else sentence
        same.setdefault(form, []).append((name, sentence))
    found = []
    for members in same.values():
        others = [name for name, _ in members[1:] if name]
        first = members[0][1]
        listed = f"{first.rstrip('.')}; the same of {few(others, most)}."
        found.append(listed if others else first)
    return found


def clause(said: object) -> str:
    """Words of an error or a text as they stand within a sentence, without a stop at the end."""
    return str(getattr(said, "strerror", None) or said).strip().rstrip(".")


def dated(moment: float, form: str, zone: tzinfo | None = None) -> str:
    """A moment in unix s, in the form of `strftime`; a dash for what no calendar has."""
    try:
        return datetime.fromtimestamp(moment, zone).strftime(form)
    except (OSError, OverflowError, ValueError):
        return "–"


def markdown(text: str) -> str:
    """Text on one line of a Markdown file that stays text: no markup, HTML, link or formula."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _MARKS.sub(r"\\\g<0>", text)
    return _BEGINS_BLOCK.sub(r"\g<1>\\\g<2>", text)


# Signs that mean something where they stand: an underscore inside a word, brackets around an
# interval and a colon before a blank mean nothing.
_MARKS: Final = re.compile(
    r"[\\`|~$]|(?<=\S)\*|\*(?=\S)|\](?=[(\[:])|\[(?=\^)|(?<![^\W_])_|_(?![^\W_])"
    r"|:(?=//|[+-]?[^\W\d_][\w+-]*:|[+-]1:)|(?<=\w)@(?=\w)|(?<=\bwww)\."
)
_BEGINS_BLOCK: Final = re.compile(r"^(\s*\d*)([.)#+=*-])(?=[\s#=-]|$)")


def json_text(value: Any) -> str:
    """A JSON value as text; what cannot be seen is written as JSON escapes, so nothing changes.

    Raises:
        ValueError: on numbers that JSON lacks.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return _NOT_IN_JSON.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


class LineFormatter(logging.Formatter):
    """A line of the log for each event; tracebacks below it are set in, so that no name and no
    message can pass for another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(
            f"    {line}" for line in many_lines(super().formatException(ei)).split("\n")
        )


def _seen(text: str, most: int | None) -> str:
    text = _UNSEEN.sub(_escape, text)
    if most is not None:
        return shortened(text, most)
    if len(text) > _LONG:
        text = re.sub(rf"\S{{{_LONG + 1},}}", lambda word: shortened(word[0], _LONG), text)
    return text


def _escape(sign: re.Match[str]) -> str:
    code = ord(sign[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file's name that is no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
