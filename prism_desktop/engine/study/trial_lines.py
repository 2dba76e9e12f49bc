"""Trials as JSON lines in the columns of this program's export, which `study import` reads back."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prism_desktop.engine import files
from prism_desktop.engine.study.records import ImageId, Kind, TrialRecord

_NAMES: Mapping[Kind, str] = {"rating": "ratings", "comparison": "comparisons"}


def write_trial_lines(
    folder: Path, stem: str, trials: Iterable[TrialRecord], names: Mapping[ImageId, str]
) -> list[Path]:
    """Write trials to `folder`, a file for each kind that there is, in place of earlier ones.

    Args:
        folder: made if it is not there.
        stem: what the files' names begin with.
        trials: oldest first.
        names: of images, where they are known; the images' hashes are written in any case.

    Raises:
        OSError, UnsafeFileError: they cannot be written.
    """
    lines: dict[Kind, list[str]] = {}
    for number, trial in enumerate(trials, start=1):
        for row in _rows(number, trial, names):
            lines.setdefault(trial.kind, []).append(
                json.dumps(row, ensure_ascii=False, default=repr) + "\n"
            )
    files.make_folder(folder)
    paths = []
    for kind, written in lines.items():
        paths.append(folder / f"{stem}-{_NAMES[kind]}.jsonl")
        files.write_text(paths[-1], "".join(written))
    return paths


def _rows(
    number: int, trial: TrialRecord, names: Mapping[ImageId, str]
) -> Iterable[dict[str, Any]]:
    """A row for each answer and each question that was skipped, or one without."""
    shown = {"image": trial.left} if trial.right is None else {
        "left": trial.left, "right": trial.right,
    }  # fmt: skip
    images = {side: names.get(image, "") for side, image in shown.items()}
    images |= {f"{side}_id": image for side, image in shown.items()}
    answer = "rating" if trial.kind == "rating" else "outcome"
    skipped = ((attribute, None) for attribute in trial.skips)
    asked: list[tuple[str | None, int | str | None]] = [*trial.answers.items(), *skipped]
    for attribute, value in asked or [(None, None)]:
        name = attribute or ""
        raw = {"raw": trial.raw.get(name)} if trial.kind == "rating" else {}
        whole = attribute is None
        reason = trial.skip_reason if whole else trial.skips.get(name)
        time = (trial.onset, trial.seconds) if whole else trial.time(name)
        skips = reason is not None and trial.status == "answered"
        yield {
            "trial": trial.id, "number": number, "labeler": trial.labeler,
            "session": trial.session, "order": trial.order, **images, "attribute": attribute,
            answer: value, **raw, "strength": trial.strengths.get(name), "onset": time[0],
            "seconds": time[1], "status": "skipped" if skips else trial.status,
            "skip_reason": reason, "trial_onset": trial.onset, "trial_seconds": trial.seconds,
            "flags": " ".join(trial.flags) or None, "block": trial.block,
            "strategy": trial.strategy, "repeat_of": trial.repeat_of,
            "superseded_by": trial.superseded_by, "source": trial.source,
            "probability": trial.probability, "dropped_frames": trial.dropped_frames,
            "import": trial.import_id,
        }  # fmt: skip
