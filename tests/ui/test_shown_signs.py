"""Signs of texts that no font of this computer has are seen as their codes and names, anywhere."""

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from typer.testing import CliRunner

from prism_desktop.cli.main import app
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Event
from prism_desktop.engine.study.records import Changes
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText, OwnText, TextRecord
from prism_desktop.ui import shown_signs as signs
from prism_desktop.ui import text_operations
from prism_desktop.ui.label.history_page import said
from prism_desktop.ui.label.panel import LabelPanel
from prism_desktop.ui.label.text_cards import TextCards
from prism_desktop.ui.plain import whole_text
from prism_desktop.ui.shown_signs import LackingSigns, lacking_signs, shown_parts, shown_signs
from prism_desktop.ui.study.own_texts import OwnTextsModel
from prism_desktop.ui.theme import install_fonts
from prism_desktop.ui.widgets.copied_text import CopiedText
from prism_desktop.ui.widgets.person_texts import MarkedText
from prism_desktop.ui.widgets.read_text import ReadText
from prism_desktop.ui.widgets.reading_table import ReadingTable
from prism_desktop.ui.widgets.text_picture import WrittenCard, large_card, small_card
from tests.fixtures.texts import made_of
from tests.ui.conftest import OpenWindow

NONE = "\u0378"  # no character, so that no font has it
TEXT = f"Well {NONE}!"
SEEN = "Well [U+0378]!"
FIRST, SECOND = "\U0001f468", "\U0001f680"  # a man and a rocket
FRANCE = "\U0001f1eb\U0001f1f7"
JOINER, EMOJI_FORM, TONE = "\u200d", "\ufe0f", "\U0001f3fd"


