"""The bundle for a paper: answers without names, a codebook, models for R, a methods paragraph."""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.publication.answer_sheet import PaperTables
from prism_desktop.engine.evaluation.publication.methods_text import (
    as_html,
    as_markdown,
    as_text,
    methods,
)
from prism_desktop.engine.evaluation.publication.pseudonyms import Pseudonyms
from prism_desktop.engine.evaluation.publication.r_models import r_script
from prism_desktop.engine.evaluation.quality.answers_looked_at import (
    AnswersLookedAt,
    answers_looked_at,
)
from prism_desktop.engine.evaluation.quality.quality_report import QualityReport, study_quality
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.files import make_folder, put_text, remove, text_file
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.grammar import counted, listed
from prism_desktop.engine.labeling.exclusion_rules import ExclusionRules
from prism_desktop.engine.paths import typed
from prism_desktop.engine.plain_text import markdown
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.exporting.rows import Sheet, codebook
from prism_desktop.engine.study.exporting.writers import write_csv
from prism_desktop.engine.study.exporting.written_together import written_together
from prism_desktop.engine.study.formula_guard import CsvWriter, neutral
from prism_desktop.engine.study.images import open_image
from prism_desktop.engine.study.records import AttributeRecord, ImageRecord
from prism_desktop.engine.study.store import Study

KEY_HEAD: Final = ("kind", "pseudonym", "identity", "name")
_IMAGES: Final = "images"
_COPY: Final = re.compile(r"F\d{2,}\.png", re.ASCII)  # how copies of images are called
_OF_IMAGES: Final = "- `images/`: the faces, as PNG from their pixels alone."
_OF_TEXTS: Final = (
    "- `texts.csv` has what the texts say, those of labelers beside the pseudonym of who wrote "
    "them. Left empty is what holds a code or a word of a labeler's name (three letters or "
    "more), whatever its capitals, accents, apostrophes and invisible signs, in the possessive,"
    " too; and what holds signs that turn letters around (U+202D, U+202E). Two letters that are"
    " a word of most texts, as “is”, are looked for in capitals, or with one within a sentence."
    " Words of codes are looked for as those of names are, but for very common ones and those "
    "that call everybody, as “rater”; of names, titles and particles such as “von” are not. "
    "Nicknames, single initials, inflected and misspelled names, names in other alphabets or "
    "with letters of another that look alike, other people and what else gives somebody away "
    "are not found: read the texts before you publish them."
)
_EVERY: Final = 20  # images between two counts


@dataclass(frozen=True, slots=True)
class PaperOptions:
    """What goes into the bundle beside the answers.

    Attributes:
        stimuli: copies of the images, which show the faces themselves, or what the texts say.
        facts: what imports say about labelers and stimuli, by name.
        rules: exclusion rules; None for the usual ones.
    """

    stimuli: bool = False
    facts: Sequence[str] = ()
    rules: ExclusionRules | None = None


def paper_bundle(
    study: Study, folder: Path | str, options: PaperOptions | None = None
) -> Iterator[Event[tuple[Path, ...]]]:
    """Write what a paper takes out of a study, without names.

    Labelers, stimuli, trials and sessions have pseudonyms; times are rounded; profiles, own texts
    that nobody judges, names of files, imports and the study, and reasons for skipping in other
    words than the program's stay at home. `answers.csv` has a row for each answer that counts,
    those that the exclusion rules leave out marked; `analysis.R` reads it. Copies of images are
    made anew from their pixels, so that they hold nothing else; texts that may name a labeler are
    left out.

    Args:
        study: what to write; it may be open read-only.
        folder: made if it does not exist. What an earlier bundle wrote there is replaced, and
            its images go.
        options: what else goes in.

    Yields:
        Progress, then Done with the paths of the files. Closing the generator before that leaves
        nothing behind.

    Raises:
        InputError: a folder that cannot be written, a fact that is not there or names somebody, or
            nothing is judged.
        DiskFullError: there was no room left.
    """
    options = options or PaperOptions()
    fill = partial(_fill, study, options)
    for event in written_together(folder, fill, "Reading the study"):
        if isinstance(event, Done):
            _clear_older(absolute(typed(folder)) / _IMAGES, event.value)
        yield event


def _clear_older(images: Path, written: Sequence[Path]) -> None:
    """Copies that an earlier bundle left in the same folder show faces that this one lacks."""
    if images.is_symlink():
        return
    for path in images.glob("F*.png"):
        if _COPY.fullmatch(path.name) and path not in written:
            remove(path)


def write_key(study: Study, beside: Path) -> None:
    """What each pseudonym stands for, as CSV; to be kept apart from the bundle."""
    with text_file(beside) as file:
        writer = CsvWriter(file)
        for line in (KEY_HEAD, *_pseudonyms(study).key()):
            writer.row(line)


def _pseudonyms(study: Study) -> Pseudonyms:
    return Pseudonyms(study.id, study.labelers(), study.stimuli())


