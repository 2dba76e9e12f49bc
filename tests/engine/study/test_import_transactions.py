"""What an import can bring, in one transaction whatever its size, and how it goes again."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study import import_transactions
from prism_desktop.engine.study.backup import back_up, is_due
from prism_desktop.engine.study.records import (
    AttributeRecord,
    Changes,
    Doubt,
    FactRecord,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    NewImage,
    Rescaled,
    TrialRecord,
    new_id,
    new_ids,
)
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import aged

FACES = [f"{number:064x}" for number in range(4)]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with Study.create(tmp_path / "s.prism", attributes=("smart",)) as made:
        made.add_labeler("L1")
        made.add_images(NewImage(Path(f"/x/{f[-1]}.jpg"), f"{f[-1]}.jpg", f, 8, 8) for f in FACES)
        yield made


def batch(trials: Any = (), **more: Any) -> ImportBatch:
    return ImportBatch(ImportReport(new_id(), "t.csv", "csv", 1, 1), trials=trials, **more)


def rated(value: int = 3, raw: float | None = None, **changes: Any) -> TrialRecord:
    trial = TrialRecord(
        new_id(), "L1", "s1", 0, "rating", FACES[0], answers={"smart": value}, source="imported",
        raw={} if raw is None else {"smart": raw},
    )  # fmt: skip
    return replace(trial, **changes)


def whole(study: Study) -> object:
    return (
        study.images(),
        study.labelers(),
        study.attributes(),
        study.trials(current=False),
        study.facts(),
        study.imports(),
    )


# Chunks


@pytest.mark.parametrize("chunk", [1, 2, 100])
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(6)))
def test_that_trials_refer_to_each_other_in_any_order_whatever_the_chunks(
    study: Study, monkeypatch: pytest.MonkeyPatch, chunk: int, order: list[int]
) -> None:
    monkeypatch.setattr(import_transactions, "CHUNK", chunk)
    ids = [new_id() for _ in range(6)]
    trials = [rated(id=key, order=place) for place, key in enumerate(ids)]
    trials[0] = replace(trials[0], superseded_by=ids[1])
    trials[1] = replace(trials[1], superseded_by=ids[2])
    trials[3] = replace(trials[3], repeat_of=ids[2])
    trials[4] = replace(trials[4], repeat_of=ids[5], status="withdrawn")
    coming = batch(trials[place] for place in order)
    study.apply_import(coming)
    found = study.trials(current=False)
    assert [trial.id for trial in found] == [ids[place] for place in order]
    assert {t.id: replace(t, import_id=None) for t in found} == {t.id: t for t in trials}
    assert [trial.id for trial in study.trials()] == [ids[p] for p in order if p in (2, 3, 5)]
    study.undo_import(coming.report.id)
    assert study.trials(current=False) == ()
    assert {problem.kind for problem in study.check()} == {"missing"}


TWICE, ABSENT = new_id(), new_id()


@pytest.mark.parametrize("chunk", [1, 2, 100])
@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([rated(id=TWICE), rated(), rated(id=TWICE)], "the same id"),
        ([rated(), rated(repeat_of=ABSENT)], "no trial"),
        ([rated(superseded_by=ABSENT), rated()], "does not come with it"),
        (
            [rated(id=TWICE), rated(superseded_by=TWICE), rated(superseded_by=TWICE)],
            "two others",
        ),
        ([rated(id=TWICE, repeat_of=TWICE)], "cannot repeat itself|no trial"),
        ([rated(id=TWICE, superseded_by=TWICE)], "cannot correct itself"),
        ([rated(id=TWICE), rated(labeler="L2", session="s2", repeat_of=TWICE)], "same labeler"),
        ([rated(labeler="L2", session="s2", repeat_of=TWICE), rated(id=TWICE)], "same labeler"),
        ([rated(id=TWICE), rated(labeler="L2", session="s2", superseded_by=TWICE)], "same labeler"),
        ([rated(), rated(labeler="L2")], "belongs to another labeler"),
        ([rated(), rated(), rated(left="e" * 64)], "no image"),
        ([rated(), rated(raw=float("nan"))], "A rating is a number"),
    ],
)
def test_that_one_bad_trial_keeps_all_out_whatever_the_chunks(
    study: Study,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    trials: list[TrialRecord],
    reason: str,
) -> None:
    monkeypatch.setattr(import_transactions, "CHUNK", chunk)
    study.add_labeler("L2")
    before = whole(study)
    with pytest.raises(InputError, match=reason):
        study.apply_import(batch(iter(trials)))
    assert whole(study) == before


def test_that_a_trial_of_the_study_is_not_brought_again(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_transactions, "CHUNK", 2)
    old = rated()
    study.record(old)
    before = whole(study)
    with pytest.raises(InputError, match="in the study already"):
        study.apply_import(batch([rated(), rated(), rated(), old]))
    assert whole(study) == before


def test_that_identifiers_made_together_rise_and_differ() -> None:
    first, second = new_ids(), new_ids()
    made = [first(number) for number in range(300)]
    assert made == sorted(set(made))
    assert {len(key) for key in made} == {32}
    assert second(0) not in made


def test_that_what_stops_an_import_halfway_leaves_nothing(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_transactions, "CHUNK", 2)
    before, told = whole(study), []

    def broken() -> Iterator[TrialRecord]:
        for _ in range(5):
            yield rated()
        raise RuntimeError("the file ends here")

    def cancel(count: int) -> None:
        told.append(count)
        if count == 4:
            raise GeneratorExit

    new = {"labelers": (LabelerRecord("N1"),), "facts": [FactRecord("rater", "N1", "age", "3")]}
    with pytest.raises(RuntimeError, match="ends here"):
        study.apply_import(batch(broken(), **new))
    assert whole(study) == before
    with pytest.raises(GeneratorExit):
        study.apply_import(batch((rated() for _ in range(9)), **new), progress=cancel)
    assert told == [2, 4]
    assert whole(study) == before
    study.apply_import(batch((rated() for _ in range(5)), **new), progress=told.append)
    assert told == [2, 4, 2, 4, 5]
    assert len(study.trials()) == 5


# Brings trials without end; the fourth chunk kills the process.
DOOMED = """
import itertools, os, signal, sys
from prism_desktop.engine.study import import_transactions
from prism_desktop.engine.study.records import *
from prism_desktop.engine.study.store import Study
import_transactions.CHUNK = 5_000
study = Study.open(sys.argv[1])
study._write.write(lambda c: c.exec_driver_sql("PRAGMA cache_size = 50"))  # soon to the disk
image = study.images()[0].id
def trials():
    fresh = new_ids()
    for number in itertools.count():
        yield TrialRecord(fresh(number), "N1", "s9", 0, "rating", image, answers={"kind": 3})
