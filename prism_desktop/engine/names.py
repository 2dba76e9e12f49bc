"""Names that users give to things which become files or folders."""

import re

from prism_desktop.engine.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_name(name: str, what: str) -> str:
    """A name that is a file's on every system, and in no other folder than its own.

    Args:
        name: what the user wrote.
        what: is named, for the refusal: "a comparison".

    Raises:
        InputError: if it could not be one.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise InputError(
            f"{name!r} cannot name {what}: 1 to 64 letters, digits, hyphens, underscores or full "
            "stops, a letter or digit first."
        )
    return name
