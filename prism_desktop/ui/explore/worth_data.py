"""What the view of more labels asks of the engine. Nothing here touches Qt."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prism_desktop.engine.adaptation.growth import can_grow
from prism_desktop.engine.adaptation.label_worth import ExpectedGain, expected_in_worker
from prism_desktop.engine.adaptation.trial_plan import plan_in_worker
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.records import Kind
from prism_desktop.ui.explore.run_data import RunData

_AT_ONCE = 4  # labelers whose models are asked in one call


def expected_gains(study: Path, labelers: Sequence[str]) -> Iterator[Any]:
    """What each labeler's own model expects of more answers, a few at a time as they are found."""
    start = 0 if can_grow(study) else len(labelers)  # no run can tell: no process is started
    while start < len(labelers):
        size = _AT_ONCE if start else 1  # the first is waited for
        found: tuple[ExpectedGain, ...] = ()
        for event in expected_in_worker(study, labelers[start : start + size]):
            if isinstance(event, Done):
                found = event.value
            else:
                yield event
        if not found:  # no run can tell
            return
        yield from found
        start += size


def next_trials(study: Path, labeler: str, kind: Kind) -> Iterator[Any]:
    """The trials that would tell most of a labeler; the last event is Done."""
    return plan_in_worker(study, labeler, kind, "telling")


def kind_of(data: RunData, labeler: str) -> Kind:
    """What a labeler did in a run's data: ratings where they compared nothing."""
    return data.answers.kind_of(labeler) or "comparison"
