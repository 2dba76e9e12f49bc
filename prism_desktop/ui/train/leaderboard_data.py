"""Leaderboards of a study's comparisons, with the curves of the same data, read from files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.experiments.curve_store import kshot_curves, learning_curves
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import METHODS, method_title
from prism_desktop.engine.processes.failures import told_once
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.curve_files import (
    KShotCurve,
    LearningCurve,
    ShotPoint,
)
from prism_desktop.engine.runs.estimates import knowledge_of
from prism_desktop.engine.runs.leaderboard_file import Leaderboard
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.result_files import (
    Result,
    SnapshotMeta,
)
from prism_desktop.ui.train.leaderboard_columns import Row, gains, title

_LACKING = {
    "shots": "How well a new labeler is served after K answers",
    "curve": "What more answers would bring",
}
_CHOSEN = "/chosen"  # of the line of a method after chosen answers
_Z = 1.96  # half a 95 % interval, in standard errors


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """One comparison: its leaderboard and, where they were
    measured on the same data, its methods' curves."""

    path: Path
    leaderboard: Leaderboard = field(default_factory=Leaderboard)
    shots: Mapping[str, KShotCurve] = field(default_factory=dict)  # per method
    curve: Mapping[str, LearningCurve] = field(default_factory=dict)  # per method
    written: float = 0.0  # unix s
    damage: str = ""  # why it cannot be read, in a sentence; nothing else is known then

    @property
    def methods(self) -> Sequence[Row]:
        """The leaderboard's rows, the best first, each with what its controls say."""
        found = self.leaderboard
        return [
            Row(row, found.swapped.get(row.label), found.shuffled, found.backbone)
            for row in found.methods
        ]

    @property
    def finished(self) -> bool:
        return self.leaderboard.finished

    def called(self, label: str) -> str:
        """What to call the row of a label."""
        found = self.leaderboard
        row = found.row(label)
        if row is None:
            return method_title(label, found.backbone)
        return title(Row(row, backbone=found.backbone))

    def varied(self, label: str) -> bool:
        """Whether a row's settings are those of a grid."""
        row = self.leaderboard.row(label)
        return row is not None and bool(row.settings)

    def test(self, method: str) -> Result:
        """A row's test results; empty where it has none."""
        row = self.leaderboard.row(method)
        return row.test if row is not None else Result()

    def title(self) -> str:
        """What is compared, in a line."""
        if self.damage:
            return self.damage
        found = self.leaderboard
        kind, seeds = found.split.kind, found.seeds
        backbone = found.backbone.removeprefix("embeddings:")
        count, folds = len({row.method for row in found.methods}), len(found.folds)
        points = f" at {counted(len(found.methods), 'point')} of a grid" if found.grid else ""
        parts = [
            f"{counted(count, 'method')}{points}",
            f"{found.words.told(kind)} split" if kind else "",
            backbone,
        ]
        parts += [f"{counted(folds, 'fold')} held out in turn" if folds > 1 else ""]
        parts += [
            counted(seeds, "seed"),
            "labelers shuffled" if found.shuffled else "",
        ]
        return ", ".join(part for part in parts if part)

    def remarks(self) -> list[str]:
        """What went wrong or was left out, a sentence each."""
        found = told_once(self.leaderboard.failed, method_title)
        found += [
            f"{method_title(each.method)} was left out: {each.reason}"
            for each in self.leaderboard.left_out
        ]
        found += self.knowledge()
        found += self.leaderboard.remarks
        return found + [
            f"{self.called(each.method)} has no control with swapped models. {each.reason}"
            for each in self.leaderboard.unswapped
        ]

    def knowledge(self, what: str = "") -> list[str]:
        """What the models know of those whom they are tested on, a sentence each: of the rows, of
        the lines of "shots" or "curve", or of one row by its label."""
        if what in ("shots", "curve"):
            return knowledge_of((self.shots if what == "shots" else self.curve).values())
        rows = self.leaderboard.methods
        return knowledge_of([row for row in rows if what in ("", row.label)])

    def control(self) -> tuple[str, bool]:
        """What the controls say, in a sentence or two, and whether it is as it must be.

        Empty without controls.
        """
        said, good = [], True
        if self.leaderboard.shuffled:
            gaining = [title(row) for row in self.methods if gains(row)]
            good = not gaining
            said.append(
                "Control: labelers were shuffled in training, so nothing personal was there to "
                "learn and no method should gain."
            )
            said.append(f"Yet these do: {', '.join(gaining)}." if gaining else "None does.")
        if self.leaderboard.swapped:
            above = [
                row for row in self.methods if row.swapped is not None and not row.swapped.below
            ]
            wrong = [title(row) for row in above if gains(row)]
            idle = [title(row) for row in above if not gains(row)]
            good = good and not wrong
            said.append("Control: with every labeler's model given to the next, ")
            said[-1] += (
                f"these gain and yet are not below the consensus: {', '.join(wrong)}."
                if wrong
                else "every method that gains falls below the consensus, as it must."
            )
            said += [f"No gain, so nothing to lose: {', '.join(idle)}."] if idle else []
        return " ".join(said), good

    def lacks(self, what: str) -> str:
        """Why there are no "shots" or no "curve", and what measures them."""
        return self.never() or (
            f"{_LACKING[what]} has not been measured on these answers. Choose a method above and "
            "measure it here."
        )

    def never(self) -> str:
        """Why nothing can be measured on these answers beside the comparison, in one sentence.

        Empty if it can.
        """
        if self.leaderboard.shuffled:
            return (
                "Labelers were shuffled as a control, so there is nothing to foretell from their "
                "answers."
            )
        if self.leaderboard.split.kind != "image":
            return self.leaderboard.words.told(
                "Such curves hold faces out, so they belong to a comparison whose split is by "
                "image."
            )
        return ""

    def run(self, name: str) -> Path | None:
        """The folder of a method's run on the very data
        that the comparison's curves are of, or None."""
        runs = self.leaderboard.runs.get(name, ())
        paths = [self.path.parent.parent / layout.RUNS / run for run in runs]
        wanted = self.leaderboard.fingerprint
        return next((path for path in paths if _fingerprint(path) == wanted), None)


