"""The table of faults and commands of docs/reliability.md: each cell is one test.

A fault is real wherever the machine allows it: a small disk that is full or read-only (mounted,
which only root may), a limit on the size of files or on open files (of this process). Whatever
happens, the command ends with one sentence and the study holds what it held.
"""

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from prism_desktop.cli.main import app
from prism_desktop.engine.adaptation.trial_plan import PlanArguments
from prism_desktop.engine.adaptation.trial_planning import plan_trials
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.events import Done
from prism_desktop.engine.faults import fault_of
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import remove_manifest
from prism_desktop.engine.study.records import Order, StudyInfo
from prism_desktop.engine.study.store import Study
from tests.cli.disk_faults import few_files, full, limited, mount, read_only, unreadable
from tests.cli.test_study_commands import run
from tests.engine.study.damage import altered
from tests.fixtures.lamp import question, write_outputs, write_questions
from tests.fixtures.study import draw_faces, fill
from tests.fixtures.writers import add_writers
from tests.upgrades.test_upgrades import DUMPS

Fault = Callable[[Path], contextlib.AbstractContextManager[None]]
_ROOM = 48 << 20  # bytes of the small disk


@dataclass(frozen=True)
class Place:
    """A disk with a study on it, and files beside it on another."""

    disk: Path
    study: Path
    beside: Path


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own if this process may mount one, else a folder."""
    folder = tmp_path_factory.mktemp("disk")
    try:
        mount("-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", folder)
    except (OSError, subprocess.CalledProcessError):
        yield folder
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with answers, more faces and tables beside it."""
    folder = tmp_path_factory.mktemp("original")
    with Study.create(folder / "s.prism", attributes=("attractive", "smart")) as study:
        fill(study)
    draw_faces(folder / "more", 3, seed=9)
    for name in ("t", "undone", "done"):
        (folder / f"{name}.csv").write_text(
            "rater,image,smart\n"
            + "".join(f"{name},face-{n:03d}.jpg,{n % 4 + 1}\n" for n in range(12))
        )
    (folder / "p.toml").write_text('[[blocks]]\nname = "A"\nkind = "rating"\ntrials = 3\n')
    for name in ("undone", "done"):
        assert run("study", "import", folder / "s.prism", folder / f"{name}.csv") == 0
    assert run("study", "undo-import", folder / "s.prism", import_id(folder, "undone")) == 0
    with Study.create(folder / "led.prism", attributes=("smart",)) as study:
        fill(study, images=6)
    assert run("protocol", "set", folder / "led.prism", folder / "p.toml") == 0
    assert run("study", "export", folder / "led.prism", "--out", folder / "exported") == 0
    with Study.create(folder / "lost.prism", attributes=("smart",)) as study:
        fill(study, images=6)
    (folder / "lost-faces").rename(folder / "found")
    with Study.create(folder / "odd.prism", attributes=("smart",)) as study:
        fill(study)
        altered(study, "UPDATE answer SET value = 7 WHERE trial_id = 2")
    with Study.create(folder / "failed.prism", attributes=("smart",)) as study:
        RunFolder.create(study.path, TrainConfig()).set_status("failed", message="It did.")
    with Study.create(folder / "texts.prism", kind="text") as study:
        add_writers(study, ("ada", "ben"))
    write_questions(folder / "questions.json", [question("LaMP_4", one) for one in ("ada", "ben")])
    write_outputs(folder / "outputs.json", "LaMP_4", {"ada": "hi", "ben": "yo"})
    (folder / "old.prism").mkdir()
    with contextlib.closing(sqlite3.connect(folder / "old.prism" / "study.sqlite3")) as old:
        old.executescript(DUMPS[0].read_text(encoding="utf-8"))
    return folder


def import_id(folder: Path, name: str) -> str:
    """The id of the import of a table."""
    with Study.open(folder / "s.prism", read_only=True) as study:
        return next(one.id for one in study.imports() if Path(one.source).stem == name)


