"""A table with the parts that its columns play."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.importing.columns.column_profiles import Profile
from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable
from prism_desktop.engine.study.importing.doubts import ROWS_KEPT, Decision, Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe, Role
from prism_desktop.engine.study.importing.names.attribute_names import AttributeNames
from prism_desktop.engine.study.importing.names.dialects import Dialect, best, common, dialect_of
from prism_desktop.engine.study.importing.plan import Confidence

Shape = Literal[
    "ratings",  # rater, image, and judgments
    "comparisons",  # rater, two images, and outcomes
    "a row per rater",  # a column for each image
    "a row per image",  # a column for each rater
    "facts about images",
    "facts about raters",
]
FROM_FILE, FROM_COLUMN, FROM_ROW = "{file}", "{column}", "{row}"  # instead of a rater's name


@dataclass(frozen=True, slots=True)
class Known:
    """What the study knows already.

    Attributes:
        find_image: a value -> the image that it means, "" for none.
        find_in_header: a column's name or title -> the image whose name it holds, "" for none.
        attributes: the study's.
        labelers: codes of the study's labelers, casefolded.
        words: what its stimuli are called.
    """

    find_image: Callable[[str], str]
    find_in_header: Callable[[str], str]
    attributes: AttributeNames
    labelers: frozenset[str] = frozenset()
    words: StimulusWords = FACES


@dataclass(frozen=True, slots=True)
class Part:
    """What one column is taken for."""

    role: Role
    confidence: Confidence
    reason: str
    attribute: str = ""  # of a judgment; "" where it is still to be decided


@dataclass(slots=True)
class TableRoles:
    """A table with the parts of its columns.

    Attributes:
        parts: column -> its part; every column has one.
        images: column -> image, in a table with a row per rater.
        rater: the rater's name where no column holds it; may hold a placeholder.
    """

    table: DataTable
    shape: Shape
    parts: dict[str, Part]
    dialect: Dialect | None = None
    images: dict[str, str] = field(default_factory=dict)
    rater: str = ""
    doubts: list[Doubt] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def having(self, role: Role) -> list[DataColumn]:
        """The columns of a role, in the order of the table."""
        return [column for column in self.table.columns if self.parts[column.name].role == role]

    def first(self, role: Role) -> DataColumn | None:
        """The first column of a role."""
        found = self.having(role)
        return found[0] if found else None


class RoleTable:
    """A table while its columns are given their parts, with what helps to find them."""

    def __init__(
        self, table: DataTable, known: Known, recipe: Recipe, elsewhere: Mapping[str, str]
    ) -> None:
        """
        Args:
            elsewhere: columns that another table of the import judges -> their attribute, "" where
                it is another column's matter.
        """
        self.table, self.known, self.recipe = table, known, recipe
        self.dialect = dialect_of([column.name for column in table.columns])
        self.dialects = [d for d in (self.dialect, common()) if d is not None]
        self.profiles = {c.name: Profile(c, known.find_image) for c in table.columns}
        self.parts: dict[str, Part] = {}
        self.doubts: list[Doubt] = []
        self.decisions: list[Decision] = []
        self.images: dict[str, str] = {}
        self.rater = recipe.rater
        self.elsewhere = elsewhere

    def open(self, *, numeric: bool | None = None) -> list[Profile]:
        """Columns without a part yet."""
        found = [p for name, p in self.profiles.items() if name not in self.parts]
        return found if numeric is None else [p for p in found if (p.numeric >= 0.5) == numeric]

    def has(self, *roles: Role) -> bool:
        """Whether any column has one of these roles."""
        return any(part.role in roles for part in self.parts.values())

    def having(self, role: Role) -> list[Profile]:
        """The columns of a role, in the order of the table."""
        return [
            profile
            for name, profile in self.profiles.items()
            if name in self.parts and self.parts[name].role == role
        ]

    def column(self, role: Role) -> DataColumn | None:
        """The first column of a role."""
        found = self.having(role)
        return found[0].column if found else None

    def set(
        self, profile: Profile, role: Role, confidence: Confidence, reason: str, attribute: str = ""
    ) -> None:
        """Give a column its part."""
        told = self.known.words.told(reason)
        self.parts[profile.column.name] = Part(role, confidence, told, attribute)

    def named(self, role: str, among: Sequence[Profile]) -> list[Profile]:
        """The columns whose names suit a role, best first."""
        return [among[place] for place, _ in best(role, [p.plain for p in among], self.dialects)]

    def rank(self, role: str, profile: Profile) -> int | None:
        """How well a name suits a role, 0 is best; what a program leaves out suits none."""
        for dialect in self.dialects:
            rank = dialect.rank(role, profile.plain)
            if rank is not None:
                return rank
            if role != "ignore" and dialect.rank("ignore", profile.plain) is not None:
                return None
        return None

    def judged_by_name(self, profile: Profile) -> bool:
        """Whether the column is named as an attribute of the study."""
        return self.known.attributes.exactly(profile.column.name) is not None

    def generic(self, profile: Profile) -> bool:
        """Whether the name says that it is a judgment, but not of what."""
        return self.rank("judgment", profile) is not None

    def doubt(self, kind: str, text: str, column: str = "", *, all_rows: bool = False) -> None:
        """Tell something that might be meant in another way, of a column or of every row."""
        rows = self.table.rows if all_rows else ()
        kept = tuple(int(row) for row in rows[:ROWS_KEPT])
        self.doubts.append(Doubt(kind, text, self.table.name, column, kept, len(rows)))
