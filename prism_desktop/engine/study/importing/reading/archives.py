"""Zipped XML documents: what is checked before a parser sees them."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import open_foreign

MAX_UNPACKED: Final = 1024**3  # bytes of all parts; rows are read as a stream
MAX_STRINGS: Final = 256 * 1024**2  # of the texts that the cells of a workbook share
MAX_OTHER: Final = 64 * 1024**2  # of other XML that is read as a whole
MAX_PARTS: Final = 10_000
_BOMB: Final = (16 * 1024**2, 250)  # bytes from which a part must not be packed so many times
_STREAMED: Final = frozenset({b"worksheet", b"document-content", b"pivotCacheRecords"})
_COMMENT: Final = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_ROOT: Final = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_OVERLAP: Final = 256  # bytes of the chunk before that are looked at again
_DOCUMENT_TYPE: Final = re.compile(rb"<\0?!\0?(D\0?O\0?C\0?T\0?Y\0?P\0?E|E\0?N\0?T\0?I\0?T\0?Y)")

Watch = Callable[[str, bytes], None]  # gets a part's name and a piece of it


def inspect(path: Path, watch: Watch | None = None) -> list[str]:
    """Check an archive's sizes and that no part has a document type (entity bombs need one).

    Args:
        path: a zip archive.
        watch: shown every piece of every part; pieces overlap.

    Returns:
        The names of its parts.

    Raises:
        InputError: if the archive is damaged, locked or unreasonable.
    """
    try:
        with open_foreign(path) as file, zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise _unreasonable(path)
            if any(part.flag_bits & 1 for part in parts):
                raise InputError(
                    f"{path.name} is locked with a password; save it without one. Nothing was "
                    "imported."
                )
            for part in parts:
                _look_into(archive, part, path, watch)
            return [part.filename for part in parts]
    except InputError:
        raise
    except Exception as error:  # damaged archives raise errors of zlib, struct and more
        raise_fault(error, path, kept="Nothing was imported.")
        raise InputError(
            f"{path.name} is a damaged archive ({error}). Nothing was imported."
        ) from error


def _look_into(
    archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path, watch: Watch | None
) -> None:
    tail, read, most = b"", 0, MAX_UNPACKED
    least, times = _BOMB
    with archive.open(part) as file:
        while chunk := file.read(1 << 20):
            read += len(chunk)
            window = tail + chunk
            if not tail:
                most = min(most, _most(part.filename, window))
            if _DOCUMENT_TYPE.search(window):
                raise InputError(
                    f"{path.name} holds an XML document type, as no table does. Nothing was "
                    "imported."
                )
            if read > most or read > max(least, times * part.compress_size):
                raise _unreasonable(path)
            if watch is not None:
                watch(part.filename, window)
            tail = window[-_OVERLAP:]


def _most(name: str, start: bytes) -> int:
    """How large a part may be, by the first element of its XML, whatever its name."""
    root = _ROOT.search(_COMMENT.sub(b"", start.replace(b"\0", b"")))
    kind = root[1] if root else b""
    if kind == b"sst":
        return MAX_STRINGS
    xml = name.endswith((".xml", ".rels"))
    return MAX_OTHER if xml and kind not in _STREAMED else MAX_UNPACKED


def _unreasonable(path: Path) -> InputError:
    return InputError(f"{path.name} unpacks to more than is reasonable. Nothing was imported.")
