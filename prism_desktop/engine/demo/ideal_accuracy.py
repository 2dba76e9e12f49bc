"""The ideal accuracies on the demo study: what models that know the planted tastes would reach.

`python -m prism_desktop.engine.demo.ideal_accuracy` prints them as Markdown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.demo.faces.factors import sample
from prism_desktop.engine.demo.simulated_labelers import Floats, SimulatedLabeler, labelers

IMAGES, SEED = 600, 0


@dataclass(frozen=True, slots=True)
class IdealAccuracy:
    """Expected accuracy on one labeler's untied answers to random pairs."""

    labeler: str
    attribute: str
    personal: float  # of a model that knows the labeler's true utilities
    consensus: float  # of the best single linear taste for all labelers' answers taken together
    mapped: float  # of the consensus in data/consensus.yaml, which prism-mini's words follow
    tied: float  # share of ties


def true_utilities(seed: int = SEED, images: int = IMAGES) -> dict[str, dict[str, Floats]]:
    """Labeler -> attribute -> (images,) true utilities, in the order of the demo's image names."""
    standard = sample(images, seed).standard()
    return {labeler.code: labeler.utilities(standard) for labeler in labelers()}


def ideal_accuracies(
    seed: int = SEED, images: int = IMAGES, pairs: int = 40_000
) -> tuple[IdealAccuracy, ...]:
    """Every labeler and attribute.

    Exact in the noise, over `pairs` random pairs of the demo's faces.
    """
    from prism_desktop.engine.demo.faces.traits import traits

    standard = sample(images, seed).standard().astype(np.float64)
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, images, (2, pairs))
    difference = (standard[left] - standard[right])[left != right]
    found = []
    for trait in traits():
        pooled = _pooled(difference, trait.name)
        for labeler in labelers():
            sides = labeler.chosen_side(difference @ labeler.tastes[trait.name])
            own, all_, mapped = (
                _accuracy(difference @ weights, sides)
                for weights in (labeler.tastes[trait.name], pooled, trait.weights)
            )
            tied = float(1 - (sides[0] + sides[1]).mean())
            found.append(IdealAccuracy(labeler.code, trait.name, own, all_, mapped, tied))
    return tuple(found)


def macro(accuracies: tuple[IdealAccuracy, ...]) -> Mapping[str, IdealAccuracy]:
    """Means over attributes per labeler, and over labelers as "(macro)"."""

    def mean(rows: list[IdealAccuracy], code: str) -> IdealAccuracy:
        columns = [(row.personal, row.consensus, row.mapped, row.tied) for row in rows]
        return IdealAccuracy(code, "", *(float(value) for value in np.mean(columns, axis=0)))

    codes = list(dict.fromkeys(row.labeler for row in accuracies))
    means = {code: mean([row for row in accuracies if row.labeler == code], code) for code in codes}
    return means | {"(macro)": mean(list(means.values()), "(macro)")}


def _accuracy(lead: Floats, sides: tuple[Floats, Floats]) -> float:
    """Share of untied answers on the side that `lead` names."""
    left, right = sides
    return float(np.where(lead > 0, left, right).sum() / (left + right).sum())


def _pooled(difference: NDArray[np.float64], attribute: str) -> Floats:
    """The linear taste that fits all labelers' answers best:
    logistic regression on their probabilities, by Newton."""
    weights = np.zeros(difference.shape[1])
    people: list[tuple[SimulatedLabeler, Floats, Floats]] = [
        (labeler, *labeler.chosen_side(difference @ labeler.tastes[attribute]))
        for labeler in labelers()
    ]
    left = sum(labeler.comparisons * left for labeler, left, _ in people)
    weight = left + sum(labeler.comparisons * right for labeler, _, right in people)
    for _ in range(8):
        chance = 1 / (1 + np.exp(-difference @ weights))
        slope = difference.T @ (left - weight * chance)
        curvature = (difference * (weight * chance * (1 - chance))[:, None]).T @ difference
        weights = weights + np.linalg.solve(curvature + 1e-6 * np.eye(len(weights)), slope)
    return weights


def main() -> None:
    """Print a row per labeler and attribute, then the means."""
    accuracies = ideal_accuracies()
    print(
        "| labeler | attribute | personal model | best consensus model | planted consensus | ties |"
    )
    print("|---|---|---:|---:|---:|---:|")
    for row in (*accuracies, *macro(accuracies).values()):
        numbers = " | ".join(
            f"{100 * value:.1f}%" for value in (row.personal, row.consensus, row.mapped, row.tied)
        )
        print(f"| {row.labeler} | {row.attribute or 'all'} | {numbers} |")


if __name__ == "__main__":
    main()