@pytest.fixture(scope="module")
def trained(original: Path) -> Path:
    """A finished run in a study of its own, with a labeler who is not in it."""
    with Study.create(original / "run.prism", attributes=("smart",)) as study:
        fill(study)
    assert run(
        "train", original / "run.prism", "--method", "hierarchical-bayes", "--backbone",
        "prism-mini", "--device", "cpu",
    ) == 0  # fmt: skip
    (original / "new.csv").write_text((original / "t.csv").read_text())
    return first_run(original / "run.prism")


@pytest.fixture(scope="module")
def tower(original: Path) -> Path:
    """A finished run whose model can say where it looks, in a study of its own."""
    with Study.create(original / "tower.prism", attributes=("smart",)) as study:
        fill(study)
    assert run(
        "train", original / "tower.prism", "--method", "text-token", "--backbone", "prism-mini",
        "--device", "cpu", "--epochs", "1", "--baselines", "none",
    ) == 0  # fmt: skip
    return first_run(original / "tower.prism")


@pytest.fixture(scope="module")
def wrote_texts(original: Path, tiny_language_model: str) -> None:
    """Two finished runs that wrote different texts, in the study of texts."""
    for seed, method in enumerate(("unprompted", "consensus")):
        assert run(
            "train", original / "texts.prism", "--task", "writing", "--method", method,
            "--backbone", tiny_language_model, "--device", "cpu", "--epochs", "1",
            "--set", "held_out=0", "--set", "answer_tokens=8", "--set", "temperature=1",
            "--set", f"seed={seed}",
        ) == 0  # fmt: skip


@pytest.fixture
def place(disk: Path, original: Path) -> Iterator[Place]:
    """A copy of the study on the disk."""
    made = Place(disk, disk / "s.prism", original)
    renew(made)
    yield made
    _clear(disk)


def renew(place: Place) -> None:
    """Let the disk hold what it held at first."""
    _clear(place.disk)
    for folder in (*place.beside.glob("*.prism"), place.beside / "exported"):
        shutil.copytree(folder, place.disk / folder.name)


def _clear(disk: Path) -> None:
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def first_run(study: Path) -> Path:
    """The run of a study that has one, beside that of its consensus."""
    runs = sorted(path for path in (study / "runs").iterdir() if path.is_dir())
    return next((path for path in runs if not path.name.endswith("consensus")), runs[0])


def wrote(at: Place) -> list[Path]:
    """The runs that wrote texts."""
    return sorted((at.disk / "texts.prism" / "writing").iterdir())


def interrupted(folder: Path) -> Path:
    """A run as a kill leaves it."""
    remove_manifest(folder)
    (folder / layout.SUMMARY).unlink()
    RunFolder(folder).set_status("interrupted")
    return folder


