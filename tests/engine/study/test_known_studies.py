"""Where a study comes from, and which studies are known on this computer."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop import __version__
from prism_desktop.engine import paths
from prism_desktop.engine.study import known_studies
from prism_desktop.engine.study.known_studies import origin, remember
from prism_desktop.engine.study.records import StudyInfo
from prism_desktop.engine.study.store import Study


@pytest.fixture
def made(tmp_path: Path) -> StudyInfo:
    """A study that was made here just now."""
    with Study.create(tmp_path / "own.prism", attributes=("kind",)) as study:
        return study.info()


def _strange() -> None:
    """From now on this is another computer."""
    (paths.config() / "studies.json").unlink()


def test_that_a_study_made_here_is_known(made: StudyInfo) -> None:
    found = origin(made)
    assert (found.known, found.foreign, found.owner, found.before) == (True, False, "", "")
    assert found.version == __version__
    assert f"by PRISM Desktop {__version__}" in found.sentence()


def test_that_a_study_from_elsewhere_is_foreign_until_it_is_remembered(made: StudyInfo) -> None:
    _strange()
    assert origin(made).foreign
    assert "never open on this computer before" in origin(made).sentence()
    remember(made.id, made.path)
    assert not origin(made).foreign


def test_that_a_copy_of_a_known_study_says_where_that_is(made: StudyInfo, tmp_path: Path) -> None:
    shutil.copytree(made.path, tmp_path / "came back.prism")
    found = origin(replace(made, path=tmp_path / "came back.prism"))
    assert found.foreign
    assert found.before == str(made.path)
    assert str(made.path) in found.sentence()


def test_that_the_owner_of_a_study_is_told(
    made: StudyInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_001)
    owner = origin(made).owner
    assert owner
    assert f"belongs to {owner}" in origin(made).sentence()
    monkeypatch.undo()
    if os.getuid() == 0:
        os.chown(made.path / "study.sqlite3", 4_000_002, -1)
        assert origin(made).owner == "the user with the number 4000002"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"made_on": "x\x1b[31m\ny", "made_by": "<b>9</b>"}, "by PRISM Desktop <b>9</b>"),
        ({"made_on": "h" * 10_000, "made_by": ""}, "on the computer hhh"),
        ({"made_on": "", "made_by": ""}, "Made on"),
        ({"made_on": "", "made_by": "", "created": 0.0}, "does not say where it was made"),
        ({"created": 1e18}, "by PRISM Desktop"),
        ({"created": float("nan")}, "by PRISM Desktop"),
    ],
)
def test_that_what_a_study_says_of_itself_is_one_plain_line(
    made: StudyInfo, said: dict[str, str], text: str
) -> None:
    line = origin(replace(made, **said)).sentence()
    assert text in line
    assert line.isprintable()
    assert len(line) < 400


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"x": 1}', b'{"x": [1, null]}', b"{" * 100_000, None]
)
def test_that_a_damaged_list_is_no_obstacle(made: StudyInfo, content: bytes | None) -> None:
    file = paths.config() / "studies.json"
    if content is None:
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(content)
    assert not origin(made).known
    remember(made.id, made.path)
    assert origin(made).known == (content is not None)


def test_that_the_list_does_not_grow_for_ever(
    made: StudyInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_studies, "_MOST", 5)
    for number in range(9):
        remember(f"study {number}", tmp_path)
    kept = json.loads((paths.config() / "studies.json").read_text())
    assert list(kept) == [f"study {number}" for number in range(4, 9)]


def test_that_a_study_of_an_older_program_is_read(made: StudyInfo) -> None:
    with closing(sqlite3.connect(made.path / "study.sqlite3")) as database, database:
        database.execute("DELETE FROM meta WHERE key LIKE 'made%'")
    with Study.open(made.path, read_only=True) as study:
        found = origin(study.info())
    assert (found.host, found.version) == ("", "")
    assert found.sentence().startswith("Made on ")


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_that_a_list_of_studies_that_is_a_link_stops_nothing(made: StudyInfo) -> None:
    file = paths.config() / "studies.json"
    elsewhere = file.rename(file.with_name("kept elsewhere"))
    before = elsewhere.read_bytes()
    file.symlink_to(elsewhere)
    remember("0" * 32, made.path)
    assert elsewhere.read_bytes() == before
    assert origin(made).known
