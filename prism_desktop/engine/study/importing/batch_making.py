"""From all that was found out to the batch that the store writes, with its report."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few, told_once
from prism_desktop.engine.study.importing.answer_columns import NONE, AnswerColumns
from prism_desktop.engine.study.importing.answer_values import Understood
from prism_desktop.engine.study.importing.assembling import make_trials, presentations
from prism_desktop.engine.study.importing.columns.table_roles import TableRoles
from prism_desktop.engine.study.importing.import_recipe import Recipe, Role
from prism_desktop.engine.study.importing.own_export.exports_read import ExportsRead
from prism_desktop.engine.study.importing.plan import ImportPlan, MatchedImage
from prism_desktop.engine.study.importing.repeats.repeats import Repeats
from prism_desktop.engine.study.records import (
    DEFAULT_SCALE,
    AttributeRecord,
    FactRecord,
    ImageId,
    ImageRecord,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    RefusedRow,
    StimulusRecord,
    TrialId,
    TrialRecord,
)
from prism_desktop.engine.study.study_reader import StudyReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFUSED_KEPT: Final = 10_000  # rows that a report lists one by one


@dataclass(slots=True)
class Sources:
    """What an import is made of.

    Attributes:
        import_id: of the import to be.
        paths: its files.
        replaces: the import whose place it takes.
        marks: file -> its content's SHA-256.
        basis: of the study when the files were looked at.
    """

    import_id: str
    paths: tuple[Path, ...]
    replaces: str | None = None
    marks: dict[str, str] = field(default_factory=dict)
    basis: str = ""


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """Rows of one table that were left out for one reason."""

    table: str
    reason: str
    rows: tuple[int, ...]


def complete_recipe(recipe: Recipe, tables: Sequence[TableRoles], understood: Understood) -> Recipe:
    """The recipe with everything that was found out, so that it reads the same again."""
    columns: dict[str, Role] = {}
    judgments: dict[str, str] = {}
    rater = recipe.rater
    for table in tables:
        rater = rater or table.rater
        for name, part in table.parts.items():
            if part.role == "judgment" and name in table.images:
                # headed by its image, which is found again; a table has one attribute then
                judgments.setdefault("*", part.attribute)
                continue
            if part.role != "judgment":
                columns.setdefault(name, part.role)
            if part.role in ("judgment", "outcome", "winner") and part.attribute:
                judgments.setdefault(name, part.attribute)
    columns.update(recipe.columns)
    return recipe.model_copy(
        update={
            "columns": columns,
            "judgments": {**judgments, **recipe.judgments},
            "scales": {**understood.scale_words(), **recipe.scales},
            "coding": {**understood.coding, **recipe.coding},
            "rater": rater,
            **_reading(recipe, tables),
        }
    )


def _reading(recipe: Recipe, tables: Sequence[TableRoles]) -> dict[str, str]:
    """How text files were read, where all were read alike."""
    readings = [t.table.reading for t in tables if t.table.reading.delimiter]
    found = {
        "encoding": {reading.encoding for reading in readings},
        "delimiter": {reading.delimiter for reading in readings},
        "decimal": {"," if reading.decimal_comma else "." for reading in readings},
    }
    return {
        name: getattr(recipe, name) or next(iter(values))
        for name, values in found.items()
        if len(values) == 1 and len(readings) == len(tables)
    }


def matched_images(
    answers: AnswerColumns,
    written: Mapping[ImageId, str],
    images: Sequence[StimulusRecord],
    trials: Sequence[TrialRecord] = (),
) -> tuple[MatchedImage, ...]:
    """The images that answers are about, the study's order, with how the files write them."""
    shown = np.append(answers.left, answers.right[answers.right != NONE])
    counts = np.bincount(shown, minlength=len(answers.images)) if len(shown) else np.zeros(0, int)
    number = Counter(dict(zip(answers.images, counts.tolist(), strict=False)))
    for trial in trials:
        number.update(image for image in (trial.left, trial.right) if image is not None)
    return tuple(
        MatchedImage(written.get(image.id, image.name), image.id, image.name,
                     image.path if isinstance(image, ImageRecord) else None, number[image.id])
        for image in images
        if number.get(image.id)
    )  # fmt: skip


