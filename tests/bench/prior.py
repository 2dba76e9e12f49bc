"""How strongly hierarchical Bayes should believe that tastes
differ alike on all axes, judged on validation answers.

`python -m tests.bench.prior FOLDER [RUN]`: FOLDER as for `tests.bench.mebeauty`, of which folds 0
and 3 are used; RUN, a finished run of hierarchical Bayes, adds how its validation answers are
foretold. No test answer is read.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from prism_desktop.engine.evaluation.metrics import hits
from prism_desktop.engine.events import Done, Event, value
from prism_desktop.engine.experiments.subsampling import AnswerPool, subsample_all
from prism_desktop.engine.models.answers import Answers, answers, select
from prism_desktop.engine.models.heads import bayes, ridge
from prism_desktop.engine.models.heads.bayes import BayesHeads, BayesSettings
from prism_desktop.engine.models.heads.em import EmSettings
from prism_desktop.engine.models.heads.model_selection import validation_nll
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.factory import Task, head_ratings
from prism_desktop.engine.training.resources import Resources, open_resources
from prism_desktop.engine.training.single_ratings import training_ratings
from tests.bench.mebeauty import Data, accuracy_of, last, read

STRENGTHS = (5.0, 20.0, 100.0, 400.0, 1e6)  # labelers' worth
FOLDS, SHOTS, DRAWS, GROUPS = (0, 3), (0, 20, 50, 100), 3, 3
COUNTS = (25, 50, 100, 200, 400)  # training answers of each labeler of the run


def main() -> None:
    """Print a row for each strength."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("run", type=Path, nargs="?")
    given = parser.parse_args()
    folds = [read(given.folder, fold) for fold in FOLDS]
    print(
        "strength   known: NLL accuracy   unseen, gain over consensus after "
        + " ".join(f"{k:>14}" for k in SHOTS)
    )
    for strength in STRENGTHS:
        settings = _settings(strength)
        known = np.mean([_known(data, settings) for data in folds], axis=0)
        # raters, not raters times folds
        gained = np.mean([_unseen(data, settings) for data in folds], axis=0)
        error = gained.std(axis=0, ddof=1) / np.sqrt(len(gained))
        few = " ".join(
            f"{100 * g:+.2f} +- {100 * e:.2f}"
            for g, e in zip(gained.mean(axis=0), error, strict=True)
        )
        print(f"{strength:>8g}   {known[0]:.4f} {known[1]:.4f}   {few}", flush=True)
    if given.run is not None:
        for count, strength, nll, accuracy in _of_run(RunFolder.open(given.run)):
            print(
                f"{count:>5} answers of each, {strength:>8g}   NLL {nll:.4f}   accuracy "
                f"{accuracy:.4f}",
                flush=True,
            )


def _settings(strength: float) -> BayesSettings:
    return BayesSettings(em=EmSettings(strength=strength, share=1.0))


def _known(data: Data, settings: BayesSettings) -> tuple[float, float]:
    """(NLL, mean accuracy) of raters whom the prior was learned from."""
    heads: BayesHeads = last(
        bayes.fit(data.features, data.answers["train"], len(data.raters), 1, settings=settings)
    )
    val, scores = data.answers["val"], heads.scores(data.features)
    accuracy = [accuracy_of(scores[u, 0], select(val, val.labeler == u)) for u in data.many]
    mine = select(val, np.isin(val.labeler, data.many))
    return validation_nll(heads, data.features, mine), float(np.mean(accuracy))


def _unseen(data: Data, settings: BayesSettings) -> np.ndarray:
    """(raters, shots) gain in accuracy over the consensus,
    of raters whom the prior was not learned from."""
    x, pairs, val, raters = (
        data.features,
        data.answers["train"],
        data.answers["val"],
        len(data.raters),
    )
    rows = []
    for group in np.array_split(np.random.default_rng(0).permutation(data.many), GROUPS):
        kept = select(pairs, ~np.isin(pairs.labeler, group))
        shared = last(ridge.fit(x, kept, raters, 1, owner="nobody")).scores(x)[0, 0]
        heads: BayesHeads = last(bayes.fit(x, kept, raters, 1, settings=settings))
        for u in group:
            mine = select(val, val.labeler == u)
            base = accuracy_of(shared, mine)
            rows.append([_after(heads, data, int(u), k, mine) - base for k in SHOTS])
    return np.array(rows)


def _after(heads: BayesHeads, data: Data, u: int, k: int, mine: Answers) -> float:
    pairs, found = data.answers["train"], []
    for draw in range(DRAWS if k else 1):
        own = np.random.default_rng([u, draw]).permutation(np.flatnonzero(pairs.labeler == u))[:k]
        found.append(
            accuracy_of(
                heads.adapt(data.features, select(pairs, own)).scores(data.features)[0, 0], mine
            )
        )
    return float(np.mean(found))


def _of_run(run: RunFolder) -> Iterator[tuple[int, float, float, float]]:
    """(training answers of each labeler, strength, NLL, accuracy)
    on a run's validation answers; 32 axes, power 0."""
    task = Task.of(run)
    pool = AnswerPool.of(run, beside=bool(head_ratings(run, task)))

    def opened() -> Iterator[Event[Resources]]:
        resources: Resources = yield from value(open_resources(run))
        yield from resources.read_features(run)
        yield Done(resources)

    x, val = last(opened()).features.array, task.answers["val"]
    for count in COUNTS:
        drawn = [subsample_all(pool, task.labelers, count, seed) for seed in range(2 * DRAWS)]
        for strength in STRENGTHS:
            found = []
            for one in drawn:
                given = answers(one.pairs, task.labelers, task.attributes, task.images)
                beside = training_ratings(
                    one.ratings, run.table("images"), task.labelers, task.attributes
                )
                settings = replace(_settings(strength), dims=32, power=0.0)
                size = len(task.labelers), len(task.attributes)
                heads = last(bayes.fit(x, given, *size, ratings=beside, settings=settings))
                scores = heads.scores(x)
                each = [
                    _accuracy(scores, select(val, val.labeler == u))
                    for u in range(len(task.labelers))
                ]
                found.append((validation_nll(heads, x, val), float(np.mean(each))))
            nll, accuracy = np.mean(found, axis=0)
            yield count, strength, nll, accuracy


def _accuracy(scores: np.ndarray, mine: Answers) -> float:
    kept = select(mine, mine.outcome != 0.5)
    u, a = kept.labeler, kept.attribute
    return float(
        hits(scores[u, a, kept.left] - scores[u, a, kept.right], kept.outcome > 0.5).mean()
    )


if __name__ == "__main__":
    main()
