"""The words view: what nobody labeled is marked, ranked for every labeler, and told how far it can
be believed."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.analysis.face_ranking import Rows
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.experiments.word_report import (
    CheckedWord,
    WordArguments,
    WordLink,
    WordReport,
)
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.ui.explore import words_view
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from tests.ui.explore.conftest import CODES, NAMES, shown
from tests.ui.explore.test_linking import LEFT, known


def test_that_words_are_ranked_for_every_labeler_and_marked_as_labeled_by_nobody(
    panel: ExplorePanel, qtbot: QtBot
) -> None:
    shown(panel, qtbot, "words")
    view, data = panel.words, panel.data
    assert data is not None
    assert not view.mark.isVisible()
    dice = np.random.default_rng(0)
    faces = len(data.images)
    scores = {code: dice.normal(size=faces).astype(np.float32) for code in CODES}
    data.with_attribute("kind", scores)
    few = Accuracy(accuracy=0.6, low=0.4, high=0.8, n=20)
    view._reports[str(data.folder), "kind"] = WordReport(
        checks=(
            CheckedWord(attribute="attractive", trained=few),
            CheckedWord(attribute="smart", trained=few, word=few),
        ),
        links=(WordLink(words="kind", attribute="smart", rho=0.25),),
    )
    shown(panel, qtbot, "faces")
    shown(panel, qtbot, "words")
    assert view.words.key == "kind"
    assert set(NAMES).isdisjoint({view.words.itemText(n) for n in range(view.words.count())})
    assert view.mark.isVisible()
    model = view.faces.model()
    assert (model.columnCount(), model.rowCount()) == (3, 10)
    opened: list[int] = []
    view.face_wanted.connect(opened.append)
    view.faces.activated.emit(model.index(0, 1))
    view.faces.activated.emit(model.index(9, 1))
    assert opened == [int(scores["L2"].argmax()), int(scores["L2"].argmin())]
    view.labelers.tick(("L1",))
    assert model.columnCount() == 1
    assert "smart too few to tell: 60.0% [40.0, 80.0], n 20 (trained 60.0%)" in view.check.text()
    assert not view.measure.isHidden()
    cells = [view.table_.item(row, 1) for row in range(2)]
    assert [cell.text() for cell in cells if cell] == ["–", "+0.25"]


def test_that_faces_are_ranked_by_words_once_and_outside_the_windows_thread(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, where = known(panel, monkeypatch), list[threading.Thread]()
    sort, window = RunData.order, threading.current_thread()

    def order(of: RunData, labeler: str, attribute: str) -> Rows:
        if (labeler, attribute) not in of._orders:
            where.append(threading.current_thread())
        return sort(of, labeler, attribute)

    monkeypatch.setattr(RunData, "order", order)
    dice = np.random.default_rng(0)
    scores = {code: dice.normal(size=24).astype(np.float32) for code in CODES}
    data.with_attribute("kind", scores)
    panel.selection.words = "kind"
    panel.words._reports[str(data.folder), "kind"] = WordReport()
    shown(panel, qtbot, "words")
    top = panel.words.faces
    assert top.model().columnCount() == len(CODES)
    panel.selection.area = LEFT
    panel.words.show_selection()
    assert top.model().columnCount() == len(CODES)
    assert len(where) == len(CODES)
    assert window not in where


def test_that_a_check_goes_on_while_other_words_are_looked_at_and_is_asked_of_anew(
    panel: ExplorePanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, trained = threading.Event(), list[str]()
    few = Accuracy(accuracy=0.6, low=0.4, high=0.8, n=20)
    checks = (CheckedWord(attribute="smart", trained=few, word=few),)
    link = WordLink(words="kind", attribute="smart", rho=0.25)

    def work(asked: WordArguments) -> Iterator[Event[WordReport]]:
        while asked.train and not release.is_set():
            yield Progress(0, None, "Training without smart")
            release.wait(0.01)
        trained.append("check" if asked.train else "after" if release.is_set() else "before")
        found = release.is_set()
        yield Done(WordReport(checks=checks if found else (), links=(link,) if found else ()))

    monkeypatch.setattr(words_view, "words_in_worker", work)
    shown(panel, qtbot, "words")
    view, data = panel.words, panel.data
    assert data is not None
    view._check()
    dice = np.random.default_rng(0)
    data.with_attribute("kind", {c: dice.normal(size=24).astype(np.float32) for c in CODES})
    panel.selection.words = "kind"
    view.show_selection()
    qtbot.waitUntil(lambda: view.table_.rowCount() == 0 and "before" in trained)
    release.set()
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert trained[-2:] == ["check", "after"]
    cell = view.table_.item(0, 1)
    assert cell is not None
    assert cell.text() == "+0.25"
