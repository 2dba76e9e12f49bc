"""A study that vanishes while it is open: nothing is acknowledged that is not there, nothing is
lost."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from prism_desktop.engine import paths
from prism_desktop.engine.errors import InputError, StudyGoneError
from prism_desktop.engine.study import session_writer
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.records import GivenAnswers, PendingAnswers, TrialRecord
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import finished
from tests.engine.study.test_store import comparison, rating


def _replace(study: Path) -> None:
    shutil.copytree(study, study.with_name("other"))
    study.rename(study.with_name("aside"))
    study.with_name("other").rename(study)


def _replace_database(study: Path) -> None:
    shutil.copy(study / "study.sqlite3", study / "copy")
    (study / "copy").replace(study / "study.sqlite3")


VANISHING: dict[str, Callable[[Path], object]] = {
    "deleted": shutil.rmtree,
    "moved": lambda study: study.rename(study.with_name("elsewhere.prism")),
    "replaced": _replace,
    "database deleted": lambda study: (study / "study.sqlite3").unlink(),
    "database moved": lambda study: (study / "study.sqlite3").rename(study / "old"),
    "database replaced": _replace_database,
    "log deleted": lambda study: (study / "study.sqlite3-wal").unlink(),
}


@pytest.mark.parametrize("vanish", VANISHING.values(), ids=VANISHING.keys())
def test_that_answers_to_a_study_that_is_gone_are_kept_and_come_back(
    tiny_study: Study, tmp_path: Path, vanish: Callable[[Path], object]
) -> None:
    tiny_study.close()
    shutil.copytree(tiny_study.path, tmp_path / "copy.prism")
    with Study.open(tiny_study.path) as study:
        kept = [rating(study), comparison(study, seconds=1.25)]
        for trial in kept:
            study.record(trial)
        study.withdraw(kept[0].id)
        lost = rating(study, order=9)
        vanish(study.path)
        for _ in range(2):  # trying again is refused too, and is the same answer
            with pytest.raises(StudyGoneError, match=r"no longer where it was opened") as refused:
                study.record(lost)
        assert "All 3 answers of this session are kept in" in str(refused.value)
        with pytest.raises(StudyGoneError):
            study.keep_pending(
                PendingAnswers("L1", "rating", lost.left, None, GivenAnswers({"smart": 1}))
            )
    files = sorted(paths.rescued().iterdir())
    assert [file.name.rsplit("-", 1)[1] for file in files] == ["comparisons.jsonl", "ratings.jsonl"]
    lines = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    assert {line["trial"]: line["number"] for line in lines} == {
        trial.id: number for number, trial in enumerate((*kept, lost), 1)
    }
    with Study.open(tmp_path / "copy.prism") as again:
        finished(import_files(again, files))
        found = {trial.id: trial for trial in again.trials(current=False)}
        for trial in (*kept, lost):
            assert found[trial.id].answers == trial.answers
            assert found[trial.id].seconds == trial.seconds
            assert found[trial.id].source == "labeled"
        assert found[kept[0].id].status == "withdrawn"
        assert again.check() == []


@pytest.mark.parametrize("vanish", ["replaced", "database replaced"])
def test_that_what_is_read_is_never_another_studys(tiny_study: Study, vanish: str) -> None:
    VANISHING[vanish](tiny_study.path)
    with pytest.raises(StudyGoneError, match=r"was replaced by another .* Open it again"):
        tiny_study.trials()
    tiny_study.close()
    with Study.open(tiny_study.path) as again:
        assert again.trials()


@pytest.mark.parametrize("vanish", ["deleted", "moved"])
def test_that_what_is_still_open_of_a_study_that_is_gone_can_be_looked_at(
    tiny_study: Study, vanish: str
) -> None:
    before = tiny_study.trials()
    VANISHING[vanish](tiny_study.path)
    assert tiny_study.trials() == before


def test_that_a_study_that_comes_back_goes_on(tiny_study: Study) -> None:
    trial, path = rating(tiny_study), tiny_study.path
    path.rename(path.with_name("aside"))
    with pytest.raises(StudyGoneError):
        tiny_study.record(trial)
    path.with_name("aside").rename(path)
    tiny_study.record(trial)
    assert tiny_study.trials()[-1] == trial
    with pytest.raises(InputError, match="is in the study already"):
        tiny_study.record(trial)


def test_that_a_rescue_that_fails_is_told_too(
    tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-folder").touch()
    monkeypatch.setenv("PRISM_DATA", str(tmp_path / "no-folder"))
    trial: TrialRecord = rating(tiny_study)
    shutil.rmtree(tiny_study.path)
    with pytest.raises(StudyGoneError, match=r"could not be kept in .*no-folder"):
        tiny_study.record(trial)


def test_that_the_rescue_of_a_study_that_cannot_even_be_read_has_what_was_answered(
    tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    tiny_study.close()
    shutil.copytree(tiny_study.path, tmp_path / "copy.prism")
    with Study.open(tiny_study.path) as study:
        stored, lost = rating(study), comparison(study)
        study.record(stored)
        shutil.rmtree(study.path)
        with monkeypatch.context() as broken:
            broken.setattr(session_writer.queries, "trials", fail)
            with pytest.raises(StudyGoneError, match="All 2 answers of this session are kept in"):
                study.record(lost)
    with Study.open(tmp_path / "copy.prism") as again:
        finished(import_files(again, sorted(paths.rescued().iterdir())))
        found = {trial.id: trial.answers for trial in again.trials()}
    assert found[stored.id] == stored.answers
    assert found[lost.id] == lost.answers