def progress(count):
    if count == 20_000:
        os.kill(os.getpid(), signal.SIGKILL)
study.apply_import(
    ImportBatch(
        ImportReport(new_id(), "t.csv", "csv", 1, 1),
        labelers=(LabelerRecord("N1"),),
        attributes=(AttributeRecord("kind"),),
        trials=trials(),
    ),
    progress=progress,
)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows knows no SIGKILL")
def test_that_an_import_cut_off_by_kill_9_leaves_nothing(study: Study) -> None:
    study.record(rated())
    before, path = whole(study), study.path
    study.close()
    ended = subprocess.run([sys.executable, "-c", DOOMED, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert os.path.getsize(path / "study.sqlite3-wal") > 0  # noqa: PTH202, it was at work
    with Study.open(path) as again:
        assert whole(again) == before
        assert {problem.kind for problem in again.check()} == {"missing"}


# Facts


def test_that_of_two_facts_the_newest_import_counts_until_it_is_undone(study: Study) -> None:
    facts = [
        FactRecord("image", FACES[1], "age", "40"),
        FactRecord("image", FACES[0], "norm", "1.50"),
        FactRecord("rater", "N1", "sex", "f"),
        FactRecord("rater", "N1", "age", "30"),
        FactRecord("rater", "L1", "age", " 31 "),
        FactRecord("rater", "L1", "sex", ""),
    ]
    first = batch(facts=iter(facts), labelers=(LabelerRecord("N1"),))
    changes = study.apply_import(first)
    assert (changes.images, changes.labelers, changes.imports) == (True, True, True)
    ordered = (facts[4], facts[3], facts[2], facts[1], facts[0])
    assert study.facts() == ordered
    again = batch(facts=[replace(facts[3], value="29"), replace(facts[3], value="28")])
    study.apply_import(again)
    assert study.facts() == (facts[4], replace(facts[3], value="28"), *ordered[2:])
    study.undo_import(again.report.id)
    assert study.facts() == ordered
    study.apply_import(replace(again, report=replace(again.report, id=new_id())))
    study.undo_import(first.report.id)
    assert study.facts() == (replace(facts[3], value="28"),)
    assert [labeler.code for labeler in study.labelers()] == ["L1", "N1"]  # a fact is about N1


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (FactRecord("rater", "nobody", "age", "3"), "no labeler 'nobody'"),
        (FactRecord("image", "L1", "age", "3"), "no image 'L1'"),
        (FactRecord("rater", "L1", "", "3"), "cannot be the name of a fact"),
        (FactRecord("rater", "L1", "a\nb", "3"), "cannot be the name of a fact"),
    ],
)
def test_that_a_fact_about_nobody_keeps_the_import_out(
    study: Study, fact: FactRecord, reason: str
) -> None:
    before = whole(study)
    with pytest.raises(InputError, match=reason):
        study.apply_import(batch([rated()], facts=[fact]))
    assert whole(study) == before


