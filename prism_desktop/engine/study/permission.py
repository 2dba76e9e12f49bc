"""May this process change something in a study? Asked by every operation before it begins."""

import os
from pathlib import Path

from prism_desktop.engine import access
from prism_desktop.engine.errors import InputError, ReadOnlyStudyError


def require_writable(study: Path) -> None:
    """Make sure that a study's runs, comparisons, searches and curves may be changed.

    A folder without a database holds only runs, which are anybody's.

    Raises:
        ReadOnlyStudyError: it is open read-only here, or its disk cannot be written.
        NewerSchemaError: a newer version of the program wrote it, and may know more of it.
        StudyError: its database is none.
    """
    from prism_desktop.engine.study import (
        opening,
    )  # loads SQLAlchemy, which not every command needs

    access.refuse_held_back(study)
    frozen = study.is_dir() and not os.access(study, os.W_OK)
    if (file := study / opening.FILE).is_file():
        opening.identify(file, immutable=frozen)
    if frozen:
        raise ReadOnlyStudyError(
            f"The folder {study} cannot be written, so it can only be read. Nothing was changed; "
            "copy the study to a folder that you can write."
        )


def require_study(study: Path) -> None:
    """As `require_writable`, for work that reads the answers: before it makes folders in one that
    is no study.

    Raises:
        InputError: there is no folder.
        StudyError: there is no study in it. And what `require_writable` raises.
    """
    from prism_desktop.engine.study import opening

    if not study.is_dir():
        raise InputError(f"There is no study at {study}.")
    require_writable(study)
    opening.identify(study / opening.FILE)
