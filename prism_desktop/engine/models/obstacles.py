"""The obstacles of a run: what others can do and it cannot, in a sentence with the way out.

The window disables what they speak of, the commands refuse it, both at once and in these words. It
is read from the run's files and its method; no model is loaded and no torch imported.
"""

from dataclasses import dataclass
from pathlib import Path

from prism_desktop.engine.backbones.spec import parse
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.methods import FLAGSHIP, METHODS, POSTERIOR, method_title
from prism_desktop.engine.methods.needed_methods import combines
from prism_desktop.engine.models.combination_file import read_combination
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_weights import missing_weights, weights_gone


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Why a run cannot do something; empty where it can."""

    maps: str = ""  # show where it looks
    words: str = ""  # judge an attribute that nobody labeled
    entering: str = ""  # take in a new labeler
    images: str = ""  # judge images that it was not given


NO_WORD_MAP = (
    "This run of texts does not judge what a language model reads, so no map can show which words "
    f"matter; choose a run that does, such as {method_title(POSTERIOR)}."
)
NO_PICTURES = (
    "These maps lie over pictures, and this run is of texts: "
    "`prism-desktop relevance RUN --labeler CODE --attribute NAME --text NAME` shades their words."
)
_NO_TEXT_WORDS = (
    "This run is of texts and judges imported embeddings, so it judges only the attributes that "
    "were labeled."
)


def find_obstacles(run: Path) -> Obstacles:
    """What is impossible with a run, whoever asks."""
    combined = layout.holds(run, layout.COMBINATION)
    features = not combined and layout.holds(run, layout.HEAD)
    if not combined and not features and not layout.holds(run, layout.TOKENS):
        combined, features = _by_method(run)
    gone = _no_weights(run) or (_lost_member(run) if combined else "")
    entering = gone or _no_start(run)
    if not combined and not features:
        return Obstacles(gone, gone, entering, gone)
    if RunFolder(run).of_texts:
        if _reads(run):  # whether words hold is found out when they are asked
            return Obstacles(gone, gone, entering, gone)
        return Obstacles(NO_WORD_MAP, _NO_TEXT_WORDS, entering, gone)
    return Obstacles(no_map(combined=combined), no_words(combined=combined), entering, gone)


def words_by_frozen_model(run: Path) -> bool:
    """Whether words that nobody labeled would be read by a frozen language model beside texts, so
    that they are to be checked, see `evaluation.typed_words`."""
    return RunFolder(run).of_texts and not layout.holds(run, layout.TOKENS)


def refuse(reason: str) -> None:
    """Raises: InputError: there is a reason why something cannot be done."""
    if reason:
        raise InputError(reason)


def no_map(*, combined: bool) -> str:
    """Why no map can be made of a model without an image tower."""
    return (
        f"This run {_what(combined)} and has no image tower of its own, so no map can show where "
        f"it looks; choose a run such as {method_title(FLAGSHIP)}."
    )


def no_words(*, combined: bool) -> str:
    """Why such a model judges labeled attributes alone."""
    return (
        f"This run {_what(combined)} and does not read text, so it judges only the attributes that "
        f"were labeled; choose a run such as {method_title(FLAGSHIP)}."
    )


def _reads(run: Path) -> bool:
    """Whether a language model reads for it."""
    try:
        return parse(RunFolder(run).config().backbone).kind == "language"
    except (PrismError, OSError):
        return False


def _what(combined: bool) -> str:
    return "combines other runs" if combined else "judges finished features of an image"


def _by_method(run: Path) -> tuple[bool, bool]:
    """Whether a run whose model is not there yet, or not any more, combines others or has heads."""
    try:
        known = METHODS.get(RunFolder(run).config().method)
    except (PrismError, OSError):
        known = None
    if known is None:
        return False, False
    combined = combines(known)
    return combined, not combined and known.scoring.of_features


def _no_weights(run: Path) -> str:
    """What a run says of its weights once they are gone."""
    try:
        gone = weights_gone(run)
    except OSError:
        return ""  # said when it is read
    if not gone:
        return ""
    return (
        "The weights of this run are gone, or a part of them, so it shows what it predicted and "
        "can predict nothing else; put them back from a copy, or train again."
    )


def _no_start(run: Path) -> str:
    """What it says once the heads are gone with which new labelers enter."""
    try:
        gone = bool(missing_weights(run))
    except OSError:
        return ""
    if not gone:
        return ""
    return (
        f"The file {layout.CLOSED_FORM} of this run is gone, with which new labelers enter; put it "
        "back from a copy, or train again."
    )


def _lost_member(run: Path) -> str:
    """Why a combination judges nothing more once a part of it is gone."""
    try:
        members = read_combination(run) if layout.holds(run, layout.COMBINATION) else ()
    except (PrismError, OSError):
        return ""  # said when it is read
    for member in members:
        part = run.with_name(member.run)
        if not part.is_dir():
            return f"This run combines the run {member.run}, which was deleted; train again."
        if any(member.weight) and _no_weights(part):
            return (
                f"This run combines the run {member.run}, whose weights are gone; put them back "
                "from a copy, or train again."
            )
    return ""
