"""How a selection becomes a named view, and how that is chosen again.

Of a file it takes what fits: a value that nobody could have chosen is passed over, and told.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from pathlib import Path

from pydantic import JsonValue

from prism_desktop.engine.analysis.face_ranking import KINDS, ORDERS
from prism_desktop.engine.grammar import listed, word_for
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs import layout
from prism_desktop.engine.study.texts import MOST_CHARACTERS
from prism_desktop.ui.explore import agreement_pickers
from prism_desktop.ui.explore.agreement_pickers import FEWEST, MEASURES
from prism_desktop.ui.explore.alike_view import PAGES
from prism_desktop.ui.explore.face_filters import CELLS
from prism_desktop.ui.explore.operations import FACE_MAPS
from prism_desktop.ui.explore.ranked_faces import CONSENSUS
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.explore.selection import (
    ALIKE,
    ANSWERS,
    AXIS,
    CONTRADICTIONS,
    FACES,
    MAPPED,
    OF_STUDY,
    OF_WRITING,
    ORDERED,
    OTHERS,
    PAIRS,
    PROFILE,
    VIEWS,
    Selection,
)
from prism_desktop.ui.explore.selection import MEASURES as QUALITY
from prism_desktop.ui.explore.taste_view import ORDERS as TASTE_ORDERS

_OF_NOW = ("by_hand", "known")  # of this window, not of the view
_RUNS = ("run", "other_run", "mapped")
_ONE_OF: Mapping[str, Collection[object]] = {
    "view": VIEWS,
    "direction": ORDERS,
    "kind": KINDS,
    "size": CELLS,
    "source": ORDERED,
    "disputes": (FACES, PAIRS),
    "taste": (PROFILE, AXIS),
    "ranked": TASTE_ORDERS,
    "part": (QUALITY, CONTRADICTIONS),
    "below": (ANSWERS, ALIKE),
    "alike": PAGES,
    "map": ("", *FACE_MAPS),
    "many": MAPPED,
    "answers": ("", *agreement_pickers.ANSWERS),
    "measure": ("", *MEASURES),
    "order": ("", *agreement_pickers.ORDERS),
    "colour": ("", *agreement_pickers.COLOURS),
    "fewest": (None, *FEWEST),
}
_RAW = re.compile(r"attention(:[0-9]{1,3}){1,2}")  # of a block, perhaps of one head
_LETTERS = 500  # of a text that somebody may have chosen
_MOST = 100_000  # labelers that somebody may have ticked


def told(selection: Selection) -> dict[str, JsonValue]:
    """What is chosen, for a file; runs by the names of their folders."""
    found: dict[str, JsonValue] = {}
    for field in fields(Selection):
        value = getattr(selection, field.name)
        if field.name in _RUNS:
            value = Path(value).name if value else ""
        if field.name not in _OF_NOW:
            found[field.name] = _plain(value)
    return found


def _plain(value: object) -> JsonValue:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value  # type: ignore[return-value]


def choose(selection: Selection, chosen: Mapping[str, JsonValue], study: Path) -> tuple[str, ...]:
    """Choose what a view has; what a file lacks, or has of another kind, is as nobody chose it.

    Returns:
        what the file has and nobody could have chosen, by the names of the file.
    """
    usual, known = Selection(), {field.name for field in fields(Selection)} - set(_OF_NOW)
    passed = [name for name in chosen if name not in known]
    for name in sorted(known):
        good = name in chosen and _fits(name, chosen[name], getattr(usual, name))
        if name in chosen and not good:
            passed.append(name)
        value = _frozen(chosen[name]) if good else getattr(usual, name)
        if name in _RUNS and value:
            value = str(study / layout.RUNS / str(value))
        setattr(selection, name, value)
    selection.by_hand = True
    return tuple(passed)


def _frozen(value: JsonValue) -> object:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _fits(name: str, value: JsonValue, usual: object) -> bool:
    """Whether somebody may have chosen a value, where the usual one is this."""
    if name in _RUNS:
        return _is_folder(value)
    if name in _OWN:
        return _OWN[name](value)
    if name in _ONE_OF:
        return not isinstance(value, list | dict | bool) and value in _ONE_OF[name]
    if isinstance(usual, tuple):
        kind = _is_number if isinstance(usual[0], float) else _is_text
        return isinstance(value, list) and len(value) == len(usual) and all(map(kind, value))
    if isinstance(usual, bool):
        return isinstance(value, bool)
    return _is_share(value) if isinstance(usual, int) else _is_text(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LETTERS


def _is_number(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_share(value: object) -> bool:
    """In per cent."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100


