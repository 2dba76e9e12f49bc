"""Counts are put in words by `engine/grammar.py` alone, so that none says "1 threads"."""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest

from tests.fixtures import source_trees

_NOUNS = (
    "answers attributes axes bytes cells checkpoints choices columns comparisons copies dimensions "
    "doubts duplicates embeddings epochs faces files folds images labelers letters lines links "
    "members methods models names numbers others pairs parameters people pictures predictions "
    "questions raters ratings reasons records rows runs seeds sessions settings stimuli studies "
    "tables tensors threads times trainings trials values withdrawals"
)
# Up to two words may stand before the noun: "more rows", "held-out answers".
_NOUN = re.compile(rf"^ (?:(?!of |or |in )[a-z-]+ ){{0,2}}?(?:{_NOUNS.replace(' ', '|')})\b")
_NUMBER = re.compile(
    r"\blen\(|\bint\(|\bsum\(|count|total|number\b|\bn\b|\b[A-Z_]{4,}\b|_few\b"
    r"|\.(?:answers|images|rows|trials|runs|parameters|labelers|of|found|tested)$"
)
_ONE = re.compile(r"^(?!not)[^=]+ (?:==|!=|>) 1$")


def _counts(value: ast.FormattedValue) -> bool:
    """Whether a number of things is written, by its form or by its name."""
    form = "" if value.format_spec is None else ast.unparse(value.format_spec)
    return form.endswith(",'") or _NUMBER.search(ast.unparse(value.value)) is not None


def _by_hand(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        match node:
            case ast.JoinedStr(values=parts):
                for value, text in pairwise(parts):
                    if (
                        isinstance(value, ast.FormattedValue)
                        and isinstance(text, ast.Constant)
                        and _counts(value)
                        and _NOUN.match(str(text.value))
                        and not re.match(r"counted|word_for", ast.unparse(value.value))
                    ):
                        yield node.lineno, f"{ast.unparse(value)} {text.value}"
            case ast.BinOp(op=ast.Mult(), left=ast.Constant(value=str()), right=ast.Compare()):
                yield node.lineno, ast.unparse(node)
            case ast.IfExp(test=test, body=one, orelse=many) if _ONE.match(ast.unparse(test)):
                words = {ast.unparse(one), ast.unparse(many)}
                if any(
                    re.search(r"'(?:s|es|y|ies|is|are|was|were|it|they|them)'", w) for w in words
                ):
                    yield node.lineno, ast.unparse(node)
            case ast.Constant(value=str(text)) if re.search(r"[a-z]\(s\)", text):
                yield node.lineno, text


@pytest.mark.parametrize(
    "code",
    [
        """f"{len(rows):,} rows were read" """,
        """f"{count} more rows" """,
        """f"{torch.get_num_threads()} threads and {len(own)} others" """,
        """f"{n} answer{'s' if n != 1 else ''}" """,
        """f"{n} answer{'s' * (n != 1)}" """,
        """"is" if n == 1 else "are" """,
        """f"{n} labeler(s)" """,
    ],
)
def test_that_a_plural_made_by_hand_is_found(code: str) -> None:
    assert list(_by_hand(ast.walk(ast.parse(code.strip()))))


@pytest.mark.parametrize(
    "code", ["""f"{name} names images" """, """f"{counted(len(rows), 'row')} of {file.name}" """]
)
def test_that_what_counts_nothing_is_left_alone(code: str) -> None:
    assert not list(_by_hand(ast.walk(ast.parse(code.strip()))))


def test_that_nobody_makes_a_plural_by_hand() -> None:
    found = [
        f"{source_trees.place(path)}:{line} {text}"
        for path in source_trees.files()
        if path.name != "grammar.py"
        for line, text in _by_hand(source_trees.nodes(path))
    ]
    assert not found, "Write counts through `counted` or `word_for`:\n" + "\n".join(found)
