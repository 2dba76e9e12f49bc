"""A study that may only be read: whatever would change something in it is refused, and nothing
changes."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from prism_desktop.engine import access
from prism_desktop.engine.adaptation.adapt import adapt
from prism_desktop.engine.adaptation.adaptation_request import adapt_in_worker
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import NewerSchemaError, ReadOnlyStudyError
from prism_desktop.engine.experiments.comparison import compare
from prism_desktop.engine.experiments.comparison_plan import ComparisonPlan
from prism_desktop.engine.experiments.kshot import KShotPlan, measure_kshot
from prism_desktop.engine.experiments.learning_curve import CurvePlan, measure_curve
from prism_desktop.engine.experiments.measurement import measure_in_worker
from prism_desktop.engine.experiments.search import SearchPlan, search
from prism_desktop.engine.processes import supervisor
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.named_views import delete_view, save_view
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import import_embedding_file, redo_import
from prism_desktop.engine.study.permission import require_writable
from prism_desktop.engine.study.records import (
    GivenAnswers,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    NewImage,
    PendingAnswers,
    SessionRecord,
)
from prism_desktop.engine.study.restoring import restore
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText, OwnText
from tests.fixtures.disk_state import disk_state

WHY = "Another window has this study open."
Operation = Callable[[Study, RunFolder], object]


def _all(events: Iterator[object]) -> None:
    for _ in events:
        pass


def _batch(study: Study) -> ImportBatch:
    return ImportBatch(
        report=ImportReport(
            id="i", source="x.csv", format="long", created=0.0, rows_read=0, rows_kept=0
        )
    )


ANSWERS: dict[str, Operation] = {
    "add_labeler": lambda s, r: s.add_labeler("new"),
    "add_labelers": lambda s, r: s.add_labelers([LabelerRecord("new")]),
    "update_labeler": lambda s, r: s.update_labeler("L1", display_name="Other"),
    "add_attribute": lambda s, r: s.add_attribute("kind"),
    "update_attribute": lambda s, r: s.update_attribute("smart", question="Who?"),
    "confirm_attribute": lambda s, r: s.confirm_attribute("smart"),
    "add_images": lambda s, r: s.add_images([NewImage(Path("x.png"), "x", "0" * 64, 1, 1)]),
    "add_texts": lambda s, r: s.add_texts([NewText("a", "A text.")]),
    "add_own_texts": lambda s, r: s.add_own_texts([OwnText("L1", "A text.")]),
    "record": lambda s, r: s.record(s.trials()[0]),
    "keep_pending": lambda s, r: s.keep_pending(
        PendingAnswers("L1", "rating", s.images()[0].id, None, GivenAnswers())
    ),
    "set_target": lambda s, r: s.set_target("rating", 3),
    "set_order": lambda s, r: s.set_order("rating", "telling"),
    "put_protocol": lambda s, r: s.put_protocol("x = 1"),
    "drop_protocol": lambda s, r: s.drop_protocol(),
    "bring_protocols": lambda s, r: s.bring_protocols({1: "x = 1"}, []),
    "note_session": lambda s, r: s.note_session(SessionRecord("s", "L1", None, None, None, None)),
    "withdraw": lambda s, r: s.withdraw(s.trials()[0].id),
    "restore": lambda s, r: s.restore(s.trials()[0].id),
    "apply_import": lambda s, r: s.apply_import(_batch(s)),
    "undo_import": lambda s, r: s.undo_import("i"),
    "dismiss_doubts": lambda s, r: s.dismiss_doubts("i"),
    "relink": lambda s, r: s.relink(r.study.parent),
    "backup": lambda s, r: s.backup(),
    "backing_up": lambda s, r: _all(s.backing_up()),
    "require_writable": lambda s, r: s.require_writable(),
    "restore_backup": lambda s, r: restore(s.path, "study-20260101-000000.sqlite3"),
    "redo_import": lambda s, r: _all(redo_import(s, "i")),
    "import_embeddings": lambda s, r: _all(import_embedding_file(s, r.log)),
    "import_images": lambda s, r: _all(import_images(s, r.study.parent, copy=True)),
}
RUNS: dict[str, Operation] = {
    "start": lambda s, r: supervisor.start(r.study, TrainConfig()),
    "resume": lambda s, r: supervisor.resume(r),
    "pause": lambda s, r: supervisor.pause(r),
    "proceed": lambda s, r: supervisor.proceed(r),
    "stop": lambda s, r: supervisor.stop(r),
    "discard": lambda s, r: supervisor.discard(r),
    "compare": lambda s, r: _all(compare(ComparisonPlan(r.study, ("consensus",), {}, (), 1))),
    "search": lambda s, r: _all(search(SearchPlan(r.study, "lora-visual-prompt"))),
    "measure_kshot": lambda s, r: _all(
        measure_kshot(KShotPlan(r.study, ("consensus",), (0,), 1, 2))
    ),
    "measure_curve": lambda s, r: _all(
        measure_curve(CurvePlan(r.study, "hierarchical-bayes", (4,), 1))
    ),
    "measure_in_worker": lambda s, r: _all(measure_in_worker("curve", r)),
    "adapt": lambda s, r: _all(adapt(r, labeler="L1")),
    "save_view": lambda s, r: save_view(r.study, "mine", {}),
    "delete_view": lambda s, r: delete_view(r.study, "mine"),
    "adapt_in_worker": lambda s, r: _all(adapt_in_worker(r, labeler="L1")),
}
FOLDER: dict[str, Operation] = {
    "create": lambda s, r: RunFolder.create(r.study, TrainConfig()),
    "set_status": lambda s, r: r.set_status("failed"),
    "tell": lambda s, r: r.tell("stop"),
    "delete": lambda s, r: r.delete(),
}


@pytest.fixture
def finished(tiny_study: Study) -> RunFolder:
    """A run of the study, which is closed."""
    run = RunFolder.create(tiny_study.path, TrainConfig())
    run.set_status("finished")
    tiny_study.close()
    return run


def test_that_whatever_changes_something_is_refused_where_the_study_may_only_be_read(
    finished: RunFolder,
) -> None:
    path = finished.study
    with Study.open(path, read_only=True, why=WHY) as study:
        before = disk_state(path)
        for name, operation in (ANSWERS | RUNS | FOLDER).items():
            with pytest.raises(ReadOnlyStudyError, match="Nothing was changed"):
                operation(study, finished)
            assert disk_state(path) == before, name
        assert study.read_only_reason == WHY
        assert not access.cache_folder(path).is_relative_to(path)
    assert access.cache_folder(path) == path / "cache"
    supervisor.discard(finished)  # may be written again
    assert not finished.path.exists()


def test_that_every_operation_of_a_study_is_in_the_table() -> None:
    reading = {"close", "create", "open", "check", "checking", "relinking", "backups"}
    reading |= {"backup_failure", "keep_apart"}  # apart: with the user, not in the study
    own = {name for name in vars(Study) if not name.startswith("_")}
    assert own - reading - {"read_only"} <= set(ANSWERS)


def test_that_an_older_program_changes_nothing_in_a_newer_study(finished: RunFolder) -> None:
    path = finished.study
    with closing(sqlite3.connect(path / "study.sqlite3")) as database:
        database.execute("PRAGMA user_version = 99")
    before = disk_state(path)
    for name, operation in RUNS.items():
        with pytest.raises(NewerSchemaError):
            operation(None, finished)  # type: ignore[arg-type]
        assert disk_state(path) == before, name


def test_that_a_folder_that_cannot_be_written_is_told(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ReadOnlyStudyError, match="cannot be written"):
        require_writable(finished.study)
