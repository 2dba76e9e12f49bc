"""Tables that name people and no images: facts about people, or answers to unknown images."""

import re
from typing import Final

from prism_desktop.engine.grammar import word_for
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.study.importing.columns.column_profiles import Profile
from prism_desktop.engine.study.importing.columns.table_roles import RoleTable, Shape
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice

_MANY: Final = 5  # columns of numbers that are headed by numbers alone
_OWN: Final = re.compile(r"(own|self|my|selbst|eigene)(_|$)")
_NUMBERED: Final = re.compile(r"[a-z]{0,6}_?\d+")


def facts_about_raters(table: RoleTable) -> Shape:
    """A table that names people and no images tells about the people, if anything; columns that
    look like answers to images are asked about, for they would be lost."""
    judged = _judged(table) if table.has("rater") else []
    if judged or not table.has("rater"):
        _ask_for_images(table, judged)
        return "ratings"
    for profile in table.open():
        if table.rank("ignore", profile) is None:
            table.set(profile, "rater-fact", "likely", "it stands beside the rater's name")
    return "facts about raters"


def _judged(table: RoleTable) -> list[Profile]:
    """The columns that look like answers about images."""
    rater = table.column("rater")
    among = [
        p for p in table.open()
        if table.rank("ignore", p) is None and p.filled and not _OWN.match(p.plain)
    ]  # fmt: skip
    names = table.known.attributes
    exactly = [p for p in among if table.judged_by_name(p)]
    asked = [p for p in among if p not in exactly and names.of(p.column.name, p.column.title)]
    numbered = [p for p in among if p.numeric > 0.5 and _NUMBERED.fullmatch(p.plain)]
    repeated = rater is not None and len(rater.values) < int((rater.codes >= 0).sum())
    generic = [p for p in among if repeated and table.generic(p)
               and rater is not None and not p.determined_by(rater)]  # fmt: skip
    for found, least in ((exactly, 1), (asked, 2), (numbered, _MANY), (generic, 1)):
        if len(found) >= least:
            return found
    return []


def _ask_for_images(table: RoleTable, judged: list[Profile]) -> None:
    name, columns = table.table.name, ", ".join(list(table.profiles)[:8])
    if not judged:
        text = (
            f"No column of {name} names images of the study ({columns}); say which by --column "
            "image=NAME, or import the images first."
        )
        table.decisions.append(Decision("image", table.known.words.told(text), name))
        return
    heads = [p.column.name for p in judged]
    facts = " ".join(f'--column "rater-fact={head}"' for head in heads[:3])
    text = (
        f"{few(heads)} of {name} {word_for(len(heads), 'looks', 'look')} like answers, and no "
        f"column of it names images of the study ({columns}); say which does by --column "
        f"image=NAME, import the images first, or say {facts} for facts about the raters."
    )
    text = table.known.words.told(text)
    choice = DecisionChoice(
        "They are facts about the raters", facts,
        {"columns": dict.fromkeys(heads, "rater-fact")},
    )  # fmt: skip
    table.decisions.append(Decision("image", text, name, heads[0], choices=(choice,)))
