"""The Explore panel's operations: what it asks of the engine. Nothing here touches Qt."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.adaptation.adapted_labelers import AdaptedLabeler, list_adapted
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import people
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.run_choice import best_first
from prism_desktop.engine.runs.run_list import RunSummary, list_runs
from prism_desktop.engine.study.lacks import Lack, to_explore, to_train
from prism_desktop.ui.explore.run_data import RunData
from prism_desktop.ui.widgets.text_picture import Sources, WrittenCard

if TYPE_CHECKING:
    from prism_desktop.engine.analysis.mean_relevance import MeanRelevance
    from prism_desktop.engine.analysis.mean_word_relevance import MeanWordRelevance
    from prism_desktop.engine.analysis.relevance_map import Relevance
    from prism_desktop.engine.analysis.word_relevance import WordRelevance
    from prism_desktop.engine.study.store import Study

MAPS = {
    "occlusion": "Occlusion",
    "gradient-attention": "Gradient × attention",
    "legrad": "LeGrad",
    "grad-eclip": "Grad-ECLIP",
    "attention": "Raw attention",
    "rollout": "Attention rollout",
}

# of one face also: what a labeler's model sees that the mean of others' does not
DIFFERENCE = "difference"
FACE_MAPS = {**MAPS, DIFFERENCE: "Difference from others"}

# of texts
WORD_MAPS = {
    "occlusion": "Occlusion",
    "integrated-gradients": "Integrated gradients",
    "gradient-input": "Gradient × input",
}
TEXT_MAPS = {**WORD_MAPS, DIFFERENCE: "Difference from others"}

OPACITY, FAINT = 0.6, 0.35  # of a map, and times that where its own test does not support it


@dataclass(frozen=True, slots=True, eq=False)
class FaceRelevance:
    """Where a labeler's model looks."""

    values: NDArray[np.float32]  # (rows, columns)
    # left, top, width, height of what the model saw, in shares of the image
    area: tuple[float, float, float, float]
    passed: bool | None  # its deletion test; None where it has none
    verdict: str  # a sentence about the test
    attention: str = ""  # a sentence on the class token and the labeler's own
    second: "FaceRelevance | None" = None  # of a pair: the other face's map
    whole: "Relevance | None" = None  # as the engine has it, without its image

    @property
    def grids(self) -> tuple[NDArray[np.float32], ...]:
        """The map, of a pair both."""
        return (self.values,) if self.second is None else (self.values, *self.second.grids)

    @property
    def opacity(self) -> float:
        """Of 1; a map that its own test does not support fades."""
        return FAINT if self.passed is False else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LabelerRelevance:
    """One labeler's map among those of several."""

    labeler: str
    found: FaceRelevance


@dataclass(frozen=True, slots=True)
class MapsRequest:
    """What maps of many faces are of."""

    labeler: str
    attribute: str
    faces: int
    kind: str
    against: str  # whom they are compared with; empty for nobody


@dataclass(frozen=True, slots=True, eq=False)
class ManyMaps:
    """Where a labeler's model looks over many faces."""

    maps: "MeanRelevance"

    @property
    def labeler(self) -> str:
        """Whose model."""
        return self.maps.labeler

    @property
    def against(self) -> str:
        """Whom it is compared with."""
        return self.maps.against

    @property
    def opacity(self) -> float:
        """Of the maps; those that their own test does not support fade."""
        return OPACITY * (1.0 if self.maps.supported else FAINT)


@dataclass(frozen=True, slots=True, eq=False)
class ManyWordMaps:
    """Which words matter to a labeler's model over many texts."""

    maps: "MeanWordRelevance"

    @property
    def labeler(self) -> str:
        """Whose model."""
        return self.maps.labeler

    @property
    def against(self) -> str:
        """Whose score is taken off."""
        return self.maps.against


def first_step(study: "Study") -> Lack:
    """What to do first where there is no run to explore."""
    info = study.info()
    return to_explore(
        to_train(
            images=info.images,
            attributes=sum(each.confirmed for each in study.attributes()),
            labelers=info.labelers,
            answers=info.rating_trials + info.comparison_trials,
            words=info.words,
        )
    )


def explorable(study: Path) -> tuple[RunSummary, ...]:
    """The study's runs that have predictions, those first that answer questions best."""
    found = [run for run in list_runs(study) if (run.path / layout.PREDICTIONS).is_file()]
    return best_first(found)


