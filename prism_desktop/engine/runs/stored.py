"""Records that cross a file or a process: written strictly, read whatever version wrote them."""

import logging
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from prism_desktop.engine.files import write_json
from prism_desktop.engine.json_files import read_json

_log = logging.getLogger(__name__)


class Stored(BaseModel):
    """A frozen record; an unknown field is an error in our own code, and passed over in a file.

    What is not given is not written, and what a file lacks has its default, which is never a
    number that nobody measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, value: object) -> Self:
        """The record in a JSON object of any version.

        Raises:
            ValueError: it holds none.
        """
        return cls.model_validate(value, extra="ignore")

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The record in a file; None where the file is missing or holds none, which is logged."""
        found = read_json(path)
        if found is None:
            return None
        try:
            return cls.parse(found)
        except ValidationError as error:
            _log.warning("%s holds no %s: %s", path, cls.__name__, error)
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
