"""The button that fills what a study lacks, the same wherever something is impossible for it."""

from collections.abc import Callable
from typing import Final

from prism_desktop.engine.study.lacks import Step
from prism_desktop.ui.context import AppContext

Way = tuple[str, Callable[[], object]]  # what a button says, and what it does
# what the button says, the panel, and there the view
_PLACES: Final[dict[Step, tuple[str, str, str]]] = {
    "images": ("Import…", "study", "bring"),
    "attributes": ("Add attribute", "study", "attribute"),
    "labelers": ("Add labeler", "study", "labeler"),
    "answers": ("Go to Label", "label", ""),
    "runs": ("Go to Train", "train", ""),
}


def way_out(context: AppContext, step: Step) -> Way:
    """To the place where the step is made, with its form open."""
    caption, panel, view = _PLACES[step]
    if not view:
        return caption, lambda: context.panel_wanted.emit(panel)
    return caption, lambda: context.view_wanted.emit(panel, view)
