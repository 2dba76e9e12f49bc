"""What is asked where a table does not say which columns are judgments, or of what."""

from collections.abc import Sequence
from typing import Final

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.importing.columns.column_profiles import Profile
from prism_desktop.engine.study.importing.columns.table_roles import FROM_COLUMN, RoleTable
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice

ALL: Final = "*"  # in a recipe's judgments: of every column that is one


def only_or_asked(table: RoleTable, profile: Profile, *, all_of_them: bool = False) -> str:
    """The study's only attribute, told; else it is asked, and "" stands for it."""
    name = ALL if all_of_them else profile.column.name
    said = table.recipe.judgments.get(profile.column.name) or table.recipe.judgments.get(ALL)
    if said:
        return said
    known = table.known.attributes.attributes
    found = table.known.attributes.of(profile.column.title) if profile.column.title else None
    if found is not None:
        return found.name
    if len(known) == 1:
        table.doubt(
            "attribute",
            f"{profile.column.name} does not say what was judged; it was taken for {known[0]}, "
            "which is all that the study judges.",
            profile.column.name,
        )
        return known[0]
    wanted = known[:4] or ("NAME",)
    options = " or ".join(f'--judgment "{name}={attribute}"' for attribute in wanted)
    table.decisions.append(
        Decision(
            "attribute",
            f"{profile.column.name} of {table.table.name} does not say what was judged; say "
            f"{options}.",
            table.table.name,
            profile.column.name,
            choices=tuple(
                DecisionChoice(attribute, f'--judgment "{name}={attribute}"',
                       {"judgments": {name: attribute}})
                for attribute in known[:8]
            ),
        )
    )  # fmt: skip
    return ""


def ask_which(table: RoleTable, among: Sequence[Profile], attribute: str = "") -> None:
    """Ask which columns are judgments; no row is used before."""
    names = [p.column.name for p in among]
    suffix = f"={attribute}" if attribute else ""
    if not names:
        text = f"{table.table.name} has no column of judgments; name it by --judgment COLUMN."
    else:
        options = " or ".join(f'--judgment "{name}{suffix}"' for name in names[:4])
        text = (
            f"{counted(len(names), 'column')} of {table.table.name} could be judgments "
            f"({', '.join(names[:8])}"
            f"{', ...' if len(names) > 8 else ''}); say which by {options}."
        )
    table.decisions.append(
        Decision(
            "judgment",
            text,
            table.table.name,
            names[0] if names else "",
            choices=tuple(
                DecisionChoice(f"{name} holds the judgments", f'--judgment "{name}{suffix}"',
                       {"judgments": {name: attribute}})
                for name in names[:8]
            ),
        )
    )  # fmt: skip


def ask_who(table: RoleTable, names: Sequence[str]) -> None:
    """Ask whether columns are raters or attributes."""
    each = " ".join(f'--judgment "{name}"' for name in names[:3])
    table.decisions.append(
        Decision(
            "raters-or-attributes",
            f"The columns {few(names)} of {table.table.name} may be raters or attributes; say "
            f'--rater "{FROM_COLUMN}" for raters, or name the attributes by {each}.',
            table.table.name,
            names[0],
            choices=(
                DecisionChoice(
                    "They are raters", f'--rater "{FROM_COLUMN}"', {"rater": FROM_COLUMN}
                ),
                DecisionChoice("They are attributes", each, {"judgments": {n: n for n in names}}),
            ),
        )
    )


def tell_left_out(table: RoleTable, name: str) -> None:
    """Tell of a column of numbers that is no judgment."""
    table.doubt(
        "left-out",
        f'{name} was left out, though it holds numbers; --judgment "{name}" takes it as judgments.',
        name,
    )
