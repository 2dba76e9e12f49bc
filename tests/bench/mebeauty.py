"""The closed-form methods on MEBeauty: real raters, FaceNet-512 features, image split, rating-derived pairs.

`python -m tests.bench.mebeauty FOLDER`, where FOLDER holds ratings.csv (rater, image, attractive) and facenet512.npz
(image, embedding). All raters inform the prior; those with at least 250 ratings are tested. Every image fold is tested
once (cross-fit); hyper-parameters are the defaults, chosen on validation folds.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from prism_desktop.engine.config import PairsConfig, SplitConfig
from prism_desktop.engine.evaluation.prepare import make_pairs
from prism_desktop.engine.evaluation.report import evaluate, gain
from prism_desktop.engine.events import Done
from prism_desktop.engine.personal.answers import Answers, answers
from prism_desktop.engine.personal.heads import bayes, collaborative, retrieval, ridge
from prism_desktop.engine.personal.heads.evidence import Ratings
from prism_desktop.engine.study.folds import assign_folds

LEAST, ATTRIBUTE, SHOTS, RESAMPLES = 250, "attractive", (0, 5, 10, 20, 50, 100), 5
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Data:
    """One fold's split."""

    features: NDArray[np.float32]
    images: list[str]
    raters: list[str]
    many: NDArray[np.int64]  # rows of the raters that are tested
    pairs: pd.DataFrame
    answers: dict[str, Answers]
    ratings: dict[str, Ratings]


def main() -> int:
    """Print the tables; 1 if a goal of issue 3 is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--folds", type=int, nargs="*", default=list(range(7)))
    parser.add_argument("--shots", type=int, nargs="*", default=[0], help="folds of the K-shot curve")
    given = parser.parse_args()
    print("fold", end="", flush=True)
    scores: dict[str, list[pd.DataFrame]] = {}
    tested = []
    for fold in given.folds:
        print(f" {fold}", end="", flush=True)
        data = read(given.folder, fold)
        test = data.pairs[(data.pairs["split"] == "test") & data.pairs["labeler"].isin(_codes(data))]
        tested.append(test)
        faces = set(test["left"]) | set(test["right"])
        for name, table in methods(data):
            scores.setdefault(name, []).append(_frame(data, table, faces))
    missed = report(pd.concat(tested, ignore_index=True), {k: pd.concat(v) for k, v in scores.items()})
    for fold in given.shots:
        missed += shots(read(given.folder, fold))
    return int(missed > 0)


def read(folder: Path, fold: int) -> Data:
    """The data, split so that `fold` tests."""
    rated = pd.read_csv(folder / "ratings.csv")
    stored = np.load(folder / "facenet512.npz")
    names = [str(name) for name in stored["image"]]
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    folds = assign_folds(list(hashes.values()), [0] * 7)
    images = pd.DataFrame({"image": names, "fold": [folds[hashes[name]] for name in names]})
    frame = rated.rename(columns={"rater": "labeler", "attractive": "value"}).assign(
        trial=[f"t{row}" for row in range(len(rated))], attribute=ATTRIBUTE, onset=np.nan
    )
    empty = pd.DataFrame(columns=["trial", "labeler", "attribute", "left", "right", "outcome", "onset"])
    made = make_pairs(empty, frame, images, SplitConfig(kind="image", fold=fold), PairsConfig(use="ratings"))
    raters = sorted(rated["rater"].unique())
    split = frame["image"].map(dict(zip(made.images["image"], made.images["split"], strict=True)))
    parts = ("train", "val", "test")
    pairs = {s: answers(made.pairs[made.pairs["split"] == s], raters, [ATTRIBUTE], names) for s in parts}
    single = {s: _ratings(frame[split == s], raters, names) for s in parts}
    many = np.flatnonzero(rated["rater"].value_counts()[raters].to_numpy() >= LEAST)
    return Data(stored["embedding"], names, raters, many, made.pairs, pairs, single)


def methods(data: Data) -> Iterator[tuple[str, Scores]]:
    """Every method's scores (raters, 1, images), trained on the training split."""
    x, train, u = data.features, data.answers["train"], len(data.raters)
    shared = _last(ridge.fit(x, train, u, 1, owner="nobody"))
    yield "consensus", shared.scores(x)
    own = ridge.select(train, np.isin(train.labeler, data.many))
    yield "per-labeler ridge", _last(ridge.fit(x, own, u, 1)).scores(x)
    yield "retrieval", _last(retrieval.fit(x, train, data.answers["val"], u, shared)).scores(x)
    everything, every_rating = _all(data.answers), _all(data.ratings)
    paired = _last(bayes.fit(x, train, u, 1))
    yield "hierarchical-bayes, prior mean", np.repeat(paired.consensus(x), u, axis=0)
    yield "hierarchical-bayes", paired.scores(x)
    yield "collaborative", _last(collaborative.fit(x, paired, train, everything)).scores(x)
    given = data.ratings["train"]
    rated = _last(bayes.fit(x, None, u, 1, ratings=given))
    yield "hierarchical-bayes, ratings", rated.scores(x)
    fitted = collaborative.fit(x, rated, None, None, ratings=given, face_ratings=every_rating)
    yield "collaborative, ratings", _last(fitted).scores(x)


