"""What a run cannot do is disabled at once, with the reason and the way out in words."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from typer.testing import CliRunner

from prism_desktop.cli.main import app
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.obstacles import find_obstacles
from prism_desktop.engine.study.store import Study
from tests.ui import fabricate
from tests.ui.cuts import cuts, rested
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore, shown


@pytest.mark.parametrize("method", ["mlp-decoder", "hierarchical-bayes", "ensemble"])
def test_that_a_run_without_an_image_tower_offers_no_maps_and_no_words(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, method: str
) -> None:
    run = fabricate.run(
        tiny_study.path,
        fabricate.of_study(tiny_study),
        method=method,
        labelers=CODES,
        attributes=NAMES,
    )
    fabricate.run(
        tiny_study.path, fabricate.of_study(tiny_study), "20260102-120000-lora-visual-prompt",
        labelers=CODES, attributes=NAMES,
    )  # fmt: skip
    panel = open_explore(tiny_study)
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    panel.run.pick(str(run))
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    panel.window().resize(1280, 720)
    told = find_obstacles(run)
    assert not panel.faces.typed.isEnabled()
    assert panel.faces.limits.isVisible()
    assert panel.faces.limits.text() == panel.faces.typed.toolTip() == told.words
    shown(panel, qtbot, "words")
    assert not panel.words.typed.isEnabled()
    assert panel.words.limits.text() == told.words
    for view in ("words", "where"):
        shown(panel, qtbot, view)
        rested(panel, qtbot)
        assert panel.notice.isVisible()
        assert not cuts(panel.foot)
    shown(panel, qtbot, "map")
    face = panel.face
    assert not face.kind.isEnabled()
    assert not face.labeler_maps.invite.isEnabled()
    assert not face.labeler_maps.maps.busy
    assert face.labeler_maps.why.text() == face.kind.toolTip() == told.maps
    for command, why in (
        (["relevance", str(run), "--labeler", "L1", "--attribute", "smart", "--image", "x",
          "--png", str(run.parents[2] / "x.png")], told.maps),
        (["predict", str(run), "--attribute", "friendly"], told.words),
        (["words", str(run), "friendly"], told.words),
    ):  # fmt: skip
        found = CliRunner().invoke(app, command)
        assert isinstance(found.exception, InputError)
        assert str(found.exception) == why


def test_that_what_is_possible_again_is_offered_again(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    faces = fabricate.of_study(tiny_study)
    given = {"labelers": CODES, "attributes": NAMES}
    fabricate.run(tiny_study.path, faces, method="mlp-decoder", **given)  # type: ignore[arg-type]
    tower = fabricate.run(tiny_study.path, faces, "20260102-120000-e2p-1", method="e2p-1", **given)  # type: ignore[arg-type]
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "face")
    for run in (tower, tower.with_name("20260101-120000-lora-visual-prompt"), tower):
        if panel.run.key != str(run):
            panel.run.pick(str(run))
        qtbot.waitUntil(
            lambda run=run: panel.data is not None and panel.data.folder == run and panel.idle(),  # type: ignore[misc]
            timeout=20_000,
        )
        possible = run == tower
        assert panel.face.kind.isEnabled() == possible
        assert panel.face.labeler_maps.invite.isEnabled() == possible
    assert panel.face.kind.toolTip() == ""


def test_that_one_labeler_is_compared_with_nobody(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    fabricate.run(
        tiny_study.path, fabricate.of_study(tiny_study), labelers=("L1",), attributes=NAMES
    )
    panel = open_explore(tiny_study)
    qtbot.waitUntil(lambda: panel.data is not None and panel.idle(), timeout=20_000)
    two = panel.segments.button("two")
    assert not two.isEnabled()
    assert "knows Labeler 1 alone" in two.toolTip()
    assert panel.notice.text.text() == two.toolTip()


def test_that_a_cell_of_the_agreement_leads_to_no_models_before_there_is_a_run(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    shown(panel, qtbot, "agreement")
    panel.agreement.matrix.chosen.emit(0, 1)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert panel.segments.current == "agreement"
    assert panel.alike.split.isVisible()
    assert not panel.alike.split.models.isEnabled()


def test_that_a_combination_that_lost_a_part_takes_nobody_in(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "all"
    run.mkdir(parents=True)
    (run / "combination.json").write_text(
        '{"members": [{"method": "consensus", "run": "gone", "calibration": 1.0, "weight": [1.0]}]}'
    )
    assert "which was deleted" in find_obstacles(run).entering


@pytest.mark.parametrize("method", ["consensus", "collaborative"])
def test_that_what_a_run_cannot_tell_is_told_in_full(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot, method: str
) -> None:
    made = fabricate.of_study(tiny_study)
    run = fabricate.run(tiny_study.path, made, method=method, labelers=CODES, attributes=NAMES)
    fabricate.run(
        tiny_study.path, made, "20260102-120000-lora-visual-prompt",
        labelers=CODES, attributes=NAMES,
    )  # fmt: skip
    panel = open_explore(tiny_study)
    panel.run.pick(str(run))
    panel.window().resize(1280, 720)
    told = []
    for view in panel.views():
        shown(panel, qtbot, view)
        rested(panel, qtbot)
        assert not cuts(panel.foot)
        told += [panel.notice.text.text()] if panel.notice.isVisible() else []
    assert told
