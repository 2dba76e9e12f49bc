"""What the assistant's controls change in a recipe, and the words that they use."""

import re
from collections.abc import Mapping
from typing import Any, Final

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.named_lists import listed_names
from prism_desktop.engine.study.importing.import_recipe import Recipe, Role
from prism_desktop.engine.study.importing.plan import ColumnPlan, Confidence, ImportPlan

ROLE_WORDS: Final[dict[Role, str]] = {
    "judgment": "Judgment",
    "rater": "Who judged",
    "image": "Image",
    "left": "First image",
    "right": "Second image",
    "outcome": "Which won",
    "winner": "Image that won",
    "loser": "Image that lost",
    "attribute": "What was judged",
    "seconds": "Response time",
    "time": "Time shown",
    "session": "Sitting",
    "trial": "Name of the trial",
    "presentation": "Place in the order",
    "rater-fact": "Fact about the rater",
    "image-fact": "Fact about the image",
    "ignore": "Leave out",
}
CONFIDENCE_WORDS: Final[dict[Confidence, str]] = {
    "given": "said by you",
    "sure": "sure",
    "likely": "likely",
    "unsure": "a guess",
}
_SCALE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*-\s*(-?\d+(?:\.\d+)?)\s*")


def with_role(recipe: Recipe, column: str, role: Role, attribute: str = "") -> Recipe:
    """The recipe with a column's role, and its attribute if that is a judgment."""
    judgments = {name: said for name, said in recipe.judgments.items() if name != column}
    if role == "judgment":
        judgments[column] = attribute.strip() or column
    return changed(recipe, columns={**recipe.columns, column: role}, judgments=judgments)


def with_scale(recipe: Recipe, attribute: str, scale: str) -> Recipe:
    """The recipe with an attribute's scale, LOW-HIGH; empty: as it is found."""
    scales = {name: said for name, said in recipe.scales.items() if name != attribute}
    if scale:
        scales[attribute] = scale
    return changed(recipe, scales=scales)


def with_choice(recipe: Recipe, change: Mapping[str, object]) -> Recipe:
    """The recipe as a decision's choice changes it.

    What is said by name is added to what was said before; so are values of missing answers.
    Everything else is replaced.
    """
    fields: dict[str, Any] = {}
    for name, value in change.items():
        before = getattr(recipe, name, None)
        if isinstance(before, dict) and isinstance(value, Mapping):
            fields[name] = {**before, **value}
        elif name == "missing" and isinstance(value, tuple | list):
            fields[name] = tuple(dict.fromkeys((*recipe.missing, *value)))
        else:
            fields[name] = value
    return changed(recipe, **fields)


def changed(recipe: Recipe, **fields: Any) -> Recipe:
    """The recipe with other fields, checked as a recipe from a file is."""
    return Recipe.model_validate({**recipe.model_dump(), **fields})


def scale_words(text: str) -> str | None:
    """A scale as the recipe has it ("1-7"), "" for none; None if the text is no scale."""
    if not text.strip():
        return ""
    found = _SCALE.fullmatch(text.replace("–", "-").replace(",", "."))
    if found is None or float(found[1]) >= float(found[2]):
        return None
    return f"{found[1]}-{found[2]}"


def listed(text: str) -> tuple[str, ...]:
    """The parts of a line that commas divide, each once; one in double quotes may hold some."""
    return tuple(dict.fromkeys(listed_names(text)))


def role_words(column: ColumnPlan) -> str:
    """A column's role: "Judgment: attractive"."""
    words = ROLE_WORDS[column.role]
    return f"{words}: {column.attribute}" if column.attribute else words


def explained(column: ColumnPlan, rows: int) -> str:
    """A column in a sentence or two: what it is taken for, why, and what stands in it."""
    text = f"{column.name}: {role_words(column)} ({CONFIDENCE_WORDS[column.confidence]})."
    if column.reason:
        text += f" {column.reason.rstrip('.')}."
    if column.title:
        text += f" “{column.title}”"
    values = counted(column.different, "different value")
    text += f" {values} in {column.filled:,} of {counted(rows, 'row')}"
    return text + (f": {', '.join(column.examples)}." if column.examples else ".")


def waits(plan: ImportPlan) -> bool:
    """Whether nothing can be said about answers before a question is answered."""
    return bool(plan.decisions) and not (plan.ratings or plan.comparisons)


def column_names(plan: ImportPlan) -> frozenset[str]:
    """The columns of all tables."""
    return frozenset(column.name for table in plan.tables for column in table.columns)


def number(value: float) -> str:
    """A number as people write it."""
    return f"{value:g}"
