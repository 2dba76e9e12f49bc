"""Ratings from files: every row is kept or refused with its number and a reason."""

import csv
import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.records import new_id
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, reasons, sheet, table
from tests.fixtures.study import MakeStudy

WIDE = [
    ["rater", "image", "smart", "kind"],
    ["r1", "face-000.jpg", 3, 1],
    ["r1", "face-001.jpg", 2, None],
    ["r2", "face-000.jpg", 4, 4],
]


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return bare(make_study)


def write(path: Path, rows: list[list[object]]) -> Path:
    if path.suffix == ".xlsx":
        return sheet(path, rows)
    if path.suffix == ".parquet":
        pd.DataFrame(rows[1:], columns=pd.Index(rows[0])).to_parquet(path)
        return path
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_that_wide_ratings_become_trials_labelers_and_attributes(
    tmp_path: Path, study: Study, suffix: str
) -> None:
    report = finished(import_files(study, [write(tmp_path / f"ratings{suffix}", WIDE)]))
    assert (report.rows_read, report.rows_kept, report.refused, report.format) == (
        3,
        3,
        (),
        "ratings",
    )
    answers = {
        (trial.labeler, study.image(trial.left).name): dict(trial.answers)
        for trial in study.trials()
    }
    assert answers == {
        ("r1", "face-000.jpg"): {"smart": 3, "kind": 1},
        ("r1", "face-001.jpg"): {"smart": 2},
        ("r2", "face-000.jpg"): {"smart": 4, "kind": 4},
    }
    assert [labeler.code for labeler in study.labelers()] == ["r1", "r2"]
    kind = study.attributes()[-1]
    assert (kind.name, bool(kind.question), len(kind.templates)) == ("kind", True, 5)
    assert {(trial.source, trial.import_id) for trial in study.trials()} == {
        ("imported", report.id)
    }
    ratings = study.ratings()
    assert list(ratings["raw"]) == list(ratings["value"])  # what came in is always kept


def test_that_tidy_rows_of_one_presentation_are_one_trial(tmp_path: Path, study: Study) -> None:
    path = table(
        tmp_path / "t.csv",
        "user,img,trait,rating,rt_ms,session,order\n"
        "u,face-000.jpg,smart,3,1500,s1,0\n"
        "u,face-000.jpg,kind,2,1500,s1,0\n"
        "u,face-000.jpg,smart,1,800,s1,7\n",
    )
    finished(import_files(study, [path]))
    first, second = study.trials()
    assert (dict(first.answers), first.seconds, first.order) == ({"smart": 3, "kind": 2}, 1.5, 0)
    assert (dict(second.answers), second.repeat_of, second.session) == (
        {"smart": 1},
        first.id,
        first.session,
    )


def test_that_a_ten_point_scale_keeps_the_original_numbers(tmp_path: Path, study: Study) -> None:
    rows: list[list[object]] = [["rater", "image", "smart"]]
    rows += [["r1", f"face-{number:03d}.jpg", number + 1] for number in range(10)]
    report = finished(import_files(study, [write(tmp_path / "t.csv", rows)]))
    ratings = study.ratings()
    assert list(ratings["value"]) == [1, 1, 2, 2, 2, 3, 3, 3, 4, 4]
    assert list(ratings["raw"]) == [float(number + 1) for number in range(10)]
    assert report.mapping["scales"] == {
        "smart": {"low": 1, "high": 10, "cuts": [3.0, 5.5, 8.0], "steps": 4, "rule": "equal widths"}
    }
    assert study.imports()[-1].mapping == report.mapping


def test_that_a_declared_scale_refuses_what_lies_outside(tmp_path: Path, study: Study) -> None:
    path = write(
        tmp_path / "t.csv",
        [
            ["rater", "image", "smart"],
            ["r", "face-000.jpg", 8],
            *(["r", f"face-{number:03d}.jpg", 1 + number % 7] for number in range(1, 12)),
        ],
    )
    report = finished(import_files(study, [path], Recipe(scale="1-7")))
    assert reasons(report) == {2: "8 lies outside the scale 1 to 7"}
    assert [trial.raw["smart"] for trial in study.trials()] == [2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5]


