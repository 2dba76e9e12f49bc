"""Baselines that are made, and the runs that get them; this needs neither torch nor pandas."""

from collections.abc import Mapping
from pathlib import Path

from prism_desktop.engine.files import copy
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import changing
from prism_desktop.engine.runs.result_files import KeptBaselines, Summary
from prism_desktop.engine.training.run_evaluation import write_summary

BASELINE_SCORES = (layout.RIDGE, layout.ZERO_SHOT)


def put_beside(run: RunFolder, found: KeptBaselines, scores: Mapping[str, Path]) -> None:
    """Put baselines into a run that has results: their accuracies, and those of their scores that
    are there."""
    for name, path in scores.items():
        if path.is_file():
            with changing(run.path, name):
                copy(path, run.path / name)
    summary = run.summary() or Summary()
    write_summary(run, summary.model_copy(update={"baselines": found.rows}))


def share_baselines(source: RunFolder, run: RunFolder) -> None:
    """Give a run the baselines of another one of the same data and backbone, where that has any and
    the run has results without."""
    known, own = source.summary(), run.summary()
    if known is not None and known.baselines and own is not None and not own.baselines:
        scores = {name: source.path / name for name in BASELINE_SCORES}
        put_beside(run, KeptBaselines(rows=known.baselines), scores)
