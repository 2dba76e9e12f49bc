"""Methods against a ridge fitted to each labeler's own answers alone, cross-fitted.

`python -m tests.bench.against_ridge STUDY METHOD...`, after every image fold was held out once by a
run of each method, read against its baselines:

    for f in 0 1 2 3 4 5 6; do prism-desktop train STUDY --method METHOD --set split.fold=$f; done

Of each fold the newest run of a method counts. Each answer is tested once; the gain is the method's
accuracy less the ridge's on the same answers, with a 95 % interval over faces.
"""

import sys
from pathlib import Path

from prism_desktop.engine.evaluation.report import evaluate, gain, held_out
from prism_desktop.engine.experiments.joined_folds import join_runs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.score_files import ScoreTable
from prism_desktop.engine.study.records import FOLDS


def main() -> int:
    """Print a line for each method; 1 where a fold is lacking."""
    study, *methods = sys.argv[1:]
    for method in methods:
        runs = {
            run.config().split.fold: run
            for run in (RunFolder(info.path) for info in reversed(list_runs(Path(study))))
            if run.config().method == method and run.status().state == "finished"
        }
        joined = join_runs({(0, fold): run for fold, run in runs.items()}, range(FOLDS))
        if joined is None:
            print(f"{method}: not all folds are there, but {sorted(runs)}")
            return 1
        test, ridge = (
            held_out(joined.pairs),
            ScoreTable.joined([_tested(run) for _, run in sorted(runs.items())]),
        )
        own, theirs = (evaluate(test, table).macro for table in (joined.predictions[0], ridge))
        told = gain(test, joined.predictions, ridge).macro
        print(
            f"{method:<20} {len(test)} answers: {own.accuracy:.1%} ({own.low:.1%} to "
            f"{own.high:.1%}), ridge {theirs.accuracy:.1%} ({theirs.low:.1%} to "
            f"{theirs.high:.1%}), gain {told.difference:+.2%} ({told.low:+.2%} to {told.high:+.2%})"
        )
    return 0


def _tested(run: RunFolder) -> ScoreTable:
    """The ridge's scores of the images that a run held out."""
    table, images = run.scores(layout.RIDGE), run.table("images")
    assert table is not None, f"{run.name} was not read against its baselines"
    return table.only(images.loc[images["split"] == "test", "image"].astype(str))


if __name__ == "__main__":
    sys.exit(main())
