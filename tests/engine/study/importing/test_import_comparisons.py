"""Comparisons from files, and what their numbers mean."""

import random
import re
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.doubts import DecisionNeededError
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.values.outcome_codings import ALIASES, parse_coding
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import bare, finished, reasons, sheet, table
from tests.fixtures.study import MakeStudy


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return bare(make_study)


def test_that_long_comparisons_become_trials_with_all_their_attributes(
    tmp_path: Path, study: Study
) -> None:
    path = table(
        tmp_path / "t.csv",
        "labeler,left,right,attribute,outcome,order,seconds\n"
        "L1,face-000.jpg,face-001.jpg,smart,left,0,1.25\n"
        "L1,face-000.jpg,face-001.jpg,kind,Tie,0,1.25\n"
        "L1,face-001.jpg,face-000.jpg,smart,face-001.jpg,1,0.5\n",
    )
    report = finished(import_files(study, [path]))
    first, second = study.trials()
    assert (report.rows_kept, dict(first.answers), first.seconds) == (
        3,
        {"smart": "left", "kind": "tie"},
        1.25,
    )
    assert (study.image(first.left).name, study.image(first.right or "").name) == (
        "face-000.jpg",
        "face-001.jpg",
    )
    assert (dict(second.answers), second.repeat_of) == ({"smart": "left"}, first.id)


def test_that_unusable_comparisons_are_refused_one_by_one(tmp_path: Path, study: Study) -> None:
    path = table(
        tmp_path / "t.csv",
        "labeler,left,right,attribute,outcome\n"
        "L1,face-000.jpg,face-000.jpg,smart,left\n"
        "L1,face-002.jpg,face-001.jpg,smart,left\n"
        "L1,face-000.jpg,face-001.jpg,,left\n"
        "L1,face-000.jpg,face-001.jpg,smart,\n"
        "L1,face-000.jpg,nobody.jpg,smart,left\n"
        ",face-000.jpg,face-001.jpg,smart,left\n"
        "L1,face-000.jpg,face-001.jpg,smart,right\n",
    )
    report = finished(import_files(study, [path]))
    assert reasons(report) == {
        2: "compares an image with itself",
        4: "names no attribute",
        5: "holds no answer",
        6: "the study has no image “nobody.jpg”",
        7: "names no rater",
    }
    assert [dict(trial.answers) for trial in study.trials()] == [
        {"smart": "left"},
        {"smart": "right"},
    ]


@pytest.mark.parametrize("outcome", ["maybe", "-1", "face-007.jpg"])
def test_that_an_outcome_of_unknown_meaning_is_asked_about_or_told(
    tmp_path: Path, study: Study, outcome: str
) -> None:
    rows = "".join(
        f"L1,face-{number:03d}.jpg,face-011.jpg,smart,{word}\n"
        for number, word in enumerate(["left", "right", "tie", outcome])
    )
    path = table(tmp_path / "t.csv", f"labeler,left,right,attribute,outcome\n{rows}")
    if outcome == "-1":
        with pytest.raises(DecisionNeededError, match=outcome):
            finished(import_files(study, [path]))
        assert study.trials() == ()
        return
    report = finished(import_files(study, [path]))  # a single slip does not stop the others
    assert outcome in reasons(report)[5]
    assert any(outcome in doubt.text and 5 in doubt.rows for doubt in report.doubts)
    assert len(study.trials()) == 3


def test_that_wide_comparisons_hold_an_attribute_per_column(tmp_path: Path, study: Study) -> None:
    path = table(
        tmp_path / "t.csv", "user,image_a,image_b,smart,kind\nu,face-000.jpg,face-001.jpg,a,tie\n"
    )
    finished(import_files(study, [path]))
    assert dict(study.trials()[0].answers) == {"smart": "left", "kind": "tie"}


def coded(path: Path, first: int, count: int = 60) -> Path:
    """Comparisons by people whose taste is the image's
    number; `first` codes that the first image won."""
    dice = random.Random(1)
    lines = ["labeler,left,right,attribute,outcome,order"]
    for order in range(count):
        left, right = dice.sample(range(12), 2)
        outcome = first if left > right else 3 - first
        lines.append(
            f"L1,face-{left:03d}.jpg,face-{right:03d}.jpg,smart,"
            f"{0 if order == 0 else outcome},{order}"
        )
    return table(path, "\n".join(lines))


def ratings(path: Path, labeler: str = "L1") -> Path:
    lines = [f"{labeler},face-{number:03d}.jpg,{1 + number // 3}" for number in range(12)]
    return table(path, "\n".join(["rater,image,smart", *lines]))