def make_batch(
    study: StudyReader,
    plan: ImportPlan,
    sources: Sources,
    read: ExportsRead,
    understood: Understood,
    repeats: Repeats,
    facts: Sequence[FactRecord],
    left_out: Sequence[LeftOutRow],
    told: Sequence[str],
) -> ImportBatch:
    """Everything that the import brings."""
    kept = repeats.keep
    answers = understood.answers.only(kept)
    people = [*read.labelers, *(LabelerRecord(code) for code in _people(answers, read, facts))]
    known = {each.code: each for each in study.labelers()}
    new_people: dict[str, LabelerRecord] = {}
    for person in people:
        nameless = LabelerRecord(person.code)  # as authors of texts come in
        if person.code not in known or known[person.code] == nameless != person:
            new_people.setdefault(person.code, person)
    names = dict.fromkeys(
        (*present(answers.attributes, answers.attribute),
         *(name for trial in read.trials for name in trial.answers))
    )  # fmt: skip
    attributes, revised, notices = _attributes(study, read, tuple(names), understood.confirmed)
    scales = {**read.described_scales(), **understood.described()}
    refused = [
        *(replace(one, reason=plan.words.told(one.reason)) for one in read.refused),
        *(
            RefusedRow(row, _with_table(entry, plan))
            for entry in left_out
            if entry.table  # copies are told in one sentence
            for row in entry.rows
        ),
    ]
    report = ImportReport(
        id=sources.import_id,
        source=", ".join(str(path) for path in sources.paths),
        format=", ".join(dict.fromkeys(table.shape for table in plan.tables)),
        rows_read=plan.rows_read,
        rows_kept=plan.rows_kept,
        refused=tuple(sorted(refused[:REFUSED_KEPT], key=lambda row: row.row)),
        duplicates=read.duplicates + _copied_rows(understood.answers, repeats.keep),
        mapping={
            "files": sources.marks,
            **({"scales": scales} if scales else {}),
            **({"coding": dict(understood.coding)} if understood.coding else {}),
            "rescaled": [rescaled.attribute for rescaled in understood.rescaled],
        },
        notices=(
            *_notices(plan, refused),
            *dict.fromkeys(told),
            *map(plan.words.told, read.notices),
            *notices,
        ),
        doubts=plan.doubts,
        recipe=plan.recipe.to_toml(),
    )
    return ImportBatch(
        report,
        labelers=tuple(new_people.values()),
        attributes=attributes,
        instead_of_usual=frozenset(each.name for each in read.attributes),
        trials=_Trials(study, read.trials, answers, understood, repeats, sources.import_id),
        revised=revised,
        facts=(*read.facts, *facts),
        rescaled=understood.rescaled,
        basis=sources.basis,
    )


def _copied_rows(answers: AnswerColumns, keep: "NDArray[np.bool_]") -> int:
    """How many rows hold copies and nothing that counts."""
    rows = answers.table.astype(np.int64) << 32 | answers.row.astype(np.int64)
    return len(np.setdiff1d(rows[~keep], rows[keep]))


def present(names: Sequence[str], codes: "NDArray[np.int32]") -> list[str]:
    """The names that codes stand for, in the order of their numbers."""
    return [names[code] for code in np.unique(codes[codes != NONE]).tolist()]


def _people(
    answers: AnswerColumns, read: ExportsRead, facts: Iterable[FactRecord]
) -> Iterator[str]:
    yield from present(answers.labelers, answers.labeler)
    yield from (trial.labeler for trial in read.trials)
    yield from (fact.owner for fact in facts if fact.kind == "rater")


def _with_table(entry: LeftOutRow, plan: ImportPlan) -> str:
    return f"{entry.table}: {entry.reason}" if len(plan.tables) > 1 else entry.reason


