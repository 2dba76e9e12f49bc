"""What each exported table holds, row by row; trials are read some at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from prism_desktop.engine.hearing import check_wanted
from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.attribute_scales import attribute_scales
from prism_desktop.engine.study.exporting import columns as spec
from prism_desktop.engine.study.exporting.columns import Column, Value
from prism_desktop.engine.study.records import ImageId, Kind, TrialRecord
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import text_id

Row = tuple[Value, ...]


@dataclass(slots=True)
class Sheet:
    """A table ready to be written, once: what its columns hold is counted meanwhile."""

    name: str
    columns: tuple[Column, ...]
    count: int  # rows expected, for the progress
    make: Callable[[], Iterable[Row]]
    written: int = 0
    filled: list[int] = field(default_factory=list)  # per column, in how many rows it is not empty

    def rows(self) -> Iterator[Row]:
        """Every row."""
        self.written, self.filled = 0, [0] * len(self.columns)
        filled = self.filled
        for row in self.make():
            self.written += 1
            for place, value in enumerate(row):
                if value is not None and value != "":
                    filled[place] += 1
            yield row


@dataclass(slots=True)
class TrialCounts:
    """What the codebook says about all trials, counted while they are written."""

    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    timed: int = 0  # trials whose frames were measured
    late: int = 0  # those painted late
    skips: int = 0  # questions skipped in trials of which others were answered
    flags: Counter[str] = field(default_factory=Counter)  # trials that have it


class FactTable:
    """What imports say about labelers and images, as columns."""

    def __init__(self, study: Study) -> None:
        self._values: dict[tuple[str, str], dict[str, str]] = {}
        names: dict[str, set[str]] = {"rater": set(), "image": set()}
        for fact in study.facts():
            names[fact.kind].add(fact.name)
            self._values.setdefault((fact.kind, fact.owner), {})[fact.name] = fact.value
        self.names = {kind: sorted(known) for kind, known in names.items()}
        # (kind, name) -> of how many it is known
        self.counts = Counter(
            (kind, name) for (kind, _), values in self._values.items() for name in values
        )

    def of(self, kind: Literal["rater", "image"], owner: str) -> Row:
        """Its facts in the order of the names, None where nothing is known."""
        values = self._values.get((kind, owner), {})
        return tuple(values.get(name) for name in self.names[kind])


class Tables:
    """The tables of a study."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._words = study.words()
        self._names = {each.id: each.name for each in study.stimuli()}
        self._people = people_with_codes((p.code, p.display_name) for p in study.labelers())
        self._counts: TrialCounts | None = None
        self.facts = FactTable(study)

    def sheet(self, table: str) -> Sheet:
        """One of `export.TABLES`."""
        if table == "ratings":
            about = "image" if self._words is FACES else "stimulus"
            return self._trials("ratings", "rating", spec.RATINGS, ("rater", about), self._rating)
        if table == "comparisons":
            prefixes = ("rater", "left", "right")
            return self._trials(
                "comparisons", "comparison", spec.COMPARISONS, prefixes, self._comparison
            )
        made = {
            "images": self._images,
            "texts": self._texts,
            "own_texts": self._own_texts,
            "labelers": self._labelers,
        }
        return made.get(table, self._attributes)()

    def counts(self) -> TrialCounts:
        """Of all trials."""
        if self._counts is None:
            for _ in self._log():
                pass
        assert self._counts is not None
        return self._counts

    def _log(self) -> Iterator[tuple[int, TrialRecord]]:
        """Every trial with its place in the log, from 1."""
        number, counts = 0, TrialCounts()
        for page in self._study.trial_pages():
            check_wanted()  # there may be no row of this table for long
            for trial in page:
                number += 1
                counts.kinds[trial.kind, trial.status] += 1
                if trial.dropped_frames is not None:
                    counts.timed += 1
                    counts.late += trial.dropped_frames > 0
                counts.skips += len(trial.skips) if trial.answers else 0
                counts.flags.update(trial.flags)
                yield number, trial
        self._counts = counts

    def _trials(
        self,
        table: str,
        kind: Kind,
        columns: Sequence[Column],
        prefixes: Sequence[str],
        rows: Callable[[int, TrialRecord], Iterator[Row]],
    ) -> Sheet:
        made = list(spec.worded(columns, self._words))
        for prefix in prefixes:
            names = self.facts.names["rater" if prefix == "rater" else "image"]
            made += spec.worded(spec.fact_columns(prefix, names, made), self._words)

        def make() -> Iterator[Row]:
            for number, trial in self._log():
                if trial.kind == kind:
                    yield from rows(number, trial)

        return Sheet(table, tuple(made), self._study.answer_rows().get(kind, 0), make)

    def _rating(self, number: int, trial: TrialRecord) -> Iterator[Row]:
        facts = (*self.facts.of("rater", trial.labeler), *self.facts.of("image", trial.left))
        image = (self._names[trial.left], trial.left)
        for attribute, answer in _answers(trial):
            raw = trial.raw.get(attribute) if attribute is not None else None
            place = self._place(number, trial)
            around = _circumstances(trial, attribute)
            yield (*place, *image, attribute, answer, raw, *around, *facts)

    def _comparison(self, number: int, trial: TrialRecord) -> Iterator[Row]:
        right: ImageId = trial.right or ""
        facts = (
            *self.facts.of("rater", trial.labeler),
            *self.facts.of("image", trial.left),
            *self.facts.of("image", right),
        )
        pair = (self._names[trial.left], self._names[right], trial.left, right)
        for attribute, answer in _answers(trial):
            place = self._place(number, trial)
            strength = trial.strengths.get(attribute) if attribute is not None else None
            around = _circumstances(trial, attribute)
            yield (*place, *pair, attribute, answer, strength, *around, *facts)

    def _place(self, number: int, trial: TrialRecord) -> Row:
        called = self._people.get(trial.labeler, trial.labeler)
        return trial.id, number, trial.labeler, called, trial.session, trial.order

    def _images(self) -> Sheet:
        rows = [
            (i.id, i.name, i.width or None, i.height or None, i.fold, *self.facts.of("image", i.id))
            for i in self._study.images()
        ]
        names = spec.fact_columns("fact", self.facts.names["image"], spec.IMAGES)
        return Sheet("images", (*spec.IMAGES, *names), len(rows), lambda: rows)

    def _texts(self) -> Sheet:
        rows = [
            (each.id, each.name, each.prompt, each.text, each.author, each.group, each.fold,
             *self.facts.of("image", each.id))
            for each in self._study.texts()
        ]  # fmt: skip
        names = spec.fact_columns("fact", self.facts.names["image"], spec.TEXTS)
        return Sheet("texts", (*spec.TEXTS, *names), len(rows), lambda: rows)

    def _own_texts(self) -> Sheet:
        rows: list[Row] = [
            (text_id(each.text, each.prompt), each.labeler, each.prompt, each.text)
            for each in self._study.own_texts()
        ]
        return Sheet("own_texts", spec.OWN_TEXTS, len(rows), lambda: rows)

    def _labelers(self) -> Sheet:
        rows = [
            (p.code, p.display_name, p.profile, p.simulated, *self.facts.of("rater", p.code))
            for p in self._study.labelers()
        ]
        names = spec.fact_columns("fact", self.facts.names["rater"], spec.LABELERS)
        return Sheet("labelers", (*spec.LABELERS, *names), len(rows), lambda: rows)

    def _attributes(self) -> Sheet:
        """Attributes with a column per prompt template.

        One with fewer templates than the others leaves its last columns empty.
        """
        attributes = self._study.attributes()
        scales = attribute_scales(self._study.imports())
        most = max((len(attribute.templates) for attribute in attributes), default=0)
        rows: list[Row] = []
        for each in attributes:
            spare = (None,) * (most - len(each.templates))
            texts = (*each.scale_labels, *each.templates, *spare)
            scale = scales.get(each.name)
            ends = (None, None) if scale is None else (scale.low, scale.high)
            rows.append((each.name, each.question, each.confirmed, *ends, *texts))
        return Sheet("attributes", spec.attribute_columns(most), len(rows), lambda: rows)


