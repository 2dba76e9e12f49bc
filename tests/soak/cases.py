"""Every command that writes: how it is made ready, what it comes to, what to do after a kill."""

import csv
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prism_desktop.engine.experiments.curve_store import kshot_curves, learning_curves
from prism_desktop.engine.runs.folder import RunFolder, list_runs
from prism_desktop.engine.runs.result_files import Leaderboard
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import draw_faces, fill

UPGRADES = Path(__file__).parents[1] / "upgrades"
QUICK = (
    "--epochs", "2", "--device", "cpu", "--set", "max_steps=6", "--set", "batch=16",
    "--set", "threads=1", "--set", "checkpoint_seconds=0.01",
)  # fmt: skip
Arguments = Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A command that writes.

    Attributes:
        name: what is done.
        arguments: of the command line, given the folder of the case.
        result: what there is afterwards, as something that can be compared.
        prepare: fills the folder of the case, which holds a study and what the command reads.
        again: other commands than the same once more, after a kill.
        first: a command that is done before.
        cut: a command that is killed in its midst before.
        whole: whether what there is after a kill is what was before or the result, nothing between.
        known: kinds of problems that the study has before and may have afterwards.
    """

    name: str
    arguments: Arguments
    result: Callable[[Path], object]
    prepare: Callable[[Path], object] = lambda folder: None
    again: Callable[[Path], list[list[str]]] | None = None
    first: Arguments | None = None
    cut: Arguments | None = None
    whole: bool = False
    known: tuple[str, ...] = ()


def study_in(folder: Path) -> Path:
    return folder / "a.prism"


def _study(folder: Path, images: int = 42, comparisons: int = 60) -> None:
    with Study.create(study_in(folder), attributes=("attractive", "smart")) as study:
        fill(study, images=images, comparisons=comparisons)


def _ratings(path: Path, raters: int = 40, images: int = 24, top: int = 7) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["rater", "trial", "image", "attractive", "rt"])
        for rater in range(raters):
            for image in range(images):
                value = 1 + (rater * 5 + image * 3) % top
                rows.writerow([f"r{rater}", image + 1, f"face-{image:03d}.jpg", value, "0.8"])


def _with_ratings(folder: Path) -> None:
    _study(folder)
    _ratings(folder / "ratings.csv")


def _counts(folder: Path) -> object:
    """Ratings, their steps, imports that count, labelers and images."""
    with Study.open(study_in(folder)) as study:
        steps = sorted((t.labeler, t.left, *t.answers.items()) for t in study.trials(kind="rating"))
        digest = hashlib.sha256(repr(steps).encode()).hexdigest()
        imports = [report.undone is None for report in study.imports()]
        info = study.info()
        return info.rating_trials, digest, imports, len(study.labelers()), info.images


def _with_new_faces(folder: Path) -> None:
    _study(folder)
    draw_faces(folder / "more", 30, size=96, seed=7)


def _copies(folder: Path) -> object:
    with Study.open(study_in(folder)) as study:
        images = [(i.id, i.copied, i.missing) for i in study.images()]
    copies = (study_in(folder) / "images").glob("??/*")
    known = {image for image, *_ in images}
    # another file there is of no image, which `check` tells
    return sorted(images), sorted(p.name for p in copies if p.name.split(".")[0] in known)


def _with_vectors(folder: Path) -> None:
    _study(folder)
    names = [f"face-{n:03d}.jpg" for n in range(42)]
    vectors = np.random.default_rng(0).normal(size=(42, 16)).astype(np.float32)
    np.savez_compressed(folder / "net.npz", image=np.array(names), embedding=vectors)


def _vectors(folder: Path) -> object:
    """The sets that imports own."""
    with Study.open(study_in(folder)) as study:
        names = [str(r.mapping["embeddings"]) for r in study.imports() if "embeddings" in r.mapping]
    matrices = [read_embeddings(study_in(folder), name)[1] for name in names]
    return names, [hashlib.sha256(matrix.tobytes()).hexdigest() for matrix in matrices]


def _moved(folder: Path) -> None:
    _study(folder)
    (folder / "a-faces").rename(folder / "elsewhere")


def _missing(folder: Path) -> object:
    with Study.open(study_in(folder)) as study:
        return [image.missing for image in study.images()]


def _imported(folder: Path) -> str:
    from prism_desktop.engine.events import Done
    from prism_desktop.engine.study.importing.import_files import import_files

    _with_ratings(folder)
    with Study.open(study_in(folder)) as study:
        *_, done = import_files(study, [folder / "ratings.csv"])
        assert isinstance(done, Done)
        return str(done.value.id)


def _first_import(folder: Path) -> str:
    with Study.open(study_in(folder), read_only=True) as study:
        return study.imports()[0].id


def _undone(folder: Path) -> None:
    identifier = _imported(folder)
    with Study.open(study_in(folder)) as study:
        study.undo_import(identifier)


def _old(folder: Path) -> None:
    study_in(folder).mkdir()
    content = (UPGRADES / "schema-0001.sql").read_text("utf-8")
    with closing(sqlite3.connect(study_in(folder) / "study.sqlite3")) as connection:
        connection.executescript(content)


def _log(folder: Path) -> object:
    with Study.open(study_in(folder)) as study:
        log = study.trials(current=False)
        return study.info().schema_version, sorted((t.id, t.status, str(t.answers)) for t in log)


def _files(folder: Path) -> object:
    """What an export wrote; workbooks hold the time, so only their sizes' order counts."""
    out = folder / "out"
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.glob("*"))
        if path.suffix in (".csv", ".parquet")
    }


