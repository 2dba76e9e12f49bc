"""New images or texts: those that came into the study after a run was trained, scored by its model
on demand."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton

from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.records import Changes, ImageRecord, StimulusRecord
from prism_desktop.engine.study.texts import TextRecord
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.plain import set_tip
from prism_desktop.ui.widgets.possible import allow

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study


@dataclass(frozen=True, slots=True, eq=False)
class NewImageScores:
    """What a run's model says of images that it was not given."""

    images: tuple[StimulusRecord, ...]
    attributes: tuple[str, ...]  # more may have been typed since
    # (labelers, attributes, images), NaN where nothing could be predicted
    scores: NDArray[np.float32]


def added(study: "Study", known: Container[str]) -> tuple[StimulusRecord, ...]:
    """The study's images, or texts, that a run does not know."""
    return tuple(one for one in study.stimuli() if not one.missing and one.id not in known)


def score(data: RunData, images: tuple[StimulusRecord, ...]) -> Iterator[Event[NewImageScores]]:
    """Score images, or texts, on every attribute that the run's are scored on.

    The last event is `Done[NewImageScores]`.
    """
    files, texts = files_of(images), texts_of(images)
    place = {image.id: column for column, image in enumerate(images)}
    attributes = data.attributes
    table = np.full((len(data.labelers), len(attributes), len(images)), np.nan, np.float32)
    for kind, attribute in enumerate(attributes):
        for event in data.model().scores(attribute, None, files, texts):
            if not isinstance(event, Done):
                yield event
                continue
            found = event.value
            rows = [data.labelers.index(labeler) for labeler in found.labelers]
            table[np.ix_(rows, [kind], [place[image] for image in found.images])] = found.table[
                :, None
            ]
    seen = np.flatnonzero(~np.isnan(table).all(axis=(0, 1)))
    known = tuple(images[place] for place in seen)
    yield Done(NewImageScores(known, attributes, table[:, :, seen]))


def files_of(stimuli: Iterable[StimulusRecord]) -> dict[str, Path]:
    """Where images lie, by id; nothing of texts."""
    return {one.id: one.path for one in stimuli if isinstance(one, ImageRecord)}


def texts_of(stimuli: Iterable[StimulusRecord]) -> dict[str, tuple[str | None, str]]:
    """What texts say, by id: prompt and text; nothing of images."""
    return {one.id: (one.prompt, one.text) for one in stimuli if isinstance(one, TextRecord)}


class NewImagesButton(QPushButton):
    """Says how many images the run does not know, and scores them; hidden while there are none."""

    grown = Signal()  # the run that is shown has more images

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._data: RunData | None = None
        self._images: tuple[StimulusRecord, ...] = ()
        self.setProperty("variant", "quiet")
        set_tip(
            self,
            "They were not there when the run was trained; its model can score them nevertheless",
        )
        self.clicked.connect(lambda _=False: self._score())
        context.changed.connect(self._changed)
        self.hide()

    def look(self, data: RunData | None) -> None:
        """Look for images that this run does not know."""
        self._data, study = data, self._context.study
        self._offer(())
        if data is not None and study is not None:
            known = frozenset(data.images)

            def offer(images: tuple[StimulusRecord, ...]) -> None:
                if data is self._data:
                    self._offer(images)

            self._context.ask(
                lambda: added(study, known),
                offer,
                owner=self,
                what=self._context.words.told("Looking for images added since"),
                topic="later",
            )

    def _changed(self, changes: Changes) -> None:
        if changes.images:
            self.look(self._data)

    def _offer(self, images: tuple[StimulusRecord, ...]) -> None:
        self._images = images
        count = counted(len(images), self._context.words.kept)
        self.setText(f"Score {count} added since")
        allow("" if self._data is None else self._data.obstacles.images, self)
        self.setVisible(bool(images))

    def _score(self) -> None:
        """Score the images in a job; the result is dropped if another run is shown by then."""
        data, images = self._data, self._images
        if data is None or not images:
            return

        def on_events(events: list[Any]) -> None:
            for event in events:
                if isinstance(event, Done) and data is self._data:
                    self._take(data, event.value, len(images))

        self.setEnabled(False)
        said = self._context.words.told
        job = self._context.run(
            score(data, images), said("Scoring images added since"), events=on_events, owner=self
        )
        job.finished.connect(self._scored)

    def _scored(self) -> None:
        self.setEnabled(True)
        self._offer(self._images)

    def _take(self, data: RunData, found: NewImageScores, asked: int) -> None:
        lost = asked - len(found.images)
        if lost:
            count = counted(asked, self._context.words.kept)
            why = (
                f"{lost:,} of {count} could not be scored: they cannot be read, or the backbone "
                "lacks them."
            )
            self._context.message(why, "warn")
        if found.images:
            files, texts = files_of(found.images), texts_of(found.images)
            names = [(one.id, one.name, str(files.get(one.id, ""))) for one in found.images]
            data.with_images(names, found.scores, texts, found.attributes)
            self.grown.emit()
