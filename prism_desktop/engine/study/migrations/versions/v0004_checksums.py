"""Checksums of trials and of their log, and a log that is append-only as trials are."""

from alembic import op

from prism_desktop.engine.study import checksums
from prism_desktop.engine.study.database import driver_of

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Trials of before get the checksum of what they say now."""
    driver = driver_of(op.get_bind())
    for table in ("trial", "trial_event"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN checksum BLOB")
    checksums.fill(driver)
    checksums.fill_events(driver)
    refuse = "BEGIN SELECT RAISE(ABORT, 'trials are append-only'); END"
    imported = "(SELECT import_id FROM trial WHERE id = OLD.trial_id) IS NULL"
    # The steps of imported ratings may be put right later.
    op.execute(
        "CREATE TRIGGER trial_checksum_fixed BEFORE UPDATE OF checksum ON trial "
        f"WHEN OLD.import_id IS NULL {refuse}"
    )
    op.execute(f"CREATE TRIGGER trial_event_fixed BEFORE UPDATE ON trial_event {refuse}")
    op.execute(
        f"CREATE TRIGGER trial_event_kept BEFORE DELETE ON trial_event WHEN {imported} {refuse}"
    )
