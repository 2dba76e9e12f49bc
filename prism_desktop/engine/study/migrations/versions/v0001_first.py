"""The first schema: images, labelers, attributes, append-only trials, imports."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, index and trigger."""
    _people_and_images()
    _trials()
    _indexes()
    _guards()


def _people_and_images() -> None:
    """What trials refer to. Rows that came with an import name
    it, so that undoing the import finds them."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_table(
        "import",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uid", sa.String(32), nullable=False, unique=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("undone", sa.Float()),
        sa.Column("report", sa.Text(), nullable=False),
    )
    op.create_table(
        "stimulus",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False, server_default="image"),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("copied", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer()),
        sa.Column("modified", sa.Float()),
        sa.Column("fold", sa.Integer(), nullable=False),
        _import_column(),
    )
    op.create_table(
        "labeler",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code", sa.String(), nullable=False, unique=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Integer(), nullable=False),
        _import_column(),
    )
    op.create_table(
        "attribute",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("scale_labels", sa.Text(), nullable=False),
        sa.Column("templates", sa.Text(), nullable=False),
        _import_column(),
    )


def _trials() -> None:
    """Sessions, trials and their answers, and the log of withdrawals, the one change a trial
    knows."""
    op.create_table(
        "session",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uid", sa.String(), nullable=False, unique=True),
        sa.Column("labeler_id", sa.Integer(), sa.ForeignKey("labeler.id"), nullable=False),
        _import_column(),
    )
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uid", sa.String(32), nullable=False, unique=True),
        sa.Column("labeler_id", sa.Integer(), sa.ForeignKey("labeler.id"), nullable=False),
        sa.Column("session_id", sa.Integer(), sa.ForeignKey("session.id"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("left_id", sa.Integer(), sa.ForeignKey("stimulus.id"), nullable=False),
        sa.Column("right_id", sa.Integer(), sa.ForeignKey("stimulus.id")),
        sa.Column("onset", sa.Float()),
        sa.Column("seconds", sa.Float()),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("skip_reason", sa.Text()),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("supersedes_id", sa.Integer(), sa.ForeignKey("trial.id")),
        sa.Column("repeat_of_id", sa.Integer(), sa.ForeignKey("trial.id")),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("probability", sa.Float()),
        sa.Column("recorded", sa.Float(), nullable=False),
        _import_column(),
    )
    op.create_table(
        "answer",
        sa.Column(
            "trial_id",
            sa.Integer(),
            sa.ForeignKey("trial.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "attribute_id",
            sa.Integer(),
            sa.ForeignKey("attribute.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("raw", sa.Float()),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trial_event",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("trial_id", sa.Integer(), sa.ForeignKey("trial.id"), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
    )


def _import_column() -> "sa.Column[int]":
    return sa.Column("import_id", sa.Integer(), sa.ForeignKey("import.id"))


def _indexes() -> None:
    """Most trials have no import, repeat or correction, so those indexes hold only the others.

    The last one is also a rule: one trial that counts corrects another.
    """
    op.create_index("ix_session_labeler_id", "session", ["labeler_id"])
    op.create_index("ix_trial_event_trial_id", "trial_event", ["trial_id"])
    op.create_index("trial_labeler", "trial", ["labeler_id", "kind"])
    op.create_index("trial_left", "trial", ["left_id"])
    op.create_index("trial_right", "trial", ["right_id"])
    for name, column in (
        ("import", "import_id"),
        ("repeat", "repeat_of_id"),
        ("supersedes", "supersedes_id"),
    ):
        op.create_index(
            f"trial_{name}", "trial", [column], sqlite_where=sa.text(f"{column} IS NOT NULL")
        )
    live = sa.text("supersedes_id IS NOT NULL AND withdrawn = 0")
    op.create_index(
        "trial_supersedes_live", "trial", ["supersedes_id"], unique=True, sqlite_where=live
    )


def _guards() -> None:
    """Append-only: only `withdrawn` moves, and only rows
    that an import brought can go, when it is undone."""
    fixed = (
        "id, uid, labeler_id, session_id, place, kind, left_id, right_id, onset, seconds, "
        "skipped, skip_reason, supersedes_id, repeat_of_id, source, probability, recorded, "
        "import_id"
    )
    refuse = "BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END"
    op.execute(f"CREATE TRIGGER trial_fixed BEFORE UPDATE OF {fixed} ON trial {refuse}")
    op.execute(
        f"CREATE TRIGGER trial_kept BEFORE DELETE ON trial WHEN OLD.import_id IS NULL {refuse}"
    )
    op.execute(f"CREATE TRIGGER answer_fixed BEFORE UPDATE ON answer {refuse}")
    op.execute(
        "CREATE TRIGGER answer_kept BEFORE DELETE ON answer "
        f"WHEN (SELECT import_id FROM trial WHERE id = OLD.trial_id) IS NULL {refuse}"
    )
