"""prism-mini-lm: a small language model that the project pretrains by itself on texts of simulated
writers, so that nothing need be downloaded.

`python -m tools.prism_mini_lm.pretrain_lm --out resources/prism-mini-lm` makes it anew: draws
writers, fits the tokenizer, trains, measures, and writes config, weights, tokenizer and model card.
The writers and prompts are none of the demo's. A sequence holds several texts of one writer, so
that the model goes on in the style of what stands before.
"""

import argparse
import json
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from prism_desktop.engine.events import Done, Event, Notice, Progress
from tools.prism_mini_lm.language_card import write_language_card
from tools.prism_mini_lm.training_texts import (
    BEGIN,
    CONTEXT,
    END,
    PAD,
    REPLY,
    VOCABULARY,
    Tokens,
    fitted_tokenizer,
    sequences,
)

log = logging.getLogger(__name__)
_TELL_EVERY = 25  # steps
# how a prompt and the text that answers it are laid out, in the form that tokenizers are kept with
_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    f"{BEGIN}{{{{ message['content'] }}}}{REPLY}"
    f"{{% else %}}{{{{ message['content'] }}}}{END}"
    "{% endif %}{% endfor %}"
)


@dataclass(frozen=True, slots=True)
class LanguageRecipe:
    """How prism-mini-lm is pretrained."""

    seed: int = 40_001  # of the writers, their texts and everything else
    width: int = 160
    layers: int = 4
    heads: int = 5
    hidden: int = 432  # of the gated feed-forward
    steps: int = 1_200
    batch: int = 8  # sequences; every step sees new ones
    rate: float = 2.5e-3  # peak learning rate, after the warm-up, before the cosine
    warmup: int = 60  # steps
    decay: float = 0.05
    save_every: int = 100  # steps between copies that a stopped pretraining goes on from


def configuration(recipe: LanguageRecipe, tokenizer: Tokenizer) -> LlamaConfig:
    """The shape, as transformers writes it."""
    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=recipe.width,
        intermediate_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.token_to_id(PAD),
        bos_token_id=tokenizer.token_to_id(BEGIN),
        eos_token_id=tokenizer.token_to_id(END),
    )


def pretrain(
    recipe: LanguageRecipe, tokenizer: Tokenizer, texts: Tokens, kept: Path
) -> Iterator[Event[LlamaForCausalLM]]:
    """Train on sequences, each seen once; goes on from a copy that a stopped run has left.

    Args:
        recipe: settings.
        tokenizer: of the sequences.
        texts: (steps * batch, CONTEXT) uint16 token ids.
        kept: the file of copies.
    """
    torch.manual_seed(recipe.seed)
    model = LlamaForCausalLM(configuration(recipe, tokenizer))
    optimizer = torch.optim.AdamW(_groups(model, recipe.decay), lr=recipe.rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    first, losses = 0, []
    if kept.is_file():
        copy = torch.load(kept, weights_only=True)
        model.load_state_dict(copy["model"])
        optimizer.load_state_dict(copy["optimizer"])
        schedule.load_state_dict(copy["schedule"])
        first = copy["schedule"]["last_epoch"]
    started = time.monotonic()
    for step in range(first, recipe.steps):
        rows = texts[step * recipe.batch : (step + 1) * recipe.batch].astype(np.int64)
        ids = torch.from_numpy(rows)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        done = step + 1
        if done % _TELL_EVERY == 0:
            speed = (done - first) * ids.numel() / (time.monotonic() - started)
            mean = float(np.mean(losses[-_TELL_EVERY:]))
            yield Notice(f"step {done}: loss {mean:.3f}, {speed:.0f} tokens/s")
        if done % recipe.save_every == 0:
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
            }
            torch.save(state, kept)
        yield Progress(done, recipe.steps, "Pretraining prism-mini-lm")
    yield Done(model)


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, out: Path) -> None:
    """Write config, half-precision weights and tokenizer."""
    out.mkdir(parents=True, exist_ok=True)
    config = model.config.to_dict() | {"architectures": ["LlamaForCausalLM"], "dtype": "float16"}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    half = {name: value.detach().half() for name, value in model.named_parameters()}
    save_file(half, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)
    tokenizer.save(str(out / "tokenizer.json"))
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "bos_token": BEGIN,
        "eos_token": END,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "chat_template": _TEMPLATE,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _groups(model: LlamaForCausalLM, decay: float) -> list[dict[str, object]]:
    """Matrices decay; norms and embeddings do not."""
    spared = [p for name, p in model.named_parameters() if p.ndim < 2 or "embed" in name]
    decayed = [p for name, p in model.named_parameters() if not (p.ndim < 2 or "embed" in name)]
    return [{"params": decayed, "weight_decay": decay}, {"params": spared, "weight_decay": 0.0}]


def _rate(step: int, recipe: LanguageRecipe) -> float:
    """The share of the peak learning rate: linear warm-up, then a cosine down to a hundredth."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    along = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * along))


def main(arguments: Sequence[str] | None = None) -> None:
    default = LanguageRecipe()
    parser = argparse.ArgumentParser(description="Pretrain prism-mini-lm on simulated writers.")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is made")
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(chosen.threads)
    recipe = LanguageRecipe(seed=chosen.seed, steps=chosen.steps)
    started = time.monotonic()
    tokenizer = fitted_tokenizer(recipe.seed)
    texts = sequences(tokenizer, recipe.steps * recipe.batch, recipe.seed)
    drawing = time.monotonic() - started
    log.info("drew %d sequences in %.0f s", len(texts), drawing)
    chosen.out.mkdir(parents=True, exist_ok=True)
    kept = chosen.out / "stopped.pt"
    for event in pretrain(recipe, tokenizer, texts, kept):
        if isinstance(event, Notice):
            log.info("%s", event.text)
        elif isinstance(event, Done):
            save(event.value, tokenizer, chosen.out)
    kept.unlink(missing_ok=True)
    minutes = (time.monotonic() - started) / 60
    command = "python -m tools.prism_mini_lm.pretrain_lm --out resources/prism-mini-lm"
    write_language_card(chosen.out, recipe, minutes, chosen.threads, command)
    log.info("pretrained in %.0f min", minutes)


if __name__ == "__main__":
    main()
