"""Which columns hold the answers, and to which attribute."""

import re
from collections.abc import Sequence
from typing import Final

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.importing.columns.column_profiles import Profile, same_rows
from prism_desktop.engine.study.importing.columns.fact_tables import facts_about_raters
from prism_desktop.engine.study.importing.columns.judgment_questions import (
    ALL,
    ask_which,
    ask_who,
    only_or_asked,
    tell_left_out,
)
from prism_desktop.engine.study.importing.columns.table_roles import FROM_COLUMN, RoleTable, Shape
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice
from prism_desktop.engine.study.importing.names.attribute_names import NamedAttribute
from prism_desktop.engine.study.importing.text_columns import text_columns

MANY_NAMED: Final = 3  # columns named as judgments, from which on their neighbours are too
_CIRCUMSTANCES: Final = frozenset(
    {
        *("rt", "time", "ms", "order", "onset", "duration", "latency", "index", "click", "clicks"),
        *("start", "started", "stopped", "sd", "se", "std", "var", "seconds", "sec", "count"),
        *("position", "submit", "timing", "confidence", "certainty", "median", "n", "id"),
    }
)
_CODE: Final = re.compile(r"(.*?[^\d]?)\d+$")


def find_judgments(table: RoleTable, shape: Shape) -> Shape:
    """Find the columns that hold answers; what cannot be told becomes a decision.

    Returns:
        The table's shape, which may turn out to be another.
    """
    if shape == "comparisons":
        _compared(table)
        return shape
    if shape == "a row per rater":
        _headed_by_images(table)
        return shape
    if not table.has("image"):
        return facts_about_raters(table)
    if table.has("attribute"):
        _tidy(table)
        return shape
    return _rated(table)


# Comparisons


def _compared(table: RoleTable) -> None:
    """Outcomes stand in one column, or in one per attribute."""
    answer = [*table.having("outcome"), *table.having("winner")][:1]
    if answer:
        profile = answer[0]
        part = table.parts[profile.column.name]
        if not table.has("attribute"):
            attribute = only_or_asked(table, profile)
            table.set(profile, part.role, part.confidence, part.reason, attribute)
        return
    if table.has("judgment"):
        _given(table, [p for p in table.open() if _has_outcomes(p)])
        return
    for profile in table.open():
        found = table.known.attributes.of(profile.column.name)
        if found and found.how in ("study", "trait") and _has_outcomes(profile):
            _take(table, profile, found)
    if not table.has("judgment"):
        names = ", ".join(p.column.name for p in table.open()[:6]) or "no other column is there"
        table.decisions.append(
            Decision(
                "outcome",
                f"No column of {table.table.name} says which image won ({names}); say which one "
                "does by --column outcome=NAME.",
                table.table.name,
                choices=tuple(
                    DecisionChoice(
                        f"{p.column.name} says which image won",
                        f'--column "outcome={p.column.name}"',
                        {"columns": {p.column.name: "outcome"}},
                    )
                    for p in table.open()[:4]
                ),
            )
        )


def _has_outcomes(profile: Profile) -> bool:
    return profile.outcomes > 0.5 or profile.numeric > 0.5


# Matrices


def _headed_by_images(table: RoleTable) -> None:
    """Every column headed by an image holds what its rows' raters answered."""
    said = table.recipe.judgments.get(ALL, "")
    profiles = [
        table.profiles[name]
        for name in table.images
        if (part := table.parts.get(name)) is None
        or (part.role, part.attribute) == ("judgment", "")
    ]
    missing = []
    for profile in profiles:
        found = table.known.attributes.of(profile.column.title, profile.column.name)
        if said or found:
            attribute = said or (found.name if found else "")
            table.set(profile, "judgment", "sure", "it is headed by an image", attribute)
        else:
            missing.append(profile)
    if not missing:
        return
    attribute = only_or_asked(table, missing[0], all_of_them=True)
    for profile in missing:
        table.set(profile, "judgment", "sure", "it is headed by an image", attribute)


