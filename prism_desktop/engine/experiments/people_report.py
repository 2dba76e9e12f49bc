"""People by what a run of the task writing learned of each, against how they write.

What was learned are soft tokens, or a vector that a shared map turns into such. How somebody writes
is what can be counted in those of their texts that the run never saw, so that nothing is compared
with itself. Read without torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from prism_desktop.engine.analysis.personal_vectors import cosine
from prism_desktop.engine.analysis.taste_tests import (
    ENOUGH_LABELERS,
    PermutationTest,
    VectorMap,
    exchanged,
    vector_map,
)
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.experiments.text_properties import COUNTED
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.writing_files import MeanOfPerson, WritingSummary
from prism_desktop.engine.tensor_files import read_arrays
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts, read_texts

_TABLE: Final = "prefix.table"
_DEVIATIONS: Final = "prefix.own"  # from the rows of groups
_ALIKE_BY_CHANCE: Final = 0.05
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PeopleReport:
    """People whom a run's training knew.

    Attributes:
        facts: of each, in the order of all that follows.
        what: what was learned of them, within a sentence.
        similarity: (people, people) cosine of their vectors about the mean of all, -1 to 1.
        plane: the map of the vectors.
        style: (people, people) how alike they write: 1 the same, towards 0 with the distance of
            what is counted; NaN where somebody has no held-out text.
        test: whether who has similar vectors writes alike (Mantel).
        used: of whom the vector is used; of others validation was no better for it.
        groups: of each the group that they belong to; None where there are none.
        nats: of each, of their held-out texts.
        texts: how many of those there are.
    """

    run: str
    method: str
    simulated: bool
    facts: tuple[PersonFacts, ...]
    what: str
    similarity: Floats
    plane: VectorMap
    style: Floats
    test: PermutationTest
    used: tuple[bool, ...]
    groups: tuple[int, ...] | None
    nats: Mapping[str, MeanOfPerson]
    texts: tuple[int, ...]

    @property
    def names(self) -> dict[str, str]:
        """What to call each, by code."""
        return people_with_codes((one.code, one.display_name) for one in self.facts)

    def nearest(self, row: int, *, style: bool = False) -> int | None:
        """Who is most like somebody by their vector, or by how they write."""
        found = (self.style if style else self.similarity)[row].copy()
        found[row] = np.nan
        return None if np.isnan(found).all() else int(np.nanargmax(found))

    def frame(self) -> pd.DataFrame:
        """One row per person: person, name, nats_per_token, texts, used, group, nearest,
        similarity, style_nearest, x, y, profile."""
        names, rows = self.names, []
        for row, one in enumerate(self.facts):
            near, alike = self.nearest(row), self.nearest(row, style=True)
            nats = self.nats.get(one.code)
            rows.append({
                "person": one.code,
                "name": names[one.code],
                "nats_per_token": np.nan if nats is None else nats.value,
                "texts": self.texts[row],
                "used": self.used[row],
                "group": None if self.groups is None else self.groups[row] + 1,
                "nearest": None if near is None else self.facts[near].code,
                "similarity": np.nan if near is None else self.similarity[row, near],
                "style_nearest": None if alike is None else self.facts[alike].code,
                "x": self.plane.places[row, 0],
                "y": self.plane.places[row, 1],
                "profile": one.profile,
            })  # fmt: skip
        return pd.DataFrame(rows)

    def record(self) -> dict[str, object]:
        """For JSON."""
        rows = self.frame().astype(object)
        test = {
            "correlation": _known(self.test.correlation), "p": _known(self.test.p),
            "people": self.test.labelers,
        }  # fmt: skip
        return {
            "run": self.run, "method": self.method, "simulated": self.simulated,
            "vectors": self.what, "mantel": test,
            "people": rows.where(rows.notna(), None).to_dict("records"),
        }  # fmt: skip

    def told(self) -> tuple[str, ...]:
        """What it means, in sentences; what cannot be told first."""
        unused = len(self.used) - sum(self.used)
        plain = (
            f"Of {counted(unused, 'person')} the vector is not used, since validation was no "
            "better with it; they are grey."
        )
        return tuple(
            filter(
                None,
                (
                    self.told_test(),
                    "These people are simulated." if self.simulated else "",
                    plain if unused else "",
                ),
            )
        )

    def told_test(self) -> str:
        """Do people with similar vectors write alike?"""
        test = self.test
        who = counted(test.labelers, "person")
        if np.isnan(test.correlation):
            return (
                "Whether people with similar vectors write alike cannot be told: under four have "
                "held-out texts, or all vectors are the same."
            )
        numbers = (
            f"similarity has a rank correlation of {test.correlation:.2f} with how alike their "
            "held-out texts are, Mantel's p "
            f"{'< 0.001' if test.p < 0.001 else f'{test.p:.3f}'}"
        )
        if test.few:
            few = f"{TOO_FEW.capitalize()} with {who}, under {ENOUGH_LABELERS}"
            return f"{few}: {numbers}."
        alike = test.p < _ALIKE_BY_CHANCE
        verdict = (
            "People with similar vectors write alike"
            if alike
            else "It does not show that people with similar vectors write alike"
        )
        return f"{verdict}: {numbers} ({who})."


def people_report(run: RunFolder) -> PeopleReport:
    """Read what a finished run learned of each person, and test it on their held-out texts.

    Raises:
        RunError: it is not finished, or keeps no vector of single people.
    """
    summary = run.stored(WritingSummary, layout.WRITTEN)
    if summary is None:
        raise RunError(f"{run.name} holds no trained model yet; finish or resume its training.")
    texts = read_texts(run)
    people = texts.known
    check_file(run.path, layout.WRITER)
    arrays, _ = read_arrays(run.path / layout.WRITER)
    vectors, groups, used, what = _vectors(arrays, len(people), run, summary)
    style, counts = _style(texts, people)
    similarity = cosine(vectors)
    return PeopleReport(
        run.name, summary.method, summary.simulated,
        tuple(texts.meta.people[one] for one in people), what, similarity, vector_map(vectors),
        style, exchanged(similarity, style), used, groups, summary.per_person, counts,
    )  # fmt: skip


def draw_people(report: PeopleReport, path: Path) -> None:
    """Draw the figure, as its file's name ends."""
    from prism_desktop.engine.analysis.people_figures import people_figure
    from prism_desktop.engine.analysis.plotting import save_figure

    names = list(report.names.values())
    notes = (f"{report.run}. Vectors: {report.what}.", *report.told())
    made = people_figure(names, report.plane, report.used, report.similarity, report.style, notes)
    save_figure(made, path)


