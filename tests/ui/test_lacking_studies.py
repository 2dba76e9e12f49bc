"""What a study lacks stops what it would be needed for, at once, with the reason and a button."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.models.obstacles import Obstacles, find_obstacles
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import write_manifest
from prism_desktop.engine.runs.run_choice import marks
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.plain import tip_text
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.panel import TrainPanel
from prism_desktop.ui.train.runs import cells
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.window import Window
from tests.fixtures.study import MakeStudy, draw_faces
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow
from tests.ui.explore.conftest import CODES, NAMES

# a study, what it lacks for a training, the button for that, whether somebody can label in it
LACKING = (
    ("empty", "no images", "Import…", False),
    ("images", "no labelers", "Add labeler", True),
    ("unanswered", "Nobody has answered", "Go to Label", True),
)


def _lacking(make_study: MakeStudy, what: str) -> Study:
    images = 0 if what == "empty" else 4
    attributes = () if what == "unasked" else ("smart",)
    study = make_study(attributes=attributes, images=images, labelers=0)
    if what in ("unanswered", "unasked"):
        study.add_labeler("L1", "Ada")
    return study


@pytest.fixture(autouse=True)
def known_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained here, so no process need find out on what."""
    found = ("CPU, 2 threads", "Chosen because no GPU was found.")
    monkeypatch.setattr(operations, "find_device", lambda: iter([Done(found)]))


def _leads(page: EmptyState, button: str) -> bool:
    return page.way.isVisible() and page.way.text() == button


@pytest.mark.parametrize(("what", "why", "button", "labels"), LACKING)
def test_that_a_study_offers_only_what_it_can_and_the_way_to_the_rest(
    open_window: OpenWindow,
    make_study: MakeStudy,
    qtbot: QtBot,
    what: str,
    why: str,
    button: str,
    labels: bool,
) -> None:
    window = open_window(_lacking(make_study, what))

    def shown(name: str) -> object:
        panel = window.show_panel(name)
        qtbot.waitUntil(panel.idle, timeout=20_000)  # type: ignore[attr-defined]
        return panel

    page = shown("study")
    assert isinstance(page, StudyPanel)
    start = page.overview.start
    assert start.isEnabled() == labels
    assert (start.toolTip() == page.overview.lack.text() != "") == (not labels)
    label = shown("label")
    assert isinstance(label, LabelPanel)
    if labels:
        named = what != "images"
        assert label.start.start.isEnabled() == named
        assert ("add a labeler" in label.start.start.toolTip()) == (not named)
    else:
        assert _leads(label.no_one, button)
    _assert_no_training(shown("train"), why, button)
    explore = shown("explore")
    assert isinstance(explore, ExplorePanel)
    for view in explore.views():
        explore.show_view(view)
        assert explore.no_runs.isVisible()
        assert why in explore.no_runs.text.text()
        assert _leads(explore.no_runs, button)
        assert not explore.export.isEnabled()
        assert why in explore.export.toolTip()


def _assert_no_training(train: object, why: str, button: str) -> None:
    assert isinstance(train, TrainPanel)
    for view, hint in (("runs", train.no_runs), ("compare", train.compare.empty)):
        train.show_view(view)
        assert hint.isVisible()
        for start in (train.form.start, hint.buttons[0]):
            assert not start.isEnabled()
            assert why in start.toolTip()
        assert why in hint.text.text()
        assert _leads(hint, button)
        assert not train.form._problem.isVisible()  # which is said once


@pytest.mark.parametrize(
    ("what", "opened"),
    [
        ("empty", lambda page: page.overview.importing),
        ("images", lambda page: page.overview.labelers.form),
        ("unasked", lambda page: page.overview.attributes.form),
    ],
)
def test_that_the_way_out_ends_in_an_open_form(
    open_window: OpenWindow,
    make_study: MakeStudy,
    qtbot: QtBot,
    what: str,
    opened: Callable[[StudyPanel], object],
) -> None:
    window = open_window(_lacking(make_study, what))
    explore = window.show_panel("explore")
    assert isinstance(explore, ExplorePanel)
    qtbot.waitUntil(lambda: explore.idle() and explore.no_runs.way.isVisible(), timeout=20_000)
    explore.no_runs.way.click()
    page = window.panel("study")
    assert isinstance(page, StudyPanel)
    form = opened(page)
    assert form is not None
    qtbot.waitUntil(form.isVisible, timeout=10_000)  # type: ignore[attr-defined]
    qtbot.waitUntil(window.context.idle, timeout=20_000)
    assert opened(page) is form  # what was typed meanwhile is there


