"""Practice: a few presentations on which to learn the keys; nothing of them is recorded."""

from collections.abc import Iterable, Mapping

from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.labeling.orders import shuffled
from prism_desktop.engine.labeling.presentations import Presentation, SessionProgress
from prism_desktop.engine.labeling.protocol import AfterGap, Protocol
from prism_desktop.engine.labeling.timing import FrameTimes
from prism_desktop.engine.study.records import (
    Changes,
    GivenAnswers,
    ImageId,
    Order,
    StimulusRecord,
    TrialRecord,
    new_id,
)

PRESENTATIONS = 3
_SOON = 60  # faces that come up within so many trials are kept fresh


class PracticeSession:
    """Takes the place of a `LabelingSession` before the
    first trial: same questions, same keys, no store."""

    rules: Protocol | None = None  # it follows none
    failed = False
    gap: AfterGap = "go on"
    away = 0.0

    def __init__(self, session: LabelingSession) -> None:
        """Args: session: what is practised for; its own coming faces are not used up."""
        self.labeler, self.kind, self.attributes = session.labeler, session.kind, session.attributes
        self.last_seen = session.last_seen
        self.begun: GivenAnswers | None = None
        self.order: Order = "random"
        self._id = new_id()
        self._presentations = _presentations(session)
        self._done: list[TrialRecord] = []
        self._undone: list[TrialRecord] = []

    @property
    def current(self) -> Presentation | None:
        """What to show now; None at the end."""
        place = len(self._done)
        return self._presentations[place] if place < len(self._presentations) else None

    @property
    def previous_answer(self) -> TrialRecord | None:
        """What was answered to the current presentation before it was undone."""
        return self._undone[-1] if self._undone else None

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    @property
    def progress(self) -> SessionProgress:
        """How far the practice is."""
        skipped = sum(trial.status == "skipped" for trial in self._done)
        done = len(self._done)
        return SessionProgress(done, len(self._presentations), done - skipped, skipped, repeats=0)

    def plan(self, stimuli: Iterable[tuple[ImageId, ...]]) -> None:
        """Practice is planned to its end."""

    def upcoming(self, count: int) -> tuple[Presentation, ...]:
        """What comes after the current presentation."""
        start = len(self._done) + 1
        return tuple(self._presentations[start : start + count])

    def answer(
        self,
        answers: Mapping[str, int | str],
        onset: float | None = None,
        seconds: float | None = None,
        dropped_frames: int | None = None,
    ) -> Changes:
        """Move on."""
        return self.record(GivenAnswers(answers))

    def skip(
        self,
        reason: str,
        onset: float | None = None,
        seconds: float | None = None,
        dropped_frames: int | None = None,
    ) -> Changes:
        """Move on without an answer."""
        return self.record(GivenAnswers(skips={each.name: reason for each in self.attributes}))

    def record(self, given: GivenAnswers) -> Changes:
        """Move on; what was given is there until the practice ends."""
        shown = self.current
        if shown is not None:
            right = None if shown.right is None else shown.right.id
            self._done.append(
                TrialRecord(
                    new_id(), self.labeler, self._id, len(self._done), self.kind, shown.left.id,
                    right, given.onset, given.seconds, "answered" if given.answers else "skipped",
                    answers=given.answers, skips=given.skips, times=given.times,
                    strengths=given.strengths, flags=given.flags,
                )
            )  # fmt: skip
            self._undone.clear()
        return Changes()

    def keep(self, left: ImageId, right: ImageId | None, given: GivenAnswers) -> Changes:
        """Nothing is kept."""
        return Changes()

    def end(self, frames: FrameTimes | None = None) -> None:
        """Nothing is noted."""

    def undo(self) -> Changes:
        """Go back by one."""
        self._undone.append(self._done.pop())
        return Changes()

    def redo(self) -> Changes:
        """Go on by one that was taken back."""
        self._done.append(self._undone.pop())
        return Changes()


def _presentations(session: LabelingSession) -> list[Presentation]:
    """Faces of the study in an order of the labeler's own, those that come up soon last of all."""
    coming = [shown for shown in (session.current, *session.upcoming(_SOON)) if shown is not None]
    soon = {
        image.id for shown in coming for image in (shown.left, shown.right) if image is not None
    }
    there: dict[ImageId, StimulusRecord] = {
        image.id: image for image in session.images if not image.missing
    }
    order = shuffled(there, f"practice/{session.labeler}/{session.kind}")
    order.sort(key=lambda image: image in soon)
    faces = [there[image] for image in order]
    if session.kind == "rating":
        return [Presentation("rating", face, None, None, None) for face in faces[:PRESENTATIONS]]
    pairs = zip(faces[0::2], faces[1::2], strict=False)
    return [Presentation("comparison", one, other, None, None) for one, other in pairs][
        :PRESENTATIONS
    ]
