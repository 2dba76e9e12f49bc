"""Predictions of a run on demand: of any labeler, adapted ones included, for any words and
images."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.adaptation.adapted_labelers import adapted_predictions, find_adapted
from prism_desktop.engine.adaptation.scoring_refusals import as_scored
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.models.obstacles import (
    find_obstacles,
    refuse,
    words_by_frozen_model,
)
from prism_desktop.engine.names import printable
from prism_desktop.engine.runs.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.study.texts import TextRecord

_KEYS = ["labeler", "attribute", "image"]
TEXT: Final = "text"  # the column that texts have and images do not


def predictions(
    run: RunFolder,
    labeler: str | None = None,
    attribute: str | None = None,
    images: "pd.DataFrame | None" = None,
    cache: Path | None = None,
) -> "Iterator[Progress | Notice | Done[pd.DataFrame]]":
    """Scores of images: labeler, attribute, name, image, score; differences of scores are logits.

    Args:
        run: a run that has a trained model of any kind.
        labeler: a code, also of somebody who entered the run later; None for all whom it was
            trained on.
        attribute: one of the run's; None for all of them; any other text is judged zero-shot by the
            text tower.
        images: any images as image (id), name, path, or texts as `texts_in` has them; None for the
            run's own.
        cache: where images are decoded to; None for the study's cache.

    Yields:
        Progress and Notice, then Done with the table; images that cannot be read are left out.

    Raises:
        InputError: if the labeler is unknown, or other words are asked of a model that does not
            read text.
        RunError: if the run has no trained model yet.
    """
    fitted = check_asked(run, labeler, attribute, others=images is not None)
    codes, names = run.meta().codes, run.meta().names
    if attribute is not None and attribute not in names and words_by_frozen_model(run.path):
        from prism_desktop.engine.evaluation.typed_words import refuse_unheld

        yield from refuse_unheld(run)
    if images is not None:
        check_kind(run, texts=TEXT in images)
    if images is None and (attribute is None or attribute in names):
        known, frame = run.table("images"), run.predictions(labeler, attribute)
        if fitted:
            frame = adapted_predictions(run, str(labeler), attribute)
        if frame.empty:
            raise run.lacks_predictions()
        frame = frame.assign(name=frame["image"].map(known.set_index("image")["name"]))
        yield Done(frame[["labeler", "attribute", "name", "image", "score"]])
        return
    chosen = [labeler] if labeler is not None else codes
    asked = [attribute] if attribute is not None else names
    shown = run.table("images") if images is None else images
    yield from _scored(run, shown.drop_duplicates("image"), chosen, asked, cache)


def check_asked(
    run: RunFolder, labeler: str | None, attribute: str | None, *, others: bool
) -> bool:
    """Refuse what the run's files alone refuse, before anything is read or a model is loaded.

    Args:
        run, labeler, attribute: as of `predictions`.
        others: whether other images or texts are asked about than the run's own.

    Returns:
        Whether the labeler entered the run later.

    Raises:
        InputError: see `predictions`.
    """
    codes, names = run.meta().codes, run.meta().names
    fitted = labeler is not None and labeler not in codes and find_adapted(run, labeler) is not None
    if labeler is not None and labeler not in codes and not fitted:
        raise InputError(
            f"The run {run.name} has no labeler “{labeler}”; it has {', '.join(codes)}. Somebody "
            "else of its study enters it by `prism-desktop adapt RUN --labeler CODE`."
        )
    if fitted and (others or attribute not in (None, *names)):
        raise InputError(
            f"{labeler} entered {run.name} after it was trained, and is predicted on its own "
            "images and attributes alone."
        )
    if attribute is not None and attribute not in names:
        refuse(find_obstacles(run.path).words)
    if others:
        refuse(find_obstacles(run.path).images)
    return fitted


def _scored(
    run: RunFolder,
    images: "pd.DataFrame",
    labelers: Sequence[str],
    attributes: Sequence[str],
    cache: Path | None,
) -> "Iterator[Progress | Notice | Done[pd.DataFrame]]":
    """Ask the run's model."""
    import pandas as pd

    from prism_desktop.engine.models.image_scoring import score_images
    from prism_desktop.engine.models.predictor import load_predictor

    yield Progress(0, None, "Loading the model")
    model = load_predictor(run.path)
    files = dict(zip(map(str, images["image"]), map(Path, images["path"]), strict=True))
    texts = None
    if TEXT in images:
        columns = images["image"], images["prompt"], images[TEXT]
        texts = {key: (prompt or None, text) for key, prompt, text in zip(*columns, strict=True)}
    for event in score_images(run.path, model, files, labelers, attributes, cache, texts):
        if not isinstance(event, Done):
            yield event
            continue
        keys = pd.MultiIndex.from_product([labelers, attributes, images["image"]], names=_KEYS)
        frame = (
            pd.DataFrame({"score": event.value.ravel()}, index=keys)
            .reset_index()
            .dropna(subset="score")
        )
        frame = frame.assign(name=frame["image"].map(images.set_index("image")["name"]))
        yield Done(frame[["labeler", "attribute", "name", "image", "score"]].reset_index(drop=True))


