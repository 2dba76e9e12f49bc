"""Labeling texts as labelers do it: real keys, a real store, cards as they are painted."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QImage, QTextCharFormat, QTextDocument, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from prism_desktop.engine.labeling.protocol import usual_protocol
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText, TextRecord
from prism_desktop.ui.label.laid_text import LaidText, TextRun
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.label.text_cards import LARGEST, SMALLEST, USUAL, TextCards
from prism_desktop.ui.plain import write
from prism_desktop.ui.study.panel import StudyPanel
from tests.fixtures.texts import LONG, made_of, replies_in
from tests.ui.conftest import OpenWindow
from tests.ui.label.hands import CONTROL, DOWN, LEFT, begin, press, rest, trials

UP, PAGE_DOWN, PAGE_UP = Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp


@pytest.fixture
def replies(tmp_path: Path) -> Iterator[Study]:
    study = replies_in(tmp_path / "replies.prism")
    yield study
    study.close()


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[Study]:
    study = made_of(
        tmp_path / "letters.prism",
        [NewText(f"l{n}", f"{n} {LONG}", group="one") for n in range(4)],
    )
    yield study
    study.close()


def laid_out(cards: TextCards, name: str) -> str:
    """What stands on a card, all of it."""
    laid = cards._document(name)
    while not laid.done:
        laid.step()
    return "\n".join(document.toPlainText() for _, document in laid._documents)


def _painted(panel: LabelPanel) -> QImage:
    QApplication.processEvents()
    return panel.trial.stimulus.grab().toImage()


def test_that_texts_are_judged_undone_and_skipped_by_the_same_keys(
    open_window: OpenWindow, qtbot: QtBot, replies: Study
) -> None:
    window = open_window(replies)
    panel = begin(window, qtbot)
    assert panel.trial.question.text() == "Which reply sounds kinder?"
    press(panel, qtbot, LEFT, DOWN)
    first, second = trials(window)
    assert (first.answers, second.answers) == ({"kind": "left"}, {"kind": "tie"})
    assert first.onset is not None
    assert first.dropped_frames is not None
    assert (first.seconds or 0) > 0
    press(panel, qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    assert len(trials(window)) == 1
    press(panel, qtbot, Qt.Key.Key_S, Qt.Key.Key_2)
    assert trials(window)[-1].skip_reason == "The text is bad"


def test_that_a_key_before_the_text_was_painted_answers_nothing(
    open_window: OpenWindow, qtbot: QtBot, replies: Study
) -> None:
    window = open_window(replies)
    panel = begin(window, qtbot)
    panel.trial.stimulus.hide()
    for _ in range(3):  # the present one was seen, what comes after it was not
        qtbot.keyClick(panel.trial, LEFT)
    panel.trial.stimulus.show()
    rest(panel, qtbot)
    assert len(trials(window)) == 1


def test_that_long_texts_are_read_by_keys_and_the_next_begins_at_its_top(
    open_window: OpenWindow, qtbot: QtBot, letters: Study
) -> None:
    window = open_window(letters)
    panel = begin(window, qtbot, "rating")
    top = _painted(panel)
    for key, back in ((PAGE_DOWN, PAGE_UP), (DOWN, UP), (Qt.Key.Key_End, Qt.Key.Key_Home)):
        qtbot.keyClick(panel.trial, key)
        assert _painted(panel) != top, key
        qtbot.keyClick(panel.trial, back)
        assert _painted(panel) == top, key
    qtbot.keyClick(panel.trial, Qt.Key.Key_End)
    end = _painted(panel)
    qtbot.keyClick(panel.trial, PAGE_DOWN)
    assert _painted(panel) == end

    def turned(eighths: int) -> None:
        panel.trial.stimulus.wheelEvent(
            QWheelEvent(
                QPointF(50, 50), QPointF(50, 50), QPoint(), QPoint(0, eighths),
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            )
        )  # fmt: skip

    turned(120)
    notch = _painted(panel)
    assert notch != end
    qtbot.keyClick(panel.trial, Qt.Key.Key_End)
    for _ in range(8):  # a touchpad tells of a part of a notch at a time
        turned(15)
    assert _painted(panel) == notch
    press(panel, qtbot, Qt.Key.Key_3)
    qtbot.keyClick(panel.trial, PAGE_UP)
    second = _painted(panel)
    qtbot.keyClick(panel.trial, Qt.Key.Key_Home)
    assert _painted(panel) == second
    assert len(trials(window)) == 1


def test_that_down_is_a_tie_where_it_means_one(
    open_window: OpenWindow, qtbot: QtBot, letters: Study
) -> None:
    window = open_window(letters)
    panel = begin(window, qtbot)
    press(panel, qtbot, DOWN)
    assert trials(window)[0].answers == {"kind": "tie"}


def test_that_both_cards_move_together(
    open_window: OpenWindow, qtbot: QtBot, letters: Study
) -> None:
    panel = begin(open_window(letters), qtbot)
    view = panel.trial.stimulus
    left, right = view.places()
    before = _painted(panel)
    qtbot.keyClick(panel.trial, PAGE_DOWN)
    after = _painted(panel)
    for place in (left, right):
        assert before.copy(place) != after.copy(place)


def test_that_letters_have_the_size_that_the_labeler_chose(
    open_window: OpenWindow, qtbot: QtBot, replies: Study
) -> None:
    path = replies.path
    replies.add_labeler("L2")
    window = open_window(replies)
    panel = begin(window, qtbot)
    cards = panel.trial.reading.cards
    small = _painted(panel)
    assert cards.size == USUAL
    for _ in range(3):
        qtbot.keyClick(panel.trial, Qt.Key.Key_Plus, CONTROL)
    larger = cards.size
    assert larger > USUAL + 3
    assert _painted(panel) != small
    for _ in range(40):
        qtbot.keyClick(panel.trial, Qt.Key.Key_Minus, CONTROL)
    assert cards.size == SMALLEST
    for _ in range(40):
        qtbot.keyClick(panel.trial, Qt.Key.Key_Plus, CONTROL)
    assert cards.size == LARGEST
    window.close()
    window = open_window(path)
    assert begin(window, qtbot).trial.reading.cards.size == LARGEST
    window.context.pause_wanted.emit()
    other = begin(window, qtbot, labeler="L2")
    assert other.trial.reading.cards.size == USUAL


def test_that_a_prompt_stands_above_or_in_the_cards(qapp: QApplication) -> None:
    """Above where all answer the same; before each text where they do not, or it is long."""
    room = QSize(1000, 400)
    for prompts, above in (
        (("Same?", "Same?"), True),
        (("One?", "Another?"), False),
        ((LONG, LONG), False),
        ((None, None), False),
        (("One?", None), False),
    ):
        cards = TextCards()
        cards.texts = {
            name: TextRecord(name, name, f"Text {name}.", prompt, None, None, 0)
            for name, prompt in zip("ab", prompts, strict=True)
        }
        cards.show(("a", "b"))
        assert (cards.header(room) > 0) == above
        for name, prompt in zip("ab", prompts, strict=True):
            said = laid_out(cards, name)
            assert said.endswith(f"Text {name}.")
            assert said.startswith(prompt or "Text") == (not above or prompt is None)


def test_that_nothing_of_a_text_is_taken_for_more_than_letters(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    """What is not seen is shown as an escape, HTML as what it says, endless words whole."""
    hostile = [
        "<h1>Big</h1>", "\u202eevil\u202c \x1b[31m", "x" * 3000,
        "`prism-desktop study check` & [*] %s {one}",
    ]  # fmt: skip
    study = made_of(tmp_path / "h.prism", [NewText(str(n), t) for n, t in enumerate(hostile)])
    panel = begin(open_window(study), qtbot, "rating")
    cards = panel.trial.reading.cards
    found = set()
    for _ in hostile:
        shown = panel.trial.stimulus._images[0]
        found.add(laid_out(cards, shown))
        press(panel, qtbot, Qt.Key.Key_2)
    assert found == {hostile[0], "\\u202eevil\\u202c \\x1b[31m", *hostile[2:]}


def test_that_the_answers_given_show_what_was_read(
    open_window: OpenWindow, qtbot: QtBot, replies: Study
) -> None:
    window = open_window(replies)
    panel = begin(window, qtbot)
    press(panel, qtbot, LEFT)
    (trial,) = trials(window)
    study = window.context.study
    assert study is not None
    texts = {text.id: text.text for text in study.texts()}
    panel._pause()
    panel.show_history("L1")
    qtbot.waitUntil(lambda: bool(panel.history._lines))
    panel.history._choose(0)
    said = panel.history.said.toPlainText()
    assert said == f"What now?\n\nA  {texts[trial.left]}\n\nB  {texts[trial.right or '']}"


def test_that_nothing_on_the_way_to_a_reply_speaks_of_faces(
    open_window: OpenWindow, qtbot: QtBot, replies: Study
) -> None:
    window = open_window(replies)
    panel = begin(window, qtbot)
    study = window.panel("study")
    assert isinstance(study, StudyPanel)
    for page in (panel.trial, panel.start, panel.keys, study.overview):
        said = [part.text() for part in page.findChildren(QLabel)]
        buttons = page.findChildren(QPushButton)
        said += [text for part in buttons for text in (part.text(), part.accessibleName())]
        assert len(said) > 5
        assert [text for text in said if "face" in text.lower()] == []


def test_that_a_cross_comes_before_texts_and_a_mask_after_their_time(
    open_window: OpenWindow, qtbot: QtBot, replies: Study
) -> None:
    """The prompt is seen with the texts, neither before nor after them."""
    panel = begin(open_window(replies), qtbot)
    view = panel.trial.stimulus
    seen = _painted(panel)
    header = QRect(0, 0, view.width(), view.places()[0].y())
    view.time_by(150, 250, mask=True)
    shown = view._images
    view.show_images(())
    with qtbot.waitSignal(view.masked, timeout=5_000) as masked:
        with qtbot.waitSignal(view.painted, timeout=5_000):
            view.show_images(shown)
            before = _painted(panel)
        during = _painted(panel)
    after = _painted(panel)
    assert before.copy(header) != seen.copy(header)
    assert before.copy(header) == after.copy(header)
    assert during.copy(header) == seen.copy(header)
    assert after != during
    assert after != before
    assert masked.args is not None
    assert masked.args[0] >= 240


def test_that_practice_and_protocols_show_texts(
    open_window: OpenWindow, qtbot: QtBot, replies: Study
) -> None:
    protocol = usual_protocol()
    replies.put_protocol(protocol.toml())
    window = open_window(replies)
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.start)
    qtbot.mouseClick(panel.start.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.instructions)
    said = " ".join(part.text() for part in panel.instructions.findChildren(QLabel))
    assert "two replies" in said
    assert "face" not in said
    qtbot.keyClick(panel.instructions, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.instructions)
    qtbot.keyClick(panel.instructions, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.trial)
    rest(panel, qtbot)
    press(panel, qtbot, LEFT)
    (trial,) = trials(window)
    assert trial.flags == ("practice",)


def _lines(documents: Sequence[QTextDocument]) -> list[str]:
    found = []
    for document in documents:
        block = document.begin()
        while block.isValid():
            layout, units = block.layout(), block.text().encode("utf-16-le")
            for line in map(layout.lineAt, range(layout.lineCount())):
                start = 2 * line.textStart()
                found.append(units[start : start + 2 * line.textLength()].decode("utf-16-le"))
            block = block.next()
    return found


@pytest.mark.parametrize("word", ["word ", "\U0001f600 und so ", "\u0633\u0644\u0627\u0645 "])
def test_that_a_long_paragraph_has_the_lines_that_it_has_as_one(
    qapp: QApplication, word: str
) -> None:
    cards = TextCards()
    begin = partial(cards._begin, Qt.AlignmentFlag.AlignLeft)
    said = "First.\n" + word * (8_000 // len(word)) + "\n\nLast."
    laid = LaidText([TextRun(said, QTextCharFormat())], 600, begin)
    while not laid.done:
        laid.step()
    whole, cursor = begin()
    write(cursor, said, QTextCharFormat())
    whole.setTextWidth(600)
    pieces = [document for _, document in laid._documents]
    assert len(pieces) > 2
    high = whole.size().height()
    assert _lines(pieces) == _lines([whole])
    assert laid.height == pytest.approx(high, abs=len(pieces))


def test_that_the_longest_texts_are_laid_out_while_the_window_lives(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    texts = [NewText(str(n), f"{n} some words " * 2_500, group="one") for n in range(2)]
    window = open_window(made_of(tmp_path / "longest.prism", texts))
    panel = begin(window, qtbot)
    cards = panel.trial.reading.cards
    cards._laid.clear()
    assert cards.waiting()
    assert cards.get(panel.trial.stimulus._images[0], QSize(400, 400)) is None
    panel.trial.stimulus.update()
    qtbot.waitUntil(lambda: not cards.waiting(), timeout=20_000)
    assert cards.hidden() > 5_000
    press(panel, qtbot, LEFT)
    assert len(trials(window)) == 1
