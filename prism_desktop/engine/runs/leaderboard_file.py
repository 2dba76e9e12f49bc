"""What a comparison found, as its leaderboard.json holds it.

Units as in `result_files`.
"""

from prism_desktop.engine.methods import labelled
from prism_desktop.engine.runs.result_files import (
    Baseline,
    Counts,
    MacroGain,
    Result,
    SplitReport,
    Worst,
)
from prism_desktop.engine.runs.stored import Count, FolderName, Positive, Share, Stored
from prism_desktop.engine.stimulus_words import StimulusKind, StimulusWords, words_for


class Verdict(Stored):
    """Whether a method passes the success gate, with a reason per condition."""

    passed: bool
    reasons: tuple[str, ...]  # one sentence each, the failed conditions first


class MethodRow(Stored):
    """One method on a leaderboard; several seeds are averaged."""

    method: str
    settings: dict[str, str] = {}  # that a grid varies, by dotted key
    test: Result = Result()
    parameters: Count | None = None  # trained ones
    seconds: Positive | None = None
    bytes_per_labeler: Count | None = None
    gain: MacroGain | None = None  # None for the consensus
    improved: Share | None = None  # share of labelers
    worst: Worst | None = None
    wilcoxon: Share | None = None
    verdict: Verdict | None = None
    seeds: Count | None = None
    deviation: Positive | None = None  # standard deviation of the seeds' macro accuracies
    of_ceiling: Positive | None = None  # mean over labelers who have a ceiling
    reads_tested_faces: bool = False
    labelers_seen: bool | None = None  # as in `Summary`

    @property
    def label(self) -> str:
        """What tells it from the other rows: method and varied settings."""
        return labelled(self.method, self.settings)


class FailedRun(Stored):
    """A run of a comparison that came to nothing."""

    method: str
    settings: dict[str, str] = {}  # that a grid varies
    seed: int
    fold: Count = 0
    run: str | None = None  # name
    message: str


class Refusal(Stored):
    """A method that something is not possible for."""

    method: str
    reason: str  # one sentence


class Swap(Stored):
    """The control of a method: everybody's model given to the next labeler."""

    gain: MacroGain
    below: bool  # below the consensus, as it must be


class Leaderboard(Stored):
    """A comparison's methods side by side, and what was asked: leaderboard.json."""

    name: str = ""
    study: str = ""
    simulated: bool = False
    kind: StimulusKind = "image"  # of what is judged
    prompted: bool = False  # whether it is texts that all answer a prompt
    backbone: str = ""
    split: SplitReport = SplitReport()
    seeds: Count = 1
    folds: tuple[Count, ...] = ()
    shuffled: bool = False  # labelers, as a control
    labelers: tuple[str, ...] = ()
    names: dict[str, str] = {}  # what to call each labeler, by code
    attributes: tuple[str, ...] = ()
    counts: Counts = Counts()
    fingerprint: str = ""
    notices: tuple[str, ...] = ()
    # What tells rows apart: the method, or method and settings where a grid varies them.
    wanted: tuple[str, ...] = ()
    grid: dict[str, tuple[str, ...]] = {}  # settings and the values that were tried
    remarks: tuple[str, ...] = ()  # how methods are compared, a sentence each
    finished: bool = True
    methods: tuple[MethodRow, ...] = ()  # the best first
    failed: tuple[FailedRun, ...] = ()
    left_out: tuple[Refusal, ...] = ()
    runs: dict[str, tuple[FolderName, ...]] = {}  # names, by row
    baselines: dict[str, Baseline] = {}
    swapped: dict[str, Swap] = {}  # by row
    unswapped: tuple[Refusal, ...] = ()

    @property
    def words(self) -> StimulusWords:
        """What is judged is called so."""
        return words_for(self.kind, prompted=self.prompted)

    def row(self, label: str) -> MethodRow | None:
        """The row of a method, or of a method and settings where a grid varies them."""
        return next((row for row in self.methods if row.label == label), None)
