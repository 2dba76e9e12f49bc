"""Opening what should not be opened, or not twice, each with a sentence that says what was kept."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine.errors import (
    CorruptStudyError,
    DiskFullError,
    InputError,
    NewerSchemaError,
    ReadOnlyStudyError,
    StudyError,
    StudyLockedError,
)
from prism_desktop.engine.study import opening, writer_lock
from prism_desktop.engine.study.store import Study
from tests.engine.study.test_store import rating
from tests.fixtures.study import MakeStudy


@pytest.fixture
def closed(tiny_study: Study) -> Path:
    tiny_study.close()
    return tiny_study.path


def test_that_a_second_window_is_told_who_has_the_study_open(tiny_study: Study) -> None:
    with pytest.raises(StudyLockedError, match=r"is open in this program\. Nothing was changed"):
        Study.open(tiny_study.path)
    code = (
        f"from prism_desktop.engine.study.store import Study; Study.open({str(tiny_study.path)!r})"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert f"process {os.getpid()} on " in other.stderr
    assert tiny_study.info().images == 24


def test_that_a_study_can_be_read_beside_its_writer(tiny_study: Study) -> None:
    with Study.open(tiny_study.path, read_only=True) as reader:
        tiny_study.record(rating(tiny_study))
        assert reader.trials() == tiny_study.trials()
        assert reader.info().read_only
        with pytest.raises(ReadOnlyStudyError, match="open read-only"):
            reader.add_labeler("L9")


def test_that_the_note_of_a_dead_program_locks_nobody_out(closed: Path) -> None:
    (closed / writer_lock.NAME).write_text(
        json.dumps({"pid": 1, "host": "elsewhere", "since": "2020-01-01 00:00:00"})
    )
    with Study.open(closed) as study:
        assert study.info().images == 24


def test_that_a_study_opens_by_its_database_file_and_with_odd_names(make_study: MakeStudy) -> None:
    study = make_study("50% of #1? ü")
    study.close()
    with Study.open(study.path / "study.sqlite3") as again:
        assert again.id == study.id


def test_that_a_newer_schema_is_left_alone(closed: Path) -> None:
    with closing(sqlite3.connect(closed / "study.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    for read_only in (False, True):
        with pytest.raises(NewerSchemaError, match=r"schema 99.*Nothing was changed"):
            Study.open(closed, read_only=read_only)


def test_that_a_folder_without_a_study_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StudyError, match="There is no study in"):
            Study.open(folder)


def test_that_a_file_that_is_no_database_is_left_as_it_is(closed: Path) -> None:
    file = closed / "study.sqlite3"
    file.write_bytes(b"hello" * 1000)
    with pytest.raises(CorruptStudyError, match="left as it is"):
        Study.open(closed)
    assert file.read_bytes() == b"hello" * 1000


def test_that_another_programs_database_is_not_taken_for_a_study(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "study.sqlite3")) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with pytest.raises(CorruptStudyError, match="another program"):
        Study.open(tmp_path)


def test_that_any_odd_byte_in_the_header_opens_or_is_a_sentence(closed: Path) -> None:
    """What SQLite says of some of them has a name that its mistakes in statements have, too."""
    file = closed / "study.sqlite3"
    sound = file.read_bytes()
    refused = []
    for place in range(16, 100):
        file.write_bytes(sound[:place] + b"\x09" + sound[place + 1 :])
        try:
            opening.open_reader(file).close()
        except StudyError:
            refused.append(place)
    assert 47 in refused, "the format of the schema, of which there are four"
    assert not set(refused) & set(range(48, 52)), "how much is kept in memory is only advice"


def test_that_a_damaged_study_names_its_newest_backup(tiny_study: Study) -> None:
    copy = tiny_study.backup()
    tiny_study.close()
    file = tiny_study.path / "study.sqlite3"
    content = bytearray(file.read_bytes())
    content[8192 : len(content) - 4096] = bytes(len(content) - 12288)
    file.write_bytes(content)
    with pytest.raises(CorruptStudyError, match=copy.name):
        Study.open(tiny_study.path)
    file.unlink()
    shutil.copy(copy, file)
    with Study.open(tiny_study.path) as study:
        assert study.info().images == 24


def test_that_a_new_study_takes_no_folder_in_use(closed: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="already"):
        Study.create(closed)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="other files"):
        Study.create(tmp_path)


def test_that_a_full_disk_keeps_what_was_there(tiny_study: Study) -> None:
    def fill_up(connection: object) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()  # type: ignore[attr-defined]
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]

    before = tiny_study.trials()
    tiny_study._write.read(fill_up)
    with pytest.raises(
        DiskFullError,
        match=r"is full\. Nothing of this step was saved; everything before it was kept",
    ):
        tiny_study.record([rating(tiny_study) for _ in range(2000)])
    assert tiny_study.trials() == before
    assert tiny_study.check() == []


def test_that_a_failed_opening_lets_go_of_the_lock(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: Path, tell: Callable[[str], None]) -> None:
        raise CorruptStudyError("on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(opening, "open_writer", fail)
        with pytest.raises(CorruptStudyError, match="on purpose"):
            Study.open(closed)
    Study.open(closed).close()


def test_that_a_network_share_is_refused(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "network_share", lambda folder: "nfs4")
    with pytest.raises(StudyError, match=r"network share \(nfs4\).*PostgreSQL"):
        Study.open(closed)
    Study.open(closed, read_only=True).close()


def test_that_mounts_of_shares_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(
        "/dev/sda / ext4 rw 0 0\nserver:/x /mnt/my\\040lab nfs4 rw 0 0\n"
    )
    assert writer_lock.network_share(Path("/mnt/my lab/s.prism"), tmp_path / "mounts") == "nfs4"
    assert writer_lock.network_share(Path("/mnt/my labels/s.prism"), tmp_path / "mounts") is None
    assert writer_lock.network_share(tmp_path, tmp_path / "none") is None


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every account of the machine may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(
    not hasattr(os, "geteuid"), reason="Windows has no read-only folders in this sense"
)
def test_that_a_read_only_folder_is_refused_for_writing_and_can_be_read(public: Path) -> None:
    Study.create(public / "a.prism").close()
    for place in (public / "a.prism", public / "a.prism" / "study.sqlite3"):
        place.chmod(0o555 if place.is_dir() else 0o444)
    code = f"""
