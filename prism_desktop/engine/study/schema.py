"""The tables, private to the store.

Migrations change the file; these classes mirror the newest revision.

Trials and answers are append-only and carry a checksum. The one column that moves is `withdrawn`,
and every move is logged in `trial_event`; triggers refuse everything else. Only an import that is
undone removes rows. `pending` holds the answers to a trial that is not complete yet, and is
overwritten key press by key press. A question that was skipped has a row of `answer` without value.
"""

from sqlalchemy import Float, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

APPLICATION_ID = 0x50524953  # "PRIS"
SCHEMA_VERSION = 6  # equals user_version and the number of the newest revision

OUTCOME_VALUE = {"left": 1, "tie": 0, "right": -1}
OUTCOME_NAME = {value: name for name, value in OUTCOME_VALUE.items()}


class Base(DeclarativeBase):
    """Of every table."""


class MetaRow(Base):
    """Facts about the study itself: id, name, created, revision."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class ImportRow(Base):
    """One import with its report as JSON."""

    __tablename__ = "import"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    source: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(String)
    created: Mapped[float] = mapped_column(Float)
    undone: Mapped[float | None] = mapped_column(Float)
    report: Mapped[str] = mapped_column(Text)
    # JSON array: places of the report's doubts that somebody dismissed
    dismissed: Mapped[str] = mapped_column(Text, server_default="[]")


class StimulusRow(Base):
    """What is shown: an image, or a text, which has no place, size or date of a file."""

    __tablename__ = "stimulus"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String, server_default="image")  # of all, the same
    sha256: Mapped[str] = mapped_column(String(64), unique=True)  # of a text see `texts.text_id`
    name: Mapped[str] = mapped_column(Text, unique=True)
    # absolute, or relative to the study's folder if copied; "" of a text
    path: Mapped[str] = mapped_column(Text)
    copied: Mapped[bool] = mapped_column(Integer)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int | None] = mapped_column(Integer)
    modified: Mapped[float | None] = mapped_column(Float)
    fold: Mapped[int] = mapped_column(Integer)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))


class LabelerRow(Base):
    """A person."""

    __tablename__ = "labeler"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str] = mapped_column(String, unique=True)
    display_name: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    simulated: Mapped[bool] = mapped_column(Integer)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))


class TextRow(Base):
    """What a stimulus that is a text says."""

    __tablename__ = "stimulus_text"
    stimulus_id: Mapped[int] = mapped_column(
        ForeignKey("stimulus.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    text: Mapped[str] = mapped_column(Text)
    prompt: Mapped[str | None] = mapped_column(Text)  # what it answers
    author_id: Mapped[int | None] = mapped_column(ForeignKey("labeler.id"))
    group_name: Mapped[str | None] = mapped_column(Text)  # texts of one group share a fold


class OwnTextRow(Base):
    """What a person wrote, which nobody judges."""

    __tablename__ = "own_text"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    labeler_id: Mapped[int] = mapped_column(ForeignKey("labeler.id"))
    prompt: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))  # see `texts.text_id`
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))

    __table_args__ = (Index("own_text_once", "labeler_id", "sha256", unique=True),)


class AttributeRow(Base):
    """What is judged."""

    __tablename__ = "attribute"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String, unique=True)
    question: Mapped[str] = mapped_column(Text)
    scale_labels: Mapped[str] = mapped_column(Text)  # JSON array of strings
    templates: Mapped[str] = mapped_column(Text)  # JSON array of strings
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))
    # 0: guessed from a column's name; nothing learns from it
    confirmed: Mapped[bool] = mapped_column(Integer, server_default="1")


class ProtocolRow(Base):
    """One version of how a study is labeled; a change is another version."""

    __tablename__ = "protocol"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    version: Mapped[int] = mapped_column(Integer, unique=True)  # from 1
    created: Mapped[float] = mapped_column(Float)
    text: Mapped[str] = mapped_column(Text)  # TOML
    checksum: Mapped[bytes | None] = mapped_column(LargeBinary)


class SessionRow(Base):
    """One session of one labeler."""

    __tablename__ = "session"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uid: Mapped[str] = mapped_column(String, unique=True)
    labeler_id: Mapped[int] = mapped_column(ForeignKey("labeler.id"), index=True)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))
    started: Mapped[float | None] = mapped_column(Float)
    ended: Mapped[float | None] = mapped_column(Float)
    protocol_id: Mapped[int | None] = mapped_column(ForeignKey("protocol.id"))
    timing: Mapped[str | None] = mapped_column(Text)  # JSON: the timing report
    checksum: Mapped[bytes | None] = mapped_column(LargeBinary)  # None: nothing is noted of it


class TrialRow(Base):
    """One presentation to one labeler."""

    __tablename__ = "trial"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    labeler_id: Mapped[int] = mapped_column(ForeignKey("labeler.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id"))
    place: Mapped[int] = mapped_column(Integer)  # order within the session
    kind: Mapped[str] = mapped_column(String)
    left_id: Mapped[int] = mapped_column(ForeignKey("stimulus.id"))
    right_id: Mapped[int | None] = mapped_column(ForeignKey("stimulus.id"))
    onset: Mapped[float | None] = mapped_column(Float)
    seconds: Mapped[float | None] = mapped_column(Float)
    skipped: Mapped[bool] = mapped_column(Integer)
    skip_reason: Mapped[str | None] = mapped_column(Text)
    withdrawn: Mapped[bool] = mapped_column(Integer)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("trial.id"))
    repeat_of_id: Mapped[int | None] = mapped_column(ForeignKey("trial.id"))
    source: Mapped[str] = mapped_column(String)
    probability: Mapped[float | None] = mapped_column(Float)
    recorded: Mapped[float] = mapped_column(Float)
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))
    dropped_frames: Mapped[int | None] = mapped_column(Integer)
    checksum: Mapped[bytes | None] = mapped_column(LargeBinary)  # see `checksums`
    flags: Mapped[str | None] = mapped_column(Text)  # JSON array of words, see `records.FLAGS`
    block: Mapped[str | None] = mapped_column(Text)
    strategy: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("trial_labeler", "labeler_id", "kind"),
        Index("trial_left", "left_id"),
        Index("trial_right", "right_id"),
        Index("trial_import", "import_id", sqlite_where=text("import_id IS NOT NULL")),
        Index("trial_repeat", "repeat_of_id", sqlite_where=text("repeat_of_id IS NOT NULL")),
        Index("trial_supersedes", "supersedes_id", sqlite_where=text("supersedes_id IS NOT NULL")),
        # At most one live trial supersedes another.
        Index(
            "trial_supersedes_live",
            "supersedes_id",
            unique=True,
            sqlite_where=text("supersedes_id IS NOT NULL AND withdrawn = 0"),
        ),
    )


class AnswerRow(Base):
    """One attribute's answer in one trial: 1-4 for a rating, see OUTCOME_VALUE for a comparison.

    It has a value or, if its question was skipped, a reason.
    """

    __tablename__ = "answer"
    trial_id: Mapped[int] = mapped_column(
        ForeignKey("trial.id"), primary_key=True, autoincrement=False
    )
    attribute_id: Mapped[int] = mapped_column(
        ForeignKey("attribute.id"), primary_key=True, autoincrement=False
    )
    value: Mapped[int | None] = mapped_column(Integer)
    # an imported rating as its file had it; older imports only where its scale was another
    raw: Mapped[float | None] = mapped_column(Float)
    skip_reason: Mapped[str | None] = mapped_column(Text)
    onset: Mapped[float | None] = mapped_column(Float)  # of the question
    seconds: Mapped[float | None] = mapped_column(Float)  # from there, without the time away
    strength: Mapped[int | None] = mapped_column(Integer)  # of preference, 1 to 9

    __table_args__ = ({"sqlite_with_rowid": False},)


class PendingRow(Base):
    """What a labeler answered of the trial that is not complete yet."""

    __tablename__ = "pending"
    labeler_id: Mapped[int] = mapped_column(
        ForeignKey("labeler.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String, primary_key=True)
    left_id: Mapped[int] = mapped_column(ForeignKey("stimulus.id", ondelete="CASCADE"))
    right_id: Mapped[int | None] = mapped_column(ForeignKey("stimulus.id", ondelete="CASCADE"))
    answers: Mapped[str] = mapped_column(Text)  # JSON, see `stored_json.pending_to_json`
    dropped_frames: Mapped[int | None] = mapped_column(Integer)
    flags: Mapped[str | None] = mapped_column(Text)  # as of a trial


class TrialEventRow(Base):
    """The log of withdrawals and restorations."""

    __tablename__ = "trial_event"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id"), index=True)
    event: Mapped[str] = mapped_column(String)  # "withdrawn" or "restored"
    at: Mapped[float] = mapped_column(Float)
    checksum: Mapped[bytes | None] = mapped_column(LargeBinary)


class FactRow(Base):
    """What an import says about a labeler or an image; of several imports the newest counts."""

    __tablename__ = "fact"
    owner_kind: Mapped[str] = mapped_column(String, primary_key=True)  # "rater" or "image"
    # labeler.id or stimulus.id
    owner_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    import_id: Mapped[int] = mapped_column(
        ForeignKey("import.id"), primary_key=True, autoincrement=False, index=True
    )
    value: Mapped[str] = mapped_column(Text)

    __table_args__ = ({"sqlite_with_rowid": False},)
