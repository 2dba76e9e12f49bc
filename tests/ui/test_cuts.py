"""Nothing is cut, elided, struck through or out of line in any usual window."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.labeling.protocol import usual_protocol
from prism_desktop.engine.labeling.protocol_parts import PartCard
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText
from prism_desktop.ui import plain
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore import operations as explored
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.study.restore_dialog import RestoreDialog
from prism_desktop.ui.theme import Mode
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.widgets.basics import label
from prism_desktop.ui.window import Window
from tests.fixtures.texts import replies_in
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow
from tests.ui.cuts import cuts, rested
from tests.ui.explore.made_up_maps import many
from tests.ui.explore.test_looks import look
from tests.ui.train.conftest import go_on

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # of sizes

CODES, NAMES = ("L1", "L2", "L3"), ("attractive", "smart")
SMALL = (1280, 720)
LARGER = [pytest.param(size, marks=pytest.mark.soak) for size in ((1440, 900), (2560, 1440))]
OFTEN_CUT = (
    ("train", "runs"), ("train", "advanced"), ("explore", "faces"), ("explore", "two"),
    ("explore", "face"), ("explore", "accuracy"),
)  # fmt: skip
VIEWS = (
    ("study", ""), ("label", "start"), ("label", "comparison"), ("label", "rating"),
    ("label", "protocol"), ("explore", "agreement"), ("explore", "models"),
    ("explore", "quality"), ("explore", "taste"), ("explore", "where"), ("explore", "worth"),
    ("explore", "words"), *OFTEN_CUT,  # last Train, which goes on following the run that trains
)  # fmt: skip
CARDS = [
    PartCard("practice", "Practice"),
    PartCard("practice again", "Practice", right=3, asked=10),
    PartCard("break", "Pairs", least_seconds=30),
    PartCard("block", "Pairs", place=2, of=3),
]


def small_sample(run: Path, answers: int) -> None:
    """Let a fabricated run have been tested on few answers."""
    file = run / "summary.json"
    summary = json.loads(file.read_text())
    for part in (summary["test"], summary["consensus"]):
        for row in (part["micro"], part["macro"], *part["per_labeler"].values()):
            row["n"] = answers
    file.write_text(json.dumps(summary))


def runs_of_all_kinds(study: Study) -> None:
    """A good run, one that nobody can tell much from, one that is at its consensus model."""
    made = fabricate.of_study(study)

    def run(hour: int, **given: str) -> Path:
        name = f"20260101-{hour}0000-lora-visual-prompt"
        return fabricate.run(study.path, made, name, labelers=CODES, attributes=NAMES, **given)  # type: ignore[arg-type]

    run(12)
    small_sample(run(11), 14)
    go_on(run(13, state="training"), {"type": "stage", "name": "consensus", "time": 0.0})


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a training would run on is known at once."""
    told = ("CPU, 2 threads", "Chosen because no GPU was found.")
    monkeypatch.setattr(operations, "find_device", lambda: iter([Done(told)]))


def cut_in(window: Window, qtbot: QtBot, views: tuple[tuple[str, str], ...]) -> list[str]:
    """What is cut in these views of panels."""
    found = []
    for name, view in views:
        panel = window.show_panel(name)
        if view:
            panel.show_view(view)  # type: ignore[attr-defined]
        qtbot.waitUntil(panel.idle, timeout=30_000)  # type: ignore[attr-defined]
        rested(window, qtbot)
        found += [f"{name} {view}: {cut}" for cut in cuts(window)]
    return found


