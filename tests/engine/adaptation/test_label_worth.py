"""Whether more labels pay: the words follow the numbers, and too few answers come first."""

import pytest

from prism_desktop.engine.adaptation.growth import Share
from prism_desktop.engine.adaptation.label_worth import (
    ExpectedGain,
    LabelerWorth,
    expected_in_worker,
    rows_of,
    worth_of_everybody,
)
from prism_desktop.engine.events import Done
from prism_desktop.engine.runs.curve_files import CurvePoint, Forecast, LabelerPoint, LearningCurve
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy, MacroGain
from prism_desktop.engine.study.store import Study
from tests.engine.adaptation.test_next_trials import Train
from tests.fixtures.runs import MakeRun


@pytest.mark.parametrize(
    ("n", "gain", "verdict"),
    [
        (400, (0.02, 0.005, 0.04), "worth it"),
        (400, (0.02, -0.01, 0.04), "may be worth it"),  # the interval holds nothing
        (400, (0.005, 0.001, 0.02), "may be worth it"),  # a point at most, or two
        (400, (0.002, 0.0, 0.009), "hardly worth it"),
        (30, (0.02, 0.005, 0.04), "too few to tell"),
        (400, None, "unknown"),
    ],
)
def test_that_a_verdict_needs_enough_answers_and_a_gain_of_a_point(
    n: int, gain: tuple[float, float, float] | None, verdict: str
) -> None:
    tested = Accuracy(accuracy=0.7, low=0.65, high=0.75, n=n)
    measured = None
    if gain is not None:
        value, low, high = gain
        measured = Forecast(answers=100, more=50, gain=value, low=low, high=high)
    row = LabelerWorth("L1", tested, measured=measured)
    assert row.verdict == verdict
    said = row.sentence("Ada")
    assert said.startswith("Too few to tell") == (n < 50)
    assert ("not known" in said) == (gain is None)


def test_that_what_was_measured_goes_before_what_a_model_expects() -> None:
    expected = ExpectedGain(
        labeler="L1", run="r", answers=40, gain=Share(value=0.03, low=0.01, high=0.05, n=8)
    )
    row = LabelerWorth("L1", Accuracy(accuracy=0.7, n=90), expected=expected)
    assert (row.numbers, row.source, row.answers) == (
        (0.03, 0.01, 0.05),
        "expected by the model",
        40,
    )
    assert "no measurement" in row.sentence("Ada")
    points = [
        CurvePoint(
            answers=count, accuracy=0.6, error=0.1,
            per_labeler={"L1": LabelerPoint(answers=min(count, 30), accuracy=0.6, error=0.1)},
        )
        for count in (10, 30, 60)
    ]  # fmt: skip
    curve = LearningCurve(
        method="ridge", backbone="mini", fingerprint="f", points=tuple(points),
        curve=Forecast(sentence="x would give y."),
        last_labeler=MacroGain(value=0.01, low=-0.01, high=0.02),
        per_labeler={"L1": Forecast(answers=30, more=50, gain=0.001, low=0.0, high=0.002)},
    )  # fmt: skip
    (measured,) = rows_of({}, ("L1",), curve)
    measured = measured.with_expected(expected)
    assert (measured.numbers, measured.source) == ((0.001, 0.0, 0.002), "measured")
    # where the labeler gave no more, the points are the same one
    assert [each.answers for each in measured.points] == [10, 30]
    told = worth_of_everybody(curve, older=True)
    assert told[0] == "50 more answers of everybody: y."
    assert "+1.0 points [-1.0, +2.0]" in told[1]
    assert "other answers" in told[2]


def test_that_models_are_asked_in_another_process(
    tiny_study: Study, make_run: MakeRun, train_here: Train
) -> None:
    run: RunFolder = make_run(
        tiny_study, method="hierarchical-bayes", compare=False, labelers=("L1", "L2")
    )
    assert list(expected_in_worker(tiny_study.path, ("L1",)))[-1] == Done(())  # not yet trained
    train_here(run)
    *_, done = expected_in_worker(tiny_study.path, ("L1", "L3"))
    assert isinstance(done, Done)
    known, newcomer = done.value
    assert (known.labeler, newcomer.labeler) == ("L1", "L3")
    assert known.run == run.name
    assert known.answers > 0
    assert known.gain is not None
    assert known.gain.low <= known.gain.value <= known.gain.high