def codebook(written: Sequence[Sheet]) -> Sheet:
    """Every column of the tables that were written, explained and counted."""
    rows: list[Row] = [
        (sheet.name, column.name, column.type, column.explanation, sheet.written, filled)
        for sheet in written
        for column, filled in zip(sheet.columns, sheet.filled, strict=True)
    ]
    return Sheet("codebook", spec.CODEBOOK, len(rows), lambda: rows)


def scale_labels(study: Study) -> Mapping[int, str]:
    """What the ratings 1 to 4 are called, if every attribute calls them the same."""
    named = {attribute.scale_labels for attribute in study.attributes()}
    return dict(enumerate(named.pop(), start=1)) if len(named) == 1 else {}


def _answers(trial: TrialRecord) -> list[tuple[str | None, int | str | None]]:
    """Attribute and answer, None for one that was skipped; one empty pair for a trial of which
    nothing is known, so that it is not lost."""
    skipped = ((attribute, None) for attribute in trial.skips)
    return [*trial.answers.items(), *skipped] or [(None, None)]


def _circumstances(trial: TrialRecord, attribute: str | None) -> Row:
    onset, seconds = (trial.onset, trial.seconds) if attribute is None else trial.time(attribute)
    status, reason = trial.status, trial.skip_reason
    if attribute is not None:
        reason = trial.skips.get(attribute)
        status = "skipped" if reason is not None and status == "answered" else status
    told = (aside(trial.flags) or status) if status == "answered" else status
    return (
        onset,
        seconds,
        told,
        reason,
        trial.onset,
        trial.seconds,
        " ".join(trial.flags) or None,
        trial.block,
        trial.strategy,
        trial.repeat_of,
        trial.superseded_by,
        trial.source,
        trial.probability,
        trial.dropped_frames,
        trial.import_id,
    )
