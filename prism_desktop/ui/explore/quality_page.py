"""What the quality view shows, in words: made off the window's thread, free of arrays and Qt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.clocks import duration
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.labeling.exclusion_rules import ExclusionRules
from prism_desktop.engine.names import people
from prism_desktop.engine.plain_text import dated
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.stimulus_words import StimulusWords
from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.ui.widgets.text_picture import Sources, WrittenCard

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.evaluation.quality.labeler_measures import Checks
    from prism_desktop.engine.evaluation.quality.quality_report import (
        AttributeQuality,
        LabelerQuality,
        QualityReport,
    )
    from prism_desktop.engine.study.store import Study

SHORT = {  # measures in the table of labelers, and their heads there
    "consistency": "Consistency",
    "retest_comparisons": "Repeats alike",
    "bridge": "Go with ratings",
    "left": "Left side",
    "ties": "Ties",
    "seconds": "Time",
}
SORTS = {
    "repeat": "Repeat",
    "circle": "Circle",
    "bridge": "Rating",
}


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure: its title, what was found, whether that is too little, what it means."""

    title: str
    told: str
    few: bool
    meaning: str

    @property
    def found(self) -> str:
        """What was found, for below a heading that says that it is too little."""
        return self.told.removeprefix(f"{TOO_FEW}: ")


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """Answers that contradict each other."""

    sort: str
    attribute: str
    images: tuple[str, ...]
    trials: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class LabelerLine:
    """One labeler: a row of the table, and what is shown beside it."""

    code: str
    name: str
    flags: tuple[str, ...]
    cells: tuple[str, ...]  # by SHORT
    headline: str
    measures: tuple[MeasureLine, ...]
    examples: tuple[ExampleLine, ...]


@dataclass(frozen=True, slots=True)
class AttributeLine:
    """One attribute by answers of one kind and some of the labelers."""

    name: str
    kind: str
    who: str  # the number of labelers, and of which sort where not all
    faces: int
    measures: tuple[MeasureLine, ...]
    enough: str  # the curve in words

    @property
    def title(self) -> str:
        """All of what it is about."""
        return f"{self.name}, {self.kind}, labelers: {self.who}, faces: {self.faces:,}"


@dataclass(frozen=True, slots=True)
class QualityPage:
    """All of it."""

    labelers: tuple[LabelerLine, ...]
    attributes: tuple[AttributeLine, ...]
    notes: tuple[str, ...]
    files: dict[str, Sources]  # image -> where it may lie
    marks: tuple[tuple[str, ...], ...]  # trial, labeler, attribute, reason


@dataclass(frozen=True, slots=True, eq=False)
class QualityInput:
    """What a study holds of it; outlives a study that is closed."""

    compared: "pd.DataFrame"
    rated: "pd.DataFrame"
    left_out: str  # a sentence on what the study itself leaves out
    checks: "Mapping[str, Checks]"  # labeler -> attention checks
    names: dict[str, str]  # of the labelers, by code
    sources: dict[str, Sources]  # image or text -> where it may lie, or its card
    words: StimulusWords


def state_of(study: "Study") -> object:
    """Another value once answers, people or attributes have changed."""
    return study.progress(), study.attributes(), study.labelers()


def quality_input(study: "Study") -> QualityInput:
    """Read what is to be looked at."""
    names = people((each.code, each.display_name) for each in study.labelers())
    from prism_desktop.engine.study.images import thumbnail_path

    path = Path(study.path)
    sources: dict[str, Sources] = {
        image.id: (thumbnail_path(path, image.id), image.path) for image in study.images()
    }
    sources |= {text.id: (WrittenCard(text.text, text.prompt),) for text in study.texts()}
    from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at

    confirmed = [each.name for each in study.attributes() if each.confirmed]
    found = answers_looked_at(study, confirmed)
    return QualityInput(
        found.compared,
        found.rated,
        found.left_out,
        found.checks,
        names,
        sources,
        study.words(),
    )


def label_quality(given: QualityInput, rules: ExclusionRules) -> Iterator[Event[QualityPage]]:
    """Look at all answers of a study; the last event is `Done[QualityPage]`."""
    yield Progress(0, None, "Loading")
    from prism_desktop.engine.evaluation.quality.quality_report import study_quality

    for event in study_quality(given.compared, given.rated, rules, given.left_out, given.checks):
        if not isinstance(event, Done):
            yield event
            continue
        report = event.value
        wanted = {image for each in report.labelers for e in each.examples for image in e.images}
        files: dict[str, Sources] = {
            image: given.sources[image] for image in wanted & given.sources.keys()
        }
        yield Done(_worded(_page(report, given.names, files), given.words))