# Attributes and doubts


def test_that_a_guessed_attribute_is_confirmed_once(study: Study) -> None:
    guessed = AttributeRecord("mouse.x", confirmed=False)
    study.apply_import(batch([rated(answers={"mouse.x": 2})], attributes=(guessed,)))
    assert [a.confirmed for a in study.attributes()] == [True, False]
    revised = replace(guessed, question="What?")
    study.apply_import(batch(revised=(revised,)))
    assert study.attributes()[1] == revised
    assert study.confirm_attribute("mouse.x") == Changes(attributes=True)
    assert study.confirm_attribute("mouse.x") == Changes()
    assert study.attributes()[1] == replace(revised, confirmed=True)
    with pytest.raises(InputError, match="no attribute 'nothing'"):
        study.confirm_attribute("nothing")


def test_that_doubts_are_kept_until_they_are_dismissed(study: Study) -> None:
    doubts = (
        Doubt("scale", "One.", "t.csv", "smart", (3, 9), 2),
        Doubt("time", "Two."),
        Doubt("time", "Three."),
    )
    report = ImportReport(new_id(), "t.csv", "csv", 9, 9, doubts=doubts, recipe='scale = "1-7"')
    study.apply_import(ImportBatch(report))
    assert study.imports()[0].open_doubts == doubts
    assert study.imports()[0].recipe == 'scale = "1-7"'
    assert study.dismiss_doubts(report.id, [1]) == Changes(imports=True)
    assert study.dismiss_doubts(report.id, {1}) == Changes()
    assert study.imports()[0].open_doubts == (doubts[0], doubts[2])
    for places in ([3], [-1]):
        with pytest.raises(InputError, match="has 3 doubts"):
            study.dismiss_doubts(report.id, places)
    study.dismiss_doubts(report.id)
    assert study.imports()[0].dismissed == {0, 1, 2}
    assert study.imports()[0].open_doubts == ()
    with pytest.raises(InputError, match="no import"):
        study.dismiss_doubts(new_id())


def test_that_reports_of_before_are_read(study: Study) -> None:
    report = ImportReport(new_id(), "t.csv", "ratings", 4, 3, notices=("A notice.",))
    study.apply_import(ImportBatch(report))
    study.close()
    with closing(sqlite3.connect(study.path / "study.sqlite3")) as opened, opened:
        kept = json.loads(opened.execute("SELECT report FROM import").fetchone()[0])
        del kept["doubts"], kept["recipe"]
        opened.execute("UPDATE import SET report = ?", (json.dumps(kept),))
    with Study.open(study.path) as again:
        (found,) = again.imports()
        assert replace(found, created=None) == report


# Another recipe


def test_that_an_import_is_replaced_in_one_step_and_keeps_what_people_did(study: Study) -> None:
    extra = NewImage(Path("/x/new.jpg"), "new.jpg", "a" * 64, 8, 8)
    unused = NewImage(Path("/x/un.jpg"), "un.jpg", "b" * 64, 8, 8)
    first = batch(
        [rated(labeler="N1", session="s2"), rated(labeler="N2", session="s3")],
        images=(extra, unused),
        labelers=(LabelerRecord("N1"), LabelerRecord("N2")),
        attributes=(AttributeRecord("kind", confirmed=False), AttributeRecord("x")),
        facts=[FactRecord("rater", "N2", "age", "3")],
    )
    study.apply_import(first)
    study.update_labeler("N1", display_name="Nina")
    folds = {image.id: image.fold for image in study.images()}
    second = batch(
        [rated(labeler="N1", session="s3", answers={"kind": 1})],
        images=(extra,),
        labelers=(LabelerRecord("N1"), LabelerRecord("N3")),
        attributes=(AttributeRecord("kind"),),
    )
    changes = study.apply_import(second, replaces=first.report.id)
    assert {"L1", "N1", "N2"} - {"L1"} <= changes.trials
    assert [trial.import_id for trial in study.trials()] == [second.report.id]
    assert [(p.code, p.display_name) for p in study.labelers()] == [
        ("L1", ""), ("N1", "Nina"), ("N3", ""),
    ]  # fmt: skip
    assert [(a.name, a.confirmed) for a in study.attributes()] == [("smart", True), ("kind", True)]
    assert {image.id: image.fold for image in study.images()} == {
        key: fold for key, fold in folds.items() if key != unused.sha256
    }
    assert study.facts() == ()
    assert [report.undone is None for report in study.imports()] == [False, True]
    study.undo_import(second.report.id)
    assert [labeler.code for labeler in study.labelers()] == ["L1"]
    assert [attribute.name for attribute in study.attributes()] == ["smart"]
    assert len(study.images()) == len(FACES)


