"""The small tables of this program's own export: labelers, attributes and images."""

from collections.abc import Sequence

from prism_desktop.engine.study.importing.cells import Cell, exact, flag, text
from prism_desktop.engine.study.importing.column_recognition import Layout, normalised
from prism_desktop.engine.study.importing.drafts import Ledger, labeler_of
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    DEFAULT_TEMPLATES,
    AttributeRecord,
    ImageRecord,
    LabelerRecord,
)


def read_labelers(layout: Layout, ledger: Ledger) -> list[LabelerRecord]:
    """One labeler per row."""
    found = []
    for row, cells in layout.rows():
        ledger.read += 1
        try:
            found.append(
                LabelerRecord(
                    labeler_of(layout, cells),
                    exact(layout.cell(cells, "display_name")),
                    exact(layout.cell(cells, "profile")),
                    flag(layout.cell(cells, "simulated")),
                )
            )
        except ValueError as error:
            ledger.refuse(layout.table.name, row, str(error))
    return found


def read_attributes(layout: Layout, ledger: Ledger) -> list[AttributeRecord]:
    """One attribute per row, its scale's labels and its templates in numbered columns."""
    names = [normalised(name) for name in layout.table.rows[layout.header][1]]
    found = []
    for row, cells in layout.rows():
        ledger.read += 1
        name = text(layout.cell(cells, "attribute"))
        if not name or not name.isprintable():
            ledger.refuse(layout.table.name, row, "no attribute is named")
            continue
        labels = _numbered(names, cells, "scale_")
        templates = tuple(
            template for template in _numbered(names, cells, "template_") if "{}" in template
        )
        found.append(
            AttributeRecord(
                name,
                exact(layout.cell(cells, "question")),
                labels if len(labels) == len(DEFAULT_SCALE) else DEFAULT_SCALE,
                templates or DEFAULT_TEMPLATES,
            )
        )
    return found


def check_images(layout: Layout, images: Sequence[ImageRecord], ledger: Ledger) -> None:
    """Compare a table of images with the study's; images themselves come from their folder."""
    known = {image.id: image for image in images}
    missing, other_fold = 0, 0
    for _, cells in layout.rows():
        ledger.read += 1
        image = known.get(text(layout.cell(cells, "image_id")))
        missing += image is None
        other_fold += image is not None and text(layout.cell(cells, "fold")) != str(image.fold)
    if missing:
        ledger.notices.append(
            f"{missing} images of {layout.table.name} are not in the study; import their folder "
            "first."
        )
    if other_fold:
        ledger.notices.append(
            f"{other_fold} images are in another fold here than in {layout.table.name}."
        )


def _numbered(names: Sequence[str], cells: Sequence[Cell], prefix: str) -> tuple[str, ...]:
    """The filled cells of the columns prefix1, prefix2, ... in the order of their numbers."""
    places = [
        (int(name.removeprefix(prefix)), place)
        for place, name in enumerate(names)
        if name.startswith(prefix) and name.removeprefix(prefix).isdecimal() and place < len(cells)
    ]
    return tuple(exact(cells[place]) for _, place in sorted(places) if exact(cells[place]))
