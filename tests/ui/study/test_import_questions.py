"""Questions, doubts and what is dropped, in a real window with the engine that reads files."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.ui.study.assistant.assistant_page import AssistantPage
from prism_desktop.ui.study.assistant.open_questions import DecisionCard
from prism_desktop.ui.study.doubt_words import grouped, told
from prism_desktop.ui.study.panel import StudyPanel
from prism_desktop.ui.window import Window
from tests.engine.study.helpers import finished
from tests.ui.conftest import OpenWindow
from tests.ui.study.plans import drawn_study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return drawn_study(tmp_path)


def _panel(window: Window) -> StudyPanel:
    panel = window.show_panel("study")
    assert isinstance(panel, StudyPanel)
    return panel


def _open(window: Window, qtbot: QtBot, *files: Path) -> AssistantPage:
    panel = _panel(window)
    qtbot.waitUntil(panel.idle)
    panel.import_tables(list(files))
    page = panel.assistant
    _settle(window, page, qtbot)
    return page


def _settle(window: Window, page: AssistantPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not page.planner.busy and window.context.idle(), timeout=20_000)


def _card(page: AssistantPage, kind: str) -> DecisionCard:
    return next(card for card in page.preview.decisions.cards if card.decision.kind == kind)


def _table(file: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    file.write_text("\n".join(lines), "utf-8")
    return file


def _pairs(file: Path, outcomes: str, *, rater: bool = True) -> Path:
    dice = random.Random(1)
    rows = []
    for number in range(36):
        one, other = dice.sample(range(12), 2)
        row = [f"face-{one:03d}.jpg", f"face-{other:03d}.jpg", outcomes[number % len(outcomes)]]
        rows.append([f"p{number % 3}", *row] if rater else row)
    return _table(file, ("participant," if rater else "") + "image_a,image_b,winner", rows)


def test_that_who_judged_is_typed_where_no_column_says_so(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    file = _table(tmp_path / "mine.csv", "image,attractive",
                  [(f"face-{n:03d}.jpg", 1 + n % 7) for n in range(12)])  # fmt: skip
    page = _open(window, qtbot, file)
    card = _card(page, "rater")
    assert "--" not in "".join(label.text() for label in card.findChildren(type(page.why)))
    editor = card.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    assert editor.placeholderText() == "mine"
    editor.setText("anna")
    qtbot.keyClick(editor, "\r")
    _settle(window, page, qtbot)
    assert page.plan is not None
    assert page.plan.raters == ("anna",)
    assert not page.plan.decisions


def test_that_outcomes_get_their_meaning_value_by_value(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    page = _open(window, qtbot, _pairs(tmp_path / "pairs.csv", "012"))
    coding = _card(page, "coding").coding
    assert coding is not None
    assert not coding.isVisible()
    next(
        b for b in _card(page, "coding").findChildren(QPushButton) if "by value" in b.text()
    ).click()
    assert coding.isVisible()
    assert list(coding.fields) == ["0", "1", "2"]
    for value, meaning in (("0", "left"), ("1", "tie")):
        box = coding.fields[value]
        assert isinstance(box, QComboBox)
        box.setCurrentIndex(box.findData(meaning))
    assert not coding.say.isEnabled()  # 2 was not said yet
    box = coding.fields["2"]
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData(""))
    coding.say.click()
    _settle(window, page, qtbot)
    assert page.plan is not None
    (attribute,) = page.plan.attributes
    assert (attribute.outcomes["left"], attribute.outcomes["tie"]) == (12, 12)
    assert page.plan.comparisons == 24


def test_that_words_get_their_numbers(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    words = ("grim", "plain", "sweet")
    rows = [(f"p{p}", f"face-{n:03d}.jpg", words[(n + p) % 3]) for p in range(3) for n in range(12)]
    page = _open(window, qtbot, _table(tmp_path / "w.csv", "participant,image,attractive", rows))
    seen = lambda: _card(page, "wording").coding  # noqa: E731, cards are made anew as plans come
    qtbot.waitUntil(lambda: (card := seen()) is not None and card.isVisible())
    coding = seen()
    assert coding is not None
    for number, word in enumerate(words, start=1):
        editor = coding.fields[word]
        assert isinstance(editor, QLineEdit)
        editor.setText(str(number))
    coding.say.click()
    _settle(window, page, qtbot)
    assert page.plan is not None
    assert dict(page.plan.attributes[0].values) == {1.0: 12, 2.0: 12, 3.0: 12}


def test_that_import_in_the_window_confirms_what_was_looked_at(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    rows = [(f"p{p}", f"face-{n:03d}.jpg", 1 + (n + p) % 7) for p in range(3) for n in range(12)]
    file = _table(tmp_path / "t.csv", "participant,image,trustworthy", rows)
    page = _open(window, qtbot, file)
    assert page.plan is not None
    assert "new-attribute" in {doubt.kind for doubt in page.plan.doubts}
    page.run.click()
    panel = _panel(window)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.overview and panel.idle())
    opened = window.context.study
    assert opened is not None
    assert all(attribute.confirmed for attribute in opened.attributes())
    assert "new-attribute" not in {doubt.kind for doubt in opened.imports()[-1].doubts}


def test_that_nothing_is_imported_from_files_that_bring_nothing(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    rows = [("p1", f"elsewhere-{n}.jpg", 1 + n % 7) for n in range(12)]
    page = _open(window, qtbot, _table(tmp_path / "t.csv", "participant,image,attractive", rows))
    assert not page.run.isEnabled()
    assert page.why.text() == "There is nothing to import in these files."


def test_that_images_dropped_by_themselves_come_in(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    more = tmp_path / "more"
    more.mkdir()
    for number in range(3):
        Image.new("RGB", (40, 40), (60 * number, 9, 9)).save(more / f"new-{number}.png")
    panel = _panel(window)
    panel.take([more / "new-0.png", more / "new-2.png"])
    opened = window.context.study
    assert opened is not None
    qtbot.waitUntil(lambda: opened.info().images == 14 and window.context.idle())
    assert {image.name for image in opened.images()} >= {"new-0.png", "new-2.png"}
    assert "new-1.png" not in {image.name for image in opened.images()}


def test_that_several_sets_of_embeddings_are_asked_about_one_after_another(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    names = np.array([f"face-{n:03d}.jpg" for n in range(12)])
    for name in ("one", "two"):
        vectors = np.random.default_rng(len(name)).random((12, 4), np.float32)
        np.savez(tmp_path / f"{name}.npz", names=names, vectors=vectors + (name == "two"))
    panel = _panel(window)
    panel.take([tmp_path / "one.npz", tmp_path / "two.npz"])
    card = panel.overview.importing
    for name in ("one", "two"):
        qtbot.waitUntil(lambda n=name: card.name.placeholderText() == n and card.run.isEnabled())
        card.run.click()
    opened = window.context.study
    assert opened is not None
    qtbot.waitUntil(lambda: [r.format for r in opened.imports()].count("embeddings") == 2)
    qtbot.waitUntil(lambda: not card.isVisible() and window.context.idle())


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("“a” has -99 (5 times); say --missing -99 if it is no rating, or --scale 1-7.",
         "“a” has -99 (5 times)."),
        ("“a” was taken to be on 0 to 101. If it is another scale, say --scale LOW-HIGH.",
         "“a” was taken to be on 0 to 101."),
        ("“a” is new; training leaves it out (prism-desktop study confirm, or Confirm here).",
         "“a” is new; training leaves it out."),
        ("Nothing to say about options.", "Nothing to say about options."),
        ("x--y.jpg was taken for x.jpg.", "x--y.jpg was taken for x.jpg."),
        ("Is -99 missing (--missing -99), or a rating?", "Is -99 missing, or a rating?"),
    ],
)  # fmt: skip
def test_that_options_of_the_command_line_are_not_told(said: str, shown: str) -> None:
    assert told(said) == shown


def test_that_doubts_of_one_kind_are_told_together() -> None:
    doubts = [
        Doubt("unit", "“rt” was read in ms."),
        *(Doubt("judgment", f"q{n} was taken for judgments, as its neighbours are.", count=2)
          for n in range(31)),
        Doubt("odd", "One."), Doubt("odd", "Two {x}."), Doubt("odd", "Three."),
    ]  # fmt: skip
    groups = grouped(list(enumerate(doubts)))
    assert [group.text for group in groups] == [
        "“rt” was read in ms.",
        "31 columns were taken for judgments.",
        "3 doubts of one kind, such as: One.",
    ]
    assert [len(group.members) for group in groups] == [1, 31, 3]
    assert groups[1].rows == 62


def test_that_many_doubts_of_one_kind_are_one_chip_and_one_line_in_the_imports(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    window = open_window(study)
    names = ("trustworthy", "dominant", "smart", "happy")
    rows = [(f"p{p}", f"face-{n:03d}.jpg", *(1 + (n + p + k) % 7 for k in range(4)))
            for p in range(3) for n in range(12)]  # fmt: skip
    file = _table(tmp_path / "t.csv", "participant,image," + ",".join(names), rows)
    page = _open(window, qtbot, file)
    chips = [chip for chip in page.preview.doubts.chips if "4 columns" in chip.text()]
    assert len(chips) == 1
    page.run.click()
    panel = _panel(window)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.overview and panel.idle())
    card = panel.overview.imports
    dismiss = [b for b in card.findChildren(QPushButton)
               if b.accessibleName() == "Dismiss: 4 columns were taken for judgments."]  # fmt: skip
    assert len(dismiss) == 1
    dismiss[0].click()
    opened = window.context.study
    assert opened is not None
    qtbot.waitUntil(lambda: len(opened.imports()[-1].dismissed) == 4 and panel.idle())


def test_that_a_preview_follows_the_study(
    open_window: OpenWindow, qtbot: QtBot, study: Study, tmp_path: Path
) -> None:
    """What another import brings meanwhile is not brought again."""
    window = open_window(study)
    rows = [
        (f"p{p}", f"face-{n:03d}.jpg", 1 + (n * 3 + p) % 7) for p in range(3) for n in range(12)
    ]
    columns = "participant,image,attractive"
    page = _open(window, qtbot, _table(tmp_path / "second.csv", columns, rows))
    assert page.plan is not None
    assert page.plan.ratings == 36
    assert window.context.study is not None
    finished(import_files(window.context.study, [_table(tmp_path / "a.csv", columns, rows[:24])]))
    window.context.changed.emit(Changes(imports=True, labelers=True))
    qtbot.waitUntil(lambda: page.plan is not None and page.plan.ratings == 12, timeout=20_000)
