"""The training loop: a generator of events that can be
stopped, checkpointed and resumed at any step."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.models.answers import Answers, Ints
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.runs import checkpoint, layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.metrics_file import append_metrics, drop_metrics_from
from prism_desktop.engine.runs.run_events import Epoch, Step
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.batches import Batch, Sampler
from prism_desktop.engine.training.closed_form_start import ClosedFormStart
from prism_desktop.engine.training.losses.loss_term import LossTerm, StepContext
from prism_desktop.engine.training.pair_loss import PairLoss, correct
from prism_desktop.engine.training.routine import Cursor, epoch_event
from prism_desktop.engine.training.save import save_trained
from prism_desktop.engine.training.schedule import fitting_epochs, rate_share, width_scale
from prism_desktop.engine.training.scoring import Scorer, score_all
from prism_desktop.engine.training.tally import Tally
from prism_desktop.engine.training.team import ALONE, Team

REPORT_SECONDS = 0.1  # a reader sees no more, and reading the loss back halts a GPU
# Of the learning rates where training starts at the closed form: what is good already is changed
# with care. Chosen on the demo study's validation answers.
_CAREFUL = 0.3
_PAYS = 0.002  # nats per answer that an epoch must gain over the closed form on validation


@dataclass(slots=True)
class Pace:
    """Moving averages of what steps cost, for the time left."""

    step: float = 0.0  # seconds
    rows: float = 0.0  # image passes per step
    validation: float = 0.0  # seconds
    reported: float = -math.inf  # monotonic seconds
    counted: int = 0

    def took(self, seconds: float, rows: float) -> None:
        """Count some steps in, by their means."""
        self.counted += 1
        fresh = max(0.1, 1 / self.counted)  # the first steps are slow and must be forgotten soon
        self.step += fresh * (seconds - self.step)
        self.rows += fresh * (rows - self.rows)


@dataclass(slots=True)
class Trainer:
    """Fits a model's trainable parameters to pairs.

    Attributes:
        answers: of the splits train and val.
        loss_terms: what the method adds to the likelihood of the answers.
        folder: the run's; gets metrics.csv and checkpoints/.
        start: fits the heads that training starts at; None where it starts as drawn.
        team: the processes that share its steps.
        stopping: set it to end training after the present step; the best epoch so far is kept.
    """

    scorer: Scorer
    answers: Mapping[str, Answers]
    labelers: tuple[str, ...]
    attributes: tuple[str, ...]
    config: TrainConfig
    folder: Path
    loss_terms: Sequence[LossTerm] = ()
    stopping: bool = False
    cursor: Cursor = field(default_factory=Cursor)
    loss: PairLoss = field(init=False)
    sampler: Sampler = field(init=False)
    width: int = 768  # of the tower, for which learning rates are scaled
    start: ClosedFormStart | None = None
    team: Team = ALONE
    _plan: list[Ints] = field(init=False, default_factory=list)  # a helper's present epoch
    _optimizer: torch.optim.Optimizer = field(init=False)
    _rates: tuple[float, ...] = field(init=False)
    _running: Tally = field(init=False)
    _best: dict[str, Tensor] = field(init=False, default_factory=dict)
    _pending: list[tuple[Batch, Tensor, Tensor]] = field(init=False, default_factory=list)
    _pace: Pace = field(init=False, default_factory=Pace)
    _begun: float = field(init=False, default=0.0)  # when the first pending step began
    _saved: float = field(init=False, default=0.0)
    # each labeler's scores of validation images by heads that never learned from them
    _unseen: list[LabelerScores] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Make the optimiser: adapters, tokens, the tie rate and the loss terms' own parameters
        are groups with rates of their own."""
        config, answers = self.config, self.answers["train"]
        self.loss = PairLoss(config.pairs.ties == "davidson", answers.tie_share).to(
            self.scorer.model.device
        )
        scale = width_scale(config, self.width) * (_CAREFUL if self.start is not None else 1.0)
        groups = self.scorer.model.parameter_groups(
            config.lora_lr * scale, config.token_lr * scale, config.weight_decay
        )
        if self.loss.log_nu is not None:
            groups.append(
                {
                    "name": "ties",
                    "params": [self.loss.log_nu],
                    "lr": config.lora_lr,
                    "weight_decay": 0.0,
                }
            )
        for loss_term in self.loss_terms:
            loss_term.begin(self.scorer.model)
        helpers = [tensor for loss_term in self.loss_terms for tensor in loss_term.parameters()]
        if helpers:
            groups.append(
                {"name": "terms", "params": helpers, "lr": config.lora_lr, "weight_decay": 0.0}
            )
        self._optimizer = torch.optim.AdamW(groups)
        self._rates = tuple(float(group["lr"]) for group in groups)
        self.sampler = Sampler(answers.group, config.batch, config.seed)
        self._running = Tally(self.labelers, self.attributes)

    @property
    def epochs(self) -> int:
        """Most epochs: as set, or what fits the number of answers."""
        return self.config.epochs or fitting_epochs(self.sampler.steps)

    @property
    def _most_steps(self) -> int:
        steps = self.epochs * self.sampler.steps
        return min(steps, self.config.max_steps or steps)

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return self.sampler.steps

    def counts(self) -> Mapping[str, int]:
        """Numbers of parameters."""
        return self.scorer.model.counts()

    def score(self) -> Iterator[Progress | LabelerScores]:
        """Every labeler's scores of all images; labelers who see alike share their passes.

        Validation images are scored as before the heads learned from the answers on them, so that
        combinations may be weighed on them: apart as before, and in the middle where the heads put
        them now, so that they can be ranked among the others. Heads fitted to other answers have
        another zero, and no difference of two validation images knows of the middle.
        """
        images = self._validation_images()
        rows = iter(self._unseen)
        for event in score_all(self.scorer, self.labelers):
            if isinstance(event, LabelerScores) and self._unseen:
                before, now = next(rows).scores, event.scores[images]
                event.scores[images] = before + (now.mean(axis=0) - before.mean(axis=0))
            yield event

    def write(self, run: RunFolder) -> None:
        """Write the model into the run's folder."""
        save_trained(self.scorer.model, run, self.labelers, self.loss.nu)

    def run(self) -> Iterator[Step | Epoch | Progress | Notice]:
        """Train to the end, or until `stopping`.

        A start in closed form is validated as epoch 0, and kept if no later epoch is better by
        more than chance may bring.

        Afterwards the model holds the best epoch's weights.

        Raises:
            RunError: if the loss is no number any more.
        """
        self._saved = time.monotonic()
        self.team.order(open=str(self.folder))
        if not self.cursor.step:
            yield from (Notice(loss_term.idle) for loss_term in self.loss_terms if loss_term.idle)
            yield from self._begin()
        while not self.cursor.ended and not self.stopping:
            yield from self._epoch()
        # stopped within the first epoch: what there is becomes the best
        if self.cursor.best_epoch is None:
            yield self._close_epoch()
        self.scorer.model.load_trainable_state(_part(self._best, "model."))
        self._load_losses(self._best)
        for loss_term in self.loss_terms:
            if text := loss_term.finish(self.scorer, self.answers["val"], self.loss):
                yield Notice(text)
        yield from self._finish_heads()

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        self._flush()
        tensors = self._weights() | checkpoint.optimizer_tensors(self._optimizer)
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        tensors |= {
            "running": torch.from_numpy(self._running.sums.copy()),
            "rng": torch.get_rng_state(),
        }
        made = checkpoint.Checkpoint(tensors, asdict(self.cursor))
        checkpoint.save(self.folder / layout.CHECKPOINTS, made, self.cursor.step)
        self._saved = time.monotonic()

    def resume(self) -> tuple[bool, int]:
        """Go back to the newest good checkpoint, if there is one.

        Also returns how many damaged ones there were.
        """
        found, damaged = checkpoint.recover(self.folder / layout.CHECKPOINTS)
        if found is not None:
            self.cursor = Cursor(**found.cursor)
            self.scorer.model.load_trainable_state(_part(found.tensors, "model."))
            self._load_losses(found.tensors)
            checkpoint.load_optimizer(self._optimizer, found.tensors)
            self._best = _part(found.tensors, "best.")
            self._running.sums = found.tensors["running"].numpy().copy()
            torch.set_rng_state(found.tensors["rng"])
        drop_metrics_from(
            self.folder / layout.METRICS, self.cursor.epoch if self.cursor.step else 0
        )
        return found is not None, damaged

    def _begin(self) -> Iterator[Epoch | Progress | Notice]:
        """Fit the heads to start at, and validate them."""
        if self.start is None:
            return
        begun = time.perf_counter()
        yield from self.start.fit(self.scorer)
        self.cursor = Cursor(epoch=0, seconds=time.perf_counter() - begun)
        yield self._close_epoch()

    def _finish_heads(self) -> Iterator[Progress]:
        """Let the heads learn from the validation answers, which have chosen all there was to
        choose."""
        model = self.scorer.model
        if not isinstance(model, PersonalTower) or model.heads is None:
            return
        if not torch.any(model.heads.later):
            return
        for event in score_all(self.scorer, self.labelers, self._validation_images()):
            if isinstance(event, LabelerScores):
                self._unseen.append(event)
            else:
                yield event
        model.heads.finish()

    def _validation_images(self) -> Ints:
        val = self.answers["val"]
        return np.union1d(val.left, val.right)

    def _epoch(self) -> Iterator[Step | Epoch]:
        """The rest of the present epoch from where the cursor stands; reports, and checkpoints by
        the clock."""
        steps = self.sampler.epoch(self.cursor.epoch)
        limit = self.config.max_steps or math.inf
        while self.cursor.place < len(steps) and self.cursor.step < limit:
            self._step(steps[self.cursor.place])
            if time.monotonic() - self._pace.reported >= REPORT_SECONDS:
                yield self._report()
            if self.stopping:
                self.save()
                return
            if time.monotonic() - self._saved >= self.config.checkpoint_seconds:
                self.save()
        if self._pending:
            yield self._report()
        self.cursor.ended = self.cursor.step >= limit
        event = self._close_epoch()
        self.save()
        yield event

    def help(self, epoch: int, place: int) -> None:
        """Do this process's share of a step that the team's leader takes."""
        if self.cursor.epoch != epoch or not self._plan:
            self.cursor.epoch, self._plan = epoch, self.sampler.epoch(epoch)
        self._descend(self._plan[place])

    def _step(self, places: Ints) -> None:
        """One step.

        Nothing is read back from the device here, so that a GPU never waits; see `_flush`.
        """
        if not self._pending:
            self._begun = time.perf_counter()
        self.team.order(step=[self.cursor.epoch, self.cursor.place])
        learned = self._descend(places)
        share = rate_share(self.config, self.cursor.step, self.epochs * self.sampler.steps)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        self._optimizer.step()
        for loss_term in self.loss_terms:
            loss_term.stepped(self.scorer.model, self.cursor.step + 1, self._most_steps)
        self._pending.append(learned)
        self.cursor.place += 1
        self.cursor.step += 1

    def _descend(self, places: Ints) -> tuple[Batch, Tensor, Tensor]:
        """Gradients of a step's loss, with those of the whole team at its leader.

        Returns what was answered, and of each answer loss and whether it was foretold right; of the
        whole step at the leader.
        """
        trained = [one for group in self._optimizer.param_groups for one in group["params"]]
        whole = part = self.scorer.batch(self.answers["train"], places)
        mine = slice(0, len(places))
        if not self.team.alone:
            changed = {id(one): one for one in self.scorer.model.trained().values()}
            changed |= {id(one): one for one in trained}
            self.team.broadcast(list(changed.values()))
            mine = self.team.share(len(places))
            part = self.scorer.batch(self.answers["train"], places[mine])
        self._optimizer.zero_grad(set_to_none=True)
        told = torch.zeros(2, len(places), device=self.scorer.model.device)
        if len(part.places):
            losses, right = self._backward(part, places, whole)
            if self.team.alone:
                return part, losses, right
            told[:, mine] = torch.stack([losses, right])
        self.team.reduce_gradients(trained, told)
        return whole, told[0], told[1]

    def _backward(self, part: Batch, places: Ints, whole: Batch) -> tuple[Tensor, Tensor]:
        """Add a part of a step's gradients; returns loss of each answer, and whether it was
        foretold right."""
        self.scorer.model.begin_episode(places)
        flips = self.sampler.flips(self.cursor.epoch, part.images) if self.config.flips else None
        features = self.scorer.encode(part, flips)
        difference = self.scorer.differences(part, features)
        outcome, weight = self.scorer.send(part.outcome), self.scorer.send(part.weight)
        losses = self.loss(difference, outcome)
        everything = weight if part is whole else self.scorer.send(whole.weight)
        total = (losses * weight).sum() / everything.sum()
        if self.team.leads:
            context = StepContext(self.scorer, part, features, difference)
            for loss_term in self.loss_terms:
                total = total + loss_term(context)
        total.backward()
        return losses.detach(), correct(difference.detach(), outcome)

    def _report(self) -> Step:
        """What the steps since the last report came to; a loss that is no number ends the training
        here."""
        part, losses, right = self._pending[-1]
        weight = self.scorer.send(part.weight)
        loss, accuracy = float((losses * weight).sum() / weight.sum()), float(right.nanmean())
        self._flush()
        self._pace.reported = time.monotonic()
        if not math.isfinite(loss):
            raise RunError(
                f"The loss was no number any more at step {self.cursor.step}; resume would fail "
                "the same way, so start again with lower learning rates (lora_lr, token_lr)."
            )
        return Step(
            epoch=self.cursor.epoch,
            step=self.cursor.step,
            loss=loss,
            accuracy=None if math.isnan(accuracy) else accuracy,
            lr=float(self._optimizer.param_groups[0]["lr"]),
            images_per_second=self._pace.rows / self._pace.step,
            eta_seconds=self._seconds_left(),
        )

    def _seconds_left(self) -> float:
        epochs = self.epochs - self.cursor.epoch + 1
        steps = epochs * self.sampler.steps - self.cursor.place
        if self.config.max_steps is not None and self.config.max_steps - self.cursor.step < steps:
            steps = self.config.max_steps - self.cursor.step
            epochs = 1 + (self.cursor.place + steps - 1) // self.sampler.steps
        return steps * self._pace.step + epochs * self._pace.validation

    def _flush(self) -> None:
        """Bring the steps' losses home.

        One addition per step, so that sums do not depend on when this happens.

        Only now is a GPU known to be done, so the steps' time is taken here.
        """
        if not self._pending:
            return
        for part, losses, right in self._pending:
            self._running.add(
                part.answered_by,
                part.attribute,
                losses.cpu().double().numpy(),
                right.cpu().double().numpy(),
            )
        seconds, steps = time.perf_counter() - self._begun, len(self._pending)
        self.cursor.seconds += seconds
        self._pace.took(
            seconds / steps, sum(len(part.image) for part, _, _ in self._pending) / steps
        )
        self._pending.clear()

    def _close_epoch(self) -> Epoch:
        """Validate, keep the weights if they are the best so far, and move the cursor on."""
        self._flush()
        begun = time.perf_counter()
        val = self.scorer.tally(
            self.answers["val"], self.loss, Tally(self.labelers, self.attributes)
        )
        self._pace.validation = time.perf_counter() - begun
        cursor, train = self.cursor, self._running
        cursor.seconds += self._pace.validation
        nll = val.macro()["nll"]
        less = _PAYS if cursor.best_epoch == 0 else 0.0
        best = cursor.best_epoch is None or (
            nll is not None and nll < (cursor.best_nll or math.inf) - less
        )
        if best:
            cursor.best_nll, cursor.best_epoch, cursor.stale = nll, cursor.epoch, 0
            self._best = self._weights()
        else:
            cursor.stale += 1
        # before the first step nothing was tallied in training
        tallies = (("train", train), ("val", val)) if cursor.epoch else (("val", val),)
        for name, tally in tallies:
            rows, file = tally.rows(), self.folder / layout.METRICS
            append_metrics(file, cursor.epoch, cursor.step, cursor.seconds, name, rows)
        event = epoch_event(cursor, train, val, best)
        cursor.ended |= cursor.stale >= self.config.patience or cursor.epoch >= self.epochs
        cursor.epoch, cursor.place, cursor.begun = cursor.epoch + 1, 0, cursor.seconds
        self._running = Tally(self.labelers, self.attributes)
        return event

    def _weights(self) -> dict[str, Tensor]:
        weights = {
            f"model.{name}": tensor for name, tensor in self.scorer.model.trainable_state().items()
        }
        losses = [
            ("loss.", self.loss),
            *((f"term-{place}.", loss_term) for place, loss_term in enumerate(self.loss_terms)),
        ]
        return weights | {
            f"{prefix}{name}": tensor.detach().cpu().clone()
            for prefix, module in losses
            for name, tensor in module.state_dict().items()
        }

    def _load_losses(self, tensors: Mapping[str, Tensor]) -> None:
        self.loss.load_state_dict(_part(tensors, "loss."))
        for place, loss_term in enumerate(self.loss_terms):
            loss_term.load_state_dict(_part(tensors, f"term-{place}."))


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
