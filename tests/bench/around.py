"""What stands around a fit: the processor time of `train --method hierarchical-bayes`, by stage.

`python -m tests.bench.around`: 10,000 images with embeddings of 64 numbers, 100 simulated labelers,
50,000 ratings; asked are 60 s of processor time and a run folder of 30 MB. `--labelers 1000
--ratings 2000000` is the study at which accidental quadratics show; asked of it are 600 s on the
clock and 3 GB of all processes together. `--keep FOLDER` leaves the study there, and uses it again.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from prism_desktop.engine.events import Done
from prism_desktop.engine.runs import layout
from prism_desktop.engine.study.embeddings import write_embeddings
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.store import Study
from tests.bench.command_cost import cost_of
from tests.fixtures.many_ratings import make_study

IMAGES, DIMENSIONS, LABELERS, RATINGS = 10_000, 64, 100, 50_000
SECONDS, MEGABYTES = 60.0, 30.0  # asked of the example above: of a processor, of a run's folder
LARGE, CLOCK, HELD = 2_000_000, 600.0, 3000.0  # ratings: asked on the clock, and MB in memory
SET = "made"  # the embeddings


def main() -> int:
    """Print what each stage took; 1 if the example takes more than was asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labelers", type=int, default=LABELERS)
    parser.add_argument("--ratings", type=int, default=RATINGS)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--keep", type=Path, help="where the study stays; else nowhere")
    parser.add_argument("rest", nargs="*", help="more arguments of `train`, after --")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        study = folder / "many.prism"
        if not study.exists():
            made = synthetic(folder, asked.images, asked.labelers, asked.ratings)
            assert made == study
        return measure(study, asked.rest, large=asked.ratings >= LARGE)


def synthetic(folder: Path, images: int, labelers: int, ratings: int, seed: int = 0) -> Path:
    """A study of images without files, their embeddings, and ratings from 1 to 7 by tastes that
    have something in common; returns its folder."""
    rng = np.random.default_rng(seed)
    study = make_study(folder, images)
    x = rng.normal(size=(images, DIMENSIONS)) * np.geomspace(1.0, 0.05, DIMENSIONS)
    common, own = rng.normal(size=DIMENSIONS), rng.normal(size=(labelers, DIMENSIONS))
    table = folder / "ratings.csv"
    with table.open("w", encoding="utf-8") as file:
        file.write("participant,image,attractive\n")
        for labeler in range(labelers):
            seen = rng.choice(images, ratings // labelers, replace=False)
            liking = x[seen] @ (common + 0.7 * own[labeler])
            noisy = liking / liking.std() + rng.normal(size=len(seen))
            value = np.clip(np.round(4 + 1.1 * noisy), 1, 7).astype(int)
            file.writelines(
                f"P{labeler:04d},F{image:05d}.jpg,{rating}\n"
                for image, rating in zip(seen, value, strict=True)
            )
    with Study.open(study) as opened:
        for event in import_files(opened, [table]):
            if isinstance(event, Done):
                assert event.value.rows_kept == labelers * (ratings // labelers)
        ids = {record.name: record.id for record in opened.images()}
    names = [ids[f"F{number:05d}.jpg"] for number in range(images)]
    write_embeddings(study, SET, names, x.astype(np.float32))
    return study


def measure(study: Path, rest: list[str], *, large: bool) -> int:
    """Run the command, and print what it cost."""
    command = [sys.executable, "-m", "prism_desktop", "train", str(study)]
    command += ["--method", "hierarchical-bayes", "--backbone", f"embeddings:{SET}", *rest]
    before, begun = set(runs_of(study)), time.perf_counter()
    first: list[float] = []

    def stage() -> str:
        new = [run for run in runs_of(study) if run not in before]
        if new and not first:
            first.append(time.perf_counter() - begun)
        return stage_of(new)

    cost = cost_of(command, stage)
    for name, seconds in cost.by_stage.items():
        print(f"  {name:<60} {seconds:6.1f} s {cost.held[name] / 1e6:8,.0f} MB")
    print(f"in all {cost.seconds:.1f} s of processor time, {cost.clock:.1f} s on the clock")
    print(f"the run's folder was there after {(first or [0.0])[0]:.1f} s; "
          f"{cost.peak / 1e6:,.0f} MB at most")  # fmt: skip
    sizes = {run: size_of(run) / 1e6 for run in runs_of(study) if run not in before}
    for run, size in sizes.items():
        print(f"  {run.name}: {size:.1f} MB, {accuracy_of(run)}")
    if large:
        return cost.code or int(cost.clock > CLOCK or cost.peak > HELD * 1e6)
    return cost.code or int(cost.seconds > SECONDS or max(sizes.values()) > MEGABYTES)


def runs_of(study: Path) -> list[Path]:
    return sorted((study / layout.RUNS).glob("*"))


def stage_of(runs: list[Path]) -> str:
    """What the first of some runs does, as its events tell."""
    if not runs:
        return "before there is a run"
    stage, what = "preparing", ""
    with contextlib.suppress(OSError):
        for line in (runs[0] / layout.EVENTS).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if event.get("type") == "stage":
                    stage, what = event["name"], ""
                what = event.get("what", what)
    return f"{stage}: {what}" if what else stage


def size_of(run: Path) -> int:
    """Bytes of all that lies in a folder."""
    return sum(path.stat().st_size for path in run.rglob("*") if path.is_file())


def accuracy_of(run: Path) -> str:
    """What a run was tested at."""
    summary = json.loads((run / layout.SUMMARY).read_text(encoding="utf-8"))
    ridge = summary.get("baselines", {}).get("ridge")
    beside = f", ridge {ridge['macro']['accuracy']:.4f}" if ridge else ""
    return f"{summary['method']} {summary['test']['macro']['accuracy']:.4f}{beside}"


if __name__ == "__main__":
    sys.exit(main())