def check_kind(run: RunFolder, *, texts: bool) -> None:
    """Raises: InputError: texts are given to a run of images, or images to one of texts."""
    if run.of_texts and not texts:
        raise InputError(
            f"The run {run.name} is of texts and reads no images; give texts with --texts FILE."
        )
    if texts and not run.of_texts:
        raise InputError(
            f"The run {run.name} is of images and reads no texts; give images with --images FOLDER."
        )


def texts_in(file: Path) -> "Iterator[Event[pd.DataFrame]]":
    """The texts of a file as an import takes them (see `import_texts`): image (id), name, path
    (of no file), prompt (empty where there is none), text.

    What is left out of it is told.

    Raises:
        InputError: it cannot be read or has no texts.
    """
    from prism_desktop.engine.study.importing.texts.text_files import import_texts
    from prism_desktop.engine.study.store import Study

    with (
        TemporaryDirectory(prefix="prism-") as scratch,
        Study.create(Path(scratch) / "texts", kind="text") as study,
    ):
        report = None
        try:
            for event in import_texts(study, file):
                if isinstance(event, Done):
                    report = event.value
                else:
                    yield event
        except PrismError as problem:
            problem.args = (as_scored(str(problem)), *problem.args[1:])
            raise
        found = study.texts()
    refused = () if report is None else report.refused
    why = [f"Row {one.row}: {one.reason}" for one in refused[:3]]
    if not found:
        raise InputError(" ".join((f"There is no text in {file} to score.", *why)))
    doubts = () if report is None else report.doubts
    yield from (Notice(as_scored(one.text)) for one in doubts if one.kind == "reading")
    if refused:
        told = f"{counted(len(refused), 'row was', 'rows were')} left out."
        yield Notice(" ".join((told, *why)))
    if report is not None and report.duplicates:
        again = counted(report.duplicates, "row says", "rows say")
        yield Notice(f"{again} what an earlier one says; it is scored once.")
    yield Done(texts_frame(found))


def texts_frame(texts: "Iterable[TextRecord]") -> "pd.DataFrame":
    """Texts as `predictions` takes them."""
    import pandas as pd

    rows = [(one.id, one.name, "", one.prompt or "", one.text) for one in texts]
    return pd.DataFrame(rows, columns=["image", "name", "path", "prompt", TEXT], dtype=object)


def images_in(folder: Path) -> "Iterator[Event[pd.DataFrame]]":
    """The images of a folder and below it: image (id), name within the folder, path.

    A file that cannot be read is told and left out.

    Raises:
        InputError: if there are none.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder of images at {folder}; nothing was scored.")
    import pandas as pd

    from prism_desktop.engine.study.image_formats import READABLE
    from prism_desktop.engine.study.images import find_images, hash_file

    paths = list(find_images(folder))
    if not paths:
        raise InputError(f"There is no {READABLE} image in {folder}.")
    rows = []
    for number, path in enumerate(paths):
        yield Progress(number, len(paths), "Reading the images")
        name = printable(path.relative_to(folder).as_posix())
        try:
            rows.append((hash_file(path), name, str(path)))
        except OSError as error:
            yield Notice(f"{name} cannot be read ({error.strerror}). It was left out.")
    if not rows:
        raise InputError(f"No {READABLE} image in {folder} can be read.")
    # as objects: a path may hold bytes that are no text, which Arrow refuses
    yield Done(pd.DataFrame(rows, columns=["image", "name", "path"], dtype=object))
