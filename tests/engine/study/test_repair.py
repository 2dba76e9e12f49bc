"""Mending: afterwards a check is clean, what was sound is as it was, and nothing is gone."""

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from prism_desktop.cli.main import app
from prism_desktop.engine.errors import StudyLockedError
from prism_desktop.engine.study.embeddings import path_of, write_embeddings
from prism_desktop.engine.study.exporting.export import export
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.repair import repair
from prism_desktop.engine.study.store import Study
from tests.engine.study.damage import altered
from tests.engine.study.helpers import finished
from tests.engine.study.test_odd_rows import ODD, rich  # noqa: F401, a fixture
from tests.engine.study.test_received_schema import PLANTED, planted

DATABASE = {
    "schema", "integrity", "identity", "reference", "value", "kind", "order", "date", "json",
    "identifier", "checksum", "fold",
}  # fmt: skip


def _mended(path: Path, before: dict[str, object], what: str) -> int:
    """Repair a study and look at it; how many trials were moved out."""
    report = repair(path)
    with Study.open(path) as study:
        left = [problem for problem in study.check() if problem.kind in DATABASE]
        assert left == [], what
        after = {trial.id: trial for trial in study.trials(current=False)}
        assert len(after) + report.moved == len(before), what
        changed = [key for key in after if after[key] != before.get(key)]
        assert len(changed) <= 3, what  # what was put right, and what referred to what is gone
    assert report.backup.is_file()
    return report.moved


def _each(statements: list[str], study: Study) -> None:
    before: dict[str, object] = {trial.id: trial for trial in study.trials(current=False)}
    study.close()
    whole = (study.path / "study.sqlite3").read_bytes()
    for statement in statements:
        for file in study.path.glob("study.sqlite3*"):
            file.unlink()
        (study.path / "study.sqlite3").write_bytes(whole)
        for file in (study.path / "backups").iterdir():
            file.unlink()
        _mended(altered(study, statement), before, statement)


def test_that_damage_is_mended_and_nothing_is_gone(rich: Study) -> None:  # noqa: F811
    _each(random.Random(5).sample(list(ODD), 8), rich)


@pytest.mark.soak
def test_that_every_damage_is_mended_and_nothing_is_gone(rich: Study) -> None:  # noqa: F811
    _each(list(ODD), rich)


@pytest.mark.parametrize(
    "script", [PLANTED[name] for name in ("deletes answers", "table is a view", "column less")]
)
def test_that_a_foreign_schema_is_mended(tiny_study: Study, script: str) -> None:
    before: dict[str, object] = {trial.id: trial for trial in tiny_study.trials(current=False)}
    assert _mended(planted(tiny_study, script), before, script) == 0


def test_that_a_damaged_trial_comes_back_from_the_log(tiny_study: Study, tmp_path: Path) -> None:
    before = {trial.id: trial for trial in tiny_study.trials(current=False)}
    path = altered(
        tiny_study,
        "UPDATE trial SET seconds = 77 WHERE id = 1",
        "UPDATE labeler SET profile = x'00', display_name = 'Zoë' WHERE code = 'L2'",
    )
    told = CliRunner().invoke(app, ["study", "check", str(path), "--repair"])
    assert told.exit_code == 0, told.output
    words = " ".join(told.output.split())
    assert "1 damaged trial was moved out of it" in words
    assert words.endswith("The study is sound.")
    files = sorted((path / "repairs").glob("*s.jsonl"))
    trials = [file for file in files if "other" not in file.name]
    told = files[1].read_text(encoding="utf-8")
    assert "Zoë" in told  # for whoever opens it in an editor
    other = [json.loads(line) for line in told.splitlines()]
    assert {"labeler"} <= {row["table"] for row in other}
    with Study.open(path) as study:
        finished(import_files(study, trials))
        after = {trial.id: trial for trial in study.trials(current=False)}
        assert after.keys() == before.keys()
        assert all(after[key].answers == before[key].answers for key in before)


@pytest.mark.parametrize(
    "odd", ["copied = 1, path = '/dev/zero'", "copied = 1, path = '../x'", "path = x'ff'"]
)
def test_that_an_image_in_an_odd_place_keeps_its_answers(tiny_study: Study, odd: str) -> None:
    """It is missing, until its file is found again by its content."""
    before = tiny_study.trials(current=False)
    faces = tiny_study.images()[0].path.parent
    path = altered(tiny_study, f"UPDATE stimulus SET {odd} WHERE id < 4")
    with Study.open(path, read_only=True) as study:
        assert study.trials(current=False) == before
        assert sum(image.missing for image in study.images()) == 3
    repair(path)
    with Study.open(path) as study:
        assert study.trials(current=False) == before
        assert {problem.kind for problem in study.check()} == {"missing"}
        study.relink(faces)
        assert not study.check()


@pytest.mark.parametrize(
    "odd", ["width = 0", "height = -5", "width = 'tall'", "width = x'00', height = 1e300"]
)
def test_that_an_image_of_an_odd_size_keeps_its_answers(
    tiny_study: Study, tmp_path: Path, odd: str
) -> None:
    """Its size is unknown, until its file is read again."""
    before, images = tiny_study.trials(current=False), tiny_study.images()
    path = altered(tiny_study, f"UPDATE stimulus SET {odd} WHERE id < 4")
    with Study.open(path, read_only=True) as study:
        assert study.trials(current=False) == before
        unknown = [image for image in study.images() if image not in images]
        assert [(image.width, image.height) for image in unknown] == [(0, 0)] * 3
        assert [problem.kind for problem in study.check()] == ["value"]
        finished(export(study, tmp_path / "out"))
        table = pd.read_csv(tmp_path / "out" / "images.csv")
        assert table["width"].isna().sum() == 3
        assert table["width"].min() > 0
    repair(path)
    with Study.open(path) as study:
        assert study.trials(current=False) == before
        assert study.images() == images
        assert not study.check()


def test_that_embeddings_of_no_import_are_moved(tiny_study: Study) -> None:
    path = tiny_study.path
    write_embeddings(path, "stray", [image.id for image in tiny_study.images()], np.eye(24, 8))
    content = path_of(path, "stray").read_bytes()
    assert [problem.kind for problem in tiny_study.check()] == ["embeddings"]
    tiny_study.close()
    report = repair(path)
    assert "Embeddings that belong to no import were moved" in report.summary()
    assert [file.read_bytes() for file in report.files] == [content]
    assert not path_of(path, "stray").exists()
    with Study.open(path) as study:
        assert study.check() == []


def test_that_an_open_study_is_not_repaired(tiny_study: Study) -> None:
    with pytest.raises(StudyLockedError, match="Nothing was changed"):
        repair(tiny_study.path)


def test_that_a_sound_study_stays_as_it_is(tiny_study: Study) -> None:
    before = tiny_study.trials(current=False), tiny_study.labelers(), tiny_study.images()
    tiny_study.close()
    report = repair(tiny_study.path)
    assert (report.moved, report.changed, report.files) == (0, 0, [])
    with Study.open(tiny_study.path) as study:
        assert (study.trials(current=False), study.labelers(), study.images()) == before
        assert study.check() == []
