"""What the program remembers of studies from one start to the next, in the user's configuration.

Each file is a JSON object, what was noted last at its end. Losing it costs nothing but time or a
question, so whatever cannot be read or written is left.
"""

import logging
from collections.abc import Mapping
from typing import Any

from prism_desktop.engine import files, paths
from prism_desktop.engine.errors import UnsafeFileError
from prism_desktop.engine.json_files import read_json

_log = logging.getLogger(__name__)


def recall(file: str) -> dict[str, Any]:
    """What a file of the configuration holds; nobody has checked its values."""
    return read_json(paths.config() / file) or {}


def remember_newest(file: str, found: Mapping[str, Any], most: int) -> None:
    """Write the last `most` entries to a file of the configuration."""
    place = paths.config() / file
    try:
        files.make_folder(place.parent)
        files.write_json(place, dict(list(found.items())[-most:]))
    except (OSError, ValueError, UnsafeFileError) as error:
        _log.warning("%s could not be written: %s", place, error)
