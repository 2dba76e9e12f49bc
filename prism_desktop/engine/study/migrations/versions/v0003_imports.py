"""What imports bring beside answers: facts, guessed attributes, doubts that were dismissed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Attributes of before are confirmed: somebody chose to learn from them."""
    op.execute("ALTER TABLE attribute ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE import ADD COLUMN dismissed TEXT NOT NULL DEFAULT '[]'")
    op.create_table(
        "fact",
        sa.Column("owner_kind", sa.String(), primary_key=True),
        sa.Column("owner_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column(
            "import_id",
            sa.Integer(),
            sa.ForeignKey("import.id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("value", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fact_import_id", "fact", ["import_id"])
