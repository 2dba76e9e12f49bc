"""The Compare view: a comparison's leaderboard, plots and progress."""

import csv
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments import comparison, comparison_plan
from prism_desktop.engine.experiments.kshot import KShotPlan, measure_kshot
from prism_desktop.engine.experiments.learning_curve import CurvePlan, measure_curve
from prism_desktop.engine.runs.run_events import Batch, ComparisonBegun, ItemBegun, ItemEnded
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.train import leaderboard_data, operations
from prism_desktop.ui.train.leaderboard_columns import NAMES, badge
from prism_desktop.ui.train.panel import TrainPanel
from tests.fixtures.study import MakeStudy
from tests.ui import comparisons as fabricate
from tests.ui.train.conftest import CODES, OpenTrain


def _open(open_train: OpenTrain, study: Study, qtbot: QtBot) -> TrainPanel:
    panel = open_train(study)
    panel.show_view("compare")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    return panel


def test_that_without_a_comparison_the_view_says_what_to_do(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = _open(open_train, tiny_study, qtbot)
    assert panel.compare.empty.isVisible()
    assert panel.form.start.text() == "Start the comparison"


def test_that_methods_are_ranked_and_any_column_sorts_with_the_unknown_last(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES)
    view = _open(open_train, tiny_study, qtbot).compare
    rows = view.table.leaderboard
    assert [row.method for row in rows.rows][:2] == ["collaborative", "hierarchical-bayes"]
    assert view.table.method == "collaborative"
    gain = NAMES.index("Gain")
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        view.table.sortByColumn(gain, order)
        assert rows.rows[-1].method == "consensus"
    assert view.table.method == "collaborative"  # a choice outlives sorting


def test_that_the_best_is_in_front_while_a_comparison_grows_until_another_is_chosen(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    file = fabricate.comparison(tiny_study.path, CODES) / "leaderboard.json"
    whole = json.loads(file.read_text())

    def grow(*methods: str) -> None:
        rows = [row for row in whole["methods"] if row["method"] in methods]
        file.write_text(json.dumps({**whole, "methods": rows, "finished": False}))

    grow("consensus")
    view = _open(open_train, tiny_study, qtbot).compare
    assert view.table.method == "consensus"
    grow("consensus", "retrieval", "hierarchical-bayes")
    view.refresh()
    qtbot.waitUntil(lambda: view.table.method == "hierarchical-bayes", timeout=10_000)
    view.table.setCurrentIndex(view.table.leaderboard.index(1, 0))
    assert view.table.method == "retrieval"
    grow(*(row["method"] for row in whole["methods"]))
    view.refresh()
    qtbot.waitUntil(lambda: view.table.leaderboard.rowCount() == 6, timeout=10_000)
    assert view.table.method == "retrieval"


def test_that_an_exported_leaderboard_has_every_interval_that_is_known(
    open_train: OpenTrain,
    tiny_study: Study,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = fabricate.comparison(tiny_study.path, CODES) / "leaderboard.json"
    whole = json.loads(file.read_text())
    others = {"labelers_low": 0.01, "labelers_high": 0.02, "both_low": 0.03, "both_high": 0.04}
    for row in whole["methods"]:
        for told in filter(None, (row["test"]["macro"], row["gain"])):
            told |= others
    file.write_text(json.dumps(whole))
    view = _open(open_train, tiny_study, qtbot).compare
    target = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    view._csv.click()
    qtbot.waitUntil(lambda: target.is_file() and view.context.idle(), timeout=10_000)
    with target.open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    for row, kept in zip(rows, view.table.leaderboard.rows, strict=True):
        gained = kept.result.gain is not None
        for name, value in others.items():
            assert float(row[name]) == value
            assert row[f"gain_{name}"] == (str(value) if gained else "")
        assert float(row["low"]) == kept.result.test.macro.low


def test_that_the_chosen_method_is_shown_between_consensus_and_ceiling(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES)
    view = _open(open_train, tiny_study, qtbot).compare
    view.table.pick("lora-visual-prompt")
    rows = view.plots.dumbbells._rows
    assert [row.name for row in rows] == ["Labeler 1", "Labeler 2", "Labeler 3", "Mean"]
    leaderboard = view._leaderboards[0]
    base = leaderboard.test("consensus")
    assert rows[0].consensus == base.per_labeler["L1"].accuracy
    assert all(row.ceiling is not None for row in rows)


def test_that_curves_are_drawn_where_they_were_computed(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES)
    view = _open(open_train, tiny_study, qtbot).compare
    view.plots.pages.pick("shots")
    assert [curve.name for curve in view.plots.chart._shown if curve.name] == [
        "Hierarchical Bayes, random answers",
        "Hierarchical Bayes, chosen answers",
        "LoRA + visual prompt",
    ]
    assert len({curve.colour.name() for curve in view.plots.chart._shown if curve.name}) == 3
    view.plots.pages.pick("curve")
    assert "+50 answers would give about" in view.plots.sentence.text()


@pytest.mark.timeout(300)
@pytest.mark.soak
def test_that_what_the_commands_measure_is_drawn_beside_the_comparison_of_the_same_answers(
    make_study: MakeStudy, tiny_backbone: str, open_train: OpenTrain, qtbot: QtBot
) -> None:
    study = make_study(images=42, comparisons=60)
    options = {
        "backbone": tiny_backbone,
        "device": "cpu",
        "epochs": 1,
        "max_steps": 4,
        "batch": 16,
        "threads": 1,
    }
    for _ in comparison.compare(
        comparison_plan.ComparisonPlan(study.path, ("retrieval",), options, cross_fit=False)
    ):
        pass
    view = _open(open_train, study, qtbot).compare
    view.plots.pages.pick("curve")
    assert "measure it here" in view.plots.none.text()
    assert view.plots.measure.isVisible()
    *_, shot = measure_kshot(KShotPlan(study.path, ("retrieval",), (0, 10), 1, 3, options))
    *_, curve = measure_curve(CurvePlan(study.path, "retrieval", (10, 20, 40), 1, options))
    assert isinstance(shot, Done)
    assert isinstance(curve, Done)
    view.refresh()
    qtbot.waitUntil(lambda: view.plots.chart.isVisible(), timeout=10_000)
    drawn = next(each for each in view.plots.chart._shown if each.name)
    assert list(drawn.y) == [point.accuracy for point in curve.value.points]
    assert curve.value.curve.sentence in view.plots.sentence.text()
    assert view.plots.sentence.text().startswith(
        "Nearest past comparisons: +50 answers would give about"
    )
    view.plots.pages.pick("shots")
    drawn = next(each for each in view.plots.chart._shown if each.name)
    assert list(drawn.x) == [0, 10]
    assert list(drawn.y) == [point.accuracy for point in shot.value.methods[0].curve]


def test_that_curves_of_other_answers_are_not_shown(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    folder = fabricate.comparison(tiny_study.path, CODES)
    leaderboard = json.loads((folder / "leaderboard.json").read_text()) | {
        "fingerprint": "since then somebody answered"
    }
    (folder / "leaderboard.json").write_text(json.dumps(leaderboard))
    view = _open(open_train, tiny_study, qtbot).compare
    view.plots.pages.pick("shots")
    assert view.plots.none.isVisible()


def test_that_the_boxes_of_the_controls_reach_the_comparison(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[comparison_plan.ComparisonPlan] = []
    monkeypatch.setattr(comparison, "compare", lambda plan: plans.append(plan) or iter(()))
    panel = _open(open_train, tiny_study, qtbot)
    for box in (panel.form.controls.swapped, panel.form.controls.shuffled):
        assert box.isVisible()
        box.click()
    panel.form.start.click()
    qtbot.waitUntil(lambda: bool(plans) and not panel.compare.busy, timeout=10_000)
    assert plans[0].controls
    assert plans[0].shuffled
    panel.show_view("runs")
    assert not panel.form.controls.isVisible()


@pytest.mark.parametrize(
    ("which", "last", "said"),
    [
        ("collaborative", -0.02, "every method that gains falls below the consensus"),
        ("collaborative", 0.01, "these gain and yet are not below the consensus: Collaborative."),
        ("per-labeler-lora", 0.01, "No gain, so nothing to lose: Adapters per labeler."),
    ],
)
def test_that_swapped_labelers_are_a_column_and_a_sentence(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, which: str, last: float, said: str
) -> None:
    fabricate.comparison(
        tiny_study.path, CODES, swapped={"hierarchical-bayes": -0.061, which: last}
    )
    view = _open(open_train, tiny_study, qtbot).compare
    column = NAMES.index("Swapped")
    assert not view.table.isColumnHidden(column)
    places = {row.method: place for place, row in enumerate(view.table.leaderboard.rows)}
    assert view.table.leaderboard.index(places["hierarchical-bayes"], column).data() == "-6.1"
    assert view.control.isVisible()
    assert said in view.control.text()
    assert view.control.property("kind") == ("bad" if said.startswith("these") else "good")


def test_that_a_method_that_knows_answers_about_tested_faces_is_marked(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    file = fabricate.comparison(tiny_study.path, CODES) / "leaderboard.json"
    told = json.loads(file.read_text())
    for row in told["methods"]:
        row["reads_tested_faces"] = row["method"] == "collaborative"
    file.write_text(json.dumps(told))
    view = _open(open_train, tiny_study, qtbot).compare
    named = [
        view.table.leaderboard.index(place, 0).data()
        for place in range(view.table.leaderboard.rowCount())
    ]
    assert [name for name in named if name.endswith("*")] == ["Collaborative *"]
    assert "* uses the other labelers' answers about the very faces tested" in view.remarks.text()


def test_that_without_controls_there_is_neither_column_nor_sentence(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES)
    view = _open(open_train, tiny_study, qtbot).compare
    assert view.table.isColumnHidden(NAMES.index("Swapped"))
    assert not view.control.isVisible()


def test_that_a_gain_on_shuffled_labelers_is_an_alarm(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES, shuffled=True)
    view = _open(open_train, tiny_study, qtbot).compare
    badges = {row.method: badge(row) for row in view.table.leaderboard.rows}
    assert badges["collaborative"] == "gains"
    assert badges["per-labeler-lora"] == "no gain"
    assert "no method should gain" in view.control.text()
    assert "Collaborative" in view.control.text()
    assert view.control.property("kind") == "bad"


def test_that_missing_curves_say_how_to_get_them(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES, curves=False)
    view = _open(open_train, tiny_study, qtbot).compare
    view.plots.pages.pick("shots")
    assert view.plots.none.isVisible()
    assert not view.plots.export.isEnabled()


def test_that_a_comparison_shows_its_progress_and_can_be_ended(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def compare(study: Path, asked: object) -> Iterator[Batch]:
        yield [ComparisonBegun(path=str(study / "comparisons" / "x"), runs=3)]
        yield [
            ItemBegun(
                number=2,
                runs=3,
                method="hierarchical-bayes",
                seed=0,
                fold=0,
                run=str(study / "runs" / "x"),
                state="new",
            )
        ]
        try:
            while True:
                yield []
        finally:
            closed.append(True)

    monkeypatch.setattr(operations, "compare", compare)
    panel = _open(open_train, tiny_study, qtbot)
    panel.form.start.click()
    view = panel.compare
    qtbot.waitUntil(lambda: view.progress.what.text().startswith("Run 2 of 3"), timeout=10_000)
    assert view.progress.what.text() == "Run 2 of 3: Hierarchical Bayes, seed 0"
    assert view.progress.bar.value() == 333
    view.progress.cancel.click()
    qtbot.waitUntil(lambda: not view.busy, timeout=10_000)
    assert closed == [True]
    assert not view.progress.isVisible()


@pytest.mark.parametrize("what", ["labelers", "gains", "shots", "curve"])
def test_that_every_plot_becomes_a_figure(tiny_study: Study, tmp_path: Path, what: str) -> None:
    leaderboard = leaderboard_data.read_leaderboard(fabricate.comparison(tiny_study.path, CODES))
    assert leaderboard is not None
    operations.draw_leaderboard(
        tmp_path / "figure.svg", what, leaderboard, "collaborative", {"L1": "Ada"}
    )
    text = (tmp_path / "figure.svg").read_text()
    assert {"labelers": "Ada", "gains": "Collaborative"}.get(what, "Hierarchical Bayes") in text


def test_that_the_progress_of_a_comparison_moves_nothing_of_the_one_shown(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.comparison(tiny_study.path, CODES)
    view = _open(open_train, tiny_study, qtbot).compare
    window = view.window()
    parts = (view.choice, view._csv, view.table.horizontalHeader())

    def places() -> list[QPoint]:
        qtbot.wait(60)
        return [part.mapTo(window, QPoint()) for part in parts]

    before = places()
    view.progress.begin()
    assert places() == before
    assert view.progress.isVisible()
    view.progress.hide()
    assert places() == before


def test_that_a_comparison_without_a_leaderboard_yet_leaves_the_shown_one_in_front(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        fabricate.comparison(tiny_study.path, CODES, name=name, curves=False)
    panel = _open(open_train, tiny_study, qtbot)
    view = panel.compare
    older = view.choice.itemData(1)
    view.choice.setCurrentIndex(1)
    path, looked_at = str(tiny_study.path / "comparisons" / "third"), threading.Event()

    def compare(study: Path, request: object) -> Iterator[Batch]:
        yield [ComparisonBegun(path=path, runs=1)]
        fabricate.comparison(study, CODES, name="fourth", curves=False)
        yield [ItemEnded(number=1, runs=1, method="retrieval", seed=0, fold=0, failure="")]
        looked_at.wait(60)  # it goes on until it was looked at

    monkeypatch.setattr(operations, "compare", compare)
    panel.form.start.click()
    qtbot.waitUntil(lambda: view.choice.count() == 3, timeout=20_000)
    assert (view.busy, view.choice.currentData()) == (True, older)
    looked_at.set()
    qtbot.waitUntil(lambda: not view.busy, timeout=20_000)
    assert view.choice.currentData() == older


def test_that_points_of_a_grid_are_rows_of_their_own(
    open_train: OpenTrain, tiny_study: Study, qtbot: QtBot
) -> None:
    path = fabricate.comparison(tiny_study.path, CODES) / "leaderboard.json"
    told = json.loads(path.read_text())
    row = next(row for row in told["methods"] if row["method"] == "lora-visual-prompt")
    other = {**row, "settings": {"rank": "8"}}
    other["test"] = {**row["test"], "macro": {**row["test"]["macro"], "accuracy": 0.9}}
    told["methods"].append(other)
    told |= {"grid": {"rank": ["8"]}, "remarks": ["rank changes nothing for retrieval."]}
    path.write_text(json.dumps(told))
    view = _open(open_train, tiny_study, qtbot).compare
    assert view.table.method == "lora-visual-prompt rank=8"
    assert view.table.leaderboard.rows[0].label == view.table.method
    assert view.plots.subject.text().endswith("rank=8")
    view.table.pick("lora-visual-prompt")
    assert view.table.method == "lora-visual-prompt"
    assert "rank changes nothing for retrieval." in view.remarks.text()
    view.table.pick("lora-visual-prompt rank=8")
    view.plots.pages.pick("curve")
    assert not view.plots.measure.isEnabled()
