"""Tables imported together: answers, facts, and rows that are told by the name of their table."""

from collections import Counter
from pathlib import Path

import pytest

from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.importing.plan_making import plan_import
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, table
from tests.fixtures.study import MakeStudy


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return bare(make_study)


def test_that_facts_about_people_and_images_come_along_with_those_who_judged_nothing(
    tmp_path: Path, study: Study
) -> None:
    files = [
        table(tmp_path / "a.csv", "rater,image,smart\nu,face-000.jpg,1\nu,face-001.jpg,4\n"),
        table(tmp_path / "people.csv", "rater,age,country\nu,30,NZ\nv,41,\nw,,\n"),
        table(tmp_path / "faces.csv", "image,ethnicity\nface-000.jpg,x\nother.jpg,z\n"),
    ]
    report = finished(import_files(study, files))
    names = {image.id: image.name for image in study.images()}
    assert [labeler.code for labeler in study.labelers()] == ["u", "v"]
    assert [(names.get(f.owner, f.owner), f.name, f.value) for f in study.facts()] == [
        ("u", "age", "30"),
        ("u", "country", "NZ"),
        ("v", "age", "41"),
        ("face-000.jpg", "ethnicity", "x"),
    ]
    assert [(row.row, row.reason) for row in report.refused] == [
        (3, "faces.csv: the study has no image “other.jpg”")
    ]
    assert len(study.trials()) == 2


def test_that_a_row_with_one_answer_is_kept_and_an_empty_row_is_told_by_its_own_table(
    tmp_path: Path, study: Study
) -> None:
    head = "rater,image,smart,kind\n"
    one = table(
        tmp_path / "one.csv", f"{head}u,face-000.jpg,1,\nu,face-001.jpg,,4\nu,face-002.jpg,3,2\n"
    )
    two = table(
        tmp_path / "two.csv",
        f"{head}v,face-000.jpg,,\nv,face-001.jpg,4,1\nv,face-002.jpg,NA,\nv,face-003.jpg,2,3\n",
    )
    report = finished(import_files(study, [one, two]))
    assert [(row.row, row.reason) for row in report.refused] == [
        (2, "two.csv: holds no answer"),
        (4, "two.csv: holds no answer (“NA”)"),
    ]
    assert [dict(trial.answers) for trial in study.trials()] == [
        {"smart": 1},
        {"kind": 4},
        {"smart": 3, "kind": 2},
        {"smart": 4, "kind": 1},
        {"smart": 2, "kind": 3},
    ]


@pytest.mark.parametrize(("columns", "asked"), [(4, False), (5, True)])
def test_that_many_numbered_columns_beside_people_are_asked_about(
    tmp_path: Path, study: Study, columns: int, asked: bool
) -> None:
    """Five columns of numbers may be answers to images that are not there; four are facts."""
    head = ",".join(f"q{n}" for n in range(1, columns + 1))
    rows = "".join(f"r{n},{','.join(str(1 + (n + k) % 4) for k in range(columns))}\n"
                   for n in range(6))  # fmt: skip
    answers = table(tmp_path / "a.csv", "rater,image,smart\nu,face-000.jpg,1\nu,face-001.jpg,4\n")
    people = table(tmp_path / "p.csv", f"rater,{head}\n{rows}")
    if not asked:
        finished(import_files(study, [answers, people]))
        assert len(study.facts()) == 6 * columns
        return
    with pytest.raises(DecisionNeededError, match="look like answers") as caught:
        finished(import_files(study, [answers, people]))
    assert [decision.kind for decision in caught.value.decisions] == ["image"]
    assert study.trials() == ()


VARIED = [3, 1, 4, 2, 5, 1, 4, 2, 3, 5]
SAME = [4] * 10
RISING = [1, 2, 3, 4, 5]
SIBLINGS = {  # header, the varied table's rows, the odd table's rows, the odd table's ratings
    "speaks of it": ("rater,image,smart_rating", "{a},{v}", "{b},{s}"),
    "a question": ("rater,image,How smart is this face?", "{a},{v}", "{b},{s}"),
    "a trait": ("rater,image,happy", "{a},{v}", "{b},{s}"),
    "any name": ("rater,image,zz", "{a},{v}", "{b},{s}"),
    "beside others": ("rater,image,kind,happy", "{a},{v},{v}", "{b},{v},{s}"),
    "by itself rising": ("rater,image,smart,happy", "{a},{v},{v}", "{b},{v},{r}"),
    "no rater's column": ("image,happy", "{v}", "{s}"),
    "a column of questions": ("rater,image,question,zz", "{a},smart,{v}", "{b},smart,{s}"),
}