def test_that_each_unusable_row_is_refused_with_its_number_and_reason(
    tmp_path: Path, study: Study
) -> None:
    path = table(
        tmp_path / "t.csv",
        "collected in May,,\n"
        "rater,image,smart\n"
        "r1,face-000.jpg,3\n"
        "\n"
        "r1,nobody.jpg,2\n"
        ",face-001.jpg,2\n"
        "r1,face-002.jpg,high\n"
        "r1,face-003.jpg,=1+1\n"
        "r1,face-004.jpg,\n"
        "r1,face-000.jpg,3\n"
        "r1,face-005.jpg,2.5\n",
    )
    with pytest.raises(DecisionNeededError, match="--again keep or --again skip") as caught:
        finished(import_files(study, [path]))
    assert [decision.kind for decision in caught.value.decisions] == ["again"]
    assert study.imports() == ()
    report = finished(import_files(study, [path], Recipe(again="skip")))
    assert reasons(report) == {
        5: "the study has no image “nobody.jpg”",
        6: "names no rater",
        7: "“high” is not a number",
        8: "“=1+1” is not a number",
        9: "holds no answer",
    }
    assert (report.rows_read, report.rows_kept, report.duplicates) == (8, 2, 1)
    assert [doubt.rows for doubt in report.doubts if doubt.kind == "copies"] == [(10,)]
    assert [(dict(trial.answers), dict(trial.raw)) for trial in study.trials()] == [
        ({"smart": 3}, {"smart": 3.0}),
        ({"smart": 3}, {"smart": 2.5}),
    ]
    assert "row 5" in report.summary()


def test_that_semicolons_bring_decimal_commas(tmp_path: Path, study: Study) -> None:
    path = table(
        tmp_path / "t.csv", "\ufeffrater;image;smart\nr1;face-000.jpg;2,5\nr1;face-001.jpg;4\n"
    )
    finished(import_files(study, [path]))
    assert [trial.raw["smart"] for trial in study.trials()] == [2.5, 4.0]


def test_that_an_import_is_undone_whole_and_can_come_again(tmp_path: Path, study: Study) -> None:
    path = write(tmp_path / "t.csv", WIDE)
    before = study.attributes(), study.labelers(), study.trials(current=False)
    report = finished(import_files(study, [path]))
    with pytest.raises(InputError, match="imported before"):
        finished(import_files(study, [path]))
    study.undo_import(report.id)
    assert (study.attributes(), study.labelers(), study.trials(current=False)) == before
    assert finished(import_files(study, [path])).rows_kept == 3


@pytest.mark.parametrize(
    "stop_at",
    [
        "Reading t.csv",
        "Understanding the columns",
        "Reading answers",
        "Comparing with what the study holds",
        "Writing to the study",
    ],
)
def test_that_a_cancelled_import_changes_nothing(
    tmp_path: Path, study: Study, stop_at: str
) -> None:
    work = import_files(study, [write(tmp_path / "t.csv", WIDE)])
    assert any(isinstance(event, Progress) and event.what == stop_at for event in work)
    work.close()  # type: ignore[attr-defined]
    assert (study.trials(), study.labelers(), study.imports()) == ((), (), ())


def test_that_an_import_that_keeps_nothing_changes_nothing(tmp_path: Path, study: Study) -> None:
    report = finished(
        import_files(study, [table(tmp_path / "t.csv", "rater,image,smart\nr1,who.jpg,3\n")])
    )
    assert (report.rows_kept, len(report.refused), study.imports(), study.labelers()) == (
        0,
        1,
        (),
        (),
    )


def test_that_the_study_s_spelling_of_an_attribute_is_kept_and_columns_can_be_renamed(
    tmp_path: Path, study: Study
) -> None:
    path = table(tmp_path / "t.csv", "rater,image,SMART,trust\nr1,face-000.jpg,3,2\n")
    finished(import_files(study, [path], Recipe(judgments={"trust": "trustworthy"})))
    assert dict(study.trials()[0].answers) == {"smart": 3, "trustworthy": 2}


def test_that_a_nameless_rating_needs_an_only_attribute(
    tmp_path: Path, make_study: MakeStudy, study: Study
) -> None:
    path = table(tmp_path / "t.csv", "rater,image,rating\nr1,face-000.jpg,3\n")
    with pytest.raises(DecisionNeededError, match="does not say what was judged"):
        finished(import_files(study, [path]))
    single = bare(make_study, "single", attributes=("kind",))
    finished(import_files(single, [path]))
    assert dict(single.trials()[0].answers) == {"kind": 3}


