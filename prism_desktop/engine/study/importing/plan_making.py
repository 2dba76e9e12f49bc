"""Making the plan of an import: files read, parts found, values understood; nothing is written."""

import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.hearing import responsive
from prism_desktop.engine.paths import typed
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.attribute_scales import attribute_scales
from prism_desktop.engine.study.importing.answer_columns import AnswerColumns
from prism_desktop.engine.study.importing.answer_values import Understood, understand
from prism_desktop.engine.study.importing.batch_making import (
    LeftOutRow,
    Sources,
    complete_recipe,
    make_batch,
    matched_images,
    present,
)
from prism_desktop.engine.study.importing.collected_answers import Collected
from prism_desktop.engine.study.importing.collection import Collector
from prism_desktop.engine.study.importing.columns.sibling_tables import find_roles_of_all
from prism_desktop.engine.study.importing.columns.table_roles import Known, TableRoles
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.doubts import ROWS_KEPT, Decision, Doubt
from prism_desktop.engine.study.importing.embeddings.vectors import holds_embeddings
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.names.attribute_names import AttributeNames
from prism_desktop.engine.study.importing.names.matching import ImageIndex, aliases_of
from prism_desktop.engine.study.importing.own_export.export_names import TEXTS
from prism_desktop.engine.study.importing.own_export.exported_copies import without_copies
from prism_desktop.engine.study.importing.own_export.exported_trials import ExportedTrials
from prism_desktop.engine.study.importing.own_export.exports_read import (
    ExportsRead,
    exported,
    read_exports,
)
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.importing.plan_tables import plain_table_plan, table_plan
from prism_desktop.engine.study.importing.reading.file_marks import content_mark
from prism_desktop.engine.study.importing.reading.file_reading import KeptTables
from prism_desktop.engine.study.importing.reading.grids import MAX_BYTES
from prism_desktop.engine.study.importing.reading.source_workbooks import join_workbooks
from prism_desktop.engine.study.importing.repeats.repeats import Repeats, find_repeats
from prism_desktop.engine.study.importing.text_columns import TEXT_FORMATS
from prism_desktop.engine.study.importing.values.scale_finding import EarlierScale
from prism_desktop.engine.study.importing.values.scales import Scale
from prism_desktop.engine.study.records import StimulusRecord
from prism_desktop.engine.study.study_reader import StudyReader

_NOTHING_SAID: Final = Recipe()


def plan_import(
    study: StudyReader,
    files: Sequence[Path | str],
    recipe: Recipe = _NOTHING_SAID,
    *,
    replaces: str | None = None,
    kept: KeptTables | None = None,
) -> Iterator[Event[ImportPlan]]:
    """Read files and understand them, as far as that can be done without asking.

    Args:
        study: where they are to go; it is only read.
        files: of one import; workbooks that belong together must come together.
        recipe: what is decided already.
        replaces: the import that this one is to take the place of.
        kept: what was read of these files for an earlier plan.

    Yields:
        Progress, then Done with the plan. What only the user can decide is among its decisions.

    Raises:
        InputError: a file cannot be read or understood at all, or was imported before.
    """
    paths = [typed(file) for file in files]
    if not paths:
        raise InputError("No file was given.")
    work = _plan(study, paths, recipe, replaces, kept or KeptTables())
    yield from responsive(work, "Reading the files")


def _plan(
    study: StudyReader,
    paths: Sequence[Path],
    recipe: Recipe,
    replaces: str | None,
    kept: KeptTables,
) -> Generator[Event[ImportPlan], None, None]:
    sources = Sources(uuid.uuid4().hex, tuple(paths), replaces, basis=study.import_basis())
    tables = yield from _reading(study, sources, recipe, kept)
    _check_sheets(tables, recipe)
    yield Progress(len(paths), len(paths), "Understanding the columns")
    knowledge = _Knowledge.of(study, sources)
    _refuse_texts(tables)
    ours = [table for table in tables if exported(table) not in (None, *TEXTS)]
    others, compared = join_workbooks([t for t in tables if exported(t) is None])
    _check_columns(others, recipe)
    roles = _only_useful(find_roles_of_all(others, knowledge.known(), recipe), recipe)
    if not knowledge.images and (roles.used or any(map(_needs_images, ours))):
        words = knowledge.words
        which = "their folder" if words is FACES else "the file that holds them"
        raise InputError(
            f"The study has no {words.kept_many} yet; import {which} first. Nothing was imported."
        )
    yield Progress(len(paths), len(paths), "Reading answers")
    read = _exports(study, ours, knowledge, sources, recipe)
    collector = Collector(knowledge.index, knowledge.labelers, knowledge.attributes, recipe)
    for number, table in enumerate(roles.used):
        collector.add(number, table)
        yield Progress(len(paths), len(paths), "Reading answers")
    collected = collector.found
    understood = understand(
        study, collected, knowledge.index, recipe, knowledge.scales, compared, roles.used, replaces
    )
    yield Progress(len(paths), len(paths), "Comparing with what the study holds")
    repeats = _repeats(study, understood.answers, recipe, roles.used, replaces)
    parts = _Parts(study, recipe, roles, ours, read, collected, understood, repeats, knowledge)
    yield Done(parts.plan(sources))


