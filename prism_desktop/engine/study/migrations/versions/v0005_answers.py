"""Questions that were skipped, times of every answer, and what protocols and sessions need."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_REFUSE = "BEGIN SELECT RAISE(ABORT, '{0} are append-only'); END"
_FIXED = (
    "id, uid, labeler_id, session_id, place, kind, left_id, right_id, onset, seconds, "
    "skipped, skip_reason, supersedes_id, repeat_of_id, source, probability, recorded, "
    "import_id, dropped_frames, flags, block, strategy"
)
_COLUMNS = (
    ("trial", "flags", "TEXT"),
    ("trial", "block", "TEXT"),
    ("trial", "strategy", "TEXT"),
    ("session", "started", "FLOAT"),
    ("session", "ended", "FLOAT"),
    ("session", "protocol_id", "INTEGER REFERENCES protocol (id)"),
    ("session", "timing", "TEXT"),
    ("session", "checksum", "BLOB"),
    ("pending", "dropped_frames", "INTEGER"),
    ("pending", "flags", "TEXT"),
)


def upgrade() -> None:
    """Of what is there nothing is known of the new kind, so that trials keep their checksums."""
    _protocols()
    for table, column, kind in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    _answers()
    _guards()


def _protocols() -> None:
    op.create_table(
        "protocol",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uid", sa.String(32), nullable=False, unique=True),
        sa.Column("version", sa.Integer(), nullable=False, unique=True),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("checksum", sa.LargeBinary()),
    )


def _answers() -> None:
    """The table anew: an answer may have no value, which SQLite cannot change in place."""
    op.execute("ALTER TABLE answer RENAME TO answer_before")
    op.create_table(
        "answer",
        _key("trial_id", "trial.id"),
        _key("attribute_id", "attribute.id"),
        sa.Column("value", sa.Integer()),
        sa.Column("raw", sa.Float()),
        sa.Column("skip_reason", sa.Text()),
        sa.Column("onset", sa.Float()),
        sa.Column("seconds", sa.Float()),
        sa.Column("strength", sa.Integer()),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO answer (trial_id, attribute_id, value, raw) "
        "SELECT trial_id, attribute_id, value, raw FROM answer_before"
    )
    op.execute("DROP TABLE answer_before")  # with its triggers


def _key(name: str, other: str) -> "sa.Column[int]":
    reference = sa.ForeignKey(other)
    return sa.Column(name, sa.Integer(), reference, primary_key=True, autoincrement=False)


def _guards() -> None:
    trials, protocols = _REFUSE.format("trials"), _REFUSE.format("protocols")
    op.execute("DROP TRIGGER trial_fixed")
    op.execute(f"CREATE TRIGGER trial_fixed BEFORE UPDATE OF {_FIXED} ON trial {trials}")
    op.execute(f"CREATE TRIGGER answer_fixed BEFORE UPDATE ON answer {trials}")
    op.execute(
        "CREATE TRIGGER answer_kept BEFORE DELETE ON answer "
        f"WHEN (SELECT import_id FROM trial WHERE id = OLD.trial_id) IS NULL {trials}"
    )
    op.execute(f"CREATE TRIGGER protocol_fixed BEFORE UPDATE ON protocol {protocols}")
    op.execute(f"CREATE TRIGGER protocol_kept BEFORE DELETE ON protocol {protocols}")
