"""What must hold of a study after whatever happened to the process that wrote it."""

import os
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path

from prism_desktop.engine.runs.folder import ACTIVE
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.records import GivenAnswers, PendingAnswers
from prism_desktop.engine.study.store import Study

Answers = dict[str, tuple[str, dict[str, object]]]  # of a trial: its state and what was answered


def assert_whole(
    folder: Path,
    told: Sequence[str],
    before: Answers,
    *,
    open_steps: int = 1,
    known: Collection[str] = (),
) -> None:
    """The study opens and is sound; what was acknowledged is there, and nothing twice.

    Args:
        folder: the study.
        told: what was acknowledged, oldest first, as `jobs.label` tells it.
        before: what the study held before.
        open_steps: how many steps may have been done that were not told yet.
        known: kinds of problems that the study has anyway.
    """
    with Study.open(folder) as study:
        problems = [problem.text for problem in study.check() if problem.kind not in known]
        assert not problems, problems
        log = {trial.id: trial for trial in study.trials(current=False)}
        states = _told_of(told)
        for trial, (_, answers) in before.items():
            assert log[trial].answers == answers
        moved = [
            trial
            for trial, (status, _) in before.items()
            if log[trial].status != status and trial not in states
        ]
        assert len(moved) <= open_steps, f"Changed and not told: {moved}"
        lost = states.keys() - log.keys()
        assert not lost, f"Acknowledged and gone: {sorted(lost)}"
        assert len(log.keys() - before.keys() - states.keys()) <= open_steps
        other = [
            trial
            for trial, state in states.items()
            if (log[trial].status == "withdrawn") != (state == "withdrawn")
        ]
        assert len(other) <= open_steps, f"Acknowledged and undone: {other}"
        _assert_pending(study, told)


def _told_of(told: Sequence[str]) -> dict[str, str]:
    """The state of each trial that was told last."""
    rows = [line.split() for line in told if line.startswith(("answered", "withdrawn"))]
    return {row[1]: row[0] for row in rows}


def _assert_pending(study: Study, told: Sequence[str]) -> None:
    """Answers of a trial that was never completed are kept until a trial is recorded."""
    if told and told[-1].startswith("pending"):
        _, left, right = told[-1].split()
        kept = study.pending("L1", "comparison")
        expected = PendingAnswers("L1", "comparison", left, right, GivenAnswers({"smart": "left"}))
        # the next step may have been done already, which forgets or replaces them
        assert kept is None or kept == expected or kept.given == expected.given


def state_of(folder: Path) -> Answers:
    """Every trial of a study's log, but for those that an import can take away again."""
    with Study.open(folder) as study:
        return {
            trial.id: (trial.status, dict(trial.answers))
            for trial in study.trials(current=False)
            if trial.source != "imported"
        }


def assert_backups_whole(folder: Path, promised: Collection[str] = ()) -> None:
    """Every backup that bears the name of one can be gone back to."""
    found = sorted((folder / "backups").glob("*.sqlite3"))
    assert set(promised) <= {file.name for file in found}
    for file in found:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert connection.execute("SELECT count(*) FROM meta").fetchone()[0] >= 4


def assert_runs_told(folder: Path) -> None:
    """No run is said to go on whose process is gone."""
    for run in list_runs(folder):
        assert run.state not in ACTIVE, (run.name, run.state)


def leftovers(folder: Path) -> list[str]:
    """Files of a study that only exist while something else is written, an hour later.

    What a killed run began lies in the run's folder, and goes with it.
    """
    for path in folder.glob("*.prism/**/.*.tmp*"):
        os.utime(path, (0, 0))
    for study in folder.glob("*.prism/study.sqlite3"):
        Study.open(study.parent).close()
    found = [
        path.relative_to(folder)
        for path in folder.glob("*.prism/**/*")
        if path.name.endswith((".tmp", ".part")) or path.name.startswith((".", "study.part"))
    ]
    return sorted(str(path) for path in found if path.parts[1] not in ("runs", "cache"))
