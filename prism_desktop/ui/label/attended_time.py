"""Attended time: a clock that stands while the labeler is away."""


class AttendedTime:
    """Reads a steady clock, less the time away.

    Two readings are as far apart as the labeler attended between them.
    """

    def __init__(self) -> None:
        self._away = 0.0  # s, of absences that are over
        self._since: float | None = None  # when the present one began

    @property
    def stands(self) -> bool:
        """Whether the labeler is away."""
        return self._since is not None

    def stop(self, now: float) -> None:
        """The labeler is away from `now` on, s on a steady clock; again is harmless."""
        if self._since is None:
            self._since = now

    def go_on(self, now: float) -> None:
        """The labeler is back; again is harmless."""
        if self._since is not None:
            self._away += max(0.0, now - self._since)
            self._since = None

    def at(self, now: float) -> float:
        """The reading, s."""
        return (now if self._since is None else self._since) - self._away
