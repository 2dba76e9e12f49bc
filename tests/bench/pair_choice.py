"""How many comparisons each way of choosing pairs needs, by the labeler's own hierarchical Bayes on
held-out pairs.

`python -m tests.bench.pair_choice demo`: the demo's planted labelers, whose answers are drawn anew.
`python -m tests.bench.pair_choice mebeauty FOLDER`: real raters with at least 250 ratings; an
answer is which of two faces they rated higher. FOLDER as for `tests.bench.mebeauty`.

The prior is learned from the other labelers alone. Pairs are chosen among the faces of six image
folds; accuracy is that on pairs of faces of the seventh, which nothing was learned from. Every
`AGAIN` answers the posterior is fitted anew, as the product does while somebody labels.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky
from scipy.stats import t as student

from prism_desktop.engine.labeling.pairing import (
    STRATEGIES,
    Belief,
    Compared,
    PairChooser,
    PairField,
    Strategy,
)
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads import bayes
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.prior import isotropic
from prism_desktop.engine.models.heads.space import fit_space
from tests.bench import mebeauty
from tests.bench.mebeauty import last

AGAIN = 25  # answers between two fits
COUNTS = (50, 100, 200, 300, 400, 500, 600, 800, 1000)
HELD = 4000  # held-out pairs, at most
Floats = NDArray[np.float64]
_people: list["Person"] = []  # of a process


@dataclass(frozen=True)
class Person:
    """One labeler with a choice of pairs to answer."""

    name: str
    prior: BayesHeads  # learned from the others
    features: NDArray[np.float32]
    fold: NDArray[np.int64]  # (images,) that pairs are within; -1 not to be shown
    utility: Floats  # (images,) what is compared
    noise: float  # of one face's utility, in its units; 0 for answers that are known
    threshold: float  # leads below it are ties
    held: NDArray[np.int64]  # (pairs, 2)
    right: NDArray[np.int64]  # (pairs,) 1 where the first is higher, else -1

    def answer(self, pair: tuple[int, int], dice: np.random.Generator) -> int:
        """1, 0 or -1."""
        lead = self.utility[pair[0]] - self.utility[pair[1]]
        lead += dice.normal(0, np.sqrt(2) * self.noise) if self.noise else 0
        return 0 if abs(lead) <= self.threshold else int(np.sign(lead))


def main() -> None:
    """Print accuracy by number of answers and strategy, and how many answers reach it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", choices=("demo", "mebeauty"))
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--alone", action="store_true", help="nothing is known of other labelers")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--labelers", type=int, default=None, help="only the first few")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    people = list(_demo() if given.source == "demo" else _mebeauty(given.folder, not given.alone))
    people = people[: given.labelers]
    tasks = [(n, s, k) for n in range(len(people)) for s in STRATEGIES for k in range(given.seeds)]
    with ProcessPoolExecutor(
        given.processes, initializer=_people.extend, initargs=(people,)
    ) as pool:
        curves = list(pool.map(_curve, *zip(*tasks, strict=True), chunksize=4))
    table = np.array(curves).reshape(len(people), len(STRATEGIES), given.seeds, len(COUNTS))
    report(table.mean(axis=2))


def report(accuracy: Floats) -> None:
    """Args: accuracy: (labelers, strategies, counts), mean over seeds."""
    labelers = len(accuracy)
    print(f"{labelers} labelers; mean and gain over random with 95 % intervals over labelers")
    print("answers      " + "".join(f"{count:>22}" for count in COUNTS))
    quantile = student.ppf(0.975, labelers - 1) / np.sqrt(labelers)
    chance = accuracy[:, STRATEGIES.index("random")]
    for number, name in enumerate(STRATEGIES):
        gain = accuracy[:, number] - chance
        cells = [
            f"{100 * mean:6.2f} ({100 * up:+5.2f} +- {100 * wide:4.2f})"
            for mean, up, wide in zip(
                accuracy[:, number].mean(axis=0),
                gain.mean(axis=0),
                quantile * gain.std(axis=0, ddof=1),
                strict=True,
            )
        ]
        print(f"{name:<12} " + "".join(f"{cell:>22}" for cell in cells))
    wanted = chance.mean(axis=0)[-1]
    for number, name in enumerate(STRATEGIES):
        reached = np.flatnonzero(accuracy[:, number].mean(axis=0) >= wanted)
        told = f"{COUNTS[reached[0]]} answers" if len(reached) else f"more than {COUNTS[-1]}"
        print(f"{name}: what random reaches with {COUNTS[-1]} is reached with {told}")