def test_that_numbers_without_a_coding_are_refused_when_nothing_tells(
    tmp_path: Path, study: Study
) -> None:
    with pytest.raises(DecisionNeededError, match="--coding") as caught:
        finished(import_files(study, [coded(tmp_path / "c.csv", 2)]))
    assert [decision.kind for decision in caught.value.decisions] == ["coding"]
    assert study.imports() == ()


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("rater", ["L1", "somebody else"])
@pytest.mark.parametrize("together", [True, False])
def test_that_ratings_tell_the_coding(
    tmp_path: Path, study: Study, first: int, rater: str, together: bool
) -> None:
    rated, compared = ratings(tmp_path / "r.csv", rater), coded(tmp_path / "c.csv", first)
    if not together:
        finished(import_files(study, [rated]))
    report = finished(import_files(study, [rated, compared] if together else [compared]))
    assert report.mapping["coding"] == {str(first): "left", str(3 - first): "right", "0": "tie"}
    assert "coding" in {doubt.kind for doubt in report.doubts}
    for trial in study.trials(kind="comparison")[1:]:
        left, right = study.image(trial.left).name, study.image(trial.right or "").name
        assert trial.answers["smart"] == ("left" if left > right else "right")
    assert study.trials(kind="comparison")[0].answers == {"smart": "tie"}


def test_that_a_coding_against_the_data_is_done_and_noticed(tmp_path: Path, study: Study) -> None:
    # the study's own ratings agree with the coding, those of the import do not
    against = ratings(tmp_path / "s.csv")
    against.write_text(
        re.sub(r",(\d)$", lambda m: f",{5 - int(m[1])}", against.read_text(), flags=re.M)
    )
    finished(import_files(study, [against]))
    files = [ratings(tmp_path / "r.csv", "L2"), coded(tmp_path / "c.csv", 1)]
    coding = parse_coding("2=left,1=right,0=tie")
    report = finished(import_files(study, files, Recipe(coding=coding)))
    assert report.mapping["coding"] == coding
    (told,) = [doubt.text for doubt in report.doubts if doubt.kind == "coding"]
    assert "the data speak against it: 0 of " in told
    assert "everyone's mean ratings" in told


def test_that_other_numbers_than_one_and_two_are_not_guessed_at(
    tmp_path: Path, study: Study
) -> None:
    path = coded(tmp_path / "c.csv", 2)
    path.write_text(path.read_text().replace("smart,1,", "smart,0,"))
    with pytest.raises(DecisionNeededError, match="does not name 0"):
        finished(import_files(study, [path], Recipe(coding=ALIASES["2-first"])))
    with pytest.raises(InputError, match="“both”"):
        parse_coding("both")
    assert study.imports() == ()


ITEMS = ["5f01", "5f02", "5f03"]
DATA = [
    ["_id", "data_image_part"],
    *([item, f"part/face-{n:03d}.png"] for n, item in enumerate(ITEMS)),
]
LABEL = [
    ["_id", "item_id", "user_id", "attractive", "smart"],
    ["l1", "5f01", "603951f6", 4, 3],
    ["l2", "5f02", "603951f6", 1, 2],
    ["l3", "5f03", "60088dd9", 2, None],
    ["l4", "5fff", "60088dd9", 2, 2],
]
PAIRS = [
    ["_id", "im1_path", "im2_path"],
    ["6a01", "x/face-000.png", "x/face-001.png"],
    ["6a02", "x/face-002.png", "x/face-001.png"],
]
COMPARED = [
    ["_id", "item_id", "user_id", "attractive", "smart"],
    ["c1", "6a01", "603951f6", 2, 0],
    ["c2", "6a02", "603951f6", 1, 2],
    ["c3", "6a01", "60088dd9", "none", 1],
]


