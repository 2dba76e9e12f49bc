"""Moments that were written while the computer's clock was wrong."""

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
