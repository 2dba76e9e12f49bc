"""Training and writing of the task writing against transformers' own `Trainer` and `generate`.

`python -m tests.bench.writer_speed [BACKBONE ...]`: prism-mini-lm, and SmolLM2 if `make models`
fetched it. Both sides see the same texts of the demo's simulated writers, with the same model,
rank, soft tokens, batch and loss on own tokens, in float32; the peers keep the base frozen too
(PEFT's LoRA and prompt tuning), and theirs is one prompt for all people, without adapters below it.
`Trainer` is as it comes: batches drawn at random, gradients clipped. An epoch of each in turn, the
first of each unseen; tokens are those of texts and prompts, without what fills batches up. On busy
machines `--processor` counts processor time in place of the clock's, in one thread.

Writing: greedy, 64 tokens whatever is written, a text of one person and of 64 in a pass. With a
prefix means the unified adapters and five soft tokens, without one the unified adapters alone.
"""

import argparse
import copy
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PromptTuningConfig, TaskType, get_peft_model
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.demo.writers.replies import own_texts
from prism_desktop.engine.demo.writers.writing_style import demo_writers
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.events import outcome
from prism_desktop.engine.methods.writing_methods import writing_method
from prism_desktop.engine.runs.decoding import Decoding
from prism_desktop.engine.runs.run_events import Step
from prism_desktop.engine.writing import writing_trainer
from prism_desktop.engine.writing.generation import Asked, OpenWriter, write_as
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts, WritingMeta
from prism_desktop.engine.writing.past_texts import PastTexts, read_past
from prism_desktop.engine.writing.token_rows import TokenRow
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_trainer import WritingTrainer

SMOLLM = Path(".models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf")
BATCH, TOKENS, TRAINED, WRITTEN = 32, 64, 16, 64
_CLOCK: list[Callable[[], float]] = [time.perf_counter]
FASTER, PREFIX = 1.5, 1.05  # goals: training against the peer, a token with a prefix against none


