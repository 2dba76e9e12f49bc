"""Comparisons as the window shows them, read from their folders; nothing here touches Qt."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prism_desktop.engine.methods import METHODS
from prism_desktop.ui.train.operations import Asked

FOLDER = "comparisons"


@dataclass(frozen=True, slots=True)
class Board:
    """One comparison: its leaderboard and, where they were computed, its curves."""

    path: Path
    told: Mapping[str, Any] = field(default_factory=dict)  # leaderboard.json
    shots: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)  # per method, as `shot_curve` tells
    curve: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # per method {points, sentence, ...}
    written: float = 0.0  # unix s

    @property
    def methods(self) -> Sequence[Mapping[str, Any]]:
        """The leaderboard's rows, the best first."""
        found: Sequence[Mapping[str, Any]] = self.told.get("methods") or ()
        return found

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
        parts = [f"{count} method{'s' if count != 1 else ''}", f"{kind} split" if kind else "", backbone]
        parts += [f"{seeds} seed{'s' if seeds != 1 else ''}", "labelers shuffled" if self.told.get("shuffled") else ""]
        return ", ".join(part for part in parts if part)

    def remarks(self) -> list[str]:
        """What went wrong, was left out, or was controlled, a sentence each."""
        named = METHODS.get
        found = [
            f"{_title(each['method'])}, seed {each['seed']}, failed: {each['message']}"
            for each in self.told.get("failed") or ()
        ]
        found += [
            f"{_title(each['method'])} was left out: {each['reason']}" for each in self.told.get("left_out") or ()
        ]
        for name, row in (self.told.get("swapped") or {}).items():
            value = (row.get("gain") or {}).get("value")
            if named(name) and value is not None:
                fate = "below consensus, as it must be" if row.get("below") else "not below consensus"
                found.append(f"{_title(name)} with labelers swapped: {100 * value:+.1f} points, {fate}.")
        return found


def _title(name: str) -> str:
    return METHODS[name].title if name in METHODS else name


def boards(study: Path) -> tuple[Board, ...]:
    """The study's comparisons that have a leaderboard, newest first."""
    found = [read_board(file.parent) for file in (study / FOLDER).glob("*/leaderboard.json")]
    return tuple(sorted((board for board in found if board is not None), key=lambda board: -board.written))


def read_board(path: Path) -> Board | None:
    """One comparison; None where there is no leaderboard yet."""
    told = _json(path / "leaderboard.json")
    if not isinstance(told, dict):
        return None
    shots, curve = _by_method(_json(path / "shots.json"), "shots"), _by_method(_json(path / "curve.json"), "curve")
    lines = {name: row["shots"] if isinstance(row, Mapping) and "shots" in row else row for name, row in shots.items()}
    return Board(path, told, lines, curve, (path / "leaderboard.json").stat().st_mtime)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # absent, or another process writes it just now
        return None


def _by_method(told: Any, key: str) -> dict[str, Any]:
    """{method: what it is about}, from {"methods": [{"method", KEY}]} or {"methods": {method: ...}}."""
    found = told.get("methods", told) if isinstance(told, Mapping) else told
    if isinstance(found, Mapping):
        return {name: row for name, row in found.items() if name in METHODS}
    return {row["method"]: row.get(key, row) for row in found or () if isinstance(row, Mapping) and "method" in row}


def compare(study: Path, asked: Asked) -> Iterator[Any]:
    """Train what a comparison lacks; batches of events as `comparing.compare` tells them."""
    from prism_desktop.engine.training import comparing

    plan = comparing.Plan(study, asked.methods, asked.options, asked.settings, asked.seeds)
    yield from comparing.compare(plan)


def draw_now(path: Path, what: str, board: Board, method: str, names: Mapping[str, str]) -> None:
    """Draw a figure of a comparison; `what` is "labelers" (of one method), "gains", "shots" or "curve"."""
    from prism_desktop.engine.analysis.comparison_figures import answers_figure, gains_figure
    from prism_desktop.engine.analysis.figures import accuracy_figure, accuracy_rows
    from prism_desktop.engine.analysis.plotting import save_figure

    if what == "labelers":
        row, base = board.method(method) or {}, board.method("consensus") or {}
        summary = {"test": row.get("test"), "consensus": base.get("test") if method != "consensus" else None}
        save_figure(accuracy_figure(accuracy_rows(summary, names), _title(method)), path)
    elif what == "gains":
        save_figure(gains_figure({_title(row["method"]): row["gain"] for row in board.methods if row["gain"]}), path)
    else:
        save_figure(answers_figure({_title(name): line for name, line in lines(board, what).items()}), path)


def lines(board: Board, what: str) -> dict[str, list[tuple[float, float, float | None, float | None]]]:
    """Per method (answers, accuracy, low, high), ascending; `what` is "shots" or "curve"."""
    found: dict[str, list[tuple[float, float, float | None, float | None]]] = {}
    rows: Mapping[str, Any] = board.shots if what == "shots" else board.curve
    for name, told in rows.items():
        points = told.get("points") or () if isinstance(told, Mapping) else told
        line = [
            (float(each.get("k", each.get("answers", 0))), float(each["accuracy"]), each.get("low"), each.get("high"))
            for each in points
            if each.get("accuracy") is not None
        ]
        if line:
            found[name] = sorted(line)
    return found
