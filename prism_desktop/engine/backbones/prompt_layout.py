"""Prompts and texts as tokens: laid out as the model was trained, cut to what it reads.

Words of a text are always plain: one that spells a special token, as an injected prompt may, is
read letter by letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prism_desktop.engine.backbones.language_files import TEMPLATE, TOKENIZER, TOKENIZER_CONFIG
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import is_plain_file, read_text
from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.plain_text import clause

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Pair = tuple[str | None, str]  # a prompt or None, and a text in answer to it
_PLACE: Final = "\ue000prompt\ue001"  # where a template puts the prompt; no tokenizer's own word
_LEAST_PROMPT: Final = 0.25  # share of the context that a prompt may keep beside a long text


class LaidOut(NamedTuple):
    """A text as a model reads it."""

    ids: list[int]  # layout, prompt and text; never empty
    first: int  # where the text's own tokens begin, which go on to the end; at least one
    cut: bool  # whether the text did not fit whole; a prompt is cut first
    words: slice = slice(0, 0)  # which of the ids are of the text's letters, not a model's marks


@dataclass(frozen=True, slots=True, eq=False)
class TextTokenizer:
    """A tokenizer, and how its model expects prompt and text.

    Attributes:
        plain: reads special tokens as letters.
        before: token ids ahead of a prompt.
        between: token ids between a prompt and what answers it.
        after: token ids behind a text.
        context: most tokens that the model reads.
        pad: the id that fills up a batch.
        whole: for an encoder, which reads no prompt, and whose own tokens are all of them.
    """

    plain: Tokenizer
    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    context: int
    pad: int
    whole: bool = False

    def lay_out(self, pairs: Sequence[Pair]) -> list[LaidOut]:
        """Texts behind their prompts; one without a prompt answers an empty one.

        What does not fit is cut: of the prompt its beginning, then of the text its end.
        """
        prompts = self._tokens(["" if self.whole else prompt or "" for prompt, _ in pairs])
        texts = self._tokens([text for _, text in pairs])
        return [self._one(asked, told) for asked, told in zip(prompts, texts, strict=True)]

    def _one(self, asked: list[int], told: list[int]) -> LaidOut:
        behind = self.after if self.whole else ()
        room = max(1, self.context - len(self.before) - len(self.between) - len(behind))
        least = min(len(asked), int(_LEAST_PROMPT * room))
        kept = told[: room - least]
        asked = asked[len(asked) - min(len(asked), room - len(kept)) :]
        head = [*self.before, *asked, *self.between]
        ids = [*head, *kept, *behind] or [self.pad]
        # a text without a token of its own is where it would begin
        first = 0 if self.whole else min(len(head), len(ids) - 1)
        words = slice(len(head), len(head) + len(kept))
        return LaidOut(ids, first, len(kept) < len(told), words)

    def letters(self, text: str) -> list[tuple[int, int]]:
        """From which letter of a text to which each of its tokens goes, as many as it would have
        without cutting."""
        found = self.plain.encode(_whole(text), add_special_tokens=False)
        return [(int(start), int(end)) for start, end in found.offsets]

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        whole = [_whole(text) for text in texts]
        return [
            list(found.ids) for found in self.plain.encode_batch(whole, add_special_tokens=False)
        ]


def _whole(text: str) -> str:
    """A text without half characters, which no tokenizer takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_tokenizer(folder: Path, context: int, title: str, *, writes: bool) -> TextTokenizer:
    """The tokenizer of a model's folder.

    Args:
        folder: holds tokenizer.json, and what its chat template is, if it has one.
        context: most tokens that the model has places for.
        title: the model's, for an error's sentence.
        writes: whether it is causal, and no encoder.

    Raises:
        BackboneError: the tokenizer cannot be read.
    """
    from tokenizers import Tokenizer

    try:
        content = read_text(folder / TOKENIZER)
        special, plain = Tokenizer.from_str(content), Tokenizer.from_str(content)
        told = folder / TOKENIZER_CONFIG
        said = parse_json(read_text(told).encode()) if is_plain_file(told) else {}
        template = said.get("chat_template")
        if is_plain_file(folder / TEMPLATE):
            template = read_text(folder / TEMPLATE)
    except (OSError, ValueError, AttributeError) as error:
        raise_fault(error, folder / TOKENIZER)
        raise _unreadable(folder, title, error) from error
    except Exception as error:  # the Rust library raises the base class alone
        raise _unreadable(folder, title, error) from error
    for one in (special, plain):
        one.no_truncation()
        one.no_padding()
    plain.encode_special_tokens = True
    names = {key: _name(said.get(key)) for key in ("bos_token", "eos_token", "pad_token")}
    limit = said.get("model_max_length")
    if type(limit) is int and 0 < limit < context:
        context = limit
    pad = special.token_to_id(names["pad_token"]) or 0
    if not writes:
        around = special.encode("").ids
        return TextTokenizer(plain, tuple(around[:1]), (), tuple(around[1:]), context, pad, True)
    before, between = (
        tuple(special.encode(part, add_special_tokens=False).ids)
        for part in _layout(template if isinstance(template, str) else "", names)
    )
    after = special.token_to_id(names["eos_token"])
    return TextTokenizer(plain, before, between, () if after is None else (after,), context, pad)


def _layout(template: str, names: Mapping[str, str]) -> tuple[str, str]:
    """What stands before and behind a prompt; of a model without a template its first token and an
    empty line."""
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    plain = names["bos_token"], "\n\n"
    if not template:
        return plain
    chat = [[{"role": "user", "content": _PLACE}]]
    render: Any = render_jinja_template
    try:
        rendered, _ = render(chat, chat_template=template, add_generation_prompt=True, **names)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError):
        return plain
    before, place, between = str(rendered[0]).partition(_PLACE)
    return (before, between) if place and _PLACE not in between else plain


def _name(said: Any) -> str:
    """A special token, which older tokenizers keep with its properties."""
    found = said.get("content") if isinstance(said, dict) else said
    return found if isinstance(found, str) else ""


def _unreadable(folder: Path, title: str, error: Exception) -> BackboneError:
    return BackboneError(
        f"The language model {title} cannot be used: its tokenizer {folder / TOKENIZER} cannot be "
        f"read: {clause(error)}."
    )
