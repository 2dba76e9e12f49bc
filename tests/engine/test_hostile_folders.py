"""What a stranger puts into a study harms nothing outside it, whatever is done in the study.

In the suite a selection over a study without a trained model; `make soak` tries everything.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.snapshot import make_snapshot
from tests.engine import hostile_folders as hostile
from tests.fixtures.study import fill
from tests.soak import budget

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links want a privilege there")
# (what is done, where, what lies there): what the program writes, deletes or waits for
TRIED = [
    *((do, "study.lock", how) for do in ("open", "record") for how in hostile.PLANTS),
    *(("open", "study.sqlite3", how) for how in hostile.PLANTS),
    *(("record", f"study.sqlite3{ending}", "link-to-nothing") for ending in ("-wal", "-shm")),
    *(("backup", "backups", how) for how in hostile.PLANTS),
    *(("import-images", place, how) for place in ("images", "images/{}", "thumbnails")
      for how in ("link-to-folder", "link-to-nothing", "pipe")),
    *(("undo", "images", how) for how in ("link-to-folder", "pipe")),
    *(("embed", place, how) for place in ("embeddings", "embeddings/own.safetensors")
      for how in ("link-to-file", "link-to-folder", "hard-link", "pipe", "folder")),
    *(("curve", "curves", how) for how in ("link-to-folder", "link-to-nothing", "hard-link")),
    *(("export", "exports", how) for how in ("link-to-folder", "link-to-nothing", "hard-link")),
    *(("tell", f"runs/one/{name}", how) for name in ("events.jsonl", "control.json", "status.json")
      for how in ("link-to-file", "link-to-nothing", "hard-link", "pipe", "folder")),
    *((do, place, how) for do in ("tell", "discard", "delete")
      for place in ("runs", "runs/one", "runs/one/data", "runs/one/checkpoints")
      for how in ("link-to-folder", "hard-link")),
    *(("read-runs", "runs/one/data/meta.json", how) for how in ("pipe", "endless")),
    *((do, "runs/one/checkpoints/step-00000001", how) for do in ("discard", "delete")
      for how in ("link-to-folder", "folder", "endless")),
]  # fmt: skip


@pytest.fixture(scope="module")
def small_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with copied images, a backup, embeddings and a run that was never trained."""
    place = tmp_path_factory.mktemp("template")
    with Study.create(place / "template.prism", attributes=("smart",)) as study:
        fill(study, images=14, labelers=2, comparisons=16, ratings=4)
        study.backup()
        hostile.store_vectors(study)
    hostile.import_copies(study.path)
    config = TrainConfig.checked(hostile.SETTINGS)
    made = RunFolder.create(study.path, config)
    with Study.open(study.path, read_only=True) as opened:
        make_snapshot(opened, made, config)
    made.path.rename(study.path / "runs" / "one")
    run = RunFolder(study.path / "runs" / "one")
    hostile.tell(study.path)
    (run.path / layout.METRICS).write_text("epoch,loss\n")
    checkpoint = run.path / layout.CHECKPOINTS / "step-00000001"
    checkpoint.mkdir(parents=True)
    (checkpoint / layout.STATE).write_text("weights")
    return study.path


def attacked(template: Path, folder: Path, do: str, place: str, how: str) -> str:
    """Try one thing on a copy; the sentence that refused it, after nothing outside changed."""
    names = {path.name for path in template.rglob("*") if path.suffix != ".jpg"}
    small = None if do == "import-images" else shutil.ignore_patterns("*.jpg")
    shutil.copytree(template, folder / "s.prism", symlinks=True, ignore=small)
    outside = hostile.make_outside(folder, names)
    if not hostile.plant(folder / "s.prism", place, how, outside):
        return ""
    before = hostile.seen(outside)
    try:
        return hostile.carry_out(do, folder / "s.prism")
    finally:
        assert hostile.seen(outside) == before, f"{do} with {place} as {how}"
        shutil.rmtree(folder)


@pytest.mark.parametrize("do", sorted({do for do, _, _ in TRIED}))
def test_that_nothing_outside_a_study_changes(
    small_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    monkeypatch.chdir(tmp_path)
    image = next(iter((small_template / "images").glob("??"))).name
    for number, (what, place, how) in enumerate(TRIED):
        if what == do:
            attacked(small_template, tmp_path / str(number), do, place.format(image), how)


def test_that_a_deleted_run_leaves_what_somebody_put_into_it(
    small_template: Path, tmp_path: Path
) -> None:
    study = tmp_path / "s.prism"
    shutil.copytree(small_template, study)
    (study / "runs" / "one" / "notes.txt").write_text("mine")
    (study / "runs" / "one" / "data" / "photo.jpg").write_text("mine")
    said = hostile.carry_out("delete", study)
    left = [path for path in (study / "runs" / "one").rglob("*") if path.is_file()]
    assert {path.name for path in left} == {"notes.txt", "photo.jpg"}
    assert "notes.txt" in said or "photo.jpg" in said


def test_that_thinning_backups_spares_what_others_put_there(
    small_template: Path, tmp_path: Path
) -> None:
    study = tmp_path / "s.prism"
    shutil.copytree(small_template, study)
    others = ["thesis.sqlite3", "study-final.sqlite3", "study-20200101-000000.sqlite3.bak"]
    for name in others:
        (study / "backups" / name).write_text("mine")
        os.utime(study / "backups" / name, (0, 0))
    for number in range(14):
        name = f"study-202001{number + 1:02d}-000000.sqlite3"
        (study / "backups" / name).write_text("old")
        os.utime(study / "backups" / name, (number, number))
    hostile.back_up(study)
    left = {path.name for path in (study / "backups").iterdir()}
    assert left >= set(others)
    assert "study-20200101-000000.sqlite3" not in left


@pytest.fixture(scope="module")
def trained_template(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: str) -> Path:
    """A study with a trained run and a comparison, too."""
    return hostile.make_template(tmp_path_factory.mktemp("trained"), tiny_backbone)


@pytest.mark.soak
@pytest.mark.parametrize("do", sorted(hostile.OPERATIONS))
def test_that_nothing_outside_changes_whatever_is_done_where(
    trained_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    """Places of a study as plants, a sample by the run's seed; of what trains, a smaller one."""
    monkeypatch.chdir(tmp_path)
    cases = [
        (place, how) for place in hostile.places(trained_template) for how in sorted(hostile.PLANTS)
    ]
    most = 30 if do in ("train", "resume", "adapt", "compare", "ask") else 100
    cases = budget.dice(do).sample(cases, max(1, min(len(cases), round(most * budget.SCALE))))
    for number, (place, how) in enumerate(cases):
        attacked(trained_template, tmp_path / str(number), do, place, how)
