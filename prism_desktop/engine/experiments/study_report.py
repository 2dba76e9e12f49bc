"""The report of a study and its runs, for somebody who has not seen the program."""

import platform
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final, get_args

import prism_desktop
from prism_desktop.engine.analysis.plotting import JUDGMENTS
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.publication.methods_text import methods
from prism_desktop.engine.evaluation.publication.pseudonyms import Pseudonyms
from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at
from prism_desktop.engine.evaluation.quality.quality_report import (
    LabelerQuality,
    QualityReport,
    study_quality,
)
from prism_desktop.engine.evaluation.quality.quality_words import (
    LABELER,
    MeasureWords,
    told_measure,
)
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.experiments.figure_names import FIGURE_TITLES
from prism_desktop.engine.experiments.paper_figures import (
    Material,
    material,
    paper_figure,
)
from prism_desktop.engine.experiments.report_blocks import (
    Block,
    Paragraph,
    Points,
    Report,
    ReportFigure,
    ReportTable,
    SectionHeading,
)
from prism_desktop.engine.experiments.writing_section import writing_limits, writing_section
from prism_desktop.engine.methods import METHODS, method_title
from prism_desktop.engine.runs.estimates import (
    ABOVE_CEILING,
    WHAT_INTERVALS,
    WHY_TOO_FEW,
    knowledge_of,
    told_accuracy,
    told_gain,
    told_share,
)
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy, Difference, Result, Summary
from prism_desktop.engine.runs.run_choice import best_first, run_name
from prism_desktop.engine.runs.run_list import RunSummary
from prism_desktop.engine.runs.writing_files import WritingLeaderboard
from prism_desktop.engine.stimulus_words import FACES
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.questions import own_wording
from prism_desktop.engine.study.records import Kind
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.writing.board_table import boards_left_out, newest_board