def _rows_per_image(table: RoleTable, candidates: Sequence[Profile], *, asks: bool) -> Shape | None:
    """Whether columns are raters, in a table that names no rater; None: they are not, or it is
    asked."""
    if table.has("rater") or table.recipe.rater not in ("", FROM_COLUMN):
        return None
    given = table.recipe.rater == FROM_COLUMN
    candidates, odd = _with_odd_raters(table, candidates, given=given)
    if len(candidates) < 2:
        return None
    names = [p.column.name.strip() for p in candidates]
    if not (given or _are_codes(names) or _are_labelers(table, names)):
        if not any(table.known.attributes.of(name) or table.generic(p)
                   for name, p in zip(names, candidates, strict=True)) and asks:  # fmt: skip
            ask_who(table, names)
            return "ratings"
        return None
    table.rater = FROM_COLUMN
    attribute = table.recipe.judgments.get(ALL) or only_or_asked(
        table, candidates[0], all_of_them=True
    )
    for profile in candidates:
        table.set(profile, "judgment", "sure", "it is headed by a rater", attribute)
    for profile in odd:
        name = profile.column.name
        table.doubt(
            "rater",
            f"{name} was taken for a rater like its neighbours, though its values "
            f'{_oddity(profile)}; --column "ignore={name}" leaves it out.',
            name,
        )
    if not given:
        listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        table.doubt(
            "rater",
            f"The columns {listed} were taken for {counted(len(names), 'rater')}, a row per image.",
        )
    return "a row per image"


def _with_odd_raters(
    table: RoleTable, candidates: Sequence[Profile], *, given: bool
) -> tuple[list[Profile], list[Profile]]:
    """The columns of raters with those among them whose values alone would not make them any.

    Whoever answers the same to every image is a rater, too, if the column is headed like others.

    Returns:
        all of them in the order of the table, and the odd ones.
    """
    names = [p.column.name.strip() for p in candidates]
    odd = [
        p for p in numbers_of(table)
        if p not in candidates and name_of(table, p) is None and not table.generic(p)
        and names and (
            _are_codes([*names, p.column.name.strip()])
            or (_are_labelers(table, names) and _are_labelers(table, [p.column.name.strip()]))
            or (given and p.constant)
        )
    ]  # fmt: skip
    return [p for p in table.open() if p in candidates or p in odd], odd


def _oddity(profile: Profile) -> str:
    return "are all the same" if profile.constant else "only rise from row to row"


def _are_codes(names: Sequence[str]) -> bool:
    """R01, R02, ...; 1, 2, 3; addresses: names that only tell people apart."""
    if all("@" in name for name in names) or all(name.isdigit() for name in names):
        return True
    matches = [_CODE.fullmatch(name) for name in names]
    return all(matches) and len({match[1].lower() for match in matches if match}) == 1


def _are_labelers(table: RoleTable, names: Sequence[str]) -> bool:
    known = [name for name in names if name.casefold() in table.known.labelers]
    return len(known) * 2 > len(names)


# Ratings


def _tidy(table: RoleTable) -> None:
    """One column of ratings, beside the one that says what each is of."""
    if table.has("judgment"):
        return
    candidates = _candidates(table)
    ranked = table.named("judgment", candidates)
    chosen = ranked[:1] or (candidates if len(candidates) == 1 else [])
    if chosen:
        table.set(chosen[0], "judgment", "sure", "it holds the answers to what is asked")
        return
    ask_which(table, candidates)


def _rated(table: RoleTable) -> Shape:
    """One or more columns of ratings, named after what is judged or not."""
    if any(part.role == "judgment" for part in table.parts.values()):
        _given(table, _candidates(table))
        return "ratings" if table.recipe.rater != FROM_COLUMN else "a row per image"
    candidates = _candidates(table)
    named = {p.column.name: found for p in candidates if (found := name_of(table, p))}
    plain = [p for p in candidates if p.column.name not in named]
    generic = _one_of(table.named("judgment", candidates))
    nameless = table.column("rater") is None and table.recipe.rater in ("", FROM_COLUMN)
    about_images = nameless and table.has("image-fact") and not named and not generic
    if not [n for n in named.values() if n.how == "study"]:
        shape = _rows_per_image(
            table, [p for p in plain if not table.generic(p)], asks=not about_images
        )
        if shape is not None:
            return shape
    if about_images:
        return _facts_about_images(table)
    if named:
        _take_named(table, candidates, named)
        return "ratings"
    if len(generic) == 1:
        attribute = only_or_asked(table, generic[0])
        table.set(generic[0], "judgment", "likely", "its name says that it is one", attribute)
        return "ratings"
    if generic or len(plain) > 1:
        ask_which(table, generic or plain)
        return "ratings"
    if plain:
        profile = plain[0]
        table.set(profile, "judgment", "unsure", "no other column could be one",
                  profile.column.name.strip())  # fmt: skip
        table.doubt(
            "judgment",
            f"{profile.column.name} was taken for the judgments, for no other column could be; "
            f'--judgment "{profile.column.name}=NAME" names the attribute.',
            profile.column.name,
        )
        return "ratings"
    return _facts_about_images(table)


