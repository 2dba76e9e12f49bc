"""Tables of facts: what is kept is what says something of somebody or something in the study."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.records import ImportReport
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText
from tests.cli.test_study_commands import run
from tests.engine.study.helpers import bare, finished, reasons, table
from tests.fixtures.study import MakeStudy

KINDS = {"image": ("face-000.jpg", "face-001.jpg"), "text": ("a", "b")}


@pytest.fixture(params=["image", "text"])
def study(request: pytest.FixtureRequest, make_study: MakeStudy, tmp_path: Path) -> Iterator[Study]:
    """A study of each kind."""
    if request.param == "image":
        yield bare(make_study)
        return
    with Study.create(tmp_path / "texts.prism", kind="text") as made:
        made.add_texts([NewText("a", "Hello"), NewText("b", "Good day"), NewText("c", "Well")])
        yield made


def _brought(study: Study, tmp_path: Path, rows: str) -> ImportReport:
    one, two = KINDS[study.kind()]
    filled = rows.replace("ONE", one).replace("TWO", two)
    head = "image" if study.kind() == "image" else "id"
    return finished(import_files(study, [table(tmp_path / "f.csv", f"{head},origin\n{filled}")]))


@pytest.mark.parametrize(
    ("rows", "kept", "refused"),
    [
        ("ONE,web\nTWO,lab\n", 2, {}),
        ("ONE,web\nTWO,\n", 1, {3: "holds nothing about a"}),
        ("ONE,web\nzz9,lab\n", 1, {3: "zz9"}),
        ("ONE,web\nzz9,lab\nTWO,lab\nyy8,\n", 2, {3: "zz9", 5: "yy8"}),
    ],
)
def test_that_rows_of_facts_count_where_they_say_something_of_the_study(
    rows: str, kept: int, refused: dict[int, str], study: Study, tmp_path: Path
) -> None:
    report = _brought(study, tmp_path, rows)
    assert (report.rows_read, report.rows_kept) == (rows.count("\n"), kept)
    told = reasons(report)
    assert told.keys() == refused.keys()
    assert all(why in told[row] for row, why in refused.items())
    assert len(study.facts()) == kept
    held = "text" if study.kind() == "text" else "image"
    assert f"facts about {held}s" == report.format
    assert any(f"{held}-fact: origin" in notice for notice in report.notices)
    other = {"text": "image", "image": "text"}[held]
    assert f"{other}-fact" not in report.summary()
    assert f"about {other}s" not in report.summary()


@pytest.mark.parametrize("known", [False, True])
def test_that_facts_of_nothing_in_the_study_are_refused(
    known: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, facts = tmp_path / "t.csv", tmp_path / "f.csv"
    texts.write_text("id,text\n1a,Hello\n2b,Good day\n3c,Well\n")
    facts.write_text("id,origin\n" + ("1a,\n2b,\n" if known else "x8,web\ny9,lab\n"))
    made = tmp_path / "s.prism"
    assert run("study", "new", made, "--texts", texts) == 0
    assert run("study", "import", made, facts, "--column", "image=id", "--dry-run") == 2
    assert run("study", "import", made, facts, "--column", "image=id") == 2
    told = " ".join(capsys.readouterr().out.split())
    assert "0 of 2 rows kept" in told
    assert "images" not in told
    with Study.open(made, read_only=True) as study:
        assert len(study.imports()) == 1
        assert study.facts() == ()


@pytest.mark.parametrize(
    ("rows", "code"),
    [("x8,Hi?,Hello,ada,web\ny9,Hi?,Bye,ben,lab\n", 2), ("1a,Hi?,Hello,ada,web\n", 0)],
)
def test_that_a_table_of_texts_with_more_columns_is_not_taken_for_facts_in_silence(
    rows: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, more = tmp_path / "t.csv", tmp_path / "more.csv"
    texts.write_text("id,text\n1a,Hello\n2b,Good day\n3c,Well\n")
    more.write_text(f"id,prompt,text,author,origin\n{rows}")
    made = tmp_path / "s.prism"
    assert run("study", "new", made, "--texts", texts) == 0
    assert run("study", "import", made, more) == code
    told = " ".join(capsys.readouterr().out.split())
    assert "if the table holds texts that are to come in, say --texts" in told
    with Study.open(made, read_only=True) as study:
        assert {fact.name for fact in study.facts()} <= {"origin"}  # and no part of a text
    if code:
        assert run("study", "import", made, more, "--texts") == 0  # as it says
        with Study.open(made, read_only=True) as study:
            assert {text.name for text in study.texts()} == {"1a", "2b", "3c", "x8", "y9"}


def test_that_facts_are_named_as_a_plan_says_them(tmp_path: Path) -> None:
    texts, facts = tmp_path / "t.csv", tmp_path / "f.csv"
    texts.write_text("id,text\n1a,Hello\n2b,Good day\n3c,Well\n")
    facts.write_text("id,likes\n1a,3\n2b,4\n")
    made = tmp_path / "s.prism"
    assert run("study", "new", made, "--texts", texts) == 0
    said = ("--column", "image=id", "--column", "text-fact=likes")
    assert run("study", "import", made, facts, *said) == 0
    with Study.open(made, read_only=True) as study:
        assert [fact.value for fact in study.facts()] == ["3", "4"]