def run_with(runs: Sequence[RunSummary], labelers: Sequence[str]) -> RunSummary | None:
    """The first of these runs, best first, that is finished and knows all these labelers."""
    for run in runs:
        folder = RunFolder(run.path)
        known = {*_trained(folder), *(each.code for each in list_adapted(folder))}
        if run.state not in ACTIVE and known.issuperset(labelers):
            return run
    return None


def _trained(folder: RunFolder) -> tuple[str, ...]:
    try:
        return folder.meta().codes
    except RunError:  # its files were moved away
        return ()


def thumbnail_paths(data: RunData | None, key: str) -> Sources:
    """Where a small image may lie, then where the image itself does; of a text its card."""
    if data is None:
        return ()
    if key in data.texts:
        prompt, text = data.texts[key]
        return (WrittenCard(text, prompt),)
    from prism_desktop.engine.study.images import thumbnail_path

    thumbnail = thumbnail_path(data.folder.parent.parent, key)
    row = data.row.get(key)
    return (thumbnail,) if row is None else (thumbnail, Path(data.paths[row]))


def files_of(sources: Sources) -> tuple[Path, ...]:
    """Those that are files, for figures, which draw no texts."""
    return tuple(source for source in sources if isinstance(source, Path))


def whole_image(data: RunData, key: str) -> Sources:
    """Where the image itself may lie, then a small one; of a text its card."""
    small = thumbnail_paths(data, key)
    return small if key in data.texts else (Path(data.paths[data.row[key]]), *small)


def study_thumbnail(study: Path, key: str) -> tuple[Path, ...]:
    """Where a small image of a study may lie."""
    from prism_desktop.engine.study.images import thumbnail_path

    return (thumbnail_path(study, key),)


def result(events: Iterable[Any]) -> Any:
    """The value of the `Done` among events, None if it is not among them."""
    return next((event.value for event in events if isinstance(event, Done)), None)


def paper_figure(study: Path, run: Path | None, name: str, path: Path) -> Iterator[Event[Path]]:
    """Draw a figure for a paper and write its drafted caption beside it; the last event is
    `Done[Path]`."""
    yield Progress(0, None, "Drawing the figure")
    from prism_desktop.engine.analysis.plotting import save_figure
    from prism_desktop.engine.experiments import paper_figures
    from prism_desktop.engine.files import put_text, write_named
    from prism_desktop.engine.study.store import Study

    with Study.open(study, read_only=True) as opened:
        given = paper_figures.material(opened, run)
    made = paper_figures.paper_figure(name, given)
    save_figure(made.figure, path)
    beside = path.with_name(f"{path.stem}-caption.txt")
    write_named(beside, lambda file: put_text(file, made.caption + "\n"))
    yield Done(path)


def study_report(study: Path, run: Path | None, path: Path) -> Iterator[Event[Path]]:
    """Write the report of a study as its file's name ends; the last event is `Done[Path]`."""
    yield Progress(0, None, "Writing the report")
    from prism_desktop.engine.experiments import study_report as reports
    from prism_desktop.engine.experiments.report_html import as_html
    from prism_desktop.engine.experiments.report_pdf import write_pdf
    from prism_desktop.engine.files import put_text, write_named
    from prism_desktop.engine.study.store import Study

    with Study.open(study, read_only=True) as opened:
        for event in reports.study_report(opened, reports.ReportOptions(run)):
            if not isinstance(event, Done):
                yield event
                continue
            made = event.value
    pdf = path.suffix.lower() == ".pdf"
    write_named(path, lambda file: write_pdf(made, file) if pdf else put_text(file, as_html(made)))
    yield Done(path)


def relevance(
    data: RunData, face: int, labeler: str, attribute: str, kind: str, over: int | None = None
) -> Iterator[Event[FaceRelevance]]:
    """Where a labeler's model looks in a face; the last event is `Done[FaceRelevance]`.

    `kind` is one of FACE_MAPS, of raw attention perhaps with a block and a head; `over` the second
    face of a pair.
    """
    face_file, other = Path(data.paths[face]), None if over is None else Path(data.paths[over])
    asking = data.model().relevance(labeler, attribute, face_file, *map_rule(kind), other)
    for event in asking:
        yield Done(_shown(event.value)) if isinstance(event, Done) else event


