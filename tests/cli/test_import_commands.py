"""`study import` as a user types it: what comes in, what is asked, and what an answer brings."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from prism_desktop.cli.main import main
from prism_desktop.engine.study.store import Study
from tests.fixtures.imported import against, stored
from tests.fixtures.laboratory_cases import CASES
from tests.fixtures.laboratory_files import (
    Answer,
    Case,
    Draft,
    LabFile,
    Laboratory,
    text_file,
    union,
    with_cells,
    with_rows,
)
from tests.fixtures.laboratory_study import FreshStudy
from tests.fixtures.laboratory_tables import PLAIN, plain

Captured = pytest.CaptureFixture[str]
OPTION = re.compile(
    r"""--(?:missing|coding|rater|judgment|column|again|scale|rt-unit|sheet|encoding|decimal)
        [ =](?:"[^"]*"|'[^']*'|[^\s"'”“,;()]+(?:,[^\s"'”“,;()]+)*)""",
    re.VERBOSE,
)


def run(*arguments: object) -> int:
    """Run the command line; returns its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0


def options_in(sentence: str) -> list[list[str]]:
    """The options that a sentence names, as words that can be typed; names are filled in."""
    joined = " ".join(sentence.split())  # a terminal wraps lines
    found = [match.group().rstrip(".:") for match in OPTION.finditer(joined)]
    return [shlex.split(re.sub(r"\bNAME\b", "public", option)) for option in found]


def holds(study: Path) -> Counter[Answer]:
    with Study.open(study, read_only=True) as opened:
        return stored(opened)


def right(files: Sequence[LabFile], study: Path, *, open_name: bool = False) -> bool:
    """Whether the study holds just what the files say."""
    compared = against(union(f.answers for f in files), holds(study), open_name=open_name)
    return not compared.wrong and not compared.lost


def named(kind: str, name: str) -> Case:
    return next(case for case in CASES if (case.kind, case.name) == (kind, name))


def write(case: Case, folder: Path) -> tuple[list[LabFile], list[Path]]:
    files = list(case.files(Laboratory(**case.lab)))
    return files, [file.write(folder) for file in files]


@pytest.fixture
def ratings(tmp_path: Path) -> tuple[list[LabFile], Path]:
    """A long table of 48 ratings by four raters."""
    file = text_file(plain(Laboratory()), "ratings.csv")
    return [file], file.write(tmp_path)


KNOWN = [
    named("london", "long"),
    named("psychopy", "a slider, the date of 2022"),
    named("qualtrics", "long"),
    named("evalica", "worker"),
    named("arena", "image_a and two kinds of tie"),
    named("wide", "ids"),
    named("times", "European"),
]


