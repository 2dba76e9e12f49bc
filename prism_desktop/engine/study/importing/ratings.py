"""Reading ratings: wide (`rater, image, <attribute>...`)
or tidy (`rater, image, attribute, rating`)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.cells import Cell, is_missing, number, text
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
from prism_desktop.engine.study.importing.scales import Scale, declared, observed

STEPS = 4


def read_ratings(
    layout: Layout,
    index: ImageIndex,
    ledger: Ledger,
    items: Mapping[str, tuple[str, ...]] | None = None,
) -> Iterator[Draft]:
    """Turn rows into drafts whose answers are still on the file's scale.

    Args:
        layout: the table.
        index: the study's images.
        ledger: takes the refusals.
        items: item -> (image,), where the images stand in another workbook.
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
    """One row as a trial; the image's name stands in it, or in the workbook that `items` is of.

    Raises:
        ValueError: why the row cannot be used, in words for the user.
    """
    facts = facts_of(layout, cells)
    named = text(layout.cell(cells, "image"))
    if items is not None:
        item = text(layout.cell(cells, "item_id"))
        if item not in items:
            raise ValueError(f"the item “{item}” is not in the workbook of images")
        (named,) = items[item]
    draft = Draft(
        places=[(layout.table.name, row)],
        kind="rating",
        labeler=labeler_of(layout, cells),
        images=(index.find(named, text(layout.cell(cells, "image_id"))),),
        answers={**_answers(layout, cells)},
        facts=facts,
        exported=is_exported(layout),
        telling=is_telling(layout),
        tidy=layout.tidy,
    )
    raw = layout.cell(cells, "raw")
    if draft.exported and not is_missing(raw):
        draft.raw = {
            name: number(raw, decimal_comma=layout.table.decimal_comma) for name in draft.answers
        }
    if not draft.answers and facts.status == "answered":
        raise ValueError("it holds no rating")
    return draft


def _answers(layout: Layout, cells: Sequence[Cell]) -> dict[str, float]:
    """Attribute -> rating on the file's own scale: a tidy table
    holds one in a row, any other one per column."""
    comma = layout.table.decimal_comma
    if layout.tidy:
        name, cell = text(layout.cell(cells, "attribute")), layout.cell(cells, "value")
        if is_missing(cell):
            return {}
        if not name:
            raise ValueError("no attribute is named")
        return {name: number(cell, decimal_comma=comma)}
    answers = {}
    for name, place in layout.attributes:
        cell = cells[place] if place < len(cells) else None
        if not is_missing(cell):
            answers[name] = number(cell, decimal_comma=comma)
    return answers


def settle_scales(
    drafts: Sequence[Draft], scale: str | Mapping[str, str] | None, earlier: Mapping[str, Scale]
) -> dict[str, Scale]:
    """The scale of each attribute: declared for all or by
    attribute, else the narrowest usual one for its ratings.

    Ratings beyond the study's own steps that fit the scale of an earlier import of the attribute
    are taken to be on that one, so that two parts of one data set are cut alike.

    Raises:
        InputError: if a declared scale is none.
    """
    ratings: dict[str, list[float]] = defaultdict(list)
    for draft in drafts:
        if draft.kind == "rating" and not draft.exported:
            for name, rating in draft.answers.items():
                ratings[name].append(float(rating))
    if isinstance(scale, Mapping):
        unknown = [name for name in scale if name not in ratings]
        if unknown:
            raise InputError(
                f"A scale is given for {', '.join(unknown)}, which the files do not rate."
            )
    scales = {}
    for name, values in ratings.items():
        words = scale.get(name) if isinstance(scale, Mapping) else scale
        seen, before = observed(values), earlier.get(name)
        if words:
            seen = replace(declared(words), whole=seen.whole)
        elif (
            before is not None
            and seen.high > STEPS
            and before.low <= seen.low
            and max(values) <= before.high
        ):
            seen = replace(before, whole=seen.whole)
        scales[name] = seen
    return scales


def on_scale(draft: Draft, scales: Mapping[str, Scale]) -> Draft:
    """The draft with its ratings as the study's steps, and
    the originals beside them where the scale is another.

    Raises:
        ValueError: with words for the user, if a rating lies outside its scale.
    """
    if draft.exported:
        for name, step in draft.answers.items():
            if step not in range(1, STEPS + 1):
                raise ValueError(f"the rating {step} for {name} is none of 1 to {STEPS}")
        draft.answers = {name: int(step) for name, step in draft.answers.items()}
        return draft
    ratings = {name: float(rating) for name, rating in draft.answers.items()}
    draft.answers = {name: scales[name].step(rating, STEPS) for name, rating in ratings.items()}
    draft.raw = {
        name: rating for name, rating in ratings.items() if not scales[name].same_as_steps(STEPS)
    }
    return draft