_SHOWN: Final = (
    "People were shown photographs or drawings of faces and said, face by face or for two faces "
    "side by side, how each looked to them."
)
_READ: Final = (
    "People read {many} and said, {one} by {one} or for two {many} side by side, how each sounded "
    "to them."
)
_STRANGER: Final = (
    "Such judgments differ between people. A model of each person, a labeler, learns from their "
    "answers what they would say of other faces, and is tested on answers that it never saw. A "
    "consensus model, which says the same for everybody, is what a personal one has to beat."
)
_CARE: Final = ("consistency", "retest_comparisons", "left")


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What a report tells.

    Attributes:
        run: whose results are shown in detail; None for the best that tells labelers apart.
        pseudonyms: whether labelers are called by numbers.
    """

    run: Path | None = None
    pseudonyms: bool = False


def study_report(study: Study, options: ReportOptions = ReportOptions()) -> Iterator[Event[Report]]:
    """Assemble it.

    Real and simulated labelers are kept apart: where people answered, programs' answers are in
    nothing of it.

    Args:
        study: open, read-only will do.
        options: what it tells.

    Yields:
        Progress, then Done with the report.

    Raises:
        InputError: nobody confirmed what is judged and no methods of writing were compared, or the
            run cannot be read.
    """
    yield Progress(0, 4, "Reading the study")
    confirmed, _ = confirmed_names(study.attributes(), study.path)
    board = newest_board(Path(study.path))
    if not confirmed and board is None:
        raise InputError("The study has no attribute that is judged: nothing to report.")
    given = material(study, options.run)
    name = given.words.told("A study of faces") if options.pseudonyms else Path(study.path).stem
    if options.pseudonyms:
        code = Pseudonyms(study.id, study.labelers(), study.images())
        given = replace(given, names={each: code.labelers[each] for each in given.names})
    if confirmed:
        blocks = yield from _judged(study, given, confirmed)
        about = "what was judged, and what models learned"
    else:
        blocks, about = [], "what models learned of how people write"
    blocks += _writing(given, board)
    blocks += [*(_limits(given) if confirmed else ()), *_versions(given)]
    yield Done(Report(f"{name}: {about}", tuple(blocks)))


def _judged(
    study: Study, given: Material, confirmed: Sequence[str]
) -> Generator[Progress, None, list[Block]]:
    """What was asked, who answered how, and what models learned of it."""
    looked = answers_looked_at(study, confirmed)
    yield Progress(1, 4, "Looking at the answers")
    quality: QualityReport | None = None
    asked = study_quality(looked.compared, looked.rated, None, looked.left_out, looked.checks)
    for event in asked:
        if isinstance(event, Done):
            quality = event.value
    assert quality is not None, "the work ends in a result"
    yield Progress(2, 4, "Reading the runs")
    sections = methods(study, quality, looked.programs)
    blocks: list[Block] = [*_opening(study, given)]
    for each in sections:
        blocks += [SectionHeading(each.title), Paragraph(given.words.told(each.text))]
        if each.title == "Exclusions":
            blocks += _care(quality, given)
    yield Progress(3, 4, "Drawing the figures")
    return [*blocks, *_agreement(given), *_models(given)]


def _opening(study: Study, given: Material) -> Iterator[Block]:
    words = given.words
    seen = _SHOWN if words is FACES else _READ.format(one=words.one, many=words.many)
    yield Paragraph(f"{seen} {words.told(_STRANGER)}")
    yield Paragraph(words.told(JUDGMENTS))
    if given.simulated:
        yield Paragraph(
            "The labelers of this study are simulated; nothing here is about people.", warning=True
        )
    asked = [each for each in study.attributes() if each.confirmed]
    told = [f"{each.name}{_wordings(each.question)}" for each in asked]
    yield SectionHeading("What was asked")
    yield Points(tuple(told))


def _wordings(question: str) -> str:
    """The wordings of a question, where the study has one, or one of each kind."""
    found = dict.fromkeys(own_wording(question, kind) for kind in get_args(Kind))
    told = " ".join(f"“{each}”" for each in found if each)
    return f": {told}" if told else ""


def _care(quality: QualityReport, given: Material) -> list[Block]:
    """Each labeler's answers and care, by their own answers alone."""
    words = [each for each in LABELER if each.key in _CARE]
    rows = [_labeler(each, given, words) for each in quality.labelers]
    if not rows:
        return [Paragraph("Nobody has answered yet.")]
    head = ("Labeler", "Comparisons", "Ratings", *(each.title for each in words), "Flags")
    caption = (
        "Labelers by their own answers, never by how far they agree with others; in brackets 95% "
        "intervals."
    )
    return [SectionHeading("How careful labelers were"), ReportTable(head, rows, caption)]


def _labeler(
    found: LabelerQuality, given: Material, words: Sequence[MeasureWords]
) -> tuple[str, ...]:
    flags = ", ".join(flag.reason for flag in found.flags) or "none"
    measured = (told_measure(found, each).line for each in words)
    name = given.names.get(found.code, found.code)
    return name, f"{found.comparisons:,}", f"{found.ratings:,}", *measured, flags


def _agreement(given: Material) -> Iterator[Block]:
    yield SectionHeading("Who agrees with whom")
    yield from _figures(given, ("agreement", "network"))


