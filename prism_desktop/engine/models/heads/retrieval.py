"""`retrieval`: the labeler's most similar past comparisons vote.

Nothing is trained beyond the consensus.

A past answer is the difference of its features, signed so that it points from the rejected image to
the chosen one. A new image gets the mean cosine of its difference to the study's middle with its k
nearest signed differences, so the ones that point its way speak for it and against its opposite.
With k = 0 there is the consensus alone. k, unless it is given, and the weight of the vote are
chosen on the validation answers, per attribute. In place of the nearest the latest k may vote
(recency), or the nearest of the later half (hybrid).

Source: the retrieval baseline of strategy 2; Johnson, Douze and Jegou, "Billion-scale similarity
search" (faiss).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.heads.ridge import LinearHeads
from prism_desktop.engine.models.heads.space import Arrays, Features, Floats

NEIGHBOURS = (0, 1, 3, 5, 10)
WEIGHTS = (0.5, 1.0, 2.0, 4.0)  # logits that a unanimous vote is worth
Memory = npt.NDArray[np.float32]
Kind = Literal["similarity", "recency", "hybrid"]
KINDS: tuple[Kind, ...] = ("similarity", "recency", "hybrid")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which past comparisons vote."""

    neighbours: int | None = None  # None for the number that validation answers choose
    kind: Kind = "similarity"


