"""Tables imported together: answers, facts, and rows that are told by the name of their table."""

from pathlib import Path

import pytest

from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.import_files import import_files
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
