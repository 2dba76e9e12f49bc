"""How many comparisons each way of choosing pairs needs, by the labeler's own hierarchical Bayes on
held-out pairs.

`python -m tests.bench.pair_choice planted RUN`: the demo's planted labelers, whose answers are
drawn anew; RUN is a finished run of heads in closed form on the demo.
`python -m tests.bench.pair_choice impressions FOLDER`: planted labelers whose tastes are attributes
of One Million Impressions; FOLDER holds attribute_means.csv and images/.
`python -m tests.bench.pair_choice real FOLDER`: real raters with at least 250 ratings; an answer is
which of two faces they rated higher. FOLDER as for `tests.bench.mebeauty`.

Pairs are chosen among the faces of six image folds; accuracy is that on pairs of faces of the
seventh, which nothing was learned from, by who is truly higher. As in the product, a plan is made
after every `AGAIN` answers as if those to come were not known, and a share of trials is drawn at
random. `d-optimal` is how `adapt --next` chooses; `variance` takes the pair whose answer takes most
of the variance away with which other pairs are foretold (Cohn, "Neural network exploration using
optimal experiment design", 1996).
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from prism_desktop.engine.labeling.design import LabelingConfig
from prism_desktop.engine.labeling.pairing import (
    Belief,
    ComparedPair,
    PairChooser,
    PairField,
    Strategy,
    from_weights,
)
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.telling import choices_between, most_telling
from tests.bench.pair_people import Floats, Person, impressions, planted, real

Way = Strategy | Literal["d-optimal", "variance"]
WAYS: tuple[Way, ...] = (
    "random", "balanced", "sorted", "unsure", "d-optimal", "variance", "informative",
)  # fmt: skip
_BELIEVING = ("unsure", "informative", "variance")
_TARGETS = 1000  # pairs that are foretold
AGAIN = 20  # answers between two plans
COUNTS = (50, 100, 200, 300, 400, 500, 600, 800, 1000)
SHARE = LabelingConfig().drawn
_people: list[Person] = []  # of a process


def main() -> None:
    """Print accuracy by number of answers and strategy, and how many answers reach it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", choices=("planted", "impressions", "real"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--alone", action="store_true", help="nothing is known of other labelers")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--labelers", type=int, default=None, help="only the first few")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    people = list(
        impressions(given.folder)
        if given.source == "impressions"
        else (planted if given.source == "planted" else real)(
            given.folder, others_known=not given.alone
        )
    )[: given.labelers]
    ways: list[Way] = list(dict.fromkeys(("random", *given.ways)))
    tasks = [(n, way, k) for k in range(given.seeds) for n in range(len(people)) for way in ways]
    table = np.full((given.seeds, len(people), len(ways), len(COUNTS)), np.nan)
    with ProcessPoolExecutor(
        given.processes, initializer=_people.extend, initargs=(people,)
    ) as pool:
        for number, curve in enumerate(pool.map(_curve, *zip(*tasks, strict=True), chunksize=2)):
            table.reshape(-1, len(COUNTS))[number] = curve
            seeds, rest = divmod(number + 1, len(people) * len(ways))
            if not rest:
                report(table[:seeds].mean(axis=0), ways, seeds)


def report(accuracy: Floats, ways: Sequence[Way], seeds: int) -> None:
    """Args: accuracy: (labelers, ways, counts), mean over seeds; the first way is `random`."""
    labelers = len(accuracy)
    print(f"\n{labelers} labelers, {seeds} seeds; accuracy in %, and its gain over random with the")
    print("95 % interval over labelers")
    print("answers     " + "".join(f"{count:>21}" for count in COUNTS))
    quantile = student.ppf(0.975, labelers - 1) / np.sqrt(labelers)
    chance = accuracy[:, 0]
    for number, name in enumerate(ways):
        gain = accuracy[:, number] - chance
        cells = [
            f"{100 * mean:6.2f} ({100 * up:+5.2f}±{100 * wide:4.2f})"
            for mean, up, wide in zip(
                accuracy[:, number].mean(axis=0),
                gain.mean(axis=0),
                quantile * gain.std(axis=0, ddof=1),
                strict=True,
            )
        ]
        print(f"{name:<12}" + "".join(f"{cell:>21}" for cell in cells))
    wanted = chance.mean(axis=0)[-1]
    for number, name in enumerate(ways):
        reached = np.flatnonzero(accuracy[:, number].mean(axis=0) >= wanted)
        told = f"{COUNTS[reached[0]]} answers" if len(reached) else f"more than {COUNTS[-1]}"
        print(f"{name}: what random reaches with {COUNTS[-1]} is reached with {told}", flush=True)


