"""The dependencies of a run: its consensus, and the members of a combination.

Same data, split and seed.
"""

import os
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from prism_desktop.engine.backbone_names import reads_texts
from prism_desktop.engine.config import TrainConfig, needed
from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.files import lock, make_folder, write_json
from prism_desktop.engine.json_files import read_json
from prism_desktop.engine.methods import CONSENSUS, method
from prism_desktop.engine.methods.read_settings import reads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import check_folder
from prism_desktop.engine.runs.result_files import Environment, SnapshotMeta
from prism_desktop.engine.runs.run_list import RunSummary, list_runs
from prism_desktop.engine.runs.stored import FolderName
from prism_desktop.engine.training.snapshot import copy_snapshot

# What may differ between two runs without making their comparison unfair; the data are compared by
# their fingerprint, the precision by what it became on the machine, and the backbone by its weights
# too.
_FREE = {
    "baselines",
    "compare",
    "consensus",
    "labelers",
    "attributes",
    "device",
    "threads",
    "precision",
    "checkpoint_seconds",
}
_MACHINE = ("precision", "backbone_sha256")  # of the environment that must be the same
# where training starts at the dependency's weights, to be bit-equal again
_EXACT = (*_MACHINE, "threads", "device")


def find_dependency(
    run: RunFolder, name: str, environment: Environment | None = None
) -> RunFolder | None:
    """A finished run of a method beside `run`, else one that can be gone on with, else None.

    Args:
        run: the run that wants it.
        name: the method.
        environment: of the present process (see `RunFolder.environment`); None to accept any.
    """
    return _find(run, name, environment)


def _find(
    run: RunFolder, name: str, environment: Environment | None, *, going: bool = False
) -> RunFolder | None:
    keys = _EXACT if run.config().start == "consensus" else _MACHINE
    config, data = dependency_config(run.config(), name), run.meta()
    return find_run(run.study, config, data, environment, keys, going=going)


def _goes_on(other: RunSummary) -> bool:
    """Whether another process is at it; nobody waits for a run that somebody paused."""
    return other.state in ("preparing", "training") and not RunFolder(other.path).status().ours


def claim_dependency(run: RunFolder, name: str) -> RunFolder:
    """The run of a method that `run` depends on: a finished one; else one that another process
    trains, which is to be waited for; else one that this process is to train now.

    Several runs of the same data that start together thereby train one consensus.
    """
    make_folder(run.study / "cache")
    with lock(run.study / "cache" / "dependencies.lock"):
        found = recorded_dependency(run, name) or find_dependency(run, name, run.environment())
        if found is not None and found.status().state == "finished":
            return found
        going = _find(run, name, run.environment(), going=True)
        if going is not None:
            return going
        mine = found or create_dependency(run, name)
        mine.set_status("preparing", pid=os.getpid())
        return mine


def find_run(
    study: Path,
    config: TrainConfig,
    data: SnapshotMeta,
    environment: Environment | None = None,
    keys: tuple[str, ...] = _MACHINE,
    *,
    going: bool = False,
) -> RunFolder | None:
    """A finished run of these settings on these data, else one that can be gone on with, else None.

    Runs whose method, or one that they depend on, has become another one since are passed over.

    Args:
        study: the study's folder.
        config: what was asked; settings that change no result may differ. A precision that it
            names is what the run has; "auto" takes any.
        data: the data snapshot.
        environment: of the present process (see `RunFolder.environment`); None to accept any.
        keys: of the environment that must be the same.
        going: look for one that another process trains at this moment instead.
    """
    wanted = learned_from(config)
    found = [
        other
        for other in list_runs(study)
        if other.method == config.method
        and other.fingerprint == data.fingerprint
        and (
            _goes_on(other)
            if going
            else other.state == "finished" or RunFolder(other.path).resumable
        )
        and _sound(other)
        and _of_its_kind(other)
        and _as_asked(RunFolder(other.path), config)
        and learned_from(RunFolder(other.path).config()) == wanted
        and (
            not wanted.get("blocks")
            or RunFolder(other.path).meta().facts_sha256 == data.facts_sha256
        )
        and _same_machine(RunFolder(other.path).environment(), environment, keys)
        and _same_revisions(RunFolder(other.path).environment(), config)
    ]
    found.sort(key=lambda other: other.state != "finished")
    return RunFolder(found[0].path) if found else None