def _shown(found: "Relevance") -> FaceRelevance:
    area = found.area
    second = None if found.other is None else _shown(found.other)
    return FaceRelevance(
        found.grid,
        (area.left, area.top, area.width, area.height),
        found.supported,
        found.verdict(),
        found.attention_told(),
        second,
        found,
    )


def map_title(kind: str) -> str:
    """What to call a kind of map, with its block and head."""
    name, *places = kind.split(":")
    told = [f"{what} {place}" for what, place in zip(("block", "head"), places, strict=False)]
    return ", ".join(({**FACE_MAPS, **WORD_MAPS}[name], *told))


def map_rule(kind: str) -> tuple[str, bool, str]:
    """A kind as `relevance` takes it as the engine knows it: the kind, whether it is tested, whose
    score is taken off."""
    different = kind == DIFFERENCE
    return ("occlusion" if different else kind), True, ("consensus" if different else "")


def maps(
    data: RunData,
    face: int,
    labelers: Sequence[str],
    attribute: str,
    kind: str,
    over: int | None = None,
) -> Iterator[Event[FaceRelevance] | LabelerRelevance]:
    """Where the models of several labelers look in a face, or in a pair,
    one after another, each told as soon as it is known."""
    for labeler in labelers:
        for event in relevance(data, face, labeler, attribute, kind, over):
            yield LabelerRelevance(labeler, event.value) if isinstance(event, Done) else event


def score_text(data: RunData, attribute: str) -> Iterator[Event[dict[str, NDArray[np.float32]]]]:
    """Score every face on an attribute in the user's words.

    The last event is `Done` of (images,) by labeler.
    """
    grown = data.grown
    files = dict(zip(data.images, map(Path, data.paths), strict=True)) if grown else None
    for event in data.model().scores(attribute, None, files, data.texts if grown else None):
        if not isinstance(event, Done):
            yield event
            continue
        found = event.value
        place = [data.row[image] for image in found.images]
        columns = {}
        for labeler, values in zip(found.labelers, found.table, strict=True):
            columns[labeler] = np.full(len(data.images), np.nan, np.float32)
            columns[labeler][place] = values
        yield Done(columns)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A labeler of the study whom the run does not know."""

    code: str
    name: str
    trials: int  # answered ones


def candidates(study: "Study", known: tuple[str, ...]) -> tuple[Candidate, ...]:
    """The study's labelers with answers who are not in a run, those with the most answers first."""
    names = people((each.code, each.display_name) for each in study.labelers())
    found = [
        Candidate(each.labeler, names[each.labeler], each.ratings + each.comparisons)
        for each in study.progress()
        if each.labeler not in known and each.ratings + each.comparisons
    ]
    return tuple(sorted(found, key=lambda each: -each.trials))


def tested(adapted: AdaptedLabeler) -> str:
    """How well a new labeler is served, in a sentence."""
    if adapted.accuracy is None:
        return adapted.note
    within = (
        f" [{adapted.low:.0%}, {adapted.high:.0%}]"
        if None not in (adapted.low, adapted.high)
        else ""
    )
    start = (
        f", before learning from any of them {adapted.start:.0%}"
        if adapted.start is not None
        else ""
    )
    few = f"{TOO_FEW.capitalize()}: on" if too_few(adapted.tested) else "On"
    return (
        f"{few} {counted(adapted.tested, 'own answer')}, cross-validated: {adapted.accuracy:.0%} "
        f"right{within}{start}."
    )


def many_maps(data: RunData, asked: MapsRequest) -> Iterator[Event[Any] | ManyMaps | ManyWordMaps]:
    """Where a labeler's model looks over many faces, or which words of many texts matter to it; the
    last event is `ManyMaps` or `ManyWordMaps`."""
    model, whose = data.model(), (asked.labeler, asked.attribute, asked.faces, asked.kind)
    if data.texts:
        for of_words in model.mean_word_relevance(*whose, asked.against):
            yield ManyWordMaps(of_words.value) if isinstance(of_words, Done) else of_words
        return
    for event in model.mean_relevance(*whose, asked.against):
        yield ManyMaps(event.value) if isinstance(event, Done) else event


def word_map(
    data: RunData, face: int, labeler: str, attribute: str, kind: str
) -> "Iterator[Event[WordRelevance]]":
    """Which words of a text matter to a labeler's model; the last event is `Done[WordRelevance]`.

    `kind` is one of TEXT_MAPS.
    """
    rule, _, against = map_rule(kind)
    yield from data.model().word_relevance(labeler, attribute, data.images[face], rule, against)
