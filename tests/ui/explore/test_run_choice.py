"""Which run Explore shows: the one that tells labelers apart, and what it says of the others."""

import json
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from prism_desktop.engine.runs.run_label import write_label
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.train.runs import cells
from tests.ui import fabricate
from tests.ui.explore.conftest import CODES, NAMES, OpenExplore, shown

OLD = "20250101-120000-consensus"


def add(study: Study, name: str, method: str, *, state: str = "finished", seed: int = 0) -> Path:
    return fabricate.run(
        study.path,
        fabricate.of_study(study),
        name,
        method=method,
        state=state,
        labelers=CODES,
        attributes=NAMES,
        seed=seed,
    )


def opened(panel: ExplorePanel) -> Study:
    assert panel.context.study is not None
    return panel.context.study


def wait_for(panel: ExplorePanel, qtbot: QtBot, run: Path) -> None:
    qtbot.waitUntil(
        lambda: panel.data is not None and panel.data.folder == run and panel.idle(),
        timeout=20_000,
    )


def test_that_a_better_run_is_offered_and_nobody_is_moved(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    consensus = add(tiny_study, OLD, "consensus")
    panel = open_explore(tiny_study)
    wait_for(panel, qtbot, consensus)
    height = panel._stack.geometry()
    personal = add(opened(panel), "20250102-120000-lora-visual-prompt", "lora-visual-prompt")
    panel.context.changed.emit(Changes(runs=True))
    qtbot.waitUntil(lambda: panel.offer.take.isVisible(), timeout=10_000)
    assert panel.data is not None
    assert panel.data.folder == consensus
    assert panel._stack.geometry() == height
    panel.offer.take.click()
    wait_for(panel, qtbot, personal)
    assert not panel.offer.take.isVisible()
    panel.run.pick(str(consensus))  # by hand: it is not offered again
    wait_for(panel, qtbot, consensus)
    assert not panel.offer.take.isVisible()


def test_that_a_better_run_is_shown_to_somebody_who_was_elsewhere(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    panel = open_explore(tiny_study)
    consensus = add(opened(panel), OLD, "consensus")
    panel.context.changed.emit(Changes(runs=True))
    wait_for(panel, qtbot, consensus)
    window = panel.window()
    window.show_panel("study")  # type: ignore[attr-defined]
    personal = add(opened(panel), "20250102-120000-lora-visual-prompt", "lora-visual-prompt")
    panel.context.changed.emit(Changes(runs=True))
    wait_for(panel, qtbot, personal)


def test_that_a_run_that_ignores_labelers_says_so_wherever_they_are_compared(
    panel: ExplorePanel, run: Path, qtbot: QtBot
) -> None:
    study = panel.context.study
    assert study is not None
    consensus = add(study, OLD, "consensus")
    panel.context.changed.emit(Changes(runs=True))
    qtbot.waitUntil(lambda: panel.run.has(str(consensus)), timeout=10_000)
    for view in ("face", "agreement", "accuracy", "two"):
        panel.run.pick(str(consensus))
        wait_for(panel, qtbot, consensus)
        shown(panel, qtbot, view)
        if view == "two":
            page = panel.pair.missing
            assert page is not None
            text, out = page.text.text(), page.buttons[0]
            assert panel.pair.table() is None
        else:
            text, out = panel.notice.text.text(), panel.notice.action
            assert panel.notice.isVisible()
        assert "ignores who labels" in text
        out.click()
        wait_for(panel, qtbot, run)
        assert not panel.notice.isVisible()
    assert panel.pair.missing is None
    assert "r = " in panel.pair.figures.text()


def test_that_two_models_alike_are_no_finding(panel: ExplorePanel, qtbot: QtBot) -> None:
    data = panel.data
    assert data is not None
    first, kind = data.score("L1", data.attributes[0]), data.attributes[0]
    data.scores.type(kind, {"L2": 3 * first})  # as a combination that weighs the consensus for both
    shown(panel, qtbot, "two")
    assert panel.pair.figures.text() == "Nothing to compare"
    assert panel.pair.gallery.faces.rowCount() == 0
    panel.pair.other.pick("L3")
    assert "r = " in panel.pair.figures.text()
    notes = [panel.pair._note(row) for row in panel.pair.order().rows]
    assert notes
    assert all(len(set(note.split(" : "))) == 2 for note in notes)
    data.scores.type(kind, {"L3": first + np.float32(0.01) * data.score("L3", kind)})
    panel.pair._compare()
    assert "1.00" not in panel.pair.figures.text()


def test_that_the_menu_begins_with_the_best_and_marks_the_others(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    stopped = add(tiny_study, "20260109-120000-mlp-decoder", "mlp-decoder", state="stopped")
    consensus = add(tiny_study, OLD, "consensus", seed=4)
    best = add(tiny_study, "20250102-120000-lora-visual-prompt", "lora-visual-prompt")
    write_label(best, name="Pilot <b>&1</b>", note="before the break")
    panel = open_explore(tiny_study)
    wait_for(panel, qtbot, best)
    keys = [panel.run.itemData(place) for place in range(panel.run.count())]
    assert keys == [str(best), str(consensus), str(stopped)]
    told = [panel.run.itemText(place) for place in range(panel.run.count())]
    assert told[0].startswith("Pilot <b>&1</b>, ")
    (stopped / "summary.json").unlink()  # as where it was stopped before it was tested
    panel.context.changed.emit(Changes(runs=True))
    qtbot.waitUntil(lambda: "not tested" in panel.run.itemText(2), timeout=10_000)
    for view, offered in (("accuracy", False), ("faces", True)):
        shown(panel, qtbot, view)
        assert panel.run.model().item(2).isEnabled() == offered  # type: ignore[attr-defined]
    assert told[1].startswith("Consensus, ")
    assert " · ignores labelers · prism-mini · " in told[1]
    assert told[2].startswith("MLP decoder, ")
    assert " · stopped · " in told[2]


def test_that_a_control_whose_labelers_were_shuffled_is_told_and_not_chosen(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    real = add(tiny_study, "20250102-120000-lora-visual-prompt", "lora-visual-prompt")
    control = add(tiny_study, "20250103-120000-lora-visual-prompt", "lora-visual-prompt", seed=1)
    for name in ("config.json", "summary.json"):
        told = json.loads((control / name).read_text())
        settings = told.setdefault("config", {}) if name == "summary.json" else told
        settings["pairs"] = {"shuffle": 0}
        (control / name).write_text(json.dumps(told))
    panel = open_explore(tiny_study)
    wait_for(panel, qtbot, real)
    assert "Control" not in panel.faces.count.text()
    assert not panel.foot.offer.isVisible()
    panel.run.pick(str(control))
    wait_for(panel, qtbot, control)
    assert "labelers shuffled" in panel.run.currentText()
    assert "who gave which training and validation answer was permuted" in panel.faces.count.text()
    train = panel.window().show_panel("train")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: len(train.table.runs.rows) == 2, timeout=20_000)
    states = {row.run.path: cells(row)[2:4] for row in train.table.runs.rows}
    assert "labelers shuffled" in " ".join(states[control])
    assert "labelers shuffled" not in " ".join(states[real])


def test_that_the_labelers_mean_is_not_as_good_as_a_consensus_that_is_gone(
    open_explore: OpenExplore, tiny_study: Study, qtbot: QtBot
) -> None:
    run = add(tiny_study, "20250102-120000-lora-visual-prompt", "lora-visual-prompt")
    panel = open_explore(tiny_study)
    wait_for(panel, qtbot, run)
    assert panel.data is not None
    assert panel.data.trust("")  # the consensus model's
    panel.data.consensus = None
    assert not panel.data.trust("")
