"""The tables of a paper: every answer that counts on a row of its own, without anybody's name."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.publication.pseudonyms import Pseudonyms
from prism_desktop.engine.events import Progress
from prism_desktop.engine.labeling.labeling_session import NOT_RESUMED
from prism_desktop.engine.stimulus_words import FACES, SKIP_REASONS, StimulusWords
from prism_desktop.engine.study.exporting.columns import Column, Value
from prism_desktop.engine.study.exporting.rows import FactTable, Row, Sheet
from prism_desktop.engine.study.records import TrialRecord
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.store import Study

Marks = Mapping[tuple[str, str], str]  # (trial, attribute) -> why the answer is left out
_ROUND: Final = 2  # decimals of s
_EVERY: Final = 20  # texts between two counts
_DAY, _MINUTE = 86_400.0, 60.0  # s
_KNOWN_REASONS: Final = frozenset({*SKIP_REASONS, NOT_RESUMED})
OTHER: Final = "another reason"
_NAMING: Final = "The fact {!r} holds names of {}, so it cannot come along; nothing was written."

ANSWERS: Final = (
    Column("trial", "text", "The presentation; rows with the same trial belong together."),
    Column("labeler", "text", "Pseudonym of the labeler."),
    Column("session", "text", "The sitting."),
    Column("day", "integer", "Days since the first trial of the study, from 0; empty: unknown."),
    Column("minute", "integer", "Whole minutes since the session's first trial; empty: unknown."),
    Column("order", "integer", "Place within the session, from 0."),
    Column("kind", "text", "rating or comparison."),
    Column("attribute", "text", "What was judged."),
    Column("face", "text", "Pseudonym of the face that was rated."),
    Column("left", "text", "Pseudonym of the face on the left."),
    Column("right", "text", "Pseudonym of the face on the right."),
    Column("rating", "integer", "The answer to a rating, 1 to 4."),
    Column("raw", "number", "The rating as its file had it; empty if it was given here."),
    Column("outcome", "text", "Which face is higher: left, right or tie."),
    Column("left_chosen", "number", "1 left, 0 right, empty for a tie and for ratings."),
    Column("strength", "integer", "Strength of the preference, 1 to 9; empty: not asked for."),
    Column("seconds", "number", "Response time, rounded to hundredths; empty: unknown."),
    Column("trial_seconds", "number", "The same of the whole trial, all its questions."),
    Column("dropped_frames", "integer", "Frames missed before the faces were painted."),
    Column("repeat_of", "text", "The earlier trial that this one repeats, with sides swapped or "
        "not: `left` and `right` say."),
    Column("strategy", "text", "What chose the face or pair."),
    Column("probability", "number", "With which the design drew it."),
    Column("source", "text", "labeled, imported or simulated."),
    Column("flags", "text", "left: the labeler was away in its midst; interrupted: completed in a "
        "later session; practice, check: what it was for."),
    Column("left_out", "text", "Why: exclusion rules, practice, check, or no person; empty: kept."),
)  # fmt: skip
LABELERS: Final = (
    Column("labeler", "text", "Pseudonym of the labeler."),
    Column("simulated", "yes/no", "Whether a program answered."),
    Column("ratings", "integer", "Rating trials answered."),
    Column("comparisons", "integer", "Comparison trials answered."),
    Column("skipped", "integer", "Trials skipped as a whole."),
    Column("repeats", "integer", "Trials answered that repeat an earlier one."),
)
IMAGES: Final = (
    Column("face", "text", "Pseudonym of the face."),
    Column("width", "integer", "Pixels; empty: unknown."),
    Column("height", "integer", "Pixels; empty: unknown."),
)
TEXTS: Final = (
    Column("stimulus", "text", "Pseudonym of the text."),
    Column("prompt", "text", "Pseudonym of what it answers; empty: of nothing."),
    Column("author", "text", "Pseudonym of the labeler who wrote it; empty: not known."),
    Column("characters", "integer", "How long it is."),
)
SAID: Final = (
    Column("prompt_says", "text", "What it answers; empty: nothing, or it may name a labeler."),
    Column("text_says", "text", "The text as labelers read it; empty: it may name a labeler."),
)
ATTRIBUTES: Final = (
    Column("attribute", "text", "What is judged."),
    Column("question", "text", "The question as the labeler reads it."),
    *(Column(f"scale_{n}", "text", f"What the rating {n} is called.") for n in (1, 2, 3, 4)),
)
SKIPS: Final = (
    Column("labeler", "text", "Pseudonym of the labeler."),
    Column("attribute", "text", "The question that was skipped; empty: the whole trial."),
    Column("reason", "text", "One of the program's reasons, or another."),
    Column("count", "integer", "How often."),
)


class PaperTables:
    """The tables, of trials that count: neither withdrawn nor corrected."""

    def __init__(
        self, study: Study, pseudonyms: Pseudonyms, facts: Sequence[str], *, said: bool
    ) -> None:
        """Read what the tables are made of.

        Args:
            study: to be written.
            pseudonyms: of everybody and everything in it.
            facts: names of those about labelers and stimuli that come along.
            said: whether a study of texts shows them; else their table only counts.

        Raises:
            InputError: there is no such fact, or it names somebody.
        """
        self._study, self._pseudonyms, self._said = study, pseudonyms, said
        self._words = study.words()
        self._trials = study.trials()
        known = FactTable(study)
        self._naming: dict[str, bool] = {}  # what texts say -> whether it may name a labeler
        self._facts: dict[str, list[str]] = {
            kind: [name for name in facts if name in known.names[kind]]
            for kind in ("rater", "image")
        }
        missing = [name for name in facts if all(name not in n for n in known.names.values())]
        if missing:
            raise InputError(f"No import says {missing[0]!r} of anybody; nothing was written.")
        self._values = {
            (fact.kind, fact.owner, fact.name): fact.value
            for fact in study.facts()
            if fact.name in facts
        }
        self._refuse_names()

    def _refuse_names(self) -> None:
        """Raises: InputError: a fact names a labeler or a stimulus, or is the labelers' codes."""
        same: Counter[str] = Counter()  # fact -> of how many labelers it is their code
        count = Counter(name for kind, _, name in self._values if kind == "rater")
        for (kind, owner, name), value in self._values.items():
            if self._pseudonyms.names_somebody(value):
                raise InputError(_NAMING.format(name, "labelers"))
            if kind == "image" and self._pseudonyms.names_stimulus(value, owner):
                raise InputError(_NAMING.format(name, self._words.kept_many))
            same[name] += kind == "rater" and value.strip() == owner
        for name, coded in same.items():
            if 2 * coded > count[name]:
                raise InputError(_NAMING.format(name, "labelers"))

    def look_for_names(self) -> Iterator[Progress]:
        """Go through what texts say before their table shows it, which takes long for many."""
        if self._words is FACES or not self._said:
            return
        texts = self._study.texts()
        said = dict.fromkeys(one for each in texts for one in (each.prompt, each.text) if one)
        for number, one in enumerate(said):
            if number % _EVERY == 0:
                yield Progress(number, len(said), "Looking for names in the texts")
            self._unnamed(one)

    def sheets(self, marks: Marks, programs: Collection[str] = ()) -> tuple[Sheet, ...]:
        """All of them.

        Args:
            marks: why answers are left out.
            programs: codes of labelers all of whose answers are, since no person gave them.
        """
        skips = tuple(self._skips())
        asked = [
            (each.name, each.question, *each.scale_labels) for each in self._study.attributes()
        ]
        people = tuple(self._labelers())
        answers = sum(len(trial.answers) for trial in self._trials)
        columns = tuple(_worded(each, self._words) for each in ANSWERS)
        return (
            Sheet("answers", columns, answers, partial(self._answers, marks, programs)),
            Sheet("labelers", self._with_facts(LABELERS, "rater"), len(people), lambda: people),
            self._images() if self._words is FACES else self._texts(),
            Sheet("attributes", ATTRIBUTES, len(asked), lambda: asked),
            Sheet("skips", SKIPS, len(skips), lambda: skips),
        )

    def _answers(self, marks: Marks, programs: Collection[str]) -> Iterator[Row]:
        code, when = self._pseudonyms, _Clock(self._trials)
        for trial in self._trials:
            day, minute = when.of(trial)
            repeat = None if trial.repeat_of is None else code.trial(trial.repeat_of)
            place = (
                code.trial(trial.id), code.labelers[trial.labeler], code.session(trial.session),
                day, minute, trial.order, trial.kind,
            )  # fmt: skip
            for attribute, answer in trial.answers.items():
                yield (
                    *place, attribute, *self._shown(trial),
                    *_answer(trial, attribute, answer),
                    _rounded(trial.time(attribute).seconds), _rounded(trial.seconds),
                    trial.dropped_frames, repeat, trial.strategy, trial.probability, trial.source,
                    " ".join(trial.flags) or None,
                    "simulated labeler" if trial.labeler in programs
                    else marks.get((trial.id, attribute)) or aside(trial.flags),
                )  # fmt: skip

    def _shown(self, trial: TrialRecord) -> Row:
        stimuli = self._pseudonyms.stimuli
        if trial.right is None:
            return stimuli[trial.left], None, None
        return None, stimuli[trial.left], stimuli[trial.right]

    def _labelers(self) -> Iterator[Row]:
        simulated = {each.code: each.simulated for each in self._study.labelers()}
        lines = [
            (
                self._pseudonyms.labelers[each.labeler], simulated[each.labeler], each.ratings,
                each.comparisons, each.skipped, each.repeats, *self._known("rater", each.labeler),
            )
            for each in self._study.progress()
        ]  # fmt: skip
        yield from sorted(lines, key=lambda line: str(line[0]))

    def _images(self) -> Sheet:
        lines = [
            (
                self._pseudonyms.stimuli[each.id], each.width or None, each.height or None,
                *self._known("image", each.id),
            )
            for each in self._study.images()
        ]  # fmt: skip
        lines.sort(key=lambda line: str(line[0]))
        return Sheet("faces", self._with_facts(IMAGES, "image"), len(lines), lambda: lines)

    def _texts(self) -> Sheet:
        code = self._pseudonyms
        lines = [
            (
                code.stimuli[each.id],
                None if each.prompt is None else code.prompts[each.prompt],
                None if each.author is None else code.labelers[each.author],
                len(each.text),
                *((self._unnamed(each.prompt), self._unnamed(each.text)) if self._said else ()),
                *self._known("image", each.id),
            )
            for each in self._study.texts()
        ]
        lines.sort(key=lambda line: str(line[0]))
        columns = self._with_facts((*TEXTS, *(SAID if self._said else ())), "image")
        return Sheet("texts", columns, len(lines), lambda: lines)

    def _unnamed(self, said: str | None) -> str | None:
        """What a text says, unless it may name a labeler."""
        if said is None:
            return None
        if said not in self._naming:  # many texts may answer one prompt
            self._naming[said] = self._pseudonyms.may_name_somebody(said)
        return None if self._naming[said] else said

    def _skips(self) -> Iterator[Row]:
        counts: dict[tuple[str, str, str], int] = {}
        for trial in self._trials:
            whole = {"": trial.skip_reason or ""} if trial.status == "skipped" else {}
            for attribute, reason in (trial.skips or whole).items():
                known = reason if reason in _KNOWN_REASONS else OTHER
                key = self._pseudonyms.labelers[trial.labeler], attribute, known
                counts[key] = counts.get(key, 0) + 1
        for (labeler, attribute, reason), count in sorted(counts.items()):
            yield labeler, attribute or None, reason, count

    def _known(self, kind: Literal["rater", "image"], owner: str) -> tuple[Value, ...]:
        return tuple(self._values.get((kind, owner, name)) for name in self._facts[kind])

    def _with_facts(self, columns: Iterable[Column], kind: str) -> tuple[Column, ...]:
        added = (
            Column(f"fact_{name}", "text", f"What an import says: {name}.")
            for name in self._facts[kind]
        )
        return (*columns, *added)


