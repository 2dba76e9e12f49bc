"""What commands say of a study whose names were made to steer the terminal or a spreadsheet."""

import csv
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest
from rich.table import Table

from prism_desktop.cli import console
from prism_desktop.cli.console import PlainConsole, follow, say
from prism_desktop.engine.events import Done, Notice, Progress
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.study.formula_guard import restored
from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run
from tests.fixtures.hostile_names import FORMULAS, HOSTILE, PRINTABLE, STEERING, UNSEEN
from tests.fixtures.study import fill

STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")  # what rich itself writes to a terminal


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelers, attributes and images of hostile names; those of images hold everything."""
    folder = tmp_path_factory.mktemp("hostile") / "[b]:smile:.prism"
    with Study.create(folder, attributes=("[red]kind", "=1+1")) as made:
        fill(made, images=len(HOSTILE), labelers=2, comparisons=8, ratings=4)
        for code in PRINTABLE:
            made.add_labeler(code, code, profile="\x1b[2J" + code)
    with closing(sqlite3.connect(folder / "study.sqlite3")) as database, database:
        for number, name in enumerate(HOSTILE):
            sound = name.encode("utf-8", "backslashreplace").decode()
            database.execute("UPDATE stimulus SET name = ? WHERE id = ?", (sound, number + 1))
        for number, code in enumerate(("=cmd|'/c calc'!A1", "[/b]@x"), start=1):
            database.execute("UPDATE labeler SET code = ? WHERE id = ?", (code, number))
    return folder


def _steers(text: str) -> list[str]:
    return [sign for sign in STEERING if sign in STYLE.sub("", text) and sign not in "\r\x85"]


@pytest.fixture(params=["pipe", "terminal"])
def sink(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether output goes into a pipe or to a terminal with colours."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(console.out, "_width", 400)
    if request.param == "terminal":
        monkeypatch.setenv("FORCE_COLOR", "1")
    return str(request.param)


def test_that_info_shows_every_name_as_it_is(
    study: Path, sink: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("study", "info", study) == 0
    said = STYLE.sub("", capsys.readouterr().out)
    assert not _steers(said)
    for name in PRINTABLE:
        assert name in said
    assert "[red]kind" in said


@pytest.mark.parametrize(
    "words",
    [
        ("study", "check"),
        ("study", "info", "--json", "-"),
        ("agreement",),
        ("agreement", "--json", "-"),
        ("methods",),
    ],
)
def test_that_no_command_steers_the_terminal(
    study: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    place = 1 if words[0] != "study" else 2
    run(*words[:place], study, *words[place:])
    said = capsys.readouterr()
    assert not _steers(said.out + said.err)
    assert "Traceback" not in said.err
    if "--json" in words:
        json.loads(said.out)


@pytest.mark.parametrize("name", [*UNSEEN, *PRINTABLE[:12]])
def test_that_an_error_repeats_what_was_typed_as_it_is(
    study: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("study", "confirm", study, f"no {name}") == 2
    said = STYLE.sub("", capsys.readouterr().err)
    assert said.count("\n") == 1
    assert not _steers(said)
    if name in PRINTABLE and "\\" not in name and "'" not in name:
        assert f"no {name}" in said


@pytest.mark.parametrize("name", [*UNSEEN, "[/b]x", ":smile:", "[red]x"])
def test_that_bars_and_notices_show_a_name_as_it_is(
    name: str, sink: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert follow([Progress(1, 2, name), Notice(name), Done(3)]) == 3
    say(name)
    said = capsys.readouterr()
    for text in (said.out, STYLE.sub("", said.err)):
        assert not _steers(text)
        assert one_line(name) in text


@pytest.mark.parametrize("name", HOSTILE)
def test_that_tables_show_a_name_as_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(console.out, "_width", 400)
    table = Table("head", f"h{name}", title=f"t{name}", caption=f"c{name}", box=None)
    table.add_row(name, "cell")
    PlainConsole().print(table)
    said = capsys.readouterr().out
    assert not _steers(said)
    for part in (f"h{name}", f"t{name}", f"c{name}", name):
        assert one_line(part) in said


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_that_no_table_of_a_command_holds_a_formula(study: Path, tmp_path: Path) -> None:
    assert run("agreement", study, "--csv", tmp_path / "agreement.csv") == 0
    assert run("study", "export", study, "--out", tmp_path / "csv") == 0
    tables = [tmp_path / "agreement.csv", *(tmp_path / "csv").rglob("*.csv")]
    assert len(tables) > 4
    restoring = set()
    for table in tables:
        for text in (text for row in _rows(table) for text in row):
            number = re.fullmatch(r"-?[\d.]+(e-?\d+)?", text)
            assert number or text.strip()[:1] not in tuple("=+-@＝＋－＠"), (table.name, text)
            restoring.add(restored(text))
    assert {"=cmd|'/c calc'!A1", *FORMULAS} <= restoring


def test_that_no_workbook_holds_a_formula(study: Path, tmp_path: Path) -> None:
    assert run("study", "export", study, "--out", tmp_path, "--format", "xlsx") == 0
    found = set()
    for file in tmp_path.rglob("*.xlsx"):
        book = openpyxl.load_workbook(file)
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f", cell.value
                    found.add(cell.value)
        book.close()
    assert {"=cmd|'/c calc'!A1", *FORMULAS} <= found


def test_that_a_labeler_with_the_name_of_a_formula_comes_back(tmp_path: Path) -> None:
    """Out through a CSV of the program and in through its import, the name is the same."""
    names = [name for name in FORMULAS if name != "'=x"]
    with Study.create(tmp_path / "one.prism", attributes=("kind",)) as made:
        fill(made, images=4, labelers=1, comparisons=0, ratings=4)
    table = tmp_path / "ratings.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rater", "image", "kind"])
        for number, name in enumerate(names):
            writer.writerow([f"'{name}", f"face-{number % 4:03d}.jpg", number % 4 + 1])
    assert run("study", "import", tmp_path / "one.prism", table) == 0
    with Study.open(tmp_path / "one.prism", read_only=True) as made:
        assert set(names) <= {labeler.code for labeler in made.labelers()}


def test_that_info_says_where_a_study_comes_from(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it says of itself is text; the list of known studies is another test's."""
    with closing(sqlite3.connect(study / "study.sqlite3")) as database, database:
        database.execute("UPDATE meta SET value = '\x1b[2J[b]:smile:' WHERE key = 'made_on'")
    assert run("study", "info", study) == 0
    said = capsys.readouterr().out
    assert "on the computer \\x1b[2J[b]:smile: by PRISM Desktop" in said
    assert "never open on this computer before" in said
    assert run("study", "info", study, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["origin"]["known"] is False
