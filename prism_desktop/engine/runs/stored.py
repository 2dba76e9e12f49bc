"""Records that cross a file or a process: written strictly, read whatever version wrote them."""

import json
import logging
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.faults import unreadable
from prism_desktop.engine.files import write_json
from prism_desktop.engine.foreign_files import MAX_RECORD, read_foreign
from prism_desktop.engine.json_files import parse_json

_log = logging.getLogger(__name__)

# Numbers as records have them; one outside its range was never measured. All are finite.
Share = Annotated[float, Field(ge=-1e-9, le=1 + 1e-9)]
Gained = Annotated[float, Field(ge=-1 - 1e-9, le=1 + 1e-9)]  # a difference of shares, a correlation
Bound = Annotated[float, Field(ge=-1e9, le=1e9)]  # of an interval, which may leave the shares
Positive = Annotated[float, Field(ge=0, le=1e290)]  # seconds, nats; sums of them stay numbers
Count = Annotated[int, Field(ge=0, le=2**53)]
Moment = Annotated[float, Field(ge=0, le=253_370_764_800)]  # unix seconds, to the year 9999


def _one_part(name: str) -> str:
    long = len(name.encode("utf-8", "surrogatepass")) > 255  # what file systems take
    if name in ("", ".", "..") or any(one in name for one in "/\\:\0") or long:
        raise ValueError("this is not the name of a folder")
    return name


FolderName = Annotated[str, AfterValidator(_one_part)]  # of a folder beside others, no path


def _inside(path: str) -> str:
    for part in path.split("/"):
        _one_part(part)
    return path


FilePath = Annotated[str, AfterValidator(_inside)]  # within a folder, with "/"


class Stored(BaseModel):
    """A frozen record; an unknown field is an error in our own code, and passed over in a file.

    What is not given is not written, and what a file lacks has its default, which is never a
    number that nobody measured. A file is read as a whole or not at all: where one value is odd,
    the others are not to be trusted either.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @classmethod
    def parse(cls, value: object) -> Self:
        """The record in a JSON object of any version.

        Raises:
            ValueError: it holds none.
        """
        return cls.model_validate(value, extra="ignore")

    @classmethod
    def from_file(cls, path: Path) -> Self | None:
        """The record in a file; None where there is no file.

        Raises:
            UnreadableError: the file cannot be read, or holds something else.
        """
        try:
            value = parse_json(read_foreign(path, MAX_RECORD))
        except FileNotFoundError:
            if path.is_symlink():
                raise UnreadableError(path, "it is a link that leads nowhere") from None
            return None
        except OSError as error:
            raise unreadable(path, error) from error
        except ValueError as error:
            raise UnreadableError(path, str(error)) from error
        try:
            return cls.model_validate_json(json.dumps(value), strict=True, extra="ignore")
        except ValidationError as error:
            _log.warning("%s holds no %s: %s", path, cls.__name__, _phrase(error))
            raise UnreadableError(path, _phrase(error)) from None
        except RecursionError:
            raise UnreadableError(path, "its values are nested too deep") from None

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The record in a file; None where the file is missing or holds none, which is logged."""
        try:
            return cls.from_file(path)
        except UnreadableError as error:
            _log.info("%s: %s", path, error)
            return None

    def given(self) -> dict[str, Any]:
        """The fields that were given, with their values as they are."""
        return {name: value for name, value in self if name in self.model_fields_set}

    def dump(self) -> dict[str, JsonValue]:
        """What is written: plain values of the fields that were given."""
        return self.model_dump(mode="json", exclude_unset=True)

    def save(self, path: Path) -> None:
        """Write the record in one step; raises ValueError on numbers that JSON lacks."""
        write_json(path, self.dump())


def _phrase(error: ValidationError) -> str:
    """What is odd, for a sentence."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:60]
    if not where:
        return "it holds something else"
    if first["type"] == "missing":
        return f"it lacks {where}"
    return f"{where} is not what it should be"
