"""What can be asked of a study, whoever asks: the store, an import that is planned, the window."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.stimulus_words import StimulusKind, StimulusWords
from prism_desktop.engine.study import (
    check,
    data_frames,
    facts,
    import_transactions,
    pending,
    protocols,
    queries,
    stimulus_kinds,
    text_rows,
)
from prism_desktop.engine.study.database import Database
from prism_desktop.engine.study.known_answers import KnownAnswers, known_answers, trial_ids
from prism_desktop.engine.study.records import (
    AttributeRecord,
    FactRecord,
    ImageRecord,
    ImportReport,
    Kind,
    LabelerProgress,
    LabelerRecord,
    Order,
    PendingAnswers,
    ProtocolRecord,
    SessionRecord,
    StimulusRecord,
    StudyInfo,
    TrialId,
    TrialRecord,
)
from prism_desktop.engine.study.texts import OwnText, TextRecord

if TYPE_CHECKING:
    import pandas as pd


class StudyReader:
    """The reading half of `Study`.

    Every method may be called from any thread and blocks until it is done.
    """

    def __init__(self, path: Path, reader: Database) -> None:
        self.path = path  # the study's folder, absolute
        self._reader = reader
        # the same on every machine; "" in a damaged study
        self.id = reader.read(queries.meta).get("id", "")
        self._passed_over: tuple[str, ...] | None = None  # what is hidden is hidden at opening

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return True

    def info(self) -> StudyInfo:
        """Name, counts and progress."""
        if self._passed_over is None:
            self._passed_over = self._reader.read(check.passed_over)
        odd, read_only = self._passed_over, self.read_only
        return self._reader.read(
            lambda c: queries.info(c, self.path, read_only=read_only, passed_over=odd)
        )

    def progress(self) -> tuple[LabelerProgress, ...]:
        """Counts of current trials for every labeler."""
        return self._reader.read(queries.progress)

    def images(self) -> tuple[ImageRecord, ...]:
        """Every image, in the order of their names, none in a study of texts; whether files are
        missing is looked up now."""
        return self._reader.read(lambda c: tuple(queries.images(c, self.path)))

    def texts(self, without: str | None = None) -> tuple[TextRecord, ...]:
        """Every text that is judged, in the order of their names, but those of the import
        `without`; none in a study of images."""
        return self._reader.read(lambda c: text_rows.texts(c, without))

    def stimuli(self) -> tuple[StimulusRecord, ...]:
        """The images, or the texts, whichever the study holds, in the order of their names."""
        return self.texts() if self.kind() == "text" else self.images()

    def own_texts(
        self, labeler: str | None = None, without: str | None = None
    ) -> tuple[OwnText, ...]:
        """What people wrote themselves, a labeler's or everybody's, but for the import `without`;
        of each in the order in which it was added."""
        return self._reader.read(lambda c: text_rows.own_texts(c, labeler, without))

    def own_text_imports(self) -> dict[str, tuple[str, ...]]:
        """Labeler -> the ids of the imports that brought what they wrote."""
        return self._reader.read(text_rows.own_text_imports)

    def kind(self) -> StimulusKind:
        """Whether the study holds images or texts; of one that is empty, what it was made for."""
        return self._reader.read(stimulus_kinds.kind_of)

    def open_for(self, kind: StimulusKind) -> bool:
        """Whether stimuli of a kind can come in, or what people wrote, which is texts."""
        return self._reader.read(stimulus_kinds.held_kind) in (None, kind)

    def require_kind(self, kind: StimulusKind) -> None:
        """Refuse stimuli of another kind before they are read.

        Raises:
            InputError: the study is one of the other kind.
        """
        self._reader.read(lambda c: stimulus_kinds.check_kind(c, kind))

    def words(self) -> StimulusWords:
        """What the study's stimuli are called."""
        return self._reader.read(stimulus_kinds.words_of)

    def require_images(self, what: str) -> None:
        """For work that looks at pictures.

        Args:
            what: why it cannot be done on texts, a clause.

        Raises:
            InputError: the study is one of texts.
        """
        if self.kind() == "text":
            raise InputError(f"This study is one of texts: {what}. Nothing was changed.")

    def images_named(self, text: str, most: int) -> tuple[tuple[str, str], ...]:
        """Names and identifiers of the first stimuli whose names hold every word of `text`."""
        return self._reader.read(lambda c: queries.images_named(c, text, most))

    def image(self, image: str) -> ImageRecord:
        """One image by its id or its name."""
        return self._reader.read(lambda c: queries.require_image(c, self.path, image))

    def labelers(self) -> tuple[LabelerRecord, ...]:
        """In the order in which they were added."""
        return self._reader.read(queries.labelers)

    def attributes(self) -> tuple[AttributeRecord, ...]:
        """In the order in which they were added."""
        return self._reader.read(queries.attributes)

    def facts(self) -> tuple[FactRecord, ...]:
        """What imports say about labelers and images, of each fact the newest value.

        Labelers come first, in the order in which they were added, then images in the order of
        their names; the facts of one owner in the order of their names.
        """
        return self._reader.read(facts.current)

    def trials(
        self, labeler: str | None = None, kind: Kind | None = None, current: bool = True
    ) -> tuple[TrialRecord, ...]:
        """Trials as recorded, oldest first.

        `current` leaves out the withdrawn and the superseded, not the skipped.
        """
        return self._reader.read(lambda c: queries.trials(c, labeler, kind, current=current))

    def trial_pages(self, size: int = 10_000) -> Iterator[tuple[TrialRecord, ...]]:
        """All trials, current or not, oldest first, `size` at a time."""
        last = -math.inf
        while (read := self._reader.read(partial(queries.trial_page, after=last, size=size)))[1]:
            last = read[0]
            yield read[1]

    def answer_rows(self) -> dict[Kind, int]:
        """How many rows of answers of each kind there are; a trial without answers is one row."""
        return self._reader.read(queries.answer_rows)

    def sessions(self) -> tuple[SessionRecord, ...]:
        """Every session, in the order in which they were begun."""
        return self._reader.read(queries.sessions)

    def protocol(self) -> ProtocolRecord | None:
        """The version of the protocol that sessions follow; None where labelers choose a task."""
        return self._reader.read(protocols.in_force)

    def protocols(self) -> tuple[ProtocolRecord, ...]:
        """Every version of the protocol that was stored, oldest first."""
        return self._reader.read(protocols.versions)

    def set_aside(self) -> dict[str, int]:
        """How many answered trials are practice or attention checks, which no analysis counts."""
        return self._reader.read(queries.set_aside)

    def judged(self) -> frozenset[str]:
        """Attributes about which somebody answered."""
        return self._reader.read(queries.judged)

    def pending(self, labeler: str, kind: Kind) -> PendingAnswers | None:
        """What a labeler answered of a trial that was never completed."""
        return self._reader.read(partial(pending.kept, labeler=labeler, kind=kind))

    def targets(self) -> dict[Kind, int]:
        """How many trials of each task a labeler is asked for, where someone said so."""
        return self._reader.read(pending.targets)

    def orders(self) -> dict[Kind, Order]:
        """In which order the trials of each task come."""
        return self._reader.read(pending.orders)

    def trial(self, trial: TrialId) -> TrialRecord:
        """One trial, current or not."""
        found = self._reader.read(
            lambda c: queries.trials(c, None, None, current=False, where="t.uid = :id", id=trial)
        )
        if not found:
            raise InputError(f"There is no trial {trial} in this study.")
        return found[0]

    def comparisons(self, labeler: str | None = None, *, coded: bool = False) -> "pd.DataFrame":
        """Current answered comparisons, a labeler's or all, one row per attribute; columns in
        `data_frames.comparisons`."""
        return self._reader.read(partial(data_frames.comparisons, labeler=labeler, coded=coded))

    def ratings(self, labeler: str | None = None, *, coded: bool = False) -> "pd.DataFrame":
        """Current answered ratings, a labeler's or all, one row per attribute; columns in
        `data_frames.ratings`."""
        return self._reader.read(partial(data_frames.ratings, labeler=labeler, coded=coded))

    def images_frame(self) -> "pd.DataFrame":
        """Every image; columns in `data_frames.images`."""
        return self._reader.read(lambda c: data_frames.images(c, self.path))

    def known_answers(self, without: str | None = None) -> KnownAnswers:
        """Every answer that counts, in columns of numbers; those of an import can be left aside."""
        return self._reader.read(lambda c: known_answers(c, without))

    def import_basis(self) -> str:
        """What an import rests on; another text once imports, images or people have changed."""
        return self._reader.read(import_transactions.basis)

    def trial_ids(self, numbers: Sequence[int]) -> dict[int, TrialId]:
        """Numbers of trials, as `known_answers` has them -> their identifiers."""
        return self._reader.read(lambda c: trial_ids(c, list(numbers)))

    def imports(self) -> tuple[ImportReport, ...]:
        """Every import's report, oldest first, undone ones included."""
        return self._reader.read(queries.imports)
