"""The records that the store hands out and takes in: frozen, free of SQLAlchemy, pandas and Qt."""

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.plain_text import told_once
from prism_desktop.engine.stimulus_words import FACES, StimulusKind, StimulusWords, words_for
from prism_desktop.engine.study.texts import NewText, OwnText, TextRecord

ImageId = str  # SHA-256 of the file, 64 hexadecimal digits; of a text see `texts.text_id`
TrialId = str  # 32 hexadecimal digits, see `new_id` and `new_ids`
Kind = Literal["rating", "comparison"]
# of trials: at random, by sorting faces, what tells most of a labeler, or of what their model is
# least sure
Order = Literal["random", "sorted", "telling", "unsure"]
Status = Literal["answered", "skipped", "withdrawn"]
Source = Literal["labeled", "imported", "simulated"]
# "left": the panel, the window or the screen lost the trial before it was done. "interrupted": it
# was completed in a later session than it was begun in. "practice" and "check": what it was for.
Flag = Literal["left", "interrupted", "practice", "check"]
FLAGS: Final[tuple[Flag, ...]] = get_args(Flag)
# trials with one of these are there to be looked at; no analysis counts them
SET_ASIDE: Final[tuple[Flag, ...]] = ("practice", "check")

FOLDS = 7
STRONGEST = 9  # of a preference; the weakest is 1
DEFAULT_TEMPLATES: Final = FACES.templates
DEFAULT_SCALE = ("very low", "low", "high", "very high")
DEFAULT_ATTRIBUTES: Final = FACES.attributes


def new_id() -> str:
    """A fresh identifier for a trial, a session or an import, the same on every machine."""
    return uuid.uuid4().hex


