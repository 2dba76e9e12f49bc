"""Faces that attention checks ask for: those that labelers agree on."""

from dataclasses import replace

import pytest

from prism_desktop.engine.evaluation.quality.careful_faces import with_careful_faces
from prism_desktop.engine.labeling.known_faces import consensus_ends, with_known
from prism_desktop.engine.labeling.protocol import (
    CheckRules,
    KnownFaces,
    parse_protocol,
    troubles,
)
from prism_desktop.engine.study.records import AnswerTime, new_id
from prism_desktop.engine.study.store import Study
from tests.engine.labeling.test_protocol_session import NOW, rules
from tests.fixtures.study import MakeStudy


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    made = make_study(images=21, labelers=3, comparisons=40, ratings=21)
    made.add_labeler("N")
    return made


def test_that_faces_known_by_consensus_are_written_down_and_are_the_extremes(study: Study) -> None:
    asked = rules(checks=CheckRules(every=5))
    found = with_known(asked, study)
    assert troubles(found, study.attributes(), study.images()) == ()
    ratings = study.ratings()
    names = {image.name: image.id for image in study.images()}
    for name, faces in found.checks.known.items():
        mean = ratings[ratings["attribute"] == name].groupby("image")["value"].mean()
        high, low = (mean[[names[each] for each in end]].mean() for end in (faces.high, faces.low))
        assert high > mean.mean() > low
    assert parse_protocol(found.toml()) == found


def test_that_what_a_program_answered_or_nobody_looked_at_tells_of_no_face(study: Study) -> None:
    trials, names = study.trials(), {image.id: image.name for image in study.images()}
    assert consensus_ends(trials, names)
    assert not consensus_ends((replace(each, source="simulated") for each in trials), names)
    time = dict.fromkeys(("attractive", "smart"), AnswerTime(NOW, 0.05))
    assert not consensus_ends((replace(each, times=time) for each in trials), names)
    bots = [replace(each, simulated=True) for each in study.labelers()]
    asked = rules(checks=CheckRules(every=5))
    study.labelers = lambda: tuple(bots)  # type: ignore[method-assign]
    assert not with_known(asked, study).checks.known


def test_that_whom_the_rules_leave_out_tells_of_no_face(study: Study) -> None:
    asked = rules(checks=CheckRules(every=5))
    assert with_careful_faces(asked, study) == with_known(asked, study)
    names = {image.id: image.name for image in study.images()}
    # "L1" answered 60 more times within a tenth of a second, which nobody can mean
    fast = [
        replace(each, id=new_id(), onset=NOW + number, seconds=0.1, times={}, repeat_of=None)
        for number, each in enumerate(study.trials("L1", "comparison"))
    ]
    study.record(fast)
    careful = [each for each in study.trials() if each.labeler != "L1"]
    found = with_careful_faces(asked, study).checks.known
    assert found == {
        name: faces for name, faces in consensus_ends(careful, names).items() if faces.high
    }
    assert found != with_known(asked, study).checks.known


def test_that_checks_without_any_known_face_are_refused(make_study: MakeStudy) -> None:
    empty = make_study(comparisons=0, ratings=0)
    asked = with_known(rules(checks=CheckRules(every=5)), empty)
    (told,) = troubles(asked, empty.attributes(), empty.images())
    assert "too few answers" in told


def test_that_a_face_is_not_known_to_be_both_high_and_low(study: Study) -> None:
    names = tuple(image.name for image in study.images()[:3])
    known = {"smart": KnownFaces(high=names[:2], low=names[1:])}
    (told,) = troubles(
        rules(checks=CheckRules(every=5, known=known)), study.attributes(), study.images()
    )
    assert repr(names[1]) in told