COMMANDS: dict[str, Callable[[Place], list[object]]] = {
    "study new": lambda at: ["study", "new", at.disk / "new.prism"],
    "study import": lambda at: ["study", "import", at.study, at.beside / "t.csv"],
    "study import (images)": lambda at: ["study", "import", at.study, at.beside / "more"],
    "study import --copy": lambda at: ["study", "import", at.study, at.beside / "more", "--copy"],
    "study export csv": lambda at: ["study", "export", at.study, "--out", at.disk / "out"],
    "study export xlsx": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "xlsx"
    ],
    "study export parquet": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "parquet"
    ],
    "study export sav": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "sav"
    ],
    "study export jsonl": lambda at: [
        "study", "export", at.study, "--out", at.disk / "out", "--format", "jsonl"
    ],
    "study backup": lambda at: ["study", "backup", at.study],
    "study paper": lambda at: [
        "study", "paper", at.study, "--out", at.disk / "out", "--key", at.beside / "key.csv"
    ],
    "study confirm": lambda at: ["study", "confirm", at.study, "smart"],
    "study info --json": lambda at: ["study", "info", at.study, "--json", at.disk / "i.json"],
    "agreement --csv": lambda at: ["agreement", at.study, "--csv", at.disk / "a.csv"],
    "train": lambda at: ["train", at.study, "--backbone", "prism-mini", "--device", "cpu"],
    "compare": lambda at: ["compare", at.study, "--backbone", "prism-mini", "--device", "cpu"],
    "search": lambda at: [
        "search", at.study, "--method", "text-token", "--backbone", "prism-mini", "--device", "cpu"
    ],
    "shots": lambda at: ["shots", at.study, "--backbone", "prism-mini", "--device", "cpu"],
    "curve": lambda at: [
        "curve", at.study, "--counts", "5,10,20,40", "--backbone", "prism-mini", "--device", "cpu"
    ],
    "study undo-import": lambda at: ["study", "undo-import", at.study, import_id(at.disk, "done")],
    "study redo-import": lambda at: [
        "study", "redo-import", at.study, import_id(at.disk, "undone")
    ],
    "study relink": lambda at: ["study", "relink", at.disk / "lost.prism", at.beside / "found"],
    "study info": lambda at: ["study", "info", at.study],
    "study check": lambda at: ["study", "check", at.study],
    "study check --repair": lambda at: ["study", "check", at.disk / "odd.prism", "--repair"],
    "study upgrade": lambda at: ["study", "upgrade", at.disk / "old.prism"],
    "report": lambda at: [
        "report", first_run(at.disk / "failed.prism"), "--out", at.disk / "r.zip"
    ],
    "evaluate --json": lambda at: [
        "evaluate", first_run(at.disk / "run.prism"), "--json", at.disk / "e.json"
    ],
    "predict --csv": lambda at: [
        "predict", first_run(at.disk / "run.prism"), "--csv", at.disk / "p.csv"
    ],
    "predict --images": lambda at: [
        "predict", first_run(at.disk / "run.prism"), "--images", at.beside / "more",
        "--csv", at.disk / "p.csv",
    ],
    "faces --csv": lambda at: [
        "faces", first_run(at.disk / "run.prism"), "--labeler", "L1", "--csv", at.disk / "f.csv"
    ],
    "face --csv": lambda at: [
        "face", first_run(at.disk / "run.prism"), "--image", "face-000.jpg",
        "--csv", at.disk / "f.csv",
    ],
    "two-labelers --csv": lambda at: [
        "two-labelers", first_run(at.disk / "run.prism"), "--one", "L1", "--other", "L2",
        "--csv", at.disk / "t.csv",
    ],
    "adapt": lambda at: [
        "adapt", first_run(at.disk / "run.prism"), "--labels", at.beside / "new.csv",
        "--name", "New",
    ],
    "adapt --next": lambda at: [
        "adapt", first_run(at.disk / "run.prism"), "--next", "3", "--json", at.disk / "n.json"
    ],
    "adapt --labels --next": lambda at: [
        "adapt", first_run(at.disk / "run.prism"), "--labels", at.beside / "new.csv",
        "--name", "New", "--next", "3", "--csv", at.disk / "p.csv",
    ],
    "relevance --figure": lambda at: [
        "relevance", first_run(at.disk / "tower.prism"), "--labeler", "L1", "--attribute", "smart",
        "--image", "face-000.jpg", "--figure", at.disk / "map.svg",
    ],
    "similarity --figure": lambda at: [
        "similarity", first_run(at.disk / "run.prism"), "--figure", at.disk / "s.svg"
    ],
    "figure --table": lambda at: [
        "figure", "agreement", at.study, "--out", at.disk / "f.svg", "--table", at.disk / "f.xlsx"
    ],
    "study report": lambda at: [
        "study", "report", at.study, "--html", at.disk / "r.html", "--pdf", at.disk / "r.pdf"
    ],
    "plan --protocol --json": lambda at: [
        "plan", "--protocol", at.disk / "p.toml", "--json", at.disk / "n.json"
    ],
    "doctor --json": lambda at: ["doctor", "--json", at.disk / "d.json"],
    "study backups": lambda at: ["study", "backups", at.study, "--json", at.disk / "b.json"],
    "study restore": lambda at: [
        "study", "restore", at.study, next((at.study / "backups").glob("*.sqlite3")).name
    ],
    "worth": lambda at: [
        "worth", first_run(at.disk / "run.prism"), "--json", at.disk / "w.json"
    ],
    "quality --json": lambda at: ["quality", at.study, "--json", at.disk / "q.json"],
    "quality --marks": lambda at: [
        "quality", at.study, "--marks", at.disk / "m.csv", "--write-rules", at.disk / "r.toml"
    ],
    "axis --figure --json": lambda at: [
        "axis", first_run(at.disk / "run.prism"), "--labeler", "L1", "--attribute", "smart",
        "--figure", at.disk / "a.svg", "--json", at.disk / "a.json",
    ],
    "words --json": lambda at: [
        "words", first_run(at.disk / "tower.prism"), "--json", at.disk / "w.json"
    ],
    "profile --csv": lambda at: [
        "profile", at.study, "--words", "none", "--csv", at.disk / "p.csv",
        "--json", at.disk / "p.json",
    ],
    "protocol new": lambda at: ["protocol", "new", at.disk / "p.toml"],
    "protocol set": lambda at: ["protocol", "set", at.study, at.beside / "p.toml"],
    "protocol check --json": lambda at: [
        "protocol", "check", at.study, at.beside / "p.toml", "--simulate", "--json",
        at.disk / "c.json",
    ],
    "protocol show --out": lambda at: [
        "protocol", "show", at.study, "--out", at.disk / "q.toml", "--json", at.disk / "s.json"
    ],
    "protocol bring": lambda at: [
        "protocol", "bring", at.study, at.disk / "exported" / "protocols"
    ],
    "protocol off": lambda at: ["protocol", "off", at.disk / "led.prism"],
    "protocol checks": lambda at: [
        "protocol", "checks", at.disk / "led.prism", "--json", at.disk / "k.json"
    ],
    "lamp import": lambda at: [
        "lamp", "import", at.disk / "texts.prism", at.beside / "questions.json"
    ],
    "lamp answer": lambda at: [
        "lamp", "answer", wrote(at)[0], at.beside / "questions.json", "--out", at.disk / "a.json"
    ],
    "lamp score": lambda at: [
        "lamp", "score", at.beside / "outputs.json", at.beside / "outputs.json", "--json",
        at.disk / "l.json",
    ],
    "rank-replies": lambda at: [
        "rank-replies", at.disk / "ranked.prism", "--of", wrote(at)[0], "--against", wrote(at)[1]
    ],
    "runs list": lambda at: ["runs", "list", at.disk / "run.prism", "--json", at.disk / "r.json"],
    "runs rename": lambda at: ["runs", "rename", first_run(at.disk / "run.prism"), "The first"],
    "runs note": lambda at: ["runs", "note", first_run(at.disk / "run.prism"), "Long " * 300],
    "methods": lambda at: ["methods", at.study],
    "resume": lambda at: ["resume", interrupted(first_run(at.disk / "run.prism"))],
    "screenshot": lambda at: ["screenshot", at.study, "--out", at.disk / "pictures"],
    "demo": lambda at: ["demo", at.disk / "demo.prism"],
}  # fmt: skip
FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "full": (full, ("full",)),
    "read-only": (read_only, ("read-only", "cannot be written", "cannot be made")),
    "no larger files": (
        limited, ("no file of this size", "could not be read or written", "full", "failed to read")
    ),
    "too many files": (few_files, ("Too many files", "cannot be opened")),
    "unreadable": (unreadable, ("failed to read", "cannot be read")),
}  # fmt: skip
# Reading alone is no work for a full disk, and need not fail.
MAY_WORK = (
    {("study confirm", "full"), ("study confirm", "no larger files")}
    | {
        (name, fault)
        for name in ("study info", "study check", "methods")
        for fault in ("full", "read-only", "no larger files")
    }
    | {("report", "unreadable"), ("study new", "unreadable"), ("runs list", "unreadable")}
    | {
        (name, "unreadable")
        for name in (
            "runs rename",
            "runs note",
            "study backups",
            "protocol new",
            "plan --protocol --json",
            "doctor --json",
            "lamp score",
        )
    }
)  # it tells; there is nothing to read
QUICK = {("study new", name) for name in FAULTS} | {
    (name, fault)
    for name in (
        "study import", "study import --copy", "study export csv", "agreement --csv",
        "study undo-import", "study redo-import", "study relink", "study check --repair",
        "study upgrade", "report",
    )
    for fault in ("full", "no larger files")
} | {
    (name, "unreadable") for name in ("study info", "study import", "study check")
}  # fmt: skip


