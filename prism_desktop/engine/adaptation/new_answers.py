"""The answers of a new labeler as pairs of a run, from a file in any format that `study import`
reads, or from the study."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.importing.import_recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.study.records import NewImage

_ALL = "train"
_NOTHING_SAID: Final = Recipe()


@dataclass(frozen=True, slots=True, eq=False)
class NewAnswers:
    """What one new labeler said of the run's images.

    Attributes:
        pairs: a pairs frame.
        ratings: what the pairs of source "rating" were made of, as `Study.ratings()`.
        skipped: sentences on what could not be used.
    """

    labeler: str
    profile: str
    pairs: "pd.DataFrame"
    ratings: "pd.DataFrame"
    skipped: tuple[str, ...]


def read_new_answers(
    run: RunFolder,
    file: Path,
    name: str | None = None,
    recipe: Recipe = _NOTHING_SAID,
) -> Iterator[Event[NewAnswers]]:
    """Read a file.

    Its images are matched by name to the run's, just as an import into a study would.

    Args:
        run: gives images, attributes, and how answers become pairs.
        file: of any kind that can be imported.
        name: the labeler's code in the run; where the file speaks of several labelers, whose rows
            to take.
        recipe: how the file is read, as in any import.

    Raises:
        DecisionNeededError: only the user can decide what something in it means.
        InputError: one sentence, if the file cannot be read or holds no answers of one new labeler
            for this run.
    """
    from prism_desktop.engine.study.importing.import_files import import_files
    from prism_desktop.engine.study.store import Study

    if not file.is_file():
        raise InputError(f"There is no file {file}.")
    attributes = run.meta().names
    # A study of its own that forgets itself, so that every format is understood just as the study's
    # import does.
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Study.create(Path(folder) / "new.prism", attributes=attributes) as study,
    ):
        study.add_images(_images(run))
        report: Any = None
        if name is not None and not recipe.rater:
            recipe = recipe.model_copy(update={"rater": name})
        for event in import_files(study, [file], recipe):
            if isinstance(event, Done):
                report = event.value
            else:
                yield event
        compared, rated = study.comparisons(), study.ratings()
    for doubt in report.doubts:
        yield Notice(doubt.text)
    for refused in report.refused[:1]:
        more = (
            f", and {counted(len(report.refused) - 1, 'more row')}"
            if len(report.refused) > 1
            else ""
        )
        yield Notice(f"Row {refused.row} of {file.name} was left out: {refused.reason}{more}.")
    codes = sorted({*compared["labeler"].astype(object), *rated["labeler"].astype(object)})
    if not codes:
        why = f": {report.refused[0].reason}" if report.refused else ""
        kept = run.meta().words.kept_many
        raise InputError(f"{file.name} holds no answers on {kept} of this run{why}.")
    if len(codes) > 1 and name not in codes:
        raise InputError(
            f"{file.name} holds answers of {counted(len(codes), 'labeler')} ({few(codes, 5)}); say "
            "whose by --name."
        )
    code = codes[0] if len(codes) == 1 else str(name)
    compared, rated = (frame[frame["labeler"] == code] for frame in (compared, rated))
    yield Done(made_of(run, name or code, "", compared, rated))


def new_answers_from_study(run: RunFolder, code: str, *, again: bool = False) -> NewAnswers:
    """The answers of a labeler of the run's study who is not in the run.

    Args:
        run: that they are for.
        code: whose.
        again: of a labeler of the run as well.

    Raises:
        InputError: one sentence, if there is no such labeler, or none of their answers can be used.
    """
    from prism_desktop.engine.study.store import Study

    with Study.open(run.study, read_only=True) as study:
        known = {labeler.code: labeler for labeler in study.labelers()}
        if code not in known:
            raise InputError(f"The study has no labeler {code}; it has {few(list(known), 5)}.")
        chosen = [each for each in study.attributes() if each.name in run.meta().names]
        names, notice = confirmed_names(chosen, study.path)
        compared, rated = (
            frame[frame["attribute"].isin(names)]
            for frame in (study.comparisons(code), study.ratings(code))
        )
    found = made_of(run, code, known[code].profile, compared, rated, again=again)
    return replace(found, skipped=(*found.skipped, notice)) if notice else found


def made_of(
    run: RunFolder,
    code: str,
    profile: str,
    compared: "pd.DataFrame",
    rated: "pd.DataFrame",
    *,
    again: bool = False,
) -> NewAnswers:
    """Keep what the run can use of the answers, made into pairs as the run made its own.

    Args:
        run: that they are for.
        code, profile: whose.
        compared, rated: as `Study.comparisons()` and `Study.ratings()`.
        again: of a labeler of the run as well.

    Raises:
        InputError: one sentence, if none of them can be used.
    """
    import pandas as pd

    from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons, pairs_from_ratings

    meta, options = run.meta(), run.config().pairs
    if code in meta.codes and not again:
        raise InputError(
            f"{code} is a labeler of this run already; give a new one another name by --name."
        )
    images = set(run.table("images")["image"].astype(object))
    names = meta.names
    before = len(compared) + len(rated)
    compared = compared[compared["left"].isin(images) & compared["right"].isin(images)]
    rated = rated[rated["image"].isin(images)]
    compared, rated = (
        frame[frame["attribute"].isin(names)].assign(labeler=code) for frame in (compared, rated)
    )
    lost = before - len(compared) - len(rated)
    skipped = (
        [
            f"{counted(lost, 'answer is', 'answers are')} on other "
            f"{run.meta().words.kept_many} or attributes than the run's."
        ]
        if lost
        else []
    )
    parts = [pairs_from_comparisons(compared, options.ties)] if len(compared) else []
    if len(rated) and (options.use in ("ratings", "both") or not parts):
        split = dict.fromkeys(images, _ALL)
        least, cap = options.min_difference, options.cap_per_image
        parts.append(pairs_from_ratings(rated, split, least, cap, run.config().split.seed))
    pairs = pd.concat(parts, ignore_index=True).assign(split=_ALL) if parts else compared
    if not len(pairs):
        said = "ratings that differ" if len(rated) else f"answers on {few(names, 5)}"
        kept = run.meta().words.kept_many
        raise InputError(f"There are no {said} of {code} on {kept} of this run to learn from.")
    told = rated if options.use != "comparisons" else rated.iloc[:0]
    return NewAnswers(code, profile, pairs, told, tuple(skipped))


def _images(run: RunFolder) -> "list[NewImage]":
    from prism_desktop.engine.study.records import NewImage

    table = run.table("images")
    columns = (table[column] for column in ("path", "name", "image", "width", "height"))
    return [
        NewImage(Path(p), str(n), str(i), int(w), int(h))
        for p, n, i, w, h in zip(*columns, strict=True)
    ]


def presentations(pairs: "pd.DataFrame") -> int:
    """How many trials the pairs were made of."""
    return int(pairs["trial"].nunique())
