"""Several imports into one study: what one does to the others."""

from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.exporting import export
from prism_desktop.engine.study.importing.import_files import apply_plan, import_files
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.importing.plan_making import plan_import
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, table
from tests.fixtures.study import MakeStudy


def ratings(path: Path, rater: str, *numbers: int, attribute: str = "smart") -> Path:
    rows = "".join(f"{rater},face-{i:03d}.jpg,{n}\n" for i, n in enumerate(numbers))
    return table(path, f"rater,image,{attribute}\n{rows}")


def planned(study: Study, path: Path, recipe: Recipe | None = None) -> ImportPlan:
    last = list(plan_import(study, [path], recipe or Recipe()))[-1]
    assert isinstance(last, Done)
    return last.value


def test_that_a_plan_does_not_outlive_a_change_of_the_study(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study = bare(make_study)
    week1 = ratings(tmp_path / "week1.csv", "P", 1, 7, 3, 5, 2)
    plan = planned(study, week1)
    finished(import_files(study, [week1]))
    before = study.trials()
    with pytest.raises(InputError, match="has changed since the files were looked at"):
        finished(apply_plan(study, plan))
    assert study.trials() == before
    week2 = ratings(tmp_path / "week2.csv", "P", 1, 7, 3, 5, 2, 6, 6)
    growing = planned(study, week2)
    assert growing.ratings == 2
    study.undo_import(study.imports()[-1].id)
    with pytest.raises(InputError, match="has changed since the files were looked at"):
        finished(apply_plan(study, growing))
    assert study.trials() == ()


def test_that_labeling_meanwhile_does_not_hinder_an_import(
    make_study: MakeStudy, tiny_study: Study, tmp_path: Path
) -> None:
    plan = planned(tiny_study, ratings(tmp_path / "a.csv", "P", 1, 7, 3, 5, 2))
    someone = tiny_study.trials()[0]
    tiny_study.withdraw(someone.id)
    assert finished(apply_plan(tiny_study, plan)).rows_kept == 5


def test_that_a_scale_comes_along_with_an_export(make_study: MakeStudy, tmp_path: Path) -> None:
    study, other = bare(make_study, "one"), bare(make_study, "other")
    finished(import_files(study, [ratings(tmp_path / "w1.csv", "A", 1, 7, 4, 6)]))
    files = [p for p in finished(export(study, tmp_path / "out")) if p.suffix == ".csv"]
    finished(import_files(other, files))
    later = ratings(tmp_path / "w2.csv", "B", 5, 1, 4, 2)
    for each in (study, other):
        finished(import_files(each, [later]))
    steps = [
        {(t.labeler, t.left): t.answers["smart"] for t in each.trials()} for each in (study, other)
    ]
    assert steps[0] == steps[1]


def test_that_a_colleagues_export_of_the_same_file_counts_once(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study, other = bare(make_study, "one"), bare(make_study, "other")
    week1 = ratings(tmp_path / "w1.csv", "A", 1, 7, 4, 6, 2, 3, 5, 5, 1, 7, 2, 4)
    for each in (study, other):
        finished(import_files(each, [week1]))
    files = [p for p in finished(export(study, tmp_path / "out")) if p.suffix == ".csv"]
    report = finished(import_files(other, files))
    assert len(other.trials()) == 12
    assert any("there already" in doubt.text for doubt in report.doubts)


def test_that_a_wrong_scale_is_put_right_by_reading_anew(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study = bare(make_study)
    finished(import_files(study, [ratings(tmp_path / "w1.csv", "A", 1, 7, 4, 6)]))
    odd = ratings(tmp_path / "w2.csv", "B", 2, -99, 7, 3)
    wrong = finished(import_files(study, [odd], Recipe(scale="-100-100")))
    right = Recipe(missing=("-99",), scale="1-7")
    finished(import_files(study, [odd], right, replaces=wrong.id))
    steps = {(t.labeler, t.raw["smart"]): t.answers["smart"] for t in study.trials()}
    assert steps == {
        ("A", 1.0): 1, ("A", 7.0): 4, ("A", 4.0): 3, ("A", 6.0): 4,
        ("B", 2.0): 1, ("B", 7.0): 4, ("B", 3.0): 2,
    }  # fmt: skip


def test_that_names_of_people_are_no_summaries(make_study: MakeStudy, tmp_path: Path) -> None:
    study = bare(make_study)
    rows = "".join(
        f"{who},face-00{i}.jpg,{1 + (place + i) % 4}\n"
        for place, who in enumerate(("Anna", "Max", "NA"))
        for i in (0, 3, 5)
    )
    report = finished(
        import_files(study, [table(tmp_path / "a.csv", f"rater,image,smart\n{rows}")])
    )
    assert {trial.labeler for trial in study.trials()} == {"Anna", "Max", "NA"}
    assert any("Max" in doubt.text for doubt in report.doubts)
    means = table(
        tmp_path / "b.csv", "rater,image,smart\nKim,face-001.jpg,2\nMean,face-001.jpg,2.5\n"
    )
    report = finished(import_files(study, [means], Recipe(scale="1-4")))
    assert "Mean" not in {trial.labeler for trial in study.trials()}
    assert any("Mean" in doubt.text for doubt in report.doubts)
