"""The methods of a study in words, ready for a paper: what was done, what was left out, with what.

Every number is counted from the study; what is not known is said to be unknown. Names of people
stand nowhere in it.
"""

import html
import platform
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import isnan
from statistics import median
from typing import Final

import prism_desktop
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.publication.sessions_told import seeds
from prism_desktop.engine.evaluation.publication.trials_told import (
    TrialsTold,
    procedure,
    task,
    timing,
)
from prism_desktop.engine.evaluation.quality.attribute_reliability import KindReliability
from prism_desktop.engine.evaluation.quality.quality_report import QualityReport
from prism_desktop.engine.grammar import counted, ranged, word_for
from prism_desktop.engine.plain_text import markdown, one_line
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.store import Study

_PACKAGES: Final = ("numpy", "scipy", "pandas")


@dataclass(frozen=True, slots=True)
class MethodsSection:
    """A heading and its paragraph."""

    title: str
    text: str


def methods(
    study: Study, report: QualityReport, programs: Collection[str] = ()
) -> tuple[MethodsSection, ...]:
    """The sections.

    Args:
        study: what is told of.
        report: its quality.
        programs: codes of simulated labelers whose answers are told of nowhere, since people
            answered too.
    """
    told = TrialsTold.of(study, programs)
    reliability = " ".join(_reliability(report, study.words()))
    parts = (
        ("Participants and stimuli", _people(told)),
        ("Task", task(told)),
        ("Procedure", procedure(told)),
        ("Timing", timing(told)),
        ("Exclusions", _exclusions(report)),
        ("Reliability", [reliability]),
        ("Software and seeds", _software(told, brackets="[" in reliability)),
    )
    return tuple(MethodsSection(title, " ".join(text)) for title, text in parts)


def as_markdown(sections: Sequence[MethodsSection]) -> str:
    """For a repository or a notebook."""
    lines = ["# Methods", ""]
    for each in sections:
        lines += [f"## {each.title}", "", markdown(each.text), ""]
    return "\n".join(lines)


def as_html(sections: Sequence[MethodsSection]) -> str:
    """A page of its own, which word processors open, too."""
    body = "\n".join(
        f"<h2>{html.escape(each.title)}</h2>\n<p>{html.escape(one_line(each.text))}</p>"
        for each in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Methods</title>'
        f"</head>\n<body>\n<h1>Methods</h1>\n{body}\n</body>\n</html>\n"
    )


def as_text(sections: Sequence[MethodsSection]) -> str:
    """Plain text to be pasted into a word processor: headings and paragraphs, no marks."""
    return "\n\n".join(f"{each.title}\n\n{one_line(each.text)}" for each in sections) + "\n"


def _people(told: TrialsTold) -> Iterator[str]:
    study, programs = told.study, told.programs
    info = study.info()
    known = {each.code for each in study.labelers()} - set(programs)
    simulated = sum(each.simulated for each in study.labelers() if each.code in known)
    active = len({trial.labeler for trial in told.answered})
    seen = {one for trial in told.answered for one in (trial.left, trial.right)} - {None}
    words = info.words
    shown = ("face image",) if words is FACES else (words.one, words.many)
    some = "" if len(seen) == info.images else f"{len(seen):,} of "
    yield (
        f"{counted(active, 'labeler')} judged {some}{counted(info.images, *shown)} "
        f"({counted(len(known), 'labeler')} had been entered)."
    )
    if simulated:
        yield f"{counted(simulated, 'labeler was a program', 'labelers were programs')}."
    if programs:
        yield (
            f"The files also hold answers of {counted(len(programs), 'simulated labeler')}, marked "
            "as left out; nothing here tells of them."
        )
    yield from _stimuli(study, seen)


