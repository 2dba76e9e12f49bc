"""What a run's personal vectors say of labelers, tested on answers that it did not learn from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

from prism_desktop.engine.analysis.agreement import AgreementResult, study_agreement
from prism_desktop.engine.analysis.personal_vectors import (
    Floats,
    PersonalVectors,
    personal_vectors,
)
from prism_desktop.engine.analysis.taste_tests import (
    ENOUGH_LABELERS,
    AlignmentCorrelation,
    MeanAgreement,
    PermutationTest,
    VectorMap,
    alignment,
    mantel,
    procrustes,
    vector_map,
    with_others,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH, TOO_FEW
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy

LISTED = 12  # labelers up to whom the matrix has them as they are listed


@dataclass(frozen=True, slots=True)
class VectorReport:
    """Labelers by their vectors.

    Attributes:
        own: their vectors.
        similarity: (labelers, labelers) cosine.
        order: its rows: as listed, of many those who are similar together.
        plane: the map of the vectors.
        held_out: agreement on faces that the run was tested on.
        similar: whether similar vectors go with agreement there (Mantel).
        maps: whether both maps show the same (Procrustes).
        means: how far each labeler agrees with others, on all answers of the run.
        aligned: whether models are right more often of those who agree with others.
        accuracy: of each labeler's model.
    """

    own: PersonalVectors
    similarity: Floats
    order: tuple[int, ...]
    plane: VectorMap
    held_out: AgreementResult
    similar: PermutationTest
    maps: PermutationTest
    means: tuple[MeanAgreement, ...]
    aligned: AlignmentCorrelation
    accuracy: Mapping[str, Accuracy]

    def frame(self) -> pd.DataFrame:
        """One row per two labelers: labeler, other, similarity, held_out_agreement, count."""
        one, two = np.triu_indices(len(self.own.labelers), 1)
        names, held = np.array(self.own.labelers, dtype=object), self.held_out
        at = {code: row for row, code in enumerate(held.labelers)}
        agreed, count = np.full(len(one), np.nan), np.zeros(len(one), np.int64)
        for place, pair in enumerate(zip(names[one], names[two], strict=True)):
            if all(code in at for code in pair):
                row = at[pair[0]], at[pair[1]]
                agreed[place], count[place] = held.matrix[row], held.counts[row]
        return pd.DataFrame(
            {
                "labeler": names[one],
                "other": names[two],
                "similarity": self.similarity[one, two],
                "held_out_agreement": agreed,
                "count": count,
            }
        )

    def record(self) -> dict[str, object]:
        """For JSON."""
        rows = self.frame().to_dict("records")
        pairs = [{k: None if v != v else v for k, v in row.items()} for row in rows]
        tests = {
            "mantel": (self.similar.correlation, self.similar.p, self.similar.labelers),
            "procrustes": (self.maps.correlation, self.maps.p, self.maps.labelers),
        }
        found: dict[str, object] = {
            name: {"correlation": _known(value), "p": _known(p), "labelers": count}
            for name, (value, p, count) in tests.items()
        }
        apart = self.aligned
        found["alignment"] = {
            "correlation": _known(apart.value), "low": _known(apart.low),
            "high": _known(apart.high), "labelers": apart.labelers,
        }  # fmt: skip
        found["with_others"] = [
            {"labeler": e.labeler, "agreement": e.value, "low": e.low, "high": e.high,
             "others": e.others}
            for e in self.means
        ]  # fmt: skip
        places = self.plane.places.tolist()
        found["map"] = [
            {"labeler": code, "x": x, "y": y}
            for code, (x, y) in zip(self.own.labelers, places, strict=True)
        ]
        return {"vectors": self.own.what, "pairs": pairs, **found}

    def told(self, names: Mapping[str, str]) -> tuple[str, ...]:
        """The answers in sentences; `names` by code."""
        return tuple(
            filter(
                None,
                (
                    self.told_similar(), self.told_isolated(names), self.told_unlike(names),
                    self.told_aligned(),
                ),
            )
        )  # fmt: skip

    def told_similar(self) -> str:
        """Do similar vectors mean similar taste?"""
        test, maps = self.similar, self.maps
        if np.isnan(test.correlation):
            return (
                "Whether similar vectors go with similar taste cannot be told: under four labelers "
                "share answers about the faces that the run was tested on."
            )
        numbers = (
            f"similarity has a rank correlation of {_decimal(test.correlation)} with agreement on "
            f"held-out faces, Mantel's p {_p(test.p)}"
        )
        if not np.isnan(maps.correlation):
            fit = f"{_decimal(maps.correlation)}, p {_p(maps.p)}"
            numbers += f"; their two maps laid on each other (Procrustes) correlate by {fit}"
        verdict = "It does not show that similar vectors go with similar taste"
        if test.p < 0.05:
            verdict = "Similar vectors go with similar taste"
        return _doubted(verdict, numbers, test.labelers)

    def told_isolated(self, names: Mapping[str, str]) -> str:
        """Who agrees least with the others."""
        if len(self.means) < 3:
            least = counted(ENOUGH, "answer")
            return f"Nobody's agreement with others can be told: they share under {least}."
        first, second = self.means[:2]
        who = names.get(first.labeler, first.labeler)
        told = f"{who} agrees least with the others, {_mean(first)}"
        after = f"next is {names.get(second.labeler, second.labeler)}, {_mean(second)}"
        apart = first.high < second.low
        return f"{told}; {after}" + ("." if apart else ", which its interval does not tell apart.")

    def told_unlike(self, names: Mapping[str, str]) -> str:
        """Whose vector is least like the others'."""
        count = len(self.own.labelers)
        mean = (self.similarity.sum(1) - np.diag(self.similarity)) / max(count - 1, 1)
        least = int(mean.argmin())
        code = self.own.labelers[least]
        return (
            f"The vector of {names.get(code, code)} is least like the others', mean similarity "
            f"{_decimal(float(mean[least]))}."
        )

    def told_aligned(self) -> str:
        """Does the model of who agrees with others do better?"""
        found = self.aligned
        if np.isnan(found.value):
            return (
                "Whether models are right more often of those who agree with others cannot be "
                f"told: of {counted(found.labelers, 'labeler')} both are known."
            )
        between = f"[{_decimal(found.low)}, {_decimal(found.high)}]"
        if found.low > 0:
            verdict = "Models are right more often of labelers who agree with others"
        elif found.high < 0:
            verdict = "Models are right less often of labelers who agree with others"
        else:
            verdict = (
                "Models are not shown to be right more often of labelers who agree with others"
            )
        numbers = (
            f"agreement with others has a rank correlation of {_decimal(found.value)} {between} "
            "with model accuracy"
        )
        return _doubted(verdict, numbers, found.labelers)


