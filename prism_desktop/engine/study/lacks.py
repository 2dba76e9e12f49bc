"""What a study lacks before anybody can label or train in it, and what they would do next.

Every panel says it in these words and offers the same way out; see `ui/ways_out.py`.
"""

from dataclasses import dataclass
from typing import Literal

from prism_desktop.engine.stimulus_words import FACES, StimulusWords

Step = Literal["images", "attributes", "labelers", "answers", "runs"]


@dataclass(frozen=True, slots=True)
class Lack:
    """The first thing that is missing; the step that fills it is what to do next."""

    step: Step
    title: str
    why: str  # a sentence


def _lacks(words: StimulusWords) -> dict[Step, Lack]:
    # people may have written texts that nobody judges
    kept = words.kept_many if words is FACES else f"{words.kept_many} to judge"
    found = (
        Lack("images", f"No {kept} yet", f"The study has no {kept} yet; {words.where}."),
        Lack(
            "attributes",
            "Nothing to judge yet",
            "The study has no attribute to judge yet; add or confirm one.",
        ),
        Lack(
            "labelers",
            "No labelers yet",
            "The study has no labelers yet; add one, or import their answers.",
        ),
        Lack(
            "answers",
            "No answers yet",
            f"Nobody has answered yet; label some {words.many} first.",
        ),
        Lack("runs", "Nothing to explore yet", "No model is trained yet; train one first."),
    )
    return {lack.step: lack for lack in found}


def to_label(*, images: int, attributes: int, words: StimulusWords = FACES) -> Lack | None:
    """Why nobody can be shown a trial; a labeler is added where labeling begins.

    Args:
        images: how many stimuli there are.
        attributes: how many are asked for.
        words: for what the study holds.
    """
    return _first({"images": images, "attributes": attributes}, words)


def to_train(
    *, images: int, attributes: int, labelers: int, answers: int, words: StimulusWords = FACES
) -> Lack | None:
    """Why nothing can be trained; `attributes` are those that are confirmed."""
    return _first(
        {"images": images, "attributes": attributes, "labelers": labelers, "answers": answers},
        words,
    )


def to_explore(lack: Lack | None) -> Lack:
    """What to do first in a study without runs to look at, of which `to_train` found this."""
    return lack or _lacks(FACES)["runs"]


def _first(counts: dict[Step, int], words: StimulusWords) -> Lack | None:
    lacks = _lacks(words)
    return next((lacks[step] for step, count in counts.items() if not count), None)
