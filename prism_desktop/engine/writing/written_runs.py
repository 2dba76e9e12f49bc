"""What finished runs of the task writing say of single people and texts, read without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.parquet_forms import TEXT, Cells, Form
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder, RunSummary, list_runs
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts, read_texts

_SCORES: Final[Form] = {
    "setting": TEXT, "text": Cells("whole", low=0), "nll": Cells("real", low=0),
    "tokens": Cells("whole", low=0),
}  # fmt: skip
_KNOWN: Final = "known"  # the setting of people whom training knew
Asked = tuple[str, str]  # a person's code, and a prompt


class ReplyArguments(BaseModel):
    """What the service `replies` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path
    prompt: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextCost:
    """How little an own text was expected."""

    nats: float  # per own token
    tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class WriterRun:
    """A finished run.

    Attributes:
        title: what to call it, no two of a study alike.
        people: whom its training knew, by code.
        costs: of every tested text of theirs, by person and prompt.
        learned: whose answer to which prompt it learned from or chose settings by.
    """

    path: Path
    method: str
    title: str
    summary: WritingSummary
    people: frozenset[str]
    costs: Mapping[Asked, TextCost]
    learned: frozenset[Asked]

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.path.name


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRuns:
    """All finished runs of a study.

    Attributes:
        runs: the newest of a method first, methods as they are listed.
        people: whose texts any of them has, by code.
        texts: what they wrote in answer to which prompt, in the order in which they wrote it.
        damage: what cannot be read, a sentence each.
    """

    runs: tuple[WriterRun, ...] = ()
    people: Mapping[str, PersonFacts] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    damage: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether the people are."""
        return any(one.summary.simulated for one in self.runs)

    def prompts(self, person: str) -> tuple[str, ...]:
        """What somebody answered, what is tested by the most runs first."""
        found = self.texts.get(person, {})
        tested = Counter(asked for run in self.runs for asked in run.costs if asked[0] == person)
        return tuple(sorted(found, key=lambda prompt: -tested[person, prompt]))


def written_runs(study: Path) -> Generator[Event[WrittenRuns], None, None]:
    """Read them; the last event is Done[WrittenRuns]."""
    listed = [run for run in list_runs(study, "writing") if run.nll is not None]
    found: list[WriterRun] = []
    damage = [run.damage for run in list_runs(study, "writing") if run.damage]
    people: dict[str, PersonFacts] = {}
    texts: dict[str, dict[str, str]] = {}
    for number, run in enumerate(listed):
        yield Progress(number, len(listed), "Reading the runs that write")
        if run.damage:
            continue
        try:
            read = read_texts(RunFolder(run.path))
            found.append(_writer(run, read))
        except PrismError as error:
            damage.append(str(error))
            continue
        for row, (prompt, text) in enumerate(read.pairs):
            one = read.meta.people[read.owner[row]]
            people.setdefault(one.code, one)
            if prompt is not None:
                texts.setdefault(one.code, {}).setdefault(prompt, text)
    order = list(WRITING_METHODS)
    found.sort(key=lambda run: order.index(run.method) if run.method in order else len(order))
    yield Done(WrittenRuns(tuple(_called_apart(found)), people, texts, tuple(damage)))


def _writer(listed: RunSummary, texts: OwnTexts) -> WriterRun:
    run = RunFolder(listed.path)
    summary = run.stored(WritingSummary, layout.WRITTEN) or WritingSummary()
    asked = [
        (texts.meta.people[owner].code, prompt or "")
        for owner, (prompt, _) in zip(texts.owner, texts.pairs, strict=True)
    ]
    costs: dict[Asked, TextCost] = {}
    frame = run.frame(layout.TEXT_SCORES, _SCORES, [("setting", "=", _KNOWN)])
    for _, row, nll, tokens in frame.itertuples(index=False):
        if int(row) < len(asked) and tokens:
            costs.setdefault(asked[int(row)], TextCost(float(nll) / int(tokens), int(tokens)))
    known = frozenset(one.code for one in texts.meta.people if not one.held_out)
    learned = (
        one
        for one, split in zip(asked, texts.split, strict=True)
        if split != "test" and one[0] in known
    )
    method = WRITING_METHODS.get(listed.method)
    title = listed.label or (listed.method if method is None else method.title)
    return WriterRun(listed.path, listed.method, title, summary, known, costs, frozenset(learned))


def _called_apart(runs: list[WriterRun]) -> list[WriterRun]:
    """Runs of one title get their backbones, or their folders, beside it."""
    titles = Counter(run.title for run in runs)
    longer = [
        run
        if titles[run.title] == 1
        else replace(run, title=f"{run.title}, {run.summary.backbone}")
        for run in runs
    ]
    again = Counter(run.title for run in longer)
    return [
        run if again[run.title] == 1 else replace(run, title=f"{run.title}, {run.name}")
        for run in longer
    ]
