"""The axis of a labeler's taste: faces from least to most by their model, and on the demo study
drawings along the planted and the learned taste."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QWidget

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.latest_job import LatestJob
from prism_desktop.ui.explore.operations import files_of, thumbnail_paths
from prism_desktop.ui.explore.run_data import UNREAD, RunData
from prism_desktop.ui.explore.view import ExportFigure
from prism_desktop.ui.widgets.basics import GRID, label, rows
from prism_desktop.ui.widgets.thumbnails import decode, rounded
from prism_desktop.ui.widgets.told_faces import SIDE, ToldFace, ToldFaceRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from prism_desktop.engine.analysis.score_axis import AxisFace, DrawnAxis

_NO_RUN = "Train a model first: the axis orders faces by what a labeler's model scores."
_NO_LABELER = "The run that is shown does not know {who}; choose another run or labeler."
_NO_ATTRIBUTE = "The run that is shown did not learn {what}; choose another run or attribute."
_NOT_ALL = "An axis is of one labeler; choose one."
_NOTE = (
    "Evenly by rank. The number is the share of the faces that the model scores lower; “held out” "
    "are faces of which the run learned nothing. It says something about the labeler's model, "
    "nothing about the person shown."
)


@dataclass(frozen=True, slots=True, eq=False)
class FoundAxis:
    """An axis with its pictures."""

    faces: "tuple[AxisFace, ...]"
    images: tuple[QImage, ...]
    drawings: "DrawnAxis | None"
    planted: tuple[QImage, ...]
    learned: tuple[QImage, ...]


class TasteAxis(QWidget):
    """Rows of faces; made anew in a job whenever another labeler or attribute is chosen."""

    face_wanted = Signal(int)  # row of the run's images

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._job = LatestJob(context, self)
        self._wanted: tuple[object, ...] = ()
        self._found: FoundAxis | None = None
        self._data: RunData | None = None
        self._brush: NDArray[np.bool_] | None = None
        self.told = label("", wrap=True)
        self.held = QCheckBox("Held-out faces alone")
        self.held.toggled.connect(lambda _: self._again())
        self.faces, self.planted, self.learned = (ToldFaceRow(context.theme) for _ in range(3))
        self.faces.opened.connect(self.face_wanted)
        self.note = label("", "small", wrap=True)
        self.setLayout(
            rows(self.told, self.held, self.faces, self.planted, self.learned, self.note, None,
                 gap=GRID)
        )  # fmt: skip
        self._clear("")

    def idle(self) -> bool:
        """Whether all that was asked for is shown."""
        return not self._job.busy

    def show_axis(self, data: RunData | None, code: str, who: str, attribute: str) -> None:
        """The axis of one labeler and attribute, or why there is none."""
        why = (
            self._context.words.told(_NO_RUN)
            if data is None
            else UNREAD  # what is held out follows from them
            if data.unread
            else _NOT_ALL
            if not code
            else _NO_LABELER.format(who=who)
            if code not in data.labelers
            else _NO_ATTRIBUTE.format(what=attribute)
            if attribute not in data.attributes
            else ""
        )
        wanted = (id(data), code, attribute, self.held.isChecked(), why)
        if wanted == self._wanted:
            return
        self._job.stop()
        self._wanted, self._data = wanted, data
        self._clear(why or self._context.words.told("Looking for the faces…"))
        if data is not None and not why:
            self._begin(data, code, who, attribute)

    def hold(self, *, held: bool) -> None:
        """Whether the axis is of held-out faces alone, without a signal."""
        self.held.blockSignals(True)
        self.held.setChecked(held)
        self.held.blockSignals(False)

    def light(self, data: RunData | None, brush: "NDArray[np.bool_] | None") -> None:
        """Frame those of a run's faces that are brushed, (images,); None for none."""
        self._brush = brush
        if data is self._data:
            self._show_faces()

    def figure(self, who: str, attribute: str) -> ExportFigure | None:
        """The rows as a figure."""
        found, data = self._found, self._data
        if found is None or data is None:
            return None
        if data.texts:
            return None
        files = [
            (files_of(thumbnail_paths(data, data.images[face.row]))[::-1], face)
            for face in found.faces
        ]
        title = f"{who}'s model, {attribute}: from least to most"

        def draw(path: Path) -> None:
            from prism_desktop.engine.analysis.score_axis import draw_axis

            note = data.words.told("Below each: share of faces scored lower.")
            draw_axis(path, files, found.drawings, title, note)

        return ExportFigure(f"axis {who} {attribute}", draw)

    def command(self, code: str, attribute: str) -> list[str] | None:
        """What draws the same figure."""
        if self._found is None or self._data is None:
            return None
        held = ["--held-out"] if self.held.isChecked() else []
        chosen = ["--labeler", code, "--attribute", attribute, *held]
        return ["axis", str(self._data.folder), *chosen, "--figure", "axis.svg"]

    def _again(self) -> None:
        if self._data is not None and len(self._wanted) > 2:
            code, attribute = str(self._wanted[1]), str(self._wanted[2])
            self.show_axis(self._data, code, self._data.names.get(code, code), attribute)

    def _clear(self, told: str) -> None:
        self._found = None
        self.told.setText(told)
        self.held.hide()
        self.note.setText("")
        for row in (self.faces, self.planted, self.learned):
            row.show_faces("", ())

    def _begin(self, data: RunData, code: str, who: str, attribute: str) -> None:
        ratio = self.devicePixelRatioF()
        work = find_axis(data, code, attribute, ratio, held_alone=self.held.isChecked())

        def take(found: FoundAxis) -> None:
            self._show(data, found, who, attribute)

        def failed(error: Exception) -> None:
            self._clear(str(error))

        self._job.start(work, self._context.words.told("Looking for the faces"), take, failed)

    def _show(self, data: RunData, found: FoundAxis, who: str, attribute: str) -> None:
        self._found = found
        self.held.show()
        trust = data.trust(str(self._wanted[1]))
        self.told.setText(f"What {who}'s model scores least and most {attribute}. {trust}".strip())
        self._show_faces()
        few = "" if found.faces else data.words.told("No face was held out.")
        drawn = "Drawn along what the simulated labeler was made to like"
        self.planted.show_faces(drawn, _drawings(found.planted))
        self.learned.show_faces("Drawn along what the model learned", _drawings(found.learned))
        told = found.drawings.told if found.drawings is not None else ""
        self.note.setText(" ".join(filter(None, (few, data.words.told(_NOTE), told))))

    def _show_faces(self) -> None:
        """The study's faces, those that are brushed in a frame."""
        from prism_desktop.engine.analysis.score_axis import told_mark

        found, data, brush = self._found, self._data, self._brush
        if found is None or data is None:
            return
        shown = [
            ToldFace(
                image,
                tuple(filter(None, (f"{face.share:.0%}", told_mark(face)))),
                f"{Path(data.image_names[face.row]).stem}: {face.share:.0%} of the "
                f"{data.words.many} are scored lower; "
                f"{told_mark(face) or 'not known whether it was held out'}",
                face.row,
                bool(face.held),
                brush is not None and bool(brush[face.row]),
            )
            for face, image in zip(found.faces, found.images, strict=True)
        ]
        framed = "" if brush is None else "; brushed ones are framed"
        self.faces.show_faces(data.words.told(f"Faces of the study{framed}"), shown)


