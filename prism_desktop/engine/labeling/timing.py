"""How well this machine keeps time: what `doctor --timing` found, and what a session saw itself.

Nothing here measures; a report says "not measured" and holds no figure where no vertical sync
could be observed.
"""

import itertools
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from prism_desktop.engine import paths
from prism_desktop.engine.files import write_text
from prism_desktop.engine.foreign_files import read_text

NOT_MEASURED: Final = "not measured"
FILE: Final = "timing.json"  # in the user's configuration
_NEAR: Final = 0.05  # of the nominal interval: by so much frames may differ from it
_STEADY: Final = 0.1  # of the interval: a larger standard deviation is no sync
_FEWEST: Final = 60  # frames
_MOST_BYTES: Final = 64 * 1024


class TimingFigures(BaseModel):
    """What was measured where vertical sync was observed; times in ms."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    refresh_hz: float
    frames: int
    dropped: int  # frames that came an interval or more late
    frame_sd: float  # standard deviation of the interval between frames
    onset_sd: float  # of the time from painting to the swap
    key_sd: float | None  # of the time from a key event's posting to its handling


class TimingReport(BaseModel):
    """One run of `doctor --timing`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    when: float  # unix s
    platform: str  # of Qt
    screen: str
    nominal_hz: float  # as the system says
    figures: TimingFigures | None = None
    why: str = ""  # there are none

    def lines(self) -> tuple[str, ...]:
        """The report for a reader."""
        if self.figures is None:
            return f"screen: {self.screen}", f"timing: {NOT_MEASURED} ({self.why})"
        found = self.figures
        return (
            f"screen: {self.screen}, {self.nominal_hz:g} Hz as the system says",
            f"refresh: {found.refresh_hz:.2f} Hz over {found.frames:,} frames, interval SD "
            f"{found.frame_sd:.2f} ms",
            f"dropped frames: {found.dropped:,}",
            f"onset jitter, painting to swap: SD {found.onset_sd:.2f} ms",
            f"key jitter, event to handler: {_told(found.key_sd)}",
        )


def figures_of(
    swaps: Sequence[float], paints: Sequence[float], keys: Sequence[float], nominal_hz: float
) -> TimingFigures | str:
    """The figures, or why none can be told.

    Args:
        swaps: when frames were swapped, s on a steady clock.
        paints: when the painting of each ended, s on the same clock.
        keys: from each key event's posting to its handling, s.
        nominal_hz: of the screen, as the system says.
    """
    if len(swaps) < _FEWEST or not nominal_hz > 0:
        return "too few frames were swapped"
    steps = [after - before for before, after in itertools.pairwise(swaps)]
    interval = statistics.median(steps)
    nominal = 1 / nominal_hz
    if abs(interval - nominal) > _NEAR * nominal:
        return "frames do not keep to the screen's refresh, so no vertical sync was observed"
    on_time = [step for step in steps if step < 1.5 * interval]
    if statistics.pstdev(on_time) > _STEADY * interval:
        return "frames are too unsteady for a vertical sync"
    lags = [swap - paint for swap, paint in zip(swaps, paints, strict=True)]
    return TimingFigures(
        refresh_hz=1 / statistics.fmean(on_time),
        frames=len(swaps),
        dropped=sum(max(0, round(step / interval) - 1) for step in steps),
        frame_sd=1e3 * statistics.pstdev(on_time),
        onset_sd=1e3 * statistics.pstdev(lags),
        key_sd=1e3 * statistics.pstdev(keys) if len(keys) > 1 else None,
    )


def _told(spread: float | None) -> str:
    return NOT_MEASURED if spread is None else f"SD {spread:.2f} ms"


def keep_report(report: TimingReport) -> None:
    """Keep it for the sessions to come, in the user's configuration."""
    write_text(paths.config() / FILE, report.model_dump_json())


def kept_report() -> str | None:
    """What is stored with a session, JSON: the last report of this machine; None without one."""
    try:
        report = TimingReport.model_validate_json(read_text(paths.config() / FILE, _MOST_BYTES))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None
    return json.dumps({"doctor": report.model_dump(mode="json")})


def was_measured(timing: str | None) -> bool:
    """Whether what is stored with a session holds figures of the screen."""
    try:
        found = json.loads(timing or "{}")["doctor"]["figures"]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(found, dict)


@dataclass(slots=True)
class FrameTimes:
    """What a session saw of its own frames."""

    trials: int = 0  # whose faces were painted
    late: int = 0  # of these with dropped frames
    exposures: list[float] = field(default_factory=list)  # ms that faces were there, where limited

    def told(self, before: str | None) -> str | None:
        """What is stored of it beside the report, JSON; None where there is nothing to tell."""
        if not self.trials:
            return before
        kept = json.loads(before) if before else {"doctor": None}
        seen: dict[str, float | int] = {"trials": self.trials, "late": self.late}
        if self.exposures:
            seen |= {
                "exposures": len(self.exposures),
                "exposure_mean_ms": round(statistics.fmean(self.exposures), 3),
                "exposure_sd_ms": round(statistics.pstdev(self.exposures), 3),
                "exposure_longest_ms": round(max(self.exposures), 3),
            }
        return json.dumps({**kept, "session": seen})


def now_report(platform: str, screen: str, nominal_hz: float, why: str) -> TimingReport:
    """A report without figures."""
    return TimingReport(
        when=time.time(), platform=platform, screen=screen, nominal_hz=nominal_hz, why=why
    )