def test_that_a_replacement_that_fails_leaves_the_import(study: Study) -> None:
    first = batch([rated()])
    study.apply_import(first)
    before = whole(study)
    with pytest.raises(InputError, match="no image"):
        study.apply_import(batch([rated(left="e" * 64)]), replaces=first.report.id)
    with pytest.raises(InputError, match="no import"):
        study.apply_import(batch([rated()]), replaces=new_id())
    assert whole(study) == before
    study.record(rated(repeat_of=before[3][0].id, source="labeled"))  # type: ignore[index]
    before = whole(study)
    with pytest.raises(InputError, match="1 later answer builds upon"):
        study.apply_import(batch([rated()]), replaces=first.report.id)
    assert whole(study) == before


# Another scale


def test_that_earlier_ratings_are_put_on_another_scale(study: Study) -> None:
    study.add_attribute("kind")
    first = [
        rated(1, 1.0, order=0),
        replace(
            rated(4, order=1),
            answers={"smart": 4, "kind": 4},
            raw={"smart": 4.0, "kind": 4.0},
        ),
        rated(2, order=2),  # of an older version: its file said 2
        rated(3, order=3, source="labeled"),  # answered in this program, exported and imported
    ]
    by_hand = rated(4, order=4, source="labeled")
    study.apply_import(batch(first))
    study.record(by_hand)
    steps = {1.0: 1, 2.0: 1, 4.0: 2, 7.0: 4}
    later = batch([rated(4, 7.0, order=5)], rescaled=(Rescaled("smart", steps),))
    changes = study.apply_import(later)
    assert "L1" in changes.trials
    found = sorted(study.trials(), key=lambda trial: trial.order)
    assert [trial.answers["smart"] for trial in found] == [1, 2, 1, 3, 4, 4]
    assert [trial.raw.get("smart") for trial in found] == [1.0, 4.0, 2.0, None, None, 7.0]
    assert (found[1].answers["kind"], found[1].raw["kind"]) == (4, 4.0)
    study.undo_import(later.report.id)
    assert sorted(t.answers["smart"] for t in study.trials()) == [1, 1, 2, 3, 4]
    assert {problem.kind for problem in study.check()} == {"missing"}


@pytest.mark.parametrize(
    ("steps", "reason"), [({1.0: 1}, "rating 4 of 'smart' has no place"), ({4.0: 5}, "5 is no")]
)
def test_that_a_scale_without_a_place_for_a_rating_changes_nothing(
    study: Study, steps: dict[float, int], reason: str
) -> None:
    study.apply_import(batch([rated(4, 4.0)]))
    before = whole(study)
    with pytest.raises(InputError, match=reason):
        study.apply_import(batch(rescaled=(Rescaled("smart", steps),)))
    assert whole(study) == before


def test_that_a_random_history_of_imports_undone_in_any_order_leaves_no_trace(
    study: Study,
) -> None:
    before, dice = whole(study), random.Random(4)
    made = []
    for number in range(6):
        code = f"N{dice.randrange(3)}"
        coming = batch(
            [rated(labeler=code, session=f"s{number}")],
            labelers=(LabelerRecord(code),),
            attributes=(AttributeRecord("kind"),),
            facts=[FactRecord("rater", code, "age", str(number))],
        )
        study.apply_import(coming)
        made.append(coming.report.id)
    dice.shuffle(made)
    for key in made:
        study.undo_import(key)
    assert whole(study)[:5] == before[:5]  # type: ignore[index]


def test_that_a_study_whose_import_was_undone_is_backed_up_again(study: Study) -> None:
    done = batch([rated()])
    study.apply_import(done)
    file = study.path / "study.sqlite3"
    aged(back_up(file), 2)
    assert not is_due(file)
    study.undo_import(done.report.id)
    assert is_due(file)