def _given(table: RoleTable, others: Sequence[Profile]) -> None:
    """Columns that the user named as judgments; those without an attribute find theirs.

    Where columns were only given an attribute, those of others that the study names are judgments
    as they would be otherwise; whoever lists columns wants these alone.
    """
    listed = False
    for profile in table.having("judgment"):
        part = table.parts[profile.column.name]
        if not part.attribute:
            listed = True
            found = name_of(table, profile)
            attribute = found.name if found else (
                only_or_asked(table, profile)
                if table.generic(profile)
                else profile.column.name.strip()
            )  # fmt: skip
            table.set(profile, "judgment", "given", part.reason, attribute)
    taken = {table.parts[profile.column.name].attribute for profile in table.having("judgment")}
    for profile in others if not listed else ():
        found = name_of(table, profile)
        known = found is not None and found.how in ("study", "elsewhere")
        if found is not None and known and found.name not in taken:
            _take(table, profile, found)
            taken.add(found.name)


def _candidates(table: RoleTable) -> list[Profile]:
    """Columns that could hold ratings: numbers on something like a scale, or named so.

    A name that only speaks of an attribute does for odd numbers where no other column is left.
    """
    rater = table.column("rater")
    found = [
        profile
        for profile in _free(table)
        if table.judged_by_name(profile)
        or profile.column.name in table.elsewhere
        or (table.generic(profile) and (profile.numeric > 0 or len(profile.column.values) < 12))
        or (profile.numeric >= 0.5 and not profile.constant and not profile.counts_rows(rater))
        or _is_worded(table, profile)
    ]
    return found or [p for p in numbers_of(table) if name_of(table, p) is not None]


def _free(table: RoleTable) -> list[Profile]:
    """Columns without a part whose names do not say that they are something else."""
    return [
        profile
        for profile in table.open()
        if table.rank("ignore", profile) is None and not says_circumstances(profile)
    ]


def numbers_of(table: RoleTable) -> list[Profile]:
    """Columns of numbers without a part whose names do not say that they are something else."""
    return [profile for profile in _free(table) if profile.numeric >= 0.5]


def _is_worded(table: RoleTable, profile: Profile) -> bool:
    """Whether a column of words is named after an attribute."""
    return (
        profile.numeric < 0.5
        and len(profile.column.values) <= 11
        and table.known.attributes.of(profile.column.name, profile.column.title) is not None
    )


def says_circumstances(profile: Profile) -> bool:
    """ "attractive_rt" is no judgment."""
    words = re.split(r"[^a-z0-9]+", profile.plain.replace("_", " "))
    return bool(_CIRCUMSTANCES & set(words))


def name_of(table: RoleTable, profile: Profile) -> NamedAttribute | None:
    """The attribute that a column names, or that another table of the import says it judges."""
    if attribute := table.elsewhere.get(profile.column.name):
        return NamedAttribute(attribute, "elsewhere")
    return table.known.attributes.of(profile.column.name, profile.column.title)


def _one_of(generic: Sequence[Profile]) -> list[Profile]:
    """The columns among which one must choose: hardly filled ones and doubles do not count."""
    if not generic:
        return []
    most = max(p.answering for p in generic)
    kept = [p for p in generic if p.answering * 2 > most]
    return [kept[0], *(p for p in kept[1:] if same_rows(p.column, kept[0].column) < 0.99)]


