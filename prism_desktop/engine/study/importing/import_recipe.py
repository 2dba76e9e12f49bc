"""The recipe of an import: everything that was decided about how its files are to be read.

What a recipe leaves open is found out from the files; the recipe that an import is stored with
leaves nothing open, so that the same recipe reads the same file in the same way.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import read_foreign
from prism_desktop.engine.misfit_words import misfit, strictly
from prism_desktop.engine.study.importing.text_columns import TextRole

Role = Literal[
    "rater",  # who judged
    "image",  # what was judged, in a table of ratings
    "left",  # the first image of a pair
    "right",  # the second image of a pair
    "winner",  # the image that won, by name (with `loser`, or beside left and right)
    "loser",  # the image that lost, by name
    "outcome",  # which image won: left, right, tie, a name or a code
    "attribute",  # what each row's answer is about
    "judgment",  # an answer: a rating, or an outcome; named after its attribute
    "time",  # when the images were shown
    "seconds",  # response time
    "session",  # the sitting
    "trial",  # names a presentation; rows with the same name are one presentation
    "presentation",  # tells one presentation from another: a number, an order
    "rater-fact",  # something about the person
    "image-fact",  # something about the image
    "ignore",
]
Again = Literal["keep", "skip", "ask"]
Unit = Literal["s", "ms", "us"]


class Recipe(BaseModel):
    """How the files of one import are read; what is empty is found out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, Role] = {}  # column, as its file heads it -> role
    texts: dict[str, TextRole] = {}  # column of a table of texts -> what it is
    judgments: dict[str, str] = {}  # column -> attribute
    scale: str = ""  # LOW-HIGH of every attribute that `scales` does not name
    scales: dict[str, str] = {}  # attribute -> LOW-HIGH
    missing: tuple[str, ...] = ()  # values that are no answer
    coding: dict[str, str] = {}  # a value as the file writes it -> left, right, tie or a number
    rt_unit: Unit | None = None  # of response times
    sheets: tuple[str, ...] = ()  # of a workbook; empty: all that hold answers
    encoding: str = ""
    delimiter: str = ""
    decimal: Literal["", ".", ","] = ""
    rater: str = ""  # who judged, where no column says so; "{file}" stands for the file's name
    again: Again = "ask"  # an answer that may have been given twice

    def to_toml(self) -> str:
        """The recipe as a file; empty parts are left out."""
        import tomli_w

        return tomli_w.dumps(self.model_dump(exclude_defaults=True, mode="json"))


_MOST_BYTES = 1 << 20


def read_recipe(file: Path) -> Recipe:
    """Read a recipe from its file.

    Raises:
        InputError: if it cannot be read or is none.
    """
    try:
        content = read_foreign(file, _MOST_BYTES)
    except OSError as error:
        raise_fault(error, file, kept="Nothing was imported.")
        raise InputError(
            f"The recipe {file} cannot be read ({error.strerror}); nothing was imported."
        ) from error
    try:
        return parse_recipe(content.decode("utf-8"), file.name)
    except UnicodeDecodeError as error:
        raise InputError(f"{file.name} is no TOML file ({error}); nothing was imported.") from error


def parse_recipe(words: str, name: str = "The recipe") -> Recipe:
    """Read a recipe from its TOML text; `name` is what it is called in a refusal.

    Raises:
        InputError: if it is none.
    """
    try:
        return strictly(Recipe, tomllib.loads(words))
    except RecursionError:
        raise InputError(
            f"{name} is no recipe: its values are nested too deep. Nothing was imported."
        ) from None
    except ValidationError as error:
        told = misfit(error, Recipe)
        raise InputError(f"{name} is no recipe: {told}. Nothing was imported.") from error
    except ValueError as error:  # no TOML, or a number of more digits than Python reads
        raise InputError(f"{name} is no TOML file ({error}); nothing was imported.") from error


def changed(recipe: Recipe, change: Mapping[str, object]) -> Recipe:
    """A recipe with what a choice changes: entries of its tables are added, the rest replaced."""
    values: dict[str, object] = {}
    for name, value in change.items():
        before = getattr(recipe, name)
        if isinstance(value, Mapping):
            values[name] = {**before, **value}
        elif isinstance(before, tuple) and not isinstance(value, str):
            values[name] = tuple(dict.fromkeys((*before, *value)))  # type: ignore[misc]
        else:
            values[name] = value
    return Recipe.model_validate({**recipe.model_dump(), **values})
