"""What a study lacks before anybody can label or train in it, and what they would do next.

Every panel says it in these words and offers the same way out; see `ui/ways_out.py`.
"""

from dataclasses import dataclass
from typing import Literal

Step = Literal["images", "attributes", "labelers", "answers", "runs"]


@dataclass(frozen=True, slots=True)
class Lack:
    """The first thing that is missing; the step that fills it is what to do next."""

    step: Step
    title: str
    why: str  # a sentence


_LACKS = {
    lack.step: lack
    for lack in (
        Lack(
            "images",
            "No images yet",
            "The study has no images yet; import a folder of photographs.",
        ),
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
        Lack("answers", "No answers yet", "Nobody has answered yet; label some faces first."),
        Lack("runs", "Nothing to explore yet", "No model is trained yet; train one first."),
    )
}


def to_label(*, images: int, attributes: int) -> Lack | None:
    """Why nobody can be shown a trial; a labeler is added where labeling begins."""
    return _first({"images": images, "attributes": attributes})


def to_train(*, images: int, attributes: int, labelers: int, answers: int) -> Lack | None:
    """Why nothing can be trained; `attributes` are those that are confirmed."""
    return _first(
        {"images": images, "attributes": attributes, "labelers": labelers, "answers": answers}
    )


def to_explore(lack: Lack | None) -> Lack:
    """What to do first in a study without runs to look at, of which `to_train` found this."""
    return lack or _LACKS["runs"]


def _first(counts: dict[Step, int]) -> Lack | None:
    return next((_LACKS[step] for step, count in counts.items() if not count), None)
