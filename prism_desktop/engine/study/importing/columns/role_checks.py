"""What speaks against the parts that a table's columns were given."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.importing.columns.column_profiles import Profile
from prism_desktop.engine.study.importing.columns.table_roles import RoleTable, Shape
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice

_TIES: Final = frozenset({"tie", "ties", "tied", "is_tie", "draw", "is_draw", "equal", "is_equal"})
_TRUE: Final = frozenset({"1", "1.0", "true", "yes", "y", "t", "x", "ja", "wahr", "tie", "draw"})
_STATUS: Final = re.compile(r"(.*_)?(status|state)|reject|approval|exclude|excluded")
_REFUSED: Final = re.compile(
    r"(reject|return|timed.?out|screen|exclud|spam|fail|disqualif|withdr).*", re.IGNORECASE
)
_NUMBERED: Final = re.compile(r"(.*?)_?(\d{1,2})")
_ENOUGH: Final = 3  # rows of each rater or image, on the average, in which one answer is no chance


def check_roles(table: RoleTable, shape: Shape) -> None:
    """Ask or tell where values speak against the parts of columns."""
    if shape == "comparisons":
        _more_than_two_images(table)
        _answers_to_each(table)
        _ties_apart(table)
    if shape == "ratings":
        _answers_that_are_facts(table)
    _refused_work(table)


def _more_than_two_images(table: RoleTable) -> None:
    """A row that shows three or more images is no pair, unless the user says which two."""
    left = next(iter(table.having("left")), None)
    if left is None or table.parts[left.column.name].confidence == "given":
        return
    match = _NUMBERED.fullmatch(left.plain)
    if match is None:
        return
    shown = [
        p for p in table.profiles.values()
        if (other := _NUMBERED.fullmatch(p.plain)) and other[1] == match[1] and p.images > 0.5
    ]  # fmt: skip
    if len(shown) < 3:
        return
    names = [p.column.name for p in shown]
    option = f'--column "left={names[0]}" --column "right={names[1]}"'
    table.decisions.append(
        Decision(
            "image",
            f"{table.table.name} shows {counted(len(names), 'image')} in a row "
            f"({', '.join(names[:5])}); "
            f"write a row per image, or a row per pair, or say {option} if two of them were "
            "compared.",
            table.table.name,
            names[0],
            choices=(
                DecisionChoice(
                    f"{names[0]} and {names[1]} were compared", option,
                    {"columns": {names[0]: "left", names[1]: "right"}},
                ),
            ),
        )
    )  # fmt: skip


def _answers_to_each(table: RoleTable) -> None:
    """Two columns of numbers, one per image, are ratings and say nothing of who won."""
    outcome = next(iter(table.having("outcome")), None)
    if outcome is None or table.parts[outcome.column.name].confidence == "given":
        return
    match = _NUMBERED.fullmatch(outcome.plain)
    if match is None or outcome.numeric < 0.5:
        return
    each = [
        p for p in table.profiles.values()
        if (other := _NUMBERED.fullmatch(p.plain)) and other[1] == match[1] and p.numeric > 0.5
    ]  # fmt: skip
    if len(each) < 2:
        return
    names = [p.column.name for p in each]
    option = f'--column "outcome={outcome.column.name}"'
    table.decisions.append(
        Decision(
            "outcome",
            f"{', '.join(names[:5])} of {table.table.name} look like ratings of each image rather "
            f"than outcomes; write a row per image, or say {option} if it says which image won.",
            table.table.name,
            outcome.column.name,
            choices=(
                DecisionChoice(
                    f"{outcome.column.name} says which image won", option,
                    {"columns": {outcome.column.name: "outcome"}},
                ),
            ),
        )
    )  # fmt: skip


def _ties_apart(table: RoleTable) -> None:
    """A column that says which pairs were ties, beside one that names a winner for each."""
    for name, profile in table.profiles.items():
        if profile.plain not in _TIES or table.parts[name].confidence == "given":
            continue
        if table.parts[name].role != "ignore":
            continue
        count = _rows(profile, (v for v in profile.column.values if _word(v) in _TRUE))
        if count:
            option = f'--column "ignore={name}"'
            table.decisions.append(
                Decision(
                    "ties",
                    f"{name} of {table.table.name} says that "
                    f"{counted(count, 'pair was a tie', 'pairs were ties')}; "
                    f"write “tie” as their outcome, or say {option} to count all as the other "
                    "columns have them.",
                    table.table.name,
                    name,
                    count=count,
                    choices=(
                        DecisionChoice(
                            "They count as the other columns have them", option,
                            {"columns": {name: "ignore"}},
                        ),
                    ),
                )
            )  # fmt: skip


def _answers_that_are_facts(table: RoleTable) -> None:
    """Answers that are the same in all rows of a rater, or of an image, are facts about them."""
    rater, image = table.column("rater"), table.column("image")
    if rater is None or image is None or table.has("attribute"):
        return
    for profile in table.having("judgment"):
        name = profile.column.name
        part = table.parts[name]
        if part.confidence == "given" or len(profile.column.values) < 2:
            continue
        for what, owner, role in (("rater", rater, "rater-fact"), ("image", image, "image-fact")):
            owners = len(np.unique(owner.codes[profile.column.codes >= 0]))
            if profile.filled < _ENOUGH * owners or not profile.determined_by(owner):
                continue
            fact = f'--column "{role}={name}"'
            judged = f'--judgment "{name}={part.attribute}"'
            table.decisions.append(
                Decision(
                    "fact-or-judgment",
                    f"{name} of {table.table.name} is the same in all rows of each {what}; say "
                    f"{fact} if it is a fact about the {what}, or {judged} if it was answered "
                    "for each image anew.",
                    table.table.name,
                    name,
                    choices=(
                        DecisionChoice(f"It is a fact about the {what}", fact,
                                       {"columns": {name: role}}),
                        DecisionChoice("It was answered for each image", judged,
                                       {"judgments": {name: part.attribute}}),
                    ),
                )
            )  # fmt: skip
            break


def _refused_work(table: RoleTable) -> None:
    """Tell of rows that another program marks as rejected, for they are kept."""
    for name, profile in table.profiles.items():
        facts = ("ignore", "rater-fact", "image-fact")
        if not _STATUS.fullmatch(profile.plain) or table.parts[name].role not in facts:
            continue
        marks = [v for v in profile.column.values if _REFUSED.fullmatch(v.strip())]
        count = _rows(profile, marks)
        if count:
            table.doubt(
                "status",
                f"{counted(count, 'row')} of {table.table.name} "
                f"{word_for(count, 'is', 'are')} marked {_listed(marks)} in {name}; "
                f"{word_for(count, 'it was', 'they were')} taken like all others.",
                name,
            )


def _rows(profile: Profile, values: Iterable[str]) -> int:
    """How many rows hold one of these values."""
    places = {value: place for place, value in enumerate(profile.column.values)}
    counts = profile.counts
    return int(sum(counts[places[value]] for value in values))


def _listed(values: Sequence[str]) -> str:
    return " or ".join(f"“{short(value.strip())}”" for value in values[:3])


def _word(value: str) -> str:
    return value.strip().casefold()
