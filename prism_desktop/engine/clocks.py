"""Moments in words, and those that were written while the computer's clock was wrong."""

import time
from datetime import datetime

from prism_desktop.engine.grammar import counted

LONG = 120.0  # s, from which on seconds are not told any more
_MOST_DAYS = 10_000  # beyond which a time is a mistake of whatever measured it
SLACK = 300.0  # s; clocks that are set by the network are not further apart


def is_ahead(moment: float, now: float) -> bool:
    """Whether a moment, in unix seconds, lies in the future, so that a wrong clock wrote it or
    shows it."""
    return moment > now + SLACK


def by_age(moment: float, now: float) -> tuple[bool, float]:
    """A key that sorts moments, in unix seconds, oldest first.

    Those that lie in the future come before all others: when they were is not known, and taken for
    the newest they would hide whatever is made from now on.
    """
    return not is_ahead(moment, now), moment


def duration(seconds: float, digits: int = 2) -> str:
    """How long something took, in the unit in which that is short: "2.35 s", "12 min", "3 h".

    Args: digits: decimals of seconds.
    """
    if seconds < LONG:
        return f"{seconds:.{digits}f} s"
    if seconds < 60 * LONG:
        return f"{seconds / 60:.0f} min"
    days = seconds / 86_400
    if days < 2:
        return f"{seconds / 3600:.0f} h"
    return f"{days:,.0f} days" if days < _MOST_DAYS else f"over {_MOST_DAYS:,} days"


def ago(moment: float | None, now: float | None = None) -> str:
    """ "3 days ago"; a dash if never, and the date if a wrong clock wrote or shows it."""
    if moment is None:
        return "—"
    now = time.time() if now is None else now
    if is_ahead(moment, now):
        return f"dated {datetime.fromtimestamp(moment):%d %B %Y}"
    seconds = now - moment
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{counted(count, unit)} ago"
    return "just now"