def list_leaderboards(study: Path) -> tuple[ComparisonRecord, ...]:
    """The study's comparisons that have a leaderboard, newest first, the unreadable ones last."""
    found = [read_leaderboard(path) for path in (study / layout.COMPARISONS).glob("*")]
    return tuple(
        sorted(
            (leaderboard for leaderboard in found if leaderboard is not None),
            key=lambda leaderboard: (bool(leaderboard.damage), -leaderboard.written),
        )
    )


def read_leaderboard(path: Path) -> ComparisonRecord | None:
    """One comparison; None where there is no leaderboard yet."""
    file, study = path / layout.LEADERBOARD, path.parent.parent
    try:
        check_file(path, layout.LEADERBOARD)
        found = Leaderboard.from_file(file)
        if found is None:
            return None
        written = file.stat().st_mtime
    except OSError:
        return None
    except UnreadableError as error:
        return ComparisonRecord(path, damage=f"{path.name} cannot be read: {error.why}.")
    data = found.backbone, found.fingerprint
    shots = {
        one.method: one
        for one in kshot_curves(study)
        if (one.backbone, one.fingerprint) == data and one.method in METHODS
    }
    curve = {
        one.method: one
        for one in learning_curves(study)
        if (one.backbone, one.fingerprint) == data and one.method in METHODS
    }
    return ComparisonRecord(path, found, shots, curve, written)


def _fingerprint(run: Path) -> str | None:
    """Of the data that a run learned from; None where there are none."""
    meta = SnapshotMeta.load(run / layout.DATA / layout.META)
    return meta.fingerprint if meta is not None else None


def curve_lines(
    comparison: ComparisonRecord, what: str
) -> dict[str, list[tuple[float, float, float, float]]]:
    """Per line (answers, accuracy, low, high), ascending; `what` is "shots" or "curve".

    A line is a method, or the same after answers that were chosen: `line_titles` says which.
    """
    if what == "shots":
        found = {name: _shot_line(points) for name, points in _shots(comparison).items()}
    else:
        found = {name: _curve_line(told) for name, told in comparison.curve.items()}
    return {name: sorted(line) for name, line in found.items() if line}


def line_titles(lines: Iterable[str]) -> dict[str, str]:
    """What to call each line."""
    keys = list(lines)
    said = {key: method_title(key.removesuffix(_CHOSEN)) for key in keys}
    for key in [key for key in keys if key.endswith(_CHOSEN)]:
        method = key.removesuffix(_CHOSEN)
        said[key] += ", chosen answers"
        if method in said:
            said[method] += ", random answers"
    return said


def fewest(comparison: ComparisonRecord, what: str) -> dict[str, int]:
    """Per line the smallest number of held-out answers behind a point of it, if known."""
    points: dict[str, list[int | None]] = (
        {name: [each.n for each in told] for name, told in _shots(comparison).items()}
        if what == "shots"
        else {name: [each.n for each in told.points] for name, told in comparison.curve.items()}
    )
    known = {name: [n for n in found if n is not None] for name, found in points.items()}
    return {name: min(found) for name, found in known.items() if found}


def _shots(comparison: ComparisonRecord) -> dict[str, tuple[ShotPoint, ...]]:
    """The points of each line."""
    found = {}
    for name, told in comparison.shots.items():
        found[name] = told.curve
        if told.chosen:
            found[f"{name}{_CHOSEN}"] = told.chosen
    return found


def _shot_line(points: Iterable[ShotPoint]) -> list[tuple[float, float, float, float]]:
    return [
        (each.k if each.answers is None else each.answers, each.accuracy, each.low, each.high)
        for each in points
        if each.accuracy is not None and each.low is not None and each.high is not None
    ]


def _curve_line(told: LearningCurve) -> list[tuple[float, float, float, float]]:
    """Intervals of 95 % follow from the standard errors."""
    return [
        (
            each.answers,
            each.accuracy,
            each.accuracy - _Z * each.error,
            each.accuracy + _Z * each.error,
        )
        for each in told.points
        if each.accuracy is not None
    ]
