"""Names of labelers, attributes and stimuli that a command is given as "a,b,c".

Any of them may hold a comma, so what the study has is looked at before the line is divided.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from prism_desktop.cli.console import names
from prism_desktop.cli.study_import import store
from prism_desktop.engine.errors import PrismError

if TYPE_CHECKING:
    from prism_desktop.engine.study.study_reader import StudyReader

_QUOTED: Final = 'a name with a comma in double quotes: "a,b",c'
SomeLabelers = Annotated[str | None, typer.Option(help=f"Only these labelers: a,b,c; {_QUOTED}.")]
SomeAttributes = Annotated[
    str | None, typer.Option(help=f"Only these attributes: a,b,c; {_QUOTED}.")
]


def labelers_named(text: str | None, place: Path) -> tuple[str, ...] | None:
    """Codes of labelers; None stays None.

    Args:
        text: what was typed.
        place: a study's folder, or a run's.

    Raises:
        InputError: it is empty, or can be divided in two ways.
    """

    def known() -> Collection[str]:
        codes = _of_study(place, lambda study: [each.code for each in study.labelers()])
        return {*codes, *_of_run(place)}

    return _named(text, known)


def attributes_named(text: str | None, place: Path) -> tuple[str, ...] | None:
    """Likewise names of attributes."""
    return _named(
        text, lambda: _of_study(place, lambda study: [each.name for each in study.attributes()])
    )


def stimuli_named(text: str | None, place: Path) -> tuple[str, ...] | None:
    """Likewise names of images or texts."""
    return _named(
        text, lambda: _of_study(place, lambda study: [each.name for each in study.stimuli()])
    )


def _named(text: str | None, known: Callable[[], Collection[str]]) -> tuple[str, ...] | None:
    divisible = text is not None and not {",", '"'}.isdisjoint(text)
    return names(text, known() if divisible else ())


def _of_study(place: Path, read: "Callable[[StudyReader], list[str]]") -> list[str]:
    """What a study has; nothing where it cannot be opened, which the command itself will say."""
    from prism_desktop.engine.study.opening import FILE

    folder = place if (place / FILE).is_file() else place.absolute().parent.parent
    try:
        with store().open(folder, read_only=True) as study:
            return read(study)
    except PrismError:
        return []


def _of_run(place: Path) -> list[str]:
    """Codes of a run's people, who may be gone from its study."""
    from prism_desktop.engine.runs.folder import RunFolder
    from prism_desktop.engine.writing.own_text_data import read_texts
    from prism_desktop.engine.writing.writing_config import is_writing_run

    run = RunFolder(place)
    try:
        if not run.exists:
            return []
        if is_writing_run(place):
            return [one.code for one in read_texts(run).meta.people]
        return list(run.meta().codes)
    except PrismError:
        return []