def _demo(folder: Path) -> object:
    with Study.open(study_in(folder)) as study:
        answers = sorted((t.labeler, t.left, t.right or "", str(t.answers)) for t in study.trials())
        return study.info().images, hashlib.sha256(repr(answers).encode()).hexdigest()


def _made_again(folder: Path) -> list[list[str]]:
    """A study that is there is filled, one that is not is made."""
    faces = ["--images", str(folder / "more"), "--copy"]
    if (study_in(folder) / "study.sqlite3").exists():
        return [["study", "import", str(study_in(folder)), str(folder / "more"), "--copy"]]
    return [["study", "new", str(study_in(folder)), *faces]]


def _drawn_again(folder: Path) -> list[list[str]]:
    shutil.rmtree(study_in(folder), ignore_errors=True)  # what is told to be there already
    return [["demo", str(study_in(folder)), "--images", "60"]]


STORE = (
    Case(
        "import a table",
        lambda f: ["study", "import", str(study_in(f)), str(f / "ratings.csv")],
        _counts,
        _with_ratings,
        whole=True,
    ),
    Case(
        "copy images in",
        lambda f: ["study", "import", str(study_in(f)), str(f / "more"), "--copy"],
        _copies,
        _with_new_faces,
        whole=True,
    ),
    Case(
        "import embeddings",
        lambda f: ["study", "import", str(study_in(f)), str(f / "net.npz")],
        _vectors,
        _with_vectors,
        whole=True,
        known=("embeddings",),  # a file that no import owns yet, told as such
    ),
    Case(
        "relink",
        lambda f: ["study", "relink", str(study_in(f)), str(f / "elsewhere")],
        _missing,
        _moved,
        whole=True,
        known=("missing",),
    ),
    Case(
        "change a scale",
        lambda f: [
            "study", "import", str(study_in(f)), str(f / "ratings.csv"),
            "--replace", _first_import(f), "--scale", "1-9",
        ],
        _counts,
        _imported,
        whole=True,
    ),
    Case(
        "undo an import",
        lambda f: ["study", "undo-import", str(study_in(f)), _first_import(f)],
        _counts,
        _imported,
        whole=True,
    ),
    Case(
        "redo an import",
        lambda f: ["study", "redo-import", str(study_in(f)), _first_import(f)],
        _counts,
        _undone,
        whole=True,
    ),
    Case(
        "upgrade",
        lambda f: ["study", "upgrade", str(study_in(f))],
        _log,
        _old,
        known=("missing",),
    ),
    Case(
        "export tables",
        lambda f: ["study", "export", str(study_in(f)), "--out", str(f / "out")],
        _files,
        _with_ratings,
    ),
    Case(
        "export a workbook",
        lambda f: [
            "study", "export", str(study_in(f)), "--out", str(f / "out"), "--format", "xlsx",
        ],
        _files,
        _with_ratings,
    ),
    Case(
        "make a study with images",
        lambda f: ["study", "new", str(study_in(f)), "--images", str(f / "more"), "--copy"],
        _copies,
        lambda f: draw_faces(f / "more", 30, size=96, seed=7),
        again=_made_again,
    ),
    Case(
        "draw the demo",
        lambda f: ["demo", str(study_in(f)), "--images", "60"],
        _demo,
        again=_drawn_again,
    ),
)  # fmt: skip


def with_torch(backbone: str) -> tuple[Case, ...]:
    """Commands that load torch, on a backbone."""
    tower, frozen = ("--backbone", backbone, *QUICK), ("--backbone", "embeddings:net")
    closed = (*frozen, "--device", "cpu", "--set", "threads=1")

    def train(*settings: str) -> Arguments:
        return lambda f: ["train", str(study_in(f)), *settings]

    def go_on(start: Arguments) -> Callable[[Path], list[list[str]]]:
        def commands(folder: Path) -> list[list[str]]:
            runs = list_runs(study_in(folder))
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
            lambda f: ["resume", str(list_runs(study_in(f))[0].path)],
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

    _with_vectors(folder)
    with Study.open(study_in(folder)) as study:
        for _ in import_embedding_file(study, folder / "net.npz"):
            pass
    with (folder / "new.csv").open("w", encoding="utf-8") as file:
        file.write("rater,image,attractive,smart\n")
        file.writelines(f"N1,face-{n:03d}.jpg,{1 + n % 4},{1 + n // 3 % 4}\n" for n in range(42))


def _run(folder: Path) -> Path:
    return list_runs(study_in(folder))[0].path


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


def clone(template: Path, folder: Path) -> Path:
    """A copy of a case's folder, to be spoiled."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    return folder
