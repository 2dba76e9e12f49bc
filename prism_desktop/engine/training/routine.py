"""The interface of training routines: gradient descent, a closed form, or a combination of other
runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prism_desktop.engine.events import Progress
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Epoch, TrainingEvent
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.tally import Tally


@dataclass(slots=True)
class Cursor:
    """Where training stands between two steps."""

    epoch: int = 1  # the present one, from 1
    place: int = 0  # steps of the present epoch that are done
    step: int = 0  # steps of all epochs that are done
    best_epoch: int | None = None
    best_nll: float | None = None
    stale: int = 0  # epochs since the best one
    seconds: float = 0.0  # in steps and validations
    begun: float = 0.0  # of these, before the present epoch
    ended: bool = False


class TrainingRoutine(Protocol):
    """Something that learns a run's answers and can then score every image for every labeler."""

    cursor: Cursor
    stopping: bool  # set it to end after the present step; the best so far is kept

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes, in the order of scores."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names, in the order of scores."""

    @property
    def epochs(self) -> int:
        """Most passes over the answers."""

    @property
    def steps(self) -> int:
        """Steps of one pass."""

    def counts(self) -> Mapping[str, int]:
        """Numbers of parameters: `lora`, `tokens`, and `trainable` in all."""

    def resume(self) -> tuple[bool, int]:
        """Go back to the newest good checkpoint, if there is one.

        Also returns how many damaged ones there were.
        """

    def run(self) -> Iterator[TrainingEvent]:
        """Fit to the end, or until `stopping`; afterwards the best is in place."""

    def save(self) -> None:
        """Write a checkpoint of this moment."""

    def score(self) -> Iterator[Progress | LabelerScores]:
        """Every labeler's scores of all images of the run, labelers in their order."""

    def write(self, run: RunFolder) -> None:
        """Write the model into the run's folder."""


def epoch_event(cursor: Cursor, train: Tally, val: Tally, best: bool) -> Epoch:
    """The event of an epoch that ends where the cursor stands."""
    overall, macro = train.overall(), val.macro()
    by = []
    for was, now in (
        (train.per_labeler(), val.per_labeler()),
        (train.per_attribute(), val.per_attribute()),
    ):
        by.append(
            {
                name: {
                    "train_accuracy": was[name]["accuracy"],
                    "val_accuracy": mean["accuracy"],
                    "val_nll": mean["nll"],
                    "n": mean["n"],
                }
                for name, mean in now.items()
            }
        )
    micro = val.overall()["accuracy"]
    return Epoch(
        epoch=cursor.epoch,
        step=cursor.step,
        train={"loss": overall["nll"], "accuracy": overall["accuracy"]},
        val={"nll": macro["nll"], "accuracy": macro["accuracy"], "micro": micro},
        per_labeler=by[0],
        per_attribute=by[1],
        seconds=cursor.seconds - cursor.begun,
        best=best,
    )
