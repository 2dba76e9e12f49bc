"""Zipped XML documents: what is checked before a parser sees them."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError

MAX_UNPACKED: Final = 2 * 1024**3
MAX_PARTS: Final = 10_000
_OVERLAP: Final = 256  # bytes of the chunk before that are looked at again
_DOCUMENT_TYPE: Final = re.compile(rb"<\0?!\0?(D\0?O\0?C\0?T\0?Y\0?P\0?E|E\0?N\0?T\0?I\0?T\0?Y)")

Watch = Callable[[str, bytes], None]  # gets a part's name and a piece of it


def inspect(path: Path, watch: Watch | None = None) -> list[str]:
    """Check an archive's sizes and that its XML has no document type (entity bombs need one).

    Args:
        path: a zip archive.
        watch: shown every piece of every XML part; pieces overlap.

    Returns:
        The names of its parts.

    Raises:
        InputError: if the archive is damaged, locked or unreasonable.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise InputError(
                    f"{path.name} unpacks to more than is reasonable. Nothing was imported."
                )
            if any(part.flag_bits & 1 for part in parts):
                raise InputError(
                    f"{path.name} is locked with a password; save it without one. Nothing was "
                    "imported."
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _look_into(archive, part, path, watch)
            return [part.filename for part in parts]
    except InputError:
        raise
    except Exception as error:  # damaged archives raise errors of zlib, struct and more
        raise InputError(
            f"{path.name} is a damaged archive ({error}). Nothing was imported."
        ) from error


def _look_into(
    archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path, watch: Watch | None
) -> None:
    tail, read = b"", 0
    with archive.open(part) as file:
        while chunk := file.read(1 << 20):
            read += len(chunk)
            window = tail + chunk
            if _DOCUMENT_TYPE.search(window):
                raise InputError(
                    f"{path.name} holds an XML document type, as no table does. Nothing was "
                    "imported."
                )
            if read > MAX_UNPACKED:
                raise InputError(
                    f"{path.name} unpacks to more than is reasonable. Nothing was imported."
                )
            if watch is not None:
                watch(part.filename, window)
            tail = window[-_OVERLAP:]
