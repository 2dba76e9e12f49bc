"""Reading comparisons: tidy (`labeler, left, right, attribute,
outcome`) or wide with a column per attribute."""

from collections.abc import Iterator, Mapping, Sequence

from prism_desktop.engine.study.importing.cells import (
    Cell,
    is_missing,
    is_number,
    number,
    short,
    text,
)
from prism_desktop.engine.study.importing.column_recognition import Layout
from prism_desktop.engine.study.importing.drafts import (
    Draft,
    Ledger,
    Rows,
    facts_of,
    is_exported,
    is_telling,
    labeler_of,
)
from prism_desktop.engine.study.importing.matching import ImageIndex

_WORDS = {
    **dict.fromkeys(("left", "l", "a", "first", "im1", "image1", "image_1"), "left"),
    **dict.fromkeys(("right", "r", "b", "second", "im2", "image2", "image_2"), "right"),
    **dict.fromkeys(("tie", "draw", "equal", "same", "both", "neither"), "tie"),
}


def read_comparisons(
    layout: Layout,
    index: ImageIndex,
    ledger: Ledger,
    items: Mapping[str, tuple[str, ...]] | None = None,
) -> Iterator[Draft]:
    """Turn rows into drafts; outcomes written as numbers stay numbers until their coding is known.

    Args:
        layout: the table.
        index: the study's images.
        ledger: takes the refusals.
        items: item -> (first image, second image), where the images stand in another workbook.
    """
    rows = Rows(layout, ledger)
    for row, cells in layout.rows():
        if not rows.fresh(row, cells):
            continue
        try:
            yield _draft(layout, row, cells, index, items)
        except ValueError as error:
            ledger.refuse(layout.table.name, row, str(error))


def _draft(
    layout: Layout,
    row: int,
    cells: Sequence[Cell],
    index: ImageIndex,
    items: Mapping[str, tuple[str, ...]] | None,
) -> Draft:
    """One row as a trial; the images' names stand in it, or in the workbook that `items` is of.

    Raises:
        ValueError: why the row cannot be used, in words for the user.
    """
    facts = facts_of(layout, cells)
    names = text(layout.cell(cells, "left")), text(layout.cell(cells, "right"))
    if items is not None:
        item = text(layout.cell(cells, "item_id"))
        if item not in items:
            raise ValueError(f"the item “{item}” is not in the workbook of pairs")
        names = items[item][0], items[item][1]
    images = (
        index.find(names[0], text(layout.cell(cells, "left_id"))),
        index.find(names[1], text(layout.cell(cells, "right_id"))),
    )
    if images[0] == images[1]:
        raise ValueError("it compares an image with itself")
    answers = _answers(layout, cells, names)
    if not answers and facts.status == "answered":
        raise ValueError("it holds no outcome")
    return Draft(
        places=[(layout.table.name, row)],
        kind="comparison",
        labeler=labeler_of(layout, cells),
        images=images,
        answers=answers,
        facts=facts,
        exported=is_exported(layout),
        telling=is_telling(layout),
        tidy=layout.tidy,
    )


def _answers(
    layout: Layout, cells: Sequence[Cell], names: tuple[str, str]
) -> dict[str, float | str]:
    """Attribute -> outcome: a tidy table holds one in a row, any other one per column.

    An empty cell is no answer. Outcomes that are numbers stay so until the coding is known.
    """
    if layout.tidy:
        name, cell = text(layout.cell(cells, "attribute")), layout.cell(cells, "outcome")
        if is_missing(cell):
            return {}
        if not name:
            raise ValueError("no attribute is named")
        return {name: outcome(cell, names)}
    answers = {}
    for name, place in layout.attributes:
        cell = cells[place] if place < len(cells) else None
        if not is_missing(cell):
            answers[name] = outcome(cell, names)
    return answers


def outcome(cell: Cell, names: tuple[str, str]) -> float | str:
    """ "left", "right" or "tie"; a number where the file codes outcomes by numbers.

    Args:
        cell: as the file has it; the winner's name does as well.
        names: what the row calls the first and the second image.

    Raises:
        ValueError: with words for the user, if it means nothing.
    """
    words = text(cell)
    if words in names:
        return "left" if words == names[0] else "right"
    if words.lower() in _WORDS:
        return _WORDS[words.lower()]
    if not is_number(cell):
        raise ValueError(f"the outcome “{short(words)}” is none of left, right and tie")
    code = number(cell)
    if code < 0 or not code.is_integer():
        raise ValueError(
            f"the outcome {words} is none of the numbers that code one; write left, right or tie"
        )
    return code