def test_that_nothing_is_cut_in_a_study_of_texts(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    study = replies_in(tmp_path / "replies.prism")
    study.add_texts([NewText("odd", "Odd \u0378.", "What now?")])  # Label says that none has a font
    window = open_window(study)
    window.resize(*SMALL)
    views = [("label", view) for view in ("start", "comparison", "rating", "protocol")]
    assert cut_in(window, qtbot, (("study", ""), *views)) == []
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    panel.show_view("bring")
    rested(window, qtbot)
    assert cuts(window) == []


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("size", [SMALL, *LARGER])
def test_that_nothing_is_cut_where_people_write(
    open_window: OpenWindow, qtbot: QtBot, written_runs_study: Path, size: tuple[int, int]
) -> None:
    window = open_window(written_runs_study)
    window.resize(*size)
    panel = window.show_panel("train")
    assert isinstance(panel, TrainPanel)
    qtbot.waitUntil(lambda: panel.task.isVisible() and panel.idle(), timeout=20_000)
    panel.task.pick("writing")
    panel.writer.fold.setChecked(True)
    views = (("train", ""), ("explore", "replies"), ("explore", "people"))
    assert cut_in(window, qtbot, views) == []
    window.show_panel("train")
    panel.writer.mode.pick("compare")
    rested(window, qtbot)
    assert cuts(window) == []


def test_that_nothing_is_cut_where_columns_of_texts_are_told(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    table = tmp_path / "posts.csv"
    table.write_text(
        "nr,text,author,likes\n1,Good morning to you all,ada,3\n2,See you,ben,4\n3,,b,4\n"
    )
    window = open_window(Study.create(tmp_path / "posts.prism", kind="text"))
    window.resize(*SMALL)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    panel.take([table])
    qtbot.waitUntil(lambda: panel.intake.made is not None, timeout=20_000)
    qtbot.waitUntil(panel.intake.page.run.isEnabled, timeout=20_000)
    rested(window, qtbot)
    assert cuts(window) == []


@pytest.mark.usefixtures("device")
def test_that_nothing_is_cut_in_the_views_of_runs(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    runs_of_all_kinds(tiny_study)
    window = open_window(tiny_study)
    window.resize(*SMALL)
    assert cut_in(window, qtbot, OFTEN_CUT) == []


@pytest.mark.soak
@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", [SMALL, (1440, 900), (2560, 1440)])
def test_that_nothing_is_cut_in_any_view(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, size: tuple[int, int], mode: Mode
) -> None:
    runs_of_all_kinds(tiny_study)
    window = open_window(tiny_study)
    window.context.theme.apply(mode)
    window.resize(*size)
    assert cut_in(window, qtbot, VIEWS) == []


def test_that_nothing_is_cut_in_the_filters_of_faces_and_beside_their_map(
    tiny_study: Study, open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabricate.run(tiny_study.path, fabricate.of_study(tiny_study), labelers=CODES, attributes=NAMES)
    monkeypatch.setattr(RunData, "knows_faces", True)
    window = open_window(tiny_study)
    window.resize(*SMALL)
    panel = window.show_panel("explore")
    qtbot.waitUntil(panel.idle, timeout=30_000)  # type: ignore[attr-defined]
    faces = panel.faces  # type: ignore[attr-defined]
    faces.data.plane = np.zeros((24, 2), np.float32)
    faces.more.click()
    faces.map_.click()
    assert cut_in(window, qtbot, (("explore", "faces"),)) == []


def test_that_nothing_is_cut_beside_maps_and_their_pickers(
    tiny_study: Study, open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explored, "relevance", look)
    monkeypatch.setattr(
        explored,
        "many_maps",
        lambda data, asked: iter([explored.ManyMaps(many(asked, faces=data.images))]),
    )
    fabricate.run(tiny_study.path, fabricate.of_study(tiny_study), labelers=CODES, attributes=NAMES)
    window = open_window(tiny_study)
    window.resize(*SMALL)
    panel = window.show_panel("explore")
    assert isinstance(panel, ExplorePanel)
    qtbot.waitUntil(panel.idle, timeout=30_000)
    for view in (panel.face, panel.where):
        view.attention.offer(12, 12)
        view.kind.pick("attention")
    panel.show_view("where")
    panel.where.invite.click()
    assert cut_in(window, qtbot, (("explore", "where"), ("explore", "face"))) == []


@pytest.mark.soak
@pytest.mark.usefixtures("device")
def test_that_an_empty_study_is_not_cut_either(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(Study.create(tmp_path / "empty.prism"))
    window.resize(*SMALL)
    views = tuple((name, "") for name in ("study", "label", "train", "explore"))
    assert cut_in(window, qtbot, views) == []


@pytest.mark.parametrize("size", [SMALL, *LARGER])
def test_that_no_card_of_a_session_is_cut(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study, size: tuple[int, int]
) -> None:
    window = open_window(tiny_study)
    window.resize(*size)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(
        lambda: panel.idle() and panel.pages.currentWidget() is panel.start, timeout=20_000
    )
    page, keys = panel.instructions, panel.trial.keys
    rules = usual_protocol().model_copy(update={"strength": True})
    found: list[str] = []

    def look(name: str, at: QWidget) -> None:
        panel.pages.setCurrentWidget(at)
        rested(window, qtbot)
        found.extend(f"{name}: {cut}" for cut in cuts(window))

    page.show_protocol(rules, "comparison", keys)
    look("welcome", page)
    for card in CARDS:
        page.show_part(card, "comparison", keys)
        look(card.kind, page)
    page.show_gap(90)
    look("gap", page)
    page.show_lock()
    look("may lock", page)
    panel.lock.show_lock(lambda _: False, over=False)
    for _ in range(3):
        panel.lock._try()
    look("lock", panel.lock)
    panel.show_history("L1")
    qtbot.waitUntil(panel.idle, timeout=20_000)
    panel.history.table.setCurrentCell(0, 0)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    look("history", panel.history)
    assert found == []


def test_that_the_list_of_backups_is_whole(
    open_window: OpenWindow, qtbot: QtBot, tiny_study: Study
) -> None:
    tiny_study.backup()
    window = open_window(tiny_study)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    qtbot.waitUntil(panel.idle)
    panel.overview.storage.restore.click()
    dialog = panel.window().findChild(RestoreDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 1)
    rested(dialog, qtbot)
    found = cuts(dialog)
    assert found == []
    dialog.reject()


def _narrow(made: QWidget) -> QWidget:
    made.setFixedWidth(60)
    return made


def _line() -> QWidget:
    made = QLineEdit()
    made.setPlaceholderText("Any other, e.g. friendly")
    return _narrow(made)


def _combo() -> QWidget:
    made = QComboBox()
    made.addItem("LoRA + visual prompt (only 14 test answers)")
    return _narrow(made)


def _table() -> QWidget:
    made = QTableWidget(1, 1)
    made.setItem(0, 0, QTableWidgetItem("consensus"))
    made.setColumnWidth(0, 40)
    return made


class _Drawing(QWidget):
    """Paints two texts, the second at a place of the first."""

    def __init__(self, second: QRectF, shown: str = "") -> None:
        super().__init__()
        self.setFixedSize(300, 60)
        self._second, self._shown = second, shown

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        side = int(Qt.AlignmentFlag.AlignLeft)
        plain.draw_text(painter, QRectF(0, 0, 300, 20), side, "the first text")
        text = self._shown or plain.elided(painter.fontMetrics(), "the second text", 400)
        plain.draw_text(painter, self._second, side, text)
        painter.end()


@pytest.mark.parametrize(
    ("make", "cut"),
    [
        (lambda: _narrow(label("Repeated comparisons alike")), True),
        (lambda: _narrow(QPushButton("Would more answers help?")), True),
        (_line, True), (_combo, True), (_table, True),
        (lambda: _Drawing(QRectF(10, 2, 200, 20)), True),
        (lambda: _Drawing(QRectF(0, 30, 40, 20)), True),
        (lambda: _Drawing(QRectF(280, 30, 300, 20)), True),
        (lambda: _Drawing(QRectF(0, 30, 300, 20)), False),
        (lambda: label("Repeated comparisons alike"), False),
    ],
)  # fmt: skip
def test_that_each_kind_of_cut_is_found(
    qapp: QApplication, qtbot: QtBot, make: Callable[[], QWidget], cut: bool
) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    made = make()
    made.setParent(holder)
    holder.resize(400, 200)
    holder.show()
    made.show()
    rested(holder, qtbot)
    assert bool(cuts(holder)) == cut


@pytest.mark.parametrize("role", ["plain", "leaderboard"])
def test_that_heads_stand_above_their_cells(context: AppContext, qtbot: QtBot, role: str) -> None:
    made = QTableWidget(1, 1)
    made.setProperty("role", role)
    qtbot.addWidget(made)
    made.setHorizontalHeaderLabels(["H"])
    made.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    made.verticalHeader().hide()
    made.setShowGrid(False)
    made.setItem(0, 0, QTableWidgetItem("H"))
    made.show()
    qtbot.waitExposed(made)
    head, cell = (
        _first_ink(made.grab(part.geometry()).toImage())
        for part in (made.horizontalHeader(), made.viewport())
    )
    assert abs(head - cell) <= 1


def _first_ink(picture: QImage) -> int:
    """The column in which the first text begins, in px, in the height of a row."""
    places = [
        x
        for x in range(2, picture.width() // 2)
        for y in range(3, min(picture.height(), 30) - 4)
        if _ink(picture.pixelColor(x, y)) > 0.2
    ]
    return min(places)


def _ink(colour: QColor) -> float:
    return colour.alphaF() * (1 - colour.lightnessF())