def test_that_the_four_workbooks_are_joined_on_their_items(tmp_path: Path, study: Study) -> None:
    files = [
        sheet(tmp_path / f"{name}.xlsx", rows)
        for name, rows in (
            ("big_compare_label", COMPARED),
            ("big_data", DATA),
            ("big_label", LABEL),
            ("big_compare_data", PAIRS),
        )
    ]
    report = finished(import_files(study, files, Recipe(coding=ALIASES["2-first"])))
    assert (report.rows_read, report.rows_kept) == (7, 6)
    assert reasons(report) == {5: "big_label.xlsx: the study has no image “unknown item 5fff”"}
    rated = {
        (t.labeler, study.image(t.left).name): dict(t.answers) for t in study.trials(kind="rating")
    }
    assert rated == {
        ("603951f6", "face-000.jpg"): {"attractive": 4, "smart": 3},
        ("603951f6", "face-001.jpg"): {"attractive": 1, "smart": 2},
        ("60088dd9", "face-002.jpg"): {"attractive": 2},
    }
    compared = [
        (t.labeler, study.image(t.left).name, dict(t.answers))
        for t in study.trials(kind="comparison")
    ]
    assert compared == [
        ("603951f6", "face-000.jpg", {"attractive": "left", "smart": "tie"}),
        ("603951f6", "face-002.jpg", {"attractive": "right", "smart": "left"}),
        ("60088dd9", "face-000.jpg", {"smart": "right"}),
    ]


def test_that_a_comparison_of_an_unknown_item_is_told_and_the_others_are_kept(
    tmp_path: Path, study: Study
) -> None:
    rows = [*COMPARED, ["c4", "6aff", "603951f6", 2, 1]]
    files = [sheet(tmp_path / "a.xlsx", rows), sheet(tmp_path / "b.xlsx", PAIRS)]
    report = finished(import_files(study, files, Recipe(coding=ALIASES["2-first"])))
    assert reasons(report) == {5: "the study has no image “unknown item 6aff”"}
    assert len(study.trials()) == 3


def test_that_the_early_coding_is_the_reverse(tmp_path: Path, study: Study) -> None:
    files = [sheet(tmp_path / "a.xlsx", COMPARED), sheet(tmp_path / "b.xlsx", PAIRS)]
    finished(import_files(study, files, Recipe(coding=ALIASES["1-first"])))
    assert [dict(trial.answers) for trial in study.trials()] == [
        {"attractive": "right", "smart": "tie"},
        {"attractive": "left", "smart": "right"},
        {"smart": "left"},
    ]


def test_that_a_workbook_without_its_counterpart_is_a_sentence(
    tmp_path: Path, study: Study
) -> None:
    with pytest.raises(InputError, match="import the two together"):
        finished(import_files(study, [sheet(tmp_path / "big_label.xlsx", LABEL)]))
    with pytest.raises(InputError, match="import it together with its label workbook"):
        finished(import_files(study, [sheet(tmp_path / "big_data.xlsx", DATA)]))


def test_that_items_which_are_numbers_in_both_workbooks_are_told_apart_by_their_answers(
    tmp_path: Path, study: Study
) -> None:
    images = [["_id", "data_image_part"], [1, "face-000.jpg"], [2, "face-001.jpg"]]
    pairs = [
        ["_id", "im1_path", "im2_path"],
        [1, "face-000.jpg", "face-001.jpg"],
        [2, "face-001.jpg", "face-002.jpg"],
    ]
    rated = [["_id", "item_id", "user_id", "smart"], [1, 1, 7, 4], [2, 2, 7, 1]]
    compared = [["_id", "item_id", "user_id", "smart"], [1, 1, 7, 2], [2, 2, 7, 1]]
    names = {"data": images, "pairs": pairs, "answers": rated, "compare_answers": compared}
    files = [sheet(tmp_path / f"{name}.xlsx", rows) for name, rows in names.items()]
    finished(import_files(study, files, Recipe(coding=ALIASES["2-first"])))
    assert [dict(trial.answers) for trial in study.trials(kind="rating")] == [
        {"smart": 4},
        {"smart": 1},
    ]
    assert [dict(trial.answers) for trial in study.trials(kind="comparison")] == [
        {"smart": "left"},
        {"smart": "right"},
    ]
    assert [labeler.code for labeler in study.labelers()] == ["7"]


def test_that_items_which_fit_both_data_workbooks_are_not_guessed_at(
    tmp_path: Path, study: Study
) -> None:
    pairs = [["_id", "im1_path", "im2_path"], [1, "face-000.jpg", "face-001.jpg"]]
    images = [["_id", "data_image_part"], [1, "face-000.jpg"]]
    answers = [["_id", "item_id", "user_id", "smart"], [1, 1, 7, 2]]
    names = {"a": images, "b": pairs, "c": answers}
    files = [sheet(tmp_path / f"{name}.xlsx", rows) for name, rows in names.items()]
    with pytest.raises(InputError, match="could hold ratings or comparisons"):
        finished(import_files(study, files, Recipe(coding=ALIASES["2-first"])))
    finished(import_files(study, files[1:], Recipe(coding=ALIASES["2-first"])))
    assert [dict(trial.answers) for trial in study.trials()] == [{"smart": "left"}]
