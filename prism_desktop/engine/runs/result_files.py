"""What runs and comparisons found, as their JSON files hold it.

`Summary` is a run's summary.json, `Leaderboard` a comparison's leaderboard.json; curves stand in
`curve_files`. Accuracies and gains are shares, not per cent;
low and high bound 95 % intervals over images, unless their name says labelers or both. What a
version did not know yet is None or empty.
"""

from pydantic import JsonValue, field_validator, model_validator

from prism_desktop.engine.runs.stored import (
    Bound,
    Count,
    Gained,
    Moment,
    Positive,
    Share,
    Stored,
)
from prism_desktop.engine.stimulus_words import StimulusKind, StimulusWords, words_for

# A method's parts, such as lora, tokens and trainable, and how many numbers each has.
Parameters = dict[str, Count]


class Accuracy(Stored):
    """How many answers were predicted right, with ties of the scores as half."""

    accuracy: Share | None = None  # None without answers
    low: Bound | None = None  # over faces: the labelers are taken as given
    high: Bound | None = None
    # Of a mean over labelers only: what other labelers, and other labelers on other faces, give.
    labelers_low: Bound | None = None
    labelers_high: Bound | None = None
    both_low: Bound | None = None
    both_high: Bound | None = None
    n: Count | None = None  # answers
    # Of one labeler only: what a perfect model could reach, and accuracy / ceiling.
    ceiling: Share | None = None
    of_ceiling: Positive | None = None
    ceiling_low: Share | None = None
    ceiling_high: Share | None = None
    repeats: Count | None = None  # answers given again, from which the ceiling is estimated


class Difference(Stored):
    """The accuracy of one method minus that of another, on the same answers."""

    difference: Gained | None = None
    low: Bound | None = None  # over faces
    high: Bound | None = None
    # As in `Accuracy`.
    labelers_low: Bound | None = None
    labelers_high: Bound | None = None
    both_low: Bound | None = None
    both_high: Bound | None = None
    n: Count | None = None  # answers
    p: Share | None = None
    error: Positive | None = None  # standard error
    images: Count | None = None  # different images that the answers show


class RankCell(Stored):
    """Spearman's correlation of one labeler's held-out ratings with the scores."""

    rho: Gained
    low: Bound
    high: Bound
    n: Count  # rated images


class RankCorrelation(Stored):
    """Rank correlations with held-out ratings, by labeler and attribute."""

    macro: Gained | None = None  # mean over labelers of their means over attributes
    n: Count = 0  # ratings
    per_labeler: dict[str, dict[str, RankCell]] = {}


class Result(Stored):
    """Predictions tested on the answers that were held out."""

    micro: Accuracy = Accuracy()  # over all answers
    macro: Accuracy = Accuracy()  # mean over labelers
    per_labeler: dict[str, Accuracy] = {}
    per_attribute: dict[str, Accuracy] = {}
    per_labeler_attribute: dict[str, dict[str, Accuracy]] = {}
    spearman: RankCorrelation | None = None  # None without ratings
    nll: Positive | None = None  # nats
    macro_nll: Positive | None = None
    brier: Share | None = None
    ece: Share | None = None
    ceiling: dict[str, Share | None] = {}  # by labeler
    ties: Count | None = None  # answers left out
    seeds: Count | None = None  # over which everything is averaged
    deviation: Positive | None = None  # standard deviation of the seeds' macro accuracies


class Improved(Stored):
    """How many labelers gain."""

    share: Share | None
    labelers: Count
    of: Count


class Worst(Stored):
    """The labeler who gains least, or loses most."""

    labeler: str
    difference: Gained
    low: Bound
    high: Bound


class Spread(Stored):
    """How a gain is spread over labelers."""

    improved: Improved | None = None
    worst: Worst | None = None
    catastrophic: tuple[str, ...] = ()  # who loses much, beyond chance
    wilcoxon: Share | None = None  # p over labelers


class Gain(Stored):
    """A method's result minus that of the consensus; the last four as in `Spread`."""

    micro: Difference = Difference()
    macro: Difference = Difference()
    per_labeler: dict[str, Difference] = {}
    per_attribute: dict[str, Difference] = {}
    per_labeler_attribute: dict[str, dict[str, Difference]] = {}
    improved: Improved | None = None
    worst: Worst | None = None
    catastrophic: tuple[str, ...] = ()
    wilcoxon: Share | None = None


