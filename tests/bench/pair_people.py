"""Labelers whose answers to any pair can be had: planted ones, and real ones by their ratings."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from prism_desktop.engine.demo.ideal_accuracy import true_utilities
from prism_desktop.engine.demo.simulated_labelers import labelers
from prism_desktop.engine.models.answers import answers as as_answers
from prism_desktop.engine.models.answers import select
from prism_desktop.engine.models.heads import bayes, likelihood
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.models.heads.likelihood import Ratings
from prism_desktop.engine.models.heads.prior import isotropic
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.models.saved_heads import load_heads
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.pixel_cache import square
from prism_desktop.engine.training.kept_features import kept_features
from tests.bench import mebeauty

FOLDS, HELD = 7, 4000  # held-out pairs, at most
NOISE = 0.5  # of a planted labeler's felt utility of a face, whose own deviation is 1
TIES = 0.1  # leads below it are ties
OMI = (
    "trustworthy", "attractive", "dominant", "smart", "age", "weight", "typical", "happy",
    "outgoing", "memorable", "well-groomed", "smug",
)  # fmt: skip
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Person:
    """One labeler with a choice of pairs to answer."""

    name: str
    prior: BayesHeads  # learned from the others
    features: NDArray[np.float32]
    fold: Ints  # (images,) that pairs are within; -1 not to be shown
    utility: Floats  # (images,) what is compared
    noise: float  # of one face's utility, in its units; 0 for answers that are known
    threshold: float  # leads below it are ties
    held: Ints  # (pairs, 2)
    right: Ints  # (pairs,) 1 where the first is higher, else -1
    bias: float = 0.0  # added to the first face's lead

    def answer(self, pair: tuple[int, int], dice: np.random.Generator) -> int:
        """1, 0 or -1."""
        lead = self.utility[pair[0]] - self.utility[pair[1]]
        if self.noise:
            lead += dice.normal(0, np.sqrt(2) * self.noise) + self.bias * dice.choice((-1, 1))
        return 0 if abs(lead) <= self.threshold else int(np.sign(lead))


def planted(run: Path, *, others_known: bool) -> Iterator[Person]:
    """Every attribute of every labeler of the demo, on the faces as a finished run of it sees them,
    whose test fold is held out.

    Args:
        run: of heads in closed form.
        others_known: the prior is learned from the other labelers' training answers.
    """
    folder = RunFolder.open(run)
    features = kept_features(folder, load_heads(run).card)
    assert features is not None
    images, pairs = folder.table("images"), folder.table("pairs")
    ids, place = [str(one) for one in images["image"]], np.argsort(np.argsort(images["name"]))
    test = images["fold"].to_numpy() == folder.config().split.fold
    fold = np.where(test, -1, images["fold"].to_numpy())
    codes = [one.code for one in labelers()]
    for number, who in enumerate(labelers()):
        for name in who.tastes:
            utility = true_utilities(images=len(ids))[who.code][name][place].astype(np.float64)
            told = as_answers(
                pairs[(pairs["split"] == "train") & (pairs["attribute"] == name)],
                codes, [name], ids,
            )  # fmt: skip
            others = select(told, told.labeler != number)
            prior = (
                mebeauty.last(bayes.fit(features, others, len(codes), 1)).adapt(features, None)
                if others_known
                else alone(features)
            )
            held, right = held_out(np.flatnonzero(test), utility[test])
            yield Person(
                f"{who.code} {name}", prior, features, fold, utility, who.noise,
                who.tie_threshold, held, right, who.side_bias,
            )  # fmt: skip


def impressions(folder: Path) -> Iterator[Person]:
    """One planted labeler for each of some attributes of One Million Impressions, whose taste is
    the mean of real people and whose noise is normal; faces as prism-mini sees them."""
    means = pd.read_csv(folder / "attribute_means.csv")
    features = _seen([folder / name for name in means["image"]])
    fold = np.random.default_rng(0).permutation(np.arange(len(means)) % FOLDS)
    test = fold == 0
    prior = alone(features)
    for name in OMI:
        utility = means[name].to_numpy(np.float64)
        utility = (utility - utility.mean()) / utility.std()
        held, right = held_out(np.flatnonzero(test), utility[test])
        yield Person(
            name, prior, features, np.where(test, -1, fold), utility, NOISE, TIES, held, right
        )


def real(folder: Path, *, others_known: bool) -> Iterator[Person]:
    """Real raters, on faces that they rated; three groups of them in turn are left out of the
    prior."""
    data = mebeauty.read(folder, 0)
    rated = {part: _of_raters(data.ratings[part]) for part in data.ratings}
    train = data.ratings["train"]
    for group in np.array_split(np.random.default_rng(0).permutation(data.many), 3):
        others = mebeauty._rows(train, ~np.isin(train.labeler, group))
        prior = (
            mebeauty.last(bayes.fit(data.features, None, len(data.raters), 1, ratings=others))
            .adapt(data.features, None)
            if others_known
            else alone(data.features)
        )  # fmt: skip
        for rater in group:
            utility = np.zeros(len(data.images))
            fold = np.full(len(data.images), -1)
            for part in ("train", "val"):
                faces, values = rated[part][rater]
                utility[faces], fold[faces] = values, 0
            held, right = held_out(*rated["test"][rater])
            yield Person(
                data.raters[rater], prior, data.features, fold, utility, 0.0, 0.0, held, right
            )


def alone(features: NDArray[np.float32]) -> BayesHeads:
    """Of the first labeler of a study: any taste is as likely as its opposite."""
    space = fit_space(features, 64, power=0.5)
    x, k = space.project(features), space.dims
    prior = isotropic(np.zeros(k), 1 / float(np.mean(np.sum(x**2, axis=1))))
    zero = np.zeros((1, 1, k, k), np.float32)
    heads = BayesHeads(
        space, prior, np.zeros((1, 1, k)), zero, np.full((1, 1), likelihood.NOISE), 1.0,
        x.var(axis=0), np.zeros((1, 1)),
    )  # fmt: skip
    return heads.adapt(features, None)


def held_out(faces: Ints, utility: Floats) -> tuple[Ints, Ints]:
    """Pairs of faces that differ, and which is higher."""
    one, other = np.triu_indices(len(faces), 1)
    right = np.sign(utility[one] - utility[other]).astype(np.int64)
    kept = np.flatnonzero(right)
    kept = np.random.default_rng(0).permutation(kept)[:HELD]
    return np.stack([faces[one[kept]], faces[other[kept]]], axis=1), right[kept]


def _seen(paths: list[Path]) -> NDArray[np.float32]:
    """(images, d) as prism-mini sees them."""
    from prism_desktop.engine.backbones import load, parse
    from prism_desktop.engine.device import choose_device

    backbone = load(parse("prism-mini"), choose_device("cpu"))
    rows = []
    for start in range(0, len(paths), 64):
        faces = []
        for path in paths[start : start + 64]:
            with Image.open(path) as image:
                faces.append(np.asarray(square(image.convert("RGB"), backbone.image_size)))
        rows.append(backbone.encode(np.stack(faces).transpose(0, 3, 1, 2)))
    return np.concatenate(rows)


def _of_raters(ratings: Ratings) -> dict[int, tuple[Ints, Floats]]:
    return {
        int(rater): (
            ratings.image[ratings.labeler == rater],
            ratings.value[ratings.labeler == rater],
        )
        for rater in np.unique(ratings.labeler)
    }
