"""Exclusion rules: what makes an answer or a labeler doubtful, and what is left out for it.

They are written down as TOML before data are collected and belong to the study's protocol. What
they leave out stays in the store; every analysis says which rules it followed and how much they
left out.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import read_text
from prism_desktop.engine.misfit_words import misfit, strictly
from prism_desktop.engine.plain_text import clause

Reason = Literal["random", "one side", "one answer", "too fast", "turned round", "failed checks"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
_LARGEST: Final = 64 * 1024  # bytes of a file of rules


class ExclusionRules(BaseModel):
    """When an answer is left out, when a labeler is flagged, and whether that leaves them out.

    A labeler is flagged only by what they do themselves, and only where the interval of it lies
    wholly beyond a bound: unlike others is not careless, and few answers flag nobody.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # seconds for one answer: a faster one was not looked for
    fastest_seconds: float = Field(default=0.3, ge=0, le=60)
    fewest_answers: int = Field(default=50, ge=10)  # of a labeler who can be flagged at all
    # share of an answer that the labeler's other answers account for; below, they click at random
    least_consistency: float = Field(default=0.2, gt=0, lt=1)
    most_one_side: float = Field(
        default=0.8, gt=0.5, le=1
    )  # share of decided comparisons for one side
    most_one_answer: float = Field(default=0.9, gt=0, le=1)  # share of ratings with the same value
    most_as_before: float = Field(
        default=0.3, gt=0, le=1
    )  # answers like the one before, beyond chance
    most_too_fast: float = Field(
        default=0.1, ge=0, le=1
    )  # share of answers faster than the fastest
    # share of attention checks answered otherwise than is known; and of how many checks at least
    most_checks_failed: float = Field(default=0.25, ge=0, lt=1)
    fewest_checks: int = Field(default=5, ge=1)
    # labelers flagged for one of these are left out of what is said about attributes
    leave_out: tuple[Reason, ...] = REASONS

    def toml(self) -> str:
        """All rules as a person reads them, defaults too: they must not change with the program."""
        import tomli_w

        return tomli_w.dumps(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """Names these rules in results: the same for the same rules, 12 hexadecimal digits."""
        return hashlib.sha256(self.toml().encode()).hexdigest()[:12]


USUAL: Final = ExclusionRules()


def parse_rules(text: str) -> ExclusionRules:
    """Rules from TOML; what it does not say is as usual.

    Raises:
        InputError: it is no TOML, or says what no rule is.
    """
    try:
        return strictly(ExclusionRules, tomllib.loads(text))
    except RecursionError:
        raise InputError("The exclusion rules are no TOML: nested too deep.") from None
    except ValidationError as error:
        raise InputError(
            f"The exclusion rules cannot be followed: {misfit(error, ExclusionRules)}. Nothing was "
            "left out; mend the rules and ask again."
        ) from error
    except ValueError as error:  # no TOML, or a number of more digits than Python reads
        raise InputError(f"The exclusion rules are no TOML: {clause(error)}.") from error


def read_rules(file: Path) -> ExclusionRules:
    """Rules from a file.

    Raises:
        InputError: the file cannot be read, or does not hold rules.
    """
    try:
        return parse_rules(read_text(file, _LARGEST).removeprefix("\ufeff"))
    except (OSError, UnicodeDecodeError) as error:
        raise_fault(error, file, kept="Nothing was left out.")
        raise InputError(f"The rules in {file} cannot be read: {clause(error)}.") from error
