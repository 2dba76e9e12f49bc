"""What of a study can be gone to by name: labelers, attributes, runs.

Faces are looked for as their names are typed: there may be very many.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prism_desktop.engine.runs.folder import list_runs
from prism_desktop.ui.explore.operations import explorable
from prism_desktop.ui.explore.view import title

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study


@dataclass(frozen=True, slots=True)
class Reachable:
    """Names, read in one go."""

    labelers: tuple[tuple[str, str, bool], ...]  # code, name, whether simulated
    attributes: tuple[str, ...]
    runs_all: tuple[tuple[Path, str, bool], ...]  # folder, title, whether it has predictions

    @property
    def runs(self) -> bool:
        """Whether there is a run to explore."""
        return any(explorable for _, _, explorable in self.runs_all)


def reachable(study: "Study") -> Reachable:
    """Read what the study holds now; called off the window's thread."""
    folder = Path(study.path)
    with_predictions = {run.path for run in explorable(folder)}
    return Reachable(
        tuple(
            (
                each.code,
                f"{each.display_name} ({each.code})" if each.display_name else each.code,
                each.simulated,
            )
            for each in study.labelers()
        ),
        tuple(each.name for each in study.attributes()),
        tuple((run.path, title(run), run.path in with_predictions) for run in list_runs(folder)),
    )
