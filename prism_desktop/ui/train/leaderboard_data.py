"""Leaderboards of a study's comparisons, with the curves of the same data, read from files."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prism_desktop.engine.experiments.curve_store import Kind, list_curves
from prism_desktop.engine.methods import METHODS, method_title
from prism_desktop.engine.methods.method import TESTED_FACES
from prism_desktop.engine.processes.failures import told_once
from prism_desktop.ui.train.leaderboard_columns import gains

FOLDER = "comparisons"
RUNS = "runs"
_LACKING = {
    "shots": "How well a new labeler is served after K answers",
    "curve": "What more answers would bring",
}
_Z = 1.96  # half a 95 % interval, in standard errors


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """One comparison: its leaderboard and, where they were
    measured on the same data, its methods' curves."""

    path: Path
    told: Mapping[str, Any] = field(default_factory=dict)  # leaderboard.json
    # per method, as `shooting.measure_kshot` keeps it
    shots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # per method, as `measure_curve` keeps it
    curve: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    written: float = 0.0  # unix s

    @property
    def methods(self) -> Sequence[Mapping[str, Any]]:
        """The leaderboard's rows, the best first, each with what its controls say."""
        swapped, shuffled = self.told.get("swapped") or {}, bool(self.told.get("shuffled"))
        rows = self.told.get("methods") or ()
        return [
            {**row, "swapped": swapped.get(row["method"]), "shuffled": shuffled} for row in rows
        ]

    @property
    def finished(self) -> bool:
        return bool(self.told.get("finished", True))

    def method(self, name: str) -> Mapping[str, Any] | None:
        """A method's row."""
        return next((row for row in self.methods if row["method"] == name), None)

    def title(self) -> str:
        """What is compared, in a line."""
        split = self.told.get("split") or {}
        kind = split.get("kind", "") if isinstance(split, Mapping) else str(split)
        seeds = self.told.get("seeds") or 1
        backbone = str(self.told.get("backbone") or "").removeprefix("embeddings:")
        count = len(self.methods)
        folds = len(self.told.get("folds") or ())
        parts = [
            f"{count} method{'s' if count != 1 else ''}",
            f"{kind} split" if kind else "",
            backbone,
        ]
        parts += [f"{folds} folds held out in turn" if folds > 1 else ""]
        parts += [
            f"{seeds} seed{'s' if seeds != 1 else ''}",
            "labelers shuffled" if self.told.get("shuffled") else "",
        ]
        return ", ".join(part for part in parts if part)

    def remarks(self) -> list[str]:
        """What went wrong or was left out, a sentence each."""
        found = told_once(self.told.get("failed") or (), method_title)
        found += [
            f"{method_title(each['method'])} was left out: {each['reason']}"
            for each in self.told.get("left_out") or ()
        ]
        if any(row.get("reads_tested_faces") for row in self.methods):
            found.append(f"* {TESTED_FACES}.")
        return found + [
            f"{method_title(each['method'])} has no control with swapped models. {each['reason']}"
            for each in self.told.get("unswapped") or ()
        ]

    def control(self) -> tuple[str, bool]:
        """What the controls say, in a sentence or two, and whether it is as it must be.

        Empty without controls.
        """
        said, good = [], True
        if self.told.get("shuffled"):
            gaining = [method_title(row["method"]) for row in self.methods if gains(row)]
            good = not gaining
            said.append(
                "Control: labelers were shuffled in training, so nothing personal was there to "
                "learn and no method should gain."
            )
            said.append(f"Yet these do: {', '.join(gaining)}." if gaining else "None does.")
        if self.told.get("swapped"):
            above = [row for row in self.methods if row["swapped"] and not row["swapped"]["below"]]
            wrong = [method_title(row["method"]) for row in above if gains(row)]
            idle = [method_title(row["method"]) for row in above if not gains(row)]
            good = good and not wrong
            said.append("Control: with every labeler's model given to the next, ")
            said[-1] += (
                f"these gain and yet are not below the consensus: {', '.join(wrong)}."
                if wrong
                else "every method that gains falls below the consensus, as it must."
            )
            said += [f"No gain, so nothing to lose: {', '.join(idle)}."] if idle else []
        return " ".join(said), good

    def lacks(self, what: str, everybody: Iterable[str]) -> str:
        """Why there are no "shots" or no "curve", and what
        measures them; `everybody` are the study's labelers."""
        if problem := self.never():
            return problem
        codes = self.told.get("labelers") or []
        some = [f"--labelers {','.join(codes)}"] if set(everybody) - set(codes) else []
        options = [self.path.parent.parent.name, f"--backbone {self.told.get('backbone')}", *some]
        return (
            f"{_LACKING[what]} has not been measured on these answers. Choose a method above and "
            f"measure it here, or run “prism-desktop {what} {' '.join(options)}”."
        )

    def never(self) -> str:
        """Why nothing can be measured on these answers beside the comparison, in one sentence.

        Empty if it can.
        """
        if self.told.get("shuffled"):
            return (
                "Labelers were shuffled as a control, so there is nothing to foretell from their "
                "answers."
            )
        if (self.told.get("split") or {}).get("kind") != "image":
            return (
                "Such curves hold faces out, so they belong to a comparison whose split is by "
                "image."
            )
        return ""

    def run(self, name: str) -> Path | None:
        """The folder of a method's run on the very data
        that the comparison's curves are of, or None."""
        runs: Sequence[str] = (self.told.get("runs") or {}).get(name) or ()
        paths = [self.path.parent.parent / RUNS / run for run in runs]
        wanted = self.told.get("fingerprint")
        return next((path for path in paths if _data(path).get("fingerprint") == wanted), None)


