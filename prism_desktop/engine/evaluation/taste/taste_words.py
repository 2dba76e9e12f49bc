"""Taste profiles in words, the same for the window, the commands and figures. Needs no pandas."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from prism_desktop.engine.evaluation.taste.taste_records import (
    ImageProperty,
    LabelerTaste,
    PropertyLink,
    TasteReport,
)
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.runs.estimates import ENOUGH, TOO_FEW, ToldEstimate, told_gain, too_few

ALPHA: Final = 0.05
_NAMED = 3  # properties that are named of those that stand out
Standing = Literal["out", "alone", "not", "few", "unknown"]
KINDS: Final = {
    "statistic": "Measured in the pictures",
    "words": "Nearness to words, as the frozen backbone reads picture and words",
    "fact": "Facts of the image set, as imported",
}
LIMITS: Final = (
    "This says what choices go with, not why: properties go together, and each is looked at by "
    "itself. Nearness to words is a network's reading of a picture, checked by nobody, and facts "
    "are facts of the image set; neither is a property of a person pictured. Labelers are taken as "
    "given; pairs that share a face count as dependent."
)
_LIMITS_OF_TEXTS: Final = (
    "This says what choices go with, not why: properties go together, and each is looked at by "
    "itself. They are counted by marks and lists of English words, prompts are not looked at, and "
    "no property says anything about who wrote a text. Labelers are taken as given; pairs that "
    "share a text count as dependent."
)


def limits_of(report: TasteReport) -> str:
    """What a report does not say."""
    return _LIMITS_OF_TEXTS if report.of_texts else LIMITS


NOBODY_ELSE: Final = (
    "Only one labeler judged, so there is no consensus to go beyond; what is shown are the choices."
)


def standing(link: PropertyLink) -> Standing:
    """Whether a labeler's choices go beyond the others' with a property: among the tests of all
    labelers, among this labeler's alone, or not."""
    if link.own is None:
        return "unknown"
    if too_few(link.n):
        return "few"
    alone = link.holm if link.beyond is not None else link.own_holm
    if link.holm_all is not None and link.holm_all < ALPHA:
        return "out"
    if alone is not None and alone < ALPHA:
        return "alone" if link.beyond is not None else "out"
    return "not"


def told_share_of(link: PropertyLink) -> ToldEstimate:
    """The share of choices for the face with more."""
    if link.own is None:
        return ToldEstimate("–")
    low, high = link.own_low or 0.0, link.own_high or 0.0
    doubt = f"[{100 * low:.1f}, {100 * high:.1f}], n {link.n:,}"
    return ToldEstimate(f"{100 * link.own:.1f}%", doubt, too_few(link.n))


def told_beyond(link: PropertyLink) -> ToldEstimate:
    """What is beyond the other labelers, in points."""
    return told_gain(link.beyond, link.low, link.high, link.n, " points")


def in_words(link: PropertyLink, properties: Mapping[str, ImageProperty]) -> str:
    """A link in a sentence."""
    what = properties[link.property].more
    if link.own is None:
        return f"No pair differs in it: the {what}."
    few = f"{TOO_FEW.capitalize()}: " if too_few(link.n) else ""
    share = told_share_of(link)
    told = f"{few}{'t' if few else 'T'}he {what} was chosen in {share.number} {share.doubt}"
    if link.beyond is None or link.others is None:
        return f"{told} of the choices between two that differ."
    beyond = told_gain(link.beyond, link.low, link.high, None, " points")
    return (
        f"{told} of the choices between two that differ; by the others in "
        f"{100 * link.others:.1f}%: {beyond.number} {beyond.doubt} beyond them."
    )


def short(link: PropertyLink, properties: Mapping[str, ImageProperty]) -> str:
    """ "more often the brighter picture", for a list."""
    value = link.beyond if link.beyond is not None else (link.own or 0.5) - 0.5
    return f"{'more' if value > 0 else 'less'} often the {properties[link.property].more}"


