"""How labelers answered what was known: practice and attention checks."""

from collections.abc import Iterable
from dataclasses import dataclass

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.labeling.known_answer import KnownAnswer
from prism_desktop.engine.labeling.protocol import parse_protocol
from prism_desktop.engine.labeling.protocol_parts import DoneTrial
from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.engine.study.study_reader import StudyReader


@dataclass(frozen=True, slots=True)
class Attention:
    """One labeler's; a trial counts as right if all its questions with a known answer were."""

    labeler: str
    practice: int  # trials with a known answer
    practice_right: int
    checks: int
    checks_right: int


def attention(
    study: StudyReader, trials: Iterable[TrialRecord] | None = None
) -> tuple[Attention, ...]:
    """Of every labeler who had some, by what the protocol that they followed says is known.

    Args: trials: the study's current ones, where they were read already.
    """
    images = study.stimuli()
    known: dict[str, KnownAnswer] = {}
    for record in study.protocols():
        try:
            known[record.id] = KnownAnswer(parse_protocol(record.text), images)
        except InputError:
            continue  # of a later version of the program
    followed = {session.id: session.protocol for session in study.sessions()}
    counts: dict[str, list[int]] = {}
    for trial in study.trials() if trials is None else trials:
        answers = known.get(followed.get(trial.session) or "")
        if answers is None or not trial.flags:
            continue
        right, asked = answers.right(done_trial(trial))
        for place, flag in ((0, "practice"), (2, "check")):
            if flag in trial.flags and asked:
                mine = counts.setdefault(trial.labeler, [0, 0, 0, 0])
                mine[place] += 1
                mine[place + 1] += right == asked
    return tuple(Attention(labeler, *mine) for labeler, mine in counts.items())


def done_trial(trial: TrialRecord) -> DoneTrial:
    """A stored trial as a plan takes note of it."""
    asked = tuple(dict.fromkeys((*trial.answers, *trial.skips)))
    own = trial.source == "labeled"
    return DoneTrial(
        trial.id, trial.kind, trial.left, trial.right, trial.answers, asked,
        trial.block if own else None, trial.flags, trial.repeat_of, own, trial.onset,
        trial.session,
    )  # fmt: skip