def _notices(plan: ImportPlan, refused: Sequence[RefusedRow]) -> Iterator[str]:
    """How the tables were read."""
    yield f"{plan.headline()}."
    for table in plan.tables:
        yield f"{table.name}: {table.shape}; {'; '.join(table.reading)}."
        parts: dict[str, list[str]] = {}
        for column in table.columns:
            if column.role != "ignore":
                name = column.name
                if column.attribute and column.attribute != name.strip():
                    name = f"{name} ({column.attribute})"
                parts.setdefault(plan.words.told(column.role), []).append(name)
        if parts:
            words = "; ".join(f"{role}: {few(names, 12)}" for role, names in parts.items())
            yield f"{table.name}: {words}."
    yield from told_once(
        [
            (each.name, f"{each.name}: ratings on a scale {each.low:g} to {each.high:g} "
             f"({each.found}).")
            for each in plan.attributes
            if each.low is not None and each.high is not None
        ]
    )  # fmt: skip
    if len(refused) > REFUSED_KEPT:
        yield (
            f"{counted(len(refused), 'row was', 'rows were')} left out; the first "
            f"{REFUSED_KEPT:,} are listed."
        )


def _attributes(
    study: StudyReader, read: ExportsRead, names: Sequence[str], confirmed: frozenset[str]
) -> tuple[tuple[AttributeRecord, ...], tuple[AttributeRecord, ...], list[str]]:
    """New attributes; wordings that replace the defaults of attributes which the study has; and
    words on those that do not. The study's own wordings stay."""
    present = {attribute.name: attribute for attribute in study.attributes()}
    words = study.words()
    brought = {attribute.name: attribute for attribute in read.attributes}
    ours = {name for trial in read.trials for name in trial.answers}
    new = [attribute for attribute in read.attributes if attribute.name not in present]
    new += [
        AttributeRecord(name, confirmed=name in confirmed or name in ours)
        for name in names
        if name not in present and name not in brought
    ]
    revised, notices = [], []
    for attribute in read.attributes:
        own = present.get(attribute.name)
        if own is None or own == attribute:
            continue
        usual = AttributeRecord(
            own.name, words.rating_question(own.name), DEFAULT_SCALE, words.templates,
            own.confirmed,
        )  # fmt: skip
        if own == usual:
            revised.append(replace(attribute, question=attribute.question or own.question))
        else:
            notices.append(
                f"{own.name}: the study's own question, scale labels and templates were kept."
            )
    confirmations = [
        replace(own, confirmed=True)
        for name in names
        if (own := present.get(name)) is not None and not own.confirmed and name in confirmed
    ]
    return tuple(new), (*revised, *confirmations), notices


@dataclass(frozen=True, slots=True, eq=False)
class _Trials:
    """The trials of an import; each iteration makes them anew, a few at a time."""

    study: StudyReader
    exported: Sequence[TrialRecord]
    answers: AnswerColumns
    understood: Understood
    repeats: Repeats
    import_id: str

    def __iter__(self) -> Iterator[TrialRecord]:
        yield from self.exported
        if not len(self.answers):
            return
        kept = self.repeats.keep
        place = np.cumsum(kept) - 1
        before = self.repeats.repeat_of[kept].astype(np.int64)
        before[before != NONE] = place[before[before != NONE]]
        shown = presentations(self.answers, self.understood.tidy[kept])
        steps = self.understood.steps[kept]
        yield from make_trials(
            self.answers, shown, steps, before, self._known(kept), self.import_id
        )

    def _known(self, kept: "NDArray[np.bool_]") -> dict[int, TrialId]:
        """Answer -> the study's trial that it repeats."""
        numbers = self.repeats.repeats_known[kept]
        repeating = np.flatnonzero(numbers != NONE)
        names = self.study.trial_ids(np.unique(numbers[repeating]).tolist())
        return {int(place): names[int(numbers[place])] for place in repeating}