def _stimuli(study: Study, seen: Collection[str | None]) -> Iterator[str]:
    """How large those were that somebody judged."""
    sizes = {(each.width, each.height) for each in study.images() if each.width and each.id in seen}
    if len(sizes) == 1:
        ((width, height),) = sizes
        yield f"Images measured {width} x {height} pixels."
    elif sizes:
        short = ranged(min(size) for size in sizes)
        yield f"The shorter sides of images measured {short} pixels."
    lengths = sorted(len(each.text) for each in study.texts() if each.id in seen)
    if lengths:
        half = int(median(lengths))
        name, signs = study.words().many.capitalize(), word_for(lengths[-1], "character")
        middle = "" if lengths[0] == lengths[-1] else f" (median {half})"
        yield f"{name} had {ranged(lengths)} {signs}{middle}."


def _exclusions(report: QualityReport) -> Iterator[str]:
    yield report.left_out()
    rules = report.rules
    yield (
        f"The exclusion rules (digest {rules.digest}) leave out labelers whose whole interval lies "
        f"beyond a bound ({', '.join(rules.leave_out) or 'none'}) and answers faster than "
        f"{rules.fastest_seconds:g} s."
    )
    yield from _checks(report)


def _checks(report: QualityReport) -> Iterator[str]:
    """What became of attention checks; nothing where nobody had any."""
    had = [each for each in report.labelers if each.own.checks_failed.n]
    if not had:
        return
    asked = sum(each.own.checks_failed.n for each in had)
    failed = sum(round(each.own.checks_failed.value * each.own.checks_failed.n) for each in had)
    flagged = sum(any(f.reason == "failed checks" for f in each.flags) for each in had)
    rules = report.rules
    out = "left out" if "failed checks" in rules.leave_out else "flagged and kept"
    yield (
        f"{counted(len(had), 'labeler')} had {counted(asked, 'attention check')} with a known "
        f"answer, of which {failed:,} {word_for(failed, 'was', 'were')} failed (answered otherwise "
        f"or not at all). Whoever failed surely more than {rules.most_checks_failed:.0%} of at "
        f"least {rules.fewest_checks} (the whole 95% interval, Wilson) is {out}: "
        f"{counted(flagged, 'labeler')}."
    )


def _reliability(report: QualityReport, words: StimulusWords) -> Iterator[str]:
    told = [
        text
        for each in report.attributes
        if each.group == "all"
        for part in (each.ratings, each.comparisons)
        if part is not None and (text := _of_kind(each.attribute, part, words))
    ]
    yield from told or [
        "Reliability is not known: what labelers judged in common allows no measure of it."
    ]


def _of_kind(attribute: str, part: KindReliability, words: StimulusWords) -> str:
    measures = (
        ("Krippendorff's alpha (ordinal)", part.alpha),
        ("ICC(2,1)", part.icc),
        (f"split-half reliability of the {words.many}' means", part.split_half),
        ("shared taste", part.shared),
        ("private taste", part.private),
    )
    told = [f"{name} {_number(found)}" for name, found in measures if not isnan(found.value)]
    who = f"{counted(part.labelers, 'labeler')}, {counted(part.faces, words.one, words.many)}"
    return f"{part.kind.capitalize()}s of {attribute} ({who}): {', '.join(told)}." if told else ""


def _number(found: Estimate) -> str:
    told = f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}] (n {found.n:,})"
    return f"{TOO_FEW}, {told}" if too_few(found.n) else told


def _software(told: TrialsTold, *, brackets: bool) -> Iterator[str]:
    """Args: brackets: whether intervals stand in any."""
    study = told.study
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    if told.entered:
        some, every = len(told.entered), len(told.entered) == len(told.every)
        who = "Data were" if every else counted(some, "trial was", "trials were")
        yield f"{who} collected with PRISM Desktop."
    yield (
        f"Data are described with PRISM Desktop {prism_desktop.__version__} "
        f"(database version {study.info().schema_version}; Python {platform.python_version()}, "
        f"{packages})."
    )
    if told.here:
        found = seeds(study, told.sessions())
        which = "" if len(told.here) == len(told.every) else " collected in this study"
        yield (
            f"Orders of trials{which} follow from the study's identifier, the labeler's code and "
            f"the {word_for(len(found), 'seed')} {', '.join(map(str, found))}."
        )
    if brackets:
        yield "Intervals in brackets are 95% intervals, those by resampling with the seed 0."
