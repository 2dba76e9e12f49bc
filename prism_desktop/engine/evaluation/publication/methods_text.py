"""The methods of a study in words, ready for a paper: what was done, what was left out, with what.

Every number is counted from the study; what is not known is said to be unknown. Names of people
stand nowhere in it.
"""

import html
import platform
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import isnan
from statistics import median
from typing import Final

import prism_desktop
from prism_desktop.engine.clocks import duration
from prism_desktop.engine.evaluation.intervals import Estimate
from prism_desktop.engine.evaluation.quality.attribute_reliability import KindReliability
from prism_desktop.engine.evaluation.quality.quality_report import QualityReport
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.labeling.design import LabelingConfig
from prism_desktop.engine.labeling.protocol import parse_protocol
from prism_desktop.engine.labeling.protocol_words import condition_words, protocol_words
from prism_desktop.engine.labeling.timing import was_measured
from prism_desktop.engine.plain_text import dated, markdown, one_line
from prism_desktop.engine.runs.estimates import TOO_FEW, too_few
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.records import ProtocolRecord, TrialRecord
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.store import Study

_PACKAGES: Final = ("numpy", "scipy", "pandas")
_HOW: Final = {
    "random": "at random, half of them in an order common to all labelers",
    "sorted": "by repeated sorting",
    "telling": "by what they tell most",
    "unsure": "where a model was least sure",
}


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
    trials = [
        trial
        for trial in study.trials()
        if aside(trial.flags) is None and trial.labeler not in programs
    ]
    log: Counter[str] = Counter(
        trial.status
        for page in study.trial_pages()
        for trial in page
        if trial.labeler not in programs
    )
    parts = (
        ("Participants and stimuli", _people(study, programs)),
        ("Task", _task(study, trials)),
        ("Procedure", _procedure(study, trials, log)),
        ("Timing", _timing(study, trials)),
        ("Exclusions", _exclusions(report)),
        ("Reliability", _reliability(report, study.words())),
        ("Software and seeds", _software(study)),
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


def _people(study: Study, programs: Collection[str]) -> Iterator[str]:
    info = study.info()
    known = {each.code for each in study.labelers()} - set(programs)
    simulated = sum(each.simulated for each in study.labelers() if each.code in known)
    active = sum(
        each.ratings + each.comparisons > 0 for each in study.progress() if each.labeler in known
    )
    words = info.words
    shown = ("face image",) if words is FACES else (words.one, words.many)
    yield (
        f"{counted(active, 'labeler')} judged {counted(info.images, *shown)} "
        f"({counted(len(known), 'labeler')} had been entered)."
    )
    if simulated:
        yield f"{counted(simulated, 'labeler was a program', 'labelers were programs')}."
    if programs:
        yield (
            f"The files also hold answers of {counted(len(programs), 'simulated labeler')}, marked "
            "as left out; nothing here tells of them."
        )
    sizes = {(each.width, each.height) for each in study.images() if each.width}
    if len(sizes) == 1:
        ((width, height),) = sizes
        yield f"Images measured {width} x {height} pixels."
    elif sizes:
        short = sorted(min(size) for size in sizes)
        yield f"The shorter sides of images measured {short[0]} to {short[-1]} pixels."
    lengths = sorted(len(each.text) for each in study.texts())
    if lengths:
        half = int(median(lengths))
        name = words.many.capitalize()
        yield f"{name} had {lengths[0]} to {lengths[-1]} characters (median {half})."


def _task(study: Study, trials: Sequence[TrialRecord]) -> Iterator[str]:
    words = study.words()
    for attribute in study.attributes():
        if not attribute.confirmed:
            continue
        asked = f" (“{attribute.question}”)" if attribute.question else ""
        yield f"Labelers judged how {attribute.name} {words.many} {words.sense}{asked}."
    kinds = Counter(trial.kind for trial in trials if trial.status == "answered")
    if kinds["rating"]:
        yield f"In rating trials one {words.one} was rated from 1 to 4 on each attribute."
    if kinds["comparison"]:
        yield (
            f"In comparison trials two {words.many} stood side by side, and labelers chose one of "
            "them or a tie for each attribute."
        )


def _procedure(study: Study, trials: Sequence[TrialRecord], log: Counter[str]) -> Iterator[str]:
    answered = [trial for trial in trials if trial.status == "answered"]
    kinds = Counter(trial.kind for trial in answered)
    answers = sum(len(trial.answers) for trial in answered)
    repeats = sum(trial.repeat_of is not None for trial in answered)
    yield (
        f"The data are {counted(answers, 'answer')} in {counted(kinds['rating'], 'rating trial')} "
        f"and {counted(kinds['comparison'], 'comparison trial')}, of which "
        f"{counted(repeats, 'trial')} {word_for(repeats, 'repeats', 'repeat')} an earlier one of "
        "the same labeler, comparisons with sides swapped."
    )
    skipped = sum(trial.status == "skipped" for trial in trials)
    single = sum(len(trial.skips) for trial in answered)
    yield (
        f"{counted(skipped, 'trial was', 'trials were')} skipped as a whole and "
        f"{counted(single, 'single question')} in others; "
        f"{counted(log['withdrawn'], 'trial was', 'trials were')} withdrawn (taken back, asked "
        "again with the whole block, or of an import that was undone) and "
        f"{_corrected(study)} corrected."
    )
    sources = Counter(trial.source for trial in trials)
    if sources["imported"]:
        yield f"{counted(sources['imported'], 'trial')} came from imported tables."
    strategies = Counter(trial.strategy for trial in trials if trial.source == "labeled")
    told = [
        f"{counted(count, 'trial')} {_HOW[name]}"
        for name, count in sorted(strategies.items(), key=lambda pair: str(pair[0]))
        if name in _HOW
    ]
    if told:
        yield f"Trials were chosen: {', '.join(told)}."
    yield _protocol(study)
    yield from _dates(trials)


def _protocol(study: Study) -> str:
    """Which versions of the protocol sessions followed."""
    versions = {each.id: each for each in study.protocols()}
    used = {each.protocol for each in study.sessions()}
    followed = sorted(
        (versions[each] for each in used if each in versions), key=lambda each: each.version
    )
    if not followed:
        return "No session followed a stored protocol; labelers chose their task."
    told = ", ".join(str(each.version) for each in followed)
    free = " Other sessions followed none." if None in used else ""
    of = counted(len(versions), "version")
    some = word_for(len(followed), "version")
    rules = " ".join(_rules(each) for each in followed)
    return f"Sessions followed {some} {told} of {of} of the protocol.{free} {rules}"


def _rules(record: ProtocolRecord) -> str:
    """What labelers went through under one version."""
    protocol = parse_protocol(record.text)
    told = "; ".join(protocol_words(protocol)).rstrip(".")
    return f"Version {record.version}: {told}; {condition_words(protocol)}."


def _corrected(study: Study) -> int:
    return sum(trial.superseded_by is not None for page in study.trial_pages() for trial in page)


def _dates(trials: Sequence[TrialRecord]) -> Iterator[str]:
    """Months, which tell nobody's day."""
    times = [trial.onset for trial in trials if trial.onset is not None]
    if times:
        first, last = dated(min(times), "%B %Y"), dated(max(times), "%B %Y")
        yield (
            f"Data were collected in {first}."
            if first == last
            else (f"Data were collected from {first} to {last}.")
        )


def _timing(study: Study, trials: Sequence[TrialRecord]) -> Iterator[str]:
    answered = [trial for trial in trials if trial.status == "answered"]
    times = [
        seconds
        for trial in answered
        for attribute in trial.answers
        if (seconds := trial.time(attribute).seconds) is not None
    ]
    if times:
        yield (
            f"Response times, from the frame that painted the question, are known of "
            f"{counted(len(times), 'answer')}; their median is {duration(median(times))}."
        )
    elif whole := [trial.seconds for trial in answered if trial.seconds is not None]:
        yield (
            f"Only the times of whole trials are known, of {counted(len(whole), 'trial')}; their "
            f"median is {duration(median(whole))}."
        )
    else:
        yield "Response times are not known."
    frames = [t.dropped_frames for t in answered if t.dropped_frames is not None]
    if frames:
        late = sum(each > 0 for each in frames)
        yield (
            f"Of {counted(len(frames), 'trial')} whose frames were measured, {late:,} "
            f"{word_for(late, 'was', 'were')} painted late."
        )
    away = sum("left" in trial.flags for trial in answered)
    if away:
        yield f"In {counted(away, 'trial')} the labeler was away; the clock stood meanwhile."
    measured = sum(was_measured(each.timing) for each in study.sessions())
    yield (
        f"A timing report is stored with {counted(measured, 'session')}."
        if measured
        else "The screen's timing was not measured."
    )


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
    yield from told or ["No two labelers judged the same, so reliability is not known."]


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


def _seeds(study: Study) -> list[int]:
    """Of the protocols that sessions followed, and of those that followed none."""
    followed = {each.protocol for each in study.sessions()}
    found = {parse_protocol(each.text).seed for each in study.protocols() if each.id in followed}
    if None in followed or not found:
        found.add(LabelingConfig().seed)
    return sorted(found)


def _software(study: Study) -> Iterator[str]:
    seeds = _seeds(study)
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    yield (
        f"Data were collected and described with PRISM Desktop {prism_desktop.__version__} "
        f"(database version {study.info().schema_version}; Python {platform.python_version()}, "
        f"{packages})."
    )
    yield (
        f"Orders of trials follow from the study's identifier, the labeler's code and the "
        f"{word_for(len(seeds), 'seed')} {', '.join(map(str, seeds))}; intervals in brackets are "
        "95% intervals, those by resampling with the seed 0."
    )
