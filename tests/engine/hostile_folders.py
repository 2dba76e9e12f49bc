"""Studies whose files and folders were replaced by what leads elsewhere, and what is done in them.

Shared by the tests of every operation over every place; each case works on a copy of one study with
images, answers, backups, embeddings, a trained run and a comparison.
"""

import hashlib
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.experiments.comparison_plan import ComparisonEntry, ComparisonPlan
from prism_desktop.engine.experiments.variants import Variant
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.lock_file import held
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.records import new_id
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.snapshot import make_snapshot
from tests.fixtures.study import draw_faces, fill

PATIENCE = 120  # s that one operation may take on a busy machine
SETTINGS = {"device": "cpu", "threads": 1, "epochs": 1, "batch": 16}


def make_template(folder: Path, backbone: str) -> Path:
    """A study with all kinds of files in it."""
    from prism_desktop.engine.processes.reported_training import train_reported

    with Study.create(folder / "template.prism", attributes=("smart",)) as study:
        fill(study, images=14, labelers=2, comparisons=16, ratings=4)
        study.backup()
        store_vectors(study)
    import_copies(study.path)
    config = TrainConfig.checked({**SETTINGS, "backbone": backbone})
    run = RunFolder.create(study.path, config)
    with Study.open(study.path, read_only=True) as opened:
        make_snapshot(opened, run, config)
    finished(train_reported(run, Control(run)))
    compare(study.path)
    return study.path


def store_vectors(study: Study) -> None:
    """A set of embeddings called "own"."""
    from prism_desktop.engine.study.embeddings import write_embeddings

    write_embeddings(study.path, "own", *_vectors(study))


def _vectors(study: Study) -> tuple[list[str], object]:
    import numpy as np

    images = [image.id for image in study.images()]
    return images, np.random.default_rng(0).normal(size=(len(images), 4)).astype(np.float32)


def finished(events: Iterable[object]) -> None:
    """Carry out a generator's work."""
    for _ in events:
        pass


# What is done in a study. Each takes the study's folder.


def open_it(study: Path) -> None:
    """Open it for writing and read all of it."""
    with Study.open(study) as opened:
        opened.info(), opened.images(), opened.trials(), opened.imports()


def record(study: Path) -> None:
    """Write an answer's labeler and undo nothing."""
    with Study.open(study) as opened:
        opened.add_labeler(f"new-{new_id()[:8]}", "New")


def import_copies(study: Path) -> None:
    """Import a folder of images that are copied into the study, then their thumbnails."""
    from prism_desktop.engine.study.images import make_thumbnails
    from prism_desktop.engine.study.importing.image_folder import import_images

    faces = study.parent / f"{study.stem}-more"
    draw_faces(faces, 3, seed=7)
    with Study.open(study) as opened:
        finished(import_images(opened, faces, copy=True))
        finished(make_thumbnails(opened.path, opened.images()))


def import_table(study: Path) -> None:
    """Import a table of ratings."""
    from prism_desktop.engine.study.importing.import_files import import_files

    table = study.parent / "ratings.csv"
    with Study.open(study) as opened:
        names = [image.name for image in opened.images()][:4]
        table.write_text("rater,image,smart\n" + "".join(f"Z,{name},2\n" for name in names))
        finished(import_files(opened, [table]))


def undo(study: Path) -> None:
    """Take the last import back, and with it copied images."""
    with Study.open(study) as opened:
        opened.undo_import(opened.imports()[-1].id)


def back_up(study: Path) -> None:
    """Back the database up, and thin the backups."""
    with Study.open(study) as opened:
        opened.backup()


def check(study: Path) -> None:
    """Look for damage, image by image."""
    with Study.open(study, read_only=True) as opened:
        opened.check(deep=True)


def relink(study: Path) -> None:
    """Look for images that are not where they were."""
    with Study.open(study) as opened:
        opened.relink(study.parent)


def export(study: Path) -> None:
    """Export into a folder of the study."""
    from prism_desktop.engine.study.exporting.export import export as work

    with Study.open(study, read_only=True) as opened:
        finished(work(opened, study / "exports", "csv"))


def embed(study: Path) -> None:
    """Store a set of embeddings."""
    from prism_desktop.engine.study.embeddings import read_embeddings

    read_embeddings(study, "own")
    with Study.open(study, read_only=True) as opened:
        store_vectors(opened)


