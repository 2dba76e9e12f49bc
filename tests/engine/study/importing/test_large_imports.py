"""Large imports tell how far they are, can be cancelled, and are not read twice."""

from pathlib import Path

import pytest

from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.study.importing.import_files import apply_plan
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.importing.plan_making import plan_import
from prism_desktop.engine.study.importing.reading import file_reading
from prism_desktop.engine.study.importing.reading.file_reading import KeptTables
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy

ROWS = 60_000


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return make_study(labelers=0)


@pytest.fixture
def large(study: Study, tmp_path: Path) -> Path:
    names = [image.name for image in study.images()]
    lines = ["participant,image,attractive,trial"]
    lines += [f"r{n // 24},{names[n % 24]},{1 + n % 7},{n}" for n in range(ROWS)]
    file = tmp_path / "large.csv"
    file.write_text("\n".join(lines), "utf-8")
    return file


def _plan(study: Study, file: Path, recipe: Recipe, kept: KeptTables | None) -> ImportPlan:
    events = list(plan_import(study, [file], recipe, kept=kept))
    assert isinstance(events[-1], Done)
    return events[-1].value


def test_that_reading_tells_how_far_it_is(study: Study, large: Path) -> None:
    shares = [event.done / event.total for event in plan_import(study, [large])
              if isinstance(event, Progress) and event.what.startswith("Reading large")
              and event.total]  # fmt: skip
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert any(0 < share < 1 for share in shares)


def test_that_another_recipe_does_not_read_the_file_again(
    study: Study, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptTables()
    first = _plan(study, large, Recipe(), kept)
    monkeypatch.setattr(file_reading, "reading_data_tables", lambda *_: pytest.fail("read again"))
    again = _plan(study, large, Recipe(missing=("7",)), kept)
    assert first.ratings == ROWS
    assert again.ratings == ROWS - ROWS // 7


def test_that_a_file_that_changed_is_read_again(study: Study, large: Path) -> None:
    kept = KeptTables()
    _plan(study, large, Recipe(), kept)
    large.write_text("\n".join(large.read_text("utf-8").splitlines()[:101]), "utf-8")
    assert _plan(study, large, Recipe(), kept).ratings == 100


def test_that_an_import_that_is_cancelled_while_it_is_written_leaves_nothing(
    study: Study, large: Path
) -> None:
    before = study.info().rating_trials
    work = apply_plan(study, _plan(study, large, Recipe(), None))
    assert isinstance(next(work), Progress)
    next(work)
    work.close()  # type: ignore[attr-defined]
    assert study.info().rating_trials == before
    assert not [report for report in study.imports() if "large.csv" in report.source]
