"""The source project's four workbooks: images or pairs in
one, labelers' answers in the other, joined on the item.

`big_data` and `big_compare_data` name an item (`_id`) and its image (`data_image_part`) or its two
(`im1_path`, `im2_path`); `big_label` and `big_compare_label` hold an `item_id`, a `user_id` and a
column per attribute. The two kinds of label workbook look alike, so the items that they refer to
tell which is which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.cells import is_missing, text
from prism_desktop.engine.study.importing.column_recognition import Layout
from prism_desktop.engine.study.records import Kind

# item -> what the workbook calls its image, or its two images
Items = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Joined:
    """A label workbook with the items that it refers to."""

    layout: Layout
    kind: Kind
    items: Items


def join(
    labels: Sequence[Layout],
    data: Sequence[Layout],
    format: str | None = None,  # noqa: A002
) -> list[Joined]:
    """Find the data workbook of each label workbook.

    Args:
        labels: label workbooks, of ratings or of comparisons.
        data: workbooks of images and of pairs.
        format: "big_label" or "big_compare_label" if the user said which they are.

    Raises:
        InputError: if a label workbook has none, or fits two equally well.
    """
    known = [(layout, _items(layout)) for layout in data]
    asked: Kind | None = {"big_label": "rating", "big_compare_label": "comparison"}.get(
        format or ""
    )  # type: ignore[assignment]
    if asked is not None:
        known = [(layout, items) for layout, items in known if _kind(layout) == asked]
    return [_joined(layout, known) for layout in labels]


def _items(layout: Layout) -> Items:
    """The items of a data workbook; one that stands for two different images is left out."""
    parts = ("left", "right") if layout.format == "big_compare_data" else ("image",)
    items: dict[str, tuple[str, ...]] = {}
    unclear = set()
    for _, cells in layout.rows():
        item = text(layout.cell(cells, "row_id"))
        names = tuple(text(layout.cell(cells, part)) for part in parts)
        if items.setdefault(item, names) != names:
            unclear.add(item)
    return {item: names for item, names in items.items() if item and item not in unclear}


def _joined(layout: Layout, known: Sequence[tuple[Layout, Items]]) -> Joined:
    """A label workbook with the data workbook whose items it refers to.

    Some items may be missing; one of nearly the best share fits too, and then the kind decides.
    """
    wanted = {text(layout.cell(cells, "item_id")) for _, cells in layout.rows()}
    shares = [
        (len(wanted & items.keys()) / max(len(wanted), 1), data, items) for data, items in known
    ]
    best = max((share for share, _, _ in shares), default=0.0)
    fitting = [(data, items) for share, data, items in shares if share >= max(0.5, 0.9 * best)]
    if not fitting:
        raise InputError(
            f"{layout.table.name} holds answers but its images stand in another workbook (big_data "
            "or big_compare_data with the same items); import the two together. Nothing was "
            "imported."
        )
    kinds = {_kind(data) for data, _ in fitting}
    kind = kinds.pop() if len(kinds) == 1 else _guess(layout)
    return Joined(layout, kind, next(items for data, items in fitting if _kind(data) == kind))


def _kind(data: Layout) -> Kind:
    return "comparison" if data.format == "big_compare_data" else "rating"


def _guess(layout: Layout) -> Kind:
    """Ratings or comparisons, where the items exist as
    both: by the answers, then by the file's name."""
    answers = {
        text(cells[place])
        for _, cells in layout.rows()
        for _, place in layout.attributes
        if place < len(cells) and not is_missing(cells[place])
    }
    if answers & {"3", "4"}:
        return "rating"
    if "compar" in layout.table.name.lower():
        return "comparison"
    if "label" in layout.table.name.lower():
        return "rating"
    raise InputError(
        f"{layout.table.name} could hold ratings or comparisons, for its items are in both data "
        "workbooks; import ratings and comparisons one after the other. Nothing was imported."
    )