def new_ids() -> Callable[[int], str]:
    """Fresh identifiers by number, in rising order: of many trials that are recorded together.

    80 random bits and the number, so that none has to be kept. A million of them take a tenth of
    the time of `new_id`, and their order keeps the database's index of them small and quick.
    """
    random = secrets.token_hex(10)
    return lambda number: f"{random}{number:012x}"


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of the study, referenced where it lies or copied in."""

    id: ImageId
    name: str  # path relative to the folder it was imported from, with "/"; unique in the study
    path: Path  # absolute
    width: int  # px, after EXIF rotation; 0 where the size is unknown, as of a damaged row
    height: int  # px, likewise
    fold: int  # 0-6, fixed when the image was added
    copied: bool
    missing: bool  # nothing lies at `path`


StimulusRecord = ImageRecord | TextRecord  # those of one study are of one kind


class NewImage(NamedTuple):
    """An image to add. A plain tuple in this order does as well."""

    path: Path
    name: str
    sha256: ImageId
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LabelerRecord:
    """A person whose judgments are modelled."""

    code: str  # never changes
    display_name: str = ""
    profile: str = ""  # free text about the person, for methods that read it
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class AttributeRecord:
    """What is judged."""

    name: str  # never changes
    question: str = ""
    scale_labels: tuple[str, ...] = DEFAULT_SCALE  # for 1, 2, 3, 4
    # texts for the text tower, "{}" stands for the name
    templates: tuple[str, ...] = DEFAULT_TEMPLATES
    # False: an import guessed it from a column's name, and nothing learns from it before somebody
    # says that it is a judgment
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class FactRecord:
    """Something that an import says about a labeler or an image: age, group, a norm."""

    kind: Literal["rater", "image"]
    owner: str  # a labeler's code or an image's id
    name: str  # 1 to 100 printable characters, no blanks at the ends
    value: str  # as the file had it; an empty or blank one is not kept


class AnswerTime(NamedTuple):
    """When a question was put, and how long its answer, or skipping it, took.

    The clock stands while the labeler is away. A question that was skipped with the rest of its
    trial before it was put has neither; an answer that came before its question was painted has
    no onset and took 0 s.
    """

    onset: float | None  # unix s: the frame that painted the question, of the first one the faces
    seconds: float | None


@dataclass(frozen=True, slots=True)
class GivenAnswers:
    """What a labeler gave to one presentation, complete or not.

    Attributes are in the order in which they were asked for; none is both answered and skipped.
    """

    # rating 1-4; comparison "left"/"right"/"tie"
    answers: Mapping[str, int | str] = field(default_factory=dict)
    skips: Mapping[str, str] = field(default_factory=dict)  # questions skipped -> why
    times: Mapping[str, AnswerTime] = field(default_factory=dict)
    strengths: Mapping[str, int] = field(default_factory=dict)  # of preference, 1 to 9
    onset: float | None = None  # unix s, when the images were painted
    seconds: float | None = None  # from onset to the last answer, without the time away
    dropped_frames: int | None = None
    flags: tuple[Flag, ...] = ()


def reason_of(skips: Mapping[str, str]) -> str | None:
    """Why a trial was skipped all of whose questions were."""
    return "; ".join(sorted(set(skips.values()))) or None


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One presentation to one labeler.

    What was answered never changes; a correction is a trial of its own. A trial counts as answered
    if one of its questions was.
    """

    id: TrialId
    labeler: str
    session: str
    order: int  # place within the session, from 0
    kind: Kind
    left: ImageId  # the only image of a rating trial
    right: ImageId | None = None
    onset: float | None = None  # unix s, when the images were painted
    seconds: float | None = None  # from onset to the last answer, without the time away
    status: Status = "answered"
    # of a trial without answers; follows from `skips` where there are some
    skip_reason: str | None = None
    # rating 1-4; comparison "left"/"right"/"tie"
    answers: Mapping[str, int | str] = field(default_factory=dict)
    # imported ratings as their file had them
    raw: Mapping[str, float] = field(default_factory=dict)
    superseded_by: TrialId | None = None
    repeat_of: TrialId | None = None
    source: Source = "labeled"
    probability: float | None = None  # with which the design drew this pair or image at this place
    import_id: str | None = None
    # screen frames that passed before the images were painted; None: not measured
    dropped_frames: int | None = None
    skips: Mapping[str, str] = field(default_factory=dict)  # questions skipped -> why
    # of its own question each, where that is more than the trial says; see `time`
    times: Mapping[str, AnswerTime] = field(default_factory=dict)
    strengths: Mapping[str, int] = field(default_factory=dict)  # of preference, 1 to 9
    flags: tuple[Flag, ...] = ()  # in the order of FLAGS
    block: str | None = None  # of the protocol
    strategy: str | None = None  # what chose the stimulus: "random", "balanced", ...

    def time(self, attribute: str) -> AnswerTime:
        """Onset and duration of one question; those of the trial where it has no other."""
        found = self.times.get(attribute)
        if found is None and len(self.answers) + len(self.skips) == 1:
            return AnswerTime(self.onset, self.seconds)
        return found or AnswerTime(None, None)

    def given(self) -> GivenAnswers:
        """What the labeler gave."""
        return GivenAnswers(
            self.answers, self.skips, self.times, self.strengths, self.onset, self.seconds,
            self.dropped_frames, self.flags,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PendingAnswers:
    """What was answered of a trial that is not complete yet."""

    labeler: str
    kind: Kind
    left: ImageId
    right: ImageId | None
    given: GivenAnswers  # its onset and duration are those of its questions
    block: str | None = None  # of the protocol
    flags: tuple[Flag, ...] = ()  # practice or a check; those of what was given are in `given`
    repeat_of: TrialId | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session of one labeler, from the first of its trials on."""

    id: str
    labeler: str
    started: float | None  # unix s; None: imported, or of a version that did not note it
    ended: float | None  # unix s; None: not noted, or it goes on
    protocol: str | None  # identifier of the protocol's version that it follows
    timing: str | None  # the timing report, JSON


@dataclass(frozen=True, slots=True)
class ProtocolRecord:
    """One version of how the study is labeled."""

    id: str
    version: int  # from 1
    created: float  # unix s
    text: str  # TOML


@dataclass(frozen=True, slots=True)
class Changes:
    """What one transaction touched; views refresh only where they are concerned."""

    images: bool = False
    labelers: bool = False
    attributes: bool = False
    trials: frozenset[str] = frozenset()  # codes of the labelers whose trials changed
    runs: bool = False
    imports: bool = False  # reports of imports

    def __or__(self, other: "Changes") -> "Changes":
        return Changes(
            self.images or other.images,
            self.labelers or other.labelers,
            self.attributes or other.attributes,
            self.trials | other.trials,
            self.runs or other.runs,
            self.imports or other.imports,
        )

    def __bool__(self) -> bool:
        return self != Changes()


@dataclass(frozen=True, slots=True)
class LabelerProgress:
    """Counts of one labeler's current trials (neither withdrawn nor superseded)."""

    labeler: str
    ratings: int  # answered rating trials
    comparisons: int  # answered comparison trials
    skipped: int
    repeats: int  # answered trials that repeat an earlier one
    last: float | None  # unix s of the latest onset


@dataclass(frozen=True, slots=True)
class StudyInfo:
    """A study at a glance."""

    id: str
    name: str
    path: Path
    created: float  # unix s
    schema_version: int
    images: int  # of a study of texts, the texts
    labelers: int
    attributes: int
    rating_trials: int  # current and answered
    comparison_trials: int  # current and answered
    skipped_trials: int
    simulated: bool  # at least one labeler is simulated
    read_only: bool
    progress: tuple[LabelerProgress, ...]
    made_on: str = ""  # the computer's name, as the study says
    made_by: str = ""  # the program's version, as the study says
    passed_over: tuple[str, ...] = ()  # a sentence about odd rows that readers do not see, each
    kind: StimulusKind = "image"  # of its stimuli
    prompted: bool = False  # they are texts, and each answers a prompt
    own_texts: int = 0  # that people wrote, beside those that are judged

    @property
    def words(self) -> StimulusWords:
        """What the study's stimuli are called."""
        return words_for(self.kind, prompted=self.prompted)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that an import left out."""

    row: int  # as the source counts, the first data row of a table is 2
    reason: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that was read in one way and might mean another; the import goes on."""

    kind: str  # a short word for tests and filters: "scale", "time", "left-out", ...
    text: str  # one sentence for the user
    table: str = ""
    column: str = ""
    rows: tuple[int, ...] = ()  # as a spreadsheet shows them; `doubts.ROWS_KEPT` at most
    count: int = 0  # rows concerned, in all


_NOUNS: Final = ("duplicate", "no image")
# In a report's mapping:
OTHERS: Final = "others"  # what else became of rows -> how many
LAMP: Final = "lamp"  # whose ids the people of a file of LaMP have
LAMP_FILE: Final = "lamp_file"  # the hash of its content


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, kept and refused."""

    id: str
    source: str
    format: str
    rows_read: int
    rows_kept: int
    refused: tuple[RefusedRow, ...] = ()
    duplicates: int = 0
    mapping: Mapping[str, object] = field(default_factory=dict)  # how columns and values were read
    notices: tuple[str, ...] = ()
    created: float | None = None  # unix s, set by the store
    undone: float | None = None  # unix s, set by the store
    doubts: tuple[Doubt, ...] = ()
    dismissed: frozenset[int] = frozenset()  # places in `doubts`, set by the store
    recipe: str = ""  # how the files were read, as TOML

    @property
    def open_doubts(self) -> tuple[Doubt, ...]:
        """Those that nobody dismissed."""
        return tuple(
            doubt for place, doubt in enumerate(self.doubts) if place not in self.dismissed
        )

    def parts(self) -> tuple[tuple[int, str], ...]:
        """What became of the rows, each counted once: the parts add up to `rows_read`.

        The first part is what was kept. A row that is told under two names, as a duplicate that
        was refused, is in the first of them.
        """
        others = self.mapping.get(OTHERS)
        told = [
            *(others.items() if isinstance(others, Mapping) else ()),
            ("duplicate", self.duplicates),
            ("refused", len(self.refused)),
            ("left out", self.rows_read),  # the rest
        ]
        found, rest = [(self.rows_kept, "kept")], self.rows_read - self.rows_kept
        for what, number in told:
            if isinstance(number, int) and (number := min(number, rest)) > 0:
                found.append((number, word_for(number, what) if what in _NOUNS else what))
                rest -= number
        return tuple(found)

    def summary(self) -> str:
        """A few lines for a reader: what was kept, what was not and why."""
        told = "".join(f", {number:,} {what}" for number, what in self.parts()[1:])
        lines = [
            f"{self.source}: {self.rows_kept:,} of {counted(self.rows_read, 'row')} kept{told} "
            f"({self.format})."
        ]
        lines += [f"  row {refused.row}: {refused.reason}" for refused in self.refused[:20]]
        if len(self.refused) > 20:
            lines.append(f"  and {len(self.refused) - 20} more")
        lines += self.notices
        doubts = told_once([(doubt.column, doubt.text) for doubt in self.open_doubts])
        lines += [f"Doubt: {told}" for told in doubts]
        if self.undone is not None:
            lines.append("This import was undone.")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class AddedStimuli:
    """What became of the images or texts handed to the store."""

    added: tuple[ImageId, ...]
    duplicates: tuple[tuple[str, str], ...]  # (name offered, name that the study already has)
    renamed: tuple[tuple[str, str], ...]  # (name offered, name given because the other was taken)
    changes: Changes


@dataclass(frozen=True, slots=True)
class Rescaled:
    """Imported ratings that the study has already are put on its steps in another way.

    It concerns every answer about the attribute that came with source "imported", not those that
    were given in this program. What a file said stays as it is (`raw`).
    """

    attribute: str
    steps: Mapping[float, int]  # every rating as its file had it -> 1-4


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """Everything that one import brings, applied in one transaction or not at all.

    Trials may refer to images, labelers and attributes of the batch or of the study, and to each
    other (`repeat_of`, `superseded_by`), in any order. Labelers, attributes and images that the
    study has already are left as they are. The store sets `import_id` of the trials and keeps their
    `source`.

    `trials` and `facts` may be iterators: they are read once, in the writer's thread, in chunks. An
    error that they raise undoes everything; they must not call the study's writing methods.
    """

    report: ImportReport  # its id identifies the import
    images: tuple[NewImage, ...] = ()
    # the images lie in the study's own `images/` folder (see `images.copy_in`)
    copied: bool = False
    labelers: tuple[LabelerRecord, ...] = ()
    attributes: tuple[AttributeRecord, ...] = ()
    trials: Iterable[TrialRecord] = ()
    texts: tuple[NewText, ...] = ()
    own_texts: tuple[OwnText, ...] = ()
    # all attributes of an export: those that the study was made with because nobody named any go,
    # unless they are among these, and stay away after an undo
    instead_of_usual: frozenset[str] = frozenset()
    # new wordings of attributes that the study has, and confirmations; they outlive an undo
    revised: tuple[AttributeRecord, ...] = ()
    facts: Iterable[FactRecord] = ()  # about labelers and images of the batch or of the study
    # `StudyReader.import_basis` when the batch was made; "": it rests on nothing
    basis: str = ""
    rescaled: tuple[Rescaled, ...] = ()  # earlier ratings; they stay so if the import is undone
    # where missing images of the study are now; these places outlive an undo
    moved: Mapping[ImageId, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something `Study.check` found."""

    # "integrity", "reference", "identity", "missing", "changed", "fold", "thumbnail", "copy",
    # "embeddings", "schema", "value", "kind", "date", "identifier", "order", "json", "checksum"
    kind: str
    text: str  # one sentence

    @property
    def in_database(self) -> bool:
        """Whether a repair of the database looks after it."""
        of_files = ("missing", "changed", "thumbnail", "copy", "embeddings", "backup")
        return self.kind not in of_files


@dataclass(frozen=True, slots=True)
class RelinkReport:
    """What became of the images that were not where the study expected them."""

    found: int
    still_missing: tuple[str, ...]  # names
    changed: tuple[str, ...]  # names found with other content, left unlinked
    changes: Changes
