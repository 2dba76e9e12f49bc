"""A labeler is added to a trained run from some answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.adaptation.adapted_labelers import AdaptedLabeler
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import add_labeler_form, operations
from prism_desktop.ui.explore.panel import ExplorePanel
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow
from tests.ui.explore.conftest import NAMES

# of a dialog, offscreen
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
_META = {
    "enters": "at once",
    "answers": 40,
    "presentations": 20,
    "seconds": 0.4,
    "loading": 1.0,
    "note": "",
}
_META |= {"accuracy": 0.71, "low": 0.6, "high": 0.8, "start": 0.62, "tested": 36}


def _enter(run: Path, code: str) -> AdaptedLabeler:
    """What the engine leaves of a newcomer, whose favourite is the last image."""
    folder = run / "adapted" / code
    folder.mkdir(parents=True)
    images = pd.read_parquet(run / "data" / "images.parquet")["image"]
    rows = [
        (code, name, image, float(place)) for name in NAMES for place, image in enumerate(images)
    ]
    pd.DataFrame(rows, columns=["labeler", "attribute", "image", "score"]).to_parquet(
        folder / "predictions.parquet"
    )
    (folder / "meta.json").write_text(json.dumps({"code": code, **_META}))
    found = AdaptedLabeler.read(folder)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def got_ready(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """How often a worker was asked to get ready; none is started."""
    asked: list[bool] = []
    monkeypatch.setattr(add_labeler_form, "get_ready", lambda: asked.append(True))
    return asked


@pytest.fixture
def run(tiny_study: Study) -> Path:
    """A run that does not know the third labeler."""
    return fabricate.run(
        tiny_study.path, fabricate.of_study(tiny_study), labelers=("L1", "L2"), attributes=NAMES
    )


def _open(open_window: OpenWindow, study: Study, qtbot: QtBot) -> ExplorePanel:
    panel = open_window(study).show_panel("explore")
    assert isinstance(panel, ExplorePanel)
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    return panel


def test_that_a_labeler_of_the_study_enters_and_is_browsed_like_any_other(
    open_window: OpenWindow,
    tiny_study: Study,
    run: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def adapt(folder: Any, labels: Path | None = None, labeler: str | None = None) -> Iterator[Any]:
        assert (folder.path, labels) == (run, None)
        yield Progress(0, None, "Loading the run")
        yield Done(_enter(run, str(labeler)))

    monkeypatch.setattr(add_labeler_form, "adapt_in_worker", adapt)
    panel = _open(open_window, tiny_study, qtbot)
    panel.add.click()
    form = panel.add.form
    assert form is not None
    qtbot.waitUntil(form.who.isEnabled, timeout=10_000)
    assert [form.who.itemData(row) for row in range(form.who.count())] == ["L3"]
    form.add.click()
    qtbot.waitUntil(lambda: panel.faces.labeler.key == "L3" and panel.idle(), timeout=10_000)
    assert panel.faces.labeler.currentText() == "Labeler 3 (added)"
    assert "Added from 40 answers." in panel.faces.count.text()
    assert "Labeler 3's model" in panel.faces.count.text()
    assert panel.faces.count.text().endswith(
        "71% right [60%, 80%], before learning from any of them 62%."
    )
    assert panel.add.form is None  # the form has done its work
    assert panel.data is not None
    assert panel.faces.gallery.faces.face(0) == len(panel.data.images) - 1


def test_that_closing_the_form_ends_what_it_began(
    open_window: OpenWindow,
    tiny_study: Study,
    run: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    got_ready: list[bool],
) -> None:
    closed: list[bool] = []

    def adapt(*_: Any, **__: Any) -> Iterator[Any]:
        try:
            while True:
                yield Progress(0, None, "Loading the run")
        finally:
            closed.append(True)

    monkeypatch.setattr(add_labeler_form, "adapt_in_worker", adapt)
    panel = _open(open_window, tiny_study, qtbot)
    assert not got_ready
    panel.add.click()
    form = panel.add.form
    assert form is not None
    assert got_ready  # while the user chooses
    form.take_file(run / "answers.csv")
    assert form.who.currentText() == "Whoever answered in answers.csv"
    form.add.click()
    qtbot.waitUntil(lambda: form.progress.text() == "Loading the run…", timeout=10_000)
    form.reject()
    qtbot.waitUntil(lambda: bool(closed), timeout=10_000)
    qtbot.waitUntil(panel.context.idle, timeout=10_000)
    assert panel.data is not None
    assert panel.data.labelers == ("L1", "L2")


def test_that_whoever_was_saved_before_the_test_was_cancelled_is_shown(
    open_window: OpenWindow,
    tiny_study: Study,
    run: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def adapt(*_: Any, **__: Any) -> Iterator[Any]:
        _enter(run, "Nora")
        while True:
            yield Progress(1, 2, "Testing on own answers")

    monkeypatch.setattr(add_labeler_form, "adapt_in_worker", adapt)
    panel = _open(open_window, tiny_study, qtbot)
    panel.add.click()
    form = panel.add.form
    assert form is not None
    form.take_file(run / "answers.csv")
    form.add.click()
    qtbot.waitUntil(lambda: form.progress.text() == "Testing on own answers…", timeout=10_000)
    form.reject()
    qtbot.waitUntil(lambda: panel.faces.labeler.key == "Nora" and panel.idle(), timeout=10_000)


def test_that_maps_of_an_added_labeler_are_refused_in_a_sentence_and_others_are_made(
    open_window: OpenWindow,
    tiny_study: Study,
    run: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        operations,
        "maps",
        lambda data, face, labelers, *_: asked.append(tuple(labelers)) or iter(()),
    )
    _enter(run, "L3")
    panel = _open(open_window, tiny_study, qtbot)
    panel.show_view("face")
    panel.face.labeler.pick("L3")
    panel.show_view("map")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    said = (
        "No map: Labeler 3 was added after the training, and maps are made of trained models alone."
    )
    assert panel.face.verdict.text() == said
    assert asked[-1] == ("L1", "L2")
    panel.face.labeler.pick("L1")
    tile = panel.face.strip.tiles.tile("L1")
    assert tile is not None
    assert tile.isChecked()
    panel.face.labeler.pick("L3")
    assert not tile.isChecked()


def test_that_a_refusal_is_said_in_the_form_and_nothing_changes(
    open_window: OpenWindow,
    tiny_study: Study,
    run: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> Iterator[Any]:
        raise RunError("These answers are of other images.")
        yield

    monkeypatch.setattr(add_labeler_form, "adapt_in_worker", refuse)
    panel = _open(open_window, tiny_study, qtbot)
    panel.add.click()
    form = panel.add.form
    assert form is not None
    form.take_file(run / "answers.csv")
    form.add.click()
    qtbot.waitUntil(form.problem.isVisible, timeout=10_000)
    assert form.problem.text() == "These answers are of other images."
    assert panel.data is not None
    assert panel.data.labelers == ("L1", "L2")
    form.reject()
