"""The plan of an import: all that a preview shows and all that will be written, before anything is.

`planning.plan_import` makes it; `import_files.apply_plan` writes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe, Role
from prism_desktop.engine.study.records import ImageId, ImportBatch

# How sure a role is: said by the user; certain; likely, and told; a guess that needs a look.
Confidence = Literal["given", "sure", "likely", "unsure"]


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What one column is taken for."""

    name: str
    role: Role
    confidence: Confidence
    reason: str  # one short sentence
    attribute: str = ""  # of a judgment
    title: str = ""  # the question's text, where the file has one
    filled: int = 0
    different: int = 0
    examples: tuple[str, ...] = ()  # the commonest values


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table as it is understood."""

    name: str
    shape: str  # "ratings", "comparisons", "a row per rater", "labelers", ..., "left out"
    reading: tuple[str, ...]  # encoding, delimiter, header rows, ... in words
    columns: tuple[ColumnPlan, ...]
    rows: int
    sample: tuple[tuple[int, tuple[str, ...]], ...]  # (row number, cells); some hundred rows


@dataclass(frozen=True, slots=True)
class AttributePlan:
    """The judgments of one attribute."""

    name: str
    kind: Literal["rating", "comparison"]
    new: bool  # the study does not have it yet
    answers: int
    values: tuple[tuple[float, int], ...]  # (rating as the file has it, how often), rising; or bins
    outcomes: Mapping[str, int] = field(default_factory=dict)  # left, right, tie -> how often
    low: float | None = None  # of the scale
    high: float | None = None
    cuts: tuple[float, ...] = ()  # limits between the study's steps
    found: str = ""  # how the scale was found: "given", "as in ratings.csv", "by the values"


@dataclass(frozen=True, slots=True)
class MatchedImage:
    """An image that the files mean."""

    written: str  # as the file writes it
    image: ImageId
    name: str  # as the study names it
    path: Path | None  # None of a text
    answers: int


@dataclass(frozen=True, slots=True, eq=False)
class ImportPlan:
    """A whole import, ready to be looked at, decided on and written."""

    files: tuple[Path, ...]
    recipe: Recipe  # complete: what was given and what was found
    tables: tuple[TablePlan, ...]
    attributes: tuple[AttributePlan, ...]
    doubts: tuple[Doubt, ...]
    decisions: tuple[Decision, ...]  # open ones; the plan can be applied when there are none
    rows_read: int
    rows_kept: int
    ratings: int
    comparisons: int
    raters: tuple[str, ...]
    images: tuple[MatchedImage, ...]
    unmatched: tuple[tuple[str, int], ...]  # (name as written, rows)
    left_out: tuple[tuple[str, tuple[int, ...], int], ...]  # (reason, rows, how many)
    batch: ImportBatch | None = None  # what will be written; None while something is open
    words: StimulusWords = FACES  # for what the study holds

    def headline(self) -> str:
        """What comes in: "48 ratings by 4 raters of 12 faces, 2 columns left out"."""
        parts = [
            counted(count, word)
            for count, word in ((self.ratings, "rating"), (self.comparisons, "comparison"))
            if count
        ]
        what = " and ".join(parts) or "no answers"
        people, faces = len(self.raters), len(self.images)
        text = f"{what} by {counted(people, 'rater')}"
        text += f" of {counted(faces, self.words.one)}"
        ignored = sum(c.role == "ignore" for table in self.tables for c in table.columns)
        return text + (f", {counted(ignored, 'column')} left out" if ignored else "")