def find_axis(
    data: RunData, code: str, attribute: str, ratio: float, *, held_alone: bool
) -> Iterator[Event[FoundAxis]]:
    """The axis of a labeler with pictures for a screen of `ratio` pixels to a px; the last event
    is its `Done`."""
    yield Progress(0, None, "Looking for the faces")
    import numpy as np

    from prism_desktop.engine.analysis.score_axis import axis_faces, drawn_axis

    scores = data.score(code, attribute)
    held = (~data.learned).tolist()
    ordered = np.where(held, scores, np.nan) if held_alone else scores
    faces = axis_faces(ordered, held)
    yield Progress(0, None, "Looking for the faces")
    side = round(SIDE * ratio)
    sources = (thumbnail_paths(data, data.images[face.row]) for face in faces)
    images = tuple(decode(each, side, ratio) for each in sources)
    both = list(zip(data.image_names, map(Path, data.paths), strict=True))
    drawings = drawn_axis(code, attribute, both, scores, held) if not data.grown else None
    planted, learned = (
        ((), ()) if drawings is None else (_made(drawings.planted), _made(drawings.learned))
    )
    yield Done(FoundAxis(faces, images, drawings, planted, learned))


def _made(pictures: "Sequence[Image.Image]") -> tuple[QImage, ...]:
    found = []
    for picture in pictures:
        plain = picture.convert("RGB")
        wide, high = plain.size
        image = QImage(plain.tobytes(), wide, high, 3 * wide, QImage.Format.Format_RGB888)
        found.append(rounded(image.copy()))
    return tuple(found)


def _drawings(images: Sequence[QImage]) -> list[ToldFace]:
    last = max(len(images) - 1, 1)
    return [
        ToldFace(image, (), f"A drawing, {place / last:.0%} of the way from least to most")
        for place, image in enumerate(images)
    ]
