"""What each exported table holds, row by row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prism_desktop.engine.study.exporting import columns as spec
from prism_desktop.engine.study.exporting.columns import Column, Value
from prism_desktop.engine.study.records import ImageId, TrialRecord
from prism_desktop.engine.study.store import Study

Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table ready to be written."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]

    def filled(self) -> list[int]:
        """Per column, in how many rows it is not empty."""
        return [
            sum(row[place] not in (None, "") for row in self.rows)
            for place in range(len(self.columns))
        ]


def sheets(study: Study, tables: Iterable[str]) -> Iterator[Sheet]:
    """The tables asked for, in the order asked for."""
    names = {image.id: image.name for image in study.images()}
    trials = list(enumerate(study.trials(current=False), start=1))
    for table in tables:
        if table == "ratings":
            yield Sheet(
                table,
                spec.RATINGS,
                [row for n, t in trials if t.kind == "rating" for row in _rating(n, t, names)],
            )
        elif table == "comparisons":
            pairs = [
                row for n, t in trials if t.kind == "comparison" for row in _comparison(n, t, names)
            ]
            yield Sheet(table, spec.COMPARISONS, pairs)
        elif table == "images":
            yield Sheet(
                table,
                spec.IMAGES,
                [(i.id, i.name, i.width, i.height, i.fold) for i in study.images()],
            )
        elif table == "labelers":
            people = [(p.code, p.display_name, p.profile, p.simulated) for p in study.labelers()]
            yield Sheet(table, spec.LABELERS, people)
        elif table == "attributes":
            yield _attributes(study)


def codebook(written: Sequence[Sheet]) -> Sheet:
    """Every column of the tables written, explained and counted."""
    rows: list[Row] = [
        (sheet.name, column.name, column.type, column.explanation, len(sheet.rows), filled)
        for sheet in written
        for column, filled in zip(sheet.columns, sheet.filled(), strict=True)
    ]
    return Sheet("codebook", spec.CODEBOOK, rows)


def _rating(number: int, trial: TrialRecord, names: Mapping[ImageId, str]) -> Iterator[Row]:
    for attribute, answer in _answers(trial):
        raw = trial.raw.get(attribute) if attribute is not None else None
        image = (names[trial.left], trial.left)
        yield (*_place(number, trial), *image, attribute, answer, raw, *_facts(trial))


def _comparison(number: int, trial: TrialRecord, names: Mapping[ImageId, str]) -> Iterator[Row]:
    right = trial.right or ""
    for attribute, answer in _answers(trial):
        pair = (names[trial.left], names[right], trial.left, right)
        yield (*_place(number, trial), *pair, attribute, answer, *_facts(trial))


def _answers(trial: TrialRecord) -> list[tuple[str | None, int | str | None]]:
    """Attribute and answer; one empty pair for a trial without answers, so that it is not lost."""
    return list(trial.answers.items()) or [(None, None)]


def _place(number: int, trial: TrialRecord) -> Row:
    return trial.id, number, trial.labeler, trial.session, trial.order


def _facts(trial: TrialRecord) -> Row:
    return (
        trial.onset,
        trial.seconds,
        trial.status,
        trial.skip_reason,
        trial.repeat_of,
        trial.superseded_by,
        trial.source,
        trial.probability,
        trial.dropped_frames,
        trial.import_id,
    )


def _attributes(study: Study) -> Sheet:
    """Attributes with a column per prompt template.

    One with fewer templates than the others leaves its last columns empty.
    """
    attributes = study.attributes()
    most = max((len(attribute.templates) for attribute in attributes), default=0)
    rows: list[Row] = []
    for attribute in attributes:
        spare = (None,) * (most - len(attribute.templates))
        rows.append(
            (
                attribute.name,
                attribute.question,
                *attribute.scale_labels,
                *attribute.templates,
                *spare,
            )
        )
    return Sheet("attributes", spec.attribute_columns(most), rows)
