"""Estimates say how sure they are before they say what they are."""

import pytest

from prism_desktop.cli.result_tables import accuracy_table, remarks
from prism_desktop.engine.evaluation.summary import summary_markdown
from prism_desktop.engine.experiments.leaderboard import leaderboard_cells
from prism_desktop.engine.runs.estimates import (
    ENOUGH,
    told_accuracy,
    told_ceiling,
    told_gain,
    told_share,
    tone,
)
from prism_desktop.engine.runs.leaderboard_file import MethodRow
from prism_desktop.engine.runs.result_files import (
    Accuracy,
    Difference,
    Gain,
    MacroGain,
    Result,
    Summary,
)

FEW = Accuracy(accuracy=0.536, low=0.0, high=1.0, n=21)
MANY = Accuracy(accuracy=0.746, low=0.701, high=0.789, n=420)


def test_that_few_answers_are_told_before_the_number() -> None:
    told = told_accuracy(FEW)
    assert told.head == "too few to tell"
    assert told.rest == "53.6% [0.0, 100.0], n 21"
    assert told.line == "too few to tell: 53.6% [0.0, 100.0], n 21"
    assert told_accuracy(MANY).line == "74.6% [70.1, 78.9], n 420"
    assert told_accuracy(FEW.model_copy(update={"n": ENOUGH - 1})).few
    assert not told_accuracy(FEW.model_copy(update={"n": ENOUGH})).few
    assert told_accuracy(Accuracy()).line == "–"


@pytest.mark.parametrize(
    ("low", "high", "n", "colour"),
    [
        (0.01, 0.09, 400, "good"),
        (-0.09, -0.01, 400, "bad"),
        (-0.031, 0.043, 400, "plain"),
        (0.0, 0.0, 400, "plain"),
        (None, None, 400, "plain"),
        (-0.9, -0.1, 21, "plain"),
    ],
)
def test_that_only_an_interval_without_zero_is_coloured(
    low: float | None, high: float | None, n: int, colour: str
) -> None:
    assert tone(low, high, n) == colour


def test_that_a_gain_of_nothing_has_no_sign() -> None:
    assert told_gain(0.0).number == told_gain(-0.0001).number == "0.0"
    assert told_gain(0.006, -0.031, 0.043, 400).line == "+0.6 [-3.1, +4.3], n 400"
    assert told_gain(-0.179, -0.5, 0.1, 21).head == "too few to tell"


def test_that_shares_and_ceilings_have_their_intervals() -> None:
    row = MANY.model_copy(
        update={"ceiling": 0.7, "ceiling_low": 0.6, "ceiling_high": 0.85, "repeats": 1}
    )
    assert told_ceiling(row).line == "70.0% [60.0, 85.0], 1 repeat"
    assert told_share(0.746 / 0.7, row).line == "107% [100, 113], n 420"


def _summary(row: Accuracy, gain: Difference) -> Summary:
    top = row.model_copy(update={"ceiling": 0.5, "of_ceiling": (row.accuracy or 0) / 0.5})
    return Summary(
        run="one",
        method="lora",
        test=Result(micro=row, macro=row, per_labeler={"L1": top}, ceiling={"L1": 0.5}),
        consensus=Result(micro=MANY, macro=MANY, per_labeler={"L1": MANY}),
        gain=Gain(micro=gain, macro=gain, per_labeler={"L1": gain}),
    )


def test_that_reports_and_the_terminal_say_it_first() -> None:
    lost = Difference(difference=-0.179, low=-0.5, high=0.1, n=21, p=0.3)
    summary = _summary(FEW, lost)
    report = summary_markdown(summary)
    assert "too few to tell: 53.6% [0.0%, 100.0%]" in report
    assert "too few to tell: -17.9 [-50.0, +10.0]" in report
    told = [str(cell) for cell in accuracy_table(summary, {}).columns[1].cells]
    assert told == ["too few to tell: 53.6%"] * 3
    said = " ".join(remarks(summary))
    assert f"{ENOUGH} answers" in said
    assert "above 100%" in said
    row = MethodRow(
        method="lora",
        test=summary.test,
        gain=MacroGain(value=-0.179, low=-0.5, high=0.1, p=0.3),
    )
    cells = leaderboard_cells(row)
    assert cells[1].startswith("too few to tell")
    assert cells[5].startswith("too few to tell")
    assert "too few" not in summary_markdown(
        _summary(MANY, Difference(difference=0.1, low=0.05, high=0.15, n=420, p=0.001))
    ).replace("too few to tell.", "")
