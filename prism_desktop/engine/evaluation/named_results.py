"""Results by what people call each labeler, for whoever reads them; files keep the codes."""

import re
from collections.abc import Mapping
from typing import TypeVar

from prism_desktop.engine.runs.leaderboard_file import MethodRow
from prism_desktop.engine.runs.result_files import Gain, Result, Summary

Value = TypeVar("Value")
# as `significance.gate` words them
_WORST = re.compile(r"the worst is (.+) with [+-]\d")
_LET_DOWN = re.compile(r"(.+) lose more than ")


def named(summary: Summary, people: Mapping[str, str]) -> Summary:
    """A run's results with name and code in place of each labeler's code.

    Args:
        summary: is left as it is.
        people: code to what to call each; who is not in it keeps the code.
    """
    changed: dict[str, Result | Gain | None] = {
        "test": _result(summary.test, people),
        "consensus": None if summary.consensus is None else _result(summary.consensus, people),
        "gain": None if summary.gain is None else _gain(summary.gain, people),
    }
    given = {name: value for name, value in changed.items() if name in summary.model_fields_set}
    return summary.model_copy(update=given)


def named_row(row: MethodRow, people: Mapping[str, str]) -> MethodRow:
    """A method's row of a leaderboard with name and code in place of each labeler's code."""
    changed: dict[str, object] = {}
    if row.worst is not None:
        who = people.get(row.worst.labeler, row.worst.labeler)
        changed["worst"] = row.worst.model_copy(update={"labeler": who})
    if row.verdict is not None:
        told = tuple(named_reason(reason, people) for reason in row.verdict.reasons)
        changed["verdict"] = row.verdict.model_copy(update={"reasons": told})
    return row.model_copy(update=changed)


def named_reason(reason: str, people: Mapping[str, str]) -> str:
    """A reason of the success gate's verdict, as a file holds it, with people by name."""
    found = _WORST.search(reason)
    if found is not None and found[1] in people:
        return f"{reason[: found.start(1)]}{people[found[1]]}{reason[found.end(1) :]}"
    found = _LET_DOWN.match(reason)
    codes = found[1].split(", ") if found is not None else []
    if found is None or not all(code in people for code in codes):
        return reason
    return ", ".join(people[code] for code in codes) + reason[found.end(1) :]


def _result(result: Result, people: Mapping[str, str]) -> Result:
    found = {
        "per_labeler": _keys(result.per_labeler, people),
        "per_labeler_attribute": _keys(result.per_labeler_attribute, people),
        "ceiling": _keys(result.ceiling, people),
    }
    return result.model_copy(
        update={k: v for k, v in found.items() if k in result.model_fields_set}
    )


def _gain(gain: Gain, people: Mapping[str, str]) -> Gain:
    found = {
        "per_labeler": _keys(gain.per_labeler, people),
        "per_labeler_attribute": _keys(gain.per_labeler_attribute, people),
    }
    return gain.model_copy(update={k: v for k, v in found.items() if k in gain.model_fields_set})


def _keys(table: Mapping[str, Value], people: Mapping[str, str]) -> dict[str, Value]:
    return {people.get(code, code): value for code, value in table.items()}
