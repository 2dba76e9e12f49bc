"""Nothing in the window speaks of faces or images while a study of texts is open."""

import re
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.records import LabelerRecord, NewImage
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.ui.key_list import all_keys
from prism_desktop.ui.reachable import Reachable
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.train import operations
from prism_desktop.ui.window import PANELS
from tests.fixtures.runs import MakeRun
from tests.ui.conftest import OpenWindow
from tests.ui.said_texts import said_by

_OF_FACES = re.compile(r"\b(faces?|images?|pictures?|photo\w*|person shown)\b", re.IGNORECASE)
# What may be said: pages that belong to no study, which are not in sight, and why methods that
# adapt an image network cannot run.
_NO_STUDY = ("HomePage", "NewStudyPage")
_REASONS = ("network that sees images",)


def _told(page: QWidget) -> list[str]:
    """What a page says of faces; what is hidden is said to nobody."""
    found = []
    for part in (page, *page.findChildren(QWidget)):
        inside, above = type(part).__name__, part.parentWidget()
        while above is not None and inside not in _NO_STUDY:
            inside, above = type(above).__name__, above.parentWidget()
        if inside in _NO_STUDY or not part.isVisibleTo(page):
            continue
        own = [
            text
            for kind, text in said_by(part)
            if kind == type(part).__name__ and _OF_FACES.search(text)
        ]
        found += [text for text in own if not any(each in text for each in _REASONS)]
    return sorted(set(found))


@pytest.mark.soak  # every page of three panels, one after another
def test_that_no_page_command_or_key_of_a_study_of_texts_speaks_of_faces(
    tiny_replies: Study, open_window: OpenWindow, qtbot: QtBot
) -> None:
    """Explore with a run has a test of its own, view by view."""
    tiny_replies.add_own_texts([OwnText("L4", "Hello", "Greet.")])
    window = open_window(tiny_replies)
    for name in PANELS:
        panel = window.show_panel(name)
        qtbot.waitUntil(panel.idle, timeout=30_000)  # type: ignore[attr-defined]
        for view in panel.views():  # type: ignore[attr-defined]
            if view == "plan":  # works for long; what it tells goes through `told`
                continue
            panel.show_view(view)  # type: ignore[attr-defined]
            qtbot.waitUntil(panel.idle, timeout=60_000)  # type: ignore[attr-defined]
            assert _told(window) == [], (name, view)
        window.context.labeler_mode.emit("")
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    for form in ("bring", "labeler", "attribute"):
        panel.show_view(form)
        assert _told(window) == [], form
    reachable = Reachable((("a", "Ada", False),), ("kind",), ())
    for command in window.commands.all(reachable):
        assert not _OF_FACES.search(f"{command.name} {command.place}"), command
    assert [key for key in all_keys(window.context) if _OF_FACES.search(key.does + key.place)] == []
    buttons = [each for each in window.findChildren(QAbstractButton) if each.isVisible()]
    assert not [each for each in buttons if _OF_FACES.search(each.toolTip())]


def test_that_a_study_of_nothing_but_own_texts_is_one_of_texts_in_every_panel(
    tmp_path: Path, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window(Study.create(tmp_path / "own.prism"))
    study = window.context.study
    assert study is not None
    panel = window.show_panel("study")
    qtbot.waitUntil(panel.idle, timeout=30_000)  # type: ignore[attr-defined]
    assert window.context.words.kept_many == "images"  # as nobody said anything else yet
    people = [LabelerRecord(code) for code in ("ada", "ben", "cy")]
    window.context.write(lambda: study.add_labelers(people), owner=window, what="Adding")
    qtbot.waitUntil(window.context.idle, timeout=30_000)
    own = [OwnText(one.code, f"Hello {number}", "Greet.") for one in people for number in range(4)]
    window.context.write(lambda: study.add_own_texts(own), owner=window, what="Adding")
    qtbot.waitUntil(lambda: window.context.words.kept_many == "texts", timeout=30_000)
    for name in PANELS:
        panel = window.show_panel(name)
        qtbot.waitUntil(panel.idle, timeout=30_000)  # type: ignore[attr-defined]
        qtbot.waitUntil(window.context.idle, timeout=30_000)
        assert _told(window) == [], name
        window.context.labeler_mode.emit("")
    explore = window.show_panel("explore")
    assert {"replies", "people"} <= set(explore.views())  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="one of texts"):
        study.add_images([NewImage(tmp_path / "x.png", "x.png", "0" * 64, 1, 1)])


def test_that_a_bundle_for_a_paper_is_made_of_texts(
    tiny_replies: Study, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    tiny_replies.update_attribute("kind", question="As kind as L1?")
    window = open_window(tiny_replies)
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    files = panel.overview.storage
    qtbot.waitUntil(lambda: panel.idle() and window.context.idle(), timeout=30_000)
    assert files.with_stimuli.text() == "with texts"
    assert not _OF_FACES.search(files.with_stimuli.toolTip())
    said: list[tuple[str, str]] = []
    window.context.messaged.connect(lambda kind, text, _action: said.append((kind, text)))
    files.paper_wanted.emit(tmp_path / "out", True)
    qtbot.waitUntil(lambda: (tmp_path / "out" / "texts.csv").exists(), timeout=30_000)
    qtbot.waitUntil(window.context.idle, timeout=30_000)
    qtbot.waitUntil(lambda: bool(said), timeout=5_000)
    assert said[-1][0] == "warn"
    assert "is in the question of kind" in said[-1][1]


def test_that_tables_of_runs_say_that_texts_are_held_out(
    tiny_replies: Study, make_run: MakeRun, tiny_language_model: str
) -> None:
    make_run(tiny_replies, method="hierarchical-bayes", backbone=tiny_language_model)
    (row,) = operations.rows(tiny_replies.path)
    assert (row.run.split, row.run.held_out) == ("image", "text")
    offered = operations.study_choices(tiny_replies).labelers
    assert list(offered) == ["L1", "L2", "L3"]  # L4 and L5 wrote, and judged nothing
