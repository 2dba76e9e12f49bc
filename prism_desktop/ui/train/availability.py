"""The availability of methods on a study: which, why not the others, and how large each is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from prism_desktop.engine.backbone_names import gives_features_alone
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import METHODS, Method, spoken_of
from prism_desktop.engine.methods.method import Family
from prism_desktop.engine.models.method_listing import listing
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.ui.train.operations import StudyChoices

FAMILIES: tuple[Family, ...] = get_args(Family)


@dataclass(frozen=True, slots=True)
class MethodAvailability:
    """A method as it stands for a study."""

    method: Method
    obstacle: str = ""  # why it cannot be trained there, in one sentence
    parameters: int | None = None  # trained for this study, where known
    exact: bool = True  # False: the answers decide, and it is at most so many
    stimuli: StimulusWords = FACES  # words for what the study holds

    @property
    def summary(self) -> str:
        """What the method does, of what the study holds."""
        return self.stimuli.told(self.method.summary)

    @property
    def size(self) -> str:
        """The number of parameters in words; empty where it is not known."""
        if self.parameters is None:
            return ""
        return f"{'' if self.exact else 'at most '}{counted(self.parameters, 'parameter')}"

    def words(self) -> str:
        """For screen readers and tool tips."""
        count = f" {self.size[0].upper()}{self.size[1:]}." if self.size else ""
        return " ".join(
            part for part in (f"{self.method.title}.", self.summary + count, self.obstacle) if part
        )


def methods_in_order(methods: Mapping[str, Method] = METHODS) -> tuple[Method, ...]:
    """Methods group by group, in each as they were written down."""
    return tuple(sorted(methods.values(), key=lambda method: FAMILIES.index(method.family)))


def methods_as_listed() -> tuple[Method, ...]:
    """The featured methods, then the others, each group by group."""
    return tuple(sorted(methods_in_order(), key=lambda method: not method.featured))


def method_availability(
    study: StudyChoices,
    backbone: str,
    labelers: Sequence[str] | None,
    attributes: Sequence[str] | None,
    counts: Mapping[tuple[str, str], int],
) -> list[MethodAvailability]:
    """Every method, group by group.

    Args:
        study: what the study has; before it is read, nothing is known to be impossible.
        backbone: that is chosen.
        labelers: that are chosen; None for all.
        attributes: that are chosen; None for all.
        counts: parameters that a method on a backbone trained in this study's runs.
    """
    known = bool(study.labelers)
    chosen = tuple(study.labelers) if labelers is None else tuple(labelers)
    answered = len(study.answered.intersection(chosen)) if known else 2
    profiles = bool(study.profiles.intersection(chosen)) or not known
    embeddings = gives_features_alone(backbone)
    judged = study.attributes if attributes is None else attributes
    dimensions = next(
        (each.dimensions for each in study.embeddings if each.backbone == backbone), None
    )
    sizes = _sizes(backbone, len(chosen), len(judged), dimensions) if known else {}
    made = []
    texts = study.kind == "text"
    for method in methods_in_order():
        spoken = spoken_of(method, texts=texts)
        reason = spoken.obstacle(
            embeddings=embeddings, labelers=answered, profiles=profiles, texts=texts
        )
        measured = counts.get((method.name, backbone))
        told = sizes.get(method.name, (None, True)) if measured is None else (measured, True)
        made.append(MethodAvailability(spoken, reason, *told, stimuli=study.words))
    return made


@lru_cache(maxsize=8)
def _sizes(
    backbone: str, labelers: int, attributes: int, dimensions: int | None
) -> Mapping[str, tuple[int | None, bool]]:
    """How many parameters each method would train, and whether exactly so many; see `listing`."""
    try:
        rows = listing(backbone, labelers, attributes, dimensions=dimensions)
        return {row["name"]: (row["parameters"], row["exact"]) for row in rows}
    except InputError:  # no backbone that could be read, which a start says
        return {}
