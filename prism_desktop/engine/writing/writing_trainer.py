"""Fits a model that writes: a generator that can be stopped, checkpointed and resumed at any step.

Every step's texts, and what is read beside them, follow from seed and epoch alone, so that a
training that was killed goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.methods.writing_parts import HistoryPrefix, PersonPrefix
from prism_desktop.engine.runs import checkpoint, layout
from prism_desktop.engine.runs.run_events import Epoch, Step
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.soft_prefixes import Written
from prism_desktop.engine.writing.text_scores import per_person, score_texts
from prism_desktop.engine.writing.writer_model import WriterModel

_REPORT_SECONDS = 0.1
_CHUNK = 8  # batches whose texts are sorted by length together
_READ_BEFORE = (0, 1, 3, 5, 10, 30)  # texts that a network reads in training, each as often
_ADAPTERS = ("unified", "own")


@dataclass(slots=True)
class TrainingPlace:
    """Where training stands between two steps."""

    epoch: int = 1
    place: int = 0  # steps of the epoch that are done
    step: int = 0
    best_epoch: int | None = None
    best_nll: float | None = None
    stale: int = 0
    seconds: float = 0.0
    total: float = 0.0  # of the epoch's losses so far, nats
    tokens: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class _Planned:
    """A step: its texts, and of each which earlier texts a network reads."""

    rows: list[int]
    read: list[list[int]]


@dataclass(slots=True, eq=False)
class WritingTrainer:
    """Fits a model to the texts of the people whom training knows.

    Attributes:
        places: of each person of the texts the place among the model's people.
        folder: the run's; gets checkpoints.
    """

    model: WriterModel
    past: PastTexts
    folder: Path
    at: TrainingPlace = field(default_factory=TrainingPlace)
    places: dict[int, int] = field(init=False)
    _optimizer: torch.optim.Optimizer = field(init=False)
    _rates: list[float] = field(init=False)
    _best: dict[str, Tensor] = field(init=False, default_factory=dict)
    _saved: float = field(init=False, default=0.0)
    _reported: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """Make the optimiser: adapters and soft tokens have rates of their own."""
        config = self.model.config
        self.places = self.past.texts.places
        groups: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
        for name, one in self.model.named_parameters():
            if one.requires_grad:
                groups[name.startswith(_ADAPTERS)].append(one)
        made = [
            {"params": found, "lr": config.lora_lr if adapters else config.prefix_lr}
            for adapters, found in groups.items()
            if found
        ]
        self._optimizer = torch.optim.AdamW(made, weight_decay=config.weight_decay)
        self._rates = [float(group["lr"]) for group in self._optimizer.param_groups]

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return math.ceil(len(self.past.texts.of("train")) / self.model.config.batch)

    def run(self) -> Iterator[Step | Epoch]:
        """Train to the end; afterwards the model is the best epoch's.

        Raises:
            RunError: the loss is no number any more.
        """
        self._saved = time.monotonic()
        while not self.at.ended:
            yield from self._epoch()
        self._load(self._best)
        if self.model.method.first(PersonPrefix):
            self._keep_what_helps()

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        tensors = {f"model.{name}": one for name, one in self.model.state_dict().items()}
        tensors |= {f"best.{name}": one for name, one in self._best.items()}
        tensors |= checkpoint.optimizer_tensors(self._optimizer)
        made = checkpoint.Checkpoint(tensors, asdict(self.at))
        checkpoint.save(self.folder / layout.CHECKPOINTS, made, self.at.step)
        self._saved = time.monotonic()

    def resume(self) -> bool:
        """Go back to the newest good checkpoint, if there is one."""
        found, _ = checkpoint.recover(self.folder / layout.CHECKPOINTS)
        if found is None:
            return False
        self.at = TrainingPlace(**found.cursor)
        self._load(_part(found.tensors, "model."))
        self._best = _part(found.tensors, "best.")
        checkpoint.load_optimizer(self._optimizer, found.tensors)
        return True

    def validate(self) -> tuple[float, dict[int, float]]:
        """Nats per own token of the validation texts: mean over people, and each person's."""
        rows = self.past.texts.of("val")
        sums, counts = score_texts(self.model, self.past, rows, self.places)
        per = per_person(self.past.texts, rows, sums, counts)
        return float(np.mean(list(per.values()))), per

    def _epoch(self) -> Iterator[Step | Epoch]:
        plan = self._plan()
        while self.at.place < len(plan):
            begun = time.perf_counter()
            with self.model.lighter():
                loss = self._step(plan[self.at.place], len(plan))
            self.at.seconds += time.perf_counter() - begun
            if time.monotonic() - self._reported >= _REPORT_SECONDS:
                self._reported = time.monotonic()
                yield self._told(float(loss), len(plan))
            if time.monotonic() - self._saved >= self.model.config.checkpoint_seconds:
                self.save()
        yield self._close()

    def _step(self, planned: _Planned, steps: int) -> Tensor:
        """One step; the loss is the mean over the batch's own tokens."""
        texts, model = self.past.texts, self.model
        who = [texts.owner[row] for row in planned.rows]
        rows = [model.rows.plain(texts.pairs[row]) for row in planned.rows]
        written = self._written(planned.read, who)
        sums, counts = model.nll(rows, [self.places[one] for one in who], written)
        loss = sums.sum() / counts.sum()
        share = 0.5 * (1 + math.cos(math.pi * self.at.step / (model.config.epochs * steps)))
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._optimizer.step()
        self.at.place += 1
        self.at.step += 1
        self.at.total += float(sums.detach().sum())
        self.at.tokens += int(counts.sum())
        if not math.isfinite(self.at.total):
            raise RunError(
                f"The loss was no number any more at step {self.at.step}; start again with lower "
                "learning rates (lora_lr, prefix_lr)."
            )
        return loss.detach()

    def _written(self, read: Sequence[Sequence[int]], who: Sequence[int]) -> Written | None:
        if self.model.method.first(HistoryPrefix) is None:
            return None
        return self.past.written(read, who, self.model.device)

    def _plan(self) -> list[_Planned]:
        """The present epoch's steps: texts of like length together, in an order drawn anew."""
        texts, batch = self.past.texts, self.model.config.batch
        draw = np.random.default_rng([self.model.config.seed, self.at.epoch])
        order = [int(row) for row in draw.permutation(texts.of("train"))]
        parts: list[list[int]] = []
        for start in range(0, len(order), _CHUNK * batch):
            chunk = order[start : start + _CHUNK * batch]
            chunk.sort(key=lambda row: len(self.model.rows.plain(texts.pairs[row]).ids))
            parts += [chunk[place : place + batch] for place in range(0, len(chunk), batch)]
        histories = {person: texts.history(person) for person in texts.known}
        network = self.model.method.first(HistoryPrefix) is not None
        planned = []
        for place in draw.permutation(len(parts)):
            read: list[list[int]] = []
            for row in parts[place]:
                others = [one for one in histories[texts.owner[row]] if one != row]
                count = min(int(draw.choice(_READ_BEFORE)), len(others))
                chosen = draw.choice(len(others), count, replace=False) if network else ()
                read.append([others[int(one)] for one in chosen])
            planned.append(_Planned(parts[place], read))
        return planned

    def _told(self, loss: float, steps: int) -> Step:
        left = (self.model.config.epochs - self.at.epoch + 1) * steps - self.at.place
        each = self.at.seconds / max(1, self.at.step)
        rate = float(self._optimizer.param_groups[0]["lr"])
        return Step(
            epoch=self.at.epoch, step=self.at.step, loss=loss, lr=rate, eta_seconds=left * each
        )

    def _close(self) -> Epoch:
        """Validate, keep the best, and save."""
        begun = time.perf_counter()
        nll, per = self.validate()
        self.at.seconds += time.perf_counter() - begun
        best = self.at.best_nll is None or nll < self.at.best_nll
        if best:
            self.at.best_nll, self.at.best_epoch, self.at.stale = nll, self.at.epoch, 0
            self._best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        else:
            self.at.stale += 1
        people = self.past.texts.meta.people
        event = Epoch(
            epoch=self.at.epoch,
            step=self.at.step,
            train={"loss": self.at.total / max(1, self.at.tokens)},
            val={"nll": nll},
            per_labeler={people[one].code: {"val_nll": value} for one, value in per.items()},
            seconds=self.at.seconds,
            best=best,
        )
        stale = self.at.stale >= self.model.config.patience
        self.at.ended = stale or self.at.epoch >= self.model.config.epochs
        self.at.epoch += 1
        self.at.place, self.at.total, self.at.tokens = 0, 0.0, 0
        self.save()
        return event

    def _load(self, tensors: dict[str, Tensor]) -> None:
        self.model.load_state_dict(tensors)

    def _keep_what_helps(self) -> None:
        """Use nobody's soft tokens that do not lower the NLL of their own validation texts."""
        _, beside = self.validate()
        self.model.kept.fill_(False)
        _, without = self.validate()
        for person, place in self.places.items():
            helps = person in beside and beside[person] < without[person]
            self.model.kept[place] = helps


def _part(tensors: object, beginning: str) -> dict[str, Tensor]:
    assert isinstance(tensors, dict)
    return {
        name.removeprefix(beginning): one
        for name, one in tensors.items()
        if name.startswith(beginning)
    }
