"""The backbone that a study's next run takes where nobody chooses one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from prism_desktop.engine.backbone_names import MINI_LM
from prism_desktop.engine.backbones.spec import (
    DEFAULT,
    KNOWN,
    MINI,
    READERS,
    SMALL_LM,
    known_networks,
    misfit,
    parse,
)
from prism_desktop.engine.backbones.weight_files import downloaded, on_disk
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.plain_text import one_line
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.stimulus_words import StimulusKind
from prism_desktop.engine.study.embeddings import list_embeddings

_LONG: Final = 80  # characters of a backbone's name in a sentence


class BackboneChoice(NamedTuple):
    """A backbone, and what its user should know of why it was chosen."""

    backbone: str  # as a training takes it
    why: str  # sentences; empty where it was chosen before


def default_backbone(
    study: Path,
    last: str = "",
    runs: Iterable[str] | None = None,
    *,
    texts: bool = False,
) -> BackboneChoice:
    """The study's last choice, else a network whose weights are on this disk, else the embedded
    one for what the study holds.

    Nothing that is chosen here needs a download, whatever a study that was received says.

    Args:
        study: its folder.
        last: what was chosen later than the newest run began; empty if that is not known.
        runs: backbones of the study's runs, newest first, where they are known already.
        texts: whether the study is one of texts.
    """
    kind: StimulusKind = "text" if texts else "image"
    if runs is None:
        runs = (run.backbone for run in list_runs(study))
    before = next((text for text in (last, *runs) if text), "")
    here = bool(before) and is_here(before, study)
    if here and not misfit(parse(before), kind):
        return BackboneChoice(before, "")
    lost = ""
    if before and not here:
        lost = f"{one_line(before, _LONG)}, chosen last, is not on this computer. "
    found = downloaded(kind)
    if found:
        return BackboneChoice(found[0], f"{lost}{found[0]} is chosen: its weights are here.")
    if texts:
        return BackboneChoice(MINI_LM, lost + UNREAD)
    return BackboneChoice(MINI, lost + UNSEEN)


def is_here(text: str, study: Path) -> bool:
    """Whether a backbone can be used without a download: its weights, or a study's embeddings."""
    try:
        spec = parse(text)
    except InputError:
        return False
    if spec.kind == "embeddings":
        return any(found.backbone == spec.text for found in list_embeddings(study))
    return on_disk(spec)


def download_needed(text: str) -> str:
    """What has to be downloaded before a backbone can be used, in a sentence; empty for nothing."""
    try:
        spec = parse(text)
    except InputError:
        return ""
    fetched = spec.kind == "pretrained" or spec.source == "hub"
    if not fetched or on_disk(spec):
        return ""
    kind: StimulusKind = "text" if spec.kind == "language" else "image"
    network = known_networks(kind).get(spec.text)
    size = 0 if network is None else network.download
    return f"Its weights are downloaded first{f', {_megabytes(size)}' if size else ''}, once."


def embedded_doubt(backbone: str, *, simulated: bool) -> str:
    """What must be known of a network that comes with the program, wherever people judged or wrote;
    empty for any other, and where all are simulated."""
    return "" if simulated else {MINI: UNSEEN, MINI_LM: UNREAD}.get(backbone, "")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


UNSEEN: Final = (
    f"{MINI} comes with the program and has seen drawn faces only: on photographs its features "
    f"mean little. For those choose {DEFAULT} (CLIP, a download of "
    f"{_megabytes(KNOWN[DEFAULT].download)})."
)
UNREAD: Final = (
    f"{MINI_LM} comes with the program and has read texts of simulated writers only: of texts that "
    f"people wrote its features mean little. For those choose {SMALL_LM} (a "
    f"download of {_megabytes(READERS[SMALL_LM].download)})."
)
