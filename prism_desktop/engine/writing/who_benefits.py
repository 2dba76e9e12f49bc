"""Who is served better by a personal model: seen in validation texts, and foretold of people who
have none by a classifier.

The source ("selective personalization") foretells it from persona embedding, verbosity, sentiment
and frequency; here from what rules count in texts, so that it can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.text_signs import EMOJI, HEDGES, WORD

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_COUNTED: Final[tuple[Callable[[str], float], ...]] = (
    lambda text: float(np.log1p(len(WORD.findall(text)))),
    lambda text: float(bool(EMOJI.search(text))),
    lambda text: float(bool(HEDGES.search(text))),
    lambda text: float("!" in text),
    lambda text: float(text == text.lower()),
)
TRAITS: Final = 2 * len(_COUNTED)


def traits(texts: Sequence[str]) -> Floats:
    """(10,): of length, emoji, hedges, exclamation marks and lower case the mean over somebody's
    texts, and how much it changes from text to text; at least one text."""
    counted = np.array([[count(text) for count in _COUNTED] for text in texts], np.float64)
    return np.concatenate([counted.mean(0), counted.std(0)])


class BenefitClassifier:
    """Foretells who benefits; where all known people agree, as they do.

    Attributes:
        rule: (11,) what each trait counts for, and what is added; above 0 somebody benefits.
        right: of the known people, how many are foretold right by the others.
        usual: how many are by always saying what is commoner.
        of: how many there are.
    """

    def __init__(self, known: Floats, benefits: Bools) -> None:
        """Args: known: (people, traits). benefits: (people,); at least one person."""
        self.rule = _fit(known, benefits)
        self.of = len(benefits)
        self.usual = int(max(benefits.sum(), (~benefits).sum()))
        places = np.arange(self.of)
        self.right = sum(
            says(_fit(known[places != one], benefits[places != one]), known[one])
            == bool(benefits[one])
            for one in range(self.of if self.of > 1 else 0)
        )


def says(rule: Floats, person: Floats) -> bool:
    """Whether somebody of such traits benefits, by the `rule` of a classifier."""
    return bool(person @ rule[:-1] + rule[-1] > 0)


def _fit(known: Floats, benefits: Bools) -> Floats:
    if benefits.all() or not benefits.any():
        return np.append(np.zeros(known.shape[1]), 1.0 if benefits[0] else -1.0)
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(known)
    model = LogisticRegression().fit(scaler.transform(known), benefits)
    counts: Floats = model.coef_[0] / scaler.scale_
    return np.append(counts, model.intercept_[0] - counts @ scaler.mean_)