from prism_desktop.engine.study.store import Study
with Study.open({str(public / "a.prism")!r}, read_only=True) as study:
    print(len(study.attributes()))
try:
    Study.open({str(public / "a.prism")!r})
except Exception as error:
    print(type(error).__name__, error)
"""
    # Root may write everywhere, so the child gives its rights up once everything is imported.
    drop = "import os, prism_desktop.engine.study.store, sqlalchemy.dialects.sqlite\n"
    drop += "if os.geteuid() == 0: os.setuid(65534)\n"
    child = subprocess.run(
        [sys.executable, "-c", drop + code], capture_output=True, text=True, check=False
    )
    assert child.stderr == ""
    assert child.stdout.startswith("3\nReadOnlyStudyError The study ")
    assert "open it read-only" in child.stdout
    (public / "a.prism").chmod(0o755)


def test_that_looking_at_an_open_study_again_leaves_its_locks(tmp_path: Path) -> None:
    """A process that closes a file itself loses every lock that SQLite holds on it there."""
    path = tmp_path / "a.prism"
    file = str(path / opening.FILE)
    other = f"import sqlite3; sqlite3.connect({file!r}).execute('SELECT * FROM meta')"
    with Study.create(path, attributes=("smart",)) as study:
        study.add_labeler("L1")
        Study.open(path, read_only=True).close()
        subprocess.run([sys.executable, "-c", other], check=True)
        study.add_labeler("L2")
    with Study.open(path, read_only=True) as study:
        assert [one.code for one in study.labelers()] == ["L1", "L2"]


def test_that_what_a_cut_off_attempt_left_is_no_part_of_a_new_study(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    file.write_bytes(b"half of a database")
    opening.make_empty(file)
    with closing(sqlite3.connect(file)) as made:
        assert made.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert made.execute("SELECT count(*) FROM trial").fetchone() == (0,)
