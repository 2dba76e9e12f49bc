"""What one cell of a table says: nothing, text, or a number as this program writes it."""

import re

# What no cell of any column says anything by; facts such as "unknown" are kept.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
# What is no answer where answers are expected.
MISSING_WORDS = MISSING | frozenset(
    [
        "", "na", "n/a", "n.a.", "#n/a", "#na", "nan", "null", "none", "nil", ".", "..", "-", "--",
        "---", "?", "??", "*", "skip", "skipped", "timeout", "timed out", "time out", "missing",
        "no answer", "no response", "noresponse", "no_response", "non response", "nonresponse",
        "not answered", "unanswered", "not applicable", "refused", "refusal", "blank", "empty",
        "prefer not to say", "prefer not to answer", "don't know", "dont know", "do not know",
        "dk", "unknown", "undefined", "k.a.", "k. a.", "ka", "keine angabe", "keine antwort",
        "weiß nicht", "weiss nicht", "weiß ich nicht", "fehlt", "fehlend", "übersprungen",
        "sans réponse", "ne sait pas", "nsp", "sin respuesta", "no sabe", "ns/nc", "n.v.t.",
        "geen antwoord", "nessuna risposta", "<na>", "system missing", "sysmis",
    ]
)  # fmt: skip
PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
# A number with either sign before its fraction, or a percentage: told apart from words by looks.
NUMBER_LIKE = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?%?")


def is_missing(cell: str) -> bool:
    """Whether the cell holds no answer: empty, or one of the usual marks for a missing value."""
    return cell.strip().lower() in MISSING


def number(cell: str) -> float:
    """The cell as a finite number.

    Raises:
        ValueError: with words for the user, if it is anything else.
    """
    words = cell.strip()
    if not PLAIN_NUMBER.fullmatch(words):
        raise ValueError(f"“{short(words)}” is not a number")
    value = float(words)
    if abs(value) == float("inf"):
        raise ValueError(f"“{short(words)}” is not a finite number")
    return value


def whole(cell: str) -> int:
    """The cell as a whole number.

    Raises:
        ValueError: with words for the user, if it is anything else.
    """
    value = number(cell)
    if not value.is_integer():
        raise ValueError(f"“{short(cell.strip())}” is not a whole number")
    return int(value)


def flag(cell: str) -> bool:
    """Whether the cell says yes."""
    return cell.strip().lower() in {"true", "1", "yes"}


def short(words: str, limit: int = 40) -> str:
    """Text cut to fit into a sentence."""
    return words if len(words) <= limit else words[: limit - 1] + "…"