def create_dependency(run: RunFolder, name: str) -> RunFolder:
    """A run of another method beside this one, with its data
    and, where the methods share them, its settings."""
    dependency = RunFolder.create(run.study, dependency_config(run.config(), name))
    copy_snapshot(run, dependency)
    return dependency


def recorded_dependency(run: RunFolder, name: str) -> RunFolder | None:
    """The finished run of a method that `run` depended on when
    it was trained before, wherever; None if it is gone."""
    found = _recorded(run).get(name)
    if found is None or not (run.path.with_name(found) / layout.CONFIG).is_file():
        return None
    dependency = RunFolder(run.path.with_name(found))
    return dependency if dependency.status().state == "finished" else None


def record_dependency(run: RunFolder, name: str, dependency: RunFolder) -> bool:
    """Write down that `run` depends on another one.

    Says whether it depended on a different one of that method before.
    """
    said = _recorded(run)
    write_json(run.path / layout.DEPENDENCIES, said | {name: dependency.name})
    return said.get(name, dependency.name) != dependency.name


def _recorded(run: RunFolder) -> dict[str, str]:
    """Methods and the runs of them that were written down; what is no folder's name is none."""
    try:
        return TypeAdapter(dict[str, FolderName]).validate_python(
            read_json(run.path / layout.DEPENDENCIES) or {}, strict=True
        )
    except ValidationError:
        return {}


def dependency_config(config: TrainConfig, name: str) -> TrainConfig:
    """Another method's settings on the data of a run of these
    settings: pairs are made as the run makes them."""
    options: dict[str, object] = {"method": name, "compare": name != CONSENSUS}
    options["consensus"] = config.compared_with
    options |= {f"pairs.{key}": value for key, value in config.pairs.model_dump().items()}
    if name == CONSENSUS:
        options["start"] = "random"
        if "random" not in method(config.method).starts:
            options["tokens"] = 1  # how many the method adds is nothing of the consensus's
    return config.with_options(options)


def learned_from(config: TrainConfig) -> dict[str, JsonValue]:
    """The settings that can change what a run of these settings learns and predicts.

    Two runs on the same data whose values are equal here have the same model.
    """
    chosen, embeddings = method(config.method), config.stands_on_features
    read = {
        key: value
        for key, value in config.model_dump(mode="json", exclude=_FREE).items()
        if reads(chosen, key, config.members, embeddings=embeddings)
    }
    return read | ({"consensus": config.compared_with} if config.method == CONSENSUS else {})


def _sound(other: RunSummary) -> bool:
    """Whether all files of a run are what it wrote, as far as that is known."""
    try:
        check_folder(other.path)
        return not other.damage
    except UnreadableError:
        return False


def _of_its_kind(other: RunSummary) -> bool:
    """Whether a run holds what its settings make on its backbone today: the consensus of texts was
    always a linear head once."""
    if other.method != CONSENSUS or not reads_texts(other.backbone):
        return True
    head = RunFolder(other.path).config().compared_with == "head"
    return other.state != "finished" or layout.holds(other.path, layout.HEAD) == head


def _as_asked(other: RunFolder, config: TrainConfig) -> bool:
    """Whether a run has, or will have, the precision that was asked for by name."""
    had = other.environment().precision or other.config().precision
    return config.precision in ("auto", had)


def _same_revisions(theirs: Environment, config: TrainConfig) -> bool:
    names = (*needed(config, whole=True), config.method)
    return theirs.blank or all(
        theirs.revisions.get(name, 1) == method(name).revision for name in names
    )


def _same_machine(theirs: Environment, ours: Environment | None, keys: tuple[str, ...]) -> bool:
    return (
        ours is None
        or theirs.blank
        or all(getattr(theirs, key) == getattr(ours, key) for key in keys)
    )
