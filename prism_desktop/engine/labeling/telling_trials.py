"""The trials that tell most of somebody new, as a run of the study foretells them.

They are read from what a run keeps, so no model is loaded and no answer or prediction is looked at.
"""

import logging
from pathlib import Path

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import check_file
from prism_desktop.engine.runs.result_files import TellingOrder
from prism_desktop.engine.runs.run_choice import best_first, finished
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.records import Kind

_log = logging.getLogger(__name__)


def foretold(study: Path) -> bool:
    """Whether a run of the study foretells them."""
    return any((study / layout.RUNS).glob(f"*/{layout.TELLING}"))


def telling_trials(study: Path, kind: Kind) -> tuple[tuple[str, ...], ...]:
    """Faces, or sorted pairs of faces, by id, the most telling first.

    Of the best finished run that foretells them; none where no run does.
    """
    for run in best_first(list_runs(study)):
        if not finished(run) or not layout.holds(run.path, layout.TELLING):
            continue
        try:
            check_file(run.path, layout.TELLING)
            found = TellingOrder.from_file(run.path / layout.TELLING)
        except UnreadableError as error:
            _log.warning("An order of trials is passed over: %s", error)
            continue
        if found is not None:
            return found.rating if kind == "rating" else found.comparison
    return ()