class Baseline(Stored):
    """A simple rule on the same answers."""

    micro: Accuracy = Accuracy()
    macro: Accuracy = Accuracy()
    per_labeler: dict[str, Accuracy] = {}
    known: Share | None = None  # share of answers about which the rule says something
    note: str = ""  # what it is


class KeptBaselines(Stored):
    """The baselines of a data set, by name, in the study's cache."""

    rows: dict[str, Baseline] = {}


class BlockGain(Stored):
    """What an optional block adds: validation answers, which neither side has learned from."""

    block: str  # statistics, or the name of a fact about the images
    kept: bool  # whether the run reads it
    beside: Accuracy = Accuracy()  # with it, mean over labelers
    without: Accuracy = Accuracy()
    gain: Difference = Difference()


class TriedBlocks(Stored):
    """All that were tried, each beside those before it that were kept: blocks.json."""

    blocks: tuple[BlockGain, ...] = ()


class SplitReport(Stored):
    """How the answers were split."""

    kind: str = ""  # image, pair, labeler, time or label
    method: str = ""  # image: "folds", "components" or "min-cut"; else what was shuffled
    fold: Count = 0  # the fold that was tested
    folds: Count = 0  # how many folds test everything once; 0 where that is unknown
    counts: dict[str, Count] = {}  # pairs per split, "dropped" included
    # images per split among the pairs kept; they overlap unless the kind is image
    images: dict[str, Count] = {}
    straddling: Count = 0  # pairs that lie between splits and were dropped
    warning: str | None = None  # what a reader of the results must know

    @model_validator(mode="before")
    @classmethod
    def _from_kind(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value


class Counts(Stored):
    """How much data there is: answers by split, and of what."""

    train: Count = 0
    val: Count = 0
    test: Count = 0
    dropped: Count = 0
    labelers: Count = 0
    attributes: Count = 0
    images: Count = 0


class Environment(Stored):
    """Where a run was trained: environment.json."""

    device: str | None = None  # cpu, cuda, mps
    device_name: str | None = None
    precision: str | None = None
    threads: Count | None = None
    backbone_sha256: str | None = None
    encoder_sha256: str | None = None  # of the network that looks texts up, if another one does
    platform: str | None = None
    versions: dict[str, str] = {}  # of Python and the packages that results depend on
    revisions: dict[str, Count] = {}  # of methods that were revised

    @property
    def blank(self) -> bool:
        """Whether nothing is known, as before a run has started."""
        return not self.model_fields_set


class LabelerFacts(Stored):
    """A labeler of a data snapshot."""

    code: str
    display_name: str = ""
    profile: str = ""


class AttributeFacts(Stored):
    """An attribute of a data snapshot."""

    name: str
    question: str = ""
    templates: tuple[str, ...] = ()


class SnapshotMeta(Stored):
    """What the tables of a data snapshot are: data/meta.json."""

    study: str = ""
    simulated: bool = False  # whether any labeler is
    kind: StimulusKind = "image"  # of what is judged
    prompted: bool = False  # whether it is texts that all answer a prompt
    labelers: tuple[LabelerFacts, ...] = ()
    attributes: tuple[AttributeFacts, ...] = ()
    split: SplitReport = SplitReport()
    notices: tuple[str, ...] = ()
    created: Moment | None = None  # unix seconds
    counts: Counts = Counts()
    embeddings_sha256: str | None = None  # of imported embeddings, where they are the backbone
    facts_sha256: str = ""  # of facts about the images, which only some methods read
    fingerprint: str = ""  # of all that is learned from

    @property
    def words(self) -> StimulusWords:
        """What is judged is called so."""
        return words_for(self.kind, prompted=self.prompted)

    @property
    def codes(self) -> tuple[str, ...]:
        """The labelers' codes."""
        return tuple(labeler.code for labeler in self.labelers)

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes' names."""
        return tuple(attribute.name for attribute in self.attributes)


class Costs(Stored):
    """What a training cost."""

    parameters: Parameters = {}
    best_epoch: Count | None = None
    epochs: Count | None = None
    seconds: Positive | None = None
    seconds_per_epoch: Positive | None = None
    bytes_per_labeler: Count | None = None


class Evaluation(Stored):
    """A method, and what it must beat, tested on the same answers."""

    test: Result = Result()
    consensus: Result | None = None
    gain: Gain | None = None
    baselines: dict[str, Baseline] = {}


class Summary(Stored):
    """A run's results, with the settings and versions behind them: summary.json."""

    run: str = ""
    method: str = ""
    reads_tested_faces: bool = False  # knows what others answered about the tested faces
    # whether training saw answers of the tested labelers, beyond a few to enter with
    labelers_seen: bool | None = None
    backbone: str = ""
    device: str | None = None
    split: SplitReport = SplitReport()
    # As in `Costs`.
    parameters: Parameters = {}
    best_epoch: Count | None = None
    epochs: Count | None = None
    seconds: Positive | None = None
    seconds_per_epoch: Positive | None = None
    bytes_per_labeler: Count | None = None
    counts: Counts | None = None
    # As in `Evaluation`.
    test: Result = Result()
    consensus: Result | None = None
    gain: Gain | None = None
    baselines: dict[str, Baseline] = {}
    blocks: tuple[BlockGain, ...] = ()  # as in `TriedBlocks`
    swapped: tuple[str, str] | None = None  # labelers whose models were exchanged
    study: str = ""
    simulated: bool = False
    # As in `SnapshotMeta`.
    kind: StimulusKind = "image"
    prompted: bool = False
    notices: tuple[str, ...] = ()
    fingerprint: str | None = None
    seed: int | None = None
    versions: dict[str, str] = {}
    environment: Environment = Environment()  # without versions
    config: dict[str, JsonValue] = {}

    @field_validator("parameters", mode="before")
    @classmethod
    def _from_number(cls, value: object) -> object:
        return {"trainable": value} if isinstance(value, int | float) else value or {}

    @property
    def words(self) -> StimulusWords:
        """What was judged is called so."""
        return words_for(self.kind, prompted=self.prompted)

    @property
    def saw_labelers(self) -> bool | None:
        """Whether training saw the tested labelers; older summaries say it by their split."""
        if self.labelers_seen is None and self.split.kind:
            return self.split.kind != "labeler"
        return self.labelers_seen

    @property
    def trained(self) -> int | None:
        """How many numbers were trained."""
        if not self.parameters:
            return None
        return self.parameters.get("trainable", sum(self.parameters.values()))

    @property
    def training_seconds(self) -> float | None:
        """How long the training took, as told or from its epochs."""
        if self.seconds is not None or self.seconds_per_epoch is None or not self.epochs:
            return self.seconds
        return self.seconds_per_epoch * self.epochs

    @property
    def shuffled(self) -> bool:
        """Whether it is of a control: who gave which training answer was permuted."""
        return self.setting("pairs.shuffle") is not None

    def setting(self, key: str) -> JsonValue:
        """A setting by dotted key; None where it is empty or unknown."""
        found: JsonValue = self.config
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found


class MacroGain(Stored):
    """A gain over the consensus, mean over labelers."""

    value: Gained | None
    low: Bound | None  # over faces
    high: Bound | None
    # As in `Accuracy`.
    labelers_low: Bound | None = None
    labelers_high: Bound | None = None
    both_low: Bound | None = None
    both_high: Bound | None = None
    p: Share | None = None  # on a leaderboard adjusted for the number of methods
    p_raw: Share | None = None  # on a leaderboard: not adjusted
    n: Count | None = None  # answers

    @classmethod
    def of(cls, gain: Gain) -> "MacroGain":
        """Of a gain over labelers and attributes."""
        macro = gain.macro
        return cls(
            value=macro.difference,
            low=macro.low,
            high=macro.high,
            labelers_low=macro.labelers_low,
            labelers_high=macro.labelers_high,
            both_low=macro.both_low,
            both_high=macro.both_high,
            p=macro.p,
            n=macro.n,
        )


class TellingOrder(Stored):
    """What a labeler of whom nothing is known should judge first, by image ids; of a run."""

    rating: tuple[tuple[str, ...], ...] = ()  # faces, one each
    comparison: tuple[tuple[str, ...], ...] = ()  # sorted pairs