def _take_named(
    table: RoleTable, candidates: Sequence[Profile], named: dict[str, NamedAttribute]
) -> None:
    """Take the columns that are named as judgments, and their neighbours where these are many."""
    first: dict[str, Profile] = {}
    for profile in candidates:
        found = named.get(profile.column.name)
        if found is None:
            continue
        if found.name in first and _again(table, first[found.name], profile, found):
            continue
        first[found.name] = profile
        _take(table, profile, found)
    if len(named) >= MANY_NAMED:
        _take_neighbours(table, candidates, named)
    for profile in candidates:
        name = profile.column.name
        if name not in table.parts:
            table.set(profile, "ignore", "likely", "nothing says that it is a judgment")
            tell_left_out(table, name)


def _again(table: RoleTable, one: Profile, other: Profile, found: NamedAttribute) -> bool:
    """Two columns that name one attribute: the one named exactly so is it, else it is asked."""
    if same_rows(one.column, other.column) > 0.99:
        table.set(other, "ignore", "sure", f"it says what {one.column.name} says")
        return True
    exact = [p for p in (one, other) if table.judged_by_name(p)]
    if len(exact) == 1:
        loser = other if exact[0] is one else one
        table.set(loser, "ignore", "likely", f"{exact[0].column.name} holds the judgments")
        table.doubt("left-out", f"{loser.column.name} was left out beside {exact[0].column.name}.",
                    loser.column.name)  # fmt: skip
        return loser is other
    ask_which(table, [one, other], found.name)
    table.set(other, "ignore", "unsure", "it is asked")
    return True


def _take(table: RoleTable, profile: Profile, found: NamedAttribute) -> None:
    name = profile.column.name
    if found.how == "study":
        table.set(profile, "judgment", "sure", "the study judges it", found.name)
    elif found.how == "elsewhere":
        table.set(profile, "judgment", "likely", "another table judges it", found.name)
    elif found.how == "within":
        table.set(profile, "judgment", "likely", f"its name speaks of {found.name}", found.name)
        table.doubt("judgment", f"{name} was taken for judgments of {found.name}.", name)
    else:
        table.set(profile, "judgment", "likely", "its name is a trait", found.name)
        table.doubt("judgment", f"{name} was taken for judgments, for its name is a trait.", name)


def _take_neighbours(
    table: RoleTable, candidates: Sequence[Profile], named: dict[str, NamedAttribute]
) -> None:
    """Columns on the same scale among many that are named as judgments are judgments too."""
    order = list(table.profiles)
    places = sorted(order.index(name) for name in named)
    scales = {table.profiles[name].scale for name in named}
    if len(scales) != 1 or None in scales:
        return
    for profile in candidates:
        name = profile.column.name
        inside = places[0] < order.index(name) < places[-1] + 1 or order.index(name) - 1 in places
        if name not in table.parts and inside and profile.scale in scales:
            table.set(profile, "judgment", "unsure", "its neighbours are judgments", name.strip())
            table.doubt(
                "judgment",
                f"{name} was taken for judgments, as its neighbours are.",
                name,
            )


# Tables of facts


def _facts_about_images(table: RoleTable) -> Shape:
    """A table that names images and judges nothing tells about the images, if anything."""
    if table.has("rater"):
        ask_which(table, [])
        return "ratings"
    table.rater = ""
    _pass_over_texts(table)
    for profile in table.open():
        if table.rank("ignore", profile) is None:
            table.set(profile, "image-fact", "likely", "it stands beside the image's name")
    return "facts about images"


def _pass_over_texts(table: RoleTable) -> None:
    """In a study of texts, columns that say what a text is are no facts about one; perhaps the
    table should have come in as one of texts."""
    held = text_columns(list(table.profiles)) if table.known.words is not FACES else None
    passed = [p for p in table.open() if held and p.column.name in held.parts.values()]
    for profile in passed:
        table.set(profile, "ignore", "likely", "it is a part of a text, and no fact about one")
    if passed:
        names = [profile.column.name for profile in passed]
        table.doubt(
            "texts",
            f"{few(names)} of {table.table.name} {word_for(len(names), 'says', 'say')} what texts "
            "are and no facts about them, so that they were left out; if the table holds texts "
            "that are to come in, say --texts, or --own-texts of what people wrote.",
            names[0],
        )
