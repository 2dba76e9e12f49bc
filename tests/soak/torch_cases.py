"""The commands that load torch, as `cases` tells those of the store."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from prism_desktop.engine.experiments.curve_store import kshot_curves, learning_curves
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Leaderboard
from prism_desktop.engine.runs.run_list import RunSummary, list_runs
from prism_desktop.engine.study.store import Study
from tests.soak.cases import Arguments, Case, study_in, with_vectors

QUICK = (
    "--epochs", "2", "--device", "cpu", "--set", "max_steps=6", "--set", "batch=16",
    "--set", "threads=1", "--set", "checkpoint_seconds=0.01",
)  # fmt: skip


def with_torch(backbone: str) -> tuple[Case, ...]:
    """Commands that load torch, on a backbone."""
    tower, frozen = ("--backbone", backbone, *QUICK), ("--backbone", "embeddings:net")
    closed = (*frozen, "--device", "cpu", "--set", "threads=1")

    def train(*settings: str) -> Arguments:
        return lambda f: ["train", str(study_in(f)), *settings]

    def go_on(start: Arguments) -> Callable[[Path], list[list[str]]]:
        def commands(folder: Path) -> list[list[str]]:
            runs = _own(folder)
            if runs and runs[0].state == "finished":
                return []
            if runs and runs[0].resumable and (runs[0].path / "data" / "meta.json").exists():
                return [["resume", str(runs[0].path)]]
            return [start(folder)]

        return commands

    gradient = train("--method", "lora-visual-prompt", *tower)
    form = train("--method", "hierarchical-bayes", *closed)
    return (
        Case("train by gradient", gradient, _newest, _with_set, go_on(gradient)),
        Case("train a closed form", form, _newest, _with_set, go_on(form)),
        Case(
            "resume",
            lambda f: ["resume", str(_run(f))],
            _newest,
            _with_set,
            go_on(gradient),
            cut=gradient,
        ),
        Case(
            "evaluate",
            lambda f: ["evaluate", str(_run(f)), "--json", str(f / "out.json")],
            lambda f: json.loads((f / "out.json").read_text("utf-8"))["test"],
            _with_set,
            first=form,
        ),
        Case(
            "predict",
            lambda f: ["predict", str(_run(f)), "--all-images", "--csv", str(f / "out.csv")],
            lambda f: (f / "out.csv").read_text("utf-8"),
            _with_set,
            first=gradient,
        ),
        Case(
            "compare",
            lambda f: [
                "compare", str(study_in(f)), "--methods",
                "hierarchical-bayes,collaborative,retrieval", *closed,
                "--name", "one", "--csv", str(f / "out.csv"),
            ],
            _board,
            _with_set,
        ),
        Case(
            "search",
            lambda f: [
                "search", str(study_in(f)), "--method", "lora-visual-prompt", "--trials", "3",
                *tower, "--name", "one", "--json", str(f / "out.json"),
            ],
            lambda f: sum(json.loads((f / "out.json").read_text("utf-8"))["trials"].values()) >= 3,
            _with_set,
        ),
        Case(
            "adapt",
            lambda f: ["adapt", str(_run(f)), "--labels", str(f / "new.csv"), "--json",
                       str(f / "out.json")],
            _adapted,
            _with_set,
            first=form,
        ),
        Case(
            "report",
            lambda f: ["report", str(_run(f)), "--out", str(f / "report.zip")],
            _bundle,
            _with_set,
            first=form,
        ),
        Case(
            "measure shots",
            lambda f: [
                "shots", str(study_in(f)), "--shots", "0,5", "--resamples", "2", "--folds", "2",
                *closed,
            ],
            lambda f: [_timeless(curve.dump()) for curve in kshot_curves(study_in(f))],
            _with_set,
        ),
        Case(
            "measure a curve",
            lambda f: [
                "curve", str(study_in(f)), "--counts", "10,20,40", "--resamples", "2", *closed,
            ],
            lambda f: [_timeless(curve.dump()) for curve in learning_curves(study_in(f))],
            _with_set,
        ),
    )  # fmt: skip


def _with_set(folder: Path) -> None:
    """A study with embeddings, and the answers of somebody who is not in it."""
    from prism_desktop.engine.study.importing.import_files import import_embedding_file

    with_vectors(folder)
    with Study.open(study_in(folder)) as study:
        for _ in import_embedding_file(study, folder / "net.npz"):
            pass
    with (folder / "new.csv").open("w", encoding="utf-8") as file:
        file.write("rater,image,attractive,smart\n")
        file.writelines(f"N1,face-{n:03d}.jpg,{1 + n % 4},{1 + n // 3 % 4}\n" for n in range(42))


def _own(folder: Path) -> list[RunSummary]:
    """Runs that somebody asked for, the newest first: not what they are compared with."""
    return [run for run in list_runs(study_in(folder)) if run.method != "consensus"]


def _run(folder: Path) -> Path:
    return _own(folder)[0].path


def _newest(folder: Path) -> object:
    """Scores and accuracies of the newest run."""
    run = RunFolder(_run(folder))
    summary = run.summary()
    scores = run.predictions().to_csv(index=False)
    return run.status().state, summary and summary.test.dump(), scores


def _board(folder: Path) -> object:
    board = Leaderboard.load(study_in(folder) / "comparisons" / "one" / "leaderboard.json")
    assert board is not None
    rows = [(row.method, row.test.dump()) for row in board.methods]
    return rows, [failure.dump() for failure in board.failed]


def _timeless(value: object) -> object:
    """Without what differs from run to run."""
    if isinstance(value, dict):
        differs = {"seconds", "time", "created", "measured"}
        return {key: _timeless(part) for key, part in value.items() if key not in differs}
    return [_timeless(part) for part in value] if isinstance(value, list) else value


def _adapted(folder: Path) -> object:
    found = json.loads((folder / "out.json").read_text("utf-8"))
    return {key: found[key] for key in ("code", "accuracy", "answers", "start")}


def _bundle(folder: Path) -> object:
    """The parts of a report; free room on the disk changes."""
    with zipfile.ZipFile(folder / "report.zip") as opened:
        names = sorted(opened.namelist())
        return names, opened.testzip(), opened.read("settings.json")
