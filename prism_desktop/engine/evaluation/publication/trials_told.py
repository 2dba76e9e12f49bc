"""What a study's trials say of how its data came about, in sentences for its methods.

What is true of trials that people gave in the program (how stimuli were shown, when the clock
began, how orders were drawn) is not known of trials that were imported, and not said of them.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Final, get_args

from prism_desktop.engine.clocks import duration
from prism_desktop.engine.evaluation.publication.sessions_told import protocol_told, timing_told
from prism_desktop.engine.grammar import counted, listed, word_for
from prism_desktop.engine.plain_text import dated
from prism_desktop.engine.stimulus_words import FACES, REPLIES, TEXTS, StimulusWords
from prism_desktop.engine.study.attribute_scales import attribute_scales
from prism_desktop.engine.study.questions import own_wording, question_for
from prism_desktop.engine.study.records import (
    AttributeRecord,
    Kind,
    SessionRecord,
    Source,
    TrialRecord,
)
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.store import Study

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_HOW: Final = {
    "random": "at random",
    "sorted": "by repeated sorting",
    "telling": "by what they tell most",
    "unsure": "where a model was least sure",
}
_COMMON: Final = "at random, half of them in an order common to all labelers"
# an import keeps no correction whose trial is missing; what it brought may be taken back in Label
_CAME: Final = (
    "imported as withdrawn, or without the trial that corrected them, or taken back afterwards"
)
_CLOCKS: Final[Mapping[Source, str]] = {
    "labeled": "Response times, from the frame that painted the question, are known",
    "imported": "Response times that imported tables give are known",
    "simulated": "Response times that programs gave are known",
}


@dataclass(frozen=True)
class TrialsTold:
    """The trials that are told of: those that count, without practice and checks.

    Attributes:
        study: whose they are.
        every: answered or skipped.
        programs: codes of labelers of whom nothing is told.
    """

    study: Study
    every: tuple[TrialRecord, ...]
    programs: Collection[str]

    @classmethod
    def of(cls, study: Study, programs: Collection[str]) -> "TrialsTold":
        """Those of everybody but some programs."""
        kept = (
            trial
            for trial in study.trials()
            if aside(trial.flags) is None and trial.labeler not in programs
        )
        return cls(study, tuple(kept), programs)

    @cached_property
    def answered(self) -> tuple[TrialRecord, ...]:
        """Those in which a question was answered."""
        return tuple(trial for trial in self.every if trial.status == "answered")

    @cached_property
    def entered(self) -> tuple[TrialRecord, ...]:
        """Those that people gave in the program, in this study or in one that was exported."""
        return tuple(trial for trial in self.every if trial.source == "labeled")

    @cached_property
    def here(self) -> tuple[TrialRecord, ...]:
        """Those that people gave in this study."""
        return tuple(trial for trial in self.entered if trial.import_id is None)

    def sessions(self) -> tuple[SessionRecord, ...]:
        """In which people gave trials in this study."""
        known = {trial.session for trial in self.here}
        return tuple(each for each in self.study.sessions() if each.id in known)

    def of_kind(self, kind: Kind) -> tuple[TrialRecord, ...]:
        """Those answered of one kind."""
        return tuple(trial for trial in self.answered if trial.kind == kind)


def task(told: TrialsTold) -> Iterator[str]:
    """What was judged and how: of attributes and kinds of trials that have answers."""
    words = told.study.words()
    given: dict[tuple[str, Kind], set[Source]] = {}
    for trial in told.answered:
        for name in trial.answers:
            given.setdefault((name, trial.kind), set()).add(trial.source)
    judged = {name for name, _ in given}
    confirmed = [each for each in told.study.attributes() if each.confirmed]
    for attribute in confirmed:
        if attribute.name in judged:
            asked = _asked(attribute, given, words)
            yield f"Labelers judged how {attribute.name} {words.many} {words.sense}{asked}."
    other = [each.name for each in confirmed if each.name not in judged]
    if other:
        yield f"The study {'also has' if judged else 'has'} {listed(other)}, which nobody judged."
    several = sum(each.name in judged for each in confirmed)
    yield from _rating_task(told, words, several)
    yield from _comparison_task(told, words, several)


def _asked(
    attribute: AttributeRecord, given: Mapping[tuple[str, Kind], set[Source]], words: StimulusWords
) -> str:
    """The questions, in brackets: as they were put in the program, or what the study says in its
    own words of answers from elsewhere."""
    found: dict[str, list[str]] = {}
    for kind in _KINDS:
        sources = given.get((attribute.name, kind), set())
        if "labeled" in sources:
            wording = f"“{question_for(attribute, kind, words)}”"
        else:
            own = own_wording(attribute.question, kind) if sources else ""
            usual = own in [one.rating_question(attribute.name) for one in (FACES, TEXTS, REPLIES)]
            wording = f"in the study's words: “{own}”" if own and not usual else ""
        if wording:
            found.setdefault(wording, []).append(f"{kind}s")
    if not found:
        return ""
    if len(found) == 1:
        return f" ({next(iter(found))})"
    return f" ({'; '.join(f'{listed(kinds)}: {text}' for text, kinds in found.items())})"


def _rating_task(told: TrialsTold, words: StimulusWords, several: int) -> Iterator[str]:
    rated = told.of_kind("rating")
    if not rated:
        return
    given: dict[str, Counter[tuple[float, int | str]]] = {}
    for trial in rated:
        for name, raw in trial.raw.items():
            if name in trial.answers:
                given.setdefault(name, Counter())[raw, trial.answers[name]] += 1
    mapped = _mapped(told.study, given)
    one = "" if mapped else " from 1 to 4"
    yield f"In rating trials one {words.one} was rated{one}{_on(rated, several, 'on')}."
    for where, names in mapped.items():
        count = sum(given[name].total() for name in names)
        were = word_for(count, "was", "were")
        yield (
            f"{counted(count, 'rating')} of {listed(names)} had been given {where} and {were} "
            "mapped onto 1 to 4."
        )
    other = sum(len(trial.answers) for trial in rated)
    other -= sum(given[name].total() for names in mapped.values() for name in names)
    if mapped and other:
        yield f"The other {counted(other, 'rating was', 'ratings were')} given from 1 to 4."


def _mapped(
    study: Study, given: Mapping[str, Counter[tuple[float, int | str]]]
) -> dict[str, list[str]]:
    """Where attributes had been rated before they were mapped onto 1 to 4 -> which ones.

    All ratings of an attribute are mapped in one way: those whose number stayed the same, too.
    """
    scales, found = attribute_scales(study.imports()), dict[str, list[str]]()
    for name, ratings in given.items():
        low, high = min(raw for raw, _ in ratings), max(raw for raw, _ in ratings)
        where = f"with numbers from {low:g} to {high:g}" if low < high else f"as {low:g}"
        scale, other = scales.get(name), any(raw != step for raw, step in ratings)
        if scale is not None and scale.low <= low and high <= scale.high:
            where = f"on a scale from {scale.low:g} to {scale.high:g}"
            other = other or (scale.low, scale.high) != (1, 4)
        if other:
            found.setdefault(where, []).append(name)
    return found


def _comparison_task(told: TrialsTold, words: StimulusWords, several: int) -> Iterator[str]:
    compared = told.of_kind("comparison")
    if not compared:
        return
    shown = all(trial.source == "labeled" for trial in compared)
    how = "stood side by side" if shown else "were compared"
    tied = any("tie" in trial.answers.values() for trial in compared)
    offered = any(trial.source == "labeled" for trial in compared)
    tie = " or a tie" if tied else " (a tie was offered and never chosen)" if offered else ""
    yield (
        f"In comparison trials two {words.many} {how}, and labelers chose one of them{tie}"
        f"{_on(compared, several, 'for')}."
    )


def _on(trials: Sequence[TrialRecord], several: int, word: str) -> str:
    """About how many attributes a trial asked, where the study has more than one."""
    sizes = {len(trial.answers) + len(trial.skips) for trial in trials}
    if several < 2:
        return ""
    if sizes == {several}:
        return f" {word} each attribute"
    least, most = min(sizes), max(sizes)
    many = counted(most, "attribute")
    return f" {word} {many}" if least == most else f" {word} {least} to {many}"


def procedure(told: TrialsTold) -> Iterator[str]:
    """How many answers there are, and how trials came about."""
    log = _Log.of(told)
    answers = sum(len(trial.answers) for trial in told.answered)
    kinds = Counter(trial.kind for trial in told.answered)
    parts = [counted(kinds[kind], f"{kind} trial") for kind in _KINDS if kinds[kind]]
    held = f" in {listed(parts)}" if parts else ""
    yield f"The data are {counted(answers, 'answer')}{held}."
    yield _repeats(told, log)
    yield from _skips(told, log)
    yield from _origins(told)
    strategies = Counter(trial.strategy for trial in told.entered if trial.strategy in _HOW)
    ways = {**_HOW, "random": _COMMON} if set(strategies) == {"random"} else _HOW
    chosen = [
        f"{counted(count, 'trial')} {ways[str(name)]}" for name, count in sorted(strategies.items())
    ]
    if chosen:
        yield f"Trials were chosen: {', '.join(chosen)}."
    if told.here:
        where = "" if len(told.here) == len(told.every) else " of those in this study"
        yield protocol_told(told.study, told.sessions(), where)
    yield from _dates(told)


@dataclass(frozen=True, slots=True)
class _Log:
    """What the log of all trials says, those that count no more among them.

    Attributes:
        withdrawn: whether an import brought them -> how many.
        corrected: how many.
        sides: of trials that others repeat.
    """

    withdrawn: Counter[bool]
    corrected: int
    sides: Mapping[str, tuple[str, str | None]]

    @classmethod
    def of(cls, told: TrialsTold) -> "_Log":
        wanted = {trial.repeat_of for trial in told.answered}
        withdrawn: Counter[bool] = Counter()
        corrected, sides = 0, {}
        for page in told.study.trial_pages():
            for trial in page:
                if trial.id in wanted:
                    sides[trial.id] = trial.left, trial.right
                if trial.labeler not in told.programs:
                    withdrawn[trial.import_id is not None] += trial.status == "withdrawn"
                    corrected += trial.superseded_by is not None
        return cls(withdrawn, corrected, sides)


def _repeats(told: TrialsTold, log: _Log) -> str:
    """Of comparisons, how many showed their sides swapped, and how many as before."""
    found: Counter[str] = Counter()
    for trial in told.answered:
        if trial.repeat_of is None:
            continue
        before, now = log.sides.get(trial.repeat_of), (trial.left, trial.right)
        if trial.kind == "rating":
            found["rating"] += 1
        elif before == now:
            found["comparison with the same sides"] += 1
        elif before == now[::-1]:
            found["comparison with sides swapped"] += 1
        else:
            found["other comparison"] += 1
    total = sum(found.values())
    if not total:
        return "No trial repeats an earlier one."
    ways = listed([counted(count, way) for way, count in sorted(found.items())])
    repeat = word_for(total, "repeats", "repeat")
    return f"{counted(total, 'trial')} {repeat} an earlier one of the same labeler: {ways}."


def _skips(told: TrialsTold, log: _Log) -> Iterator[str]:
    """What was skipped, taken back and corrected; of imports only where there is any."""
    skipped = sum(trial.status == "skipped" for trial in told.every)
    single = sum(len(trial.skips) for trial in told.answered)
    withdrawn = log.withdrawn.total()
    if not (told.entered or skipped or single or withdrawn or log.corrected):
        return
    reasons = []
    if log.withdrawn[False]:
        reasons.append("taken back, or asked again with the whole block")
    if log.withdrawn[True]:
        reasons.append(_CAME)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    yield (
        f"{counted(skipped, 'trial was', 'trials were')} skipped as a whole and "
        f"{counted(single, 'single question')} in others; "
        f"{counted(withdrawn, 'trial was', 'trials were')} withdrawn{why} and "
        f"{log.corrected:,} corrected."
    )


def _origins(told: TrialsTold) -> Iterator[str]:
    imported = sum(trial.source == "imported" for trial in told.every)
    if imported:
        yield f"{counted(imported, 'trial')} came from imported tables."
    exported = len(told.entered) - len(told.here)
    if exported:
        yield f"{counted(exported, 'trial')} came from exports of PRISM Desktop."


def _dates(told: TrialsTold) -> Iterator[str]:
    """Months, which tell nobody's day."""
    times = [trial.onset for trial in told.every if trial.onset is not None]
    if not times:
        return
    first, last = dated(min(times), "%B %Y"), dated(max(times), "%B %Y")
    when = f"in {first}" if first == last else f"from {first} to {last}"
    known = len(times) == len(told.every)
    who = "Data" if known else f"{counted(len(times), 'trial')} whose time is known"
    were = "were" if known else word_for(len(times), "was", "were")
    yield f"{who} {were} collected {when}."