def test_that_only_the_columns_asked_for_are_taken(tmp_path: Path, study: Study) -> None:
    path = table(tmp_path / "t.csv", "rater,image,smart,kind\nr1,face-000.jpg,3,4\n")
    finished(import_files(study, [path], Recipe(judgments={"smart": ""})))
    assert dict(study.trials()[0].answers) == {"smart": 3}


def test_that_trials_named_by_numbers_keep_their_repeats(tmp_path: Path, study: Study) -> None:
    path = table(
        tmp_path / "t.csv",
        "rater,image,smart,trial,repeat_of,onset\n"
        "r1,face-000.jpg,3,1,,2024-05-01T10:00:00\n"
        "r1,face-000.jpg,2,2,1,2024-05-01T10:01:00\n"
        "r2,face-000.jpg,2,1,9,\n",
    )
    finished(import_files(study, [path]))
    first, second, third = study.trials()
    assert (second.repeat_of, third.repeat_of) == (first.id, None)
    assert second.onset == first.onset + 60 if first.onset is not None else False


def test_that_a_second_part_of_a_data_set_is_cut_like_the_first(
    tmp_path: Path, study: Study
) -> None:
    first = write(
        tmp_path / "a.csv",
        [["rater", "image", "smart"], ["r", "face-000.jpg", 10], ["r", "face-001.jpg", 1]],
    )
    second = write(
        tmp_path / "b.csv",
        [["rater", "image", "smart"], ["r", "face-002.jpg", 7], ["r", "face-003.jpg", 5]],
    )
    finished(import_files(study, [first]))
    report = finished(import_files(study, [second]))
    assert report.mapping["scales"]["smart"]["high"] == 10  # type: ignore[index]
    assert [trial.answers["smart"] for trial in study.trials()] == [4, 1, 3, 2]


def test_that_judging_again_is_asked_about_where_nothing_tells_presentations_apart(
    tmp_path: Path, study: Study
) -> None:
    path = table(tmp_path / "t.csv", "rater,image,smart\nr,face-000.jpg,3\nr,face-000.jpg,2\n")
    with pytest.raises(DecisionNeededError, match="--again keep or --again skip"):
        finished(import_files(study, [path]))
    report = finished(import_files(study, [path], Recipe(again="keep")))
    first, second = study.trials()
    assert (first.repeat_of, second.repeat_of) == (None, first.id)
    study.undo_import(report.id)
    finished(import_files(study, [path], Recipe(again="skip")))
    assert [dict(trial.answers) for trial in study.trials()] == [{"smart": 3}]


def test_that_a_file_given_twice_and_a_study_without_images_are_sentences(
    tmp_path: Path, make_study: MakeStudy, study: Study
) -> None:
    path = write(tmp_path / "t.csv", WIDE)
    with pytest.raises(InputError, match="was given twice"):
        finished(import_files(study, [path, path]))
    with pytest.raises(InputError, match="has no images yet"):
        finished(import_files(bare(make_study, "blank", images=0), [path]))


def test_that_damaged_files_are_sentences_whatever_the_damage(tmp_path: Path, study: Study) -> None:
    dice = random.Random(0)
    for suffix in (".csv", ".xlsx", ".parquet"):
        content = write(tmp_path / f"whole{suffix}", WIDE).read_bytes()
        for number in range(40):
            damaged = bytearray(content)
            for _ in range(dice.randint(1, 30)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            path = tmp_path / f"{number}{suffix}"
            path.write_bytes(damaged[: dice.randint(len(damaged) // 2, len(damaged))])
            with suppress(InputError):
                finished(import_files(study, [path]))


def test_that_an_import_that_later_answers_repeat_is_not_undone(
    tmp_path: Path, study: Study
) -> None:
    report = finished(import_files(study, [write(tmp_path / "t.csv", WIDE)]))
    first = study.trials()[0]
    study.record(
        replace(first, id=new_id(), repeat_of=first.id, import_id=None, source="labeled", order=9)
    )
    with pytest.raises(InputError, match="1 later answer builds upon"):
        study.undo_import(report.id)
    assert len(study.trials()) == 4
