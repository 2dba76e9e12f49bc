"""What rests on few answers says so before its number, in the Train panel too."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from rich.console import Console

from prism_desktop.cli.adaptation import _kshot_table
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.experiments.curve_store import save_curve
from prism_desktop.engine.runs.curve_files import (
    KShotCurve,
    LearningCurve,
    MethodShots,
)
from prism_desktop.engine.runs.estimates import ENOUGH
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.leaderboard_data import list_leaderboards
from tests.ui import comparisons
from tests.ui.train.conftest import CODES, OpenTrain

FEW = pytest.mark.parametrize(("n", "few"), [(21, True), (ENOUGH, False)])
METHOD = "hierarchical-bayes"


@FEW
def test_that_the_validation_accuracy_of_few_answers_is_no_headline(
    open_train: OpenTrain,
    with_run: Callable[..., Path],
    tiny_study: Study,
    qtbot: QtBot,
    n: int,
    few: bool,
) -> None:
    events = with_run() / "events.jsonl"
    events.write_text(events.read_text().replace('"val": 540', f'"val": {n}'))
    panel = open_train(tiny_study)
    value = panel.monitor.tiles.values["Validation accuracy"]
    qtbot.waitUntil(lambda: value.text() != "–", timeout=10_000)
    assert (value.text() == "too few to tell") == few
    assert value.toolTip().startswith("too few to tell: ") == few
    assert value.toolTip().endswith(f"% n {n}")


def _shots(n: int) -> list[dict[str, object]]:
    point = {"accuracy": 0.7, "low": 0.6, "high": 0.8, "n": n, "answers": 5.0}
    return [{**point, "k": k} for k in (0, 5, 10)]


@FEW
def test_that_curves_of_few_answers_say_so_first(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, tmp_path: Path, n: int, few: bool
) -> None:
    comparisons.comparison(tiny_study.path, CODES, curves=False)
    config, data = TrainConfig(method=METHOD), comparisons.DATA
    shots = KShotCurve.parse({**data, "method": METHOD, "curve": _shots(n)})
    points = [{"answers": a, "accuracy": 0.7, "error": 0.01, "n": n} for a in (25, 50)]
    told = {**data, "method": METHOD, "points": points, "curve": {"sentence": "More would help."}}
    save_curve(tiny_study.path, config, {}, shots)
    save_curve(tiny_study.path, config, {}, LearningCurve.parse(told))
    (leaderboard,) = list_leaderboards(tiny_study.path)
    panel = open_train(tiny_study)
    plots = panel.compare.plots
    for page, first in (("shots", "Too few to tell: "), ("curve", "Hierarchical Bayes: too few")):
        panel.show_view(page)
        qtbot.waitUntil(lambda: plots.sentence.text() != "", timeout=10_000)
        assert plots.sentence.text().startswith(first) == few
        operations.draw_leaderboard(tmp_path / "a.svg", page, leaderboard, METHOD, {})
        drawn = (tmp_path / "a.svg").read_text("utf-8")
        assert ("too few to tell: Hiera" in drawn) == few
        assert f"n {n}" in drawn


@FEW
def test_that_the_table_of_few_answers_says_so_in_each_row(n: int, few: bool) -> None:
    shots = MethodShots.parse({"method": METHOD, "curve": _shots(n)})
    console = Console(width=100)
    with console.capture() as caught:
        console.print(_kshot_table(shots))
    assert caught.get().count("too few to tell: 70.0%") == (3 if few else 0)
    assert caught.get().count("70.0%") == 3