def trials_in_words(study: "Study", example: ExampleLine) -> tuple[str, ...]:
    """Each trial on a line: when, what was shown, the answer, how long it took."""
    words = study.words()
    return tuple(_trial(study.trial(trial), example, words) for trial in example.trials)


def _trial(trial: TrialRecord, example: ExampleLine, words: StimulusWords) -> str:
    when = "" if trial.onset is None else dated(trial.onset, "%d %b %Y %H:%M:%S, ")
    took = "" if trial.seconds is None else f", trial of {duration(trial.seconds, 1)}"
    answer = trial.answers.get(example.attribute, "no answer")
    shown = [image for image in (trial.left, trial.right) if image is not None]
    faces = " and ".join(str(example.images.index(image) + 1) for image in shown)
    return (
        f"{when}{trial.kind} of {word_for(len(shown), words.one)} {faces}: {answer}{took} "
        f"({trial.id[:8]})"
    )


def _page(report: "QualityReport", names: dict[str, str], files: dict[str, Sources]) -> QualityPage:
    return QualityPage(
        tuple(_labeler(each, names) for each in report.labelers),
        tuple(line for each in report.attributes for line in _attribute(each)),
        (report.left_out(), *report.notices),
        files,
        tuple(tuple(map(str, row)) for row in report.marks.itertuples(index=False, name=None)),
    )


def _worded(page: QualityPage, words: StimulusWords) -> QualityPage:
    """The page for what the study holds; labelers' names stay."""

    def measures(lines: tuple[MeasureLine, ...]) -> tuple[MeasureLine, ...]:
        return tuple(
            replace(each, title=words.told(each.title), meaning=words.told(each.meaning))
            for each in lines
        )

    return replace(
        page,
        labelers=tuple(
            replace(
                each,
                flags=tuple(map(words.told, each.flags)),
                headline=words.told(each.headline),
                measures=measures(each.measures),
                examples=tuple(replace(one, text=words.told(one.text)) for one in each.examples),
            )
            for each in page.labelers
        ),
        attributes=tuple(
            replace(each, measures=measures(each.measures)) for each in page.attributes
        ),
        notes=tuple(map(words.told, page.notes)),
    )


def _labeler(found: "LabelerQuality", names: dict[str, str]) -> LabelerLine:
    from prism_desktop.engine.evaluation.quality.quality_words import (
        LABELER,
        headline,
        told_measure,
    )

    told = {words.key: told_measure(found, words) for words in LABELER}
    return LabelerLine(
        found.code,
        names.get(found.code, found.code),
        tuple(flag.reason for flag in found.flags),
        tuple(told[key].head for key in SHORT),
        f"{counted(found.comparisons, 'answer')} to comparisons, "
        f"{counted(found.ratings, 'rating')}. {headline(found)}",
        tuple(
            MeasureLine(words.title, told[words.key].line, told[words.key].few, words.meaning)
            for words in LABELER
        ),
        tuple(
            ExampleLine(each.sort, each.attribute, each.images, each.trials, each.text)
            for each in found.examples
        ),
    )


def _attribute(found: "AttributeQuality") -> Iterator[AttributeLine]:
    from prism_desktop.engine.evaluation.quality.quality_words import KIND, told_kind

    for part in (found.ratings, found.comparisons):
        if part is None:
            continue
        who = f"{part.labelers:,}"
        if found.group != "all":
            who += f" who {'did both' if found.group == 'both' else found.group}"
        curve = ", ".join(
            f"{count}: {each.value:.2f} [{each.low:.2f}, {each.high:.2f}]"
            for count, each in part.enough
            if each.n
        )
        yield AttributeLine(
            found.attribute,
            f"{part.kind}s",
            who,
            part.faces,
            tuple(
                MeasureLine(words.title, told.line, told.few, words.meaning)
                for words in KIND
                if (told := told_kind(part, words)).number != "–"
            ),
            f"Reliability of the mean of so many labelers, one answer each: {curve}."
            if curve
            else "",
        )
