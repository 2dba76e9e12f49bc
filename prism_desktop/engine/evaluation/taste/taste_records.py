"""What of the pictures goes with choices, as commands write it and the window reads it. Needs no
pandas."""

from collections.abc import Mapping
from typing import Literal

from prism_desktop.engine.runs.stored import Bound, Count, Gained, Share, Stored

PropertyKind = Literal["statistic", "fact", "words"]


class ImageProperty(Stored):
    """Something that can be seen of a picture, or that is known of it."""

    name: str  # short: "brightness", "group: b", "smiling – serious"
    more: str  # the face with more of it, after "the": "brighter face"
    kind: PropertyKind
    images: Count  # of how many it is known


class PropertyLink(Stored):
    """How choices go with one property of the pictures.

    A choice is the share of a labeler's decided pairs in which the face with more of the property
    was chosen, or rated higher; one half where they have nothing to do with each other.
    """

    property: str
    attribute: str
    own: Share | None = None
    own_low: Bound | None = None
    own_high: Bound | None = None
    own_p: Share | None = None  # that it is one half
    own_holm: Share | None = None  # the same among all tests of this labeler
    others: Share | None = None  # mean of the other labelers, each counting the same
    beyond: Gained | None = None  # own - others
    low: Bound | None = None
    high: Bound | None = None
    p: Share | None = None  # that it is 0
    holm: Share | None = None  # the same among all tests of this labeler
    holm_all: Share | None = None  # and among those of all labelers
    choices: Count = 0  # pairs that differ in the property
    n: Count = 0  # choices, but no more than faces, for a face's pairs are not independent


class LabelerTaste(Stored):
    """All links of one labeler."""

    labeler: str  # code
    links: tuple[PropertyLink, ...] = ()
    tests: Count = 0  # how many `holm` corrects for


class TasteReport(Stored):
    """What goes with choices: of each labeler, and of all of them together."""

    properties: tuple[ImageProperty, ...] = ()
    labelers: tuple[LabelerTaste, ...] = ()
    # mean over the labelers, each counting the same; nothing in it is beyond others
    everybody: tuple[PropertyLink, ...] = ()
    tests: Count = 0  # of all labelers
    answers: str = ""  # what it rests on, a sentence
    notes: tuple[str, ...] = ()  # what could not be looked at, what was left out
    names: Mapping[str, str] = {}  # labeler -> what to call them
    of_texts: bool = False  # what was judged, and not pictures

    def of(self, labeler: str) -> LabelerTaste | None:
        """The links of one labeler."""
        return next((each for each in self.labelers if each.labeler == labeler), None)
