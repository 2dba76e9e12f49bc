"""Backups, checks, moved folders, and imports that come and go whole."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop.engine.errors import CorruptStudyError, InputError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study import backup, backup_files
from prism_desktop.engine.study.automatic_backups import AutomaticBackups
from prism_desktop.engine.study.images import copy_in, make_thumbnails, read_image
from prism_desktop.engine.study.records import (
    AttributeRecord,
    Changes,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    NewImage,
    RefusedRow,
    TrialRecord,
    new_id,
)
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import aged
from tests.engine.study.test_store import rating
from tests.fixtures.study import draw_faces


def test_that_a_backup_is_a_whole_study_in_one_file(tiny_study: Study, tmp_path: Path) -> None:
    copy = tiny_study.backup()
    assert copy.parent == tiny_study.path / "backups"
    (tmp_path / "again.prism").mkdir()
    copy.rename(tmp_path / "again.prism" / "study.sqlite3")
    with Study.open(tmp_path / "again.prism") as again:
        assert again.trials() == tiny_study.trials()
        assert again.check() == []


def test_that_an_opened_study_is_backed_up_if_it_changed_since_half_an_hour(
    tiny_study: Study,
) -> None:
    first = tiny_study.backup()
    path = tiny_study.path
    tiny_study.close()
    first = aged(first, 2)
    with Study.open(path) as study:  # nothing has changed since the backup
        study.add_labeler("L9")
    assert backup_files.backups(path) == [first]
    with Study.open(path) as study:
        assert study.backup_failure is None
    second = backup_files.backups(path)[0]
    assert second != first
    with Study.open(path) as study:
        study.add_labeler("L10")
    with Study.open(path):  # the newest is of this half hour
        pass
    assert backup_files.backups(path) == [second, first]


def test_that_backups_are_thinned_by_day_week_and_month(tiny_study: Study) -> None:
    folder = tiny_study.path / "backups"
    ages = [*(n / 48 for n in range(1, 48)), *range(1, 40), *range(40, 900, 3)]  # days
    made = []
    for number, days in enumerate(ages):
        file = folder / f"study-2020{number:04d}.sqlite3"
        file.touch()
        made.append(aged(file, days))
    for number in range(5):
        for start in ("before-import-20200101-0000", "before-schema-2-20200101-0000"):
            (folder / f"{start}{number:02d}.sqlite3").touch()
    newest = tiny_study.backup()
    left = tiny_study.backups()
    assert left[0] == newest
    usual = [copy for copy in left if copy.name.startswith("study-")]
    moments = [backup_files.made_at(copy) for copy in usual]
    days = {time.strftime("%Y-%j", time.localtime(moment)) for moment in moments}
    months = {time.strftime("%Y-%m", time.localtime(moment)) for moment in moments}
    now = time.time()
    # one of each of the last two weeks' days, and one of each of the last two years' months
    assert all(
        time.strftime("%Y-%j", time.localtime(now - n * 86_400)) in days for n in range(1, 14)
    )
    assert len(months) in (24, 25, 26)
    assert min(moments) > now - 731 * 86_400
    assert len(usual) <= 10 + 15 + 11 + 26
    # the newest ten are there whatever their day
    assert usual[1:10] == made[:9]
    for start in ("before-import", "before-schema"):
        some = [copy.name for copy in left if copy.name.startswith(start)]
        assert len(some) == 3
        assert all(name[-10:] in ("02.sqlite3", "03.sqlite3", "04.sqlite3") for name in some)


def test_that_steps_that_change_much_are_preceded_by_a_backup_of_what_was(
    tiny_study: Study, batch: ImportBatch
) -> None:
    before = tiny_study.trials(current=False)
    tiny_study.apply_import(batch)
    (copy,) = tiny_study.backups()
    assert copy.name.startswith("before-import-")
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT count(*) FROM trial").fetchone()[0] == len(before)
    tiny_study.undo_import(batch.report.id)
    assert tiny_study.backups()[0].name.startswith("before-undo-")
    again = tiny_study.backup()
    many = [rating(tiny_study, "L1") for _ in range(100)]
    tiny_study.record(many)  # a backup says the same already
    assert tiny_study.backups()[0] == again
    tiny_study.record([replace(each, id=new_id()) for each in many])
    assert tiny_study.backups()[0].name.startswith("before-bulk-")


def test_that_a_study_that_changes_is_backed_up_while_it_is_open(
    tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "EVERY", 0.0)
    file = tiny_study.path / "study.sqlite3"
    watching = AutomaticBackups(file, look=0.01)
    try:
        assert watching.looked.wait(20)
        assert len(tiny_study.backups()) == 1
        tiny_study.add_labeler("L9")
        assert until(lambda: len(tiny_study.backups()) == 2)
        assert not until(lambda: len(tiny_study.backups()) > 2, seconds=0.2)  # nothing has changed
    finally:
        watching.close()
    assert watching.failure is None


def test_that_a_backup_ends_and_is_whole_while_answers_come(
    tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_PAGES", 1)  # many steps, with an answer between any two
    before = len(tiny_study.trials(current=False))
    given = [0]

    def answer(_: float) -> None:
        if given[0] < 30:
            given[0] += 1
            tiny_study.record(rating(tiny_study, "L1"))

    copy = backup.back_up(tiny_study.path / "study.sqlite3", tell=answer)
    assert given[0] == 30
    assert len(tiny_study.trials(current=False)) == before + 30
    with closing(sqlite3.connect(copy)) as kept:  # as the study was when the copy began
        assert kept.execute("SELECT count(*) FROM trial").fetchone()[0] == before


def until(there: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait for something to happen in another thread."""
    end = time.monotonic() + seconds
    while not there():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_that_a_failed_automatic_backup_is_told(tiny_study: Study) -> None:
    tiny_study.close()
    file = tiny_study.path / "study.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'created'")
        connection.commit()
    (tiny_study.path / "backups").rmdir()
    (tiny_study.path / "backups").touch()  # a file where the folder should be
    with Study.open(tiny_study.path) as study:
        assert study._automatic is not None
        assert study._automatic.looked.wait(20)
        assert "No backup could be written" in str(study.backup_failure)
        assert [problem.kind for problem in study.check()] == ["backup"]


