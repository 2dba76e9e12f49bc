"""Tables of one import help each other: what one judges, the others do not leave out in silence."""

from collections.abc import Sequence
from dataclasses import replace

from prism_desktop.engine.study.importing.columns.column_profiles import Profile
from prism_desktop.engine.study.importing.columns.roles import find_roles
from prism_desktop.engine.study.importing.columns.table_roles import Known, TableRoles
from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable
from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe


def find_roles_of_all(
    tables: Sequence[DataTable], known: Known, recipe: Recipe
) -> list[TableRoles]:
    """Give every column of every table its part.

    A column whose values alone do not look like judgments (somebody answered the same to all) is
    one if another table judges a column of its name; that is told, or asked.
    """
    roles = [find_roles(table, known, recipe) for table in tables]
    judged: dict[str, tuple[str, str]] = {}  # column -> its attribute, the table
    for one in roles:
        for column in one.having("judgment") if one.shape == "ratings" else ():
            attribute = one.parts[column.name].attribute
            if not Profile(column, str).constant:
                judged.setdefault(column.name, (attribute, one.table.name))
    return [_with_help(one, judged, known, recipe) for one in roles]


def _with_help(
    roles: TableRoles, judged: dict[str, tuple[str, str]], known: Known, recipe: Recipe
) -> TableRoles:
    passed_over = [column for column in roles.table.columns if _is_unsure(roles, column)]
    elsewhere = {c.name: judged[c.name][0] for c in passed_over if c.name in judged}
    found = find_roles(roles.table, known, recipe, elsewhere) if elsewhere else roles
    told = [
        _told(column, found.table.name, judged[column.name][1])
        for column in found.having("judgment")
        if column.name in elsewhere or (column.name in judged and _is_odd(found, column))
    ]
    return replace(found, doubts=[*found.doubts, *told])


def _is_odd(roles: TableRoles, column: DataColumn) -> bool:
    """Whether a column of one value is a judgment by little more than its name."""
    return roles.parts[column.name].confidence == "likely" and Profile(column, str).constant


def _is_unsure(roles: TableRoles, column: DataColumn) -> bool:
    """Whether a column of numbers was passed over for what it holds."""
    part = roles.parts[column.name]
    fact = part.role in ("rater-fact", "image-fact") and part.confidence == "likely"
    left_out = part.role == "ignore" and part.confidence != "given"
    rows = roles.shape in ("ratings", "facts about images")
    return rows and (fact or left_out) and Profile(column, str).numeric >= 0.5


def _told(column: DataColumn, table: str, other: str) -> Doubt:
    what = (
        "all its values are the same"
        if Profile(column, str).constant
        else "its values alone would not make it any"
    )
    return Doubt(
        "judgment",
        f"{column.name} of {table} was taken for judgments, as in {other}, though {what}.",
        table,
        column.name,
    )
