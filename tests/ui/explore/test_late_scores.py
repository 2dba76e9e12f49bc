"""Scores that become others while something is found out of them, or that are not looked through
yet: nothing stale is kept, nothing unverified is planned or saved."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import face_predictions, run_data, view, worth_data
from prism_desktop.ui.explore.face_shares import Placing, percentiles
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import UNREAD, RunData
from prism_desktop.ui.explore.run_scores import RunScores
from tests.ui.conftest import OpenWindow
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore, shown, unread
from tests.ui.explore.test_run_scores import FAULTS, enter, late, of_today, read, same

__all__ = ["late"]  # a fixture
WHERE: dict[str, tuple[object, str, Callable[[RunData], Any]]] = {
    "standings": (Placing, "standing", lambda data: data.standing(NAMES[0]).mean),
    "shares": (run_data, "percentiles", lambda data: data.share("L1", NAMES[0])),
    "consensus": (run_data, "percentiles", lambda data: data.share("", NAMES[0])),
    "orders": (RunData, "score", lambda data: data.order("L1", NAMES[0])),
}


def grow(data: RunData) -> None:
    more = np.random.default_rng(0).normal(size=(3, 2, 2)).astype("f4")
    data.with_images([("a" * 64, "a.jpg", ""), ("b" * 64, "b.jpg", "")], more)


@pytest.mark.parametrize("what", WHERE)
def test_that_nothing_is_kept_of_scores_that_became_others_meanwhile(
    run: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    of_today()(run)
    data, (place, name, ask) = read(run), WHERE[what]
    found, grown = getattr(place, name), list[bool]()

    def slow(*args: Any) -> Any:
        made = found(*args)
        if not grown:
            grown.append(True)
            grow(data)
        return made

    monkeypatch.setattr(place, name, slow)
    ask(data)
    assert ask(data).shape[-1] == 26
    np.testing.assert_array_equal(
        data.share("L1", NAMES[0]), percentiles(data.score("L1", NAMES[0]))
    )


def test_that_a_verdict_on_labelers_is_not_kept_once_words_tell_them_apart(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_today(same)(run)
    data, found = read(run), RunScores.alike
    blank = np.zeros(24, np.float32)

    def slow(scores: RunScores, *args: Any) -> bool:
        made = found(scores, *args)
        if "kind" not in data.attributes:
            data.with_attribute("kind", {**dict.fromkeys(CODES, blank), "L2": blank + 1})
        return made

    monkeypatch.setattr(RunScores, "alike", slow)
    assert not data.ignores_labelers


@pytest.mark.usefixtures("late")
def test_that_whether_labelers_differ_is_known_without_the_files(run: Path) -> None:
    of_today(same)(run)
    enter(run, "New", NAMES, 1)
    data = read(run)
    for path in run.rglob("predictions.parquet"):
        path.unlink()
    assert not data.ignores_labelers
    data.with_attribute("kind", dict.fromkeys(data.labelers, np.zeros(24, np.float32)))
    assert not data.ignores_labelers


@pytest.mark.usefixtures("late")
def test_that_scores_cannot_be_written_into(run: Path) -> None:
    of_today()(run)
    data = read(run)
    for _ in range(2):  # when they are read, and when they are kept
        with pytest.raises(ValueError, match="read-only"):
            data.score("L1", NAMES[0])[0] = 0


def test_that_nothing_is_planned_before_it_is_known_what_labelers_did(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert panel.data is not None
    images, asked = panel.data.images, list[str]()

    def trials(study: Path, code: str, kind: str) -> Any:
        asked.append(code)
        return iter([Done(((images[0], images[1]),))])

    monkeypatch.setattr(worth_data, "expected_gains", lambda study, codes: iter(()))
    monkeypatch.setattr(worth_data, "next_trials", trials)
    panel.data.unread = True
    shown(panel, qtbot, "worth")
    assert asked == []
    assert not panel.worth.start.isEnabled()
    assert "still being read" in panel.worth.next_note.text()
    panel.data.unread = False
    panel.worth.renew(panel.data)
    qtbot.waitUntil(panel.worth.start.isEnabled, timeout=20_000)
    assert asked == ["L1"]


def test_that_nothing_is_saved_of_a_run_that_was_not_looked_through(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[str] = []
    for name in ("save_table", "save_figure"):
        monkeypatch.setattr(view, name, lambda *args, name=name: saved.append(name))
    export, data = panel.export, panel.data
    assert data is not None
    for each in ("faces", "two"):
        shown(panel, qtbot, each)
        data.unread = True
        export.check()
        assert not export.figure.isEnabled()
        assert not export.table.isEnabled()
        export._save_table()
        export._save_figure()
        assert saved == []
        data.unread = False
        export.check()
        assert export.figure.isEnabled()
        assert export.table.isEnabled()
    export.table.trigger()
    export.figure.trigger()
    assert saved == ["save_table", "save_figure"]


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("fault", FAULTS)
def test_that_nothing_is_offered_for_saving_that_cannot_be_read(
    open_explore: OpenExplore, run: Path, tiny_study: Study, qtbot: QtBot, fault: str
) -> None:
    of_today()(run)
    panel = open_explore(tiny_study)
    FAULTS[fault][0](run / "predictions.parquet")
    panel.faces.attribute.pick(NAMES[1])
    panel.faces.labeler.pick("L3")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    panel.export.check()
    assert not panel.export.figure.isEnabled()
    assert not panel.export.table.isEnabled()
    assert panel.faces.table() is None


def test_that_a_face_whose_scores_cannot_be_read_is_no_figure(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sheet_at(data: RunData, face: int) -> None:
        raise UnreadableError(data.folder / "predictions.parquet", "it is gone")

    monkeypatch.setattr(face_predictions, "sheet_at", sheet_at)
    shown(panel, qtbot, "face")
    assert "it is gone" in panel.face.predictions.doubt.text()
    panel.export.check()
    assert not panel.export.figure.isEnabled()


def test_that_faces_have_no_marks_before_the_answers_were_read(
    open_window: OpenWindow,
    run: Path,
    tiny_study: Study,
    qtbot: QtBot,
    may_answer: threading.Event,
) -> None:
    of_today()(run)
    panel = unread(open_window(tiny_study), qtbot)
    faces = panel.faces
    qtbot.waitUntil(lambda: faces.gallery.faces.rowCount() == 24, timeout=10_000)
    told = faces.gallery.faces
    assert told.facts is not None
    assert told.facts.marks is None
    assert "held out" not in str(told.data(told.index(0), Qt.ItemDataRole.AccessibleTextRole))
    assert not faces.legend.isVisible()
    assert faces.count.text().endswith(UNREAD)
    may_answer.set()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert told.facts.marks is not None
    assert faces.legend.isVisible()
    assert UNREAD not in faces.count.text()