def _reading(
    study: StudyReader, sources: Sources, recipe: Recipe, kept: KeptTables
) -> Generator[Progress, None, list[DataTable]]:
    """Read the files, each told by its hash; a large one tells how far it is, in hundredths."""
    tables: list[DataTable] = []
    total = 100 * len(sources.paths)
    for number, path in enumerate(sources.paths):
        yield Progress(100 * number, total, f"Reading {path.name}")
        mark = file_mark(study, path, sources.replaces)
        if mark in sources.marks.values():
            raise InputError(f"{path.name} was given twice; nothing was imported.")
        if holds_embeddings(path):
            raise InputError(
                f"{path.name} holds embeddings; import it by itself. Nothing was imported."
            )
        sources.marks[str(real(path))] = mark
        steps = kept.reading(path, recipe, mark)
        while True:
            try:
                share = next(steps)
            except StopIteration as end:
                tables += end.value
                break
            yield Progress(100 * number + int(100 * share), total, f"Reading {path.name}")
    return tables


def file_mark(
    study: StudyReader, path: Path, replaces: str | None = None, most: int = MAX_BYTES
) -> str:
    """A file's hash; see `file_marks.content_mark`.

    Raises:
        InputError: if it cannot be read, is no plain file or larger than `most`, or the same file
            was imported before and that was not undone.
    """
    mark = content_mark(path, most)
    for report in study.imports():
        before = report.mapping.get("files")
        if (
            report.undone is None
            and report.format not in TEXT_FORMATS  # of a workbook that holds judgments as well
            and report.id != replaces
            and isinstance(before, Mapping)
            and mark in before.values()
        ):
            raise InputError(
                f"{path.name} was imported before ({counted(report.rows_kept, 'row')} kept); undo "
                "that import first, or read it anew with another recipe. Nothing was imported."
            )
    return mark


@dataclass(slots=True)
class _Knowledge:
    """What the study knows."""

    images: tuple[StimulusRecord, ...]
    words: StimulusWords
    index: ImageIndex
    labelers: tuple[str, ...]
    attributes: AttributeNames
    scales: Mapping[str, EarlierScale]
    _found: dict[str, str] = field(default_factory=dict)
    _headed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, study: StudyReader, sources: Sources) -> "_Knowledge":
        reports = [r for r in study.imports() if r.undone is None and r.id != sources.replaces]
        images = tuple(study.stimuli())
        return cls(
            images,
            study.words(),
            ImageIndex(images, aliases_of(report.mapping for report in reports)),
            tuple(labeler.code for labeler in study.labelers()),
            AttributeNames([attribute.name for attribute in study.attributes()]),
            {
                name: EarlierScale(Scale(scale.low, scale.high, whole=True), scale.where)
                for name, scale in attribute_scales(study.imports(), sources.replaces).items()
            },
        )

    def known(self) -> Known:
        return Known(
            self._find, self._find_in_header, self.attributes,
            frozenset(code.casefold() for code in self.labelers), self.words,
        )  # fmt: skip

    def _find(self, value: str) -> str:
        if value not in self._found:
            self._found[value] = self.index.find_all([value]).images[0]
        return self._found[value]

    def _find_in_header(self, text: str) -> str:
        if text not in self._headed:
            self._headed[text] = self.index.find_in_text(text)
        return self._headed[text]


def _check_sheets(tables: Sequence[DataTable], recipe: Recipe) -> None:
    """Refuse a sheet where no file is a workbook; readers refuse one that a workbook lacks."""
    if recipe.sheets and not any(table.reading.sheet for table in tables):
        raise InputError(
            f"The sheet “{recipe.sheets[0]}” is asked for, and none of the files is a workbook. "
            "Nothing was imported."
        )


