"""What runs and comparisons of the task writing found, as their files hold it.

Units: nats per own token, or shares between 0 and 1 where generated texts are compared with own
ones; always the mean over people, so that everybody counts the same.
"""

import math
from typing import Final

from pydantic import JsonValue

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.decoding import Decoding
from prism_desktop.engine.runs.leaderboard_file import Verdict
from prism_desktop.engine.runs.stored import (
    Bound,
    Count,
    FolderName,
    Gained,
    Positive,
    Share,
    Stored,
)

_MOST_NATS: Final = 709.0  # of more, the exponential is beyond what a float holds
FEW_PEOPLE: Final = 6  # of fewer an interval over people tells next to nothing
FEW_PROMPTS: Final = 6  # likewise one over prompts
FEW_METHODS: Final = 6  # of fewer a rank correlation over methods tells next to nothing
SIMILARITY: Final = "similarity"  # of features of two texts
MACRO_F1: Final = "macro-f1"  # of texts that are labels
NO_GAINS: Final = (
    "No method of this comparison could be compared with another; compare at least two that can be "
    "trained."
)


class MeanOverPeople(Stored):
    """A mean over people, of nats per own token or of shares, or a difference of two."""

    value: float | None = None
    low: Bound | None = None  # over people
    high: Bound | None = None
    both_low: Bound | None = None  # over people and prompts
    both_high: Bound | None = None
    p: Share | None = None  # of a difference: that it is 0, over people and prompts
    people: Count = 0
    prompts: Count = 0  # that the texts answer; 0 where an earlier version did not count them
    texts: Count = 0
    tokens: Count = 0

    @property
    def perplexity(self) -> float | None:
        """The number of tokens that would be as hard to choose among; infinite where no number
        can say it."""
        if self.value is None:
            return None
        return math.exp(self.value) if self.value < _MOST_NATS else math.inf

    @property
    def few(self) -> bool:
        """Whether there are too few people or prompts to tell."""
        return self.people < FEW_PEOPLE or 0 < self.prompts < FEW_PROMPTS

    def rest(self, one: str = "person") -> str:
        """How many people and prompts it rests on; `one` is what to call a person."""
        people = counted(self.people, one)
        return f"{people} and {counted(self.prompts, 'prompt')}" if self.prompts else people


class MeanOfPerson(Stored):
    """The same of one person's texts."""

    value: float
    low: Bound | None = None  # over the prompts that they answered; None of a single one
    high: Bound | None = None
    texts: Count = 0
    tokens: Count = 0


class WritingGain(Stored):
    """How many nats per own token a method saves, or how much nearer its texts come: above 0 is
    better."""

    over: str = ""  # the method it is compared with
    mean: MeanOverPeople = MeanOverPeople()
    improved: Count = 0  # people
    improved_low: Share | None = None  # of all people, Wilson's interval over people
    improved_high: Share | None = None
    of: Count = 0
    worst: str = ""  # who gains least or loses most, of those who answered several prompts
    worst_gain: MeanOfPerson | None = None
    several: Count = 0  # people who answered several prompts, of whom a loss can be told from noise
    let_down: tuple[str, ...] = ()  # of these who loses beyond noise, after Holm over people


class EnteredNats(Stored):
    """Held-out people, with so many of their texts known."""

    examples: Count
    score: MeanOverPeople = MeanOverPeople()
    measures: dict[str, MeanOverPeople] = {}  # of texts written as them; shares by name


class WritingLatency(Stored):
    """How long a text takes on the machine that tested the run, one text at a time, beside whatever
    else it did."""

    texts: Count = 0
    tokens: Count = 0  # behind the first ones
    prefill: Positive | None = None  # seconds to the first token, median
    prefill_p95: Positive | None = None
    token: Positive | None = None  # seconds to each further token, median
    token_p95: Positive | None = None
    device: str = ""
    threads: Count = 0  # of the processor; 0 where that is not known


class WritingQuality(Stored):
    """How near generated texts come to what their people wrote: known people, held-out prompts."""

    measures: dict[str, MeanOverPeople] = {}  # shares by name, in the order in which they are told
    compared_by: str = ""  # the model whose features the similarity is of
    compared_by_sha256: str = ""  # of its weights
    answers: Count = 0  # texts of each person at most
    labels: tuple[str, ...] = ()  # the closed set that the own texts are from; empty where none is
    empty: Count = 0  # generated texts that hold nothing
    decoding: Decoding = Decoding()
    latency: WritingLatency | None = None

    @property
    def reader(self) -> str:
        """The model that compares, with what tells its weights from others of that name."""
        weights = self.compared_by_sha256[:8] or "weights not known"
        return f"{self.compared_by} ({weights})"


class WritingSummary(Stored):
    """A run's results: written.json."""

    run: str = ""
    method: str = ""
    backbone: str = ""
    study: str = ""
    simulated: bool = False
    fingerprint: str = ""
    fold: Count = 0
    seed: Count = 0
    test: MeanOverPeople = MeanOverPeople()  # known people, held-out prompts
    per_person: dict[str, MeanOfPerson] = {}
    gain: WritingGain | None = None  # over the unified model that it stands on
    swapped: MeanOverPeople | None = None  # each person's texts as another person's
    swap_gain: WritingGain | None = None  # of the own numbers over another person's
    entered: tuple[EnteredNats, ...] = ()
    # texts in the training folds of each of those who are held out, the least first
    held_out_texts: tuple[Count, ...] = ()
    notices: tuple[str, ...] = ()
    trained: Count = 0  # numbers
    per_person_numbers: Count = 0  # that belong to one person
    soft_tokens: Count = 0
    examples: Count | None = None  # that are read, as validation chose
    context_tokens: Positive = 0.0  # read before a prompt, mean
    kept: Share | None = None  # people whose soft tokens are used
    passes: Positive = 1.0  # models that are run for a text, mean over people
    cut: Count = 0  # tested texts that are longer than the model reads
    quality: WritingQuality | None = None  # None of runs that wrote nothing
    best_epoch: Count | None = None
    revision: Count = 1  # of the method
    seconds: Positive = 0.0  # of training, tests and generated texts, without what it stands on
    config: dict[str, JsonValue] = {}


