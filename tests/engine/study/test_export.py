"""Export then import gives the same study, in every format."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.exporting import TABLES, export
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.records import AnswerTime, TrialRecord, new_id
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import finished, table
from tests.fixtures.study import MakeStudy

NASTY = (
    "=HYPERLINK(1)",
    "+41",
    "-x",
    "@here",
    "\ttab",
    "\rreturn",
    "'quoted",
    "two\nlines",
    "Zoë; “ä”, \x0b_x0041_",
    "#N/A",
    "NA",
)


@pytest.fixture
def rich(make_study: MakeStudy) -> Study:
    """All that can be lost: skips, repeats, corrections,
    withdrawals, odd texts, original ratings."""
    study = make_study("rich")
    study.update_labeler("L1", display_name="=1+1", profile="\n".join(NASTY))
    for number, words in enumerate(NASTY):
        study.add_labeler(f"N{number}", words, words, simulated=number % 2 == 0)
    study.add_labeler("-odd code")
    study.update_attribute(
        "smart",
        question="-How clever?",
        scale_labels=("no", "+", "=2", "yes"),
        templates=("{}", "@ {}"),
    )
    study.add_attribute("kind", templates=("a {} soul",))
    one, two, *_ = study.images()
    session = new_id()

    def trial(order: int, **values: object) -> TrialRecord:
        made = TrialRecord(
            new_id(),
            "-odd code",
            session,
            order,
            "rating",
            one.id,
            onset=1.7e9 + 0.1 * order,
            seconds=0.1 + 0.2,
        )
        return replace(made, **values)  # type: ignore[arg-type]

    first = trial(
        0,
        answers={"smart": 2, "kind": 4},
        raw={"smart": 3.3000000000000003},
        probability=1 / 3,
        dropped_frames=0,
    )
    skipped = trial(
        1,
        status="skipped",
        skip_reason="-known to me, none",
        onset=None,
        seconds=None,
        dropped_frames=3,
    )
    pair = trial(
        2, kind="comparison", left=two.id, right=one.id, answers={"smart": "tie"}, source="imported"
    )
    swapped = replace(
        pair,
        id=new_id(),
        order=3,
        left=one.id,
        right=two.id,
        repeat_of=pair.id,
        answers={"smart": "left", "kind": "right"},
    )
    partly = trial(
        6,
        answers={"kind": 3},
        seconds=4.5,
        skips={"smart": "-cannot judge, really"},
        times={"kind": AnswerTime(1.7e9, 1.25), "smart": AnswerTime(1.7e9 + 1.5, 2.75)},
        flags=("left", "interrupted"),
        block="=main",
        strategy="random",
    )
    strong = trial(
        7,
        kind="comparison",
        right=two.id,
        answers={"kind": "left", "smart": "tie"},
        times={"kind": AnswerTime(None, 0.0)},
        strengths={"kind": 2},
    )
    nothing = trial(8, status="skipped", skips={"smart": "A", "attractive": "B", "kind": "A"})
    study.record([first, skipped, pair, swapped, partly, strong, nothing])
    study.record(trial(4, answers={"smart": 1}), supersedes=first.id)
    taken_back = trial(5, kind="comparison", right=two.id, answers={"kind": "right"})
    study.record(taken_back)
    study.withdraw(taken_back.id)
    return study


def reborn(source: Study, make_study: MakeStudy, files: list[Path]) -> Study:
    study = make_study("reborn", images=0, labelers=0)
    finished(import_images(study, source.path.parent / f"{source.path.stem}-faces"))
    report = finished(import_files(study, files))
    assert report.refused == ()
    assert [notice for notice in report.notices if "not in the study" in notice] == []
    return study


@pytest.mark.parametrize("format", ["csv", "xlsx", "parquet"])
def test_that_export_then_import_gives_the_same_study(
    tmp_path: Path,
    rich: Study,
    make_study: MakeStudy,
    format: str,  # noqa: A002
) -> None:
    paths = finished(export(rich, tmp_path / "out", format))
    study = reborn(rich, make_study, [path for path in paths if path.suffix == f".{format}"])

    def trials(which: Study) -> list[TrialRecord]:
        return [replace(trial, import_id=None) for trial in which.trials(current=False)]

    assert trials(study) == trials(rich)
    assert [trial.id for trial in study.trials()] == [trial.id for trial in rich.trials()]
    assert study.labelers() == rich.labelers()
    assert study.attributes() == rich.attributes()
    assert [(image.id, image.name) for image in study.images()] == [
        (image.id, image.name) for image in rich.images()
    ]
    assert study.comparisons().equals(rich.comparisons())
    assert study.ratings().equals(rich.ratings())


def test_that_exported_answers_have_name_and_code_of_who_gave_them(
    tmp_path: Path, rich: Study
) -> None:
    rich.update_labeler("-odd code", display_name="Ada")
    finished(export(rich, tmp_path / "out", "parquet", ["ratings", "comparisons", "labelers"]))
    for name in ("ratings", "comparisons"):
        found = pd.read_parquet(tmp_path / "out" / f"{name}.parquet")
        called = dict(zip(found["labeler"], found["labeler_name"], strict=True))
        assert called["-odd code"] == "Ada (-odd code)"
        assert all(code in name for code, name in called.items())


def test_that_an_export_can_be_imported_into_its_own_study_without_doubling_anything(
    tmp_path: Path, rich: Study
) -> None:
    before = rich.trials(current=False), rich.labelers(), rich.attributes()
    paths = finished(export(rich, tmp_path / "out"))
    report = finished(import_files(rich, [path for path in paths if path.suffix == ".csv"]))
    assert (rich.trials(current=False), rich.labelers(), rich.attributes()) == before
    rows = [len(trial.answers) + len(trial.skips) for trial in before[0]]
    assert report.duplicates == sum(max(count, 1) for count in rows)


def test_that_no_cell_of_a_csv_would_run_in_a_spreadsheet(tmp_path: Path, rich: Study) -> None:
    for path in finished(export(rich, tmp_path / "out")):
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                assert not [
                    cell
                    for row in csv.reader(file)
                    for cell in row
                    if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
                ]


def test_that_no_cell_of_a_workbook_is_a_formula_or_an_error(tmp_path: Path, rich: Study) -> None:
    finished(export(rich, tmp_path / "out", "xlsx"))
    with (tmp_path / "out" / "study.xlsx").open("rb") as file:
        book = openpyxl.load_workbook(file)
    assert book.sheetnames == [*TABLES, "codebook"]
    assert {cell.data_type for page in book for row in page.iter_rows() for cell in row} <= {
        "s",
        "inlineStr",
        "n",
        "b",
    }


def test_that_the_codebook_explains_every_column(tmp_path: Path, rich: Study) -> None:
    paths = finished(export(rich, tmp_path / "out"))
    with (tmp_path / "out" / "codebook.csv").open(newline="") as file:
        explained = {
            (row["table"], row["column"]) for row in csv.DictReader(file) if row["explanation"]
        }
    for path in paths:
        if path.suffix == ".csv" and path.stem != "codebook":
            with path.open(newline="") as file:
                assert {(path.stem, name) for name in next(csv.reader(file))} <= explained
    words = (tmp_path / "out" / "codebook.md").read_text()
    for expected in (
        "-How clever?",
        "1 no, 2 +, 3 =2, 4 yes",
        "a {} soul",
        "| L1 | 10 | 22 |",
        "superseded_by",
    ):
        assert expected in words


def test_that_scales_of_imports_are_in_the_codebook(tmp_path: Path, make_study: MakeStudy) -> None:
    study = make_study("scaled", images=12, labelers=0)
    finished(
        import_files(
            study,
            [table(tmp_path / "t.csv", "rater,image,smart\nr,face-000.jpg,7\n")],
            Recipe(scale="1-10"),
        )
    )
    finished(export(study, tmp_path / "out"))
    assert (
        "smart: ratings from 1 to 10, cut into steps at 3, 5.5, 8"
        in (tmp_path / "out" / "codebook.md").read_text()
    )


def test_that_every_answer_is_exported_with_its_own_time_and_every_skip_with_its_reason(
    tmp_path: Path, rich: Study
) -> None:
    finished(export(rich, tmp_path / "out", "jsonl"))
    lines = (tmp_path / "out" / "ratings.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["block"] == "=main"]
    told = {row["attribute"]: row for row in rows}
    assert {name: (row["onset"], row["seconds"]) for name, row in told.items()} == {
        "kind": (1.7e9, 1.25),
        "smart": (1.7e9 + 1.5, 2.75),
    }
    assert [(row["rating"], row["status"], row["skip_reason"]) for row in rows] == [
        (3, "answered", None),
        (None, "skipped", "-cannot judge, really"),
    ]
    assert {(row["trial_seconds"], row["flags"], row["strategy"]) for row in rows} == {
        (4.5, "left interrupted", "random")
    }
    words = (tmp_path / "out" / "codebook.md").read_text()
    assert "Questions skipped in trials of which others were answered: 1" in words
    assert "Trials with the flag left: 1" in words


def test_that_the_times_of_a_trial_are_not_taken_for_those_of_its_answers(
    tmp_path: Path, rich: Study
) -> None:
    """What was recorded before every answer had a time of its own."""
    finished(export(rich, tmp_path / "out", "jsonl"))
    lines = (tmp_path / "out" / "ratings.jsonl").read_text(encoding="utf-8").splitlines()
    rows = list(map(json.loads, lines))
    one = [row for row in rows if row["labeler"] == "-odd code" and row["order"] == 4]
    two = [row for row in rows if row["labeler"] == "-odd code" and row["order"] == 0]
    assert [(row["seconds"], row["trial_seconds"]) for row in one] == [(0.1 + 0.2, 0.1 + 0.2)]
    assert [(row["seconds"], row["trial_seconds"]) for row in two] == [(None, 0.1 + 0.2)] * 2


def test_that_an_export_of_before_answers_had_times_is_read_as_it_was_meant(
    tmp_path: Path, make_study: MakeStudy
) -> None:
    study = make_study("older", images=12, labelers=0)
    image = study.images()[0]
    head = (
        "trial,number,labeler,session,order,image,image_id,attribute,rating,raw,onset,seconds,"
        "status,skip_reason,repeat_of,superseded_by,source,probability,dropped_frames,import\n"
    )
    rows = "".join(
        f"{'a' * 32},1,r,{'b' * 32},0,{image.name},{image.id},{name},2,,1000.5,2.5,answered,,,,"
        "labeled,,0,\n"
        for name in ("smart", "attractive")
    )
    skip = (
        f"{'c' * 32},2,r,{'b' * 32},1,{image.name},{image.id},,,,1010.5,1.5,skipped,Known,,,"
        "labeled,,0,\n"
    )
    finished(import_files(study, [table(tmp_path / "ratings.csv", head + rows + skip)]))
    two, none = study.trials()
    assert (two.onset, two.seconds, two.times) == (1000.5, 2.5, {})
    assert (none.status, none.skip_reason, none.skips) == ("skipped", "Known", {})


def test_that_only_the_tables_asked_for_are_written(tmp_path: Path, tiny_study: Study) -> None:
    paths = finished(export(tiny_study, tmp_path / "out", "parquet", ["comparisons"]))
    assert [path.name for path in paths] == [
        "codebook.md",
        "codebook.parquet",
        "comparisons.parquet",
    ]


def test_that_a_cancelled_export_leaves_an_earlier_one_alone(
    tmp_path: Path, tiny_study: Study
) -> None:
    finished(export(tiny_study, tmp_path / "out"))
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    work = export(tiny_study, tmp_path / "out", "xlsx")
    for _ in range(3):
        next(work)
    work.close()  # type: ignore[attr-defined]
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize(
    ("format", "tables", "words"),
    [("dta", TABLES, "no export format"), ("csv", ["faces"], "no table")],
)
def test_that_what_cannot_be_written_is_refused(
    tmp_path: Path,
    tiny_study: Study,
    format: str,  # noqa: A002
    tables: list[str],
    words: str,
) -> None:
    with pytest.raises(InputError, match=words):
        finished(export(tiny_study, tmp_path / "out", format, tables))
    assert not (tmp_path / "out").exists()


def test_that_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path, tiny_study: Study) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match="The export cannot be written"):
        finished(export(tiny_study, tmp_path / "out"))


def test_that_a_table_too_long_for_excel_is_refused(
    tmp_path: Path, tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prism_desktop.engine.study.exporting.writers.XLSX_ROWS", 5)
    with pytest.raises(InputError, match="more than Excel can hold"):
        finished(export(tiny_study, tmp_path / "out", "xlsx"))
    assert list((tmp_path / "out").iterdir()) == []
