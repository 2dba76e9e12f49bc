"""The Explore panel looks as it did, every view in both modes."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.adaptation.growth import Share
from prism_desktop.engine.adaptation.label_worth import ExpectedGain
from prism_desktop.engine.analysis.relevance_map import TokenSeats
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.evaluation.taste.taste_records import ImageProperty, TasteReport
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.curve_store import save_curve
from prism_desktop.engine.experiments.word_report import CheckedWord, WordLink, WordReport
from prism_desktop.engine.runs.named_views import NamedView
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore import operations, taste_view, worth_data
from prism_desktop.ui.explore.operations import FaceRelevance, ManyMaps
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import AXIS, PAIRS
from prism_desktop.ui.theme import Mode
from tests.engine.evaluation.taste.test_choice_links import FACES, judged
from tests.engine.evaluation.taste.test_choice_links import NAMES as PROPERTIES
from tests.ui import fabricate, golden
from tests.ui.explore.conftest import NAMES, OpenExplore, shown
from tests.ui.explore.made_up_maps import many
from tests.ui.explore.test_worth_view import curve

CODES = ("L1", "L2", "L3")


def look(
    data: RunData,
    _face: int,
    labeler: str,
    _attribute: str,
    _kind: str,
    over: int | None = None,
) -> "object":
    """A map around a place of the labeler's own; the last labeler's fails its test."""
    place = data.labelers.index(labeler)
    y, x = np.mgrid[0:7, 0:7]
    values = np.exp(-((x - 2 - place) ** 2 + (y - 4 + place) ** 2) / 2).astype(np.float32)
    passed = place < len(data.labelers) - 1
    words = (
        "passes its deletion test"
        if passed
        else "fails its deletion test, so do not read it as a reason"
    )
    whole, told = (0.0, 0.0, 1.0, 1.0), f"The map {words}."
    token = TokenSeats(1, 49, 1).told(["1.2", "2.4", "3.1", "5.0"])
    second = None if over is None else FaceRelevance(-values, whole, passed, told)
    return iter([Done(FaceRelevance(values, whole, passed, told, token, second))])


def taste() -> TasteReport:
    """Of the run's labelers, the first of whom likes one property."""
    found = judged(3, taste=1.5, labelers=3, pairs=300)
    labelers = tuple(
        each.model_copy(
            update={
                "labeler": code,
                "links": [link.model_copy(update={"attribute": NAMES[0]}) for link in each.links],
            }
        )
        for code, each in zip(CODES, found.labelers, strict=True)
    )
    everybody = [link.model_copy(update={"attribute": NAMES[0]}) for link in found.everybody]
    properties = tuple(
        ImageProperty(name=name, more=f"face with {name}", kind="fact", images=FACES)
        for name in PROPERTIES
    )
    names = {code: f"Labeler {code[1:]}" for code in CODES}
    update = {"labelers": labelers, "everybody": everybody, "properties": properties}
    return found.model_copy(update={**update, "names": names})


def words(data: RunData) -> WordReport:
    """Of words that are right on one attribute."""
    dice = np.random.default_rng(0)
    scores = {code: dice.normal(size=len(data.images)).astype(np.float32) for code in CODES}
    data.with_attribute("kind", scores)
    well = Accuracy(accuracy=0.71, low=0.66, high=0.76, n=300)
    return WordReport(
        checks=tuple(CheckedWord(attribute=name, trained=well, word=well) for name in NAMES),
        links=(WordLink(words="kind", attribute="smart", rho=0.25, answers=well),),
    )


def faked(study: Study, patch: pytest.MonkeyPatch) -> None:
    """What takes a process to find out is made up."""
    images = [image.id for image in study.images()]
    pairs = tuple((images[at], images[at + 1]) for at in (0, 2, 4))
    gains = [
        ExpectedGain(
            labeler=code, run="r", answers=7, gain=Share(value=0.02, low=0.0, high=0.05, n=8)
        )
        for code in CODES
    ]
    patch.setattr(operations, "relevance", look)
    patch.setattr(
        operations,
        "many_maps",
        lambda data, asked: iter([ManyMaps(many(asked, faces=data.images))]),
    )
    patch.setattr(taste_view, "taste_in_worker", lambda _: iter([Done(taste())]))
    patch.setattr(worth_data, "expected_gains", lambda study, codes: iter(gains))
    patch.setattr(worth_data, "next_trials", lambda study, code, kind: iter([Done(pairs)]))
    save_curve(study.path, TrainConfig(method="hierarchical-bayes"), {}, curve())


def steps(panel: ExplorePanel) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Name of the picture, the view, what is done in it."""
    data, nothing = panel.data, lambda: None
    assert data is not None
    yield "faces", "faces", nothing
    yield "two", "two", nothing
    yield "pairs", "two", lambda: panel.pair.kind.pick(PAIRS)
    yield "agreement", "agreement", nothing
    yield "accuracy", "accuracy", nothing
    yield "quality", "quality", nothing
    yield "taste", "taste", nothing
    yield "axis", "taste", lambda: panel.taste.part.pick(AXIS)
    yield "worth", "worth", nothing
    yield "map", "map", nothing
    panel.face.attention.offer(4, 3)
    yield "raw", "face", partial(panel.face.kind.pick, "attention")
    panel.face.kind.pick("occlusion")
    yield "where", "where", panel.where.invite.click
    panel.words._reports[str(data.folder), "kind"] = words(data)
    panel.selection.words = "kind"
    yield "words", "words", nothing


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_that_every_view_looks_as_it_did(
    open_explore: OpenExplore,
    tiny_study: Study,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
) -> None:
    faked(tiny_study, monkeypatch)
    fabricate.run(tiny_study.path, fabricate.of_study(tiny_study), labelers=CODES, attributes=NAMES)
    panel = open_explore(tiny_study)
    window = panel.window()
    panel.context.theme.apply(mode)
    window.resize(1440, 900)
    for name, view, act in steps(panel):
        shown(panel, qtbot, view)
        panel.history.begin(panel.selection)  # whether there is a way back is no part of a view
        panel.history.watch(False)
        act()
        qtbot.wait(100)  # plots lay their axes out in the next round of the event loop
        qtbot.waitUntil(panel.idle, timeout=20_000)  # larger thumbnails
        focused = window.focusWidget()
        if focused is not None:
            focused.clearFocus()  # the cursor of a field blinks
        qtbot.wait(50)
        golden.check(window, f"explore-{name}-{mode}", tmp_path)
    panel.named._fill([NamedView(name="Ben's surprises"), NamedView(name="Mouths, L1 and L4")])
    menu = panel.named.menu()
    menu.ensurePolished()
    menu.resize(menu.sizeHint())
    golden.check(menu, f"explore-views-{mode}", tmp_path)
