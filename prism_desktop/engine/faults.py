"""The one place that words what the machine does to the program: disk, memory, rights, names.

Whatever is neither a `PrismError` nor such a fault (`fault_of`) is a mistake in this program and is
logged whole.
"""

import errno
import re
from collections.abc import Container
from pathlib import Path

from prism_desktop.engine.errors import (
    DiskFullError,
    FailedReadError,
    InputError,
    MachineError,
    MemoryFullError,
    PrismError,
    ReadOnlyStudyError,
    UnreadableError,
)

KEPT = "What was saved before is kept."

# What libraries say when memory runs out: torch's allocators, oneDNN, cuBLAS and cuDNN, C++, the
# dynamic linker, the start of a thread, and Python of an extension that forgot to say it.
_MEMORY = re.compile(
    "can(?:'t|not|no) allocate memory|not enough memory|out of memory|unable to allocate"
    "|could not create a (?:primitive|memory)|(?:cublas|cudnn|cusparse|cusolver)_status_alloc"
    "|bad_?alloc|failed to (?:allocate|map segment)|can't start new thread"
    "|resource temporarily unavailable|memoryerror|(?:realloc|malloc) of size"
    "|(?:without|with an) exception set|without setting an exception"
    "|pathlike object, not (?:posix|windows)path",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\((?:os error|errno) (\d+)\)|\[errno (\d+)\]", re.IGNORECASE)
# numpy, Pillow, HDF and torch tell a disk that takes no more only so
_SHORT = re.compile(
    r"requested and \d+ written|write failed|unable to write|failed writing file|unexpected pos \d"
    "|when writing image file|no space left on device",
    re.IGNORECASE,
)

_SQLITE = {
    "SQLITE_FULL": errno.ENOSPC, "SQLITE_READONLY": errno.EROFS, "SQLITE_IOERR": errno.EIO,
    "SQLITE_NOMEM": errno.ENOMEM, "SQLITE_BUSY": errno.EBUSY, "SQLITE_LOCKED": errno.EBUSY,
    "SQLITE_PROTOCOL": errno.EBUSY, "SQLITE_CANTOPEN": errno.ENOENT, "SQLITE_PERM": errno.EACCES,
}  # fmt: skip
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_RIGHTS = {errno.EACCES, errno.EPERM}
_DISK = {
    getattr(errno, name)
    for name in (
        "EIO", "ENXIO", "ENODEV", "EREMOTEIO", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EUCLEAN",
        "EBADMSG", "ENOMEDIUM",
    )
    if hasattr(errno, name)
}  # fmt: skip
_GONE = {errno.ENOENT, errno.ENOTDIR, getattr(errno, "ESTALE", errno.ENOENT)}
_BUSY = {errno.EBUSY, errno.EDEADLK, errno.ENOLCK, getattr(errno, "ETXTBSY", errno.EBUSY)}
_MANY = {errno.EMFILE, errno.ENFILE}
# What may be said of a file's content only if none of these was the reason.
_NOT_OF_THE_CONTENT = _FULL | _RIGHTS | _DISK | _BUSY | _MANY | {errno.EROFS, errno.EAGAIN}


# Numbers of the system, the class and the words for them; the last is for all others.
_FAULTS: tuple[tuple[Container[int], type[PrismError], str, str], ...] = (
    (_FULL - {errno.EFBIG}, DiskFullError, "The disk{of} is full", "Make room and try again."),
    ({errno.EFBIG}, DiskFullError, "The disk{of} allows no file of this size",
     "Make room, or choose another disk, and try again."),
    ({errno.EROFS}, ReadOnlyStudyError, "The disk{of} is read-only",
     "Make it writable, or choose another place."),
    (_RIGHTS, MachineError, "You have no right to read or write {what} ({reason})",
     "Change its rights, or choose another place."),
    (_DISK, MachineError,
     "The disk failed to read or write {what} ({reason}); the file itself may be whole",
     "Try again; if it happens again, check the disk and copy the files to another."),
    (_MANY, MachineError, "Too many files are open, so that {what} could not be opened",
     "Close other programs, or raise the limit (ulimit -n), and try again."),
    ({errno.EAGAIN}, MachineError, "The system allows no further process or thread",
     "Close other programs and try again."),
    ({errno.ENAMETOOLONG}, InputError, "The name of {what} is too long for this disk",
     "Choose a shorter one."),
    ({errno.EILSEQ}, InputError, "The disk knows no such name as that of {what}",
     "Choose another."),
    ({errno.ELOOP}, InputError, "The links of {what} lead in a circle", "Choose another place."),
    (_GONE, MachineError,
     "There is no {gone}: it was moved, renamed or deleted meanwhile, or its disk was taken out",
     "Bring it back and try again."),
    (_BUSY, MachineError, "Another program uses {what}", "Close it and try again."),
    ({errno.EISDIR}, InputError, "A file was expected, but {what} is a folder",
     "Choose another place."),
    ({errno.EEXIST, errno.ENOTEMPTY}, InputError, "There is {what} already",
     "Choose another name."),
    (range(-(2**31), 2**31), MachineError, "The system refused {what} ({reason})", "Try again."),
)  # fmt: skip


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on any device and in any library."""
    if isinstance(error, MemoryError | MemoryFullError):
        return True
    if isinstance(error, PrismError):
        return False
    if number_of(error) == errno.ENOMEM:
        return True
    return not isinstance(error, OSError) and _is_of_a_library(error) and says_memory(str(error))


def says_memory(text: str) -> bool:
    """Whether what a library or a dying process printed tells that memory ran out."""
    return _MEMORY.search(text) is not None


def number_of(error: BaseException) -> int | None:
    """The system's number of an error, also where a library only quotes it in its text."""
    error = getattr(error, "orig", None) or error  # SQLAlchemy's holds the driver's
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    name: str = getattr(error, "sqlite_errorname", None) or ""
    for start, number in _SQLITE.items():
        if name.startswith(start):
            return number
    if not (isinstance(error, OSError) or _is_of_a_library(error)):
        return None
    found = _NUMBER.search(str(error))
    if found is not None:
        return int(found[1] or found[2])
    return errno.ENOSPC if _SHORT.search(str(error)) else None


def _is_of_a_library(error: BaseException) -> bool:
    """Whether its words are a library's: a KeyError or a ValueError may quote anything."""
    return (
        type(error).__module__ != "builtins"
        or isinstance(error, RuntimeError | ImportError | SystemError)
        # Python itself, where it could not look for `__fspath__`
        or (isinstance(error, TypeError) and "os.PathLike object, not" in str(error))
    )


def fault_of(
    error: BaseException, path: Path | str | None = None, *, kept: str = KEPT
) -> PrismError | None:
    """The sentence for what failed outside the program: disk, memory, files, rights.

    Args:
        error: anything that was raised.
        path: what was being read or written, where the error does not say so itself.
        kept: a sentence, what became of the work.

    Returns:
        None for a mistake in this program. A `PrismError` has its sentence and is returned.
    """
    if isinstance(error, PrismError):
        return error
    parts = parts_of(error, path)
    if parts is None:
        return None
    kind, happened, advice = parts
    return kind(f"{happened} {kept} {advice}")


def parts_of(
    error: BaseException, path: Path | str | None = None
) -> tuple[type[PrismError], str, str] | None:
    """(class, what happened, what to do) of a fault that has no sentence yet; None for no fault."""
    if out_of_memory(error):
        return (
            MemoryFullError,
            "Memory ran out.",
            "Close other programs, or do with less at a time, and try again.",
        )
    number = number_of(error)
    if number is None:
        return None
    second = getattr(error, "filename2", None)  # where to, of a copy
    first = getattr(error, "filename", None)
    named = (second if number in _FULL | {errno.EROFS} else None) or first or path
    place = None if named is None else shown(named)
    _, kind, happened, advice = next(fault for fault in _FAULTS if number in fault[0])
    words = {
        "what": place or "a file",
        "gone": place or "such file any more",
        "of": f" of {place}" if place else "",
        "reason": getattr(error, "strerror", None) or str(error).rstrip("."),
    }
    return kind, f"{happened.format_map(words)}.", advice


def raise_fault(error: BaseException, path: Path | str | None = None, *, kept: str = KEPT) -> None:
    """Raise the sentence for an error that says nothing of the content of what was read.

    Called where whatever a parser raises is taken for a damaged file: a disk that could not be read
    and memory that ran out are not that. An error that tells of the content is left to the caller.

    Raises:
        PrismError: the disk, the memory or the rights were the reason.
    """
    if _is_outside(error):
        fault = fault_of(error, path, kept=kept)
        assert fault is not None
        raise fault from error


def unreadable(path: Path, error: BaseException, why: str = "") -> UnreadableError:
    """What is said of a file that cannot be read.

    Args:
        path: of the file.
        error: what its reading raised.
        why: a phrase, if the reason lies in the file; else what the system says.

    Returns:
        A `FailedReadError` if the reason lies outside the file.
    """
    said = getattr(error, "strerror", None)
    if not _is_outside(error):
        return UnreadableError(path, why or said or "it cannot be read")
    parts = parts_of(error, path)
    assert parts is not None
    _, happened, advice = parts
    reason = said or happened.rstrip(".")
    return FailedReadError(path, reason, f"{happened} Nothing was changed. {advice}")


def _is_outside(error: BaseException) -> bool:
    """Whether an error says nothing of the content of what was read."""
    if isinstance(error, PrismError):
        return False
    return out_of_memory(error) or number_of(error) in _NOT_OF_THE_CONTENT


def shown(name: object) -> str:
    """A path for a sentence: bytes that are no text become "\\xe9"."""
    if isinstance(name, bytes):
        return name.decode("utf-8", "backslashreplace")
    try:
        return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # other halves of letters, which Windows allows in names
        return str(name).encode("utf-8", "backslashreplace").decode()
