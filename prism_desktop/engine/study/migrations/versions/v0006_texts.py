"""Stimuli that are texts, and texts that people wrote themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_SAID = (("stimulus_text", "stimulus_id, text, prompt"), ("own_text", "text, prompt, sha256"))


def upgrade() -> None:
    """What is there are images; their rows stay as they are."""
    op.create_table(
        "stimulus_text",
        sa.Column(
            "stimulus_id",
            sa.Integer(),
            sa.ForeignKey("stimulus.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text()),
        sa.Column("author_id", sa.Integer(), sa.ForeignKey("labeler.id")),
        sa.Column("group_name", sa.Text()),
    )
    op.create_table(
        "own_text",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("labeler_id", sa.Integer(), sa.ForeignKey("labeler.id"), nullable=False),
        sa.Column("prompt", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("import_id", sa.Integer(), sa.ForeignKey("import.id")),
    )
    op.create_index("own_text_once", "own_text", ["labeler_id", "sha256"], unique=True)
    for table, columns in _SAID:  # another text would be another stimulus
        op.execute(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OF {columns} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'texts are never changed'); END"
        )
