"""What of a study can be gone to by name: labelers, attributes, runs.

Faces are looked for as their names are typed: there may be very many.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.names import people_with_codes
from prism_desktop.engine.study.lacks import Lack

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study


@dataclass(frozen=True, slots=True)
class Reachable:
    """Names, read in one go."""

    labelers: tuple[tuple[str, str, bool], ...]  # code, name, whether simulated
    attributes: tuple[str, ...]
    runs_all: tuple[tuple[Path, str, bool], ...]  # folder, title, whether it has predictions
    step: Lack | None = None  # what the study lacks for a run to explore; "runs" if only that

    @property
    def untrainable(self) -> str:
        """Why nothing can be trained, or nothing."""
        return "" if self.step is None or self.step.step == "runs" else self.step.why

    @property
    def runs(self) -> bool:
        """Whether there is a run to explore."""
        return any(explorable for _, _, explorable in self.runs_all)


def reachable(study: "Study") -> Reachable:
    """Read what the study holds now; called off the window's thread."""
    from prism_desktop.engine.runs.run_list import list_runs  # slow to import, all three
    from prism_desktop.ui.explore.operations import explorable, first_step
    from prism_desktop.ui.explore.view import title

    folder = Path(study.path)
    labelers = study.labelers()
    called = people_with_codes((each.code, each.display_name) for each in labelers)
    with_predictions = {run.path for run in explorable(folder)}
    return Reachable(
        tuple((each.code, called[each.code], each.simulated) for each in labelers),
        tuple(each.name for each in study.attributes()),
        tuple((run.path, title(run), run.path in with_predictions) for run in list_runs(folder)),
        first_step(study),
    )
