"""Would it pay to label more? What is known of it, a labeler at a time, and the words for it.

A learning curve measures it, where there is one; the doubt of a labeler's own model tells it at
once, and is no measurement. Importing this needs neither torch nor pandas.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.adaptation.growth import MORE, Share
from prism_desktop.engine.events import Done, Event
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs.curve_files import Forecast, LabelerPoint, LearningCurve
from prism_desktop.engine.runs.estimates import TOO_FEW, ToldEstimate, told_gain, too_few
from prism_desktop.engine.runs.result_files import Accuracy, MacroGain

WORTH: Final = 0.01  # of accuracy: less than a point is not called worth so many answers
Verdict = Literal["too few to tell", "worth it", "may be worth it", "hardly worth it", "unknown"]


class WorthArguments(BaseModel):
    """What the service `worth` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Path
    labelers: tuple[str, ...]


class ExpectedGain(BaseModel):
    """What `MORE` more answers would bring a labeler, by the doubt of their model.

    Attributes:
        run: whose model it is.
        answers: of the labeler that it learned from.
        gain: None where it cannot tell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    labeler: str
    run: str
    answers: int
    gain: Share | None


@dataclass(frozen=True, slots=True)
class LabelerWorth:
    """What is known of one labeler.

    Attributes:
        code: who.
        tested: how well their model is right on held-out answers, with the ceiling.
        points: of their learning curve.
        measured: what it foretells; None where none was measured.
        expected: by the doubt of their model; None where that was not asked for.
    """

    code: str
    tested: Accuracy = field(default_factory=Accuracy)
    points: tuple[LabelerPoint, ...] = ()
    measured: Forecast | None = None
    expected: ExpectedGain | None = None

    def with_expected(self, expected: ExpectedGain | None) -> "LabelerWorth":
        """The same with what the labeler's model expects."""
        return replace(self, expected=expected)

    @property
    def answers(self) -> int | None:
        """That their model learned from."""
        if self.measured is not None and self.measured.answers is not None:
            return self.measured.answers
        return None if self.expected is None else self.expected.answers

    @property
    def gain(self) -> ToldEstimate:
        """Of `MORE` more answers, in points: as measured, else as the model expects."""
        value, low, high = self.numbers
        return told_gain(value, low, high, unit=" points")

    @property
    def source(self) -> str:
        """Where that comes from."""
        if self.measured is not None:
            return "measured"
        return "expected by the model" if self.expected is not None else ""

    @property
    def verdict(self) -> Verdict:
        """In a few words; that answers are too few comes first."""
        value, low, high = self.numbers
        if value is None or low is None or high is None:
            return "unknown"
        if too_few(self.tested.n):
            return "too few to tell"
        return worth_of(value, low, high)

    def sentence(self, name: str) -> str:
        """All of it for a reader; `name` is what the labeler is called."""
        if self.numbers[0] is None:
            return f"What more answers of {name} would bring is not known yet."
        few = f"{TOO_FEW.capitalize()}: " if self.verdict == TOO_FEW else ""
        how = (
            "as the learning curve goes on"
            if self.measured is not None
            else "by the doubt of the model, which is no measurement"
        )
        more = counted(MORE, "more answer")
        said = f"{few}{more} of {name} would bring about {self.gain.line}, {how}"
        return f"{said}: {self.verdict}." if not few else f"{said}."

    @property
    def numbers(self) -> tuple[float | None, float | None, float | None]:
        """The gain and its 95 % interval, in shares."""
        if self.measured is not None:
            return self.measured.gain, self.measured.low, self.measured.high
        found = None if self.expected is None else self.expected.gain
        return (None, None, None) if found is None else (found.value, found.low, found.high)


def worth_of(value: float, low: float, high: float) -> Verdict:
    """What a gain and its interval, in shares, are worth."""
    if high < WORTH:
        return "hardly worth it"
    return "worth it" if low > 0 and value >= WORTH else "may be worth it"


def worth_of_everybody(curve: LearningCurve | None, older: bool = False) -> tuple[str, ...]:
    """What more answers of everybody, and one more labeler, would bring: a sentence each.

    Args:
        curve: the study's; None where none was measured.
        older: whether it is of other answers than those that are looked at.
    """
    if curve is None:
        return (
            "What more answers of everybody and one more labeler would bring has not been measured "
            "yet.",
        )
    told = [f"{counted(MORE, 'more answer')} of everybody: {_after(curve.curve.sentence)}"]
    last = curve.last_labeler
    if last is not None and last.value is not None:
        told.append(f"One more labeler: {last_labeler(last)}")
    if older:
        told.append("That was measured on other answers than this run's.")
    return tuple(told)


def last_labeler(found: MacroGain) -> str:
    """What one more labeler can be expected to bring."""
    told = told_gain(found.value, found.low, found.high, found.n, " points")
    return (
        f"the last one brought all {told.line}, and a further one can be expected to bring no more."
    )


def _after(sentence: str) -> str:
    """A forecast without the words that name what is added."""
    return sentence.split(" would give ")[-1]


def rows_of(
    tested: dict[str, Accuracy],
    labelers: Sequence[str],
    curve: LearningCurve | None,
) -> tuple[LabelerWorth, ...]:
    """What is known of some labelers.

    Args:
        tested: a run's held-out accuracies.
        labelers: whom to tell of, by code.
        curve: the study's.
    """
    points = {} if curve is None else {
        code: tuple(
            {p.answers: p for one in curve.points if (p := one.per_labeler.get(code))}.values()
        )
        for code in labelers
    }  # fmt: skip
    measured = {} if curve is None else curve.per_labeler
    return tuple(
        LabelerWorth(code, tested.get(code, Accuracy()), points.get(code, ()), measured.get(code))
        for code in labelers
    )


def expected_in_worker(
    study: Path, labelers: Sequence[str]
) -> Iterator[Event[tuple[ExpectedGain, ...]]]:
    """As `expected_gain.expected_gains`, in another process; closing this ends the work.

    Raises:
        RunError: one sentence; what could not be done.
    """
    asked = WorthArguments(study=absolute(study), labelers=tuple(labelers))
    what = f"Asking the models of {counted(len(labelers), 'labeler')}"
    for event in call("worth", asked, what):
        if isinstance(event, Done):
            yield Done(tuple(ExpectedGain.model_validate(each) for each in event.value))
        else:
            yield event