def _refuse_texts(tables: Sequence[DataTable]) -> None:
    """Raises: InputError: texts are an import of their own, which comes before judgments; sheets of
    texts in a workbook of judgments are passed over here."""
    others = {table.file for table in tables if exported(table) not in TEXTS}
    for table in tables:
        if exported(table) in TEXTS and table.file not in others:
            raise InputError(
                f"{table.name} holds texts; import its file by itself, before judgments of them. "
                "Nothing was imported."
            )


def _check_columns(tables: Sequence[DataTable], recipe: Recipe) -> None:
    """Refuse a column that no table has.

    Raises:
        InputError: with the columns that there are.
    """
    names = {column.name for table in tables for column in table.columns}
    for name in (*recipe.columns, *recipe.judgments):
        if name not in names and name != "*" and tables:
            raise InputError(
                f"There is no column “{name}”; the files have {', '.join(sorted(names)[:20])}. "
                "Nothing was imported."
            )


@dataclass(slots=True)
class _Roles:
    """The tables that say something, and those that do not."""

    used: list[TableRoles]
    passed_over: list[TableRoles]

    def decisions(self) -> list[Decision]:
        return [decision for table in self.used for decision in table.decisions]

    def doubts(self) -> list[Doubt]:
        found = [doubt for table in self.used for doubt in table.doubts]
        for table in self.passed_over:
            name = table.table.name
            found.append(
                Doubt("sheet", f"{name} holds no answers that could be understood; it was left "
                      "out.", name)
            )  # fmt: skip
        return found


def _only_useful(roles: Sequence[TableRoles], recipe: Recipe) -> _Roles:
    """Sheets of a workbook that are no tables of answers are passed over if another one is."""
    good = [table for table in roles if not table.decisions]
    files = {table.table.file for table in good}
    used: list[TableRoles] = []
    passed: list[TableRoles] = []
    for table in roles:
        lost = bool({d.kind for d in table.decisions} & {"image", "judgment"})
        sheet = bool(table.table.reading.sheet) and table.table.file in files
        (passed if lost and sheet and not recipe.sheets else used).append(table)
    return _Roles(used, passed)


def _needs_images(table: DataTable) -> bool:
    return exported(table) in ("ratings", "comparisons", "images")


def _exports(
    study: StudyReader,
    ours: Sequence[DataTable],
    knowledge: _Knowledge,
    sources: Sources,
    recipe: Recipe,
) -> ExportsRead:
    if not ours:
        return ExportsRead()
    trials = study.trials(current=False)
    reader = ExportedTrials(
        sources.import_id,
        {
            trial.id: trial.labeler
            for trial in trials
            if sources.replaces is None or trial.import_id != sources.replaces
        },
        {trial.session: trial.labeler for trial in trials},
        knowledge.index,
        several=len(ours) > 1,
    )
    read = read_exports(ours, knowledge.images, reader)
    known = study.known_answers(without=sources.replaces)
    fresh = without_copies(read.trials, known, recipe.again, ours[0].file)
    read.trials, read.doubts, read.decisions = fresh.trials, fresh.doubts, fresh.decisions
    read.duplicates += fresh.copies
    return read


def _repeats(
    study: StudyReader,
    answers: AnswerColumns,
    recipe: Recipe,
    tables: Sequence[TableRoles],
    replaces: str | None,
) -> Repeats:
    before = study.known_answers(without=replaces) if len(answers) else None
    names = [table.table.name for table in tables]
    return find_repeats(answers, before, recipe.again, names)


