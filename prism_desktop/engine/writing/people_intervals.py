"""The intervals behind a result of the task writing.

The number is the mean over people of the nats per own token, or of what their texts share with
generated ones, where each text counts as one token. Two intervals of 95 %: over people,
Student's t of their means; over both, what other people would give in answer to other prompts.
Prompts are crossed with people, so that V = V_people + V_prompts - V_within (Cameron, Gelbach and
Miller, J. Bus. Econ. Stat. 2011), with as many degrees of freedom as the fewer of people and
prompts, less one. What a text does to the number is taken about the mean of all: about its own
person's mean, prompts would seem to matter the less the fewer of them each person answered, and not
at all where each answered one.

With two or three people Student's t reaches further than the number itself can: what lies beyond is
cut off, which takes nothing of an interval's 95 %, since the truth is not there. Where everybody's
value is the same, the sample does not say how far others would be from it, and there is no
interval; but two methods that give the same texts the same differ by nothing, for anybody. What one
model gives twice differs by rounding, as texts are packed into other passes: less than `SAME` is
no difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit  # scipy.stats takes half a second to import

from prism_desktop.engine.evaluation.intervals import wilson
from prism_desktop.engine.runs.writing_files import MeanOfPerson, MeanOverPeople, WritingGain
from prism_desktop.engine.writing.lasting_losses import AskedValue, let_down, over_prompts

SAME: Final = 1e-5  # nats per token, or of what lies between 0 and 1
_TAIL: Final = 0.975
Limits = tuple[float, float]  # between which a number lies, whatever is measured
NATS: Final[Limits] = (0.0, math.inf)
SHARES: Final[Limits] = (0.0, 1.0)
COSINES: Final[Limits] = (-1.0, 1.0)
SAVED: Final[Limits] = (-math.inf, math.inf)
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = Mapping[int, "ScoredText"]  # by place in the run's texts


class ScoredText(NamedTuple):
    """A text that was foretold; of one that was compared its share stands for nats of one token."""

    person: str
    prompt: str  # or the text itself, where it answers none
    nll: float  # nats, of all its own tokens
    tokens: int  # own ones
    costs: tuple[float, ...] = ()  # nats of each, where they are at hand


def mean_over_people(texts: Texts, limits: Limits = NATS) -> MeanOverPeople:
    """The mean over people of what their texts cost, or share, with intervals."""
    return _estimate(list(texts.values()), [one.nll for one in texts.values()], limits)


def by_person(texts: Texts, limits: Limits = NATS) -> dict[str, MeanOfPerson]:
    """The same of each person, the interval over the prompts that they answered."""
    return _persons(list(texts.values()), [one.nll for one in texts.values()], limits)


def gain(over: str, method: Texts, other: Texts, limits: Limits = SAVED) -> WritingGain:
    """What a method saves against another on the same texts.

    Args:
        over: what the other is called.
        method: how it foretold.
        other: likewise; texts that only one of the two has are left out.
        limits: of a difference.
    """
    common = sorted(method.keys() & other.keys())
    rows = [other[row] for row in common]
    saved = [_saved(method[row], one) for row, one in zip(common, rows, strict=True)]
    found = _estimate(rows, saved, limits, difference=True)
    persons = _persons(rows, saved, limits)
    if not persons:
        return WritingGain(over=over)
    # what one prompt says of somebody has no interval, so that nobody could be let down by it
    several = [code for code, one in persons.items() if one.high is not None]
    worst = min(several or persons, key=lambda code: persons[code].value)
    improved = sum(one.value > 0 for one in persons.values())
    low, high = wilson(improved / len(persons), len(persons))
    return WritingGain(
        over=over,
        mean=found,
        improved=improved,
        improved_low=low,
        improved_high=high,
        of=len(persons),
        worst=worst,
        worst_gain=persons[worst],
        several=len(several),
        let_down=let_down(_by_person(rows, saved)) if limits == SAVED else (),
    )


def _saved(method: ScoredText, other: ScoredText) -> float:
    """Nats that a method saves of a text; of one that either cut only rates may be compared."""
    each = other.nll / max(1, other.tokens) - method.nll / max(1, method.tokens)
    return 0.0 if abs(each) <= SAME else each * other.tokens


def ratio(
    rows: Sequence[ScoredText], value: float, influence: Floats, *, difference: bool = False
) -> MeanOverPeople:
    """A ratio of sums over all texts, at most 1, with intervals by its linear part.

    Args:
        rows: texts, of which nothing but person and prompt is looked at.
        value: the ratio, or a difference of two.
        influence: (texts,) what each does to it, as `text_overlap.f1_shares` has it.
        difference: whether to test that it is 0.
    """
    if not rows:
        return MeanOverPeople()
    people, who = np.unique([one.person for one in rows], return_inverse=True)
    prompts, asked = np.unique([one.prompt for one in rows], return_inverse=True)
    count = len(people)
    told = _counts(rows, len(rows))
    if count < 2:
        return MeanOverPeople(value=value, **told)
    over_people = float((np.bincount(who, influence) ** 2).sum()) * count / (count - 1)
    over_both, freedom = _crossed(over_people, influence, who, asked, len(prompts))
    limits = COSINES if difference else SHARES
    return _interval(value, count, over_people, over_both, freedom, difference, limits, told)


def _estimate(
    rows: Sequence[ScoredText], values: Sequence[float], limits: Limits, *,
    difference: bool = False,
) -> MeanOverPeople:  # fmt: skip
    if not rows:
        return MeanOverPeople()
    tokens = np.array([one.tokens for one in rows], np.float64)
    people, who = np.unique([one.person for one in rows], return_inverse=True)
    prompts, asked = np.unique([one.prompt for one in rows], return_inverse=True)
    size = np.bincount(who, tokens)
    means = np.bincount(who, np.asarray(values)) / np.maximum(size, 1)
    value, count = float(means.mean()), len(people)
    told = _counts(rows, int(tokens.sum()))
    if count < 2:
        return MeanOverPeople(value=value, **told)
    over_people = float(means.var(ddof=1)) / count
    influence = (np.asarray(values) - value * tokens) / np.maximum(size, 1)[who] / count
    over_both, freedom = _crossed(over_people, influence, who, asked, len(prompts))
    return _interval(value, count, over_people, over_both, freedom, difference, limits, told)


def _counts(rows: Sequence[ScoredText], tokens: int) -> dict[str, int]:
    """What a number rests on."""
    people, prompts = {one.person for one in rows}, {one.prompt for one in rows}
    return {
        "people": len(people), "prompts": len(prompts), "texts": len(rows), "tokens": tokens,
    }  # fmt: skip


def _interval(
    value: float, count: int, over_people: float, over_both: float, freedom: int,
    difference: bool, limits: Limits, told: Mapping[str, int],
) -> MeanOverPeople:  # fmt: skip
    """Variances as intervals of 95 %; of a difference also how probable it is by chance."""
    alike = math.sqrt(over_both) <= 1e-12
    if alike and not (difference and abs(value) <= 1e-12):
        return MeanOverPeople(value=value, **told)
    freedom = min(freedom, count - 1)
    half, wide = (
        float(stdtrit(free, _TAIL)) * math.sqrt(variance)
        for free, variance in ((count - 1, over_people), (freedom, over_both))
    )
    p = None
    if difference:
        p = 1.0 if alike else float(2 * stdtr(freedom, -abs(value) / math.sqrt(over_both)))
    (low, high), (both_low, both_high) = (_within(value, off, limits) for off in (half, wide))
    return MeanOverPeople(
        value=value, low=low, high=high, both_low=both_low, both_high=both_high, p=p, **told
    )


def _within(value: float, half: float, limits: Limits) -> tuple[float, float]:
    return max(value - half, limits[0]), min(value + half, limits[1])


def _crossed(
    over_people: float, influence: Floats, who: Ints, asked: Ints, prompts: int
) -> tuple[float, int]:
    """The variance over people and prompts, and its degrees of freedom by prompts."""
    if prompts < 2:
        return over_people, 1
    through = np.bincount(asked, influence)
    cell = who * prompts + asked
    within = float((np.bincount(cell, influence) ** 2).sum())
    over_prompts = float((through**2).sum()) * prompts / (prompts - 1)
    return max(over_people + over_prompts - within, over_people, over_prompts), prompts - 1


def _persons(
    rows: Sequence[ScoredText], values: Sequence[float], limits: Limits
) -> dict[str, MeanOfPerson]:
    return {code: _person(texts, limits) for code, texts in _by_person(rows, values).items()}


def _by_person(rows: Sequence[ScoredText], values: Sequence[float]) -> dict[str, list[AskedValue]]:
    own: dict[str, list[AskedValue]] = {}
    for row, value in zip(rows, values, strict=True):
        own.setdefault(row.person, []).append(AskedValue(row.prompt, value, row.tokens))
    return own


def _person(texts: Sequence[AskedValue], limits: Limits) -> MeanOfPerson:
    """What a person's texts say of them; the interval is over prompts."""
    value, error, prompts = over_prompts(texts)
    tokens = sum(one.tokens for one in texts)
    found = MeanOfPerson(value=value, texts=len(texts), tokens=tokens)
    if prompts < 2:
        return found
    low, high = _within(value, float(stdtrit(prompts - 1, _TAIL)) * error, limits)
    return found.model_copy(update={"low": low, "high": high})
