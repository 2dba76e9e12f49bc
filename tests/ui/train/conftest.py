"""A study with fabricated runs, and the Train panel on it in a real window."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from prism_desktop.engine.events import Done
from prism_desktop.engine.runs.process_identity import birth
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.train import operations
from prism_desktop.ui.train.form import RunForm
from prism_desktop.ui.train.operations import StudyChoices
from prism_desktop.ui.train.panel import TrainPanel
from tests.ui import fabricate
from tests.ui.conftest import OpenWindow

OpenTrain = Callable[..., TrainPanel]
CODES, NAMES = ("L1", "L2", "L3"), ("attractive", "smart")


@pytest.fixture
def with_run(tiny_study: Study) -> Callable[..., Path]:
    """Fabricate a run of the tiny study; its arguments are those of `fabricate.run`."""
    made = fabricate.of_study(tiny_study)

    def add(name: str = "20260101-120000-lora-visual-prompt", **given: object) -> Path:
        return fabricate.run(tiny_study.path, made, name, labelers=CODES, attributes=NAMES, **given)  # type: ignore[arg-type]

    return add


@pytest.fixture
def open_train(qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> OpenTrain:
    """Show the Train panel in a window, on a study if one is given; the device is known at once."""
    found = ("CPU, 2 threads", "Chosen because no GPU was found.")
    monkeypatch.setattr(operations, "find_device", lambda: iter([Done(found)]))

    def show(study: Study | None = None) -> TrainPanel:
        panel = open_window(study).show_panel("train")
        assert isinstance(panel, TrainPanel)
        qtbot.waitUntil(panel.idle, timeout=20_000)
        return panel

    return show


def go_on(run: Path, *events: dict[str, object]) -> None:
    """Let a fabricated run be at work; `events`, if any, are all that it has told."""
    status = json.loads((run / "status.json").read_text())
    status |= {"state": "training", "pid": os.getpid(), "born": birth(os.getpid())}
    (run / "status.json").write_text(json.dumps(status))
    if events:
        (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def offered_choices(names: dict[str, str], *attributes: str, **given: Any) -> StudyChoices:
    """What a simulated study offers in which everybody answered, unless `given` says otherwise."""
    known = {"answered": frozenset(names), "simulated": True, **given}
    return StudyChoices(labelers=names, attributes=attributes, **known)


@pytest.fixture
def form(qtbot: QtBot, context: AppContext) -> RunForm:
    """The form of a new run on a study with two labelers."""
    made = RunForm(context.theme)
    qtbot.addWidget(made)
    made.show_study(offered_choices({"L1": "Ada", "L2": "Ben"}, "attractive", "smart"))
    return made
