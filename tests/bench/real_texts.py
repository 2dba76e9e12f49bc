"""Writing like twenty simulated writers with a real language model: `make bench-texts`.

SmolLM2-135M-Instruct, which `make models` fetches, on the own texts of the demo's first twenty
writers: seventeen train, three are held out. Every method of the list by `compare --task writing`,
as one would call it; the study and its runs stay in `bench-texts.prism`, so that a bench that was
interrupted goes on. Prints the table of docs/results.md; units as there.

`--writers 4 --epochs 1` is a small one, which says whether all of it works and how long it takes.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import torch

from prism_desktop.engine.demo.writers.replies import own_texts
from prism_desktop.engine.demo.writers.writing_style import demo_writers
from prism_desktop.engine.experiments.writing_comparison import compare_writing
from prism_desktop.engine.methods.method_roles import ALIASES
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.run_events import Compared, ItemBegun, ItemEnded, Stage
from prism_desktop.engine.runs.writing_files import WritingLeaderboard
from prism_desktop.engine.study.records import LabelerRecord
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.engine.writing.writing_plan import WritingPlan
from tests.bench.writer_speed import SMOLLM
from tests.bench.writing_table import print_tables

METHODS = (
    "unprompted", "text-baseline", "retrieval-bm25", "retrieval-faiss", "unified-lora",
    "prefix-on-unified", "e2p-1", "persoma-mlp", "prefix-with-retrieval",
)  # fmt: skip
_STAND_INS = {"retrieval-faiss": "retrieval-similarity"}  # where a method is not there yet
# Between the usual rates, too low for so few epochs, and those that were the best of two epochs in
# `bench.writing_rates`; there is no room for more of them in 90 minutes.
EPOCHS, RATES = 4, ("lora_lr=0.01", "prefix_lr=0.02")
_LIMIT = 90 * 60  # s, on two quiet cores


def main() -> int:
    """Compare, print the table, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, default=Path("bench-texts.prism"))
    parser.add_argument("--writers", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="at most")
    parser.add_argument("--backbone", default=f"lm:{SMOLLM.resolve()}")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument(
        "--set", action="append", default=list(RATES), help="any further setting: key=value"
    )
    parser.add_argument("--jobs", type=int, help="so many runs at a time, each in one thread")
    given = parser.parse_args()
    if given.backbone.startswith(f"lm:{SMOLLM.resolve()}") and not SMOLLM.exists():
        print("SmolLM2 is not here; `make models` fetches it.")
        return 1
    _make(given.study, given.writers)
    options = {"backbone": given.backbone, "people": _codes(given.writers), "device": "cpu",
               "epochs": given.epochs}  # fmt: skip
    jobs = None
    if given.jobs:
        options["threads"], jobs = 1, TrainingJobs("local", most=given.jobs, tell=_say)
    plan = WritingPlan(given.study, _known(given.methods.split(",")), options, tuple(given.set))
    begun = time.perf_counter()
    board = _compared(plan, jobs)
    seconds = time.perf_counter() - begun
    how = f"{given.jobs} runs at a time" if given.jobs else f"{torch.get_num_threads()} threads"
    print(
        f"\n{board.backbone}, {how}: {board.people} simulated writers known, {board.held_out} held "
        f"out; {seconds / 60:.0f} minutes"
    )
    print_tables(board)
    return int(seconds > _LIMIT)


def _codes(writers: int) -> tuple[str, ...]:
    return tuple(one.code for one in demo_writers()[:writers])


def _make(folder: Path, writers: int) -> None:
    """The study, unless it is there."""
    if folder.exists():
        return
    with Study.create(folder, attributes=(), kind="text") as study:
        for one in demo_writers()[:writers]:
            told = f"{one.profile} (Simulated.)"
            study.add_labelers([LabelerRecord(one.code, one.name, told, simulated=True)])
            said = [OwnText(one.code, text, prompt.text) for prompt, text in own_texts(one, 0, 1.0)]
            study.add_own_texts(said)


def _known(wanted: Sequence[str]) -> list[str]:
    """The methods that the program has, and what is told of the others."""
    found = []
    for name in wanted:
        known = {*WRITING_METHODS, *ALIASES}
        taken = name if name in known else _STAND_INS.get(name)
        if taken is None:
            print(f"The program has no method {name} yet; it is left out.")
        else:
            if taken != name:
                print(f"The program has no method {name} yet; {taken} stands in for it.")
            found.append(taken)
    return found


def _compared(plan: WritingPlan, jobs: TrainingJobs | None) -> WritingLeaderboard:
    """The leaderboard, once all is trained; what goes on is told with the time."""
    with closing(compare_writing(plan, jobs)) as batches:  # type: ignore[type-var]
        for event in (event for batch in batches for event in batch):
            match event:
                case Compared():
                    board = WritingLeaderboard.load(Path(event.path) / layout.LEADERBOARD)
                    assert board is not None
                    return board
                case ItemBegun():
                    _say(f"{event.number} of {event.runs}: {event.method}, {event.state}")
                case Stage() if event.name:
                    _say(f"  {event.name}")
                case ItemEnded() if event.failure:
                    _say(f"  failed: {event.failure}")
    raise RuntimeError("the comparison ended without a leaderboard")


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
