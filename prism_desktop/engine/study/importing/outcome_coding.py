"""Which number says that the first image won: 2 in the source
project's workbooks, 1 in an early version of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.drafts import Draft

Coding = Literal["2-first", "1-first"]
CODINGS: Final[tuple[str, ...]] = get_args(Coding)
_ENOUGH = 20  # comparisons whose two images the ratings tell apart
_SURE = 3.29  # standard errors from chance, p < 0.001

Levels = Mapping[tuple[str, str, str], float]  # (labeler, attribute, image) -> mean rating


class UnknownCodingError(InputError):
    """The comparisons are coded by numbers, and nothing
    tells which number means that the first image won."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a reading of 2 as "the first image wins" fits ratings of the same images."""

    fits: int
    of: int
    whose: str  # "their own ratings" or "everyone's mean ratings"

    @property
    def verdict(self) -> Coding | None:
        """The coding that the ratings support beyond doubt."""
        error = (self.fits - self.of / 2) / (self.of / 4) ** 0.5 if self.of >= _ENOUGH else 0.0
        return "2-first" if error > _SURE else "1-first" if error < -_SURE else None

    def __str__(self) -> str:
        return (
            f"read as 2 = first image wins, {self.fits} of {self.of} comparisons agree with "
            f"{self.whose}"
        )


def has_codes(drafts: Sequence[Draft]) -> bool:
    """Whether any outcome is a number still to be decoded."""
    return any(not isinstance(answer, str) for draft in drafts for answer in draft.answers.values())


def gather(drafts: Sequence[Draft], levels: Levels) -> Evidence:
    """Compare the outcomes 1 and 2 with the labelers' own
    ratings, or with everyone's where those are too few."""
    means: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for (_, attribute, image), level in levels.items():
        means["", attribute, image].append(level)
    everyone = {key: sum(values) / len(values) for key, values in means.items()}
    own = _count(drafts, levels, own=True)
    return (
        own
        if own.verdict
        else max(own, _count(drafts, everyone, own=False), key=lambda found: bool(found.verdict))
    )


def _count(drafts: Sequence[Draft], levels: Levels, *, own: bool) -> Evidence:
    fits = of = 0
    for draft in drafts:
        labeler = draft.labeler if own else ""
        for attribute, code in draft.answers.items():
            first = levels.get((labeler, attribute, draft.images[0]))
            second = levels.get((labeler, attribute, draft.images[1]))
            if code in (1, 2) and first is not None and second is not None and first != second:
                of += 1
                fits += (code == 2) == (first > second)
    return Evidence(fits, of, "their own ratings" if own else "everyone's mean ratings")


def check_coding(coding: str | None) -> None:
    """Raises: InputError: it is none; None is left to be found out."""
    if coding is not None and coding not in CODINGS:
        raise InputError(f"There is no coding “{coding}”; choose {' or '.join(CODINGS)}.")


def settle(
    drafts: Sequence[Draft], evidence: Evidence, coding: str | None
) -> tuple[str, list[str]]:
    """The coding to use, and what to tell the user about it.

    Raises:
        UnknownCodingError: if it was not given and the data cannot tell.
        InputError: if it is none, or the numbers do not look like 1 and 2.
    """
    check_coding(coding)
    codes = [
        code for draft in drafts for code in draft.answers.values() if not isinstance(code, str)
    ]
    if len(codes) >= _ENOUGH and (1 not in codes or 2 not in codes):
        kinds = ", ".join(f"{code:g}" for code in sorted(set(codes))[:6])
        raise InputError(
            f"Outcomes are coded by 1 and 2, but these are {kinds}; write left, right or tie "
            "instead."
        )
    verdict = evidence.verdict
    if coding is None:
        if verdict is None:
            raise UnknownCodingError(
                "The comparisons are coded by numbers and the data cannot tell what they mean: "
                "say 2-first if 2 means that the first image won, else 1-first (option coding). "
                "Nothing was imported."
            )
        return verdict, [f"The coding was found to be {verdict}: {evidence}."]
    if verdict is not None and verdict != coding:
        return coding, [
            f"The coding {coding} was asked for, but the data speak against it: {evidence}."
        ]
    return coding, [f"The coding {coding} was asked for; {evidence}."] if evidence.of else []


def decode(draft: Draft, coding: str) -> None:
    """Replace numbers by outcomes: any but 1 and 2 is a tie."""
    first, second = (2, 1) if coding == "2-first" else (1, 2)
    for attribute, code in draft.answers.items():
        if not isinstance(code, str):
            draft.answers[attribute] = (
                "left" if code == first else "right" if code == second else "tie"
            )