def _curve(number: int, strategy: Strategy, seed: int) -> list[float]:
    """Held-out accuracy after each of `COUNTS` answers; the last one where pairs ran out."""
    who = _people[number]
    shown = np.flatnonzero(who.fold >= 0)
    chooser = PairChooser(
        PairField.of(who.fold[shown].tolist()), strategy, f"{who.name}/{seed}",
        beliefs=[_belief(who, None, shown)],
    )  # fmt: skip
    dice = np.random.default_rng([seed, crc32(who.name.encode())])
    said: list[tuple[int, int, int]] = []
    found: list[float] = []
    for count in range(1, COUNTS[-1] + 1):
        proposal = chooser.next()
        if proposal is not None:
            one, other = (int(shown[place]) for place in proposal.pair)
            outcome = who.answer((one, other), dice)
            said.append((one, other, outcome))
            chooser.push(Compared(*proposal.pair, outcome), [outcome])
        if count % AGAIN == 0 and strategy == "informative":
            chooser.learn([_belief(who, _answers(said), shown)])
        if count in COUNTS:
            places = who.prior.adapt(who.features, _answers(said)).scores(who.features)[0, 0]
            one, other = who.held.T
            found.append(float(np.mean(np.sign(places[one] - places[other]) == who.right)))
    return found


def _belief(who: Person, answers: Answers | None, shown: NDArray[np.int64]) -> Belief:
    heads = who.prior.adapt(who.features, answers)
    x, steep = heads.space.project(who.features[shown]), float(heads.steepness()[0, 0])
    covariance = heads.covariance(0)
    root = cholesky(covariance + 1e-9 * np.trace(covariance) * np.eye(len(covariance)), lower=True)
    return Belief(steep * (x @ heads.mean[0, 0]), steep * (x @ root))


def _answers(said: Sequence[tuple[int, int, int]]) -> Answers:
    """Those that are no ties."""
    left, right, outcome = (
        np.array([each for each in said if each[2]] or [(0, 0, 1)][:0]).reshape(-1, 3).T
    )
    zero = np.zeros(len(left), np.int64)
    return Answers(
        zero, zero, left, right, ((outcome + 1) / 2).astype(np.float32),
        np.ones(len(left), np.float32), np.arange(len(left)),
    )  # fmt: skip


def _demo() -> Iterator[Person]:
    """Every attribute of every planted labeler, on the drawn faces as prism-mini sees them."""
    raise NotImplementedError


def _mebeauty(folder: Path, others_known: bool) -> Iterator[Person]:
    """Real raters, on faces that they rated; three groups of them in turn are left out of the
    prior."""
    data = mebeauty.read(folder, 0)
    rated = {part: _of_raters(data.ratings[part]) for part in data.ratings}
    train = data.ratings["train"]
    for group in np.array_split(np.random.default_rng(0).permutation(data.many), 3):
        others = mebeauty._rows(train, ~np.isin(train.labeler, group))
        heads = last(bayes.fit(data.features, None, len(data.raters), 1, ratings=others))
        for rater in group:
            utility = np.zeros(len(data.images))
            fold = np.full(len(data.images), -1)
            for part in ("train", "val"):
                faces, values = rated[part][rater]
                utility[faces], fold[faces] = values, 0
            held, right = _held(*rated["test"][rater])
            nobody = (heads if others_known else _alone(heads, data.features)).adapt(
                data.features, None
            )
            yield Person(
                data.raters[rater], nobody, data.features, fold, utility, 0.0, 0.0, held, right
            )


def _alone(heads: BayesHeads, features: NDArray[np.float32]) -> BayesHeads:
    """Of the first labeler of a study: any taste is as likely as its opposite."""
    space = fit_space(features, 64, power=0.5)
    width = float(np.mean(np.sum(space.project(features) ** 2, axis=1)))
    prior = isotropic(np.zeros(64), 1 / width)
    return replace(heads, space=space, prior=prior, spread=np.var(space.project(features), axis=0))


def _of_raters(ratings: Ratings) -> dict[int, tuple[NDArray[np.int64], Floats]]:
    return {
        int(rater): (
            ratings.image[ratings.labeler == rater],
            ratings.value[ratings.labeler == rater],
        )
        for rater in np.unique(ratings.labeler)
    }


def _held(faces: NDArray[np.int64], utility: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of faces that differ, and which is higher."""
    one, other = np.triu_indices(len(faces), 1)
    right = np.sign(utility[one] - utility[other]).astype(np.int64)
    kept = np.flatnonzero(right)
    kept = np.random.default_rng(0).permutation(kept)[:HELD]
    return np.stack([faces[one[kept]], faces[other[kept]]], axis=1), right[kept]


if __name__ == "__main__":
    main()
