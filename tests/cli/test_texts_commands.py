"""Studies of texts as a user makes and fills them, and what wrong input answers."""

import json
import re
from pathlib import Path

import pytest

from prism_desktop.engine.study.store import Study
from tests.cli.test_study_commands import run

_OF_FACES = re.compile(r"\b(faces?|images?|pictures?|photo\w*|person shown)\b", re.IGNORECASE)
_OPTION = re.compile(r"--[\w-]+(?: image)?")  # as they are typed
TEXTS = 'id,text,prompt,author\na,"Dear all, thanks.",Say thanks.,ada\nb,Ta!,Say thanks.,ben\n'


@pytest.fixture
def study(tmp_path: Path) -> Path:
    file = tmp_path / "texts.csv"
    file.write_text(TEXTS)
    made = tmp_path / "replies.prism"
    assert run("study", "new", made, "--texts", file) == 0
    return made


def test_that_a_study_of_texts_is_made_filled_and_described(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged, own = tmp_path / "judged.csv", tmp_path / "own.csv"
    judged.write_text("rater,left,right,winner,attribute\ncy,a,b,a,clear\n")
    own.write_text("author,prompt,text\nada,Greet.,Hello\n")
    assert run("study", "import", study, judged) == 0
    assert run("study", "import", study, own, "--own-texts") == 0
    capsys.readouterr()
    assert run("study", "info", study) == 0
    told = capsys.readouterr().out
    assert "2 texts, attributes clear, convincing, trustworthy" in told
    assert "What labelers wrote themselves: 1 text." in told
    run("study", "info", study, "--json", "-")
    info = json.loads(capsys.readouterr().out)
    assert (info["kind"], info["texts"], info["own_texts"]) == ("text", 2, 1)
    assert "images" not in info
    assert info["labelers"] == ["ada", "ben", "cy"]
    assert run("study", "check", study) == 0


def test_that_columns_of_a_table_of_texts_can_be_said(study: Path, tmp_path: Path) -> None:
    posts = tmp_path / "posts.csv"
    posts.write_text("post,asked,likes\nHello there,Greet.,3\n")
    said = ("--column", "text=post", "--column", "prompt=asked", "--column", "ignore=likes")
    assert run("study", "import", study, posts, *said) == 0
    with Study.open(study, read_only=True) as opened:
        assert "Hello there" in {each.text for each in opened.texts()}
        assert opened.facts() == ()


def test_that_a_new_study_is_told_what_the_columns_of_its_texts_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    posts, made = tmp_path / "posts.csv", tmp_path / "new.prism"
    posts.write_bytes("post,likes\nOlé,3\n".encode("cp1252"))
    assert run("study", "new", made, "--texts", posts) == 2
    assert "--column text=NAME" in " ".join(capsys.readouterr().err.split())
    wrong = ("study", "new", made, "--texts", posts, "--column", "likes=ignore")
    assert run(*wrong) == 2
    assert "No study was made" in " ".join(capsys.readouterr().err.split())
    assert not made.exists()
    said = ("--column", "text=post", "--column", "ignore=likes", "--encoding", "cp1252")
    assert run("study", "new", made, *said) == 2  # of no texts
    assert run("study", "new", made, "--texts", posts, *said) == 0
    with Study.open(made, read_only=True) as opened:
        assert [each.text for each in opened.texts()] == ["Olé"]


def test_that_texts_come_before_the_judgments_of_one_call(tmp_path: Path) -> None:
    for name, content in (
        ("a.csv", "rater,left,right,winner,attribute\ncy,a,b,a,clear\n"),
        ("t.csv", TEXTS),
    ):
        (tmp_path / name).write_text(content)
    assert run("study", "new", tmp_path / "s.prism") == 0
    assert run("study", "import", tmp_path / "s.prism", tmp_path / "a.csv", tmp_path / "t.csv") == 0
    with Study.open(tmp_path / "s.prism", read_only=True) as study:
        assert len(study.texts()) == 2
        assert len(study.trials()) == 1
        assert study.attributes()[0].question == "How clear does this reply sound?"


def test_that_an_export_is_imported_as_a_folder(study: Path, tmp_path: Path) -> None:
    assert run("study", "export", study, "--out", tmp_path / "out") == 0
    assert run("study", "new", tmp_path / "again.prism") == 0
    assert run("study", "import", tmp_path / "again.prism", tmp_path / "out") == 0
    with (
        Study.open(tmp_path / "again.prism", read_only=True) as again,
        Study.open(study, read_only=True) as first,
    ):
        assert again.texts() == first.texts()


def test_that_a_dry_run_tells_and_changes_nothing(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more.csv"
    more.write_text("id,text\nc,New.\nd,\n")
    capsys.readouterr()
    assert run("study", "import", study, more, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "Not imported yet." in told
    assert "the text is empty" in told
    with Study.open(study, read_only=True) as opened:
        assert len(opened.texts()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("new", "{new}", "--texts", "{none}"), "no file of texts"),
        (("new", "{new}", "--texts", "{table}", "--images", "{folder}"), "images or texts, not"),
        (("import", "{study}", "{table}", "--texts", "--own-texts"), "give one of them"),
        (("import", "{study}", "{judged}", "--own-texts"), "no column author and text"),
        (("import", "{study}", "{images}"), "one of texts"),
    ],
)
def test_that_wrong_input_is_one_sentence_and_changes_nothing(
    arguments: tuple[str, ...],
    words: str,
    study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.fixtures.study import draw_faces

    draw_faces(tmp_path / "images", 2)
    (tmp_path / "judged.csv").write_text("rater,left,right,winner\ncy,x,y,x\n")
    places = {
        "new": tmp_path / "new.prism", "none": tmp_path / "none.csv", "folder": tmp_path,
        "table": tmp_path / "texts.csv", "study": study, "judged": tmp_path / "judged.csv",
        "images": tmp_path / "images",
    }  # fmt: skip
    capsys.readouterr()
    assert run("study", *(each.format(**places) for each in arguments)) != 0
    said = capsys.readouterr().err
    assert words in " ".join(said.split())
    assert "Traceback" not in said
    assert not (tmp_path / "new.prism").exists()
    with Study.open(study, read_only=True) as opened:
        assert (len(opened.stimuli()), opened.trials()) == (2, ())


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize(
    "command",
    [
        ("agreement",), ("quality",), ("profile",), ("plan",), ("worth",), ("shots",), ("curve",),
        ("study", "info"), ("study", "check"), ("methods",), ("train", "--method", "consensus"),
        ("compare", "--methods", "hierarchical-bayes"), ("figure ceiling", "--out", "f.svg"),
        ("figure agreement", "--out", "f.svg"), ("search", "--method", "ridge", "--trials", "1"),
        ("similarity",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_that_what_commands_tell_of_few_texts_speaks_of_no_faces(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...],
    answered: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Where there is nothing, or too little, to work with they say so, or refuse."""
    monkeypatch.chdir(tmp_path)
    if answered:
        judged = tmp_path / "judged.csv"
        judged.write_text("rater,left,right,winner,attribute\ncy,a,b,a,clear\ndi,a,b,b,clear\n")
        assert run("study", "import", study, judged) == 0
    capsys.readouterr()
    first, *more = command
    if first == "study":
        run(first, more[0], study)
    else:
        run(*first.split(), study, *more)
    said = capsys.readouterr()
    assert "--help" not in said.err  # it was understood
    told = _OPTION.sub("", f"{said.out}\n{said.err}")
    assert [line for line in told.splitlines() if _OF_FACES.search(line)] == []


def test_that_two_files_of_texts_take_the_place_of_no_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "s.prism"
    files = [tmp_path / f"{name}.csv" for name in ("a", "b")]
    for file in files:
        file.write_text(f"text\nText of {file.stem}.\n")
    assert run("study", "new", study, "--texts", files[0]) == 0
    assert run("study", "import", study, *files, "--replace", "x") == 2
    assert "import them one by one" in " ".join(capsys.readouterr().err.split())
    assert run("study", "import", study, *files, "--replace", "x", "--dry-run") == 2
    with Study.open(study, read_only=True) as opened:
        assert [text.text for text in opened.texts()] == ["Text of a."]
