"""Faces of which a study's own answers tell clearly where they stand, for attention checks."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from prism_desktop.engine.labeling.exclusion_rules import USUAL
from prism_desktop.engine.labeling.protocol import KnownFaces, Protocol
from prism_desktop.engine.study.records import ImageId, TrialRecord
from prism_desktop.engine.study.set_aside import aside
from prism_desktop.engine.study.study_reader import StudyReader

FACES: Final = 6  # of each end
_LABELERS: Final = 2  # who judged a face, at least
_ANSWERS: Final = 4  # about a face, at least
_SIDES: Final = {"left": 1.0, "tie": 0.0, "right": -1.0}
_MIDDLE, _REACH = 2.5, 1.5  # of the rating scale


def with_known(
    protocol: Protocol, study: StudyReader, careless: Callable[[], Collection[str]] = frozenset
) -> Protocol:
    """A protocol with the faces that it needs, written down once: what others answer later changes
    no labeler's trials. Where the protocol names some itself, those are kept.

    Args: careless: codes of labelers whose answers tell nothing of a face, asked for only where
        faces are looked for. Those who are simulated are left out in any case.
    """
    if not protocol.lacks_known:
        return protocol
    names = {image.id: image.name for image in study.stimuli() if not image.missing}
    confirmed = [each.name for each in study.attributes() if each.confirmed]
    asked = {name for block in protocol.blocks for name in block.attributes or confirmed}
    left_out = {each.code for each in study.labelers() if each.simulated}.union(careless())
    people = (trial for trial in study.trials() if trial.labeler not in left_out)
    found = consensus_ends(people, names)
    known = {name: found[name] for name in confirmed if name in asked and name in found}
    checks = protocol.checks.model_copy(update={"known": known})
    return protocol.model_copy(update={"checks": checks})


def consensus_ends(
    trials: Iterable[TrialRecord], names: Mapping[ImageId, str]
) -> dict[str, KnownFaces]:
    """Attribute -> the faces that all labelers together place highest and lowest.

    A face stands where the mean of what was said of it does, ratings as -1 to 1 and comparisons as
    won, tied or lost, drawn to the middle where few spoke. Attributes of which too few faces were
    judged often enough are left out.

    Args:
        trials: current ones; practice and attention checks say nothing, nor what a program
            answered, nor an answer that came too fast.
        names: of the images that may be taken.
    """
    marks: dict[str, dict[ImageId, list[float]]] = defaultdict(lambda: defaultdict(list))
    who: dict[tuple[str, ImageId], set[str]] = defaultdict(set)
    for trial in trials:
        if aside(trial.flags) is None and trial.source != "simulated":
            for name, image, mark in _marks(trial):
                marks[name][image].append(mark)
                who[name, image].add(trial.labeler)
    found = {}
    for name, faces in marks.items():
        means = {
            image: sum(given) / (len(given) + 2)
            for image, given in faces.items()
            if image in names and len(given) >= _ANSWERS and len(who[name, image]) >= _LABELERS
        }
        ordered = sorted(means, key=lambda image: (means[image], image))
        count = min(FACES, len(ordered) // 4)
        if count:
            low, high = ordered[:count], ordered[-count:]
            found[name] = KnownFaces(
                high=tuple(names[image] for image in high), low=tuple(names[image] for image in low)
            )
    return found


def _marks(trial: TrialRecord) -> Iterable[tuple[str, ImageId, float]]:
    """(attribute, image, -1 to 1) for each answer."""
    for name, answer in trial.answers.items():
        seconds = trial.time(name).seconds
        if seconds is not None and seconds < USUAL.fastest_seconds:
            continue
        if trial.right is None:
            yield name, trial.left, (float(answer) - _MIDDLE) / _REACH
        else:
            lead = _SIDES[str(answer)]
            yield name, trial.left, lead
            yield name, trial.right, -lead