def cells() -> Iterator[object]:
    for name in COMMANDS:
        for fault in FAULTS:
            marks = [] if (name, fault) in QUICK else [pytest.mark.soak]
            yield pytest.param(name, fault, marks=marks, id=f"{name}: {fault}")


def test_that_every_command_is_in_the_table() -> None:
    def names(group: object, before: tuple[str, ...] = ()) -> Iterator[str]:
        for name, each in getattr(group, "commands", {}).items():
            yield from names(each, (*before, name))
        if not hasattr(group, "commands"):
            yield " ".join(before)

    tried = {*COMMANDS, "open"}  # the window has its own tests
    assert [each for each in names(get_command(app)) if not _begins_any(each, tried)] == []


def _begins_any(command: str, tried: set[str]) -> bool:
    return any(f"{each} ".startswith(f"{command} ") for each in tried)


OF_A_RUN = (
    "evaluate", "predict", "adapt", "resume", "runs", "worth", "similarity", "axis", "faces",
    "face", "two-labelers",
)  # fmt: skip


def place_for(name: str, request: pytest.FixtureRequest) -> Place:
    """What a command works on, with the runs that it needs."""
    if name.split()[0] in OF_A_RUN:
        request.getfixturevalue("trained")
    if name.startswith(("relevance", "words")):
        request.getfixturevalue("tower")
    if name in ("lamp answer", "rank-replies"):
        request.getfixturevalue("wrote_texts")
    made = request.getfixturevalue("place")  # which copies them
    assert isinstance(made, Place)
    return made


