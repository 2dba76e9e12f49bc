"""The source project's four workbooks: images or pairs in one, labelers' answers in the other.

`big_data` and `big_compare_data` name an item (`_id`) and its image (`data_image_part`) or its two
(`im1_path`, `im2_path`); `big_label` and `big_compare_label` hold an `item_id`, a `user_id` and a
column per attribute. Joined on the item they are ordinary tables. The two kinds of label workbook
look alike, so the items that they refer to tell which is which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.data_tables import DataColumn, DataTable, make_column
from prism_desktop.engine.study.importing.names.dialects import plain_name
from prism_desktop.engine.study.records import Kind

_IMAGE: Final = ("data_image_part",)
_PAIR: Final = ("im1_path", "im2_path")


@dataclass(frozen=True, slots=True)
class _Items:
    """A data workbook: item -> what it calls its image, or its two."""

    table: DataTable
    kind: Kind
    images: dict[str, tuple[str, ...]]


def join_workbooks(tables: Sequence[DataTable]) -> tuple[list[DataTable], frozenset[str]]:
    """Put the images' names into the label workbooks among tables; others are left as they are.

    Returns:
        The tables without data workbooks, and the names of those that hold the source project's
        comparisons, in which any code but 1 and 2 is a tie.

    Raises:
        InputError: if a workbook lacks its counterpart, or fits two equally well.
    """
    data = [items for table in tables if (items := _items(table)) is not None]
    labels = [table for table in tables if _is_label(table)]
    if not data and not labels:
        return list(tables), frozenset()
    if data and not labels:
        raise InputError(
            f"{data[0].table.name} names images only; import it together with its label workbook. "
            "Nothing was imported."
        )
    aside = {id(items.table) for items in data} | {id(table) for table in labels}
    found = [table for table in tables if id(table) not in aside]
    compared = set()
    for table in labels:
        items = _fitting(table, data)
        found.append(_joined(table, items))
        if items.kind == "comparison":
            compared.add(table.name)
    return found, frozenset(compared)


def _column(table: DataTable, *names: str) -> DataColumn | None:
    return next((column for column in table.columns if plain_name(column.name) in names), None)


def _id_column(table: DataTable) -> DataColumn | None:
    return next((column for column in table.columns if column.name.strip() == "_id"), None)


def _is_label(table: DataTable) -> bool:
    people = _column(table, "user_id", "labeler", "rater", "user")
    return _column(table, "item_id") is not None and people is not None and not _shows(table)


def _shows(table: DataTable) -> bool:
    return any(_column(table, name) is not None for name in (*_IMAGE, *_PAIR, "image", "left"))


def _items(table: DataTable) -> _Items | None:
    """The items of a data workbook; one that stands for two different images is left out."""
    keys = _id_column(table)
    kind: Kind = "comparison"
    columns = [_column(table, name) for name in _PAIR]
    if None in columns:
        kind, columns = "rating", [_column(table, *_IMAGE)]
    if keys is None or None in columns or _column(table, "user_id", "labeler", "rater"):
        return None
    images: dict[str, tuple[str, ...]] = {}
    unclear = set()
    shown = [list(column.texts()) for column in columns if column is not None]
    for key, *names in zip(keys.texts(), *shown, strict=True):
        item, named = key.strip(), tuple(name.strip() for name in names)
        if images.setdefault(item, named) != named:
            unclear.add(item)
    kept = {item: names for item, names in images.items() if item and item not in unclear}
    return _Items(table, kind, kept)


def _fitting(table: DataTable, data: Sequence[_Items]) -> _Items:
    """The data workbook whose items a label workbook refers to.

    Some items may be missing; one of nearly the best share fits too, and then the kind decides.
    """
    column = _column(table, "item_id")
    wanted = {value.strip() for value in column.values} if column is not None else set()
    shares = [(len(wanted & items.images.keys()) / max(len(wanted), 1), items) for items in data]
    best = max((share for share, _ in shares), default=0.0)
    fitting = [items for share, items in shares if share >= max(0.5, 0.9 * best)]
    if not fitting:
        raise InputError(
            f"{table.name} holds answers but its images stand in another workbook (big_data or "
            "big_compare_data with the same items); import the two together. Nothing was imported."
        )
    kinds = {items.kind for items in fitting}
    kind = kinds.pop() if len(kinds) == 1 else _guess(table)
    return next(items for items in fitting if items.kind == kind)


def _guess(table: DataTable) -> Kind:
    """Ratings or comparisons, where the items exist as both: by the answers, then by the file's
    name."""
    answers = {
        value.strip()
        for column in table.columns
        if plain_name(column.name) not in ("item_id", "user_id")
        for value in column.values[:100]
    }
    if answers & {"3", "4"}:
        return "rating"
    if "compar" in table.name.lower():
        return "comparison"
    if "label" in table.name.lower():
        return "rating"
    raise InputError(
        f"{table.name} could hold ratings or comparisons, for its items are in both data "
        "workbooks; import ratings and comparisons one after the other. Nothing was imported."
    )


def _joined(table: DataTable, items: _Items) -> DataTable:
    """The label workbook with a column per image shown; a row of an unknown item names it, which
    is no image of any study."""
    column = _column(table, "item_id")
    keys = [key.strip() for key in column.texts()] if column is not None else []
    names = ("image",) if items.kind == "rating" else ("left", "right")
    unknown = {key: (f"unknown item {key}",) * 2 for key in keys if key}
    images = {"": ("", ""), **unknown, **items.images}
    shown = [
        make_column(name, [images[key][place] for key in keys]) for place, name in enumerate(names)
    ]
    rest = [c for c in table.columns if c is not column and c.name.strip() != "_id"]
    return replace(table, columns=(*shown, *rest))