def _is_folder(value: object) -> bool:
    """The name of a folder, or none."""
    return _is_text(value) and (value == "" or Path(str(value)).name == value != "..")


def _is_map(value: object) -> bool:
    known = value in ("", *FACE_MAPS)
    return isinstance(value, str) and (known or _RAW.fullmatch(value) is not None)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MOST and all(map(_is_text, value))


def _are_pins(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pin, list)
        and len(pin) == 3
        and _is_text(pin[0])
        and all(map(_is_number, pin[1:]))
        for pin in value[:_MOST]
    )


_OWN: Mapping[str, Callable[[object], bool]] = {
    "map": _is_map,
    "least": lambda value: value is None or _is_share(value),
    "ticked": lambda value: value is None or _are_texts(value),
    "people": lambda value: _are_texts(value),
    "writers": lambda value: _are_texts(value) and all(map(_is_folder, value)),  # type: ignore[call-overload]
    "writer": lambda value: _is_folder(value),
    "prompt": lambda value: isinstance(value, str) and len(value) <= MOST_CHARACTERS,
    "pins": lambda value: _are_pins(value) and len(value) <= _MOST,  # type: ignore[arg-type]
}


def told_passed(names: Collection[str]) -> str:
    """What of a view nobody could have chosen, in a sentence; empty where all of it fits."""
    if not names:
        return ""
    quoted = few([f"“{name}”" for name in names])
    are = word_for(len(names), "one choice", "choices")
    them = word_for(len(names), "it is", "they are")
    return (
        f"The file of this view holds {are} that this version does not know ({quoted}); {them} "
        "left out."
    )


def told_gone(
    wanted: Selection, data: RunData | None, people: Collection[str], judged: Collection[str]
) -> str:
    """What a view was of that is not there any more, in a sentence; empty if all of it is.

    Args:
        wanted: what the view chose.
        data: the run that is shown; None where there is none.
        people, judged: the study's labelers and attributes, which its views know too.
    """
    study = wanted.view in OF_STUDY | OF_WRITING or data is None
    known = {CONSENSUS, OTHERS, "", *(people if study else ())}
    named, words = {"", *(judged if study else ())}, True
    if data is not None:
        known |= set(data.labelers)
        named |= set(data.attributes)
        words = not data.obstacles.words
        named |= {wanted.words} if words else set()
    who = (wanted.labeler, wanted.other, wanted.against, *(wanted.ticked or ()), *wanted.people)
    codes = [code for code in dict.fromkeys(who) if code not in known]
    fact, value = wanted.fact
    gone = [
        *([f"{word_for(len(codes), 'labeler', 'labelers')} {few(codes)}"] if codes else []),
        *([] if wanted.attribute in named else [f"the attribute {wanted.attribute}"]),
        *([] if words or not wanted.words else [f"the words “{wanted.words}”"]),
    ]
    if data is not None:
        grouped = not fact or value in data.facts.get(fact, {}).values()
        gone += [] if grouped else [f"the group {fact}: {value}"]
        gone += [] if not wanted.face or wanted.face in data.row else ["a face"]
    if not gone:
        return ""
    where = "this study" if study else "this run"
    return f"This view was of {listed(gone)}, which {where} does not have; others are shown."
