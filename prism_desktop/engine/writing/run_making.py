"""Makes runs of the task writing, and finds those that are there. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prism_desktop.engine import access
from prism_desktop.engine.backbones.language_files import language_checksum, language_weights
from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.backbones.weight_files import check_weights
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.files import make_folder, write_json
from prism_desktop.engine.methods.writing_methods import members_of, writing_method
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder, fresh_folder
from prism_desktop.engine.runs.writing_files import WriterCombination, WritingSummary
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.writing.own_text_data import (
    OwnTexts,
    read_texts,
    take_texts,
    write_texts,
)
from prism_desktop.engine.writing.writing_config import (
    WritingConfig,
    is_writing_run,
    member_settings,
    with_full_names,
)


def begin_writing(study: Path, config: WritingConfig, texts: OwnTexts | None = None) -> RunFolder:
    """Make a run, with its texts.

    Args:
        study: the study's folder.
        config: what to train.
        texts: of another run, to learn from the same; None for those of the study as it is now.

    Raises:
        PrismError: the settings do not fit the study; no run is left behind.
    """
    writing_method(config.method)
    config = in_full(config)
    check_weights(parse(config.backbone))
    if texts is None:
        with Study.open(study, read_only=True) as opened:
            texts = take_texts(opened, config)
    _refuse_nothing_to_read(config, texts)
    access.refuse_held_back(study)
    make_folder(study / layout.WRITING)
    run = RunFolder(fresh_folder(study / layout.WRITING, config.method))
    make_folder(run.data)
    write_texts(run, texts)
    write_json(run.path / layout.CONFIG, config.model_dump(mode="json"))
    run.set_status("preparing", pid=os.getpid())
    return run


def _refuse_nothing_to_read(config: WritingConfig, texts: OwnTexts) -> None:
    """Raises: InputError: a network would read profiles, and nobody whom training knows has one."""
    asked = config.reads == "profile" and writing_method(config.method).reads("reads")
    if asked and not any(texts.meta.people[row].profile.strip() for row in texts.known):
        raise InputError(
            "Nobody whom training knows has a profile, so reads=profile leaves nothing to be read; "
            "write profiles in Study, or choose reads=texts."
        )


def in_full(config: WritingConfig) -> WritingConfig:
    """Settings as a run keeps them: what they name in full, and what this machine decides."""
    config = with_full_names(config)
    written: dict[str, Any] = {}
    if writing_method(config.method).combines:
        written["members"] = members_of(config.method, config.members)
    if writing_method(config.method).encodes:
        from prism_desktop.engine.writing.text_encoders import chosen_encoder  # needs torch

        written["encoder"] = chosen_encoder(config)
    return config.model_copy(update=written)


def writing_runs(study: Path) -> list[RunFolder]:
    """The runs of this task in a study, the oldest first."""
    folder = study / layout.WRITING
    if not folder.is_dir():
        return []
    return [RunFolder(path) for path in sorted(folder.iterdir()) if is_writing_run(path)]


def find_run(
    study: Path, config: WritingConfig, texts: OwnTexts, *, going: bool = False
) -> RunFolder | None:
    """A run of the same settings and texts: one that was trained to its end and tested, else one
    that may go on; if `going`, one that somebody trains at this moment comes before that. One that
    cannot be read is passed over, as lists of runs say, and so is one of another network in the
    same place."""
    fits = [one for one in writing_runs(study) if _fits(one, config, texts)]
    # of those that were tested, one of an earlier version keeps no costs of tokens, and one that
    # was stopped before its end stands for no other
    tested = [one for one in fits if layout.holds(one.path, layout.TOKEN_COSTS)
              and layout.holds(one.path, layout.WRITTEN)
              and one.status().state != "stopped"]  # fmt: skip
    usable = [one for one in fits if not layout.holds(one.path, layout.WRITTEN)]
    usable.sort(key=lambda one: one.status().state in ACTIVE)
    # who paused one may let it stand for long
    at_work = [one for one in usable if one.status().state in ACTIVE - {"paused"}] if going else []
    return next(iter(tested or at_work or usable), None)


def _fits(run: RunFolder, config: WritingConfig, texts: OwnTexts) -> bool:
    try:
        if not WritingConfig.load(run.path / layout.CONFIG).asks_the_same(config):
            return False
        if read_texts(run).meta.fingerprint != texts.meta.fingerprint:
            return False
        weighed = _weighed(run)
        if layout.holds(run.path, layout.WRITTEN) and _lacks(run, config, texts, weighed):
            return False
        if not all(_same_networks(one) and _same_revision(one) for one in (run, *weighed.values())):
            return False
        return all(
            WritingConfig.load(one.path / layout.CONFIG).asks_the_same(
                in_full(member_settings(config, name))
            )
            for name, one in weighed.items()
        )  # what it weighs may be another run now: of another encoder, which came to this machine
    except PrismError:
        return False


def _lacks(
    run: RunFolder, config: WritingConfig, texts: OwnTexts, weighed: Mapping[str, RunFolder]
) -> bool:
    """Whether a combination was made without a run that is there now, as its training failed
    then."""
    if not writing_method(config.method).combines:
        return False
    for name in members_of(config.method, config.members):
        if name not in weighed:
            one = find_run(run.study, in_full(member_settings(config, name)), texts)
            if one is not None and layout.holds(one.path, layout.WRITTEN):
                return True
    return False


def _weighed(run: RunFolder) -> dict[str, RunFolder]:
    """The runs that a combination weighs by method, as far as they are there."""
    stored = run.stored(WriterCombination, layout.WEIGHED) or WriterCombination()
    found = {one.method: RunFolder(run.path.with_name(one.run)) for one in stored.members}
    return {name: one for name, one in found.items() if one.exists}


def _same_revision(run: RunFolder) -> bool:
    """Whether a run that was tested was so by what its method is now."""
    found = run.stored(WritingSummary, layout.WRITTEN)
    method = WritingConfig.load(run.path / layout.CONFIG).method
    return found is None or found.revision == writing_method(method).revision


def _same_networks(run: RunFolder) -> bool:
    """Whether what a run read texts by is what is there; what is not known is taken for it."""
    known, config = run.environment(), WritingConfig.load(run.path / layout.CONFIG)
    pairs = (config.backbone, known.backbone_sha256), (config.encoder, known.encoder_sha256)
    return all(sha256 is None or _same_network(name, sha256) for name, sha256 in pairs)


def _same_network(name: str, sha256: str) -> bool:
    """Whether what is there is what was there; what is to be downloaded is not known yet."""
    spec = parse(name)
    return language_weights(spec) is None or sha256 == language_checksum(spec)
