"""What a command takes where its user names no backbone and no method; it is told on stderr."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prism_desktop.cli.console import err
from prism_desktop.cli.study import open_existing
from prism_desktop.engine.backbones.weight_files import check_backbone
from prism_desktop.engine.methods import default_method
from prism_desktop.engine.runs.default_backbone import default_backbone, download_needed


def with_backbone(
    study: Path, options: Mapping[str, Any], settings: Sequence[str] | None
) -> dict[str, Any]:
    """Options with a backbone: the one named, else the study's own.

    Raises:
        InputError: what was named is no backbone.
        BackboneError: its weights could not be read.
    """
    given = options.get("backbone") or _named(settings, "backbone")
    if given:
        check_backbone(given)
        if needed := download_needed(given):
            err.print(f"{given}: {needed}", soft_wrap=True)
        return dict(options)
    from prism_desktop.engine.study.opening import FILE

    if not (study / FILE).exists():  # which is refused in a moment
        return dict(options)
    chosen = default_backbone(study)
    if chosen.why:
        err.print(chosen.why, soft_wrap=True)
    return {**options, "backbone": chosen.backbone}


def with_method(
    study: Path, options: Mapping[str, Any], settings: Sequence[str] | None
) -> dict[str, Any]:
    """Options with a method that is possible; one that was named is left as it is."""
    if options.get("method") or _named(settings, "method"):
        return dict(options)
    wanted = options.get("labelers")
    with open_existing(study, read_only=True) as opened:
        answered = {row.labeler for row in opened.progress() if row.ratings + row.comparisons}
    labelers = len(answered if wanted is None else answered.intersection(wanted))
    embeddings = str(options.get("backbone", "")).startswith("embeddings:")
    name, why = default_method(embeddings=embeddings, labelers=labelers)
    if why:
        err.print(why, soft_wrap=True)
    return {**options, "method": name}


def _named(settings: Sequence[str] | None, key: str) -> str:
    """What `--set key=value` says, the last one."""
    parts = [text.partition("=") for text in settings or ()]
    return next((value.strip() for name, _, value in reversed(parts) if name.strip() == key), "")