@pytest.mark.parametrize("case", KNOWN, ids=str)
def test_that_a_known_kind_comes_in_with_exit_code_0(
    case: Case, fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    files, paths = write(case, tmp_path)
    study = fresh_study()
    assert run("study", "import", study, *paths) == 0, capsys.readouterr().err
    assert right(files, study, open_name=case.open_name)
    assert str(len(union(f.answers for f in files))) in capsys.readouterr().out


ASKED = [
    named("missing", "-99, 5 times"),
    named("missing", "999, 5 times"),
    named("missing", "77, 1 times"),
    named("codes", "0 is the left one"),
    named("codes", "1 is the left one"),
    named("codes", "plus is left"),
    named("codes", "0 is a tie of 0, 1, 2"),
    named("place pulse", "no voter, times"),
]


@pytest.mark.parametrize("case", ASKED, ids=str)
def test_that_what_must_be_decided_is_asked_and_an_offered_option_decides_it(
    case: Case, fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    files, paths = write(case, tmp_path)
    study = fresh_study()
    assert run("study", "import", study, *paths) == 2
    said = capsys.readouterr()
    assert holds(study) == Counter()
    assert "Traceback" not in said.err
    offered = options_in(said.err)
    assert any(words[0] == case.asks for words in offered), said.err
    # the sentence ends with the options
    assert OPTION.search(" ".join(said.err.split())[-160:]), said.err
    outcomes = []
    for words in offered:  # typed as they stand
        fresh = fresh_study()
        code = run("study", "import", fresh, *paths, *words)
        heard = capsys.readouterr().err
        assert code in (0, 2), heard
        assert code == 0 or holds(fresh) == Counter()
        assert "Traceback" not in heard
        outcomes.append(code == 0 and right(files, fresh, open_name=case.open_name))
    assert any(outcomes), f"none of {offered} brings what the file says"


@pytest.mark.parametrize("case", [KNOWN[0], ASKED[0], ASKED[3]], ids=str)
def test_that_a_dry_run_stores_nothing_and_tells_the_same(
    case: Case, fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    _, paths = write(case, tmp_path)
    study = fresh_study()
    code = run("study", "import", study, *paths, "--dry-run")
    said = capsys.readouterr()
    assert code == (2 if case.asks else 0)
    assert holds(study) == Counter()
    with Study.open(study, read_only=True) as opened:
        assert opened.imports() == ()
        assert opened.labelers() == ()
    assert (case.asks or "48 ratings") in said.out + said.err


def _both(study: Path, *files: Path) -> tuple[int, int]:
    """The exit codes of a dry run and of the import itself."""
    return run("study", "import", study, *files, "--dry-run"), run("study", "import", study, *files)


def test_that_a_dry_run_ends_as_the_import_does(fresh_study: FreshStudy, tmp_path: Path) -> None:
    study, head = fresh_study(), "rater,image,attractive,note\n"
    rows = [f"r{n},X{n:03d}.jpg,{1 + n % 4},a" for n in range(1, 9)]
    file, again, strange = (tmp_path / f"{name}.csv" for name in ("first", "again", "strange"))
    file.write_text(head + "\n".join(rows) + "\n", "utf-8")
    again.write_text(head + "\r\n".join(rows) + "\r\n\r\n", "utf-8")  # saved by another program
    strange.write_text(head + "\n".join(row.replace("X0", "Y9") for row in rows), "utf-8")
    assert _both(study, file) == (0, 0)
    assert _both(study, again) == (0, 0)
    assert _both(study, strange) == (2, 2)


def test_that_a_dry_run_of_texts_ends_as_the_import_does(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s.prism", kind="text") as study:
        pass
    good, odd = tmp_path / "good.csv", tmp_path / "odd.csv"
    good.write_text("id,text\na,Alpha\n", "utf-8")
    odd.write_text("id,text\nb,\u0007\n", "utf-8")
    assert _both(study.path, good) == (0, 0)
    assert _both(study.path, odd) == (2, 2)


def test_that_a_dry_run_lists_every_column_with_its_role(
    fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    _, paths = write(KNOWN[0], tmp_path)
    assert run("study", "import", fresh_study(), *paths, "--dry-run") == 0
    out = capsys.readouterr().out
    for column in ("rating", "rater_id", "face_id", "rater_sex", "face_eth"):
        assert column in out


def _json(capsys: Captured) -> dict[str, Any]:
    value = json.loads(capsys.readouterr().out)
    (report,) = value if isinstance(value, list) else [value]
    assert isinstance(report, dict)
    return report


def test_that_the_report_is_json_with_counts_and_doubts(
    fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    draft = with_cells(plain(Laboratory()), "image", {4: "Y999.jpg"})
    path = text_file(draft).write(tmp_path)
    assert run("study", "import", fresh_study(), path, "--json", "-") == 0
    report = _json(capsys)
    assert (report["rows_read"], report["rows_kept"]) == (48, 47)
    assert {"id", "doubts", "notices"} <= set(report)
    assert "Y999" in json.dumps(report)


def test_that_a_dry_run_as_json_holds_the_decisions_with_their_options(
    fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    _, paths = write(ASKED[0], tmp_path)
    study = fresh_study()
    assert run("study", "import", study, *paths, "--dry-run", "--json", "-") == 2
    plan = _json(capsys)
    options = [choice["option"] for one in plan["decisions"] for choice in one["choices"]]
    assert any(option.startswith("--missing") for option in options)
    assert holds(study) == Counter()


def test_that_several_files_are_one_import(
    fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    draft = plain(Laboratory())
    files = [
        text_file(with_rows(draft, lambda row: row < 24), "first.csv"),
        text_file(with_rows(draft, lambda row: row >= 24), "second.csv"),
    ]
    study = fresh_study()
    assert run("study", "import", study, *(f.write(tmp_path) for f in files), "--json", "-") == 0
    report = _json(capsys)
    assert report["rows_kept"] == 48
    assert right(files, study)
    assert run("study", "undo-import", study, report["id"]) == 0
    assert holds(study) == Counter()


def test_that_one_file_that_must_be_decided_keeps_the_others_out(
    fresh_study: FreshStudy, tmp_path: Path
) -> None:
    good = text_file(plain(Laboratory(1)), "good.csv").write(tmp_path)
    _, paths = write(ASKED[0], tmp_path)
    study = fresh_study()
    assert run("study", "import", study, good, *paths) == 2
    assert holds(study) == Counter()


def _strange(lab: Laboratory) -> Draft:
    """Columns whose names say nothing."""
    return plain(lab, {"v1": "{rater}", "v2": "{stem}.jpg", "v3": "{value}", "v4": "{face_age}"})


@pytest.mark.parametrize(
    ("draft", "options"),
    [
        (_strange, ("--column", "rater=v1", "--column", "image=v2", "--judgment",
                    "v3=attractive", "--column", "ignore=v4")),
        (_strange, ("--column", "rater=v1", "--column", "image=v2", "--judgment",
                    "v3=attractive", "--column", "image-fact=v4", "--scale", "1-7")),
        (lambda lab: plain(lab, {**PLAIN, "rt": "{ms}"}), ("--rt-unit", "ms")),
        (lambda lab: plain(lab, {**PLAIN, "x": "{value}"}), ("--attributes", "attractive")),
        (lambda lab: plain(lab, {"rater": "{rater}", "image": "{stem}.jpg", "q1": "{value}"}),
         ("--rename", "q1=attractive")),
        (lambda lab: plain(lab), ("--again", "skip", "--encoding", "utf-8", "--decimal", ".")),
    ],
)  # fmt: skip
def test_that_options_say_what_columns_are(
    draft: Any, options: tuple[str, ...], fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    file = text_file(draft(Laboratory()))
    study = fresh_study()
    path = file.write(tmp_path)
    assert run("study", "import", study, path, *options) == 0, capsys.readouterr().err
    assert right([file], study)


def test_that_a_recipe_file_decides_as_the_options_do(
    fresh_study: FreshStudy, tmp_path: Path, capsys: Captured
) -> None:
    file = text_file(_strange(Laboratory()))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[columns]\nv1 = "rater"\nv2 = "image"\nv4 = "ignore"\n[judgments]\nv3 = "attractive"\n'
    )
    study = fresh_study()
    path = file.write(tmp_path)
    assert run("study", "import", study, path, "--recipe", recipe) == 0, capsys.readouterr().err
    assert right([file], study)


@pytest.mark.parametrize(("again", "times"), [("keep", 2), ("skip", 1)])
def test_that_answers_given_again_are_kept_or_skipped_as_asked(
    again: str,
    times: int,
    fresh_study: FreshStudy,
    tmp_path: Path,
    ratings: tuple[list[LabFile], Path],
) -> None:
    study = fresh_study()
    (file,), path = ratings
    assert run("study", "import", study, path) == 0
    lines = file.content.decode().splitlines()
    turned = [  # every second rating of 1 to 7 is the opposite one
        ",".join(str(8 - int(cell)) if number % 2 and cell.isdigit() else cell
                 for cell in line.split(","))
        for number, line in enumerate(lines)
    ]  # fmt: skip
    more = LabFile("second.csv", "\n".join(turned).encode(), file.answers).write(tmp_path)
    assert run("study", "import", study, more, "--again", again) == 0
    assert holds(study).total() == times * len(file.answers)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--column", "rater=nobody"), "nobody"),
        (("--column", "king=rater"), "king"),
        (("--column", "rater"), "rater"),
        (("--judgment", "nothing"), "nothing"),
        (("--scale", "7-1"), "7-1"),
        (("--scale", "2-5"), "scale|2"),
        (("--coding", "1=up"), "up"),
        (("--again", "maybe"), "maybe"),
        (("--rt-unit", "h"), "rt-unit"),
        (("--encoding", "klingon"), "klingon"),
        (("--sheet", "Tabelle9"), "Tabelle9"),
        (("--decimal", "x"), "decimal"),
        (("--recipe", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_that_options_which_do_not_fit_are_one_sentence_and_exit_code_2(
    options: tuple[str, ...],
    words: str,
    fresh_study: FreshStudy,
    ratings: tuple[list[LabFile], Path],
    capsys: Captured,
) -> None:
    study = fresh_study()
    assert run("study", "import", study, ratings[1], *options) == 2
    said = capsys.readouterr()
    assert re.search(words, said.err)
    assert "Traceback" not in said.err
    assert holds(study) == Counter()


def test_that_a_recipe_with_an_unknown_entry_is_refused(
    fresh_study: FreshStudy,
    tmp_path: Path,
    ratings: tuple[list[LabFile], Path],
    capsys: Captured,
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('colour = "red"\n')
    study = fresh_study()
    assert run("study", "import", study, ratings[1], "--recipe", recipe) == 2
    assert "colour" in capsys.readouterr().err
    assert holds(study) == Counter()


# --- the reading of sentences itself


@pytest.mark.parametrize(
    ("sentence", "options"),
    [
        ("Say which: --missing -99.", [["--missing", "-99"]]),
        ("Give --coding 0=left,1=right or --coding 1=left,0=right.",
         [["--coding", "0=left,1=right"], ["--coding", "1=left,0=right"]]),
        ("Name the person with --rater NAME; nothing was imported.", [["--rater", "public"]]),
        ('Use --column "rater=Rater ID" (or not).', [["--column", "rater=Rater ID"]]),
        ("Answer with --again\n skip, --again keep.", [["--again", "skip"], ["--again", "keep"]]),
    ],
)  # fmt: skip
def test_that_options_are_found_in_sentences(sentence: str, options: list[list[str]]) -> None:
    assert options_in(sentence) == options