class WeighedRun(Stored):
    """One of the runs that a combination weighs."""

    method: str
    run: FolderName  # in the same study
    weight: Share = 0.0  # everybody's, of the next token's probability
    people: Count = 0  # whom it serves, alone or with others


class WriterCombination(Stored):
    """The runs of a combination, in the order of its weights' columns: weighed-runs.json."""

    members: tuple[WeighedRun, ...] = ()
    why: tuple[str, ...] = ()  # a sentence each


class EnteredGain(Stored):
    """What a method saves of the texts of held-out people, with so many of theirs known."""

    examples: Count
    over_unified: WritingGain | None = None  # p adjusted after Holm
    over_retrieval: WritingGain | None = None
    # by measure, of texts written as them: above 0 is nearer to what they wrote
    quality_over_unified: dict[str, WritingGain] = {}
    quality_over_retrieval: dict[str, WritingGain] = {}


class WritingRow(Stored):
    """One method on the leaderboard."""

    method: str
    title: str = ""
    summary: WritingSummary = WritingSummary()
    over_unified: WritingGain | None = None  # p adjusted after Holm
    over_retrieval: WritingGain | None = None
    over_exchanged: WritingGain | None = None  # the own numbers over another person's
    entered: tuple[EnteredGain, ...] = ()
    verdict: Verdict | None = None
    # by measure, of generated texts: above 0 is nearer to what people wrote
    quality_over_unified: dict[str, WritingGain] = {}
    quality_over_retrieval: dict[str, WritingGain] = {}
    compression: Positive | None = None  # tokens of the context replaced per soft token

    @property
    def gains(self) -> tuple[WritingGain, ...]:
        """Those over the unified model and over retrieval that are known."""
        both = (self.over_unified, self.over_retrieval)
        return tuple(gain for gain in both if gain is not None and gain.mean.value is not None)


class RankAgreement(Stored):
    """Whether methods that foretell better also write nearer: Spearman's rho over methods."""

    rho: Gained | None = None  # of how little a text was expected, turned round, and a measure
    p: Share | None = None  # by permutations, exact up to eight methods
    methods: Count = 0

    @property
    def few(self) -> bool:
        """Whether there are too few methods to tell."""
        return self.methods < FEW_METHODS


class FailedWriting(Stored):
    """A method that could not be trained."""

    method: str
    message: str


class WritingLeaderboard(Stored):
    """Methods, the least NLL first: leaderboard.json."""

    study: str = ""
    simulated: bool = False
    backbone: str = ""
    people: Count = 0  # known
    held_out: Count = 0
    held_out_texts: tuple[Count, ...] = ()  # as in a summary, which earlier versions lack it in
    retrieval: str = ""  # the one that methods are compared with
    replaced: str = ""  # the method whose context soft tokens replace
    agreement: dict[str, RankAgreement] = {}  # by measure
    methods: tuple[WritingRow, ...] = ()
    failed: tuple[FailedWriting, ...] = ()
    finished: bool = True  # earlier versions wrote it at the end alone
    wanted: Count = 0  # methods of the whole comparison; 0 where an earlier version wrote it
    settings: tuple[str, ...] = ()  # "key=value" that tell it from other comparisons

    @property
    def unfinished(self) -> str:
        """That methods are still to come, in a sentence; empty if none are."""
        if self.finished:
            return ""
        done = len(self.methods) + len(self.failed)
        return (
            f"Not finished: {done:,} of {counted(self.wanted, 'method')}; p values and the gate "
            "change as others come."
        )

    @property
    def few(self) -> bool:
        """Whether any method was tested on too few people or prompts to tell."""
        return any(one.few for one in self._tested)

    @property
    def tested(self) -> MeanOverPeople:
        """What the methods were tested on, as the one of most people has it."""
        most = max(self._tested, key=lambda one: (one.people, one.prompts), default=None)
        return most or MeanOverPeople()

    @property
    def _tested(self) -> list[MeanOverPeople]:
        """What rows rest on; where an earlier version did not count prompts, as gains have it."""
        gains = {row.method: row.gains for row in self.methods}
        return [
            one if one.prompts or not gains[row.method] else gains[row.method][0].mean
            for row in self.methods
            for one in [row.summary.test]
        ]


class ReplyPreference(Stored):
    """Whose generated replies labelers prefer, blind: shares of the first method, ties half."""

    first: str = ""  # method and run
    second: str = ""
    attribute: str = ""
    simulated: bool = False  # whether those who judged are
    share: MeanOverPeople = (
        MeanOverPeople()
    )  # mean over labelers; intervals over labelers and prompts
    per_labeler: dict[str, MeanOfPerson] = {}
    pairs: Count = 0  # that there are to be judged
    judged: Count = 0  # of them, by anybody
    ties: Count = 0  # answers
    same: Count = 0  # pairs of the same words, which nobody was shown


class ReplyRanking(Stored):
    """Answers of people and of simulated labelers, never in one number."""

    found: tuple[ReplyPreference, ...] = ()
