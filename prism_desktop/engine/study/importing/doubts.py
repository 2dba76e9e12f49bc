"""What an import is not sure of: doubts, which are told, and decisions, which it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.records import Doubt

__all__ = ["ROWS_KEPT", "Decision", "DecisionChoice", "DecisionNeededError", "Doubt"]

ROWS_KEPT = 1_000  # row numbers that a doubt remembers


@dataclass(frozen=True, slots=True)
class DecisionChoice:
    """One way to decide."""

    label: str  # "-99 is a missing answer"
    option: str  # on the command line: "--missing -99"
    change: Mapping[str, object]  # fields of the recipe that it adds or replaces


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that only the user can decide; nothing is stored before."""

    kind: str
    text: str  # one sentence that ends with the options that decide it
    table: str = ""
    column: str = ""
    rows: tuple[int, ...] = ()
    count: int = 0
    choices: tuple[DecisionChoice, ...] = field(default=())
    # the values that it is about, and in how many rows each stands
    values: tuple[tuple[str, int], ...] = ()


class DecisionNeededError(InputError):
    """Something must be decided before the files can be imported."""

    def __init__(self, decisions: Sequence[Decision]) -> None:
        asked = " ".join(decision.text for decision in decisions)
        super().__init__(f"Nothing was imported yet. {asked}")
        self.decisions = tuple(decisions)
