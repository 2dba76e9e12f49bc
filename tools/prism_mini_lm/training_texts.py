"""What prism-mini-lm learns from: texts of drawn writers, and the byte-pair tokenizer of them."""

from collections.abc import Iterator
from random import Random

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer
from tokenizers.decoders import ByteLevel as BytesAsText
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as InTurn
from tokenizers.trainers import BpeTrainer

from prism_desktop.engine.demo.writers.phrases import drawn_prompt
from prism_desktop.engine.demo.writers.replies import reply
from prism_desktop.engine.demo.writers.writing_style import Writer, drawn_writer

CONTEXT = 256  # tokens
VOCABULARY = 1024
PAD, BEGIN, REPLY, END, PROFILE = SPECIAL = ("<pad>", "<begin>", "<reply>", "<end>", "<profile>")
_PROFILED = 0.3  # share of sequences that begin with the writer's profile
Tokens = npt.NDArray[np.uint16]


def documents(writer: Writer, rng: Random) -> Iterator[tuple[str, str]]:
    """Prompts and what the writer replies, without end."""
    while True:
        prompt = drawn_prompt(rng)
        yield prompt.text, reply(writer, prompt, rng.randrange(2**32))


def fitted_tokenizer(seed: int, texts: int = 20_000) -> Tokenizer:
    """Byte pairs, so that any text can be written; a word's own bytes if it is unknown."""
    tokenizer = Tokenizer(BPE())
    # digits one by one; else as GPT-2 splits, so that no token spans two words
    tokenizer.pre_tokenizer = InTurn(
        [Split(Regex(r"\d"), "isolated"), ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = BytesAsText()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(seed, texts), trainer)
    return tokenizer


def _sample(seed: int, count: int) -> Iterator[str]:
    rng = Random(f"tokenizer {seed}")
    for _ in range(count):
        writer = drawn_writer(rng)
        prompt, text = next(documents(writer, rng))
        yield writer.profile
        yield prompt
        yield text


def special(tokenizer: Tokenizer, name: str) -> int:
    """The id of a token that stands for no letters."""
    found: int | None = tokenizer.token_to_id(name)
    assert found is not None, "the tokenizer was fitted with all of them"
    return found


def unmarked(tokenizer: Tokenizer, text: str) -> list[int]:
    """The tokens of a text alone."""
    ids: list[int] = tokenizer.encode(text).ids
    return ids


def encoded(tokenizer: Tokenizer, prompt: str, text: str) -> list[int]:
    """<begin> prompt <reply> text <end>."""
    begin, middle, end = (special(tokenizer, name) for name in (BEGIN, REPLY, END))
    return [begin, *unmarked(tokenizer, prompt), middle, *unmarked(tokenizer, text), end]


def sequences(tokenizer: Tokenizer, count: int, seed: int) -> Tokens:
    """Packed training sequences, each of one writer, so that the model learns to go on in the
    style of what stands before.

    Every sequence is full: its last text is cut where the context ends.

    Args:
        tokenizer: what `fitted_tokenizer` returned.
        count: sequences, each of another writer.
        seed: of writers, prompts and texts.

    Returns:
        (count, CONTEXT) uint16 token ids.
    """
    rng = Random(f"pretraining {seed}")
    made = np.empty((count, CONTEXT), np.uint16)
    for row in range(count):
        writer = drawn_writer(rng)
        ids: list[int] = []
        if rng.random() < _PROFILED:
            ids = [special(tokenizer, PROFILE), *unmarked(tokenizer, writer.profile)]
        for prompt, text in documents(writer, rng):
            ids += encoded(tokenizer, prompt, text)
            if len(ids) >= CONTEXT:
                break
        made[row] = ids[:CONTEXT]
    return made
