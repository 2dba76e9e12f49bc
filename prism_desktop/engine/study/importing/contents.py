"""All that the files of one import say, before it becomes trials."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.study.importing.column_recognition import SYNONYMS, Layout, normalised
from prism_desktop.engine.study.importing.comparisons import read_comparisons
from prism_desktop.engine.study.importing.drafts import Draft, Ledger
from prism_desktop.engine.study.importing.exported import (
    check_images,
    read_attributes,
    read_labelers,
)
from prism_desktop.engine.study.importing.matching import ImageIndex, aliases_of
from prism_desktop.engine.study.importing.ratings import read_ratings
from prism_desktop.engine.study.importing.workbooks import join
from prism_desktop.engine.study.records import AttributeRecord, LabelerRecord
from prism_desktop.engine.study.store import Study

_EVERY = 5_000  # rows between two events


@dataclass(slots=True)
class Contents:
    """Rows as drafts, and the small tables of an export."""

    import_id: str
    ledger: Ledger
    drafts: list[Draft] = field(default_factory=list)
    labelers: list[LabelerRecord] = field(default_factory=list)
    attributes: list[AttributeRecord] = field(default_factory=list)
    # how files and values were read, for the report
    mapping: dict[str, object] = field(default_factory=dict)


def gather(
    study: Study,
    layouts: Sequence[Layout],
    rename: Mapping[str, str],
    contents: Contents,
    format: str | None,  # noqa: A002
) -> Iterator[Progress]:
    """Fill in the contents, row by row.

    Raises:
        InputError: if a workbook lacks its counterpart, or a column of judgments does not say of
            what.
    """
    ledger, images = contents.ledger, study.images()
    index = ImageIndex(
        images, aliases_of(report.mapping for report in study.imports() if report.undone is None)
    )
    for layout in layouts:
        ledger.notices += layout.notices
        if layout.format == "labelers":
            contents.labelers += read_labelers(layout, ledger)
        elif layout.format == "attributes":
            contents.attributes += read_attributes(layout, ledger)
        elif layout.format == "images":
            check_images(layout, images, ledger)
    if not images and any(
        layout.format not in {"labelers", "attributes", "codebook"} for layout in layouts
    ):
        raise InputError(
            "The study has no images yet; import their folder first. Nothing was imported."
        )
    names = _Names(study.attributes(), rename)
    total = sum(len(layout.table.rows) - layout.header - 1 for layout in layouts)
    for source in _sources(layouts, index, ledger, format):
        for number, draft in enumerate(source):
            draft.answers = {
                names(attribute): answer for attribute, answer in draft.answers.items()
            }
            draft.raw = {names(attribute): rating for attribute, rating in draft.raw.items()}
            contents.drafts.append(draft)
            if number % _EVERY == 0:
                yield Progress(ledger.read, total, "Reading rows")
    if index.loose:
        ledger.notices.append(f"{index.loose} images were matched by their file names alone.")


def _sources(
    layouts: Sequence[Layout],
    index: ImageIndex,
    ledger: Ledger,
    format: str | None,  # noqa: A002
) -> list[Iterator[Draft]]:
    labels = [layout for layout in layouts if layout.format in {"big_label", "big_compare_label"}]
    data = [layout for layout in layouts if layout.format in {"big_data", "big_compare_data"}]
    if data and not labels:
        raise InputError(
            f"{data[0].table.name} names images only; import it together with its label workbook. "
            "Nothing was imported."
        )
    sources = [
        read_ratings(layout, index, ledger) for layout in layouts if layout.format == "ratings"
    ]
    sources += [
        read_comparisons(layout, index, ledger)
        for layout in layouts
        if layout.format == "comparisons"
    ]
    for pair in join(labels, data, format):
        read = read_ratings if pair.kind == "rating" else read_comparisons
        sources.append(read(pair.layout, index, ledger, pair.items))
    return sources


class _Names:
    """What a file's attributes are called in the study:
    as renamed, else the study's own spelling."""

    def __init__(self, attributes: Sequence[AttributeRecord], rename: Mapping[str, str]) -> None:
        self._rename = rename
        self._study = {attribute.name.casefold(): attribute.name for attribute in attributes}
        self._known: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> str:
        if name in self._rename:
            return self._rename[name]
        if name.casefold() in self._study:
            return self._study[name.casefold()]
        if normalised(name) in SYNONYMS["value"]:
            if len(self._study) == 1:
                return next(iter(self._study.values()))
            raise InputError(
                f"The column “{name}” does not say what was judged; name it after its attribute. "
                "Nothing was imported."
            )
        return name
