"""Errors worded for the user. What the machine does to the program is worded by `faults`."""

from pathlib import Path


class PrismError(Exception):
    """One sentence that says what happened, what was kept and what to do.

    Attributes:
        exit_code: what a command ends with: 2 where something must be decided or put right by the
            user, 1 where the machine failed.
    """

    exit_code = 2


class InputError(PrismError):
    """The user's input cannot be used: an unknown labeler, a
    bad setting, a file that is not what it should be."""


class MachineError(PrismError):
    """A disk, the memory or a process failed; the same again may well work later."""

    exit_code = 1


class MemoryFullError(MachineError):
    """Memory ran out, on the processor or on a GPU."""


class StudyError(PrismError):
    """A study cannot be opened, read or written."""


class StudyLockedError(StudyError):
    """Another window or command has the study open for writing."""


class NewerSchemaError(StudyError):
    """The study was written by a newer version of the program."""


class CorruptStudyError(StudyError):
    """The study's database fails its integrity check or is not a study at all."""


class ReadOnlyStudyError(StudyError, MachineError):
    """The study's folder cannot be written."""


class StudyDiskError(StudyError, MachineError):
    """The disk of a study could not be read or written."""


class StudyGoneError(StudyError):
    """The study is no longer where it was opened, so that nothing can be acknowledged."""


class DiskFullError(StudyError, MachineError):
    """There was no room left on the disk."""


class BackboneError(PrismError):
    """A backbone cannot be found, downloaded or loaded."""


class RunError(PrismError):
    """A run folder cannot be read, or its training cannot start or go on."""


class FailedRunError(RunError, MachineError):
    """A training that had begun could not go on."""


class TakenOverError(RunError):
    """A run is no longer this process's: nobody heard of it for so long that others may work on the
    run, or said what became of it. Whoever meets this leaves the run's folder as it is."""

    def __init__(self, message: str, run: Path) -> None:
        """The run is named by its folder."""
        super().__init__(message)
        self.run = run


class UnreadableError(RunError):
    """A file of a run, a comparison or the like is there and cannot be read, or is odd."""

    def __init__(self, path: Path, why: str) -> None:
        """Say which file, and why, as a phrase."""
        # of a run's data the run, too: those of all runs have the same names
        name = "/".join(path.parts[-3 if path.parent.name == "data" else -2 :])
        super().__init__(
            f"{name} cannot be read ({why}). Nothing was changed; put a copy of the file back, or "
            "make it anew."
        )
        self.path, self.why = path, why


class FailedReadError(UnreadableError, MachineError):
    """A file could not be read for a reason that lies outside it: the disk, the rights, the memory.

    The file may be whole, so that nobody may take it for damaged.
    """

    def __init__(self, path: Path, why: str, sentence: str) -> None:
        """Say which file, why as a phrase, and the whole sentence."""
        RunError.__init__(self, sentence)
        self.path, self.why = path, why


class UnsafeFileError(PrismError):
    """What lies where the program would write could lead out of the folder that it writes to."""
