"""The consensus run that a personal run is compared with: the same data, backbone, seed and settings."""

from typing import Any

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.methods import method
from prism_desktop.engine.training.run import RESUMABLE, RunFolder, list_runs
from prism_desktop.engine.training.snapshot import copy_snapshot

CONSENSUS = "consensus"
# What may differ between two runs without making their comparison unfair; the data are compared by their fingerprint.
_FREE = {"method", "start", "compare", "labelers", "attributes", "device", "threads", "checkpoint_seconds"}


def needs_consensus(config: TrainConfig) -> bool:
    """Whether a consensus model must be there before this run trains."""
    return method(config.method).personal and (config.compare or config.start == CONSENSUS)


def find_consensus(run: RunFolder) -> RunFolder | None:
    """A finished consensus run to compare with, else one that can be gone on with, else None."""
    wanted, fingerprint = _comparable(run.config()), run.meta()["fingerprint"]
    found = [
        summary
        for summary in list_runs(run.study)
        if summary.method == CONSENSUS
        and summary.fingerprint == fingerprint
        and (summary.state == "finished" or summary.state in RESUMABLE)
        and _comparable(RunFolder(summary.path).config()) == wanted
    ]
    found.sort(key=lambda summary: summary.state != "finished")
    return RunFolder(found[0].path) if found else None


def create_consensus(run: RunFolder) -> RunFolder:
    """A consensus run beside a personal one, with its data and settings."""
    config = run.config().model_copy(update={"method": CONSENSUS, "start": "random", "compare": False})
    sibling = RunFolder.create(run.study, config)
    copy_snapshot(run, sibling)
    return sibling


def _comparable(config: TrainConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=_FREE)