def brief(report: TasteReport, taste: LabelerTaste, attribute: str) -> str:
    """What stands out of one labeler in a few words, for a line of a list: the same as
    `headline`."""
    links = [link for link in taste.links if link.attribute == attribute]
    out = [link for link in strongest(links) if standing(link) == "out" and link.beyond is not None]
    perhaps = [link for link in strongest(links) if standing(link) == "alone"]
    if not out and not perhaps:
        return headline(report, taste, attribute).split(":")[0].rstrip(".")
    kept = out or perhaps
    told = ", ".join(_in_brief(link) for link in kept[:_NAMED])
    more = f", and {len(kept) - _NAMED} more" if len(kept) > _NAMED else ""
    return f"{'' if out else 'perhaps '}{told}{more}"


def _in_brief(link: PropertyLink) -> str:
    side = "more" if (link.beyond or 0.0) > 0 else "less"
    return f"{side} {link.property.split(' – ')[0].replace(': ', ' ')}"


def strongest(links: Sequence[PropertyLink]) -> list[PropertyLink]:
    """What stands out first, then what might, then the rest; by size within each."""
    order = ("out", "alone", "not", "few", "unknown")

    def size(link: PropertyLink) -> float:
        value = link.beyond if link.beyond is not None else (link.own or 0.5) - 0.5
        return -abs(value)

    return sorted(links, key=lambda link: (order.index(standing(link)), size(link)))


_FEW_CHOICES = (
    f"{TOO_FEW.capitalize()}: under {counted(ENOUGH, 'independent choice')} about any property."
)


def headline(report: TasteReport, taste: LabelerTaste, attribute: str | None = None) -> str:
    """What stands out of one labeler, on one attribute or on all, in a sentence; the doubt
    first."""
    links = [link for link in taste.links if attribute in (None, link.attribute)]
    tested = [link for link in links if standing(link) not in ("few", "unknown")]
    if not tested:
        return _FEW_CHOICES
    if all(link.beyond is None for link in tested):
        return NOBODY_ELSE
    told = [
        text
        for kind, before in (("out", ""), ("alone", "Among this labeler's own tests alone: "))
        if (text := _listed(report, links, kind, before, several=attribute is None))
    ]
    return " ".join(told) if told else f"Nothing stands out in {counted(len(tested), 'test')}."


def together(report: TasteReport, attribute: str) -> str:
    """What all choices together go with, in a sentence."""
    links = [link for link in report.everybody if link.attribute == attribute]
    if all(standing(link) in ("few", "unknown") for link in links):
        return _FEW_CHOICES
    told = _listed(report, links, "out", "", several=False)
    return (
        told or f"The choices go with nothing that was looked at ({counted(len(links), 'test')})."
    )


def _listed(
    report: TasteReport, links: Sequence[PropertyLink], kind: str, before: str, *, several: bool
) -> str:
    """The strongest of those that stand like this; empty where there are none."""
    properties = {one.name: one for one in report.properties}
    kept = [link for link in strongest(links) if standing(link) == kind]
    parts = [
        short(link, properties) + (f" ({link.attribute})" if several else "")
        for link in kept[:_NAMED]
    ]
    if len(kept) > _NAMED:
        parts.append(f"and {len(kept) - _NAMED} more")
    text = before + "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if parts else ""


def overview(report: TasteReport) -> str:
    """How many labelers stand out, and how many would by chance."""
    tested = [
        each
        for each in report.labelers
        if any(standing(link) not in ("few", "unknown") for link in each.links)
    ]
    few = len(report.labelers) - len(tested)
    said = f" Of {counted(few, 'labeler')} there are {TOO_FEW}." if few else ""
    if not tested:
        return f"{TOO_FEW.capitalize()} of any labeler."
    if len(report.labelers) < 2:
        return NOBODY_ELSE
    out = sum(any(standing(link) == "out" for link in each.links) for each in tested)
    return (
        f"{out} of {counted(len(tested), 'labeler')} stand out from the others in something, among "
        f"{counted(report.tests, 'test')} of all of them; that any is chance has a probability of "
        f"at most {ALPHA:.0%} (Holm).{said}"
    )