@dataclass(slots=True)
class _Parts:
    """All that was found out, put together."""

    study: StudyReader
    recipe: Recipe
    roles: _Roles
    ours: Sequence[DataTable]
    read: ExportsRead
    collected: Collected
    understood: Understood
    repeats: Repeats
    knowledge: _Knowledge

    def plan(self, sources: Sources) -> ImportPlan:
        """The plan, with its batch if nothing is open."""
        answers = self.understood.answers.only(self.repeats.keep)
        left_out = self._left_out()
        raters = (
            *present(answers.labelers, answers.labeler),
            *(trial.labeler for trial in self.read.trials),
        )
        words = self.knowledge.words
        plan = ImportPlan(
            files=sources.paths,
            recipe=complete_recipe(self.recipe, self.roles.used, self.understood),
            tables=(
                *(table_plan(table, words) for table in self.roles.used),
                *(table_plan(table, words, "left out") for table in self.roles.passed_over),
                *(plain_table_plan(t, exported(t) or "") for t in self.ours),
            ),
            attributes=self.understood.attribute_plans(answers, self.knowledge.attributes),
            doubts=_once(
                words,
                *self.roles.doubts(), *self._reading_doubts(), *self.read.doubts,
                *self._new_attributes(answers),
                *self.collected.doubts,
                *self.understood.doubts, *self.repeats.doubts, *_row_doubts(left_out),
            ),
            decisions=(
                *self.roles.decisions(), *self.read.decisions, *self.understood.decisions,
                *self.repeats.decisions,
            ),
            rows_read=sum(len(table.table) for table in self.roles.used) + self.read.read,
            rows_kept=self._rows_kept(answers) + self.read.kept,
            ratings=int((~answers.comparison).sum()) + self._own("rating"),
            comparisons=int(answers.comparison.sum()) + self._own("comparison"),
            raters=tuple(dict.fromkeys(raters)),
            images=matched_images(
                answers, self.collected.written, self.knowledge.images, self.read.trials
            ),
            unmatched=tuple(sorted(self.collected.unmatched.items(), key=lambda entry: -entry[1])),
            words=words,
            left_out=tuple((e.reason, e.rows[:ROWS_KEPT], len(e.rows)) for e in left_out),
        )  # fmt: skip
        if plan.decisions:
            return plan
        batch = make_batch(
            self.study, plan, sources, self.read, self.understood, self.repeats,
            self.collected.facts, left_out, self.collected.notices,
        )  # fmt: skip
        return replace(plan, batch=batch)

    def _reading_doubts(self) -> Iterator[Doubt]:
        """What readers guessed, and rows that they could not read."""
        for roles in self.roles.used:
            table = roles.table
            for notice in table.reading.notices:
                yield Doubt("reading", notice, table.name)
            for left_out in table.left_out:
                if any(word in left_out.reason for word in ("more cells", "no JSON", "no record")):
                    rows, count = left_out.rows[:ROWS_KEPT], len(left_out.rows)
                    text = f"{counted(count, 'row')} of {table.name} left out: {left_out.reason}."
                    yield Doubt("rows", text, table.name, rows=rows, count=count)

    def _new_attributes(self, answers: AnswerColumns) -> Iterator[Doubt]:
        """Attributes that nobody has named yet; nothing is learned about them before."""
        known = {*self.knowledge.attributes.attributes, *self.understood.confirmed}
        for name in present(answers.attributes, answers.attribute):
            if name not in known:
                yield Doubt(
                    "new-attribute",
                    f"“{name}” is new to the study; training leaves it out until somebody says "
                    "that it is judged: by Confirm beside it in the window, or by `prism-desktop "
                    "study confirm STUDY NAME`.",
                    column=name,
                )

    def _own(self, kind: str) -> int:
        return sum(len(trial.answers) for trial in self.read.trials if trial.kind == kind)

    def _rows_kept(self, answers: AnswerColumns) -> int:
        """Rows that hold an answer or a fact that is taken over."""
        rows = np.unique(answers.table.astype(np.int64) << 32 | answers.row.astype(np.int64))
        return len(rows) + self.collected.fact_rows

    def _left_out(self) -> list[LeftOutRow]:
        found = [
            LeftOutRow(table, self.knowledge.words.told(reason), tuple(rows.tolist()))
            for table, reason, rows in self.collected.left_out.all()
        ]
        return found + [LeftOutRow("", reason, rows) for reason, rows, _ in self.repeats.copies]


def _once(words: StimulusWords, *doubts: Doubt) -> tuple[Doubt, ...]:
    """Doubts of the same words, of several sheets or files, told once, by what the study holds."""
    doubts = tuple(replace(doubt, text=words.told(doubt.text)) for doubt in doubts)
    return tuple({(doubt.kind, doubt.text): doubt for doubt in reversed(doubts)}.values())[::-1]


def _row_doubts(left_out: Sequence[LeftOutRow]) -> Iterator[Doubt]:
    """Rows that name or hold something which could not be used; rows without an answer are no
    doubt."""
    for entry in left_out:
        if entry.table and not entry.reason.startswith("holds n"):
            count = len(entry.rows)
            yield Doubt(
                "rows",
                f"{counted(count, 'row')} of {entry.table} left out: {entry.reason}.",
                entry.table,
                rows=entry.rows[:ROWS_KEPT],
                count=count,
            )