ANY = Wanted()


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalHeads:
    """Everyone's past comparisons beside the consensus."""

    consensus: LinearHeads
    memory: Memory  # (answers, k) unit vectors from rejected to chosen, the earliest first
    labeler: npt.NDArray[np.int64]  # (answers,)
    attribute: npt.NDArray[np.int64]  # (answers,)
    labelers: int
    neighbours: npt.NDArray[np.int64]  # (attributes,) k
    weight: Floats  # (attributes,) logits of a unanimous vote
    kind: Kind = "similarity"

    def scores(self, features: Features) -> npt.NDArray[np.float32]:
        """(labelers, attributes, images); differences are logits."""
        shared = self.consensus.scores(features)[0]
        out = np.repeat(shared[None], self.labelers, axis=0)
        images = _unit(self.consensus.space.project(features))
        for a, k in enumerate(self.neighbours):
            for u in range(self.labelers if k else 0):
                out[u, a] += self.weight[a] * self.vote(images, u, a, int(k))
        return out

    def vote(
        self, images: Memory, labeler: int, attribute: int, neighbours: int
    ) -> npt.NDArray[np.float32]:
        """(images,) between -1 and 1: how far a labeler's nearest, or latest,
        comparisons speak for images, unit vectors (n, k)."""
        import faiss

        rows = self.memory[(self.labeler == labeler) & (self.attribute == attribute)]
        if not len(rows) or not neighbours:
            return np.zeros(len(images), np.float32)
        if self.kind == "recency":
            return np.asarray((images @ rows[-neighbours:].T).mean(1), np.float32)
        if self.kind == "hybrid":
            rows = rows[len(rows) // 2 :]
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(np.ascontiguousarray(rows))
        k = min(neighbours, len(rows))
        # For an image the nearest; against it the nearest to its opposite.
        near, _ = index.search(images, k)
        far, _ = index.search(-images, k)
        return np.asarray((near.mean(1) - far.mean(1)) / 2, np.float32)

    def adapt(self, features: Features, answers: Answers | None) -> "RetrievalHeads":
        """The same for one new labeler, row 0, who remembers their own answers."""
        empty = self.memory[:0], self.labeler[:0], self.attribute[:0]
        rows = empty if answers is None else _remember(self.consensus, features, answers)
        memory, labeler, attribute = rows
        consensus = self.consensus.adapt(features, None)
        return replace(
            self,
            consensus=consensus,
            memory=memory,
            labeler=np.zeros_like(labeler),
            attribute=attribute,
            labelers=1,
        )

    def arrays(self) -> Arrays:
        """For a file; `from_arrays` reads them."""
        names = ("memory", "labeler", "attribute", "neighbours", "weight")
        own = {f"retrieval.{name}": getattr(self, name) for name in names}
        own["retrieval.kind"] = np.array(KINDS.index(self.kind))
        return {**self.consensus.arrays(), **own, "retrieval.labelers": np.array(self.labelers)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "RetrievalHeads":
        """The inverse of `arrays`."""
        memory = np.asarray(arrays["retrieval.memory"], np.float32)
        labeler, attribute, neighbours = (
            np.asarray(arrays[f"retrieval.{name}"], np.int64)
            for name in ("labeler", "attribute", "neighbours")
        )
        weight, labelers = (
            np.asarray(arrays["retrieval.weight"], np.float64),
            int(np.asarray(arrays["retrieval.labelers"])),
        )
        code = int(np.asarray(arrays.get("retrieval.kind", 0)))  # older ones have none
        if not 0 <= code < len(KINDS):
            raise ValueError("the kind of retrieval is unknown")
        return cls(
            LinearHeads.from_arrays(arrays),
            memory,
            labeler,
            attribute,
            labelers,
            neighbours,
            weight,
            KINDS[code],
        )


def fit(
    features: Features,
    answers: Answers,
    validation: Answers,
    labelers: int,
    consensus: LinearHeads,
    wanted: Wanted = ANY,
) -> Iterator[Event[RetrievalHeads]]:
    """Remember the training answers and choose k, unless it is given, and the
    vote's weight, per attribute, on the validation answers.

    Args:
        features: (images, d) of all images.
        answers, validation: of the two splits.
        labelers: how many.
        consensus: `ridge.fit(..., owner="nobody")` on the same training answers.
        wanted: which comparisons vote; a given k is taken even where no vote would be better.
    """
    attributes = consensus.weights.shape[1]
    nothing = np.zeros(attributes, np.int64), np.zeros(attributes)
    remembered = _remember(consensus, features, answers)
    heads = RetrievalHeads(consensus, *remembered, labelers, *nothing, wanted.kind)
    given = wanted.neighbours
    tried = NEIGHBOURS if given is None else (given,)
    shared, images = consensus.scores(features)[0], _unit(consensus.space.project(features))
    neighbours, weight = nothing
    for a in range(attributes):
        yield Progress(a, attributes, "Choosing how many comparisons vote")
        mine = validation.attribute == a
        alone = _loss(np.repeat(shared[a][None], labelers, axis=0), validation, mine)
        best = alone if given is None else np.inf
        for k in filter(None, tried if mine.any() else ()):
            votes = np.stack([heads.vote(images, u, a, k) for u in range(labelers)])
            for w in WEIGHTS:
                loss = _loss(shared[a] + w * votes, validation, mine)
                if loss < best:
                    best, neighbours[a], weight[a] = loss, k, w
    yield Done(replace(heads, neighbours=neighbours, weight=weight))


def _loss(scores: npt.NDArray[np.floating], answers: Answers, rows: npt.NDArray[np.bool_]) -> float:
    """Mean over labelers of the negative log-likelihood; scores (labelers, images)."""
    u = answers.labeler[rows]
    margin = (scores[u, answers.left[rows]] - scores[u, answers.right[rows]]).astype(np.float64)
    loss = np.logaddexp(0, margin) - answers.outcome[rows] * margin
    count = np.bincount(u)
    return (
        float((np.bincount(u, weights=loss)[count > 0] / count[count > 0]).mean())
        if len(u)
        else 0.0
    )


def _remember(
    consensus: LinearHeads, features: Features, answers: Answers
) -> tuple[Memory, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Signed differences of decided answers, whose they are and of which attribute, by time."""
    decided = np.flatnonzero(answers.outcome != 0.5)
    if answers.time is not None:
        decided = decided[np.argsort(answers.time[decided], kind="stable")]
    x = consensus.space.project(features)
    sign = np.where(answers.outcome[decided] > 0.5, 1.0, -1.0)[:, None]
    difference = sign * (x[answers.left[decided]] - x[answers.right[decided]])
    return _unit(difference), answers.labeler[decided], answers.attribute[decided]


def _unit(rows: Floats) -> Memory:
    return np.asarray(
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32
    )
