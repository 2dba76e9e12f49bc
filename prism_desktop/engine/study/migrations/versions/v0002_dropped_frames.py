"""Whether faces were painted late, and answers to a trial that is not complete yet."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Trials of before have no count of dropped frames: it was not measured."""
    op.execute("ALTER TABLE trial ADD COLUMN dropped_frames INTEGER")
    op.execute("DROP TRIGGER trial_fixed")
    fixed = (
        "id, uid, labeler_id, session_id, place, kind, left_id, right_id, onset, seconds, "
        "skipped, skip_reason, supersedes_id, repeat_of_id, source, probability, recorded, "
        "import_id, dropped_frames"
    )
    refuse = "BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END"
    op.execute(f"CREATE TRIGGER trial_fixed BEFORE UPDATE OF {fixed} ON trial {refuse}")
    op.create_table(
        "pending",
        _key("labeler_id", "labeler.id", primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        _key("left_id", "stimulus.id"),
        _key("right_id", "stimulus.id", nullable=True),
        sa.Column("answers", sa.Text(), nullable=False),
    )


def _key(
    name: str, other: str, *, primary_key: bool = False, nullable: bool = False
) -> "sa.Column[int]":
    reference = sa.ForeignKey(other, ondelete="CASCADE")
    return sa.Column(name, sa.Integer(), reference, primary_key=primary_key, nullable=nullable)