def main() -> int:
    """Print medians and ratios; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backbones", nargs="*")
    parser.add_argument("--texts", type=int, default=128, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each, and repeats")
    parser.add_argument("--processor", action="store_true", help="processor time, one thread")
    given = parser.parse_args()
    torch.manual_seed(0)
    if given.processor:
        torch.set_num_threads(1)
        _CLOCK[0] = time.thread_time
    known = ["prism-mini-lm", *([f"lm:{SMOLLM}"] if SMOLLM.exists() else [])]
    missed = 0
    for name in given.backbones or known:
        base = load_language_model(parse(name), choose_device("cpu"))
        print(f"\n{base.title}, {torch.get_num_threads()} threads, batches of {BATCH} texts, "
              f"{'processor' if given.processor else 'wall'} time", flush=True)  # fmt: skip
        texts = texts_of(given.texts)
        for method, peer in (("consensus", _lora), ("prefix-on-unified", _prompt)):
            missed += _training(base, texts, method, peer, given.rounds)
        many = texts_of(given.texts, people=WRITTEN)
        for people in (1, WRITTEN):
            missed += _writing(base, many, people, given.rounds)
    return int(missed > 0)


def texts_of(count: int, validation: int = 1, people: int = TRAINED) -> OwnTexts:
    """Texts of simulated writers, in turn.

    Args:
        count: to learn from.
        validation: to choose by; they answer other prompts.
        people: writers.
    """
    writers = demo_writers()[:people]
    known = [own_texts(one, 0, 1.0) for one in writers]
    chosen: list[tuple[int, tuple[str, str], str]] = []
    asked: set[str] = set()
    for number in range(min(map(len, known))):
        for at, said in enumerate(known):
            prompt, text = said[number]
            if len(chosen) < validation:
                asked.add(prompt.text)
                chosen.append((at, (prompt.text, text), "val"))
            elif len(chosen) < validation + count and prompt.text not in asked:
                chosen.append((at, (prompt.text, text), "train"))
    facts = tuple(PersonFacts(code=one.code) for one in writers)
    owner, pairs, split = zip(*chosen, strict=True)
    return OwnTexts(WritingMeta(study="bench", simulated=True, people=facts), owner, pairs, split)


def model_of(base: LanguageModel, texts: OwnTexts, method: str, **settings: Any) -> WriterModel:
    config = WritingConfig.of(method, {"batch": BATCH, "patience": 1_000, **settings})
    return WriterModel(base, writing_method(method), config, len(texts.meta.people))


def past_of(model: WriterModel, texts: OwnTexts) -> PastTexts:
    return outcome(read_past(model.base, model.method, texts, model.config))


def _training(
    base: LanguageModel, texts: OwnTexts, method: str, peer: Callable[..., Any], rounds: int
) -> int:
    model = model_of(base, texts, method, epochs=rounds + 1)
    rows = [model.rows.plain(texts.pairs[row]) for row in texts.of("train")]
    tokens = sum(len(row.ids) for row in rows)
    times: dict[str, list[float]] = {"ours": [], "Trainer": []}
    with tempfile.TemporaryDirectory() as folder:
        ours = _epochs(WritingTrainer(model, past_of(model, texts), Path(folder)))
        turns = _Turns(lambda: times["ours"].append(next(ours)), times["Trainer"])
        _trainer(peer(base, model.config), rows, base, rounds + 1, Path(folder), turns).train()
    speeds = {name: tokens / statistics.median(each[1:]) for name, each in times.items()}
    pairs = zip(times["Trainer"][1:], times["ours"][1:], strict=True)
    ratio = statistics.median(theirs / mine for theirs, mine in pairs)
    print(
        f"  training {method:<18} ours {speeds['ours']:7,.0f} tokens/s, Trainer "
        f"{speeds['Trainer']:7,.0f}: {ratio:.2f} times (goal {FASTER:g})",
        flush=True,
    )
    return int(ratio < FASTER)


def _epochs(trainer: WritingTrainer) -> Iterator[float]:
    """Seconds of the steps of each epoch, without its validation."""
    writing_trainer._REPORT_SECONDS = 0.0  # every step is told
    spent, begun = 0.0, _CLOCK[0]()
    for event in trainer.run():
        if isinstance(event, Step):
            spent += _CLOCK[0]() - begun
        else:
            yield spent
            spent = 0.0
        begun = _CLOCK[0]()


class _Turns(TrainerCallback):
    """Times the peer's epochs, and lets ours have its turn after each."""

    def __init__(self, ours: Callable[[], None], times: list[float]) -> None:
        self._ours, self._times, self._begun = ours, times, 0.0

    def on_epoch_begin(self, *args: Any, **kwargs: Any) -> None:
        self._begun = _CLOCK[0]()

    def on_epoch_end(self, *args: Any, **kwargs: Any) -> None:
        self._times.append(_CLOCK[0]() - self._begun)
        self._ours()


def _trainer(
    net: Any,
    rows: Sequence[TokenRow],
    base: LanguageModel,
    epochs: int,
    folder: Path,
    turns: _Turns,
) -> Trainer:
    """transformers' own, as it comes, on the same rows."""
    pad = base.reader.pad

    def collated(some: Sequence[Mapping[str, list[int]]]) -> dict[str, torch.Tensor]:
        longest = max(len(one["input_ids"]) for one in some)
        filled = {"input_ids": pad, "labels": -100, "attention_mask": 0}
        return {
            key: torch.tensor([[*one[key], *[fill] * (longest - len(one[key]))] for one in some])
            for key, fill in filled.items()
        }

    data = [
        {"input_ids": row.ids, "labels": [*[-100] * row.first, *row.ids[row.first :]],
         "attention_mask": [1] * len(row.ids)}
        for row in rows
    ]  # fmt: skip
    how = TrainingArguments(
        output_dir=str(folder / "peer"), use_cpu=True, report_to=[], save_strategy="no",
        logging_strategy="no", disable_tqdm=True, num_train_epochs=epochs,
        per_device_train_batch_size=BATCH, learning_rate=1e-3, dataloader_pin_memory=False,
    )  # fmt: skip
    given: Any = data
    return Trainer(net, how, data_collator=collated, train_dataset=given, callbacks=[turns])


