"""How cost grows with a study, step by step, for more labelers, images, answers and attributes.

`python -m tests.bench.growth` (`make bench-growth`) grows one of them at a time and prints, of each
step, seconds of a processor at each size, most memory and bytes written at the largest, and the
exponent of their growth: 1 is as fast as the data, at most 1.1 is asked (2 for agreement over
labelers, who are compared in pairs). `--up-to 0.1` stops at a tenth of each largest size, and
`--only labelers,answers` leaves the others out. The images have no files but embeddings of 64
numbers, except for the tower, which reads drawn faces.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.runs import layout
from prism_desktop.engine.study.embeddings import write_embeddings
from prism_desktop.engine.study.store import Study
from tests.bench.command_cost import cost_of
from tests.fixtures.many_ratings import make_study
from tests.fixtures.study import fill

DIMENSIONS, SET, LIMIT = 64, "made", 1.1
METHODS = ("consensus", "hierarchical-bayes", "collaborative")
# What is less at the largest size is not judged: it is what any command costs.
JUDGED: Mapping[str, float] = {"seconds": 2.0, "memory": 500.0, "written": 5.0}
QUADRATIC = {("labelers", "agreement")}
IMPORT, LEADERBOARD, TOWER = "import", "leaderboard", "an epoch of lora-visual-prompt"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of a study: `ratings` of each labeler, on all attributes together."""

    labelers: int = 20
    images: int = 2000
    ratings: int = 500
    attributes: int = 1


def _series(**grown: Sequence[int]) -> dict[str, list[Sizes]]:
    return {name: [replace(Sizes(), **{name: n}) for n in values] for name, values in grown.items()}


