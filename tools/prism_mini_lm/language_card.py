"""What prism-mini-lm knows: how well it foretells texts of writers and prompts that it never saw.

`python -m tools.prism_mini_lm.language_card resources/prism-mini-lm` prints the table of the model
card.
"""

import argparse
import math
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from prism_desktop.engine.demo.writers.replies import own_texts
from prism_desktop.engine.demo.writers.writing_style import Writer, demo_writers, group_names
from tools.prism_mini_lm.training_texts import (
    BEGIN,
    CONTEXT,
    PAD,
    PROFILE,
    VOCABULARY,
    encoded,
    special,
    unmarked,
)

OVERALL: Final = "all"
MIXED: Final = "inconsistent"
_WRITERS = 6  # of each group
_TEXTS = 12  # of each writer
_BEFORE = 3  # texts of the same writer that stand before, where the context has room


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Perplexity per token of replies, by what is known beforehand besides the prompt."""

    group: str
    tokens: int  # of all replies
    alone: float
    profile: float  # the writer's profile sentence
    texts: float  # three other texts of the writer


def held_out(folder: Path, writers: int = _WRITERS, texts: int = _TEXTS) -> list[HeldOut]:
    """Measure the weights in `folder` on the demo's people, by group and over all groups."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)  # in evaluation mode
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    sums: dict[str, list[float]] = {}
    for writer in _people(writers):
        found = _losses(model, tokenizer, writer, texts)
        for group in (writer.group, *([] if writer.group == MIXED else [OVERALL])):
            have = sums.setdefault(group, [0.0] * 4)
            sums[group] = [one + other for one, other in zip(have, found, strict=True)]
    return [
        HeldOut(group, int(sums[group][0]), *(_perplexity(sums[group], kind) for kind in (1, 2, 3)))
        for group in (OVERALL, *group_names(), MIXED)
        if group in sums
    ]


def _perplexity(sums: Sequence[float], kind: int) -> float:
    return math.exp(sums[kind] / sums[0])


def _people(each: int) -> Iterator[Writer]:
    for group in (*group_names(), MIXED):
        yield from [one for one in demo_writers() if one.group == group and one.texts > 3][:each]


def _losses(
    model: LlamaForCausalLM, tokenizer: Tokenizer, writer: Writer, texts: int
) -> list[float]:
    """Tokens of the writer's replies, and their summed negative log likelihood alone, behind the
    profile, and behind other texts."""
    known = [(prompt.text, text) for prompt, text in own_texts(writer)]
    asked, before = known[:texts], known[-_BEFORE:]
    profile = [special(tokenizer, PROFILE), *unmarked(tokenizer, writer.profile)]
    others = [token for prompt, text in before for token in encoded(tokenizer, prompt, text)]
    own = [encoded(tokenizer, prompt, text) for prompt, text in asked]
    replied = [len(unmarked(tokenizer, text)) + 1 for _, text in asked]  # and the end of it
    sums = [_loss(model, [[*ahead, *one] for one in own], replied)
            for ahead in ([], profile, others)]  # fmt: skip
    return [float(sum(replied)), *sums]


def _loss(model: LlamaForCausalLM, rows: Sequence[list[int]], replied: Sequence[int]) -> float:
    """Of the last tokens of each row, the text's own; what stands before is cut to the context."""
    rows = [row[-CONTEXT:] for row in rows]
    longest = max(map(len, rows))
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    wanted = torch.full((len(rows), longest), -100)  # which cross entropy passes over
    for place, (row, count) in enumerate(zip(rows, replied, strict=True)):
        tokens[place, : len(row)] = torch.tensor(row)
        wanted[place, len(row) - count : len(row)] = torch.tensor(row[-count:])
    with torch.inference_mode():
        logits = model(input_ids=tokens).logits[:, :-1].float()
    losses = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), wanted[:, 1:].flatten(), reduction="sum"
    )
    return float(losses)


def table(rows: Sequence[HeldOut]) -> str:
    """In Markdown."""
    lines = [
        "| writers | tokens of replies | prompt alone | and their profile | and 3 of their texts |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.group} | {row.tokens:,} | {row.alone:.2f} | {row.profile:.2f} | {row.texts:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


_CARD = """# prism-mini-lm

A small language model that PRISM Desktop pretrained by itself on texts of simulated writers, so
that the demo and the tests need no download.

**Limits.** It gives style and preference, not knowledge. It has seen nothing but replies made from
the templates of `data/replies.yaml`: it knows greetings, hedges, emoji, brevity and the other
features of `data/writers.yaml`, about a thousand words, and no facts. What it writes about is
chance. Simulated texts only: of texts that people wrote its features mean little. For those name a
real model, such as SmolLM2 (docs/language-models.md).

## Shape

transformers' `LlamaForCausalLM`: width {width}, {layers} layers, {heads} heads, hidden {hidden},
context {context}, input and output table shared; {parameters:,} parameters, float16 on disk,
{size:.1f} MB with its tokenizer. Byte-pair vocabulary of {vocabulary:,} tokens, all 256 bytes among
them, so that any text can be read and written. A prompt and its reply are laid out as
`{begin}prompt<reply>text<end>`, a profile as `<profile>sentence` ahead of them; `{pad}` fills up.

## Recipe

`{command}` makes it anew; the module and its neighbours are the whole recipe. Every training
sequence holds several texts of one writer, 30 % of them behind the writer's profile sentence, so
that the model goes on in the style of what stands before. The writers are drawn with a level of
every feature by itself, and so of none of the demo's eight groups; the prompts are made from words,
and none of the demo's. Settings: {settings}.

It took {minutes:.0f} min on {threads} of {machine} with torch {torch}, shared with other work.

## Held-out writers and prompts

Perplexity per token of replies of the demo's own people to the demo's own prompts, none of which
training saw: {writers} writers of each group, {texts} texts each; *all* is over the eight groups.
The more is known of the writer, the better the model foretells the text. Much of a text is chance
(days, names, which of several wordings), which no model foretells.

{table}

`python -m tools.prism_mini_lm.language_card resources/prism-mini-lm` prints this table again.
"""


def write_language_card(out: Path, recipe: Any, minutes: float, threads: int, command: str) -> None:
    """Measure the weights in `out` and write `MODEL_CARD.md` beside them."""
    model = LlamaForCausalLM.from_pretrained(out)
    settings = ", ".join(f"{name} {value}" for name, value in asdict(recipe).items())
    card = _CARD.format(
        width=recipe.width,
        layers=recipe.layers,
        heads=recipe.heads,
        hidden=recipe.hidden,
        context=CONTEXT,
        parameters=sum(one.numel() for one in model.parameters()),
        size=sum(file.stat().st_size for file in out.iterdir()) / 1e6,
        vocabulary=VOCABULARY,
        begin=BEGIN,
        pad=PAD,
        command=command,
        settings=settings,
        minutes=minutes,
        threads=f"{threads} thread{'s' if threads > 1 else ''}",
        machine=platform.processor() or platform.machine(),
        torch=torch.__version__,
        writers=_WRITERS,
        texts=_TEXTS,
        table=table(held_out(out)),
    )
    (out / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure prism-mini-lm on held-out writers.")
    parser.add_argument("folder", type=Path)
    print(table(held_out(parser.parse_args(arguments).folder)))


if __name__ == "__main__":
    main()