def _vectors(
    arrays: Mapping[str, npt.NDArray[np.generic]], people: int, run: RunFolder,
    summary: WritingSummary,
) -> tuple[Floats, tuple[int, ...] | None, tuple[bool, ...], str]:  # fmt: skip
    """(people, width), groups if there are some, whose is used, and what it is."""
    table = arrays.get(_TABLE)
    if table is None or people < 2:
        raise RunError(
            f"{run.name} keeps no vector of single people ({summary.method}): choose a run whose "
            "people have soft tokens or numbers of their own, such as Prefix on the unified LoRA."
        )
    rows = np.asarray(arrays.get("groups", np.arange(people)), np.int64)
    if len(rows) != people or int(rows.max(initial=0)) >= len(table):
        raise RunError(f"The weights of {run.name} do not fit its texts; train it again.")
    vectors = np.asarray(table, np.float64).reshape(len(table), -1)[rows]
    own = len(set(rows.tolist())) == people
    kept = np.asarray(arrays.get("kept", np.ones(people)), bool)
    what = "the soft tokens of each person" if own else "the soft tokens of each person's group"
    if _DEVIATIONS in arrays:
        deviations = np.asarray(arrays[_DEVIATIONS], np.float64).reshape(people, -1)
        vectors = vectors + deviations
        what = "the soft tokens of each person, those of their group with what they deviate"
    elif np.asarray(table).ndim == 2:
        what = "the vector of each person, of which a shared map makes soft tokens"
    groups = None if own else tuple(int(one) for one in rows)
    return vectors, groups, tuple(bool(one) for one in kept), what


def _style(texts: OwnTexts, people: Sequence[int]) -> tuple[Floats, tuple[int, ...]]:
    """(people, people) how alike held-out texts are, and how many each has.

    Everything that is counted is a mean over somebody's texts, in standard deviations over people.
    """
    held = texts.of("test")
    by_person = [[texts.pairs[row][1] for row in held if texts.owner[row] == one] for one in people]
    found = np.full((len(people), len(COUNTED)), np.nan)
    for row, own in enumerate(by_person):
        if own:
            found[row] = [np.mean([count(text) for text in own]) for _, _, count in COUNTED]
    there = ~np.isnan(found[:, 0])
    if there.any():
        spread = found[there].std(0)
        found = (found - found[there].mean(0)) / np.where(spread > 0, spread, 1)
    apart = np.linalg.norm(found[:, None] - found[None], axis=2) / len(COUNTED) ** 0.5
    return 1 / (1 + apart), tuple(len(own) for own in by_person)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