def train(study: Path) -> None:
    """Train a new run of a closed form."""
    from prism_desktop.engine.processes.reported_training import train_reported

    config = _config(study).model_copy(update={"method": "hierarchical-bayes"})
    run = RunFolder.create(study, config)
    with Study.open(study, read_only=True) as opened:
        make_snapshot(opened, run, config)
    finished(train_reported(run, Control(run)))


def resume(study: Path) -> None:
    """Go on with the run that is there."""
    from prism_desktop.engine.processes.reported_training import train_reported

    run = _run(study)
    run.set_status("interrupted")
    finished(train_reported(run, Control(run)))


def read_runs(study: Path) -> None:
    """Read all that runs hold."""
    for summary in list_runs(study):
        run = RunFolder(summary.path)
        run.status(), run.events(), run.summary(), run.metrics(), run.predictions()
        run.meta(), run.table("pairs")


def tell(study: Path) -> None:
    """Tell a run to stop, and write down what a dead process printed."""
    from prism_desktop.engine.processes import supervisor
    from prism_desktop.engine.runs.event_log import EventLog
    from prism_desktop.engine.runs.run_events import Stage

    run = _run(study)
    supervisor.stop(run)
    log = EventLog(run)
    try:
        log.write(Stage(name="training"))
    finally:
        log.close()


def discard(study: Path) -> None:
    """Delete what a run made."""
    _run(study).discard()


def delete(study: Path) -> None:
    """Delete a run."""
    _run(study).delete()


def compare(study: Path) -> None:
    """Prepare a comparison and write its leaderboard."""
    from prism_desktop.engine.experiments.comparison_plan import folder_of, prepare
    from prism_desktop.engine.experiments.leaderboard import write_leaderboard
    from prism_desktop.engine.experiments.study_data import take_study_data
    from prism_desktop.engine.files import make_folder

    folders = [RunFolder(run.path) for run in list_runs(study)]
    run = next((one for one in folders if one.config().method == "consensus"), None)
    backbone = _config(study).backbone
    plan = ComparisonPlan(
        study, ("consensus",), name="first", options={"backbone": backbone}, cross_fit=False
    )
    make_folder(folder_of(plan))
    with held(folder_of(plan), "The comparison"):
        found = outcome(prepare(plan, take_study_data))
        write_leaderboard(found, [ComparisonEntry(Variant("consensus"), 0, 0, run)], True)


def adapt(study: Path) -> None:
    """Let a new labeler enter the run."""
    from prism_desktop.engine.adaptation.adapt import adapt as work

    run = _run(study)
    table = study.parent / "labels.csv"
    names = list(run.table("images")["name"])
    rows = "".join(f"Q,{a},{b},smart,left\n" for a, b in pairwise(names))
    table.write_text(f"rater,left,right,attribute,choice\n{rows}")
    finished(work(run, labels=table))


def ask(study: Path) -> None:
    """Predict for the window, through the study's cache."""
    from prism_desktop.engine.analysis.inference import (
        PredictorCache,
        ScoresArguments,
        scores_file,
    )

    asked = ScoresArguments(run=_run(study).path, attribute="smart", labelers=None, images=None)
    finished(scores_file(asked, PredictorCache()))


def save_a_curve(study: Path) -> None:
    """Store a learning curve."""
    from prism_desktop.engine.experiments.curve_store import learning_curves, save_curve
    from prism_desktop.engine.runs.curve_files import (
        Forecast,
        LearningCurve,
    )

    told = {"method": "consensus", "backbone": "", "fingerprint": "", "points": ()}
    save_curve(study, TrainConfig(), {}, LearningCurve(**told, curve=Forecast()))
    learning_curves(study)


OPERATIONS: Mapping[str, Callable[[Path], None]] = {
    "open": open_it,
    "record": record,
    "import-images": import_copies,
    "import-table": import_table,
    "undo": undo,
    "backup": back_up,
    "check": check,
    "relink": relink,
    "export": export,
    "embed": embed,
    "train": train,
    "resume": resume,
    "read-runs": read_runs,
    "tell": tell,
    "discard": discard,
    "delete": delete,
    "compare": compare,
    "adapt": adapt,
    "ask": ask,
    "curve": save_a_curve,
}


