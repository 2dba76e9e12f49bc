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
from prism_desktop.engine.methods.writing_parts import (
    ExamplesInContext,
    HistoryReader,
    LearnedStart,
    PersonPrefix,
)
from prism_desktop.engine.runs import checkpoint, layout
from prism_desktop.engine.runs.run_events import Epoch, Step
from prism_desktop.engine.writing.learned_start import (
    StartedPrefix,
    learning_epochs,
    step_of_start,
)
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.soft_prefixes import DeviatingPrefix, Written
from prism_desktop.engine.writing.step_plans import PlannedStep, planned_steps
from prism_desktop.engine.writing.text_scores import per_person, score_texts
from prism_desktop.engine.writing.token_rows import TokenRow, packed
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writing_losses import WritingLoss

_REPORT_SECONDS = 0.1
# Of the texts that are read beside one, in the context, where they cost most, and where epochs are
# compared; how many are best is chosen afterwards.
_EXAMPLES = 3
_ADAPTERS = ("unified.", "group.", "own.", "experts.down.", "experts.up.", "experts.route.")
_MERGED = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of a person's adapters that validation chooses among


@dataclass(slots=True)
class TrainingPlace:
    """Where training stands between two steps."""

    epoch: int = 1
    place: int = 0  # steps of the epoch that are done
    step: int = 0
    best_epoch: int | None = None
    best_nll: float | None = None
    stale: int = 0
    seconds: float = 0.0  # of all epochs so far, with their validation
    begun: float = 0.0  # of these, before the present epoch
    total: float = 0.0  # of the epoch's losses so far, nats
    tokens: int = 0
    ended: bool = False


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
    _loss: WritingLoss = field(init=False)
    _optimizer: torch.optim.Optimizer = field(init=False)
    _rates: list[float] = field(init=False)
    _best: dict[str, Tensor] = field(init=False, default_factory=dict)
    _saved: float = field(init=False, default=0.0)
    _reported: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        """Make the optimiser: adapters and soft tokens have rates of their own."""
        config = self.model.config
        self.places = self.past.texts.places
        self._loss = WritingLoss(self.model, self.past)
        groups: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
        for name, one in [*self.model.named_parameters(), *self._loss.named_parameters()]:
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
    def _starting(self) -> int:
        """How many epochs learn where people's soft tokens start."""
        learned = self.model.method.first(LearnedStart)
        return 0 if learned is None else learning_epochs(self.model.config.epochs)

    @property
    def steps(self) -> int:
        """Of the present epoch."""
        return len(self._plan())

    def _plan(self) -> list[PlannedStep]:
        starting = self.at.epoch <= self._starting
        return planned_steps(self.model, self.past.texts, self.at.epoch, by_people=starting)

    def run(self) -> Iterator[Step | Epoch]:
        """Train to the end; afterwards the model is the best epoch's.

        Raises:
            RunError: the loss is no number any more.
        """
        self._saved = time.monotonic()
        while not self.at.ended:
            yield from self._epoch()
        self.finish()

    def finish(self) -> None:
        """Make the model the best epoch's; somebody may have ended the training before its end."""
        self._load(self._best)
        if self.model.method.first(PersonPrefix):
            self._keep_what_helps()
        if isinstance(self.model.prefix, DeviatingPrefix):
            self._keep_deviations_that_help(self.model.prefix)
        if self.model.merged is not None:
            self._merge(self.model.merged)

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        tensors = {f"model.{name}": one for name, one in self.model.state_dict().items()}
        tensors |= {f"best.{name}": one for name, one in self._best.items()}
        tensors |= {f"loss.{name}": one for name, one in self._loss.state_dict().items()}
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
        self._loss.load_state_dict(_part(found.tensors, "loss."))
        checkpoint.load_optimizer(self._optimizer, found.tensors)
        return True

    def validate(self) -> tuple[float, dict[int, float]]:
        """Nats per own token of the validation texts: mean over people, and each person's."""
        rows = self.past.texts.of("val")
        given = self.model.config.examples
        examples = _EXAMPLES if given is None else given
        sums, counts = score_texts(self.model, self.past, rows, self.places, examples=examples)
        per = per_person(self.past.texts, rows, sums, counts)
        return float(np.mean(list(per.values()))), per

    def _epoch(self) -> Iterator[Step | Epoch]:
        starting = self.at.epoch <= self._starting
        plan = self._plan()
        while self.at.place < len(plan):
            begun = time.perf_counter()
            share = self._share(len(plan))
            for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate * share
            with self.model.lighter():
                loss = (self._move_start if starting else self._step)(plan[self.at.place], share)
            self.at.seconds += time.perf_counter() - begun
            if time.monotonic() - self._reported >= _REPORT_SECONDS:
                self._reported = time.monotonic()
                yield self._told(float(loss), len(plan))
            if time.monotonic() - self._saved >= self.model.config.checkpoint_seconds:
                self.save()
        yield self._close()

    def _share(self, steps: int) -> float:
        """Of the learning rates: a cosine from 1 to 0 over the epochs, of each phase its own."""
        first, epochs = 0, self._starting
        if self.at.epoch > epochs:
            first, epochs = epochs, self.model.config.epochs - epochs
        done = (self.at.epoch - 1 - first + self.at.place / steps) / epochs
        return 0.5 * (1 + math.cos(math.pi * done))

    def _step(self, planned: PlannedStep, share: float) -> Tensor:
        """One step; the loss is the mean over the batch's own tokens, and what the method adds.

        The gradients are summed over passes of like length, so that a pass fits into the memory
        and little of it is filled up.
        """
        written, rows = self._written(planned), self._laid(planned)
        people = [self.places[one] for one in planned.who]
        own = sum(len(row.ids) - row.first for row in rows)
        found: list[tuple[Tensor, Tensor]] = []
        self._optimizer.zero_grad(set_to_none=True)
        for part in self._passes(rows):
            read = None if written is None else written.of(torch.tensor(part))
            sums, counts, extra = self._loss(
                [rows[at] for at in part], [people[at] for at in part], read
            )
            torch.autograd.backward(sums.sum() / own + extra * (len(part) / len(rows)))
            found.append((sums.detach(), counts))
        if isinstance(self.model.prefix, StartedPrefix):
            self.model.prefix.start.grad = None  # it was learned before
        self._optimizer.step()
        each = [torch.cat(column) for column in zip(*found, strict=True)]
        return self._counted(each[0], each[1])

    def _passes(self, rows: Sequence[TokenRow]) -> list[list[int]]:
        """Places of a step's texts, those of each pass; one where the loss is of a whole batch."""
        if not self._loss.by_text:
            return [list(range(len(rows)))]
        lengths = {place: len(row.ids) for place, row in enumerate(rows)}
        return list(packed(lengths, self.model.vocabulary))

    def _move_start(self, planned: PlannedStep, share: float) -> Tensor:
        """One step that learns where people's soft tokens start."""
        model, people = self.model, [self.places[one] for one in planned.who]
        learned = model.method.first(LearnedStart)
        assert learned is not None
        assert isinstance(model.prefix, StartedPrefix)

        def costs(places: Sequence[int]) -> tuple[Tensor, Tensor]:
            return model.nll([planned.rows[one] for one in places], [people[one] for one in places])

        self._optimizer.zero_grad(set_to_none=True)
        rate = model.config.prefix_lr
        found = step_of_start(
            model.prefix, people, costs, rate, share, by_gradient=learned.by_gradient
        )
        self._optimizer.step()
        return self._counted(*found)

    def _counted(self, sums: Tensor, counts: Tensor) -> Tensor:
        """Note that a step is done; returns its loss."""
        self.at.place += 1
        self.at.step += 1
        self.at.total += float(sums.detach().sum())
        self.at.tokens += int(counts.sum())
        if not math.isfinite(self.at.total):
            raise RunError(
                f"The loss was no number any more at step {self.at.step}; start again with lower "
                "learning rates (lora_lr, prefix_lr)."
            )
        return (sums.sum() / counts.sum()).detach()

    def _laid(self, planned: PlannedStep) -> list[TokenRow]:
        """The step's texts, of methods that read examples behind some."""
        method, rows = self.model.method, self.model.rows
        if method.first(ExamplesInContext) is None:
            return planned.rows
        several = zip(planned.texts, planned.read, planned.who, strict=True)
        return [
            self.past.row(rows, method, text, read[:_EXAMPLES], _EXAMPLES, person)
            for text, read, person in several
        ]

    def _written(self, planned: PlannedStep) -> Written | None:
        method = self.model.method
        if method.first(HistoryReader) is None:
            return None
        several = zip(planned.texts, planned.read, strict=True)
        read = [self.past.read_of(method, text, one) for text, one in several]
        return self.past.written(read, planned.who, self.model.device)

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
        starting = self.at.epoch <= self._starting  # of which nobody's soft tokens come yet
        best = not starting and (self.at.best_nll is None or nll < self.at.best_nll)
        if best:
            self.at.best_nll, self.at.best_epoch, self.at.stale = nll, self.at.epoch, 0
            self._best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        elif not starting:
            self.at.stale += 1
        people = self.past.texts.meta.people
        event = Epoch(
            epoch=self.at.epoch,
            step=self.at.step,
            train={"loss": self.at.total / max(1, self.at.tokens)},
            val={"nll": nll},
            per_labeler={people[one].code: {"val_nll": value} for one, value in per.items()},
            seconds=self.at.seconds - self.at.begun,
            best=best,
        )
        stale = self.at.stale >= self.model.config.patience
        self.at.ended = stale or self.at.epoch >= self.model.config.epochs
        self.at.epoch += 1
        self.at.place, self.at.total, self.at.tokens = 0, 0.0, 0
        self.at.begun = self.at.seconds
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

    def _merge(self, merged: Tensor) -> None:
        """Give each person the mean of their own and the unified adapters that their validation
        texts cost least with; who has none, all of their own."""
        best: dict[int, float] = {}
        chosen = torch.ones_like(merged)
        for share in _MERGED:
            merged.fill_(share)
            for person, nll in self.validate()[1].items():
                if nll < best.get(person, math.inf):
                    best[person], chosen[self.places[person]] = nll, share
        merged.copy_(chosen)

    @torch.no_grad()
    def _keep_deviations_that_help(self, prefix: DeviatingPrefix) -> None:
        """Leave those with their group whose deviation does not lower the NLL of their own
        validation texts."""
        _, beside = self.validate()
        own = prefix.own.clone()
        prefix.own.zero_()
        _, without = self.validate()
        for person, place in self.places.items():
            if person in beside and beside[person] < without[person]:
                prefix.own[place] = own[place]


def _part(tensors: object, beginning: str) -> dict[str, Tensor]:
    assert isinstance(tensors, dict)
    return {
        name.removeprefix(beginning): one
        for name, one in tensors.items()
        if name.startswith(beginning)
    }
