"""Labelers of whom training never heard, among few who agree: the demo's, each left out in turn.

`python -m tests.bench.newcomers RUN`, a finished run of heads in closed form of the demo study. The
others' training answers make the prior. Whoever was left out, somebody who sees the opposite of the
first one on every attribute, and somebody who answers at random then enter with K comparisons of
faces that are not held out, three attributes each, and are tested on all pairs of held-out faces by
what they truly see; the mean of three draws. Of somebody at random there is nothing to be right
about, so it is how sure of their answers the model is: 50 % is to know that it knows nothing.
"before" is a prior beyond which nobody goes.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from prism_desktop.engine.demo.ideal_accuracy import true_utilities
from prism_desktop.engine.demo.simulated_labelers import labelers
from prism_desktop.engine.models.answers import Answers, select
from prism_desktop.engine.models.answers import answers as as_answers
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.saved_heads import load_heads
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.kept_features import kept_features
from tests.bench.mebeauty import last

COUNTS, DRAWS = (20, 50, 100, 200, 500, 1000), 3
Floats = NDArray[np.float64]


def main() -> int:
    """Print a table, accuracies in per cent by attribute."""
    run = RunFolder.open(Path(sys.argv[1]))
    features = kept_features(run, load_heads(run.path).card)
    assert features is not None
    images, pairs = run.table("images"), run.table("pairs")
    ids, place = [str(one) for one in images["image"]], np.argsort(np.argsort(images["name"]))
    codes, names = [one.code for one in labelers()], list(labelers()[0].tastes)
    told = as_answers(pairs[pairs["split"] == "train"], codes, names, ids)
    test = images["fold"].to_numpy() == run.config().split.fold
    utilities = true_utilities(images=len(ids))
    print(f"comparisons: {', '.join(map(str, COUNTS))}; {', '.join(names)}")
    for number, who in enumerate(labelers()):
        others = select(told, told.labeler != number)
        heads = last(bayes.fit(features, others, len(codes), len(names)))
        true = np.stack([utilities[who.code][name][place] for name in names]).astype(np.float64)
        people = {who.code: (true, who.noise, who.tie_threshold)}
        if number == 0:
            people["opposite of " + who.code] = (-true, who.noise, who.tie_threshold)
            people["random"] = (0 * true, 1.0, 0.0)
        for name, (sees, noise, ties) in people.items():
            asked = partial(_ask, test, sees=sees, noise=noise, ties=ties)
            _report(name, heads, features, asked, test, sees)
    return 0


def _report(
    name: str, heads: BayesHeads, features: NDArray[np.float32],
    asked: Callable[[int, int], Answers], test: NDArray[np.bool_], sees: Floats,
) -> None:  # fmt: skip
    for way, prior in (("before", heads.held()), ("now", heads)):
        cells = []
        for count in COUNTS:
            draws = [prior.adapt(features, asked(count, draw)) for draw in range(DRAWS)]
            found = np.mean([_right(one.scores(features)[0], test, sees) for one in draws], axis=0)
            cells.append(" ".join(f"{100 * each:5.1f}" for each in found))
        print(f"{name:<14} {way:<7} {' | '.join(cells)}", flush=True)


def _ask(
    test: NDArray[np.bool_], count: int, draw: int, sees: Floats, noise: float, ties: float
) -> Answers:
    """Comparisons as the demo's labelers make them, ties left out."""
    rng, faces = np.random.default_rng(draw), np.flatnonzero(~test)
    pairs = np.stack([rng.choice(faces, 2, replace=False) for _ in range(count)])
    attribute = np.tile(np.arange(len(sees)), count)
    left, right = np.repeat(pairs, len(sees), axis=0).T
    margin = sees[attribute, left] - sees[attribute, right]
    margin = margin + rng.normal(0, np.sqrt(2) * noise, len(margin))
    told = Answers(
        np.zeros(len(margin), np.int64), attribute, left, right,
        (margin > 0).astype(np.float32), np.ones(len(margin), np.float32), np.arange(len(margin)),
    )  # fmt: skip
    return select(told, np.abs(margin) > ties)


def _right(scores: NDArray[np.float32], test: NDArray[np.bool_], sees: Floats) -> Floats:
    """(attributes,) shares of pairs of held-out faces; of somebody at random how sure it is."""
    one, other = np.triu_indices(int(test.sum()), 1)
    faces = np.flatnonzero(test)
    margin = scores[:, faces[one]] - scores[:, faces[other]]
    if not sees.any():
        return np.asarray(np.mean(expit(np.abs(margin)), axis=1))
    truly = np.sign(sees[:, faces[one]] - sees[:, faces[other]])
    return np.asarray(0.5 + 0.5 * np.mean(np.sign(margin) * truly, axis=1))


if __name__ == "__main__":
    sys.exit(main())
