"""What the lock says of each package."""

import re
from collections.abc import Iterator


def pins(lock: str) -> Iterator[tuple[str, str]]:
    """Each package of a lock, and its lines without where it came from."""
    for block in re.split(r"\n(?=\S)", lock):
        if found := re.match(r"([a-z0-9-]+)==", block):
            lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
            yield found[1], "\n".join(lines)
