"""What the lock says of each package."""

import re


def pins(lock: str) -> dict[str, str]:
    """The lines of each package of a lock, without where it came from.

    A package has several entries where one version of Python has another version of it; all are
    kept, each with its marker.
    """
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", lock):
        if start := re.match(r"([a-z0-9-]+)==", block):
            lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
            found.setdefault(start[1], []).extend(lines)
    return {name: "\n".join(lines) for name, lines in found.items()}
