"""Token similarity between labelers, and whether it goes with agreement. Reads a run's tokens
without torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from prism_desktop.engine.analysis.agreement import AgreementResult
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.runs.layout import tokens_file
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.tensor_files import read_arrays

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Similarity:
    """Likeness of every two labelers' tokens."""

    labelers: tuple[str, ...]
    matrix: Floats  # (labelers, labelers) cosine, -1 to 1


@dataclass(frozen=True, slots=True)
class Relation:
    """Token similarity against agreement, over the pairs of labelers who share answers."""

    pairs: tuple[tuple[str, str], ...]
    similarity: Floats  # (pairs,)
    agreement: Floats  # (pairs,)
    spearman: float  # NaN with fewer than four labelers or without any spread
    # one-sided permutation p of a correlation at least as large, labelers exchanged (Mantel's test)
    p: float
    permutations: int


def token_similarity(run: Path, centred: bool = True) -> Similarity:
    """Cosine similarity of the labelers' tokens.

    Args:
        run: a run folder with `tokens.safetensors`.
        centred: subtract the mean token first, so that what all labelers share does not count.

    Raises:
        RunError: if there are no tokens, or only one row that everyone shares (the consensus
            method).
    """
    path = tokens_file(run)
    try:
        check_file(run, path.name)
        arrays, card = read_arrays(path)
        labelers = tuple(map(str, card["labelers"]))
        table = np.asarray(arrays["tokens"], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"The model file {path} is damaged ({error}); train again.") from error
    if len(table) != len(labelers):
        raise RunError(
            f"{run.name} has no tokens of single labelers, for its method is the same for all."
        )
    return Similarity(labelers, cosine(table.reshape(len(table), -1), centred))


def cosine(vectors: Floats, centred: bool = True) -> Floats:
    """(n, width) -> (n, n); a vector of length 0 is similar to nothing (0)."""
    if centred and len(vectors) > 1:
        vectors = vectors - vectors.mean(0)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    product: Floats = unit @ unit.T
    return np.clip(product, -1.0, 1.0)


def relate(
    similarity: Similarity, agreement: AgreementResult, permutations: int = 999, seed: int = 0
) -> Relation:
    """Correlate token similarity with agreement.

    The p-value comes from exchanging whole labelers.
    """
    names = [name for name in similarity.labelers if name in agreement.labelers]
    s = similarity.matrix[np.ix_(*[[similarity.labelers.index(name) for name in names]] * 2)]
    a = agreement.matrix[np.ix_(*[[agreement.labelers.index(name) for name in names]] * 2)]
    one, two = np.triu_indices(len(names), 1)
    known = ~np.isnan(a[one, two])
    one, two = one[known], two[known]
    seen = _spearman(s[one, two], a[one, two]) if len(names) >= 4 else float("nan")
    p = float("nan")
    if not np.isnan(seen):
        rng = np.random.default_rng(seed)
        orders = (rng.permutation(len(names)) for _ in range(permutations))
        larger = sum(
            _spearman(s[order[one], order[two]], a[one, two]) >= seen - 1e-12 for order in orders
        )
        p = (1 + larger) / (1 + permutations)
    pairs = tuple((names[i], names[j]) for i, j in zip(one, two, strict=True))
    return Relation(pairs, s[one, two], a[one, two], seen, p, permutations)


def _spearman(x: Floats, y: Floats) -> float:
    if len(x) < 3:
        return float("nan")
    x, y = rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    spread = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float(x @ y) / spread if spread > 0 else float("nan")