def held(study: Path) -> tuple[StudyInfo, int]:
    """What a study holds."""
    with Study.open(study) as opened:
        return opened.info(), len(opened.trials())


@pytest.mark.parametrize(("name", "fault"), list(cells()))
def test_that_a_fault_is_one_sentence_and_the_study_holds_what_it_held(
    name: str, fault: str, original: Path, disk: Path, request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    place = place_for(name, request)
    break_it, words = FAULTS[fault]
    if break_it in (full, read_only) and not place.disk.is_mount():
        pytest.skip("only root may mount a disk")
    before = held(place.study)
    words_given = COMMANDS[name](place)
    capsys.readouterr()
    with break_it(place.disk):
        code = run(*words_given)
    told = capsys.readouterr()
    assert held(place.study) == before or code == 0
    assert "Traceback" not in told.err + told.out
    assert "unexpected" not in told.err
    if (name, fault) in MAY_WORK and code == 0:
        assert (name, fault) != ("runs list", "unreadable") or any(
            each in told.err for each in words
        )
        return
    assert code in (1, 2)
    assert told.err.count("prism-desktop: ") == 1
    assert any(word.lower() in told.err.lower() for word in words), told.err
    left = list(place.study.rglob("*.tmp*"))
    assert left == []


@pytest.mark.soak
@pytest.mark.parametrize("order", ["telling", "unsure"])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_that_a_plan_of_trials_is_made_or_refused_in_a_sentence(
    fault: str, order: Order, disk: Path, trained: Path, place: Place
) -> None:
    break_it, words = FAULTS[fault]
    if break_it in (full, read_only) and not place.disk.is_mount():
        pytest.skip("only root may mount a disk")
    with Study.open(place.disk / "run.prism", read_only=True) as study:
        labeler = study.labelers()[0].code
    asked = PlanArguments(
        study=place.disk / "run.prism", labeler=labeler, kind="comparison", order=order, count=5
    )
    made, failed = None, None
    with break_it(place.disk):
        try:
            *_, made = plan_trials(asked)
        except Exception as error:
            failed = error
    if failed is None:
        assert isinstance(made, Done)
        assert fault != "unreadable"
    else:
        assert any(word in str(fault_of(failed)) for word in words), failed
