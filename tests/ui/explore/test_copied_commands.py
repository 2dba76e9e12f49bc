"""The command that each view copies gives what the view shows."""

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from prism_desktop.cli import face_commands
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.widgets.file_export import write_rows
from tests.cli.test_study_commands import run
from tests.fixtures.study import MakeStudy
from tests.ui import fabricate
from tests.ui.explore.conftest import NAMES, OpenExplore, shown
from tests.ui.explore.test_linking import INSIDE, PLANE, brush, known


def copied(panel: ExplorePanel) -> list[str]:
    """The words that the menu puts on the clipboard, as a shell would hand them over."""
    panel.export.check()
    assert panel.export.command.isEnabled()
    panel.export.command.trigger()
    program, *words = shlex.split(QGuiApplication.clipboard().text())
    assert program == "prism-desktop"
    return words


def typed(words: Sequence[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Type it in an empty folder; the file that it names last."""
    monkeypatch.chdir(folder)
    assert run(*words) == 0
    return folder / words[-1]


@pytest.mark.parametrize("labelers", [3, pytest.param(14, marks=pytest.mark.soak)])
def test_that_agreement_is_drawn_as_it_is_shown(
    open_explore: OpenExplore, make_study: MakeStudy, qtbot: QtBot, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, labelers: int,
) -> None:  # fmt: skip
    study = make_study(labelers=labelers)
    codes = [each.code for each in study.labelers()]
    made = fabricate.of_study(study)
    fabricate.run(study.path, made, labelers=codes[1:], attributes=NAMES)
    panel = open_explore(study)
    shown(panel, qtbot, "agreement")
    view = panel.agreement
    panel.selection.everybody = panel.selection.predicted = True
    for attribute, answers, order, measure, colours in (
        ("(all)", "comparisons", "alike", "alike", "none"),
        ("smart", "ratings", "mean", "corrected", "accuracy"),
    ):
        view.attribute.pick(attribute)
        view.answers.pick(answers)
        view.measure.pick(measure)
        qtbot.waitUntil(lambda: panel.idle() and view._found is not None, timeout=20_000)
        view.order.pick(order)
        view.colours.pick(colours)
        view.threshold.setValue(58)
        figure = view.figure()
        assert figure is not None
        figure.draw(tmp_path / "window.svg")
        file = typed(copied(panel), tmp_path, monkeypatch)
        assert file.read_text("utf-8") == (tmp_path / "window.svg").read_text("utf-8")


def test_that_faces_are_told_as_they_are_shown(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(panel, qtbot, "faces")
    faces = panel.faces
    faces.labeler.pick("L2")
    faces.attribute.pick("smart")
    for order, kind, low in (("high", "", 0), ("apart", "answered", 20), ("disputed", "", 0)):
        faces.direction.pick(order)
        faces.filters.kind.pick(kind)
        faces.filters.low.setValue(low)
        qtbot.waitUntil(panel.idle, timeout=20_000)
        table = faces.table()
        assert table is not None
        assert len(table.body) > 3
        write_rows(tmp_path / "window.csv", table.head, table.body)
        file = typed(copied(panel), tmp_path, monkeypatch)
        assert file.read_bytes() == (tmp_path / "window.csv").read_bytes()
    shown(panel, qtbot, "accuracy")
    assert panel.data is not None
    assert copied(panel) == ["evaluate", str(panel.data.folder), "--json", "accuracy.json"]


def test_that_quality_is_that_of_the_command(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "quality")
    found = json.loads(typed(copied(panel), tmp_path, monkeypatch).read_text("utf-8"))
    assert [each["labeler"] for each in found["labelers"]] == ["L1", "L2", "L3"]


def test_that_one_face_is_drawn_and_told_as_it_is_shown(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(panel, qtbot, "face")
    panel.face.show_face(5)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    figure, table = panel.face.figure(), panel.face.table()
    assert figure is not None
    assert table is not None
    figure.draw(tmp_path / "window.svg")
    write_rows(tmp_path / "window.csv", table.head, table.body)
    file = typed([*copied(panel), "--csv", "face.csv"], tmp_path, monkeypatch)
    assert file.read_bytes() == (tmp_path / "window.csv").read_bytes()
    assert file.with_suffix(".svg").read_text() == (tmp_path / "window.svg").read_text()


def test_that_two_models_are_drawn_and_told_as_they_are_shown(
    panel: ExplorePanel, run: Path, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = panel.context.study
    assert study is not None
    other = fabricate.run(
        study.path, fabricate.of_study(study), "20250102-120000-mlp-decoder", method="mlp-decoder",
        labelers=("L1", "L2"), attributes=("smart",), seed=4,
    )  # fmt: skip
    panel.context.changed.emit(Changes(runs=True))
    shown(panel, qtbot, "two")
    pair = panel.pair
    qtbot.waitUntil(lambda: pair.of.has(str(other)), timeout=20_000)
    pair.attribute.pick("smart")
    for who, of in (("L3", ""), ("(consensus)", ""), ("L1", str(other))):
        if of:
            pair.of.pick(of)
            qtbot.waitUntil(panel.idle, timeout=20_000)
        pair.other.pick(who)
        qtbot.waitUntil(panel.idle, timeout=20_000)
        figure, table = pair.figure(), pair.table()
        assert figure is not None
        assert table is not None
        figure.draw(tmp_path / "window.svg")
        write_rows(tmp_path / "window.csv", table.head, table.body)
        file = typed([*copied(panel), "--csv", "two.csv"], tmp_path, monkeypatch)
        assert file.read_bytes() == (tmp_path / "window.csv").read_bytes()
        assert file.with_suffix(".svg").read_text() == (tmp_path / "window.svg").read_text()
    assert (pair.one.key, pair.other.key) == ("L1", "L1")  # of two runs
    assert "r = " in pair.figures.text()


def test_that_two_models_on_brushed_faces_are_drawn_and_listed_by_the_command(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object) -> Iterator[Done[dict[str, object]]]:
        yield Done({"at": PLANE})

    monkeypatch.setattr(face_commands, "ask", ask)
    data = known(panel, monkeypatch)
    shown(panel, qtbot, "two")
    pair = panel.pair
    figure, table = pair.figure(), pair.table()
    assert figure is not None
    assert table is not None
    figure.draw(tmp_path / "all.svg")
    of_all = {row[1]: row for row in table.body}
    shown(panel, qtbot, "faces")
    brush(panel, qtbot)
    shown(panel, qtbot, "two")
    figure, table = pair.figure(), pair.table()
    assert figure is not None
    assert table is not None
    figure.draw(tmp_path / "window.svg")
    write_rows(tmp_path / "window.csv", table.head, table.body)
    file = typed([*copied(panel), "--csv", "two.csv"], tmp_path, monkeypatch)
    assert file.read_bytes() == (tmp_path / "window.csv").read_bytes()
    drawn = (tmp_path / "window.svg").read_text()
    assert file.with_suffix(".svg").read_text() == drawn != (tmp_path / "all.svg").read_text()
    assert {row[1] for row in table.body} == {data.images[row] for row in INSIDE}
    for row in table.body:  # percentiles are those among all faces
        assert row == of_all[row[1]]