def _curve(number: int, way: Way, seed: int) -> list[float]:
    """Held-out accuracy after each of `COUNTS` answers; the last one where pairs ran out."""
    who = _people[number]
    shown = np.flatnonzero(who.fold >= 0)
    field = PairField.of(who.fold[shown].tolist())
    salt = f"{who.name}/{seed}"
    drawn = PairChooser(field, "random", f"{salt}/drawn")
    heads = who.prior
    make = _VarianceChooser if way == "variance" else PairChooser
    strategy: Strategy = (
        "informative" if way == "variance" else "balanced" if way == "d-optimal" else way
    )
    chooser = make(field, strategy, salt, beliefs=[_belief(who, heads, shown)])
    dice = np.random.default_rng([seed, crc32(who.name.encode())])
    said: list[tuple[int, int, int]] = []
    planned: list[tuple[int, int]] = []
    found: list[float] = []
    for count in range(1, COUNTS[-1] + 1):
        if count % AGAIN == 1 and way in (*_BELIEVING, "d-optimal"):
            heads = who.prior.adapt(who.features, _answers(said))
            chooser.learn([_belief(who, heads, shown)])
            if way == "d-optimal":
                planned = _d_optimal(who, heads, shown, said, salt)
        by_chance = way != "random" and int(count * SHARE) > int((count - 1) * SHARE)
        pair = drawn.next() if by_chance else planned.pop(0) if planned else chooser.next()
        if pair is not None:
            one, other = (int(shown[place]) for place in pair)
            outcome = who.answer((one, other), dice)
            said.append((one, other, outcome))
            for each in (drawn, chooser):
                if way in _BELIEVING:
                    each.push(ComparedPair(*pair, None))
                else:
                    each.note(ComparedPair(*pair, (outcome,)))
        if count in COUNTS:
            places = who.prior.adapt(who.features, _answers(said)).scores(who.features)[0, 0]
            one, other = who.held.T
            found.append(float(np.mean(np.sign(places[one] - places[other]) == who.right)))
    return found


class _VarianceChooser(PairChooser):
    """Takes what makes other pairs, weighted by how open they are, foretold most surely."""

    def _worths(self, pairs: NDArray[np.int64]) -> list[Floats]:
        found = []
        for belief in self._beliefs:
            targets = self._draw(np.random.default_rng(0), _TARGETS)
            mean, variance = belief.gaps(targets)
            spread = np.sqrt(variance + 1e-12)
            weight = np.exp(-((mean / spread) ** 2) / 2) / spread
            apart = belief.root[targets[:, 0]] - belief.root[targets[:, 1]]
            wanted = (apart * weight[:, None]).T @ apart / weight.sum()
            own = belief.root[pairs[:, 0]] - belief.root[pairs[:, 1]]
            told = belief.curvature(pairs)
            relief = np.einsum("pr,pr->p", own @ wanted, own)
            found.append(told * relief / (1 + told * belief.gaps(pairs)[1]))
        return found


def _d_optimal(
    who: Person,
    heads: BayesHeads,
    shown: NDArray[np.int64],
    said: Sequence[tuple[int, int, int]],
    salt: str,
) -> list[tuple[int, int]]:
    """A plan by `most_telling`, among as many pairs as a run chooses among."""
    field = PairField.of(who.fold[shown].tolist())
    candidates = PairChooser(field, "random", f"{salt}/{len(said)}")
    drawn = np.unique(np.sort(candidates._draw(np.random.default_rng(len(said)), 4000), 1), axis=0)
    there = np.searchsorted(shown, [sorted(each[:2]) for each in said] or [[0, 0]])
    seen = {tuple(each) for each in there.tolist()} if said else set()
    kept = np.array([pair for pair in drawn.tolist() if tuple(pair) not in seen])
    asked = choices_between(shown[kept[:, 0]], shown[kept[:, 1]])
    chosen = most_telling(heads, who.features, asked, AGAIN)
    return [(int(one), int(other)) for one, other in kept[chosen]]


def _belief(who: Person, heads: BayesHeads, shown: NDArray[np.int64]) -> Belief:
    steep, x = float(heads.steepness()[0, 0]), heads.space.project(who.features[shown])
    return from_weights(steep * x, heads.mean[0, 0], heads.covariance(0))


def _answers(said: Sequence[tuple[int, int, int]]) -> Answers:
    """Those that are no ties."""
    kept = np.array([each for each in said if each[2]], np.int64).reshape(-1, 3)
    left, right, outcome = kept.T
    zero = np.zeros(len(left), np.int64)
    return Answers(
        zero, zero, left, right, ((outcome + 1) / 2).astype(np.float32),
        np.ones(len(left), np.float32), np.arange(len(left)),
    )  # fmt: skip


if __name__ == "__main__":
    main()
