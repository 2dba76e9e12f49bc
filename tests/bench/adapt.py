"""A new labeler enters a trained run with 20 answers.

Asked: all images predicted within 2 s of a loaded run; and, of a closed form, the whole command
`prism-desktop adapt RUN --labeler CODE --next 20`, with interpreter, reading, the test on all own
answers and the choice of what to ask next, where the method can choose.

The run is trained for a few steps only, which changes no time of what is measured.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from prism_desktop.engine.adaptation.fitter_choice import open_fitter
from prism_desktop.engine.adaptation.head_fitter import alone
from prism_desktop.engine.adaptation.new_answers import new_answers_from_study
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.demo.demo_study import build_demo
from prism_desktop.engine.events import Done
from prism_desktop.engine.methods import METHODS as METHODS_OF
from prism_desktop.engine.models.answers import answers, select
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.resources import ResourceCache
from prism_desktop.engine.training.session import train_run
from prism_desktop.engine.training.snapshot import make_snapshot

METHODS = (
    "hierarchical-bayes", "collaborative", "retrieval", "mlp-decoder", "user-embedding",
    "lora-visual-prompt",
    "text-token", "hybrid-prompt", "hierarchical", "contrastive", "adaptive-rank",
    "prefix-on-unified", "moe-lora",
    "e2p-1", "persoma-perceiver", "gated-memory", "cluster-prefix", "cluster-lora",
    "per-labeler-lora", "reptile",
    "maml-token", "full-finetune",
)  # fmt: skip
NEW, ANSWERS, LIMIT = "L3", 20, 2.0  # labeler, attributes of comparisons, s


def main() -> int:
    """Print seconds by method; 1 if any takes longer than the limit."""
    resource_cache, slow = ResourceCache(), []
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "demo.prism"
        for _ in build_demo(study):
            pass
        for method in sys.argv[1:] or METHODS:
            run = _trained(study, method, resource_cache)
            loading, entering, predicting = _measure(run)
            slow += [method] if entering + predicting > LIMIT else []
            if METHODS_OF[method].fitted == "in one go":
                wall, processor = _command(run)
                slow += [f"{method} as a command"] if wall > LIMIT else []
                print(f"{method:<20} whole command {wall:.2f} s, {processor:.2f} s of a processor")
            print(
                f"{method:<20} loading {loading:5.1f} s, entering {entering:5.2f} s, predicting "
                f"600 images {predicting:5.2f} s, together {entering + predicting:5.2f} s",
                flush=True,
            )
    print(f"longer than {LIMIT:g} s: {', '.join(slow) or 'none'}")
    return int(bool(slow))


def _trained(study: Path, method: str, resource_cache: ResourceCache) -> RunFolder:
    given = {
        "method": method,
        "backbone": "prism-mini",
        "device": "cpu",
        "epochs": 1,
        "max_steps": 2,
        "compare": False,
    }
    config = TrainConfig.checked({**given, "labelers": ("L1", "L2", "L4", "L5", "L6")})
    run = RunFolder.create(study, config)
    with Study.open(study, read_only=True) as opened:
        make_snapshot(opened, run, config)
    for _ in train_run(run, Control(run), resource_cache=resource_cache):
        pass
    return run


def _command(run: RunFolder) -> tuple[float, float]:
    """Seconds of the whole command by the clock and of a processor, of the second call."""
    found = 0.0, 0.0
    order = ["adapt", str(run.path), "--labeler", NEW, "--json", os.devnull]
    if layout.holds(run.path, layout.TELLING):  # it knows how surely it knows a labeler
        order += ["--next", "20"]
    # as in every installation, Python keeps compiled modules
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(2):
        begun, before = time.perf_counter(), os.times()
        subprocess.run(
            [sys.executable, "-m", "prism_desktop", *order],
            check=True, capture_output=True, env=env,
        )  # fmt: skip
        after = os.times()
        used = after.children_user + after.children_system
        used -= before.children_user + before.children_system
        found = time.perf_counter() - begun, used
    return found


def _measure(run: RunFolder) -> tuple[float, float, float]:
    """Seconds to load, to enter and to predict.

    The second of two newcomers, since the first one warms caches.
    """
    begun = time.perf_counter()
    *_, done = open_fitter(run)
    assert isinstance(done, Done)
    loading, said = time.perf_counter() - begun, new_answers_from_study(run, NEW)
    names = run.meta().names
    images = [str(image) for image in run.table("images")["image"]]
    given = alone(answers(said.pairs, [NEW], names, images))
    entering = predicting = 0.0
    for start in (0, ANSWERS):
        begun = time.perf_counter()
        fitted = done.value.fit(
            select(given, np.isin(np.arange(len(given)), np.arange(start, start + ANSWERS)))
        )
        entering = time.perf_counter() - begun
        fitted.scores(None)
        predicting = time.perf_counter() - begun - entering
    return loading, entering, predicting


if __name__ == "__main__":
    sys.exit(main())
