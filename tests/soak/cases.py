"""Every command that writes: how it is made ready, what it comes to, what to do after a kill."""

import csv
import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prism_desktop.engine.study.backup_files import backups
from prism_desktop.engine.study.embeddings import read_embeddings
from prism_desktop.engine.study.store import Study
from tests.engine.study.damage import unguarded
from tests.fixtures.study import draw_faces, fill

UPGRADES = Path(__file__).parents[1] / "upgrades"
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
        job: what does it, a function of `jobs`.
        keeps: whether every trial that was there before is there afterwards as it was.
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
    job: str = "command"
    keeps: bool = True


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


def with_vectors(folder: Path) -> None:
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


def _guessed(folder: Path) -> None:
    """A study with attributes that an import guessed."""
    _study(folder)
    with closing(sqlite3.connect(study_in(folder) / "study.sqlite3")) as connection, connection:
        connection.execute("UPDATE attribute SET confirmed = 0")


def _confirmed(folder: Path) -> object:
    with Study.open(study_in(folder)) as study:
        return [attribute.name for attribute in study.attributes() if attribute.confirmed]


def _damaged(folder: Path) -> None:
    """A study in whose database a time, a profile and a reference are not what was written."""
    _study(folder)
    file = study_in(folder) / "study.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection, unguarded(connection):
        connection.execute("UPDATE trial SET seconds = 77 WHERE id % 7 = 1")
        connection.execute("UPDATE labeler SET profile = x'00' WHERE code = 'L2'")


def _sound(folder: Path) -> object:
    """What the log holds, whether the database is sound, and what can be imported again."""
    with Study.open(study_in(folder)) as study:
        odd = {p.kind for p in study.check()} & {"checksum", "json", "value", "reference"}
        names = sorted(trial.id for trial in study.trials(current=False))
    if odd:
        return names, sorted(odd)
    logs = sorted((study_in(folder) / "repairs").glob("*.jsonl"))
    moved = {line for log in logs for line in log.read_text("utf-8").splitlines()}
    return names, sorted(odd), sorted(moved)


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
        with_vectors,
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
        keeps=False,
    ),
    Case(
        "confirm",
        lambda f: ["study", "confirm", str(study_in(f)), "smart"],
        _confirmed,
        _guessed,
        whole=True,
    ),
    Case(
        "repair",
        lambda f: ["study", "check", str(study_in(f)), "--repair"],
        _sound,
        _damaged,
        whole=True,
        known=("checksum", "json", "value"),
        keeps=False,
    ),
    Case(
        "back up",
        lambda f: [str(study_in(f))],
        lambda f: len(backups(study_in(f))) > 0,
        _study,
        job="backup",
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
        known=("copy",),  # faces that the same command takes up again, told as such
    ),
)  # fmt: skip


def clone(template: Path, folder: Path) -> Path:
    """A copy of a case's folder, to be spoiled."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    return folder
