"""Which column plays which part: by what the user said, by names, and by values.

A column is a judgment only if something says so: the user or the study names it, it is the only
one that could be, or its values look like one scale and its name or its neighbours say so. All
others are facts about the rater or the image, or are left out, and each is told by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from prism_desktop.engine.grammar import word_for
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.importing.columns.column_profiles import Profile, same_rows
from prism_desktop.engine.study.importing.columns.judgment_questions import tell_left_out
from prism_desktop.engine.study.importing.columns.judgments import (
    MANY_NAMED,
    find_judgments,
    name_of,
    numbers_of,
    says_circumstances,
)
from prism_desktop.engine.study.importing.columns.role_checks import check_roles
from prism_desktop.engine.study.importing.columns.table_roles import (
    FROM_COLUMN,
    FROM_FILE,
    FROM_ROW,
    Known,
    Part,
    RoleTable,
    Shape,
    TableRoles,
)
from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice
from prism_desktop.engine.study.importing.import_recipe import Recipe, Role

NOWHERE: Final[Mapping[str, str]] = {}
# names of columns that say which text was judged, in a study of texts
_TEXT_NAMES: Final = frozenset(
    (
        "text",
        "text_id",
        "textid",
        "reply",
        "reply_id",
        "stimulus",
        "stimulus_id",
        "item",
        "item_id",
        "id",
    )
)
_KEYS: Final = 6  # different values that keys of a keyboard may be
_IMAGES_WITHOUT_NAME: Final = 0.5  # share of images in a column that no name makes one


def find_roles(
    table: DataTable, known: Known, recipe: Recipe, elsewhere: Mapping[str, str] = NOWHERE
) -> TableRoles:
    """Give every column of a table its part.

    Columns that the recipe names and the table lacks are for other tables of the import.

    Args:
        elsewhere: columns that another table of the import judges -> their attribute.
    """
    return _Finder(table, known, recipe, elsewhere).find()


class _Finder(RoleTable):
    """Finds the parts of one table's columns, those first that tell most."""

    def find(self) -> TableRoles:
        """The parts, in the order in which they depend on each other."""
        self._given()
        self._empty()
        shape = self._stimuli()
        self._rater(shape)
        if shape == "comparisons":
            self._outcome()
        self._attribute_column()
        self._circumstances()
        self._facts()
        shape = find_judgments(self, shape)
        self._rest(shape)
        self._who(shape)
        self._all_different(shape)
        check_roles(self, shape)
        return TableRoles(
            self.table, shape, self.parts, self.dialect, self.images, self.rater, self.doubts,
            self.decisions,
        )  # fmt: skip

    # What is said, and what says nothing

    def _given(self) -> None:
        for name, role in self.recipe.columns.items():
            if name in self.profiles:
                self.parts[name] = Part(role, "given", "as you said")
        for name, attribute in self.recipe.judgments.items():
            if name in self.profiles and self.recipe.columns.get(name) not in ("outcome", "winner"):
                self.parts[name] = Part("judgment", "given", "as you said", attribute)

    def _empty(self) -> None:
        for name, profile in self.profiles.items():
            if name not in self.parts and not profile.filled:
                self.parts[name] = Part("ignore", "sure", "it is empty")

    # What was shown

    def _stimuli(self) -> Shape:
        if not self.has("image", "left", "right", "winner", "loser"):
            shown = self._showing()
            if not self._pair(shown):
                self._image(shown)
        if self.has("left", "right", "winner", "loser"):
            return "comparisons"
        if self.has("image"):
            return "ratings"
        self.images = self._in_headers()
        if self.images:
            return "a row per rater"
        return "ratings"

    def _showing(self) -> list[Profile]:
        """Columns whose values name images of the study: numbers alone do only if the column's
        name says so too."""
        found = []
        for profile in self.open():
            named = any(
                dialect.rank(role, profile.plain) is not None
                for dialect in self.dialects
                for role in ("image", "left", "right", "winner", "loser")
            )
            if profile.numeric > 0.5 and not named:
                continue
            share = profile.images
            if share >= _IMAGES_WITHOUT_NAME or (named and share > 0):
                found.append(profile)
        return found

    def _pair(self, shown: Sequence[Profile]) -> bool:
        """Two columns of images that differ in most rows are a pair."""
        winner, loser = self.named("winner", shown), self.named("loser", shown)
        sides = self._sides(shown)
        if winner and loser and not sides:
            self.set(winner[0], "winner", "sure", "it names the image that won")
            self.set(loser[0], "loser", "sure", "it names the image that lost")
            return True
        if not sides and not shown:
            sides = self._sides(self.open(numeric=False))
            if sides and not self._looks_like_outcomes(sides):
                sides = None
        if sides:
            self.set(sides[0], "left", "sure", "its name and its values are the first image's")
            self.set(sides[1], "right", "sure", "its name and its values are the second image's")
            return True
        if len(shown) < 2 or self._same_images(shown[0], shown[1]) > 0.5:
            return False
        if any(self.named("image", [p]) for p in shown[:2]):
            return False
        self.set(shown[0], "left", "likely", "it is the first of two columns of images")
        self.set(shown[1], "right", "likely", "it is the second of two columns of images")
        names = f"{shown[0].column.name} and {shown[1].column.name}"
        self.doubt("pair", f"{names} were taken for the first and the second image of pairs.")
        return True

    def _sides(self, among: Sequence[Profile]) -> tuple[Profile, Profile] | None:
        lefts, rights = self.named("left", among), self.named("right", among)
        for left in lefts:
            for right in rights:
                if left is not right and self._same_images(left, right) < 0.5:
                    return left, right
        return None

    def _same_images(self, one: Profile, other: Profile) -> float:
        """Share of the rows in which two columns name the same image, however each writes it."""
        find = self.known.find_image
        return same_rows(
            *(
                replace(p.column, values=tuple(find(value) or value for value in p.column.values))
                for p in (one, other)
            )
        )

    def _looks_like_outcomes(self, sides: tuple[Profile, Profile]) -> bool:
        """Whether a table of images that the study has not is one of pairs all the same."""
        others = [p for p in self.open() if p not in sides]
        return any(p.outcomes > 0.5 for p in others) or bool(self.named("outcome", others))

    def _image(self, shown: Sequence[Profile]) -> None:
        if not shown:  # none is in the study: the name alone says where they stand
            shown = [p for p in self.named("image", self.open()) if p.numeric < 0.5][:1]
            shown = shown or self._named_strictly("image")
        if not shown:
            return
        ranked = self.named("image", shown)
        chosen = ranked[0] if ranked else max(shown, key=lambda p: (p.images, p.filled))
        self.set(chosen, "image", "sure", "its values are names of images")
        for other in shown:
            if other is not chosen and self._same_images(other, chosen) > 0.9:
                self.set(other, "ignore", "sure", f"it names the image as {chosen.column.name}")

    def _named_strictly(self, role: str) -> list[Profile]:
        """Columns of a name that hardly means anything else, though their values are numbers."""
        if self.known.words is not FACES:
            return [p for p in self.open() if p.plain in _TEXT_NAMES][:1]
        wanted = ("image", "image_name", "filename", "file_name", "face_id", "image_id", "stimulus")
        return [p for p in self.named(role, self.open()) if p.plain in wanted][:1]

    def _in_headers(self) -> dict[str, str]:
        """Columns headed by images of the study, at least two of them."""
        found = {}
        for profile in self.open():
            for text in (profile.column.name, profile.column.title):
                if text and (image := self.known.find_in_header(text)):
                    found[profile.column.name] = image
                    break
        answers = {
            name: image for name, image in found.items()
            if not says_circumstances(self.profiles[name])
        }  # fmt: skip
        judged = set(answers.values())  # "X001_rt" beside "X001" is how long it took
        found = {n: image for n, image in found.items() if n in answers or image not in judged}
        return found if len(found) >= 2 else {}

    # Who judged

    def _rater(self, shape: Shape) -> None:
        if self.has("rater") or FROM_COLUMN in self.rater or FROM_ROW in self.rater:
            return
        among = [p for p in self.open() if p.column.name not in self.images]
        named = self.named("rater", among)
        ranked = [p for p in named if p.outcomes < 0.5 or p.numeric > 0.5]
        if shape != "comparisons" or any(p.outcomes > 0.5 for p in among if p not in named):
            ranked = ranked or named  # people may be called r and l
        if not ranked:
            return
        chosen = ranked[0]
        varying = [p for p in ranked[1:] if not p.constant]
        if chosen.constant and varying and shape != "a row per rater":
            self._ask_which_rater([chosen, *varying])
        self.set(chosen, "rater", "sure", "its name says so")
        if self.rater:
            self.doubt(
                "rater",
                f"{chosen.column.name} says who judged, so --rater {self.rater} was not needed; "
                f'--column "ignore={chosen.column.name}" lets it decide.',
                chosen.column.name,
            )
        self.rater = ""  # it was said for tables in which no column says who judged
        if shape == "a row per rater":
            return
        for other in ranked[1:]:
            if other.determined_by(chosen.column) and chosen.determined_by(other.column):
                self.set(other, "ignore", "sure", f"it names the rater as {chosen.column.name}")

    def _ask_which_rater(self, among: Sequence[Profile]) -> None:
        """Ask where one column names one person in all rows, and another one several."""
        choices = [
            DecisionChoice(f"{p.column.name} says who judged", f'--column "rater={p.column.name}"',
                           {"columns": {p.column.name: "rater"}})
            for p in among[:4]
        ]  # fmt: skip
        options = " or ".join(choice.option for choice in choices)
        first = among[0].column
        text = (
            f"{first.name} of {self.table.name} is “{short(first.values[0].strip())}” in all rows, "
            f"while {among[1].column.name} names several; say who judged by {options}."
        )
        self.decisions.append(
            Decision("rater", text, self.table.name, first.name, choices=tuple(choices))
        )

    def _who(self, shape: Shape) -> None:
        """Ask for the rater where nothing says who judged."""
        if self.has("rater") or self.rater or shape == "facts about images":
            return
        if shape == "a row per rater":
            self._nameless_rows()
            return
        if shape == "a row per image":
            self.rater = FROM_COLUMN
            return
        candidates = [
            p for p in self.profiles.values()
            if self.parts[p.column.name].role in ("ignore", "rater-fact", "session", "image-fact")
            and p.filled and 2 <= len(p.column.values) <= max(len(self.table) // 2, 2)
            and p.numeric < 0.5 and p.images < 0.5
        ]  # fmt: skip
        choices = [
            DecisionChoice(f"{p.column.name} says who judged", f'--column "rater={p.column.name}"',
                   {"columns": {p.column.name: "rater"}})
            for p in candidates[:3]
        ]  # fmt: skip
        choices.append(
            DecisionChoice(
                "One person judged all of it", "--rater NAME", {"rater": self.table.file}
            )
        )
        choices.append(
            DecisionChoice(
                "The file is one person's and is named after them", f'--rater "{FROM_FILE}"',
                {"rater": FROM_FILE},
            )
        )  # fmt: skip
        options = " or ".join(choice.option for choice in choices[:-1])
        self.decisions.append(
            Decision(
                "rater",
                f"No column of {self.table.name} says who judged{self._emptied()}; say so by "
                f"{options}, or by {choices[-1].option} if each file is named after its rater.",
                self.table.name,
                choices=tuple(choices),
            )
        )

    def _emptied(self) -> str:
        """Which columns would say who judged if they were not empty, in words."""
        empty = [p for p in self.profiles.values() if not p.filled]
        names = [p.column.name for p in self.named("rater", empty)]
        return (
            f" ({', '.join(names[:3])} {word_for(len(names), 'is', 'are')} empty)" if names else ""
        )

    def _nameless_rows(self) -> None:
        among = [
            p for p in self.profiles.values()
            if self.parts[p.column.name].role == "ignore" and p.numeric < 0.5
            and len(p.column.values) == p.filled == len(self.table) and p.filled > 1
        ]  # fmt: skip
        if among:
            self.set(among[0], "rater", "likely", "each of its values stands in one row only")
            name = among[0].column.name
            self.doubt("rater", f"{name} was taken for the raters' names.", name)
            return
        self.rater = FROM_ROW
        stem = self.table.file.rsplit(".", 1)[0]
        self.doubt(
            "rater",
            f"No column of {self.table.name} names the raters{self._emptied()}; each row is one, "
            "called by the "
            f"file's name and the row's number ({stem}-{self.table.rows[0]}, ...).",
            all_rows=True,
        )

    # Which image won

    def _outcome(self) -> None:
        if self.has("outcome", "loser") or self._wide_outcomes():
            return
        among = [p for p in self.open() if not self._is_fact_name(p)]
        sides = [c for c in (self.column("left"), self.column("right")) if c is not None]
        for profile in self.named("outcome", among):
            if profile.outcomes > 0.5 or profile.numeric > 0.5 or self._names_sides(profile, sides):
                self.set(profile, "outcome", "sure", "its name and its values say which image won")
                return
        keys = [p for p in self.named("outcome", among) if 2 <= len(p.column.values) <= _KEYS]
        for profile in (*among, *keys):
            if profile in keys or profile.outcomes > 0.5 or self._names_sides(profile, sides):
                self.set(profile, "outcome", "likely", "its values say which image won")
                self.doubt(
                    "outcome",
                    f"{profile.column.name} was taken to say which image won.",
                    profile.column.name,
                )
                return

    def _wide_outcomes(self) -> bool:
        """Whether columns named after attributes hold the outcomes."""
        return any(
            (p.outcomes > 0.5 or p.numeric > 0.5) and self.known.attributes.exactly(p.column.name)
            for p in self.open()
        ) or any(part.role == "judgment" for part in self.parts.values())

    def _names_sides(self, profile: Profile, sides: Sequence[DataColumn]) -> bool:
        """Whether a column holds in each row the name of one of the row's two images, or is headed
        words of the columns' own names."""
        if len(sides) != 2:
            return False
        headers = {side.name for side in sides}
        if headers & {value.strip() for value in profile.column.values[:20]}:
            return True
        return sum(same_rows(profile.column, side) for side in sides) > 0.5

    def _attribute_column(self) -> None:
        """A column that names what each row's answer is about."""
        if self.has("attribute"):
            return
        texts = [p for p in self.open() if p.numeric < 0.5 and len(p.column.values) <= 200]
        names = self.known.attributes
        strong = self.named("attribute", texts)
        weak = [p for p in self.named("weak_attribute", texts) if p not in strong]
        for profile in [*strong, *weak]:
            known = [v for v in profile.column.values if names.exactly(v) or names.trait(v)]
            if profile in strong or len(known) * 2 > len(profile.column.values):
                self.set(profile, "attribute", "sure", "it names what was judged")
                return
            within = [v for v in profile.column.values if names.within(v)]
            if len(within) == len(profile.column.values):
                self.set(profile, "attribute", "likely", "its questions name what was judged")
                return

    # When, how long, in which order

    def _circumstances(self) -> None:
        """Columns on time, sitting and order: found by their names; only ever optional."""
        roles: tuple[Role, ...] = ("seconds", "trial", "session", "presentation", "time")
        for role in roles:
            if self.has(role):
                continue
            for profile in self.named(role, self.open()):
                if role == "time" and profile.numeric > 0.5 and profile.scale is not None:
                    continue  # "time 1 to 7" is no moment
                if profile.column.name in self.images or self.judged_by_name(profile):
                    continue
                self.set(profile, role, "sure", "its name says so")
                break

    def _is_plain_fact(self, profile: Profile) -> bool:
        """Whether the name is a fact about anybody ("age") rather than about a rater
        ("rater_age")."""
        return any(profile.plain in d.roles.get("rater-fact", ()) for d in self.dialects)

    def _all_facts(self) -> bool:
        """Whether this is a program's table of facts about images alone."""
        return self.dialect is not None and "*" in self.dialect.roles.get("image-fact", ())

    def _many_traits(self) -> bool:
        names = [p for p in self.profiles.values() if self.known.attributes.of(p.column.name)]
        return len(names) >= MANY_NAMED

    def _is_fact_name(self, profile: Profile) -> bool:
        return any(
            d.rank(role, profile.plain) is not None
            for d in self.dialects
            for role in ("rater-fact", "image-fact")
        )

    # Facts

    def _facts(self) -> None:
        """Columns that say something about the rater or the image rather than judge."""
        rater, image = self.column("rater"), self.column("image")
        for profile in self.open():
            name = profile.column.name
            judged = name in self.elsewhere or self.judged_by_name(profile)
            if name in self.images or (judged and not self._all_facts()):
                continue
            ranks = {role: self.rank(role, profile) for role in ("rater-fact", "image-fact")}
            if rater is None and not self.images and image is not None:  # then of whom else
                if ranks["rater-fact"] is not None and self._is_plain_fact(profile):
                    ranks = {"rater-fact": None, "image-fact": ranks["rater-fact"]}
                if profile.numeric > 0.5 and self._many_traits() and not self._all_facts():
                    continue  # apparent age among thirty judgments of faces
            by_rater = rater is not None and profile.determined_by(rater)
            by_image = rater is not None and image is not None and profile.determined_by(image)
            if self.rank("ignore", profile) is not None:
                continue
            if ranks["rater-fact"] is not None and not (by_image and not by_rater):
                if rater is not None or self.images:
                    self.set(profile, "rater-fact", "sure", "its name is a fact about a person")
            elif ranks["image-fact"] is not None and image is not None:
                self.set(profile, "image-fact", "sure", "its name is a fact about an image")
            elif by_rater and not profile.constant and not self.generic(profile):
                self.set(profile, "rater-fact", "likely", "it is the same in all rows of a rater")
            elif by_image and not profile.constant and not self.generic(profile):
                self.set(profile, "image-fact", "likely", "it is the same in all rows of an image")

    # Whatever is left

    def _rest(self, shape: Shape) -> None:
        """It has no part, which is told of numbers that are named like a judgment."""
        for profile in numbers_of(self) if shape == "ratings" and self.has("judgment") else ():
            if name_of(self, profile) is not None:
                tell_left_out(self, profile.column.name)
        for profile in self.open():
            reason = (
                "another program's own column"
                if self.rank("ignore", profile) is not None
                else "nothing says that it is a judgment"
            )
            self.set(profile, "ignore", "sure", reason)

    def _all_different(self, shape: Shape) -> None:
        rater = self.column("rater")
        if (
            rater is not None
            and shape in ("ratings", "comparisons")
            and len(rater.values) == len(self.table) > 8
        ):
            self.doubt(
                "rater", f"Every row of {self.table.name} has a rater of its own ({rater.name}).",
                rater.name,
            )  # fmt: skip
