"""What the rows of a file of texts say, and what becomes of each: taken, there already, refused."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from prism_desktop.engine.events import Progress
from prism_desktop.engine.foreign_files import real
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import is_name
from prism_desktop.engine.plain_text import few, one_line
from prism_desktop.engine.study.importing.cells import is_missing, short
from prism_desktop.engine.study.importing.data_tables import DataTable
from prism_desktop.engine.study.importing.doubts import ROWS_KEPT, Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe, changed
from prism_desktop.engine.study.importing.names.labeler_names import LabelerIndex
from prism_desktop.engine.study.importing.own_export.export_names import exported_as
from prism_desktop.engine.study.importing.text_columns import (
    FACT,
    TextColumns,
    TextRole,
    TextsKind,
    role_of,
    text_columns,
)
from prism_desktop.engine.study.records import (
    FOLDS,
    OTHERS,
    FactRecord,
    ImportBatch,
    ImportReport,
    LabelerRecord,
    RefusedRow,
    new_id,
)
from prism_desktop.engine.study.study_reader import StudyReader
from prism_desktop.engine.study.texts import (
    NewText,
    OwnText,
    TextRecord,
    fold_key,
    kept_form,
    name_fault,
    new_text_id,
    text_fault,
)

REFUSED_LISTED: Final = 10_000  # rows that a report lists one by one
_EVERY: Final = 2_000  # rows between two events
_FOLDS: Final = frozenset(map(str, range(FOLDS)))  # as a file names them
_Doubted = Literal["author", "nobody", "author-kept", "group", "group-kept", "fold"]
# What is told of rows, where {} stands for how many there are.
_TOLD: Final[dict[_Doubted, str]] = {
    "author": "The author named in {} cannot be a labeler's code; the texts are kept without one.",
    "nobody": "In {} the author is a word for nothing, such as NA; the texts are kept without one. "
    "If somebody is called so, add them as a labeler first.",
    "author-kept": "In {} another author is named than the same text has already; a text has one "
    "author, and the first stays.",
    "group": "The prompts of {} belong to several groups, whose texts may lie in different folds.",
    "group-kept": "In {} another group is named than the same text had; it stays as it was, as its "
    "fold does.",
    "fold": "In {} the file has another fold than the study; a fold is fixed when a text is added.",
}


class TextTableReader:
    """Reads the tables of one file of texts."""

    def __init__(
        self,
        study: StudyReader,
        path: Path,
        kind: TextsKind,
        recipe: Recipe,
        replaces: str | None = None,
    ) -> None:
        """Args: replaces: the import whose place this one takes, what it brought being new."""
        self._study, self._path, self._kind, self._recipe = study, path, kind, recipe
        self._roles: dict[str, TextRole] = {}  # of the columns that were read
        self.tables: list[str] = []  # that were read
        self._texts: list[NewText] = []
        self._own: list[OwnText] = []
        self._facts: list[FactRecord] = []
        self._refused: list[RefusedRow] = []
        self._duplicates: dict[str, str] = {}  # name -> name of the same text
        self._rows = self._copies = self._again = 0
        self._row_of: dict[str, int] = {}  # of the texts that are new
        self._doubts: list[Doubt] = []
        self._doubted: dict[_Doubted, list[int]] = defaultdict(list)
        # identity -> name, author and fold of a text of the study or the file
        self._known: dict[str, tuple[str, str | None, int | None]] = {}
        self._groups: defaultdict[str, set[str | None]] = defaultdict(set)  # of prompts
        self._folds: defaultdict[str, set[int]] = defaultdict(set)  # of groups or prompts
        for text in study.texts(replaces):
            self._known[text.id] = text.name, text.author, text.fold
            self._note_group(NewText("", "", text.prompt, group=text.group))
            self._folds[fold_key(text.id, text.prompt, text.group)].add(text.fold)
        self._ours = False  # whether the table that is read is one of an export
        self._in_study = frozenset(self._known)
        # of those that are replaced folds and groups stay, as somebody may have judged them
        self._replaced = {
            text.id: text
            for text in (study.texts() if replaces else ())
            if text.id not in self._known
        }
        self._replaced_names = {text.name for text in self._replaced.values()}
        for text in self._kept_whatever_comes():
            self._folds[fold_key(text.id, text.prompt, text.group)].add(text.fold)
        self._names = {name for name, *_ in self._known.values()}
        self._said = {(own.labeler, _identity(own)) for own in study.own_texts(without=replaces)}
        self._codes = frozenset(labeler.code for labeler in study.labelers())

    def _kept_whatever_comes(self) -> Iterator[TextRecord]:
        """Texts of the import that is replaced which somebody judged."""
        if not self._replaced:
            return
        trials = self._study.trials(current=False)
        judged = {trial.left for trial in trials} | {trial.right for trial in trials}
        yield from (text for text in self._replaced.values() if text.id in judged)

    def read(self, table: DataTable) -> Iterator[Progress]:
        """Take the rows of a table; one without the columns that are needed is passed over."""
        names = [column.name for column in table.columns]
        columns = text_columns(names, self._recipe.texts)
        if columns is None or (self._kind == "own texts" and "author" not in columns):
            return
        self.tables.append(table.name)
        roles = {name: role_of(columns, name) for name in names}
        told = self._recipe.texts
        self._roles |= {name: r for name, r in roles.items() if r != "ignore" or name in told}
        self._doubts += [Doubt("reading", text, table.name) for text in table.reading.notices]
        for left_out in table.left_out:
            self._rows += len(left_out.rows)
            self._refused += [RefusedRow(row, left_out.reason) for row in left_out.rows]
        self._ours = exported_as(names) is not None
        authors = self._authors(table, columns)
        cells = {part: list(table.column(name).texts()) for part, name in columns.parts.items()}
        facts = {
            fact: list(table.column(name).texts())
            for fact, name in self._fact_columns(table, columns).items()
        }
        for place, row in enumerate(table.rows.tolist()):
            if place % _EVERY == 0:
                yield Progress(place, len(table), f"Understanding {table.name}")
            self._rows += 1
            said: dict[str, str] = {part: texts[place] for part, texts in cells.items()}
            about = {name: texts[place] for name, texts in facts.items() if texts[place].strip()}
            self._take(row, said, authors.get(said.get("author", "")), about)

    def batch(self, mark: str, basis: str) -> ImportBatch:
        """All that was read; `mark` is the file's hash, `basis` what it was compared with."""
        self._settle_folds()
        people = dict.fromkeys(
            [text.author for text in self._texts if text.author is not None]
            + [own.labeler for own in self._own]
        )
        others = {"there already": self._again} if self._again else {}
        report = ImportReport(
            id=new_id(),
            source=str(self._path),
            format=self._kind,
            rows_read=self._rows,
            rows_kept=len(self._texts) + len(self._own),
            refused=tuple(sorted(self._refused[:REFUSED_LISTED], key=lambda row: row.row)),
            duplicates=self._copies,
            mapping={
                "files": {str(real(self._path)): mark},
                **({"duplicates": self._duplicates} if self._duplicates else {}),
                OTHERS: others,
            },
            notices=tuple(self._notices()),
            doubts=tuple(self._all_doubts()),
            recipe=changed(self._recipe, {"texts": self._roles}).to_toml(),
        )
        return ImportBatch(
            report,
            texts=tuple(self._texts),
            own_texts=tuple(self._own),
            labelers=tuple(LabelerRecord(code) for code in people if code not in self._codes),
            facts=tuple(self._facts),
            basis=basis,
        )

    def _take(
        self, row: int, said: dict[str, str], author: str | None, facts: dict[str, str]
    ) -> None:
        """Sort one row."""
        text, prompt, group = (
            kept_form(said.get(part, "")) for part in ("text", "prompt", "group")
        )
        name = kept_form(said.get("name", ""))
        called = said.get("author", "").strip()
        written = not self._names_nobody(called)
        if self._kind == "own texts":
            name, group, facts = "", "", {}
        if fault := _fault(text, prompt, name, group):
            self._refused.append(RefusedRow(row, fault))
        elif self._kind == "texts":
            if written and author is None:
                self._doubted["author"].append(row)
            if called and not written:
                self._doubted["nobody"].append(row)
            new = NewText(name, text, prompt or None, author, group or None)
            if not name:
                new = new._replace(name=self._made_name(row, new_text_id(new)))
            self._take_text(row, new, facts, said.get("fold", "").strip())
        elif author is None:
            fault = "the author cannot be a labeler's code" if written else "no author is named"
            if called and not written:
                fault = f"“{short(one_line(called))}” was taken for no author"
            self._refused.append(RefusedRow(row, fault))
        else:
            self._take_own(OwnText(author, text, prompt or None))

    def _take_text(self, row: int, new: NewText, facts: dict[str, str], fold: str) -> None:
        key = new_text_id(new)
        if key in self._known:
            name, author, there = self._known[key]
            if new.author is not None and new.author != author:
                self._doubted["author-kept"].append(row)
            if there is not None and fold and fold != str(there):
                self._doubted["fold"].append(row)
            if key in self._in_study and name == new.name:
                self._again += 1
            elif new.name != name and new.name in self._names:
                self._refused.append(RefusedRow(row, f"another text is called “{_shown(new)}”"))
                return
            else:
                self._copies += 1
                if new.name != name:
                    self._duplicates[new.name] = name
        elif new.name in self._names or new.name in self._duplicates:
            self._refused.append(RefusedRow(row, f"another text is called “{_shown(new)}”"))
            return
        else:
            new = self._as_before(row, key, new, fold)
            self._known[key] = new.name, new.author, None
            self._names.add(new.name)
            self._texts.append(new)
            self._row_of[key] = row
            if new.fold is not None:
                self._folds[fold_key(key, new.prompt, new.group)].add(new.fold)
            if not self._note_group(new):
                self._doubted["group"].append(row)
        self._facts += [FactRecord("image", key, fact, value) for fact, value in facts.items()]

    def _made_name(self, row: int, key: str) -> str:
        """What to call a text that the file gives no id: as the study or the file has it, else by
        its row, and by a further number where that is taken."""
        if key in self._known or key in self._replaced:
            return self._known[key][0] if key in self._known else self._replaced[key].name
        name = f"{self._path.stem} {row}"
        number = 1
        while name in self._names or name in self._duplicates or name in self._replaced_names:
            number += 1
            name = f"{self._path.stem} {row} ({number})"
        return name

    def _as_before(self, row: int, key: str, new: NewText, fold: str) -> NewText:
        """A new text with its fold, as far as an export or the import that is replaced says it."""
        before = self._replaced.get(key)
        if before is not None:
            if fold and fold != str(before.fold):
                self._doubted["fold"].append(row)
            if new.group is not None and new.group != before.group:
                self._doubted["group-kept"].append(row)
            return new._replace(group=before.group, fold=before.fold)
        return new._replace(fold=int(fold)) if self._ours and fold in _FOLDS else new

    def _settle_folds(self) -> None:
        """Texts that belong together share a fold: where the file says several, or another one than
        the study has, it is not heeded."""
        for place, new in enumerate(self._texts):
            key = new_text_id(new)
            if new.fold is None or len(self._folds[fold_key(key, new.prompt, new.group)]) == 1:
                continue
            self._texts[place] = new._replace(fold=None)
            self._doubted["fold"].append(self._row_of[key])

    def _take_own(self, own: OwnText) -> None:
        key = own.labeler, _identity(own)
        if key in self._said:
            self._copies += 1
        else:
            self._said.add(key)
            self._own.append(own)

    def _note_group(self, new: NewText) -> bool:
        """Note which group a prompt belongs to; False where it belongs to another as well."""
        if new.prompt is None:
            return True
        groups = self._groups[new.prompt]
        groups.add(new.group)
        return len(groups) == 1

    def _authors(self, table: DataTable, columns: TextColumns) -> dict[str, str]:
        """Who is meant by each different cell, however the name is spelled; others name nobody."""
        if "author" not in columns:
            return {}
        column = table.column(columns.parts["author"])
        written = [value for value in column.values if not self._names_nobody(value)]
        people = LabelerIndex(sorted(self._codes)).find_all(written)
        for value, code, how in people.joined:
            if is_name(code) and value != code:
                told = f"“{short(one_line(value))}” was taken for “{code}” (other {how})."
                self._doubts.append(Doubt("author-name", told, table.name, column.name))
        for told in people.unclear.values():
            text = f"{one_line(told)}; as it was not clear who is meant, nobody was joined."
            self._doubts.append(Doubt("author-name", text, table.name, column.name))
        return {
            value: code for value, code in zip(written, people.codes, strict=True) if is_name(code)
        }

    def _names_nobody(self, cell: str) -> bool:
        """Whether a cell for an author is empty or says as much; a code of the study's is one, and
        so is whatever an export wrote."""
        if self._ours or cell.strip() in self._codes:
            return not cell.strip()
        return is_missing(cell)

    def _fact_columns(self, table: DataTable, columns: TextColumns) -> dict[str, str]:
        """How facts about the texts are called -> their columns; nothing is kept of own texts."""
        found: dict[str, str] = {}
        for name in columns.facts:
            fact = kept_form(name).removeprefix(FACT)
            if self._kind == "texts" and is_name(fact) and fact not in found:
                found[fact] = name
            else:
                told = f"The column “{short(one_line(name))}” is not kept: {self._why_not(fact)}."
                self._doubts.append(Doubt("column", told, table.name, name))
        return found

    def _why_not(self, fact: str) -> str:
        if self._kind == "own texts":
            return "of what people wrote, only the prompt and the text are"
        return "two columns name one fact" if is_name(fact) else "it cannot name a fact"

    def _notices(self) -> Iterator[str]:
        known = sum(text.prompt is not None for text in self._texts)
        if self._texts:
            told = counted(known, "text answers", "texts answer") if known else "No text answers"
            yield f"{told} a prompt."
        if self._again:
            yield f"{counted(self._again, 'text was', 'texts were')} in the study already."
        if self._duplicates:
            some = few([f"{one_line(one)} as {one_line(two)}" for one, two in
                        self._duplicates.items()])  # fmt: skip
            yield f"Texts that are there under another id: {some}."
        if not self._texts and not self._own:
            yield "No new texts were found."
        if len(self._refused) > REFUSED_LISTED:
            many = counted(len(self._refused), "row was", "rows were")
            yield f"{many} left out; the first {REFUSED_LISTED:,} are listed."

    def _all_doubts(self) -> Iterator[Doubt]:
        yield from self._doubts
        for kind, rows in self._doubted.items():
            told = _TOLD[kind].format(counted(len(rows), "row"))
            kept = tuple(rows[:ROWS_KEPT])
            yield Doubt(kind, told, self.tables[0], rows=kept, count=len(rows))


def _fault(text: str, prompt: str, name: str, group: str) -> str:
    """Why a row cannot be used, "" if it can."""
    if not text:
        return "the text is empty"
    said = (("text", text_fault(text)), ("prompt", text_fault(prompt) if prompt else ""))
    called = (
        ("id", name_fault(name) if name else ""),
        ("group", name_fault(group) if group else ""),
    )
    return next((f"the {what} {fault}" for what, fault in (*said, *called) if fault), "")


def _identity(own: OwnText) -> str:
    return new_text_id(NewText("", own.text, own.prompt))


def _shown(new: NewText) -> str:
    return short(one_line(new.name))
