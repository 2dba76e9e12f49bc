"""How files would be imported, in words and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import told_once
from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.study.importing.plan import ImportPlan, TablePlan

_LISTED = 10  # names of images that are listed


def plan_lines(plan: ImportPlan) -> Iterator[str]:
    """What the window's preview shows, line by line."""
    yield f"{plan.headline()}; nothing was imported."
    for table in plan.tables:
        yield from _table_lines(table, plan.words)
    for attribute in plan.attributes:
        new = " (new to the study)" if attribute.new else ""
        if attribute.kind == "comparison":
            counts = ", ".join(f"{name} {count}" for name, count in attribute.outcomes.items())
            yield f"{attribute.name}{new}: {counted(attribute.answers, 'comparison')}: {counts}"
        else:
            yield (
                f"{attribute.name}{new}: {counted(attribute.answers, 'rating')} on a scale "
                f"{attribute.low:g} to {attribute.high:g} ({attribute.found})"
                if attribute.low is not None and attribute.high is not None
                else f"{attribute.name}{new}: {counted(attribute.answers, 'rating')}"
            )
    if plan.unmatched:
        some = ", ".join(name for name, _ in plan.unmatched[:_LISTED])
        more = ", ..." if len(plan.unmatched) > _LISTED else ""
        yield f"Not among the study's {plan.words.kept_many}: {some}{more}"
    for reason, _, count in plan.left_out:
        yield f"{counted(count, 'row')} left out: {reason}"
    for told in told_once([(doubt.column, doubt.text) for doubt in plan.doubts]):
        yield f"Doubt: {told}"
    for decision in plan.decisions:
        yield f"To be decided: {decision.text}"


def _table_lines(table: TablePlan, words: StimulusWords) -> Iterator[str]:
    yield f"{table.name}: {counted(table.rows, 'row')}, {table.shape}; {'; '.join(table.reading)}"
    for column in table.columns:
        role = words.told(column.role)
        role = f"{role} of {column.attribute}" if column.attribute else role
        yield f"  {column.name}: {role} ({column.reason})"


def plan_values(plan: ImportPlan) -> dict[str, Any]:
    """The plan as JSON; the batch and the samples of rows are left out."""
    value = {
        name: getattr(plan, name)
        for name in ("rows_read", "rows_kept", "ratings", "comparisons", "raters", "unmatched")
    }
    tables = [asdict(table) for table in plan.tables]
    for table in tables:
        del table["sample"]
    return {
        **value,
        "headline": plan.headline(),
        "files": [str(path) for path in plan.files],
        "recipe": plan.recipe.model_dump(exclude_defaults=True, mode="json"),
        "tables": tables,
        "attributes": [asdict(attribute) for attribute in plan.attributes],
        "images": [
            {"written": image.written, "image": image.image, "name": image.name,
             "answers": image.answers}
            for image in plan.images
        ],
        "left_out": [
            {"reason": reason, "rows": list(rows), "count": count}
            for reason, rows, count in plan.left_out
        ],
        "doubts": [asdict(doubt) for doubt in plan.doubts],
        "decisions": [asdict(decision) for decision in plan.decisions],
    }  # fmt: skip
