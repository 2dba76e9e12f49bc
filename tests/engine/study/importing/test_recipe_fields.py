"""Every field of a recipe is heeded, and the recipe of an import reads the same again."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.import_files import import_files, redo_import
from prism_desktop.engine.study.importing.import_recipe import Recipe, parse_recipe
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, sheet, table
from tests.fixtures.study import MakeStudy


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return bare(make_study)


def long(path: Path, column: str = "smart", values: Mapping[int, object] | None = None) -> Path:
    """Ratings 1 to 4 of eight faces by two raters, with some values in place of others."""
    rows = []
    for number in range(8):
        value = (values or {}).get(number, 1 + number % 4)
        rows += [f"{who},face-{number:03d}.jpg,{value}" for who in ("r1", "r2")]
    return table(path, "\n".join([f"rater,image,{column}", *rows]))


def raws(study: Study, attribute: str = "smart") -> set[float]:
    """The different ratings of an attribute as they came."""
    return {t.raw[attribute] for t in study.trials(kind="rating") if attribute in t.raw}


def test_that_columns_are_what_the_recipe_says(tmp_path: Path, study: Study) -> None:
    path = table(
        tmp_path / "t.csv",
        "alpha,beta,smart,trustworthy\n"
        + "".join(f"face-{n:03d}.jpg,p{n % 2},{1 + n % 4},2\n" for n in range(8)),
    )
    with pytest.raises(DecisionNeededError, match="who judged"):
        finished(import_files(study, [path]))
    recipe = Recipe(columns={"beta": "rater", "trustworthy": "ignore"})
    finished(import_files(study, [path], recipe))
    assert [labeler.code for labeler in study.labelers()] == ["p0", "p1"]
    assert {name for trial in study.trials() for name in trial.answers} == {"smart"}


@pytest.mark.parametrize("key", ["rating", "*"])
def test_that_a_judgment_is_of_the_attribute_that_the_recipe_says(
    tmp_path: Path, study: Study, key: str
) -> None:
    path = long(tmp_path / "t.csv", "rating")
    with pytest.raises(DecisionNeededError, match="does not say what was judged"):
        finished(import_files(study, [path]))
    finished(import_files(study, [path], Recipe(judgments={key: "kind"})))
    assert {name for trial in study.trials() for name in trial.answers} == {"kind"}
    assert study.attributes()[-1].confirmed


def test_that_a_judgment_for_every_column_is_of_matrices_too(tmp_path: Path, study: Study) -> None:
    rows = "".join(f"r{n},{1 + n % 4},{4 - n % 4}\n" for n in range(6))
    path = table(tmp_path / "t.csv", f"rater,face-000.jpg,face-001.jpg\n{rows}")
    finished(import_files(study, [path], Recipe(judgments={"*": "kind"})))
    assert len(study.trials()) == 12
    assert {name for trial in study.trials() for name in trial.answers} == {"kind"}


def test_that_naming_one_column_s_attribute_leaves_the_study_s_own_columns_judgments(
    tmp_path: Path, study: Study
) -> None:
    rows = "".join(f"r1,face-{n:03d}.jpg,face-011.jpg,left,tie\n" for n in range(3))
    path = table(tmp_path / "t.csv", f"rater,left,right,SMART,trust\n{rows}")
    finished(import_files(study, [path], Recipe(judgments={"trust": "trustworthy"})))
    assert dict(study.trials()[0].answers) == {"smart": "left", "trustworthy": "tie"}


@pytest.mark.parametrize("recipe", [Recipe(scale="1-7"), Recipe(scales={"smart": "1-7"})])
def test_that_a_scale_is_the_one_said(tmp_path: Path, study: Study, recipe: Recipe) -> None:
    report = finished(import_files(study, [long(tmp_path / "t.csv")], recipe))
    assert report.mapping["scales"]["smart"]["high"] == 7  # type: ignore[index]


def test_that_a_scale_of_one_attribute_goes_before_that_of_all(
    tmp_path: Path, study: Study
) -> None:
    recipe = Recipe(scale="1-9", scales={"smart": "1-7"})
    report = finished(import_files(study, [long(tmp_path / "t.csv")], recipe))
    assert report.mapping["scales"]["smart"]["high"] == 7  # type: ignore[index]


def test_that_a_value_said_to_be_missing_is_no_answer(tmp_path: Path, study: Study) -> None:
    path = long(tmp_path / "t.csv", values={0: 9})
    recipe = Recipe(missing=("9",))
    report = finished(import_files(study, [path], recipe))
    assert (raws(study), report.rows_kept) == ({1, 2, 3, 4}, 14)


def test_that_words_mean_what_the_coding_says(tmp_path: Path, study: Study) -> None:
    path = long(tmp_path / "t.csv", values={n: "meh" if n % 2 else "wow" for n in range(8)})
    recipe = Recipe(coding={"meh": "2", "wow": "4"}, scale="1-4")
    finished(import_files(study, [path], recipe))
    assert raws(study) == {2, 4}


@pytest.mark.parametrize(("unit", "seconds"), [("s", 3.0), ("ms", 0.003)])
def test_that_response_times_have_the_unit_said(
    tmp_path: Path, study: Study, unit: str, seconds: float
) -> None:
    rows = "".join(f"r1,face-{n:03d}.jpg,{1 + n % 4},3\n" for n in range(8))
    path = table(tmp_path / "t.csv", f"rater,image,smart,rt\n{rows}")
    finished(import_files(study, [path], Recipe.model_validate({"rt_unit": unit})))
    assert [trial.seconds for trial in study.trials()] == [pytest.approx(seconds)] * 8


def test_that_only_the_sheets_said_are_read(tmp_path: Path, study: Study) -> None:
    import openpyxl

    book = openpyxl.load_workbook(sheet(tmp_path / "t.xlsx", [["rater", "image", "smart"]]))
    for number, page in enumerate((book.worksheets[0], book.create_sheet("second"))):
        if number:
            page.append(["rater", "image", "smart"])
        for face in range(4):
            page.append([f"r{number}", f"face-{face:03d}.jpg", 1 + face])
    book.save(tmp_path / "t.xlsx")
    finished(import_files(study, [tmp_path / "t.xlsx"], Recipe(sheets=("second",))))
    assert [labeler.code for labeler in study.labelers()] == ["r1"]


@pytest.mark.parametrize(("encoding", "name"), [("cp1252", "Zoë"), ("cp437", "Zoδ")])
def test_that_the_encoding_said_is_used(
    tmp_path: Path, study: Study, encoding: str, name: str
) -> None:
    rows = "".join(f"Zoë,face-{n:03d}.jpg,{1 + n % 4}\n" for n in range(8))
    path = tmp_path / "t.csv"
    path.write_bytes(f"rater,image,smart\n{rows}".encode("cp1252"))
    finished(import_files(study, [path], Recipe(encoding=encoding)))
    assert [labeler.code for labeler in study.labelers()] == [name]


def test_that_the_delimiter_and_decimal_sign_said_are_used(tmp_path: Path, study: Study) -> None:
    rows = "".join(f"r1#face-{n:03d}.jpg#{1 + n % 4},5\n" for n in range(8))
    path = table(tmp_path / "t.csv", f"rater#image#smart\n{rows}")
    recipe = Recipe(delimiter="#", decimal=",", scale="1-7")
    finished(import_files(study, [path], recipe))
    assert raws(study) == {1.5, 2.5, 3.5, 4.5}


@pytest.mark.parametrize(
    ("rater", "names"), [("Ada", ["Ada"]), ("{file}", ["t"]), ("lab-{file}", ["lab-t"])]
)
def test_that_a_file_of_one_person_is_by_the_one_said(
    tmp_path: Path, study: Study, rater: str, names: list[str]
) -> None:
    rows = "".join(f"face-{n:03d}.jpg,{1 + n % 4}\n" for n in range(8))
    path = table(tmp_path / "t.csv", f"image,smart\n{rows}")
    with pytest.raises(DecisionNeededError, match="--rater NAME"):
        finished(import_files(study, [path]))
    finished(import_files(study, [path], Recipe(rater=rater)))
    assert [labeler.code for labeler in study.labelers()] == names


def test_that_columns_are_raters_where_that_is_said(tmp_path: Path, study: Study) -> None:
    rows = "".join(f"face-{n:03d}.jpg,{1 + n % 4},{4 - n % 4}\n" for n in range(8))
    path = table(tmp_path / "t.csv", f"image,Zoe,Ada\n{rows}")
    recipe = Recipe(rater="{column}", judgments={"*": "smart"})
    finished(import_files(study, [path], recipe))
    assert [labeler.code for labeler in study.labelers()] == ["Zoe", "Ada"]
    assert len(study.trials("Ada")) == 8


def test_that_rows_are_raters_where_that_is_said(tmp_path: Path, study: Study) -> None:
    rows = "".join(f"{1 + n % 4},{4 - n % 4}\n" for n in range(3))
    path = table(tmp_path / "t.csv", f"face-000.jpg,face-001.jpg\n{rows}")
    recipe = Recipe(rater="{row}", judgments={"*": "smart"})
    finished(import_files(study, [path], recipe))
    assert len(study.labelers()) == 3


@pytest.mark.parametrize(("again", "count"), [("keep", 4), ("skip", 2)])
def test_that_second_answers_are_kept_or_left_out_as_said(
    tmp_path: Path, study: Study, again: str, count: int
) -> None:
    rows = "".join(f"r1,face-{n % 2:03d}.jpg,{1 + n}\n" for n in range(4))
    path = table(tmp_path / "t.csv", f"rater,image,smart\n{rows}")
    with pytest.raises(DecisionNeededError, match="--again keep"):
        finished(import_files(study, [path]))
    finished(import_files(study, [path], Recipe.model_validate({"again": again})))
    assert len(study.trials()) == count


def answers(study: Study) -> list[object]:
    """All that was answered, without names that each import makes anew."""
    return [
        (t.labeler, t.kind, t.left, t.right, dict(t.answers), dict(t.raw), t.seconds, t.order)
        for t in study.trials(current=False)
    ]


def test_that_a_redone_import_is_what_it_was(tmp_path: Path, study: Study) -> None:
    first = table(
        tmp_path / "a.csv",
        "user,image_a,image_b,winner_smart,order\n"
        + "".join(f"u,face-{n:03d}.jpg,face-009.jpg,a,{7 - n}\n" for n in range(6)),
    )
    second = table(
        tmp_path / "b.csv",
        "rater,image,dominant\n" + "".join(f"r1,face-{n:03d}.jpg,{1 + n % 7}\n" for n in range(12)),
    )
    recipe = Recipe(judgments={"winner_smart": "smart"})
    with pytest.raises(DecisionNeededError):
        finished(import_files(study, [first]))
    report = finished(import_files(study, [first], recipe))
    other = finished(import_files(study, [second]))
    assert not next(a for a in study.attributes() if a.name == "dominant").confirmed
    before, known = answers(study), study.attributes()
    for done in (other, report):
        study.undo_import(done.id)
    for done in (report, other):
        finished(redo_import(study, done.id))
    assert (answers(study), study.attributes()) == (before, known)


def test_that_tables_of_several_attributes_read_the_same_by_their_own_recipe(
    tmp_path: Path, study: Study
) -> None:
    files = []
    for name in ("attractive", "smart"):
        rows = "".join(f"u,face-{n:03d}.jpg,face-009.jpg,left\n" for n in range(4))
        files.append(table(tmp_path / f"{name}.csv", f"rater,left,right,outcome_{name}\n{rows}"))
    recipe = Recipe(judgments={"outcome_attractive": "attractive", "outcome_smart": "smart"})
    report = finished(import_files(study, files, recipe))
    before = answers(study)
    study.undo_import(report.id)
    finished(import_files(study, files, parse_recipe(report.recipe)))
    assert answers(study) == before


def test_that_labelers_and_attributes_come_in_the_order_of_the_files(
    tmp_path: Path, study: Study
) -> None:
    files = [
        table(
            tmp_path / f"{place}.csv",
            f"rater,image,{name}\n"
            + "".join(f"{who},face-{n:03d}.jpg,{1 + n % 4}\n" for who in people for n in range(8)),
        )
        for place, (name, people) in enumerate(
            [("kind", ("zoe", "ada")), ("bold", ("mia", "zoe", "bob"))]
        )
    ]
    names = ["kind", "bold"]
    finished(import_files(study, files, Recipe(judgments=dict.fromkeys(names, ""))))
    assert [labeler.code for labeler in study.labelers()] == ["zoe", "ada", "mia", "bob"]
    assert [attribute.name for attribute in study.attributes()][-2:] == names


def test_that_a_scale_outlives_the_import_that_brought_it(study: Study, tmp_path: Path) -> None:
    """Earlier ratings that were cut anew stay so, and later files are cut in the same way."""

    def ratings(name: str, rater: str, *numbers: int) -> Path:
        rows = "".join(f"{rater},face-{i:03d}.jpg,{n}\n" for i, n in enumerate(numbers))
        return table(tmp_path / name, f"rater,image,smart\n{rows}")

    finished(import_files(study, [ratings("a.csv", "A", 1, 2, 3, 4)]))
    wide = finished(import_files(study, [ratings("b.csv", "B", 7, 1, 4)], Recipe(scale="1-7")))
    study.undo_import(wide.id)
    finished(import_files(study, [ratings("c.csv", "C", 4, 3)]))
    steps = {
        (trial.labeler, *trial.raw.values()): trial.answers["smart"] for trial in study.trials()
    }
    assert steps["A", 4.0] == steps["C", 4.0]
    assert steps["A", 3.0] == steps["C", 3.0]
