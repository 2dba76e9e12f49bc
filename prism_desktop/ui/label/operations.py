"""Labeling operations: a session begins, and stores what each key press came to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.adaptation.growth import growth_in_worker
from prism_desktop.engine.adaptation.trial_plan import plan_in_worker
from prism_desktop.engine.labeling.protocol import AfterGap
from prism_desktop.engine.labeling.timing import FrameTimes
from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.study.records import Changes, GivenAnswers, ImageRecord, Kind, Order
from prism_desktop.engine.study.texts import TextRecord
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
    from prism_desktop.engine.labeling.presentations import AnsweredPresentation
    from prism_desktop.engine.study.store import Study


AHEAD = 6  # trials planned after the present one, so that fast fingers never wait


def begin_labeling(study: "Study", labeler: str, kind: Kind) -> "tuple[LabelingSession, Snapshot]":
    """Begin a session where the labeler stopped, under the study's protocol if it has one.

    The session belongs to the store's writer from here on.
    """
    from prism_desktop.engine.labeling.labeling_session import LabelingSession
    from prism_desktop.engine.labeling.protocol_session import ProtocolSession
    from prism_desktop.engine.labeling.timing import kept_report

    record, timing = study.protocol(), kept_report()
    if record is None:
        session = LabelingSession(study, labeler, kind, timing=timing)
    else:
        session = ProtocolSession(study, labeler, record, timing=timing)
    return session, _snapshot(session)


def decide_gap(session: "LabelingSession", then: AfterGap) -> "tuple[Changes, Snapshot]":
    """Go on after a time away as the labeler chose."""
    changes = session.after_gap(then)
    return changes, _snapshot(session)


def end_session(session: "LabelingSession | PracticeSession", frames: FrameTimes) -> None:
    """Note that the labeler left, and how the screen kept time."""
    session.end(frames)


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


def follow_growth(study: "Study", labeler: str) -> Iterator[Any]:
    """How well a model foretells what a labeler says, which learns from all that was said so far,
    in another process.

    The last event is Done: a `Growth`, or None where the study has no model that learns so.
    """
    return growth_in_worker(Path(study.path), labeler)


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
    from prism_desktop.engine.labeling.labeling_session import LabelingSession

    assert isinstance(session, LabelingSession)  # of practice nothing is stored
    whole: list[AnsweredPresentation] = []
    part: AnsweredPresentation | None = None  # of a trial that was not complete
    for each in held_back:
        if isinstance(each, KeepAnswers):
            part = _answered(each.shown, each.given)
        elif isinstance(each, RecordTrial) and each.shown is not None:
            whole.append(_answered(each.shown, each.given))
            part = None
        elif isinstance(each, UndoTrial) and whole:
            whole.pop()
    if part is not None and part.given.answers:
        times = part.given.times.values()
        seconds = sum(time.seconds or 0.0 for time in times) if times else None
        whole.append(replace(part, given=replace(part.given, seconds=seconds)))
    return session.keep_apart(whole)


def _answered(shown: PresentedImages, given: GivenAnswers) -> "AnsweredPresentation":
    from prism_desktop.engine.labeling.presentations import AnsweredPresentation

    block, flags = shown.block or None, shown.flags
    how = shown.repeat_of, shown.probability, shown.strategy
    return AnsweredPresentation(shown.left, shown.right, given, block, flags, *how)


def _keep_rest(session: "LabelingSession | PracticeSession") -> None:
    """Undo takes back one key press: the others of the trial are kept as those of any unfinished
    one, should the window close now."""
    trial = session.previous_answer
    rest = trial and without_last_press(trial, _asked_of(session))
    if rest:
        session.keep(rest.shown.left, rest.shown.right, rest.given)


def _asked_of(session: "LabelingSession | PracticeSession") -> list[str]:
    return [each.name for each in session.attributes]


def _snapshot(session: "LabelingSession | PracticeSession") -> Snapshot:
    """The session's state as plain values, for the session itself stays with the writer."""
    current, progress = session.current, session.progress
    coming = () if current is None else (current, *session.upcoming(AHEAD))
    shown = [each for trial in coming for each in (trial.left, trial.right)]
    return Snapshot(
        coming=tuple(
            PresentedImages(
                each.left.id,
                None if each.right is None else each.right.id,
                each.attributes,
                each.block or "",
                each.flags,
                each.card,
                each.repeat_of,
                each.probability,
                each.strategy,
            )
            for each in coming
        ),
        paths={each.id: each.path for each in shown if isinstance(each, ImageRecord)},
        texts={each.id: each for each in shown if isinstance(each, TextRecord)},
        previous=session.previous_answer,
        can_undo=session.can_undo,
        can_redo=session.can_redo,
        done=progress.done,
        target=progress.target,
        begun=session.begun,
        failed=session.failed,
    )


def set_order(study: "Study", kind: Kind, order: Order) -> Changes:
    """Say in which order the trials of a task come."""
    return study.set_order(kind, order)


def set_target(study: "Study", kind: Kind, count: int | None) -> Changes:
    """Say how many trials of a task each labeler is asked
    for; None: as many as suit the number of images."""
    return study.set_target(kind, count)


@dataclass(frozen=True, slots=True)
class AnswersGiven:
    """A labeler's trials, the newest first, and where the images that they show may lie, or what
    the texts say."""

    entries: "tuple[HistoryEntry, ...]"
    files: dict[str, tuple[Path, ...]]
    texts: dict[str, TextRecord]  # by id, of a study of texts
    words: StimulusWords


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
    texts = {text.id: text for text in study.texts() if text.id in shown}
    return AnswersGiven(entries, files, texts, study.words())
