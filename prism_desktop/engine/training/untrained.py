"""Untrained methods: the model is validated as it is built."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from prism_desktop.engine.events import Progress
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.metrics_file import drop_metrics_from
from prism_desktop.engine.runs.run_events import TrainingEvent
from prism_desktop.engine.runs.score_files import LabelerScores
from prism_desktop.engine.training.closed_form import close_epoch
from prism_desktop.engine.training.routine import Cursor
from prism_desktop.engine.training.save import save_trained
from prism_desktop.engine.training.scoring import Scorer, score_all


@dataclass(slots=True, eq=False)
class Untrained:
    """One validation of a model that has nothing to learn."""

    scorer: Scorer
    labelers: tuple[str, ...]
    attributes: tuple[str, ...]
    answers: Mapping[str, Answers]
    folder: Path
    stopping: bool = False
    cursor: Cursor = field(default_factory=Cursor)
    epochs: int = 1
    steps: int = 1
    _scored: list[LabelerScores] = field(default_factory=list)

    def counts(self) -> Mapping[str, int]:
        """Nothing is trained."""
        return {"lora": 0, "tokens": 0, "trainable": 0}

    def resume(self) -> tuple[bool, int]:
        """There are no checkpoints; it starts again."""
        drop_metrics_from(self.folder / layout.METRICS, 1)
        return False, 0

    def save(self) -> None:
        """Nothing to save."""

    def run(self) -> Iterator[TrainingEvent]:
        """Score everything and validate once."""
        begun = time.perf_counter()
        for event in score_all(self.scorer, self.labelers):
            if isinstance(event, LabelerScores):
                self._scored.append(event)
            else:
                yield event
        scores = np.stack([one.scores.T for one in self._scored])
        self.cursor.step, self.cursor.ended, self.cursor.best_epoch = 1, True, 1
        self.cursor.seconds = time.perf_counter() - begun
        yield close_epoch(
            self.cursor, scores, self.answers, self.labelers, self.attributes, self.folder
        )

    def score(self) -> Iterator[Progress | LabelerScores]:
        """Every labeler's scores of all images."""
        yield from self._scored

    def write(self, run: RunFolder) -> None:
        """Write the model into the run's folder."""
        save_trained(self.scorer.model, run, self.labelers)