def list_leaderboards(study: Path) -> tuple[Leaderboard, ...]:
    """The study's comparisons that have a leaderboard, newest first."""
    found = [read_leaderboard(file.parent) for file in (study / FOLDER).glob("*/leaderboard.json")]
    return tuple(
        sorted(
            (leaderboard for leaderboard in found if leaderboard is not None),
            key=lambda leaderboard: -leaderboard.written,
        )
    )


def read_leaderboard(path: Path) -> Leaderboard | None:
    """One comparison; None where there is no leaderboard yet."""
    told = _json(path / "leaderboard.json")
    if not isinstance(told, dict):
        return None
    study = path.parent.parent
    shots, curve = _measured(study, "shots", told), _measured(study, "curve", told)
    return Leaderboard(path, told, shots, curve, (path / "leaderboard.json").stat().st_mtime)


def _data(run: Path) -> Mapping[str, Any]:
    found = _json(run / "data" / "meta.json")
    return found if isinstance(found, dict) else {}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # absent, or another process writes it just now
        return None


def _measured(study: Path, kind: Kind, told: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Per method the newest curve that was measured on a comparison's data and backbone."""
    same = [
        each
        for each in list_curves(study, kind)
        if all(each[key] == told.get(key) for key in ("backbone", "fingerprint"))
    ]
    return {each["method"]: each for each in same if each["method"] in METHODS}


def curve_lines(
    leaderboard: Leaderboard, what: str
) -> dict[str, list[tuple[float, float, float, float]]]:
    """Per method (answers, accuracy, low, high), ascending; `what` is "shots" or "curve"."""
    if what == "shots":
        found = {
            name: [
                (each.get("answers", each["k"]), each["accuracy"], each["low"], each["high"])
                for each in _known(told["curve"])
            ]
            for name, told in leaderboard.shots.items()
        }
    else:
        found = {
            name: [
                (each["answers"], each["accuracy"], *_around(each))
                for each in _known(told["points"])
            ]
            for name, told in leaderboard.curve.items()
        }
    return {name: sorted(line) for name, line in found.items() if line}


def _known(points: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [point for point in points if point["accuracy"] is not None]


def _around(point: Mapping[str, Any]) -> tuple[float, float]:
    """The 95 % interval of an accuracy with a standard error."""
    half = _Z * float(point["error"])
    return point["accuracy"] - half, point["accuracy"] + half