def report(test: pd.DataFrame, scores: dict[str, pd.DataFrame]) -> int:
    """Print one row per method; returns the number of goals missed."""
    results = {name: evaluate(test, frame, resamples=500) for name, frame in scores.items()}
    against = {name: _by_labeler(results[name]) for name in results}
    print(f"\n{len(test)} test answers of {test['labeler'].nunique()} raters; p: Wilcoxon across raters")
    print(f"{'method':<32} macro  interval       NLL    ECE    gain over consensus    p      p over ridge  improved")
    for name, row in results.items():
        gained = gain(test, scores[name], scores["consensus"], resamples=500)["macro"]
        macro, better = row["macro"], (against[name] > against["consensus"]).mean()
        print(
            f"{name:<32} {macro['accuracy']:.4f} {macro['low']:.3f}-{macro['high']:.3f}  {row['macro_nll']:.4f} "
            f"{row['ece']:.4f}  {gained['difference']:+.4f} ({gained['low']:+.3f}, {gained['high']:+.3f})  "
            f"{_p(against[name], against['consensus']):.5f}  {_p(against[name], against['per-labeler ridge']):.5f}"
            f"       {better:.0%}",
            flush=True,
        )
    own, both = "hierarchical-bayes", "collaborative"
    missed = int(results[own]["macro"]["accuracy"] < 0.69) + int(results[both]["macro"]["accuracy"] < 0.735)
    return missed + sum(_p(against[own], against[other]) >= 0.05 for other in ("consensus", "per-labeler ridge"))


def shots(data: Data) -> int:
    """K answers of raters that the prior has never seen, three groups of them in turn; 1 if 20 do not beat none."""
    x, test = data.features, data.answers["test"]
    accuracy: dict[tuple[str, int], list[float]] = {}
    for group in np.array_split(np.random.default_rng(0).permutation(data.many), 3):
        pairs, ratings = data.answers["train"], data.ratings["train"]
        kept = ridge.select(pairs, ~np.isin(pairs.labeler, group))
        heads = {
            "ratings": _last(
                bayes.fit(x, None, len(data.raters), 1, ratings=_rows(ratings, ~np.isin(ratings.labeler, group)))
            )
        }
        heads["pairs"] = _last(bayes.fit(x, kept, len(data.raters), 1))
        shared = _last(ridge.fit(x, kept, len(data.raters), 1, owner="nobody")).scores(x)[0, 0]
        for u in group:
            mine = ridge.select(test, test.labeler == u)
            accuracy.setdefault(("consensus", 0), []).append(_right(shared, mine))
            for draw in range(RESAMPLES):
                rng = np.random.default_rng([int(u), draw])
                own = (
                    rng.permutation(np.flatnonzero(pairs.labeler == u)),
                    rng.permutation(np.flatnonzero(ratings.labeler == u)),
                )
                for k in SHOTS:
                    few = heads["pairs"].adapt(x, ridge.select(pairs, own[0][:k])).scores(x)[0, 0]
                    accuracy.setdefault(("pairs", k), []).append(_right(few, mine))
                    few = heads["ratings"].adapt(x, None, _rows(ratings, own[1][:k])).scores(x)[0, 0]
                    accuracy.setdefault(("ratings", k), []).append(_right(few, mine))
    print("\nUnseen raters, mean accuracy after K answers; p: Wilcoxon across raters against the consensus")
    consensus, gained = np.array(accuracy["consensus", 0]), 0.0
    print(f"  consensus {consensus.mean():.4f}")
    for (kind, k), values in accuracy.items():
        if kind != "consensus":
            mean = np.array(values).reshape(-1, RESAMPLES).mean(1)
            more = mean.mean() - consensus.mean()
            print(f"  {k:>3} {kind:<8} {mean.mean():.4f}  {more:+.4f}  p {_p(mean, consensus):.4f}")
            gained = more if (kind, k) == ("pairs", 20) else gained
    return int(gained <= 0)


def _right(scores: NDArray[np.floating[Any]], answers: Answers) -> float:
    margin = scores[answers.left] - scores[answers.right]
    return float(np.where(margin == 0, 0.5, (margin > 0) == (answers.outcome > 0.5)).mean())


def _p(mine: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return 1.0 if np.array_equal(mine, other) else float(wilcoxon(mine, other).pvalue)


def _by_labeler(result: dict[str, Any]) -> NDArray[np.float64]:
    return np.array([row["accuracy"] for _, row in sorted(result["per_labeler"].items())])


def _frame(data: Data, scores: Scores, faces: set[str]) -> pd.DataFrame:
    seen = [row for row, name in enumerate(data.images) if name in faces]
    rows = [
        pd.DataFrame(
            {
                "labeler": data.raters[u],
                "attribute": ATTRIBUTE,
                "image": [data.images[i] for i in seen],
                "score": scores[u, 0, seen],
            }
        )
        for u in data.many
    ]
    return pd.concat(rows, ignore_index=True)


def _codes(data: Data) -> list[str]:
    return [data.raters[u] for u in data.many]


def _ratings(frame: pd.DataFrame, raters: list[str], images: list[str]) -> Ratings:
    labeler, image = (
        pd.Index(n).get_indexer(frame[c]).astype(np.int64) for n, c in ((raters, "labeler"), (images, "image"))
    )
    return Ratings(labeler, np.zeros(len(frame), np.int64), image, frame["value"].to_numpy(np.float64))


def _rows(ratings: Ratings, keep: NDArray[Any]) -> Ratings:
    return Ratings(ratings.labeler[keep], ratings.attribute[keep], ratings.image[keep], ratings.value[keep])


def _all(parts: dict[str, Any]) -> Any:
    kind = type(parts["train"])
    return kind(**{name: np.concatenate([getattr(p, name) for p in parts.values()]) for name in kind.__slots__})


def _last(events: Iterator[Any]) -> Any:
    *_, done = events
    assert isinstance(done, Done)
    return done.value


if __name__ == "__main__":
    begun = time.perf_counter()
    code = main()
    print(f"\n{time.perf_counter() - begun:.0f} s")
    sys.exit(code)