def timing(told: TrialsTold) -> Iterator[str]:
    """Response times by where they come from, and how the screen was measured."""
    groups = [
        text
        for source in get_args(Source)
        if (text := _times([one for one in told.answered if one.source == source], source))
    ]
    yield from groups or ["Response times are not known."]
    frames = [one.dropped_frames for one in told.answered if one.dropped_frames is not None]
    if frames:
        late = sum(each > 0 for each in frames)
        yield (
            f"Of {counted(len(frames), 'trial')} whose frames were measured, {late:,} "
            f"{word_for(late, 'was', 'were')} painted late."
        )
    away = sum("left" in trial.flags for trial in told.answered)
    if away:
        yield f"In {counted(away, 'trial')} the labeler was away; the clock stood meanwhile."
    if told.here:
        yield timing_told(told.sessions())


def _times(answered: Sequence[TrialRecord], source: Source) -> str:
    times = [
        seconds
        for trial in answered
        for attribute in trial.answers
        if (seconds := trial.time(attribute).seconds) is not None
    ]
    if times:
        return (
            f"{_CLOCKS[source]} of {counted(len(times), 'answer')}; their median is "
            f"{duration(median(times))}."
        )
    whole = [trial.seconds for trial in answered if trial.seconds is not None]
    if whole:
        return (
            f"{_CLOCKS[source]} of {counted(len(whole), 'trial')} as a whole alone; their median "
            f"is {duration(median(whole))}."
        )
    return ""
