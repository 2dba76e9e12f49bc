"""Images that were added to the study after the training can be scored and browsed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.processes.inference_client import Scores
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.explore.panel import ExplorePanel
from prism_desktop.ui.explore.run_data import RunData
from tests.fixtures.study import draw_faces


class _Model:
    """Likes what it was not trained on best, the last most; cannot read the first."""

    def scores(
        self, attribute: str, _labelers: None, images: Mapping[str, Path], _texts: object
    ) -> Iterator[Any]:
        yield Progress(0, None, "Predicting")
        values = np.arange(len(images), dtype=np.float32) + 1000
        values[0] = np.nan
        yield Done(Scores(attribute, ("L1", "L2", "L3"), tuple(images), np.tile(values, (3, 1))))

    def faces(self, *_: str) -> Iterator[Any]:
        raise InputError("This model does not know how surely it places faces.")
        yield

    def close(self) -> None:
        pass


def _add(study: Study, folder: Path) -> list[str]:
    """Three more faces; their names."""
    paths = draw_faces(folder, 3, seed=9)
    study.add_images(read_image(path, f"new-{path.name}") for path in paths)
    return [f"new-{path.name}" for path in paths]


def test_that_images_added_since_are_scored_and_ranked_with_the_others(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunData, "model", lambda _: _Model())
    assert not panel.faces.new_images.isVisible()
    assert panel.context.study is not None
    names = _add(panel.context.study, tmp_path / "more")
    panel.context.changed.emit(Changes(images=True))
    qtbot.waitUntil(panel.faces.new_images.isVisible, timeout=10_000)
    assert panel.faces.new_images.text() == "Score 3 images added since"
    panel.faces.new_images.click()
    data = panel.data
    assert data is not None
    qtbot.waitUntil(lambda: len(data.images) == 26 and panel.idle(), timeout=10_000)
    first = [data.image_names[panel.faces.gallery.faces.face(place)] for place in (0, 1)]
    assert set(first) < set(names)
    assert panel.faces.count.text().startswith("26 faces")
    assert "1 of 3 images could not be scored" in panel.window().messages.text.text()  # type: ignore[attr-defined]
    assert panel.faces.new_images.text() == "Score 1 image added since"
    panel.show_view("two")
    qtbot.waitUntil(panel.idle, timeout=10_000)
    panel.show_view("face")
    panel.face.search.setText(first[0])
    panel.face.search.returnPressed.emit()
    qtbot.waitUntil(panel.idle, timeout=10_000)
    assert panel.face.name.text() == first[0]


def test_that_words_typed_while_new_images_are_scored_are_not_said_of_these(
    panel: ExplorePanel, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, asked = panel.data, list[str]()
    assert data is not None
    labelers, scores = data.labelers, _Model.scores

    def typed_meanwhile(model: _Model, *given: Any) -> Iterator[Any]:
        if not asked:
            data.with_attribute("kind", dict.fromkeys(labelers, np.zeros(24, np.float32)))
        asked.append(given[0])
        yield from scores(model, *given)

    monkeypatch.setattr(RunData, "model", lambda _: _Model())
    monkeypatch.setattr(_Model, "scores", typed_meanwhile)
    assert panel.context.study is not None
    _add(panel.context.study, tmp_path / "more")
    panel.context.changed.emit(Changes(images=True))
    qtbot.waitUntil(panel.faces.new_images.isVisible, timeout=10_000)
    panel.faces.new_images.click()
    qtbot.waitUntil(lambda: len(data.images) == 26 and panel.idle(), timeout=10_000)
    assert asked == ["attractive", "smart"]
    assert np.isnan(data.score("L1", "kind")).tolist() == [False] * 24 + [True] * 2
    assert not np.isnan(data.score("L1", "smart")).any()
