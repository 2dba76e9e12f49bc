"""What a typed file says wrong, in plain words: which key, what is expected, what stands there.

The models of files that people write (protocols, exclusion rules, recipes of imports, settings)
refuse through these, so that none shows what a library says.
"""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.plain_text import clause, few, shortened

M = TypeVar("M", bound=BaseModel)
_SHOWN: Final = 60  # letters of what somebody wrote, in a sentence about it
_NEAR: Final = 3  # keys that are told where one is unknown
_NAMED: Final = 12  # likewise, where none is near
_KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "dict": "a table",
    "model": "a table",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "more than {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "less than {}"),
    "less_than_equal": ("le", "at most {}"),
}
_SIZES: Final = {
    "string_too_short": ("min_length", "text of at least {}", "character"),
    "string_too_long": ("max_length", "text of at most {}", "character"),
    "too_short": ("min_length", "a list of at least {}", "entry"),
    "too_long": ("max_length", "a list of at most {}", "entry"),
}


def strictly(model: type[M], values: Mapping[str, Any]) -> M:
    """Values as TOML has them, as a model that takes each for what it is: no text for a number, no
    true for 1.

    Raises:
        ValidationError: they do not fit; `misfit` says how.
    """
    return model.model_validate(_with_tuples(values), strict=True)


def misfit(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that does not fit, as a sentence without its end."""
    first = error.errors()[0]
    where, kind = _where(first["loc"]), first["type"]
    if kind == "value_error":
        told = wanted(first)
        return f"{where}: {told}" if where else told
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"there is no {where}; {_known(model, first['loc'])}"
    return f"{where or 'the whole'} must be {wanted(first)}, and {_given(first)} stands there"


def misfit_option(error: ValidationError, name: str) -> str:
    """The same of what was typed for an option or argument of a command."""
    first = error.errors()[0]
    if first["type"] == "value_error":
        return f"{name}: {clause(wanted(first))}"
    return f"{name} must be {wanted(first)}, not {_given(first)}"


def wanted(error: ErrorDetails) -> str:
    """What is expected in place of what stands there: "a whole number", "at least 1"; of a rule of
    the model's own its own words."""
    kind, told = error["type"], error.get("ctx", {})
    name: str
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = told[name]
        return words.format(f"{bound:,.0f}" if float(bound).is_integer() else f"{bound:g}")
    if kind in _SIZES:
        name, words, of = _SIZES[kind]
        return words.format(counted(told[name], of))
    if kind == "literal_error":
        return re.sub("'([^']*)'", r"“\1”", told["expected"])
    if kind == "int_from_float":
        return _KINDS["int"]
    for name, words in _KINDS.items():
        if kind.startswith(name):
            return words
    return error["msg"].removeprefix("Input should be ")


def _given(error: ErrorDetails) -> str:
    """What stands there, as its file has it."""
    value = error["input"]
    if isinstance(value, str):
        return f"“{shortened(value, _SHOWN)}”"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | BaseModel):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, datetime | date | time):
        return f"{'the time' if isinstance(value, time) else 'the date'} {value.isoformat()}"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        return shortened(str(value), _SHOWN)
    except ValueError:  # more digits than Python writes
        return "a number without end"


def _where(place: Sequence[int | str]) -> str:
    """The key in words: "repeats.lag", "trials in entry 2 of blocks"."""
    names: list[str] = []
    around = ""
    for part in place:
        if isinstance(part, str):
            names.append(shortened(part, _SHOWN))
            continue
        around = f"entry {part + 1} of {_join(names, around)}"
        names = []
    return _join(names, around)


def _join(names: Sequence[str], around: str) -> str:
    key = ".".join(names)
    return f"{key} in {around}" if key and around else key or around


def _known(model: type[BaseModel], place: Sequence[int | str]) -> str:
    """The keys that are known where an unknown one stands, near ones first."""
    at: Any = model
    for part in place[:-1]:
        at = _inside(at, part)
    fields = at.model_fields if isinstance(at, type) and issubclass(at, BaseModel) else {}
    near = difflib.get_close_matches(str(place[-1]), fields, n=_NEAR)
    is_ = word_for(len(near), "is", "are")
    known = few(list(fields), _NAMED)
    return f"near it {is_} {', '.join(near)}" if near else f"known are {known}"


def _inside(at: Any, part: int | str) -> Any:
    """The type of a key of a table, or of an entry of a list."""
    if isinstance(at, type) and issubclass(at, BaseModel):
        at = at.model_fields[str(part)].annotation
        return get_args(at)[0] if get_origin(at) is Annotated else at
    return get_args(at)[-1 if isinstance(part, str) else 0]


def _with_tuples(value: Any) -> Any:
    """Lists as tuples, which strict models want."""
    if isinstance(value, Mapping):
        return {name: _with_tuples(each) for name, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
