"""All tables of this program's own export, read back together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.names import is_name
from prism_desktop.engine.study.importing.cells import flag, is_missing, number
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.engine.study.importing.own_export.export_names import (
    FACT,
    Exported,
    exported_as,
    own_names,
)
from prism_desktop.engine.study.importing.own_export.exported_trials import STEPS, ExportedTrials
from prism_desktop.engine.study.importing.values.scales import Scale
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    DEFAULT_TEMPLATES,
    AttributeRecord,
    FactRecord,
    LabelerRecord,
    RefusedRow,
    StimulusRecord,
    TrialRecord,
)


@dataclass(slots=True)
class ExportsRead:
    """What our own tables say."""

    trials: list[TrialRecord] = field(default_factory=list)
    labelers: list[LabelerRecord] = field(default_factory=list)
    attributes: list[AttributeRecord] = field(default_factory=list)
    facts: list[FactRecord] = field(default_factory=list)
    read: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    duplicates: int = 0
    notices: list[str] = field(default_factory=list)
    doubts: tuple[Doubt, ...] = ()
    decisions: tuple[Decision, ...] = ()
    # attribute -> lowest and highest imported rating that could be given
    scales: dict[str, tuple[float, float]] = field(default_factory=dict)

    def described_scales(self) -> dict[str, object]:
        """Attribute -> its scale, as a report has it."""
        return {
            name: Scale(low, high, whole=True).described(STEPS)
            for name, (low, high) in self.scales.items()
        }

    @property
    def kept(self) -> int:
        """How many rows are taken over."""
        return self.read - len(self.refused) - self.duplicates


def exported(table: DataTable) -> Exported | None:
    """Which of our own tables this is, None if it is not one of them."""
    return exported_as(column.name for column in own_names(table).columns)


def read_exports(
    tables: Sequence[DataTable], images: Sequence[StimulusRecord], trials: ExportedTrials
) -> ExportsRead:
    """Read our own tables.

    Args:
        tables: each one of ours.
        images: the study's.
        trials: reads those of ratings and comparisons.
    """
    found = ExportsRead()
    for table in map(own_names, tables):
        kind = exported(table)
        if kind == "ratings":
            trials.add(table, "rating")
        elif kind == "comparisons":
            trials.add(table, "comparison")
        elif kind == "labelers":
            _labelers(table, found)
        elif kind == "attributes":
            _attributes(table, found)
        elif kind == "images":
            _images(table, images, found)
    found.trials = trials.trials()
    found.read += trials.read
    found.refused += trials.refused
    found.duplicates = trials.duplicates
    found.notices += trials.notices()
    return found


def _cells(table: DataTable) -> dict[str, list[str]]:
    return {column.name: list(column.texts()) for column in table.columns}


def _labelers(table: DataTable, found: ExportsRead) -> None:
    cells = _cells(table)
    facts = [name for name in cells if name.startswith(FACT)]
    for place, row in enumerate(table.rows.tolist()):
        found.read += 1
        code = cells["labeler"][place].strip()
        if not is_name(code):
            found.refused.append(RefusedRow(row, "no labeler is named"))
            continue
        found.labelers.append(
            LabelerRecord(
                code,
                cells["display_name"][place],
                cells["profile"][place],
                flag(cells["simulated"][place]),
            )
        )
        for name in facts:
            if cells[name][place]:
                found.facts.append(
                    FactRecord("rater", code, name.removeprefix(FACT), cells[name][place])
                )


def _attributes(table: DataTable, found: ExportsRead) -> None:
    """Their scales' labels and their templates stand in numbered columns."""
    cells = _cells(table)
    for place, row in enumerate(table.rows.tolist()):
        found.read += 1
        name = cells["attribute"][place].strip()
        if not is_name(name):
            found.refused.append(RefusedRow(row, "no attribute is named"))
            continue
        labels = _numbered(cells, place, "scale_")
        templates = tuple(text for text in _numbered(cells, place, "template_") if "{}" in text)
        confirmed = cells.get("confirmed")
        low, high = (cells.get(f"imported_{end}", ()) for end in ("low", "high"))
        if low and high and low[place] and high[place]:
            found.scales[name] = number(low[place]), number(high[place])
        found.attributes.append(
            AttributeRecord(
                name,
                cells["question"][place],
                labels if len(labels) == len(DEFAULT_SCALE) else DEFAULT_SCALE,
                templates or DEFAULT_TEMPLATES,
                confirmed is None or is_missing(confirmed[place]) or flag(confirmed[place]),
            )
        )


def _numbered(cells: dict[str, list[str]], place: int, prefix: str) -> tuple[str, ...]:
    """The filled cells of the columns prefix1, prefix2, ... in the order of their numbers."""
    numbers = sorted(
        int(name.removeprefix(prefix))
        for name in cells
        if name.startswith(prefix) and name.removeprefix(prefix).isdecimal()
    )
    return tuple(text for number in numbers if (text := cells[f"{prefix}{number}"][place]))


def _images(table: DataTable, images: Sequence[StimulusRecord], found: ExportsRead) -> None:
    """Images themselves come from their folder; only facts about them are taken."""
    cells, known = _cells(table), {image.id: image for image in images}
    facts = [name for name in cells if name.startswith(FACT)]
    missing, other_fold = 0, 0
    for place in range(len(table)):
        found.read += 1
        image = known.get(cells["image_id"][place].strip())
        if image is None:
            missing += 1
            continue
        other_fold += cells["fold"][place].strip() != str(image.fold)
        for name in facts:
            if cells[name][place]:
                found.facts.append(
                    FactRecord("image", image.id, name.removeprefix(FACT), cells[name][place])
                )
    if missing:
        found.notices.append(
            f"{counted(missing, 'image')} of {table.name} {word_for(missing, 'is', 'are')} not in "
            "the study; import their folder first."
        )
    if other_fold:
        found.notices.append(f"{other_fold} images are in another fold here than in {table.name}.")