@pytest.fixture(autouse=True)
def bundled_font(qapp: QApplication) -> None:
    install_fonts(qapp)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Pretend that fonts have these signs alone."""

    class Metrics:
        known = ""

        def __init__(self, *_: object) -> None: ...

        def inFontUcs4(self, code: int) -> bool:  # noqa: N802
            return chr(code) in self.known

    def know(known: str) -> None:
        Metrics.known = known
        signs._has_font.cache_clear()

    monkeypatch.setattr(signs, "QFontMetrics", Metrics)
    yield know
    signs._has_font.cache_clear()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (TEXT, SEEN),
        (f"{NONE}{NONE} {NONE}", "[U+0378 U+0378] [U+0378]"),
        ("a \u0378\u200d\u0379 b", "a [U+0378 U+0379] b"),
        ("Ж\u200d\u0378\u200dé", "Ж\u200d[U+0378]\u200dé"),
        ("Grüße, naïve – “so” → there…", "Grüße, naïve – “so” → there…"),
        (f"a{JOINER}b →{EMOJI_FORM}", f"a{JOINER}b →{EMOJI_FORM}"),
        (
            "no\u00a0break,\u2003wide, soft\u00adhyphen",
            "no\u00a0break,\u2003wide, soft\u00adhyphen",
        ),
    ],
)
def test_that_only_signs_without_a_font_are_codes(text: str, seen: str) -> None:
    assert shown_signs(text) == seen
    assert shown_signs(seen) == seen


@pytest.mark.parametrize(
    ("text", "known", "seen"),
    [
        (FIRST, "", "[U+1F468 man]"),
        (FIRST, FIRST, FIRST),
        (FIRST + TONE, FIRST + TONE, FIRST + TONE),
        (FIRST + TONE, "", "[U+1F468 man, medium skin tone]"),
        (FIRST + TONE, FIRST, "[U+1F3FD man, medium skin tone]"),
        (f"{FIRST}{JOINER}{SECOND}", FIRST + SECOND, f"{FIRST}{JOINER}{SECOND}"),
        (f"{FIRST}{JOINER}{SECOND}", FIRST, "[U+1F680 man, rocket]"),
        (f"{FIRST}{EMOJI_FORM}{SECOND}", FIRST, f"{FIRST}{EMOJI_FORM}[U+1F680 rocket]"),
        (FRANCE, FRANCE, FRANCE),
        (FRANCE + FRANCE, "", "[U+1F1EB flag FR][U+1F1EB flag FR]"),
        (f"1{EMOJI_FORM}\u20e3", "", "[U+20E3 1, combining enclosing keycap]"),
        (f"\u00e9{TONE}", "\u00e9", "\u00e9[U+1F3FD medium skin tone]"),
        (f"{FIRST}{JOINER}\U0001faff", "", "[U+1F468 man, U+1FAFF]"),
        (f"{FIRST}{JOINER}\U0001faff", "\U0001faff", "[U+1F468 man, \U0001faff]"),
    ],
)  # fmt: skip
def test_that_what_belongs_together_is_one_sign(
    text: str, known: str, seen: str, only: Callable[[str], None]
) -> None:
    only(known)
    assert shown_signs(f"a {text} b") == f"a {seen} b"


ALPHABET = (
    f"é Ж\u0378\u0379李→“1#a\u0301\n{FIRST}{SECOND}{TONE}{FRANCE}{JOINER}{EMOJI_FORM}"
    "\U0001faff\u20e3\U0001f3f4\U000e0067\U000e0062\u200c\u2642"
)


@given(st.text(ALPHABET, max_size=12), st.sets(st.sampled_from(ALPHABET)))
def test_that_no_visible_sign_is_left_out(text: str, having: set[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signs, "_has_font", lambda sign, _: signs._shapeless(sign) or sign in having)
        parts = list(shown_parts(text))
        assert "".join(shown for shown, _ in parts) == shown_signs(text)
    assert "".join(shown if whole is None else whole for shown, whole in parts) == text
    for shown, whole in parts:
        for sign in whole or "":
            assert signs._shapeless(sign) or _told(sign, shown), (text, shown)


def _told(sign: str, shown: str) -> bool:
    """Whether a sign is there as itself, by its code or by its name."""
    if "\U0001f1e6" <= sign <= "\U0001f1ff":
        return chr(ord(sign) - 0x1F1E6 + ord("A")) in shown.partition("flag ")[2]
    name = "medium skin tone" if sign == TONE else unicodedata.name(sign, "").lower()
    return sign in shown or f"U+{ord(sign):04X}" in shown or (name != "" and name in shown)


def test_that_every_place_of_a_text_shows_what_its_font_lacks(qtbot: QtBot) -> None:
    record = TextRecord("a", "a", TEXT, TEXT, None, None, 0)
    cards, read, marked = TextCards(), ReadText(), MarkedText()
    table, own = ReadingTable("Texts", ("Text",), 0), OwnTextsModel()
    for each in (read, marked, table):
        qtbot.addWidget(each)
    cards.texts = {"a": record}
    cards.show(("a",))
    assert cards.header(QSize(800, 600)) > 0
    own.show([OwnText("L1", TEXT, TEXT)])
    table.show_lines([(TEXT,)], [TEXT])
    read.show_text(TEXT, TEXT)
    assert read.toPlainText() == f"{SEEN}\n\n{SEEN}"
    read.show_shaded(TEXT, [(TEXT, None, "")])
    assert read.toPlainText() == f"{SEEN}\n\n{SEEN}"
    marked.show_text(TEXT)
    above = cards._above
    assert above is not None
    item = table.item(0, 0)
    assert item is not None
    assert {
        above._documents[0][1].toPlainText(), cards._document("a")._documents[0][1].toPlainText(),
        marked.toPlainText(), item.text(), table.item(0, 0).toolTip(),
        *(str(own.index(0, column).data(Qt.ItemDataRole.DisplayRole)) for column in (1, 2)),
    } == {SEEN}  # fmt: skip
    assert whole_text(said([record])) == f"{SEEN}\n\n{SEEN}"
    for draw in (lambda card: small_card(card, 132), large_card):
        assert draw(WrittenCard(TEXT, TEXT)) == draw(WrittenCard(SEEN, SEEN))


@pytest.mark.parametrize("text", [TEXT, f"{NONE} {FRANCE}{FRANCE}\n\n\u00a0{SECOND}{SECOND}é 💧"])
def test_that_a_copy_has_the_signs_themselves(
    text: str, only: Callable[[str], None], qtbot: QtBot
) -> None:
    only("💧")
    read, marked, said_there = ReadText(), MarkedText(), CopiedText()
    for each in (read, marked, said_there):
        qtbot.addWidget(each)
    read.show_text(None, text)
    marked.show_text(text, "Generated")
    said_there.write_anew(text)
    for each, before in ((read, ""), (marked, "Generated\n"), (said_there, "")):
        assert "[U+" in each.toPlainText()
        each.selectAll()
        assert each.createMimeDataFromSelection().text() == before + text
    read.show_shaded("?", [(text, None, "")])
    read.selectAll()
    assert read.createMimeDataFromSelection().text() == f"?\n\n{text}"


def test_that_a_copy_of_a_part_has_whole_signs(only: Callable[[str], None], qtbot: QtBot) -> None:
    only("💧")
    read = ReadText()
    qtbot.addWidget(read)
    read.show_text(None, f"💧ab {NONE} cd\nef")
    cursor = read.textCursor()
    cursor.setPosition(3)
    cursor.setPosition(8, QTextCursor.MoveMode.KeepAnchor)
    assert cursor.selectedText() == "b [U+"
    read.setTextCursor(cursor)
    assert read.createMimeDataFromSelection().text() == f"b {NONE}"


def test_that_a_table_shows_as_much_of_a_text_as_a_row_can(qtbot: QtBot) -> None:
    table, text = ReadingTable("Texts", ("Text", "More"), 0), f"{TEXT} " * 20_000
    qtbot.addWidget(table)
    table.show_lines([(text, "short")], [f"{text}end"])
    item, beside = table.item(0, 0), table.item(0, 1)
    assert item is not None
    assert beside is not None
    assert item.text().startswith(SEEN)
    assert len(item.text()) < 1_500
    assert len(item.toolTip()) <= 2_000
    assert item.toolTip().endswith("end")
    assert beside.toolTip() == item.toolTip()


def test_that_label_tells_once_what_this_computer_cannot_show(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    texts = [NewText(str(number), f"{number} {TEXT if number < 3 else ''}") for number in range(6)]
    window = open_window(made_of(tmp_path / "codes.prism", texts))
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    page = panel.start
    qtbot.waitUntil(lambda: panel.idle() and page.signs.isVisible(), timeout=20_000)
    assert page.signs.text().startswith(
        "This computer has no font for 1 sign in 3 texts, such as U+0378:"
    )
    study = window.context.study
    assert study is not None
    assert sum(NONE in each.text for each in study.texts()) == 3  # stored as they were


def test_that_label_looks_again_for_signs_after_a_search_that_failed(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, asked = text_operations.signs_without_font, []

    def fail_once(study: Study) -> Iterator[Event[LackingSigns]]:
        asked.append(study)
        if len(asked) == 1:
            raise InputError("Nothing can be read now.")
        yield from find(study)

    monkeypatch.setattr(text_operations, "signs_without_font", fail_once)
    window = open_window(made_of(tmp_path / "again.prism", [NewText("1", TEXT), NewText("2", "b")]))
    panel = window.show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(lambda: panel.idle() and len(asked) == 1, timeout=20_000)
    assert not panel.start.signs.isVisible()
    for _ in range(2):
        window.context.changed.emit(Changes(labelers=True))
        qtbot.waitUntil(lambda: panel.idle() and panel.start.signs.isVisible(), timeout=20_000)
    assert len(asked) == 2  # and not again once it is known


def test_that_label_says_nothing_where_every_sign_has_a_font(
    tiny_replies: Study, open_window: OpenWindow, qtbot: QtBot
) -> None:
    panel = open_window(tiny_replies).show_panel("label")
    assert isinstance(panel, LabelPanel)
    qtbot.waitUntil(panel.idle, timeout=20_000)
    assert not panel.start.signs.isVisible()


def test_that_the_way_out_fits_what_is_lacking(only: Callable[[str], None]) -> None:
    only("")
    assert "an emoji font" in lacking_signs([FIRST]).told()
    assert "an emoji font" in lacking_signs([FIRST, "\U0001faff"]).told()  # newer than Python
    assert "an emoji font" not in lacking_signs([FIRST, "李"]).told()
    assert lacking_signs(["plain"]).told() == ""


def test_that_doctor_tells_which_signs_have_no_font(only: Callable[[str], None]) -> None:
    only("")
    told = CliRunner().invoke(app, ["doctor"]).output
    assert "emoji: no font for" in told
    assert "no font for Cyrillic" in " ".join(told.split())
