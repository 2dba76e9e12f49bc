"""The store of curves: K-shot and learning curves of a study, a file each in `STUDY/curves/`.

They belong to data and a backbone, not to one comparison: whoever shows a comparison finds those of
the same data by their fingerprint. Importing this needs neither torch nor pandas.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.files import make_folder, write_json
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.curve_files import (
    CurveKind,
    KShotCurve,
    LearningCurve,
)
from prism_desktop.engine.runs.manifest import changing, check_file
from prism_desktop.engine.runs.result_files import SnapshotMeta

_log = logging.getLogger(__name__)
Curve = TypeVar("Curve", KShotCurve, LearningCurve)
# of a K-shot curve, unless somebody says otherwise
SHOTS, RESAMPLES, PARTS = ((0, 5, 10, 20, 50, 100), 5, 5)
COUNTS, DRAWS = (25, 50, 100, 200, 400), 3  # of a learning curve, likewise
_MACHINE = {"baselines", "device", "threads", "precision", "checkpoint_seconds"}


def save_curve(
    study: Path,
    config: TrainConfig,
    asked: Mapping[str, object],
    found: KShotCurve | LearningCurve,
) -> Path:
    """Write a method's curve, in place of one of the same data that was asked for in the same way.

    Args:
        study: the study's folder.
        config: of the method's runs.
        asked: what else was asked for.
        found: what was measured.
    """
    kind: CurveKind = "shots" if isinstance(found, KShotCurve) else "curve"
    settings = config.model_dump(mode="json", exclude=_MACHINE)
    wanted = json.dumps([settings, dict(asked), found.fingerprint], sort_keys=True)
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:8]
    folder, name = study / layout.CURVES, f"{kind}-{config.method}-{digest}.json"
    make_folder(folder)
    with changing(folder, name, begin=True):
        write_json(folder / name, found.dump())
    return folder / name


def kshot_curves(study: Path) -> list[KShotCurve]:
    """All K-shot curves, the newest last."""
    return _curves(study, "shots", KShotCurve)


def learning_curves(study: Path) -> list[LearningCurve]:
    """All learning curves, the newest last."""
    return _curves(study, "curve", LearningCurve)


def curve_of_run(study: Path, run: Path) -> tuple[LearningCurve | None, bool]:
    """The newest learning curve of a run's data, or else of the study; and whether it is of other
    answers than the run's."""
    found = learning_curves(study)
    meta = SnapshotMeta.load(run / layout.DATA / layout.META)
    same = [each for each in found if meta is not None and each.fingerprint == meta.fingerprint]
    if same:
        return same[-1], False
    return (found[-1], True) if found else (None, False)


def _curves(study: Path, kind: CurveKind, read: type[Curve]) -> list[Curve]:
    """A file that is being replaced or holds something else is passed over."""
    dated = []
    for path in (study / layout.CURVES).glob(f"{kind}-*.json"):
        try:
            check_file(path.parent, path.name)
            found = read.from_file(path)
            if found is not None:
                dated.append((path.stat().st_mtime_ns, path.name, found))
        except (UnreadableError, OSError) as error:
            _log.warning("A curve is passed over: %s", error)
    return [found for _, _, found in sorted(dated, key=lambda one: one[:2])]


def curve_obstacle(kind: CurveKind, name: str) -> str:
    """Why a method has no curve of a kind, in one sentence; empty if it has."""
    if name not in METHODS:
        return f"{name or 'No method'} is not a method of this version."
    if kind == "curve" and METHODS[name].fitted != "in one go":
        return (
            f"{METHODS[name].title} takes too long to be fitted again and again; choose a closed "
            "form."
        )
    return ""