class _Clock:
    """Times as they are published: days since the first trial, minutes since the session's."""

    def __init__(self, trials: Sequence[TrialRecord]) -> None:
        self._began: dict[str, float] = {}
        for trial in trials:
            if trial.onset is not None:
                before = self._began.get(trial.session, trial.onset)
                self._began[trial.session] = min(before, trial.onset)
        first = min(self._began.values(), default=0.0)
        zone = time.localtime(first).tm_gmtoff or 0
        self._first = (first + zone) // _DAY
        self._zone = zone

    def of(self, trial: TrialRecord) -> tuple[int | None, int | None]:
        if trial.onset is None:
            return None, None
        day = (trial.onset + self._zone) // _DAY - self._first
        return int(day), int((trial.onset - self._began[trial.session]) // _MINUTE)


def _worded(column: Column, words: StimulusWords) -> Column:
    """A column of answers as it is headed and explained by what the study holds."""
    (name,) = words.headed((column.name,))
    return Column(name, column.type, words.told(column.explanation))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, _ROUND)


def _answer(trial: TrialRecord, attribute: str, answer: int | str) -> Row:
    """rating, raw, outcome, left_chosen, strength."""
    if trial.kind == "rating":
        return answer, trial.raw.get(attribute), None, None, None
    chosen = {"left": 1.0, "right": 0.0}.get(str(answer))
    return None, None, answer, chosen, trial.strengths.get(attribute)