def _lines(head: str, row: str) -> str:
    lines = [head]
    for n in range(5 if "{r}" in row else 10):
        given = {"v": VARIED[n], "s": SAME[n], "r": RISING[n % 5]}
        cells = row.format(a=f"a,face-{n:03d}.jpg", b=f"b,face-{n:03d}.jpg", **given)
        lines.append(cells if "rater" in head else f"face-{n:03d}.jpg,{cells}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("case", list(SIBLINGS))
@pytest.mark.parametrize("odd_first", [False, True], ids=["last", "first"])
def test_that_whoever_answered_the_same_to_all_is_kept_as_in_the_other_tables_and_told(
    case: str, odd_first: bool, tmp_path: Path, study: Study
) -> None:
    head, varied, odd = SIBLINGS[case]
    one = table(tmp_path / "one.csv", _lines(head, varied))
    two = table(tmp_path / "two.csv", _lines(head, odd))
    recipe = Recipe() if "rater" in head else Recipe(rater="{file}")
    plan = finished(plan_import(study, [two, one] if odd_first else [one, two], recipe))
    assert plan.decisions == ()
    assert len(plan.raters) == 2
    judged = {c.name: (c.role, c.attribute) for c in plan.tables[0].columns}
    assert judged == {c.name: (c.role, c.attribute) for c in plan.tables[1].columns}
    rows = sum(len(_lines(head, row).splitlines()) - 1 for row in (varied, odd))
    assert plan.rows_kept == rows
    assert plan.ratings == rows * sum(role == "judgment" for role, _ in judged.values())
    assert _told_of(plan, "two.csv", "one.csv")


def _told_of(plan: ImportPlan, *words: str) -> bool:
    return any(all(word in doubt.text for word in words) for doubt in plan.doubts)


def test_that_an_answer_of_each_rater_is_asked_about_where_another_table_judges_it(
    tmp_path: Path, study: Study
) -> None:
    head = "rater,image,smart,happy\n"
    faces = [f"face-{n:03d}.jpg" for n in range(10)]
    one = "".join(f"a,{face},{v},{v}\n" for face, v in zip(faces, VARIED, strict=True))
    two = "".join(
        f"{rater},{face},{v},{own}\n"
        for rater, own in (("b", 2), ("c", 5))
        for face, v in zip(faces, VARIED, strict=True)
    )
    files = [table(tmp_path / "one.csv", head + one), table(tmp_path / "two.csv", head + two)]
    plan = finished(plan_import(study, files))
    assert [decision.kind for decision in plan.decisions] == ["fact-or-judgment"]
    assert "happy of two.csv" in plan.decisions[0].text


@pytest.mark.parametrize("heads", ["R01,R02,R03", "1,2,3", "a@x.org,b@x.org,c@x.org"])
@pytest.mark.parametrize("odd", [SAME, RISING * 2, list(range(1, 11))], ids=["same", "5s", "rise"])
def test_that_a_rater_with_a_column_of_odd_answers_is_a_rater_like_the_others(
    heads: str, odd: list[int], tmp_path: Path, make_study: MakeStudy
) -> None:
    study = bare(make_study, attributes=("smart",))
    text = f"image,{heads}\n" + "".join(
        f"face-{n:03d}.jpg,{VARIED[n]},{odd[n]},{VARIED[-n]}\n" for n in range(10)
    )
    recipe = Recipe(scales={"smart": "1-10"})
    report = finished(import_files(study, [table(tmp_path / "wide.csv", text)], recipe))
    by = Counter(trial.labeler for trial in study.trials())
    assert by == dict.fromkeys(heads.split(","), 10)
    told = any(heads.split(",")[1] in d.text and "like its neighbours" in d.text
               for d in report.doubts)  # fmt: skip
    assert told == (odd != RISING * 2)


@pytest.mark.parametrize("values", [SAME, list(range(1, 11))], ids=["same", "rising"])
def test_that_numbers_named_like_a_judgment_are_never_left_out_without_a_word(
    values: list[int], tmp_path: Path, study: Study
) -> None:
    text = "rater,image,smart,happy\n" + "".join(
        f"a,face-{n:03d}.jpg,{VARIED[n]},{values[n]}\n" for n in range(10)
    )
    plan = finished(plan_import(study, [table(tmp_path / "one.csv", text)]))
    assert _told_of(plan, "happy was left out", '--judgment "happy"')