def _models(given: Material) -> Iterator[Block]:
    yield SectionHeading("What models learned")
    tested = best_first(given.runs)
    if not tested:
        yield Paragraph("No model of this study was tested yet.")
        return
    yield Paragraph(
        "Each run trained one method and was tested on answers held out from it. Runs that were "
        "tested on the same answers may be compared; the column “Tested” says on which."
    )
    groups: dict[tuple[str, str, int | None], str] = {}
    rows, summaries = [], []
    for each in tested:
        summary = RunFolder(each.path).summary()
        if summary is None:
            continue
        key = each.fingerprint, each.split, each.answers
        group = groups.setdefault(key, chr(ord("A") + len(groups) % 26))
        rows.append(_run(each, summary, group))
        summaries.append(summary)
    head = ("Run", "Method", "Tested", "Accuracy", "Consensus", "Gain in points", "Of the ceiling")
    told = " ".join(["Means over labelers, 95% intervals over faces.", *knowledge_of(summaries)])
    yield ReportTable(head, rows, given.words.told(told))
    if any(summary.simulated for summary in summaries) and not given.simulated:
        yield Paragraph("Runs marked “simulated” learned from programs, not people.", warning=True)
    yield from _figures(given, ("gain", "ceiling", "training", "learning-curve", "shots"))


def _writing(given: Material, board: WritingLeaderboard | None) -> Iterator[Block]:
    """Nothing where no methods that write were compared."""
    if odd := boards_left_out(given.study):
        yield Paragraph(odd, warning=True)
    if board is not None:
        yield from writing_section(board)
        yield from _figures(given, ("writing",))
        yield writing_limits(board)


def _run(run: RunSummary, summary: Summary, group: str) -> tuple[str, ...]:
    test, base = summary.test.macro, (summary.consensus or Result()).macro
    won = Difference() if summary.gain is None else summary.gain.macro
    gain = told_gain(won.difference, won.low, won.high, won.n)
    star = " *" if summary.reads_tested_faces else ""
    marks = " (simulated)" if summary.simulated else ""
    tested = f"{group}: {run.held_out}, n {run.answers:,}" if run.answers is not None else group
    return (
        f"{run_name(run)}{marks}", f"{method_title(run.method, run.backbone)}{star}", tested,
        told_accuracy(test).line, told_accuracy(base).number, gain.line, _share(summary),
    )  # fmt: skip


def _share(summary: Summary) -> str:
    """The mean over labelers of accuracy over ceiling, where it is known."""
    known = [row.of_ceiling for row in summary.test.per_labeler.values() if row.of_ceiling]
    if not known:
        return "–"
    return told_share(sum(known) / len(known), Accuracy()).number


def _figures(given: Material, names: Sequence[str]) -> Iterator[Block]:
    """Those that can be drawn; of others, why not."""
    lacking = []
    for name in names:
        try:
            made = paper_figure(name, given)
        except InputError as why:
            lacking.append(str(why))
            continue
        yield ReportFigure(made.figure, FIGURE_TITLES[name], made.caption)
    if lacking:
        yield Points(tuple(map(given.words.told, lacking)))


def _limits(given: Material) -> Iterator[Block]:
    yield SectionHeading("How far this can be believed")
    told = [
        WHY_TOO_FEW,
        WHAT_INTERVALS,
        "An accuracy holds for faces like those of this study and for labelers like these; other "
        "faces or other people may differ more than the intervals say.",
        "A model that is right often may be right for reasons of its own: it knows features of "
        "images, not what the labeler thought.",
        ABOVE_CEILING,
        "A prediction of a person's taste is a statement about that person's judgments, and never "
        f"a property of {'the person pictured' if given.words is FACES else 'who wrote the text'}.",
    ]
    told = [given.words.told(each) for each in told]
    if given.simulated:
        told.insert(0, "All labelers are simulated: nothing here is about people.")
    yield Points(tuple(told))


def _versions(given: Material) -> Iterator[Block]:
    yield SectionHeading("Made with")
    rows = [
        ("PRISM Desktop", prism_desktop.__version__),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in ("numpy", "scipy", "pandas", "matplotlib")),
    ]
    yield ReportTable(("Program", "Version"), rows, "What wrote this report.")
    sources = [
        f"{METHODS[name].title}: {METHODS[name].source}"
        for name in dict.fromkeys(each.method for each in given.runs)
        if name in METHODS and METHODS[name].source
    ]
    if sources:
        yield SectionHeading("Sources of the methods")
        yield Points(tuple(sources))
