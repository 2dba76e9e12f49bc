"""The options that say how files are to be read, and the recipe that they make."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from pydantic import ValidationError

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.named_lists import listed_names

if TYPE_CHECKING:
    from prism_desktop.engine.study.importing.import_recipe import Recipe

_ROLES = (
    "rater, image, left, right, outcome, winner, loser, attribute, time, seconds, trial, session, "
    "presentation, rater-fact, image-fact (text-fact) or ignore"
)

TEXT_ROLES = "text, id, prompt, author, group, fact or ignore"

_SPOKEN = {"text-fact": "image-fact"}  # as plans of studies of texts say it
_ONLY_OF_TEXTS = ("text", "id", "prompt", "author", "group", "fact")
_COLUMN_HELP = f"What a column is: ROLE=NAME; ROLE is {_ROLES}; of a table of texts {TEXT_ROLES}."

RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="Read as this recipe (TOML) says.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", help=_COLUMN_HELP),
]
Judgments = Annotated[
    list[str] | None,
    typer.Option(
        "--judgment",
        help='A column of judgments, as NAME or NAME=ATTRIBUTE; "*=ATTRIBUTE" for all of them.',
    ),
]
Scales = Annotated[
    list[str] | None,
    typer.Option("--scale", help="The ratings' scale: 1-10, or ATTRIBUTE=1-10."),
]
Missing = Annotated[
    list[str] | None,
    typer.Option("--missing", help="Values that are no answer, such as -99,NA."),
]
Coding = Annotated[
    list[str] | None,
    typer.Option(
        "--coding",
        help="What values mean: 1=left,0=right, or never=1,always=5; 2-first is 2=left,1=right, "
        "1-first the reverse.",
    ),
]
RtUnit = Annotated[str | None, typer.Option("--rt-unit", help="Of response times: s, ms or us.")]
Sheets = Annotated[list[str] | None, typer.Option("--sheet", help="Only this sheet of a workbook.")]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Of a text file, such as utf-8 or cp1252.")
]
Decimal = Annotated[str | None, typer.Option("--decimal", help='The decimal sign: "." or ",".')]
Rater = Annotated[
    str | None,
    typer.Option(
        "--rater",
        help="Who judged, where no column says so; {file} stands for the file's name, {column} for "
        "the column's.",
    ),
]
Again = Annotated[
    str | None,
    typer.Option("--again", help="Answers that may have been given twice: keep, skip or ask."),
]
Attributes = Annotated[
    str | None,
    typer.Option("--attributes", help='As --judgment for several columns: a,b,c; also "a,b",c.'),
]
Rename = Annotated[
    list[str] | None, typer.Option("--rename", help="As --judgment: column=attribute.")
]


def make_recipe(
    file: Path | None = None,
    *,
    columns: Sequence[str] | None = None,
    judgments: Sequence[str] | None = None,
    attributes: str | None = None,
    rename: Sequence[str] | None = None,
    scales: Sequence[str] | None = None,
    missing: Sequence[str] | None = None,
    coding: Sequence[str] | None = None,
    rt_unit: str | None = None,
    sheets: Sequence[str] | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    rater: str | None = None,
    again: str | None = None,
) -> "Recipe":
    """The recipe that options make, on top of a recipe's file if there is one.

    Raises:
        InputError: an option says nothing that can be.
    """
    from prism_desktop.engine.study.importing.import_recipe import Recipe, changed, read_recipe
    from prism_desktop.engine.study.importing.values.scales import declared

    recipe = Recipe() if file is None else read_recipe(file)
    change: dict[str, object] = {
        **_columns(columns or ()),
        "judgments": _judgments(judgments or (), attributes, rename or ()),
    }
    for words in scales or ():
        name, _, scale = words.rpartition("=")
        declared(scale)  # refuses what is none
        if name:
            change["scales"] = {**_dict(change.get("scales")), name: scale}
        else:
            change["scale"] = scale
    if missing:
        change["missing"] = tuple(mark for words in missing for mark in listed_names(words))
    if coding:
        from prism_desktop.engine.study.importing.values.outcome_codings import parse_coding

        change["coding"] = {k: v for words in coding for k, v in parse_coding(words).items()}
    plain = {"rt_unit": rt_unit, "encoding": encoding, "decimal": decimal, "rater": rater,
             "again": again}  # fmt: skip
    change |= {name: value for name, value in plain.items() if value is not None}
    if sheets:
        change["sheets"] = tuple(sheets)
    try:
        return changed(recipe, change)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        allowed = {"rt-unit": "s, ms or us", "again": "keep, skip or ask", "decimal": "“.” or “,”"}
        raise InputError(
            f"--{option} wants {allowed.get(option, 'another value')}, not “{first['input']}”; "
            "nothing was imported."
        ) from error


def _dict(value: object) -> dict[str, str]:
    return dict(value) if isinstance(value, dict) else {}


def _columns(given: Sequence[str]) -> dict[str, dict[str, str]]:
    """What is said of columns, of tables of judgments and of texts."""
    from prism_desktop.engine.study.importing.import_recipe import Role
    from prism_desktop.engine.study.importing.text_columns import TextRole

    found: dict[str, dict[str, str]] = {"columns": {}, "texts": {}}
    of_texts = [words for words in given if words.partition("=")[0] in _ONLY_OF_TEXTS]
    for words in given:
        role, _, name = words.partition("=")
        role = _SPOKEN.get(role, role)
        texts = role in get_args(TextRole) and (bool(of_texts) or role not in get_args(Role))
        if not (texts or role in get_args(Role)) or not name:
            raise InputError(
                f"--column wants ROLE=NAME, with ROLE one of {_ROLES}, or of a table of texts "
                f"{TEXT_ROLES}; “{words}” is not so. Nothing was imported."
            )
        if role == "judgment":
            raise InputError(f'Say --judgment "{name}" for judgments. Nothing was imported.')
        found["texts" if texts else "columns"][name] = role
    return found


def _judgments(
    given: Sequence[str], attributes: str | None, rename: Sequence[str]
) -> dict[str, str]:
    found = {}
    for words in given:
        name, sign, attribute = words.rpartition("=")
        found[name if sign else words] = attribute.strip() if sign else ""
    for name in listed_names(attributes or ""):
        found.setdefault(name, "")
    for words in rename:
        column, _, attribute = words.partition("=")
        if not column or not attribute:
            raise InputError("--rename wants column=attribute.")
        found[column] = attribute
    return found
