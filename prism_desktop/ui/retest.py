"""How consistent labelers are by the questions that they answered twice."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study


@dataclass(frozen=True, slots=True)
class Alike:
    """How often a labeler answered a repeated comparison as before, with its 95 % interval."""

    share: float  # 0 to 1
    low: float
    high: float
    n: int  # answers; where there are none the shares are not numbers

    @property
    def told(self) -> str:
        return f"{self.share:.0%} [{100 * self.low:.0f}, {100 * self.high:.0f}], n {self.n:,}"


def repeats_alike(study: "Study") -> dict[str, Alike]:
    """How often each labeler answered a repeated comparison as before, as the quality view says."""
    from prism_desktop.engine.evaluation.quality.answer_table import answer_table
    from prism_desktop.engine.evaluation.quality.labeler_measures import retest_of_each

    table = answer_table(study.comparisons(), study.ratings())
    return {
        who: Alike(each.value, each.low, each.high, each.n)
        for who, each in retest_of_each(table).items()
    }
