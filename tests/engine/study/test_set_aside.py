"""Practice and attention checks are kept, marked, exported as such, and counted by nobody."""

import csv
from pathlib import Path

from prism_desktop.engine.events import outcome
from prism_desktop.engine.study.exporting import export
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.records import Flag, SessionRecord, TrialRecord, new_id
from prism_desktop.engine.study.set_aside import told_aside
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy


def _rating(study: Study, flags: tuple[Flag, ...]) -> TrialRecord:
    image = study.images()[0].id
    return TrialRecord(
        new_id(), "L1", "s", 0, "rating", image, onset=1e9, seconds=1.0,
        answers={"smart": 1}, flags=flags, block="practice: rating",
    )  # fmt: skip


def test_that_an_export_marks_them_and_its_import_brings_them_back(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study = make_study(labelers=1, comparisons=0, ratings=2)
    study.record([_rating(study, ("practice",)), _rating(study, ("left", "check"))])
    outcome(export(study, tmp_path / "out"))
    with (tmp_path / "out" / "ratings.csv").open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["flags"]]
    assert sorted(row["status"] for row in rows) == ["check", "practice"]
    other = make_study("other", labelers=0, comparisons=0, ratings=0)
    outcome(import_files(other, [tmp_path / "out" / "ratings.csv"]))
    assert other.set_aside() == study.set_aside() == {"practice": 1, "check": 1}
    assert len(other.ratings()) == len(study.ratings()) == 4


def test_that_an_export_holds_every_protocol_and_who_followed_it(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study = make_study(labelers=1, comparisons=0, ratings=2)
    study.put_protocol('seed = 1\nlocked_by = "scrypt$aa$bb"\n')
    study.put_protocol("seed = 2\n")
    first, _ = study.protocols()
    study.note_session(SessionRecord("=s", "L1", 1e9, 2e9, first.id, None))
    outcome(export(study, tmp_path / "out"))
    folder = tmp_path / "out" / "protocols"
    assert (folder / "version-1.toml").read_text() == 'seed = 1\nlocked_by = ""\n'
    assert (folder / "version-2.toml").read_text() == "seed = 2\n"
    with (folder / "sessions.csv").open(encoding="utf-8-sig") as file:
        rows = {row["session"]: row for row in csv.DictReader(file)}
    assert rows["'=s"]["protocol_version"] == "1"  # no formula
    assert float(rows["'=s"]["ended"]) == 2e9


def test_that_how_many_were_left_out_is_said_in_a_sentence() -> None:
    assert told_aside({}) == ""
    assert told_aside({"practice": 1}) == ("1 practice trial was left out. It stays in the study.")
    told = told_aside({"practice": 2, "check": 1})
    assert told == "2 practice trials and 1 attention check were left out. They stay in the study."
