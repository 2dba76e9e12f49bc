"""Labeling operations: a session begins, and stores what each key press came to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.adaptation.trial_plan import plan_in_worker
from prism_desktop.engine.study.records import Changes, Kind, Order
from prism_desktop.ui.label.trial_queue import (
    Command,
    KeepAnswers,
    PresentedImages,
    RecordTrial,
    RedoTrial,
    Snapshot,
    UndoTrial,
    without_last_press,
)

if TYPE_CHECKING:
    from prism_desktop.engine.labeling.answer_history import HistoryEntry
    from prism_desktop.engine.labeling.labeling_session import LabelingSession
    from prism_desktop.engine.labeling.practice import PracticeSession
    from prism_desktop.engine.study.store import Study


AHEAD = 6  # trials planned after the present one, so that fast fingers never wait


def begin_labeling(study: "Study", labeler: str, kind: Kind) -> "tuple[LabelingSession, Snapshot]":
    """Begin a session where the labeler stopped.

    The session belongs to the store's writer from here on.
    """
    from prism_desktop.engine.labeling.labeling_session import LabelingSession

    session = LabelingSession(study, labeler, kind)
    return session, _snapshot(session)


def begin_practice(study: "Study", labeler: str, kind: Kind) -> "tuple[PracticeSession, Snapshot]":
    """Begin a few trials of which nothing is kept."""
    from prism_desktop.engine.labeling.labeling_session import LabelingSession
    from prism_desktop.engine.labeling.practice import PracticeSession

    session = PracticeSession(LabelingSession(study, labeler, kind))
    return session, _snapshot(session)


def plan_trials(study: "Study", labeler: str, kind: Kind, order: Order) -> Iterator[Any]:
    """Choose what a labeler should judge next, by all that was said so far, in another process.

    The last event is Done: faces or sorted pairs of faces, by id.
    """
    return plan_in_worker(Path(study.path), labeler, kind, order)


def take_plan(
    session: "LabelingSession | PracticeSession", plan: Sequence[tuple[str, ...]]
) -> None:
    """Let a session go on by a plan; nothing that is on its way to the labeler changes."""
    session.plan(plan)


def label(
    session: "LabelingSession | PracticeSession", command: Command
) -> "tuple[Changes, Snapshot]":
    """Store what a key press while labeling came to; durable before returning."""
    match command:
        case RecordTrial(given):
            changes = session.record(given)
        case KeepAnswers(shown, given):
            changes = session.keep(shown.left, shown.right, given)
        case UndoTrial():
            changes = session.undo()
            _keep_rest(session)
        case RedoTrial():
            changes = session.redo()
    return changes, _snapshot(session)


def keep_apart(session: "LabelingSession | PracticeSession", held_back: Sequence[Command]) -> str:
    """Keep answers that were given before a study was found gone beside the others of the session.

    Args:
        session: of the study that is gone.
        held_back: from the command that could not be stored on.

    Returns:
        A sentence that says where they are.
    """
    from prism_desktop.engine.labeling.labeling_session import (
        AnsweredPresentation,
        LabelingSession,
    )

    assert isinstance(session, LabelingSession)  # of practice nothing is stored
    whole: list[AnsweredPresentation] = []
    part: AnsweredPresentation | None = None  # of a trial that was not complete
    for each in held_back:
        if isinstance(each, KeepAnswers):
            part = AnsweredPresentation(each.shown.left, each.shown.right, each.given)
        elif isinstance(each, RecordTrial) and each.shown is not None:
            whole.append(AnsweredPresentation(each.shown.left, each.shown.right, each.given))
            part = None
        elif isinstance(each, UndoTrial) and whole:
            whole.pop()
    if part is not None and part.given.answers:
        times = part.given.times.values()
        seconds = sum(time.seconds or 0.0 for time in times) if times else None
        whole.append(replace(part, given=replace(part.given, seconds=seconds)))
    return session.keep_apart(whole)


def _keep_rest(session: "LabelingSession | PracticeSession") -> None:
    """Undo takes back one key press: the others of the trial are kept as those of any unfinished
    one, should the window close now."""
    trial = session.previous_answer
    rest = trial and without_last_press(trial, [each.name for each in session.attributes])
    if rest:
        session.keep(rest.shown.left, rest.shown.right, rest.given)


def _snapshot(session: "LabelingSession | PracticeSession") -> Snapshot:
    """The session's state as plain values, for the session itself stays with the writer."""
    current, progress = session.current, session.progress
    coming = () if current is None else (current, *session.upcoming(AHEAD))
    return Snapshot(
        coming=tuple(
            PresentedImages(each.left.id, None if each.right is None else each.right.id)
            for each in coming
        ),
        paths={
            image.id: image.path
            for each in coming
            for image in (each.left, each.right)
            if image is not None
        },
        previous=session.previous_answer,
        can_undo=session.can_undo,
        can_redo=session.can_redo,
        done=progress.done,
        target=progress.target,
        begun=session.begun,
    )


@dataclass(frozen=True, slots=True)
class AnswersGiven:
    """A labeler's trials, the newest first, and where the images that they show may lie."""

    entries: "tuple[HistoryEntry, ...]"
    files: dict[str, tuple[Path, ...]]


def history(study: "Study", labeler: str) -> AnswersGiven:
    """What a labeler answered, and what became of it."""
    from prism_desktop.engine.labeling.answer_history import answer_history
    from prism_desktop.engine.study.images import thumbnail_path

    names = [each.name for each in study.attributes()]
    entries = answer_history(study.trials(labeler, current=False), names)
    shown = {image for entry in entries for image in entry.images}
    folder = Path(study.path)
    files: dict[str, tuple[Path, ...]] = {
        image.id: (thumbnail_path(folder, image.id), image.path)
        for image in study.images()
        if image.id in shown
    }
    return AnswersGiven(entries, files)
