"""What programs answered is never mixed with what people did."""

import csv
from dataclasses import replace
from pathlib import Path

from prism_desktop.engine.evaluation.publication.paper_bundle import PaperOptions, paper_bundle
from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at
from prism_desktop.engine.events import outcome
from prism_desktop.engine.study.records import new_id
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy

_ASKED = ("attractive", "smart", "kind")


def _mixed(make_study: MakeStudy) -> Study:
    """Two people, and a program that answered as the first of them."""
    study = make_study(images=8, labelers=2, comparisons=10, ratings=5)
    study.add_labeler("S1", simulated=True)
    study.record(
        [
            replace(trial, id=new_id(), labeler="S1", session="s" * 32, source="simulated",
                    order=order, repeat_of=None)
            for order, trial in enumerate(study.trials("L1"))
        ]
    )  # fmt: skip
    return study


def test_that_programs_are_left_out_where_people_answered(make_study: MakeStudy) -> None:
    study = _mixed(make_study)
    found = answers_looked_at(study, _ASKED)
    assert set(found.compared["labeler"]) == set(found.rated["labeler"]) == {"L1", "L2"}
    assert found.programs == {"S1"}
    assert "1 simulated labeler was left out, since people answered too." in found.left_out


def test_that_a_study_of_programs_alone_is_looked_at(make_study: MakeStudy) -> None:
    study = make_study(images=8, labelers=2, comparisons=10, ratings=5)
    for labeler in study.labelers():
        assert not labeler.simulated
    assert answers_looked_at(study, _ASKED).left_out == ""
    alone = make_study("alone", images=8, labelers=0)
    alone.add_labeler("S1", simulated=True)
    assert answers_looked_at(alone, _ASKED).programs == frozenset()


def test_that_a_bundle_marks_what_programs_answered_and_tells_of_people_alone(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study = _mixed(make_study)
    outcome(paper_bundle(study, tmp_path / "out", PaperOptions()))
    with (tmp_path / "out" / "answers.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    of_people = [row for row in rows if row["left_out"] != "simulated labeler"]
    people = [*study.ratings("L1")["trial"], *study.ratings("L2")["trial"]]
    compared = [*study.comparisons("L1")["trial"], *study.comparisons("L2")["trial"]]
    assert len(of_people) == len(people) + len(compared) < len(rows)
    text = (tmp_path / "out" / "methods.txt").read_text("utf-8")
    assert "2 labelers judged" in text
    assert f"The data are {len(of_people)} answers" in text
    assert "1 simulated labeler" in text