def vector_report(run: RunFolder, attribute: str | None = None) -> VectorReport:
    """Read a run's vectors and test them on answers about the faces that it was tested on.

    Args:
        run: a finished run.
        attribute: heads, answers and accuracy of this one alone.

    Raises:
        RunError: it has no such vectors.
        InputError: it did not learn the attribute.
    """
    own = personal_vectors(run.path, attribute)
    compared, rated = run.table("comparisons"), run.table("ratings")
    images = run.table("images")
    tested = set(images.loc[images["split"] == "test", "image"])
    sides = compared["left"].isin(tested) & compared["right"].isin(tested)
    asked = own.labelers
    held = study_agreement(compared[sides], rated[rated["image"].isin(tested)], attribute, asked)
    means = with_others(study_agreement(compared, rated, attribute, asked, held.source))
    similarity, plane = own.similarity(), vector_map(own.vectors)
    summary = run.summary()
    accuracy = {} if summary is None else summary.test.per_labeler
    return VectorReport(
        own,
        similarity,
        _order(similarity),
        plane,
        held,
        mantel(similarity, asked, held),
        procrustes(plane.places, asked, held),
        means,
        alignment(means, accuracy),
        accuracy,
    )


def _order(similarity: Floats) -> tuple[int, ...]:
    count = len(similarity)
    if count <= LISTED:
        return tuple(range(count))
    found = leaves_list(linkage(1 - similarity[np.triu_indices(count, 1)], "average"))
    return tuple(map(int, found))


def _doubted(verdict: str, numbers: str, labelers: int) -> str:
    """A verdict only where there are enough labelers for one."""
    who = counted(labelers, "labeler")
    if labelers < ENOUGH_LABELERS:
        few = f"{TOO_FEW.capitalize()} with {who}, under {ENOUGH_LABELERS}"
        return f"{few}: {numbers}."
    return f"{verdict}: {numbers} ({who})."


def _mean(each: MeanAgreement) -> str:
    return f"{100 * each.value:.0f}% [{100 * each.low:.0f}, {100 * each.high:.0f}]"


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _decimal(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00")


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