SERIES = _series(
    labelers=(6, 30, 150, 1000), images=(1000, 4000, 16_000, 70_000), attributes=(1, 4, 12, 34)
) | {"answers": [Sizes(200, 10_000, n // 200) for n in (5000, 40_000, 300_000, 2_000_000)]}
FACES = (250, 500, 1000, 2000)  # comparisons of the tower's studies


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a processor, most memory in MB, MB written."""

    seconds: float
    memory: float
    written: float = 0.0


@dataclass(slots=True)
class Grown:
    """Attributes:
    sizes: of what grew.
    steps: step -> cost at each size.
    """

    sizes: list[int] = field(default_factory=list)
    steps: dict[str, list[Cost]] = field(default_factory=dict)

    def add(self, size: int, costs: Mapping[str, Cost]) -> None:
        """Keep what one size cost."""
        self.sizes.append(size)
        for step, cost in costs.items():
            self.steps.setdefault(step, []).append(cost)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The p of the best a + b size^p with a, b >= 0, by least squares of the relative errors.

    What costs the same at any size is a; 0 where nothing grows.
    """
    n, y = np.asarray(sizes, dtype=float), np.maximum(np.asarray(values, dtype=float), 1e-9)
    if len(n) < 3 or y.max() < 1.2 * y.min():
        return 0.0
    found = [(_misfit(n / n.max(), y, p), p) for p in np.arange(0.05, 3.0, 0.01)]
    return float(min(found)[1])


def _misfit(n: npt.NDArray[np.float64], y: npt.NDArray[np.float64], p: float) -> float:
    from scipy.optimize import nnls

    design = np.column_stack([np.ones_like(n), n**p]) / y[:, None]
    return float(nnls(design, np.ones_like(y))[1])


def make(folder: Path, sizes: Sizes, seed: int = 0) -> tuple[Path, Path]:
    """A study of images with embeddings, and a table of ratings from 1 to 7 by tastes that have
    something in common."""
    rng = np.random.default_rng(seed)
    names = [f"quality{number + 1}" for number in range(sizes.attributes)]
    study = make_study(folder, sizes.images, names)
    x = rng.normal(size=(sizes.images, DIMENSIONS)) * np.geomspace(1.0, 0.05, DIMENSIONS)
    common = rng.normal(size=(DIMENSIONS, sizes.attributes))
    each = max(4, sizes.ratings // sizes.attributes)
    table = folder / "ratings.csv"
    with table.open("w", encoding="utf-8") as file:
        file.write(",".join(["participant", "image", *names]) + "\n")
        for labeler in range(sizes.labelers):
            seen = rng.choice(sizes.images, each, replace=False)
            liking = x[seen] @ (common + 0.7 * rng.normal(size=common.shape))
            noisy = liking / liking.std() + rng.normal(size=liking.shape)
            for image, row in zip(seen, np.clip(np.round(4 + 1.1 * noisy), 1, 7), strict=True):
                values = ",".join(str(int(value)) for value in row)
                file.write(f"P{labeler:04d},F{image:05d}.jpg,{values}\n")
    with Study.open(study) as opened:
        ids = {record.name: record.id for record in opened.images()}
    order = [ids[f"F{number:05d}.jpg"] for number in range(sizes.images)]
    write_embeddings(study, SET, order, x.astype(np.float32))
    return study, table


def _import(study: Path) -> Callable[[], object]:
    from prism_desktop.engine.study.importing.import_files import import_files

    def work() -> None:
        with Study.open(study) as opened:
            list(import_files(opened, [study.parent / "ratings.csv"]))

    return work


def _opening(study: Path) -> Callable[[], object]:
    def work() -> None:
        with Study.open(study, read_only=True) as opened:
            opened.info()

    return work


def _pairs(study: Path) -> Callable[[], object]:
    from prism_desktop.engine.evaluation.splits import make_pairs

    def work() -> None:
        with Study.open(study, read_only=True) as opened:
            answers = opened.comparisons(coded=True), opened.ratings(coded=True)
            make_pairs(*answers, opened.images_frame())

    return work


def _agreement(study: Path) -> Callable[[], object]:
    from prism_desktop.engine.analysis.agreement import rating_agreement

    def work() -> None:
        with Study.open(study, read_only=True) as opened:
            rating_agreement(opened.ratings())

    return work


def _explore(study: Path) -> Callable[[], object]:
    from prism_desktop.ui.explore.run_reading import read_run

    run = next((study / layout.RUNS).glob("*-hierarchical-bayes"))
    return lambda: list(read_run(run, {}))


BEFORE = {IMPORT: _import, "opening, info": _opening, "answers into pairs": _pairs,
          "agreement": _agreement}  # fmt: skip
AFTER = {"a run opens in Explore": _explore}


def step(name: str, study: Path) -> None:
    """Do a step in this process, and print what it cost as JSON."""
    work = {**BEFORE, **AFTER}[name](study)
    begun = time.process_time()
    work()
    seconds = time.process_time() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"seconds": seconds, "memory": memory}))


def _measured(name: str, study: Path) -> Cost:
    before = _bytes(study)
    command = [sys.executable, "-m", "tests.bench.growth", "--step", name, str(study)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Cost(found["seconds"], found["memory"], (_bytes(study) - before) / 1e6)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _compared(study: Path, methods: Sequence[str], *more: str) -> dict[str, Cost]:
    """`compare` of some methods: of each its training, test and predictions, then the table."""

    def stage() -> str:
        begun = sorted((study / layout.RUNS).glob("*"))
        ended = [run for run in begun if layout.holds(run, layout.SUMMARY)]
        if len(ended) == len(methods):
            return LEADERBOARD
        return (
            begun[-1].name.split("-", 2)[2]
            if len(begun) > len(ended)
            else [*methods, LEADERBOARD][len(ended)]
        )

    command = [sys.executable, "-m", "prism_desktop", "compare", str(study), *more]
    cost = cost_of([*command, "--methods", ",".join(methods), "--no-cross-fit"], stage)
    if cost.code:
        raise SystemExit(f"{' '.join(command)} ended with {cost.code}")
    sizes = {run.name.split("-", 2)[2]: _bytes(run) for run in (study / layout.RUNS).glob("*")}
    return {
        name: Cost(seconds, cost.peak / 1e6, sizes.get(name, 0) / 1e6)
        for name, seconds in cost.by_stage.items()
    }


def grow(name: str, up_to: float) -> Grown:
    """Measure one direction."""
    found = Grown()
    for sizes in SERIES[name]:
        size = sizes.labelers * sizes.ratings if name == "answers" else getattr(sizes, name)
        last = SERIES[name][-1]
        largest = last.labelers * last.ratings if name == "answers" else getattr(last, name)
        if size > up_to * largest:
            break
        with tempfile.TemporaryDirectory() as folder:
            study, _ = make(Path(folder), sizes)
            costs = {step: _measured(step, study) for step in BEFORE}
            costs |= _compared(study, METHODS, "--backbone", f"embeddings:{SET}")
            costs |= {step: _measured(step, study) for step in AFTER}
        found.add(size, costs)
        print(f"  {name} {size:,}: {sum(one.seconds for one in costs.values()):.1f} s", flush=True)
    return found


def grow_tower(up_to: float) -> Grown:
    """Measure an epoch that passes images through the tower, with its test."""
    found = Grown()
    for comparisons in FACES:
        if comparisons > up_to * FACES[-1]:
            break
        with tempfile.TemporaryDirectory() as folder:
            with Study.create(Path(folder) / "faces.prism", attributes=("attractive",)) as study:
                fill(study, images=60, labelers=4, comparisons=comparisons // 4, ratings=0)
                path = study.path
            command = [sys.executable, "-m", "prism_desktop", "train", str(path)]
            command += ["--method", "lora-visual-prompt", "--backbone", "prism-mini"]
            cost = cost_of([*command, "--set", "epochs=1"])
            written = _bytes(path / layout.RUNS) / 1e6
        found.add(comparisons, {TOWER: Cost(cost.seconds, cost.peak / 1e6, written)})
    return found


def table_of(name: str, grown: Grown) -> tuple[list[str], list[str]]:
    """The table of a direction, and its steps that grow faster than they may."""
    lines = [
        f"| more {name} | " + " / ".join(f"{size:,}" for size in grown.sizes)
        + " | exponent | most MB | exponent | MB written | exponent |",
        "|---" * 7 + "|",
    ]  # fmt: skip
    over = []
    for step, costs in grown.steps.items():
        if len(costs) < len(grown.sizes):
            continue
        of = {
            what: exponent(grown.sizes, [getattr(one, what) for one in costs])
            for what, least in JUDGED.items()
            if getattr(costs[-1], what) >= least
        }
        told = {what: f"{of[what]:.2f}" if what in of else "-" for what in JUDGED}
        seconds = " / ".join(f"{one.seconds:.1f}" for one in costs)
        last = costs[-1]
        lines.append(
            f"| {step} | {seconds} s | {told['seconds']} | {last.memory:,.0f} | "
            f"{told['memory']} | {last.written:,.1f} | {told['written']} |"
        )
        if (name, step) not in QUADRATIC and max(of.values(), default=0.0) > LIMIT:
            over.append(f"{step} with {name}")
    return lines, over


def main() -> int:
    """Print the tables; 1 if something grows faster than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("study", nargs="?", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--up-to", type=float, default=1.0, help="share of each largest size")
    parser.add_argument("--only", help="labelers, images, answers, attributes or tower")
    asked = parser.parse_args()
    if asked.step:
        step(asked.step, asked.study)
        return 0
    over: list[str] = []
    for name in asked.only.split(",") if asked.only else [*SERIES, "tower"]:
        grown = grow_tower(asked.up_to) if name == "tower" else grow(name, asked.up_to)
        lines, faster = table_of("comparisons" if name == "tower" else name, grown)
        print("\n".join(lines), flush=True)
        over += faster
    print(f"faster than the data (exponent above {LIMIT}): {', '.join(over) or 'nothing'}")
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
