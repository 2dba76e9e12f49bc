"""What a command takes where its user names no backbone and no method; it is told on stderr."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from prism_desktop.cli.console import err
from prism_desktop.cli.study import open_existing
from prism_desktop.engine.backbone_names import gives_features_alone
from prism_desktop.engine.backbones.weight_files import check_backbone
from prism_desktop.engine.config import TrainConfig, needed
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import listed, word_for
from prism_desktop.engine.methods import CONSENSUS, default_method, method
from prism_desktop.engine.methods.read_settings import WORK, reads
from prism_desktop.engine.runs.default_backbone import (
    default_backbone,
    download_needed,
    embedded_doubt,
)
from prism_desktop.engine.runs.run_events import ProgressTold, Stage

T = TypeVar("T")


class Completed(NamedTuple):
    """Options as they are taken, and what their user should know of it."""

    options: dict[str, Any]
    notes: tuple[str, ...] = ()

    def telling(self, events: Iterable[T]) -> Iterator[T]:
        """The events of the work, and the notes as it begins: what is refused says only why."""
        notes = self.notes
        for event in events:
            if notes and _begins(event):
                for note in notes:
                    err.print(note, soft_wrap=True)
                notes = ()
            yield event


def with_backbone(
    study: Path, options: Mapping[str, Any], settings: Sequence[str] | None
) -> Completed:
    """Options with a backbone: the one named, else the study's own.

    Raises:
        InputError: what was named is no backbone.
        BackboneError: its weights could not be read.
    """
    given = options.get("backbone") or named(settings, "backbone")
    if given:
        check_backbone(given)
        needed = download_needed(given)
        return Completed(dict(options), (f"{given}: {needed}",) if needed else ())
    from prism_desktop.engine.study.opening import FILE

    if not (study / FILE).exists():  # which is refused in a moment
        return Completed(dict(options))
    with open_existing(study, read_only=True) as opened:
        texts, simulated = opened.kind() == "text", opened.info().simulated
    chosen = default_backbone(study, texts=texts)
    why = chosen.why or embedded_doubt(chosen.backbone, simulated=simulated)
    return Completed({**options, "backbone": chosen.backbone}, (why,) if why else ())


def with_method(study: Path, given: Completed, settings: Sequence[str] | None) -> Completed:
    """Options with a method that is possible; one that was named is left as it is."""
    options = given.options
    if options.get("method") or named(settings, "method"):
        return given
    config = TrainConfig().with_options(options, settings or ())  # `--set` says some of it, too
    with open_existing(study, read_only=True) as opened:
        texts = opened.kind() == "text"
        answered = {row.labeler for row in opened.progress() if row.ratings + row.comparisons}
    wanted = config.labelers
    labelers = len(answered if wanted is None else answered.intersection(wanted))
    embeddings = gives_features_alone(config.backbone)
    name, why = default_method(embeddings=embeddings, labelers=labelers, texts=texts)
    notes = (*given.notes, why) if why else given.notes
    return Completed({**options, "method": name}, notes)


def unread(config: TrainConfig, options: Mapping[str, Any], settings: Sequence[str]) -> str:
    """Which settings that were given change nothing for the method, or only what it is compared
    with, in a sentence or two; empty if none.

    Args:
        config: complete.
        options: given by an option of their own.
        settings: given as "key=value".
    """
    keys = dict.fromkeys((*options, *named_keys(settings)))
    chosen, embeddings = method(config.method), config.stands_on_features
    idle = [
        key for key in keys
        if key.partition(".")[0] not in WORK
        and not reads(chosen, key, config.members, embeddings=embeddings)
    ]  # fmt: skip
    compared = _of_consensus(config, idle)
    told = told_unread([key for key in idle if key not in compared], chosen.name)
    if compared:
        told = (
            f"{listed(compared)} {word_for(len(compared), 'changes', 'change')} only the "
            f"consensus that {chosen.name} is compared with. {told}"
        )
    return told.rstrip()


def _of_consensus(config: TrainConfig, keys: Sequence[str]) -> list[str]:
    """Those that the consensus reads that a run of these settings trains."""
    from prism_desktop.engine.training.dependencies import dependency_config

    if CONSENSUS not in needed(config):
        return []
    its = dependency_config(config, CONSENSUS)
    return [
        key
        for key in keys
        if reads(method(CONSENSUS), key, embeddings=its.stands_on_features)
        and getattr(its, key, None) == getattr(config, key, None)
    ]


def named_keys(settings: Iterable[str]) -> list[str]:
    """The settings that `--set key=value` names."""
    return [text.partition("=")[0].strip() for text in settings]


def told_unread(keys: Sequence[str], method: str) -> str:
    """That settings change nothing for a method; empty for none."""
    if not keys:
        return ""
    return f"{listed(keys)} {word_for(len(keys), 'changes', 'change')} nothing for {method}."


def refuse_method(settings: Sequence[str] | None, option: str) -> None:
    """Where an option says which method, no setting does.

    Raises:
        InputError: one does.
    """
    if said := named(settings, "method"):
        raise InputError(f"{option} says which method this is; leave --set method={said} out.")


def _begins(event: object) -> bool:
    """Whether the work has begun: trainings come in batches, and first prepare."""
    return not isinstance(event, tuple | list) or any(
        not isinstance(each, ProgressTold | Stage) for each in event
    )


def named(settings: Sequence[str] | None, key: str) -> str:
    """What `--set key=value` says, the last one."""
    parts = [text.partition("=") for text in settings or ()]
    return next((value.strip() for name, _, value in reversed(parts) if name.strip() == key), "")