def _fill(
    study: Study, options: PaperOptions, part: Path
) -> Generator[Event[tuple[Path, ...]], None, None]:
    yield Progress(0, None, "Reading the study")
    confirmed = [each.name for each in study.attributes() if each.confirmed]
    if not confirmed:
        raise InputError("The study has no attribute that is judged; nothing was written.")
    code, words = _pseudonyms(study), study.words()
    tables = PaperTables(study, code, options.facts, said=options.stimuli)
    given = answers_looked_at(study, confirmed)
    report = yield from _looked_at(given, options.rules)
    marks = {
        (str(trial), str(attribute)): str(reason)
        for trial, attribute, reason in report.marks[["trial", "attribute", "reason"]].itertuples(
            index=False, name=None
        )
    }
    yield from _named_in_questions(study.attributes(), code)
    yield from tables.look_for_names()
    sheets = tables.sheets(marks, given.programs)
    for sheet in chain(sheets, (codebook(sheets) for _ in range(1))):
        name = f"{sheet.name}.csv"
        for done in write_csv(sheet, part / name):
            yield Progress(done, max(done, sheet.count), f"Writing {name}")
    trials = [trial for trial in study.trials() if trial.labeler not in given.programs]
    kinds = {trial.kind for trial in trials if trial.status == "answered"}
    put_text(part / "analysis.R", r_script(neutral(confirmed[0]), frozenset(kinds), words))
    sections = methods(study, report, given.programs)
    for ending, text in (
        ("md", as_markdown(sections)), ("html", as_html(sections)), ("txt", as_text(sections)),
    ):  # fmt: skip
        put_text(part / f"methods.{ending}", text)
    lost: list[str] = []
    if options.stimuli and words is FACES:
        yield from _copy_images(study.images(), code, part / _IMAGES, lost)
    put_text(part / "README.md", _readme(sheets, words, options, lost))


def _named_in_questions(
    attributes: Sequence[AttributeRecord], code: Pseudonyms
) -> Iterator[Notice]:
    """What is published as it is, as answers mean nothing without it."""
    for each in attributes:
        said = {
            "name": each.name, "question": each.question, "scale": " | ".join(each.scale_labels),
        }  # fmt: skip
        if parts := [part for part, told in said.items() if code.names_somebody(told)]:
            yield Notice(
                f"The name or code of a labeler is in the {listed(parts)} of {each.name}, which "
                "the bundle holds as it is; look whether somebody can be known by that. Questions "
                "and scales can be changed in Study."
            )


def _looked_at(
    given: AnswersLookedAt, rules: ExclusionRules | None
) -> Generator[Event[tuple[Path, ...]], None, QualityReport]:
    for event in study_quality(given.compared, given.rated, rules, given.left_out, given.checks):
        if isinstance(event, Done):
            return event.value
        yield event
    raise RuntimeError("the work ended without a result")


def _copy_images(
    images: Sequence[ImageRecord], code: Pseudonyms, folder: Path, lost: list[str]
) -> Iterator[Progress]:
    """Every image as PNG from its pixels alone; those that cannot be read are named in `lost`."""
    import numpy as np
    from PIL import Image

    make_folder(folder)
    for number, image in enumerate(images):
        if number % _EVERY == 0:
            yield Progress(number, len(images), "Copying the images")
        name = code.stimuli[image.id]
        try:
            pixels = np.asarray(open_image(image.path))
        except InputError:
            lost.append(name)
            continue
        beside = folder / f"{name}.png"  # of the new folder, which gets its name at the end
        Image.fromarray(pixels).save(beside, format="PNG")


def _readme(
    sheets: Sequence[Sheet], words: StimulusWords, options: PaperOptions, lost: Sequence[str]
) -> str:
    letters = "faces (F...)" if words is FACES else f"{words.many} (X...), prompts (Q...)"
    about = words.told(
        "Judgments of faces say something about the labeler, not about the person shown."
    )
    lines = [
        "# Answers of a study, without names",
        "",
        f"Labelers (P...), {letters}, trials (T...) and sessions (S...) have pseudonyms. Times "
        "are rounded: days since the first trial, minutes since the session began, hundredths of a "
        f"second of a response. {about}",
        "",
        "- `answers.csv`: a row for each answer that counts; `left_out` says why the exclusion "
        "rules leave one out.",
        "- `analysis.R`: reads it, with models for lme4, ordinal and BradleyTerry2.",
        "- `methods.md`, `methods.html`, `methods.txt`: the methods in words, to be adapted.",
        "- `codebook.csv`: what every column of every table holds; below, the same to be read.",
    ]
    if options.stimuli:
        lines.append(_OF_IMAGES if words is FACES else _OF_TEXTS)
    if lost:
        lines.append(f"- {counted(len(lost), 'image')} could not be read: {', '.join(lost)}.")
    lines += [
        "",
        "In CSV files, text that a spreadsheet would run as a formula begins with an apostrophe.",
    ]
    for sheet in sheets:
        lines += ["", f"## {sheet.name}.csv ({counted(sheet.written, 'row')})", ""]
        lines += ["| column | type | filled | meaning |", "|---|---|---|---|"]
        lines += [
            f"| {markdown(column.name)} | {column.type} | {filled} | "
            f"{markdown(column.explanation)} |"
            for column, filled in zip(sheet.columns, sheet.filled, strict=True)
        ]
    return "\n".join(lines) + "\n"
