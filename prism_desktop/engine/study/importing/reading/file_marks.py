"""What tells whether a file is the one that was imported, and where a study may say that it lies.

A study that somebody sent names files of theirs: nothing is opened over the network for it.
"""

import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import open_foreign
from prism_desktop.engine.names import printable
from prism_desktop.engine.study.importing.reading.grids import MAX_BYTES
from prism_desktop.engine.study.records import ImportReport

_CHUNK: Final = 1 << 20


def content_mark(path: Path, most: int = MAX_BYTES) -> str:
    """The SHA-256 of a file's content.

    Args:
        path: a plain file.
        most: bytes that it may have.

    Raises:
        InputError: if it cannot be read, is no plain file or too large, or its name is no text.
    """
    name = printable(str(path))
    if name != str(path):
        raise InputError(
            f"The name of {name} is not written in UTF-8, so that a study cannot keep it; rename "
            "it. Nothing was imported."
        )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is no plain file. Nothing was imported.")
        if status.st_size > most:
            raise InputError(
                f"{path.name} is larger than {most // 1024**3} GB; split it. Nothing was imported."
            )
        digest, left = sha256(), most
        with open_foreign(path, most) as file:
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
    except OSError as error:
        raise_fault(error, path, kept="Nothing was imported.")
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Nothing was imported."
        ) from error
    except ValueError as error:  # a name with a zero in it
        raise InputError(f"{name!r} names no file. Nothing was imported.") from error
    return digest.hexdigest()


def is_of_this_computer(file: str) -> bool:
    """Whether a path that a study holds is whole and leads over no network ("\\\\host\\share")."""
    return Path(file).is_absolute() and not file.replace("\\", "/").startswith("//")


def marks_of(report: ImportReport) -> dict[str, str]:
    """File -> mark of its content, as an import's report has them."""
    files = report.mapping.get("files")
    return {str(f): str(m) for f, m in files.items()} if isinstance(files, Mapping) else {}


def changed_files(report: ImportReport) -> list[Path]:
    """The files of an import that hold something else now; those that are gone are not among them.

    Raises:
        InputError: if one lies in the network, or cannot be read.
    """
    changed = []
    for file, mark in marks_of(report).items():
        check_place(file)
        if Path(file).is_file() and content_mark(Path(file)) != mark:
            changed.append(Path(file))
    return changed


def check_place(file: str) -> None:
    """Refuse a path that a study holds and that is not followed.

    Raises:
        InputError: if it is relative or leads over the network.
    """
    if not is_of_this_computer(file):
        raise InputError(
            f"The study says that the import's file is {printable(file)}, which is not on this "
            "computer; import the file again. Nothing was changed."
        )
