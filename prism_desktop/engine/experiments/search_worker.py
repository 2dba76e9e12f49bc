"""One process of a search: `python -m
prism_desktop.engine.experiments.search_worker FOLDER --trials N`.

It trains one trial after another on the search's data, which hold no test answers, and tells the
storage each epoch's validation NLL.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.atomic import read_json, write_json
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import PrismError, RunError
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.search_trials import COUNTED, open_storage, suggest
from prism_desktop.engine.methods import method
from prism_desktop.engine.methods.ranges import Ranges, ranges
from prism_desktop.engine.processes.process_setup import lower_priority, prepare_torch
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.processes_alive import alive, birth
from prism_desktop.engine.training.dependencies import CONSENSUS
from prism_desktop.engine.training.snapshot import copy_snapshot

if TYPE_CHECKING:
    import optuna

    from prism_desktop.engine.training.resources import Resources


def main(arguments: list[str] | None = None) -> int:
    """Try so many settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the search's folder")
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parent", type=int, help="end if this process is gone")
    given = parser.parse_args(arguments)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    folder = RunFolder(given.folder.resolve())
    prepare_torch(folder)
    try:
        resources = _open(folder)
    except PrismError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    (folder.path / layout.READY).touch()
    lower_priority()
    worker = _Worker(folder, resources, given.parent)
    worker.work(given.trials, given.seed)
    return 0


class _Worker:
    def __init__(self, folder: RunFolder, resources: "Resources", parent: int | None) -> None:
        self.folder, self.resources, self.parent = folder, resources, parent
        self.born = birth(parent) if parent else ""
        known = read_json(folder.path / layout.SEARCH_START)
        self.consensus = {CONSENSUS: RunFolder(Path(known["run"]))} if known else {}
        asked = read_json(folder.path / layout.SEARCH) or {}
        every = ranges(method(folder.config().method))
        self.wanted: Ranges = {key: every[key] for key in asked["searched"]}

    def work(self, count: int, seed: int) -> None:
        """Ask for settings, try them, tell the result."""
        import optuna

        study = open_storage(self.folder.path)
        study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=False)
        study.pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
        for _ in range(count):
            trial = study.ask()
            try:
                study.tell(trial, self.value(trial))
            except optuna.TrialPruned:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            except (PrismError, RuntimeError, MemoryError) as error:
                trial.set_user_attr(COUNTED, str(error) or type(error).__name__)
                study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def value(self, trial: "optuna.Trial") -> float:
        """Train one trial; the macro validation NLL of its best epoch."""
        import optuna

        from prism_desktop.engine.runs.run_events import Epoch
        from prism_desktop.engine.training.factory import build

        config = self.folder.config().with_options(suggest(trial, self.wanted))
        run = RunFolder(self.folder.path.parent / f"{self.folder.name}.trial-{trial.number:04d}")
        shutil.rmtree(run.path, ignore_errors=True)
        run.data.mkdir(parents=True)
        try:
            write_json(run.path / layout.CONFIG, config.model_dump(mode="json"))
            copy_snapshot(self.folder, run)
            fit = build(run, self.resources, self.consensus, _nobody)
            for event in fit.run():
                if self.parent is not None and not alive(self.parent, self.born):
                    os._exit(1)
                if isinstance(event, Epoch):
                    loss: Any = event.val["nll"]
                    trial.report(float(loss), event.epoch)
                    if trial.should_prune():
                        raise optuna.TrialPruned
            if fit.cursor.best_nll is None:
                raise RunError("The trial had no validation answers.")
            return fit.cursor.best_nll
        finally:
            run.delete()


def _open(folder: RunFolder) -> "Resources":
    from prism_desktop.engine.training.factory import wants_features
    from prism_desktop.engine.training.resources import open_resources

    resources: Resources | None = None
    for event in open_resources(folder):
        if isinstance(event, Done):
            resources = event.value
    if resources is None:
        raise RunError("The backbone could not be opened.")
    config: TrainConfig = folder.config()
    if wants_features(config):
        for _ in resources.read_features(folder):
            pass
    return resources


def _nobody(name: str) -> Generator[Any, None, RunFolder]:
    raise RunError(f"A search trains no {name}.")
    yield


if __name__ == "__main__":
    sys.exit(main())
