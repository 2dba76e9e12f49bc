"""Whatever the machine does to the program has its sentence; a mistake of the program has none."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from safetensors import SafetensorError

from prism_desktop.engine.errors import (
    DiskFullError,
    InputError,
    MachineError,
    MemoryFullError,
    PrismError,
    ReadOnlyStudyError,
)
from prism_desktop.engine.faults import fault_of, raise_fault, shown


def numbered(number: int, path: str | None = "/studies/a.prism/x") -> OSError:
    return OSError(number, os.strerror(number), path)


def of_sqlite(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    return error


class QuotedError(Exception):
    """A library's own error, which only quotes the system's."""


FAULTS: list[tuple[BaseException, type[PrismError], int, str]] = [
    (numbered(errno.ENOSPC), DiskFullError, 1, "is full"),
    (numbered(errno.EDQUOT), DiskFullError, 1, "is full"),
    (numbered(errno.EFBIG), DiskFullError, 1, "no file of this size"),
    (numbered(errno.EROFS), ReadOnlyStudyError, 1, "read-only"),
    (numbered(errno.EACCES), MachineError, 1, "no right"),
    (numbered(errno.EPERM), MachineError, 1, "no right"),
    (numbered(errno.EIO), MachineError, 1, "failed to read or write"),
    (numbered(errno.ESTALE), MachineError, 1, "moved, renamed or deleted"),
    (numbered(errno.EMFILE), MachineError, 1, "Too many files are open"),
    (numbered(errno.ENFILE), MachineError, 1, "Too many files are open"),
    (numbered(errno.EAGAIN), MachineError, 1, "no further process"),
    (numbered(errno.ENAMETOOLONG), InputError, 2, "too long"),
    (numbered(errno.ELOOP), InputError, 2, "circle"),
    (numbered(errno.EINVAL), MachineError, 1, "refused"),
    (numbered(errno.ENOMEM), MemoryFullError, 1, "Memory ran out"),
    (MemoryError(), MemoryFullError, 1, "Memory ran out"),
    (RuntimeError("could not create a primitive"), MemoryFullError, 1, "Memory ran out"),
    (
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9"),
        MemoryFullError, 1, "Memory ran out",
    ),
    (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryFullError, 1, "Memory"),
    (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling x"), MemoryFullError, 1, "Memory"),
    (RuntimeError("std::bad_alloc"), MemoryFullError, 1, "Memory ran out"),
    (SystemError("error return without exception set"), MemoryFullError, 1, "Memory ran out"),
    (
        SystemError("<built-in function __import__> returned a result with an exception set"),
        MemoryFullError, 1, "Memory ran out",
    ),
    (RuntimeError("can't start new thread"), MemoryFullError, 1, "Memory ran out"),
    (ImportError("libx.so: failed to map segment from shared object"), MemoryFullError, 1, "Mem"),
    (of_sqlite("SQLITE_FULL"), DiskFullError, 1, "is full"),
    (of_sqlite("SQLITE_IOERR_WRITE"), MachineError, 1, "failed to read or write"),
    (of_sqlite("SQLITE_READONLY_DBMOVED"), ReadOnlyStudyError, 1, "read-only"),
    (of_sqlite("SQLITE_NOMEM"), MemoryFullError, 1, "Memory ran out"),
    (SafetensorError("I/O error: No space left (os error 28)"), DiskFullError, 1, "is full"),
    (QuotedError("Error writing. Detail: [errno 28] No space left"), DiskFullError, 1, "is full"),
    (QuotedError("cannot read: (os error 5)"), MachineError, 1, "failed to read or write"),
    (OSError("600 requested and 0 written"), DiskFullError, 1, "is full"),
    (OSError("encoder error -2 when writing image file"), DiskFullError, 1, "is full"),
    (RuntimeError("unexpected pos 704 vs 598"), DiskFullError, 1, "is full"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault[0])[:40])
def test_that_a_fault_says_what_happened_what_was_kept_and_what_to_do(
    fault: tuple[BaseException, type[PrismError], int, str],
) -> None:
    error, kind, code, words = fault
    told = fault_of(error, "/studies/a.prism", kept="All answers are kept.")
    assert isinstance(told, kind)
    assert told.exit_code == code
    happened, _, to_do = str(told).partition(". All answers are kept. ")
    assert words in happened
    assert to_do.endswith(".")
    assert "/studies/a.prism" in happened or "Memory" in happened or "process" in happened


@pytest.mark.parametrize(
    "error",
    [
        KeyError("out of memory"),
        ValueError("No space left on device (os error 28)"),
        RuntimeError("the sizes of tensors must match"),
        AttributeError("errno"),
        of_sqlite("SQLITE_ERROR"),
        of_sqlite("SQLITE_CONSTRAINT"),
    ],
)
def test_that_a_mistake_of_the_program_is_no_fault_of_the_machine(error: Exception) -> None:
    assert fault_of(error) is None


def test_that_a_disk_which_cannot_be_read_is_not_taken_for_a_damaged_file() -> None:
    with pytest.raises(MachineError, match="failed to read") as told:
        raise_fault(numbered(errno.EIO))
    assert "damaged" not in str(told.value)
    raise_fault(ValueError("no such header"))  # that one tells of the content


def test_that_names_which_are_no_text_can_be_said() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    assert shown(Path("/a") / name) == "/a/caf\\xe9.jpg"
    assert shown(b"caf\xe9.jpg") == "caf\\xe9.jpg"
    told = fault_of(OSError(errno.EIO, "Input/output error", name))
    str(told).encode("utf-8")