def test_that_a_check_names_what_is_wrong(tiny_study: Study) -> None:
    assert tiny_study.check(deep=True) == []
    images = tiny_study.images()
    list(make_thumbnails(tiny_study.path, images))
    (tiny_study.path / "thumbnails" / "ff").mkdir(exist_ok=True)
    (tiny_study.path / "thumbnails" / "ff" / f"{'f' * 64}.jpg").touch()
    images[0].path.unlink()
    images[1].path.write_bytes(images[2].path.read_bytes())
    status = images[3].path.stat()
    images[3].path.write_bytes(images[3].path.read_bytes())  # touched, not changed
    assert status.st_size == images[3].path.stat().st_size
    problems = {problem.kind: problem.text for problem in tiny_study.check()}
    assert problems.keys() == {"missing", "changed", "thumbnail"}
    assert images[0].name in problems["missing"]
    assert images[1].name in problems["changed"]
    assert tiny_study.images()[0].missing


def test_that_a_check_sees_broken_references(tiny_study: Study) -> None:
    tiny_study.close()
    with closing(sqlite3.connect(tiny_study.path / "study.sqlite3")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM stimulus WHERE id = 1")
        connection.execute("UPDATE stimulus SET fold = 9 WHERE id = 2")
        connection.commit()
    with Study.open(tiny_study.path) as study:
        # and the trials with that image no longer say what was recorded
        assert {problem.kind for problem in study.check()} == {"reference", "fold", "checksum"}


def test_that_a_moved_folder_is_found_again_whatever_the_names(
    tiny_study: Study, tmp_path: Path
) -> None:
    before = tiny_study.images()
    old, new = before[0].path.parent, tmp_path / "elsewhere" / "deep"
    new.parent.mkdir()
    old.rename(new)
    (new / before[0].name).rename(new / "renamed.jpg")
    (new / before[1].name).write_bytes(b"other content")
    (new / before[2].name).unlink()
    assert all(image.missing for image in tiny_study.images())
    events = list(tiny_study.relinking(tmp_path / "elsewhere"))
    assert isinstance(events[0], Progress)
    report = events[-1].value  # type: ignore[union-attr]
    assert report.found == 22
    assert set(report.still_missing) == {before[1].name, before[2].name}
    assert report.changes == Changes(images=True)
    after = {image.id: image for image in tiny_study.images()}
    assert after[before[0].id].path == new / "renamed.jpg"
    assert after[before[0].id].name == before[0].name
    assert tiny_study.relink(new).changed == (before[1].name,)
    assert {problem.kind for problem in tiny_study.check()} == {"missing"}


@pytest.fixture
def batch(tiny_study: Study, tmp_path: Path) -> ImportBatch:
    """Two new copied images, a new labeler, a new attribute,
    and trials that also use what the study has."""
    report = ImportReport(
        new_id(),
        "ratings.csv",
        "ratings",
        5,
        4,
        (RefusedRow(3, "no image"),),
        1,
        {"scale": "1-7"},
        ("One notice.",),
    )
    new = [
        copy_in(tiny_study.path, read_image(p, f"new/{p.name}"))
        for p in draw_faces(tmp_path / "new", 2, seed=9)
    ]
    first = TrialRecord(
        new_id(), "N1", "theirs", 0, "rating", new[0].sha256, answers={"kind": 4}, raw={"kind": 6.5}
    )
    corrected = TrialRecord(
        new_id(),
        "N1",
        "theirs",
        1,
        "rating",
        new[0].sha256,
        answers={"kind": 1},
        superseded_by=first.id,
    )
    old = tiny_study.images()[0].id
    mixed = TrialRecord(
        new_id(), "L1", "more", 0, "comparison", old, new[1].sha256, answers={"smart": "tie"}
    )
    people = (LabelerRecord("N1", "New", "profile"), LabelerRecord("L1", "ignored"))
    attributes = (AttributeRecord("kind", "How kind?"), AttributeRecord("smart", "ignored"))
    return ImportBatch(report, tuple(new), True, people, attributes, (corrected, first, mixed))


def state(study: Study) -> object:
    return study.images(), study.labelers(), study.attributes(), study.trials(current=False)


def test_that_an_import_comes_whole_and_goes_without_a_trace(
    tiny_study: Study, batch: ImportBatch
) -> None:
    before = state(tiny_study)
    changes = tiny_study.apply_import(batch)
    assert changes == Changes(
        images=True,
        labelers=True,
        attributes=True,
        trials=frozenset({"L1", "N1"}),
        imports=True,
    )
    log = {trial.id: trial for trial in tiny_study.trials(current=False)}
    corrected, first, mixed = (log[trial.id] for trial in batch.trials)
    assert corrected.superseded_by == first.id
    assert first.raw == {"kind": 6.5}
    assert mixed.import_id == batch.report.id
    assert tiny_study.labelers()[-1] == batch.labelers[0]
    assert tiny_study.labelers()[0].display_name == "Labeler 1"
    assert tiny_study.image(batch.images[0].sha256).copied
    kept = tiny_study.imports()[0]
    assert (kept.refused, kept.mapping, kept.notices) == (
        batch.report.refused,
        {"scale": "1-7"},
        ("One notice.",),
    )
    assert "row 3: no image" in kept.summary()
    tiny_study.undo_import(batch.report.id)
    assert state(tiny_study) == before
    assert not batch.images[0].path.exists()
    assert tiny_study.imports()[0].undone is not None
    with pytest.raises(InputError, match="undone already"):
        tiny_study.undo_import(batch.report.id)
    assert tiny_study.check() == []


def test_that_undoing_an_import_deletes_nothing_outside_the_study(
    tiny_study: Study, batch: ImportBatch, tmp_path: Path
) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("not the study's")
    tiny_study.apply_import(batch)
    tiny_study.close()
    with closing(sqlite3.connect(tiny_study.path / "study.sqlite3")) as forged, forged:
        for image, path in zip(batch.images, ("../precious.txt", str(precious)), strict=True):
            forged.execute("UPDATE stimulus SET path = ? WHERE sha256 = ?", (path, image.sha256))
    with Study.open(tiny_study.path) as study:
        study.undo_import(batch.report.id)
    assert precious.exists()


def test_that_undoing_an_import_keeps_what_later_work_uses(
    tiny_study: Study, batch: ImportBatch
) -> None:
    tiny_study.apply_import(batch)
    later = rating(tiny_study, "N1", left=batch.images[1].sha256, answers={"kind": 2})
    tiny_study.record(later)
    tiny_study.undo_import(batch.report.id)
    assert tiny_study.trials("N1") == (later,)
    assert tiny_study.image(batch.images[1].sha256).name == "new/face-001.jpg"
    assert batch.images[1].path.exists()
    assert not batch.images[0].path.exists()
    assert tiny_study.check() == []


def test_that_an_import_that_was_built_upon_is_not_undone(
    tiny_study: Study, batch: ImportBatch
) -> None:
    tiny_study.apply_import(batch)
    tiny_study.record(
        rating(tiny_study, "N1", left=batch.images[0].sha256, repeat_of=list(batch.trials)[1].id)
    )
    before = state(tiny_study)
    with pytest.raises(InputError, match=r"1 later answer .* Nothing was changed"):
        tiny_study.undo_import(batch.report.id)
    assert state(tiny_study) == before


def test_that_an_import_with_one_bad_trial_brings_nothing(
    tiny_study: Study, batch: ImportBatch
) -> None:
    before = state(tiny_study)
    bad = TrialRecord(new_id(), "N1", "theirs", 2, "rating", "e" * 64, answers={"kind": 4})
    images = (*batch.images, NewImage(Path("/x"), "x", "d" * 64, 1, 1))
    with pytest.raises(InputError, match="no image"):
        tiny_study.apply_import(
            ImportBatch(batch.report, images, False, batch.labelers, batch.attributes, (bad,))
        )
    assert state(tiny_study) == before
    assert tiny_study.imports() == ()


def test_that_no_backup_is_made_of_a_damaged_database_and_older_ones_stay(
    tiny_study: Study,
) -> None:
    kept = backup.back_up(tiny_study.path / "study.sqlite3")
    tiny_study.close()
    file = tiny_study.path / "study.sqlite3"
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = opened.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'trial'"
        ).fetchone()
        (size,) = opened.execute("PRAGMA page_size").fetchone()
    content = bytearray(file.read_bytes())
    content[root * size - 40 : root * size] = bytes(40)  # keys of an index; pages stay readable
    file.write_bytes(content)
    with pytest.raises(CorruptStudyError, match="damaged"):
        backup.back_up(file)
    assert backup_files.backups(tiny_study.path) == [kept]
