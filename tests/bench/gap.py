"""How much of the gap between consensus and ceiling a
method closes, labeler by labeler, on the demo study.

The ceiling is the planted taste itself on the very same test answers, so it shares their luck with
the methods. Usage: `python -m tests.bench.gap STUDY COMPARISON METHOD...`, after `prism-desktop
compare STUDY --name COMPARISON`.
"""

import sys
from pathlib import Path

import pandas as pd

from prism_desktop.engine.demo.ideal_accuracy import true_utilities
from prism_desktop.engine.evaluation.intervals import Resampled
from prism_desktop.engine.evaluation.metrics import ScoredPairs, correct, score_pairs
from prism_desktop.engine.evaluation.pairs import Floats
from prism_desktop.engine.evaluation.report import held_out
from prism_desktop.engine.experiments.joined_folds import join_runs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Leaderboard


def main() -> int:
    """Print accuracies and the share of the gap that is closed."""
    study, name, *methods = sys.argv[1:]
    board = Leaderboard.load(Path(study) / layout.COMPARISONS / name / layout.LEADERBOARD)
    assert board is not None
    print(f"{'method':<20} labeler  answers  consensus  method  planted  closed (95 % over images)")
    for method in methods or ["auto"]:
        runs = [RunFolder(Path(study) / "runs" / run) for run in board.runs[method]]
        configs = [run.config() for run in runs]
        places = [(config.seed, config.split.fold) for config in configs]
        tested = join_runs(dict(zip(places, runs, strict=True)), board.folds)
        if tested is None:
            print(f"{method}: not all folds are there")
            return 1
        test = held_out(tested.pairs)
        own, common = (
            score_pairs(test, tested.predictions[0]),
            score_pairs(test, tested.consensus[0]),
        )
        best = score_pairs(test, _planted(runs[0]))
        hits = [correct(one) for one in (common, own, best)]
        for labeler in sorted(set(own.labeler)):
            mine = own.labeler == labeler
            consensus, reached, planted = (float(one[mine].mean()) for one in hits)
            closed, error = _closed(own, labeler, hits)
            print(
                f"{method:<20} {labeler:<7} {mine.sum():8d} {consensus:10.1%} {reached:7.1%} "
                f"{planted:8.1%} {closed:7.0%} ({closed - 1.96 * error:.0%} to "
                f"{closed + 1.96 * error:.0%})"
            )
    return 0


def _closed(scored: ScoredPairs, labeler: str, hits: list[Floats]) -> tuple[float, float]:
    """The share of the gap, and its standard error by the delta method over images."""
    consensus, own, best = hits
    gap = float((best - consensus)[scored.labeler == labeler].mean())
    closed = float((own - consensus)[scored.labeler == labeler].mean()) / gap
    away = Resampled(
        scored, (own - consensus) - closed * (best - consensus), resamples=200, bounds=(-2.0, 2.0)
    )
    return closed, away.mean(labeler).error / abs(gap)


def _planted(run: RunFolder) -> pd.DataFrame:
    """The planted utilities as predictions of the images in a run."""
    names = run.table("images").sort_values("name")["image"].tolist()
    return pd.DataFrame(
        [
            (labeler, attribute, image, score)
            for labeler, tastes in true_utilities(images=len(names)).items()
            for attribute, scores in tastes.items()
            for image, score in zip(names, scores, strict=True)
        ],
        columns=["labeler", "attribute", "image", "score"],
    )


if __name__ == "__main__":
    sys.exit(main())