def _run(study: Path) -> RunFolder:
    """The trained one that is no consensus."""
    paths = sorted((study / "runs").glob("*"))
    found = [path for path in paths if "consensus" not in path.name]
    return RunFolder.open(found[0] if found else study / "runs" / "none")


def _config(study: Path) -> TrainConfig:
    return _run(study).config()


# What lies in a place instead of what belongs there.


def link_to_file(place: Path, outside: Path) -> None:
    """A symbolic link to somebody's file."""
    place.symlink_to(outside / "thesis.txt")


def link_to_folder(place: Path, outside: Path) -> None:
    """A symbolic link to somebody's folder, which has files of the names that lie in a study."""
    place.symlink_to(outside / "folder")


def link_to_nothing(place: Path, outside: Path) -> None:
    """A symbolic link to a file that could be made."""
    place.symlink_to(outside / "made-through-a-link")


def link_to_itself(place: Path, outside: Path) -> None:
    """A symbolic link that never ends."""
    place.symlink_to(place)


def hard_link(place: Path, outside: Path) -> None:
    """A second name of somebody's file."""
    place.hardlink_to(outside / "thesis.txt")


def pipe(place: Path, outside: Path) -> None:
    """A named pipe, which nobody writes to."""
    os.mkfifo(place)


def mailbox(place: Path, outside: Path) -> None:
    """A socket; its path may be longer than one can be bound to."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("m")
    Path("m").rename(place)


def folder(place: Path, outside: Path) -> None:
    """A folder with somebody's file in it."""
    place.mkdir()
    (place / "theirs.txt").write_text("theirs")


def endless(place: Path, outside: Path) -> None:
    """A link to a device that never ends."""
    place.symlink_to("/dev/zero")


PLANTS: Mapping[str, Callable[[Path, Path], None]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        link_to_file,
        link_to_folder,
        link_to_nothing,
        link_to_itself,
        hard_link,
        pipe,
        mailbox,
        folder,
        endless,
    )
}


def make_outside(place: Path, names: Iterable[str]) -> Path:
    """A folder of somebody's, with files of any name that the program might write or delete."""
    made = place / "outside"
    (made / "folder").mkdir(parents=True)
    (made / "thesis.txt").write_text("ten years of work\n" * 20)
    for name in names:
        if not (made / "folder" / name).exists():
            (made / "folder" / name).write_text(f"somebody's {name}")
    return made


def seen(outside: Path) -> dict[str, tuple[str, int, int]]:
    """Every name below a folder with its hash, its time and how many names it has."""
    found = {}
    for path in sorted(outside.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(outside))] = (
            hashlib.sha256(content).hexdigest(),
            0 if path.is_dir() else status.st_mtime_ns,
            status.st_mode,
        )
    return found


def places(study: Path) -> list[str]:
    """All files and folders of a study, and some that are not there yet."""
    there = [path.relative_to(study).as_posix() for path in study.rglob("*")]
    for name in ("thumbnails/", "images/"):  # one of each is as good as all
        one = next(path for path in there if path.startswith(name) and path.count("/") == 2)
        there = [path for path in there if not path.startswith(name) or path in one]
    run = next(path for path in there if path.endswith("/events.jsonl")).rpartition("/")[0]
    fresh = [
        "study.sqlite3-wal",
        "study.sqlite3-shm",
        "study.sqlite3-journal",
        "exports",
        "curves",
        "search",
        "comparisons/first/owner.json",
        "embeddings",
        "cache/explore",
    ]
    in_run = ("adapted", "adapter.new", "resume.lock", "control.json", "log.txt")
    return sorted({*there, *fresh, *(f"{run}/{name}" for name in in_run)})


def plant(study: Path, place: str, how: str, outside: Path) -> bool:
    """Replace what lies in a place of a study; False where that cannot be."""
    target = study / place
    if not target.parent.is_dir():
        return False
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    PLANTS[how](target, outside)
    return True


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise if the block takes longer, even if it waits for a pipe."""

    def end(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it still waited after {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def carry_out(operation: str, study: Path) -> str:
    """Do it within a bounded time; the sentence that refused it, empty if nothing did.

    Raises:
        Exception: anything but a sentence.
    """
    with within(PATIENCE):
        try:
            OPERATIONS[operation](study)
        except PrismError as error:
            return str(error)
    return ""