def _lora(base: LanguageModel, config: WritingConfig) -> Any:
    how = LoraConfig(r=config.rank, lora_alpha=int(config.alpha), task_type=TaskType.CAUSAL_LM,
                     target_modules=["gate_proj", "up_proj", "down_proj"])  # fmt: skip
    net: Any = copy.deepcopy(base.model)
    return get_peft_model(net, how)


def _prompt(base: LanguageModel, config: WritingConfig) -> Any:
    net: Any = copy.deepcopy(base.model)
    how = PromptTuningConfig(num_virtual_tokens=config.prefix, task_type=TaskType.CAUSAL_LM)
    return get_peft_model(net, how)


@dataclass(frozen=True)
class _Written:
    """Seconds to the first token, and of each further one."""

    first: float
    each: float


def _writing(base: LanguageModel, texts: OwnTexts, people: int, rounds: int) -> int:
    endless = replace(base, reader=replace(base.reader, after=()))
    ways: dict[str, Callable[[], _Written]] = {}
    for name, method in (("plain", "unprompted"), ("unified", "consensus"),
                         ("with a prefix", "prefix-on-unified")):  # fmt: skip
        model = model_of(endless, texts, method)
        writer = OpenWriter(model, past_of(model, texts))
        ways[name] = lambda writer=writer: _ours(writer, texts, people)  # type: ignore[misc]
    ways["generate"] = lambda: _generate(base, texts, people)
    found: dict[str, list[_Written]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            one = way()
            if number:
                found[name].append(one)
    for name, each in found.items():
        first = 1000 * statistics.median(one.first for one in each)
        token = 1000 * statistics.median(one.each for one in each)
        what = f"writing {people:>2} texts, {name:<14}"
        print(f"  {what} first token {first:7.1f} ms, then {token:6.2f} ms")
    ratios = {
        name: statistics.median(
            one.each / other.each for one, other in zip(found[name], found[beside], strict=True)
        )
        for name, beside in (("with a prefix", "unified"), ("generate", "plain"))
    }
    print(
        f"  writing {people:>2} texts: a token with a prefix takes {ratios['with a prefix']:.3f} "
        f"times one without (goal {PREFIX:g}), one of generate {ratios['generate']:.2f} times ours"
    )
    return int(ratios["with a prefix"] > PREFIX)


def _ours(writer: OpenWriter, texts: OwnTexts, people: int) -> _Written:
    asked = [Asked(at, texts.pairs[at][0]) for at in range(people)]
    how = Decoding(most_tokens=TOKENS)
    stamps = [_CLOCK[0]() for _ in write_as(writer, asked, how)]
    # the first event is that the work begins, the last one its result
    return _span(stamps[0], stamps[1:-1])


def _span(begun: float, stamps: Sequence[float]) -> _Written:
    steps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    return _Written(stamps[0] - begun, statistics.median(steps))


class _Stamps(LogitsProcessor):
    """Notes when the logits of each token were there."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self.times.append(_CLOCK[0]())
        return scores


def _generate(base: LanguageModel, texts: OwnTexts, people: int) -> _Written:
    """transformers' own, greedy, with its own cache; prompts filled up at their beginning."""
    net: Any = base.model
    rows = [base.reader.lay_out([(texts.pairs[at][0], "")])[0].ids for at in range(people)]
    longest = max(map(len, rows))
    ids = torch.tensor([[*[base.reader.pad] * (longest - len(row)), *row] for row in rows])
    seen = torch.tensor([[*[0] * (longest - len(row)), *[1] * len(row)] for row in rows])
    how = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False, use_cache=True,
        pad_token_id=base.reader.pad,
    )  # fmt: skip
    stamps = _Stamps()
    begun = _CLOCK[0]()
    net.generate(
        input_ids=ids, attention_mask=seen, generation_config=how,
        logits_processor=LogitsProcessorList([stamps]),
    )  # fmt: skip
    return _span(begun, stamps.times)


if __name__ == "__main__":
    sys.exit(main())
