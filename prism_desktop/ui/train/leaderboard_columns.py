"""What the leaderboard's columns show of a method's row, and what each is sorted by."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prism_desktop.engine.methods import method_title

Row = Mapping[str, Any]  # of `methods_json`, and from `Leaderboard.methods` swapped and shuffled
_CHANCE = 0.05  # p above which a gain may be chance


def title(row: Row) -> str:
    """What to call a row's method."""
    return method_title(str(row["method"]))


def marked(row: Row) -> str:
    """The same with the mark of a method that knows
    answers about the very faces that are tested."""
    return f"{title(row)} *" if row.get("reads_tested_faces") else title(row)


def gains(row: Row) -> bool:
    """Whether a method gains more over consensus than chance would."""
    gain = row.get("gain") or {}
    return (
        bool(gain) and (gain["value"] or 0.0) > 0 and gain["p"] is not None and gain["p"] < _CHANCE
    )


def badge(row: Row) -> str:
    """The gate's verdict in a word or two.

    Where labelers were shuffled, whether there is a gain that must not be.
    """
    if row["method"] == "consensus":
        return "baseline"
    if row.get("shuffled"):
        return "gains" if gains(row) else "no gain"
    verdict = row.get("verdict")
    return "" if not verdict else "passes" if verdict["passed"] else "fails"


def _of(*keys: str) -> Callable[[Row], Any]:
    def get(row: Row) -> Any:
        found: Any = row
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    return get


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value + 0.0:+.1f}"


def _chance(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return (
        f"{value:.1f} s"
        if value < 10
        else f"{value:.0f} s"
        if value < 600
        else f"{value / 60:.0f} min"
    )


def between(row: Row, whole: Sequence[str], sign: str = "") -> str:
    low, high = _of(*whole, "low")(row), _of(*whole, "high")(row)
    return "" if low is None or high is None else f"[{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"


def _macro(row: Row) -> str:
    value = MACRO(row)
    return "–" if value is None else f"{100 * value:.1f}  {between(row, ('test', 'macro'))}"


def _parameters(row: Row) -> str:
    count = row.get("parameters")
    if count is None:
        return "–"
    return (
        f"{count}"
        if count < 1000
        else f"{count / 1e3:.0f} k"
        if count < 1e6
        else f"{count / 1e6:.1f} M"
    )


MACRO, GAIN = _of("test", "macro", "accuracy"), _of("gain", "value")
SWAPPED = _of("swapped", "gain", "value")
# Name, what it is sorted by, what is shown, what it means.
COLUMNS: tuple[tuple[str, Callable[[Row], Any], Callable[[Row], str], str], ...] = (
    ("Method", title, marked, ""),
    ("Accuracy", MACRO, _macro,
     "Mean over labelers of the accuracy on held-out answers, in per cent, with the 95% interval "
     "over images"),
    ("Micro", _of("test", "micro", "accuracy"), lambda row: _share(_of("test", "micro",
    "accuracy")(row)),
     "Accuracy over all answers, whoever gave them"),
    ("Gain", GAIN, lambda row: points(GAIN(row)),
    "Points of accuracy over the consensus model, mean over labelers"),
    ("p", _of("gain", "p"), lambda row: _chance(_of("gain", "p")(row)),
    "That the gain is chance, adjusted (Holm)"),
    ("Improved", _of("improved"),
    lambda row: "–" if row.get("improved") is None else f"{row['improved']:.0%}",
     "Share of labelers who gain; the gate wants more than 60%"),
    ("Worst", _of("worst", "difference"), lambda _: "–",
    "Who gains least or loses most, in points"),
    ("Swapped", SWAPPED, lambda row: points(SWAPPED(row)),
     "The control: points against the consensus with every labeler's model given to the next; it "
     "must be negative"),
    ("NLL", _of("test", "nll"), lambda row: _plain(_of("test", "nll")(row)),
    "Log loss; lower is better"),
    ("ECE", _of("test", "ece"), lambda row: _plain(_of("test", "ece")(row)),
    "Calibration error; lower is better"),
    ("Size", _of("parameters"), _parameters, "Parameters that were trained"),
    ("Time", _of("seconds"), lambda row: _seconds(row.get("seconds")), "Of one training"),
    ("Gate", badge, badge,
    "Improves more than 60% of labelers, lets nobody down, and p is below 0.05"),
)  # fmt: skip
NAMES = tuple(name for name, *_ in COLUMNS)
