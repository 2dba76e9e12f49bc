"""Names of files and folders: those that users give, and those that cannot be written."""

import re

from prism_desktop.engine.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_IMAGE = re.compile(r"[0-9a-f]{64}")


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


def checked_image(image: str) -> str:
    """An image's identity, the only thing that may become a part of a path without being looked at.

    Raises:
        InputError: it is not 64 hexadecimal digits, as a SHA-256 is.
    """
    if not _IMAGE.fullmatch(image):
        raise InputError(
            f"{printable(image)[:80]!r} is no image's identity: that is 64 hexadecimal digits."
        )
    return image


def printable(name: str) -> str:
    """A file's name as it can be shown and stored: bytes that are no UTF-8 become "\\xfc"."""
    try:
        name.encode()
    except UnicodeEncodeError:
        plain = name.encode("utf-8", "surrogateescape" if _is_bytes(name) else "backslashreplace")
        return plain.decode("utf-8", "backslashreplace")
    return name


def _is_bytes(name: str) -> bool:
    """Whether all halves of letters in a name stand for bytes that the system gave."""
    return all("\udc80" <= sign <= "\udcff" for sign in name if "\ud800" <= sign <= "\udfff")
