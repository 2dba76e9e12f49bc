"""Comparisons and curves as the engine leaves them, made in milliseconds."""

import json
import math
from pathlib import Path

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.evaluation.method_rows import rank_methods
from prism_desktop.engine.experiments.curve_store import save_curve
from prism_desktop.engine.runs.curve_files import (
    KShotCurve,
    LearningCurve,
)
from prism_desktop.engine.runs.result_files import (
    Summary,
)

DATA = {"backbone": "prism-mini", "fingerprint": "0a1b2c3d"}
# Mean accuracy over labelers, parameters, seconds.
METHODS = {
    "consensus": (0.71, 30912, 84.0),
    "hierarchical-bayes": (0.775, 2304, 1.4),
    "collaborative": (0.79, 2304, 1.9),
    "lora-visual-prompt": (0.758, 31872, 92.0),
    "retrieval": (0.722, 0, 0.8),
    "per-labeler-lora": (0.69, 185472, 410.0),
}


def comparison(
    study: Path,
    labelers: tuple[str, ...],
    name: str = "image-prism-mini-0a1b2c3d",
    *,
    curves: bool = True,
    swapped: dict[str, float] | None = None,
    shuffled: bool = False,
) -> Path:
    """Write `study/comparisons/name` and return it."""
    folder = study / "comparisons" / name
    folder.mkdir(parents=True)
    summaries = [Summary.parse(_summary(method, labelers)) for method in METHODS]
    rows = [row.dump() for row in rank_methods(summaries)]
    told = {
        "name": name,
        "study": study.stem,
        "simulated": True,
        **DATA,
        "split": {"kind": "image"},
        "seeds": 3,
        "shuffled": shuffled,
        "labelers": list(labelers),
        "counts": {"test": 970, "labelers": len(labelers)},
        "finished": True,
        "methods": rows,
        "failed": [],
        "left_out": [{"method": "profile-text", "reason": "No labeler has a profile."}],
        "swapped": {method: _swapped(value) for method, value in (swapped or {}).items()},
    }
    (folder / "leaderboard.json").write_text(json.dumps(told))
    if curves:
        measured(study)
    return folder


def measured(study: Path) -> None:
    """Write K-shot and learning curves of the comparison's data."""
    for method in ("hierarchical-bayes", "lora-visual-prompt"):
        line = {**DATA, "method": method, "curve": _shots(METHODS[method][0])}
        if method == "hierarchical-bayes":
            line["chosen"] = _shots(METHODS[method][0] + 0.01)
        save_curve(study, TrainConfig(method=method), {}, KShotCurve.parse(line))
    points = [
        {"answers": n, "accuracy": 0.8 - 0.6 * (n + 10) ** -0.5, "error": 0.01}
        for n in (25, 50, 100, 200)
    ]
    said = "+50 answers would give about +0.2 points [+0.1, +0.4]."
    curve = {**DATA, "method": "hierarchical-bayes", "points": points, "curve": {"sentence": said}}
    config = TrainConfig(method="hierarchical-bayes")
    save_curve(study, config, {}, LearningCurve.parse(curve))


def _swapped(value: float) -> dict:
    return {
        "gain": {"value": value, "low": value - 0.03, "high": value + 0.03, "p": 0.001},
        "below": value < 0,
    }


def _shots(best: float) -> list[dict]:
    return [
        {"k": k, **_cell(best - (best - 0.7) * math.exp(-k / 25), 0.03, 300), "resamples": 5}
        for k in (0, 5, 10, 20, 50, 100)
    ]


def _summary(method: str, labelers: tuple[str, ...]) -> dict:
    mean, parameters, seconds = METHODS[method]
    base = METHODS["consensus"][0]
    own, gains = {}, {}
    for place, labeler in enumerate(labelers):
        hard = 0.05 * math.cos(2 * place)
        extra = (mean - base) * (0.4 + 0.4 * place)
        own[labeler] = _cell(base + hard + extra, 0.035, 120) | {
            "ceiling": min(0.97, base + hard + 0.16)
        }
        gains[labeler] = {"difference": extra, "low": extra - 0.03, "high": extra + 0.03, "n": 120}
    macro = sum(cell["accuracy"] for cell in own.values()) / len(own)
    gain = (
        macro
        - base
        - sum(0.05 * math.cos(2 * place) for place in range(len(labelers))) / len(labelers)
    )
    error = 0.012
    spread = {"low": gain - 1.96 * error, "high": gain + 1.96 * error, "error": error, "images": 86}
    return {
        "method": method,
        "test": {
            "micro": _cell(macro + 0.006, 0.018, 720),
            "macro": _cell(macro, 0.02, 720),
            "per_labeler": own,
            "nll": 0.66 - 0.2 * (macro - 0.5),
            "ece": 0.02 + 0.1 * abs(macro - 0.75),
        },
        "gain": None
        if method == "consensus"
        else {"macro": {"difference": gain, **spread}, "per_labeler": gains},
        "parameters": {"trainable": parameters},
        "seconds": seconds,
    }


def _cell(value: float, half: float, count: int) -> dict:
    return {"accuracy": value, "low": value - half, "high": value + half, "n": count}