def test_that_what_is_not_lacking_any_more_is_offered_at_once(
    open_window: OpenWindow, make_study: MakeStudy, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(_lacking(make_study, "empty"))
    page = window.show_panel("study")
    assert isinstance(page, StudyPanel)
    qtbot.waitUntil(lambda: not page.overview.start.isEnabled(), timeout=20_000)
    draw_faces(tmp_path / "more", 3)
    page.import_images(tmp_path / "more")
    qtbot.waitUntil(page.overview.start.isEnabled, timeout=20_000)
    assert page.overview.lack.isHidden()
    assert page.overview.start.toolTip() == ""


def _weightless(study: Study, method: str) -> Path:
    """A finished run as a training leaves it, but for its weights."""
    run = fabricate.run(
        study.path, fabricate.of_study(study), method=method, labelers=CODES, attributes=NAMES
    )
    (run / layout.PARAMETERS).write_text('{"trainable": 10}')
    return run


@pytest.mark.parametrize(
    ("method", "weights"),
    [
        ("lora-visual-prompt", "tokens.safetensors"),
        ("mlp-decoder", "head.safetensors"),
        ("ensemble", "combination.json"),
    ],
)
def test_that_a_run_of_any_kind_notices_that_its_weights_are_gone(
    tiny_study: Study, method: str, weights: str
) -> None:
    run = _weightless(tiny_study, method)
    (run / weights).touch()
    assert not find_obstacles(run).entering
    (run / weights).unlink()
    assert "weights of this run are gone" in find_obstacles(run).entering


@pytest.mark.parametrize("marked", [True, False])
def test_that_a_run_notices_that_any_part_of_its_weights_is_gone(
    tiny_study: Study, marked: bool
) -> None:
    run = _weightless(tiny_study, "lora-visual-prompt")
    (run / layout.PARAMETERS).write_text('{"lora": 10, "tokens": 2, "trainable": 12}')
    (run / layout.ADAPTER).mkdir()
    parts = [run / layout.TOKENS, *(run / layout.ADAPTER / name for name in layout.ADAPTER_FILES)]
    start = run / layout.CLOSED_FORM
    for part in (*parts, start):
        part.write_bytes(b"weights")
    if marked:
        write_manifest(run)
    assert find_obstacles(run) == Obstacles()
    assert not list_runs(run.parent.parent)[0].weightless
    for part in parts if marked else parts[:2]:
        part.unlink()
        told = find_obstacles(run)
        assert "weights of this run are gone" in told.maps
        assert told.maps == told.words == told.entering == told.images
        assert list_runs(run.parent.parent)[0].weightless
        part.write_bytes(b"weights")
    shutil.rmtree(run / layout.ADAPTER)
    assert "weights of this run are gone" in find_obstacles(run).maps


def test_that_a_run_whose_prior_is_gone_takes_nobody_in(tiny_study: Study) -> None:
    run = _weightless(tiny_study, "lora-visual-prompt")
    for name in (layout.TOKENS, layout.CLOSED_FORM):
        (run / name).write_bytes(b"weights")
    write_manifest(run)
    (run / layout.CLOSED_FORM).unlink()
    told = find_obstacles(run)
    assert layout.CLOSED_FORM in told.entering
    assert not told.maps


def test_that_a_run_without_weights_says_so_and_offers_nothing_that_needs_them(
    open_window: OpenWindow, tiny_study: Study, qtbot: QtBot
) -> None:
    run = _weightless(tiny_study, "lora-visual-prompt")
    told = find_obstacles(run)
    for file in draw_faces(run.parent.parent.parent / "later", 2, seed=9):
        tiny_study.add_images([read_image(file, f"later {file.name}")])
    window = open_window(tiny_study)
    explore = window.show_panel("explore")
    assert isinstance(explore, ExplorePanel)
    qtbot.waitUntil(lambda: explore.data is not None and explore.idle(), timeout=20_000)
    faces, face = explore.faces, explore.face
    qtbot.waitUntil(faces.new_images.isVisible, timeout=20_000)
    explore.show_view("face")
    qtbot.waitUntil(explore.idle, timeout=20_000)
    assert "weights gone" in explore.run.currentText()
    for control, why in (
        (explore.add, told.entering),
        (faces.typed, told.words),
        (faces.new_images, told.images),
        (face.kind, told.maps),
        (face.labeler_maps.invite, told.maps),
    ):
        assert why
        assert not control.isEnabled()
        assert control.toolTip() == tip_text(why)
    assert explore.notice.text.text() == told.entering
    assert faces.gallery.faces.rowCount() == 24
    _assert_marked(window, qtbot)


def _assert_marked(window: Window, qtbot: QtBot) -> None:
    train = window.show_panel("train")
    assert isinstance(train, TrainPanel)
    qtbot.waitUntil(lambda: bool(train.table.runs.rows), timeout=20_000)
    row = train.table.runs.rows[0]
    assert "weights gone" in cells(row)[3]
    assert "weights gone" in marks(row.run, [row.run])


def test_that_a_combination_says_which_part_has_no_weights(tiny_study: Study) -> None:
    part = _weightless(tiny_study, "lora-visual-prompt")
    whole = part.with_name("all")
    whole.mkdir()
    (whole / layout.COMBINATION).write_text(
        json.dumps(
            {
                "members": [
                    {"method": "consensus", "run": part.name, "calibration": 1.0, "weight": [1.0]}
                ]
            }
        )
    )
    told = find_obstacles(whole)
    assert part.name in told.entering
    assert "weights are gone" in told.images
    shutil.rmtree(part)
    assert "was deleted" in find_obstacles(whole).images


def test_that_a_button_of_the_empty_page_says_its_name_as_it_is(
    open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    page = EmptyState(window.context.theme, "label", "", "")
    qtbot.addWidget(page)
    page.tell("Title", "Why.", ("Me & you", lambda: None))
    assert isinstance(page.way, QPushButton)
    assert page.way.text() == "Me && you"
