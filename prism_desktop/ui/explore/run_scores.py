"""The scores of a run, read from its files when they are asked for: of a thousand labelers and
70,000 images they would take hundreds of megabytes and seconds."""

import threading
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from prism_desktop.engine.runs.score_files import ScoreFile, rows_of
from prism_desktop.ui.explore.face_shares import Floats

Pair = tuple[str, str]  # a labeler and an attribute
_KEPT = 128 << 20  # bytes of columns that are kept once they were read
# bytes of columns that are read in one go: each time the whole heading is gone through, and between
# two times it may be ended
_TOGETHER = 16 << 20


class RunScores:
    """What each labeler's model says of the run's images on each attribute, NaN where nothing;
    differences are logits.

    It knows whose scores lie in which file. What was typed, and of images that came later, is in
    memory. Several threads may ask; whatever cannot be read raises UnreadableError when it is
    asked for.
    """

    def __init__(self, images: Sequence[str]) -> None:
        """Of these images, by id; nothing is said of them yet."""
        self._images = tuple(images)
        self._files: dict[str, ScoreFile] = {}  # of each labeler
        # where its images are among the run's; None where they are the same
        self._rows: dict[ScoreFile, NDArray[np.int64] | None] = {}
        self._known: dict[ScoreFile, frozenset[str]] = {}  # its attributes
        self._called: dict[str, str] = {}  # what files call labelers, where it is another name
        self._typed: dict[Pair, Floats] = {}
        self._later: dict[Pair, Floats] = {}  # of images that came later
        self._more = 0  # how many came
        self._kept: dict[Pair, Floats] = {}
        self._files_alike = False  # whether the files say the same of all labelers
        self._lock = threading.Lock()

    def add_file(self, file: ScoreFile, only: str = "") -> None:
        """Add the labelers of a file; images that the run lacks are left out.

        Args:
            file: what it says.
            only: the one labeler to whom it belongs, whatever it calls its first one.
        """
        same = self._images == file.images
        self._rows[file] = None if same else rows_of(file.images, self._images)
        self._known[file] = frozenset(file.attributes)
        self._files.update(dict.fromkeys([only] if only else file.labelers, file))
        if only and file.labelers:
            self._called[only] = file.labelers[0]

    def of(self, labeler: str, attribute: str) -> Floats:
        """(images,) float32 of one labeler and attribute, not to be written into."""
        return self.several([(labeler, attribute)])[0]

    def several(self, pairs: Sequence[Pair], *, keep: bool = True) -> list[Floats]:
        """The same of several, read together; unless they shall be kept, they are read again when
        they are asked for again."""
        with self._lock:
            held = {pair: self._kept[pair] for pair in pairs if pair in self._kept}
        wanted: dict[ScoreFile, list[Pair]] = {}
        for pair in pairs:
            if pair not in held and self._lies_in_file(pair):
                wanted.setdefault(self._files[pair[0]], []).append(pair)
        for file, those in wanted.items():
            named = [(self._called.get(code, code), kind) for code, kind in those]
            columns = (self._placed(file, column) for column in file.columns(named))
            found = dict(zip(those, columns, strict=True))
            held |= found
            if keep:
                self._keep(found)
        with self._lock:  # all of the same images
            whole = [self._whole(pair, held.get(pair)) for pair in pairs]
        for column in whole:
            column.setflags(write=False)
        return whole

    def blocks(self, labelers: Sequence[str], attribute: str) -> Iterator[Floats]:
        """(some labelers, images) float32, of all these labelers in their order; nothing of it is
        kept here."""
        most = max(1, _TOGETHER // (4 * max(1, len(self._images))))
        for start in range(0, len(labelers), most):
            some = labelers[start : start + most]
            yield np.stack(self.several([(code, attribute) for code in some], keep=False))

    def at_hand(self, labelers: Sequence[str], attribute: str) -> bool:
        """Whether all these labelers' scores are in memory."""
        pairs = [(code, attribute) for code in labelers]
        with self._lock:
            return all(pair in self._kept or not self._lies_in_file(pair) for pair in pairs)

    def compare_files(self) -> None:
        """Find out, for `alike`, whether the files say the same of all labelers; columns are read
        only where several files say that each of its own. Raises UnreadableError."""
        self._files_alike = False
        ones = {file: code for code, file in self._files.items()}
        if all(file.alike for file in ones):
            kinds = {kind for file in ones for kind in file.attributes} if len(ones) > 1 else ()
            self._files_alike = all(
                _same([self.of(code, kind) for code in ones.values()]) for kind in kinds
            )

    def alike(self, labelers: Sequence[str], attributes: Sequence[str]) -> bool:
        """Whether the same is said of all these labelers, as far as `compare_files` found the files
        to say the same; reads nothing."""
        if not self._files_alike:
            return False
        for kind in attributes:
            typed = [self._typed.get((code, kind)) for code in labelers]
            later = [self._later.get((code, kind)) for code in labelers]
            if not (_same(typed) and _same(later)):
                return False
        return True

    def type(self, attribute: str, columns: Mapping[str, Floats]) -> None:
        """Add what is said of an attribute that was typed, or say it anew; `columns[labeler]`
        (images,) float32 of all images that there are, or were when it was asked."""
        with self._lock:
            self._typed.update({(code, attribute): column for code, column in columns.items()})

    def grow(self, labelers: Sequence[str], attributes: Sequence[str], scores: Floats) -> None:
        """Add images at the end: (labelers, attributes, images) float32; of other attributes
        nothing is said of them."""
        blank, scores = np.zeros(0, np.float32), scores.astype(np.float32)
        with self._lock:
            for row, code in enumerate(labelers):
                for place, kind in enumerate(attributes):
                    pair = code, kind
                    typed = pair in self._typed
                    kept = self._typed if typed else self._later
                    before = self._more + (len(self._images) if typed else 0)
                    own = _longer(kept.get(pair, blank), before)
                    kept[pair] = np.concatenate([own, scores[row, place]])
            self._more += scores.shape[2]

    def _lies_in_file(self, pair: Pair) -> bool:
        file = self._files.get(pair[0])
        known = file is not None and bool(file.labelers) and pair[1] in self._known[file]
        return known and pair not in self._typed

    def _placed(self, file: ScoreFile, column: Floats) -> Floats:
        """A file's column where the run has the images."""
        rows = self._rows[file]
        if rows is None:
            return column
        found = self._none()
        found[rows[rows >= 0]] = column[rows >= 0]
        return found

    def _keep(self, found: Mapping[Pair, Floats]) -> None:
        """Keep columns; of too many those that were read last."""
        with self._lock:
            self._kept |= found
            most = _KEPT // (4 * max(1, len(self._images)))
            for pair in [*self._kept][: max(0, len(self._kept) - most)]:
                del self._kept[pair]

    def _whole(self, pair: Pair, column: Floats | None) -> Floats:
        """Of all images that there are now."""
        own, later = self._none() if column is None else column, self._later.get(pair)
        if pair in self._typed:
            own = self._typed[pair]
        elif later is not None:
            own = np.concatenate([own, later])
        return _longer(own, len(self._images) + self._more)

    def _none(self) -> Floats:
        return np.full(len(self._images), np.nan, np.float32)


def _longer(column: Floats, length: int) -> Floats:
    """With NaN at its end where it is shorter."""
    lacks = length - len(column)
    return np.pad(column, (0, lacks), constant_values=np.nan) if lacks > 0 else column


def _same(columns: Sequence[Floats | None]) -> bool:
    """Whether all are equal, or none is there."""
    first = columns[0] if columns else None
    if first is None:
        return all(column is None for column in columns)
    return all(
        column is not None and np.array_equal(column, first, equal_nan=True)
        for column in columns[1:]
    )
