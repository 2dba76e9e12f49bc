"""Finding the study's image that a file means, however its name is written.

Names are compared from exact to loose; each looser comparison is tried only where no stricter one
finds anything, and only where it finds one image.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.importing.names.spellings import (
    FORMS,
    folded,
    listed,
    loosened,
    split_ending,
    unwrapped,
    without_copy_mark,
    without_upload_prefix,
    without_zeros,
)
from prism_desktop.engine.study.records import ImageId, ImageRecord, StimulusRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TEXT = 1_000  # characters of a header that are searched for a name
_WORDS = 80  # words of a header that are searched
_NUMBERED = frozenset(
    [
        "face",
        "image",
        "img",
        "stimulus",
        "stim",
        "photo",
        "picture",
        "pic",
        "portrait",
        "bild",
        "gesicht",
        "foto",
        "item",
    ]
)


class Rung(IntEnum):
    """How closely a name fits the image's, from exact to loose."""

    NONE = -1  # no image, or several
    EXACT = 0  # hash, name or path as the study has it
    SPELLING = 1  # capitals, accents, blanks, kinds of slash
    FOLDER = 2  # the file's name, and the folder as far as both name it
    FILE = 3  # the file's name alone
    ENDING = 4  # without its ending, or with another one
    UPLOAD = 5  # without the prefix that an upload put before it
    COPY = 6  # without the mark of a second copy: "X001 (1).jpg"
    ZEROS = 7  # without leading zeros: "1" for "001"


TOLD: Final[Mapping[Rung, str]] = {
    Rung.FILE: "by the file's name alone",
    Rung.ENDING: "without the file's ending",
    Rung.UPLOAD: "without the prefix of an upload",
    Rung.COPY: "as a second copy of the file",
    Rung.ZEROS: "without leading zeros",
}  # rungs that the user is told about, in words


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What a column's different values mean.

    Attributes:
        images: (values,) the image of each value, "" where there is none.
        rungs: (values,) int8, how closely each fits (`Rung`).
        reasons: (values,) why there is no image, in words for the user; "" where there is one.
    """

    images: tuple[ImageId, ...]
    rungs: "NDArray[np.int8]"
    reasons: tuple[str, ...]

    def told(self) -> dict[str, int]:
        """How values were matched loosely -> how many of them."""
        return {
            words: count
            for rung, words in TOLD.items()
            if (count := int(np.count_nonzero(self.rungs == rung)))
        }


_Found = tuple[ImageId, Rung, str]  # image, how, why there is none


class ImageIndex:
    """Looks images up by what a file calls them.

    Attributes:
        loose: how many different keys matched only by file name, with folders or ending ignored.
    """

    def __init__(
        self, images: Sequence[StimulusRecord], aliases: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Index the images, or the texts, which have no file.

        Args:
            images: the study's.
            aliases: (name of a duplicate, name of the image with the same content), from earlier
                imports.
        """
        self.loose = 0
        self._names = {image.id: image.name for image in images}
        self._exact: dict[str, ImageId] = {image.id: image.id for image in images}
        self._exact.update(
            (image.path.as_posix(), image.id) for image in images if isinstance(image, ImageRecord)
        )
        self._exact.update((image.name, image.id) for image in images)
        for alias, name in aliases:
            if name in self._exact:
                self._exact.setdefault(alias, self._exact[name])
        self._found: dict[str, _Found] = {}
        self._index()

    def _index(self) -> None:
        """Every way to write each name, so that a look-up costs no search."""
        self._whole: list[dict[str, set[ImageId]]] = [defaultdict(set) for _ in FORMS]
        self._files: list[dict[str, set[str]]] = [defaultdict(set) for _ in FORMS]
        self._stems: list[dict[str, set[str]]] = [defaultdict(set) for _ in FORMS]
        self._bare: dict[str, set[str]] = defaultdict(set)  # without leading zeros
        self._copies: set[str] = set()  # stems of which the study has copies as images of their own
        for name, image in self._exact.items():
            for place, form in enumerate(FORMS):
                path = PurePosixPath(form(name))
                self._whole[place][str(path)].add(image)
                self._files[place][path.name].add(name)
                self._stems[place][split_ending(path.name)[0]].add(name)
            stem = split_ending(PurePosixPath(loosened(name)).name)[0]
            self._bare[without_zeros(stem)].add(name)
            if original := without_copy_mark(stem):
                self._copies.add(original)

    def find(self, key: str, image_id: str = "") -> ImageId:
        """The image that a row means.

        Args:
            key: what the row calls it.
            image_id: its hash, if the row gives one; it decides where the study has it.

        Raises:
            ValueError: with words for the user, if the study has no such image or several.
        """
        if image_id in self._names:
            return image_id
        known = key in self._found
        image, rung, reason = self._lookup(key)
        if not image:
            raise ValueError(reason)
        self.loose += not known and rung in TOLD
        return image

    def find_all(self, values: Sequence[str]) -> Matches:
        """The images of a column's different values.

        Two values that could be two images ("male/1.jpg" and "female/1.jpg", "1.jpg" and "1.png")
        but fit one image of the study are told apart: the one that fits better has it, and where
        neither does, none has.
        """
        found = [self._lookup(value) for value in values]
        claims: dict[ImageId, list[int]] = defaultdict(list)
        for place, (image, _, _) in enumerate(found):
            if image:
                claims[image].append(place)
        for image, places in claims.items():
            if len(places) > 1:
                for place in _losers([(values[i], found[i][1], i) for i in places]):
                    other = next(values[i] for i in places if i != place)
                    found[place] = "", Rung.NONE, self._rivals(values[place], other, image)
        return Matches(
            tuple(image for image, _, _ in found),
            np.array([rung for _, rung, _ in found], np.int8),
            tuple(reason for _, _, reason in found),
        )

    def _rivals(self, value: str, other: str, image: ImageId) -> str:
        return (
            f"“{short(value)}” and “{short(other)}” look like two images, and the study has "
            f"only {self._names[image]} for them"
        )

    def find_in_text(self, text: str) -> ImageId:
        """The one image that a column's header names as a whole word, "" if none or several.

        "How attractive is this face? - X001.jpg", "X001_1" and "X001.jpg_rating" name X001.jpg.
        A name with its ending goes before one without, the longer one before the one in it. A
        number alone is a name only with its ending, after a word such as "face", or if there is
        nothing else.
        """
        whole = self._lookup(text)
        if whole[0] and whole[1] < Rung.ZEROS:
            return whole[0]
        plain = loosened(text[:_TEXT])
        words = [match.span() for match in re.finditer(r"[^\W_]+", plain)][:_WORDS]
        hits: list[tuple[int, int, int, frozenset[ImageId]]] = []  # rank, start, end, images
        for first in range(len(words)):
            for last in range(first, min(len(words), first + 12)):
                start, end = words[first][0], words[last][1]
                rank, images = self._named(plain, start, end)
                if images:
                    hits.append((rank, start, end, images))
        if not hits:
            return ""
        best = min(rank for rank, *_ in hits)
        spans = [(start, end, images) for rank, start, end, images in hits if rank == best]
        longest = [
            images
            for start, end, images in spans
            if not any(a <= start and end <= b and b - a > end - start for a, b, _ in spans)
        ]
        everyone = frozenset().union(*longest)
        return next(iter(everyone)) if len(everyone) == 1 else ""

    def _named(self, plain: str, start: int, end: int) -> tuple[int, frozenset[ImageId]]:
        """The images that a part of a header names, and how surely: 0 with ending, 1, 2, 3."""
        part = plain[start:end]
        if split_ending(part)[1]:
            names = self._files[2].get(part, set())
            return 0, frozenset(self._exact[name] for name in names)
        images = frozenset(self._exact[name] for name in self._stems[2].get(part, ()))
        if not images or (len(part) < 3 and not any(sign.isdigit() for sign in part)):
            return 9, frozenset()
        if any(sign.isalpha() for sign in part):
            return (1 if any(sign.isdigit() for sign in part) else 2), images
        before = re.findall(r"[^\W\d_]+", plain[:start])
        near = bool(before) and plain[:start].rstrip(" -#:").endswith(before[-1])
        return (3, images) if near and before[-1] in _NUMBERED else (9, frozenset())

    def _lookup(self, key: str) -> _Found:
        if key not in self._found:
            self._found[key] = self._look(key)
        return self._found[key]

    def _look(self, key: str) -> _Found:
        """Down the ladder, for each name that the cell may hold."""
        if not key.strip():
            return "", Rung.NONE, "no image is named"
        if len(names := listed(key.strip())) > 1:
            return "", Rung.NONE, f"“{short(key)}” names {counted(len(names), 'image')}"
        exact = self._exact.get(key) or (self._names.get(key.lower()) and key.lower())
        if exact:
            return exact, Rung.EXACT, ""
        texts = unwrapped(key)
        ladder = (
            self._spelled, self._filed, self._ended, self._uploaded, self._copied, self._zeroless
        )  # fmt: skip
        for rung in ladder:
            found = [match for text in texts if (match := rung(text)) is not None]
            images = {image for image, _, _ in found if image}
            if len(images) > 1:
                return "", Rung.NONE, f"“{short(key)}” names {counted(len(images), 'image')}"
            if found:
                return min(found, key=lambda match: (not match[0], match[1]))
        return "", Rung.NONE, f"the study has no image “{short(key)}”"

    def _spelled(self, text: str) -> _Found | None:
        for place, form in enumerate(FORMS):
            images = self._whole[place].get(str(PurePosixPath(form(text))))
            if images:
                return self._single(text, images, Rung.SPELLING)
        return None

    def _filed(self, text: str) -> _Found | None:
        return self._by_folder(text, Rung.FILE, self._files, lambda name: name)

    def _ended(self, text: str) -> _Found | None:
        return self._by_folder(text, Rung.ENDING, self._stems, lambda name: split_ending(name)[0])

    def _uploaded(self, text: str) -> _Found | None:
        name = PurePosixPath(folded(text)).name
        inner = without_upload_prefix(name)
        if not inner:
            return None
        found = self._spelled(inner) or self._filed(inner) or self._ended(inner)
        return found and (found[0], Rung.UPLOAD if found[0] else Rung.NONE, found[2])

    def _copied(self, text: str) -> _Found | None:
        path = PurePosixPath(folded(text))
        stem, ending = split_ending(path.name)
        original = without_copy_mark(stem)
        if not original or loosened(original) in self._copies:
            return None
        inner = str(path.with_name(f"{original}.{ending}" if ending else original))
        found = self._spelled(inner) or self._filed(inner) or self._ended(inner)
        return found and (found[0], Rung.COPY if found[0] else Rung.NONE, found[2])

    def _zeroless(self, text: str) -> _Found | None:
        path = PurePosixPath(loosened(text))
        names = self._bare.get(without_zeros(split_ending(path.name)[0]), set())
        return self._nearest(text, path, names, Rung.ZEROS) if names else None

    def _by_folder(
        self,
        text: str,
        rung: Rung,
        index: Sequence[Mapping[str, set[str]]],
        part: Callable[[str], str],
    ) -> _Found | None:
        for place, form in enumerate(FORMS):
            path = PurePosixPath(form(text))
            names = index[place].get(part(path.name))
            if names:
                return self._nearest(text, path, names, rung)
        return None

    def _nearest(self, text: str, path: PurePosixPath, names: set[str], rung: Rung) -> _Found:
        """Of several images with that file's name, the one that shares most folders with it."""
        given = PurePosixPath(loosened(str(path))).parts[:-1]
        shared = {
            name: _shared_end(PurePosixPath(loosened(name)).parts[:-1], given) for name in names
        }
        best = max(shared.values())
        images = {self._exact[name] for name, count in shared.items() if count == best}
        if rung == Rung.FILE and best >= min(1, len(given)):
            rung = Rung.FOLDER
        return self._single(text, images, rung)

    def _single(self, text: str, images: set[ImageId], rung: Rung) -> _Found:
        if len(images) == 1:
            return next(iter(images)), rung, ""
        names = ", ".join(sorted(self._names[image] for image in images)[:3])
        reason = (
            f"“{short(text)}” could be {counted(len(images), 'image')} ({names}); write the folder "
            "too"
        )
        return "", Rung.NONE, reason


def _losers(claims: Sequence[tuple[str, Rung, int]]) -> list[int]:
    """Which of several values that fit one image do not mean it, by their places."""
    best = min(rung for _, rung, _ in claims)
    files = {place: _file_of(value) for value, _, place in claims}
    endings = {place: split_ending(path.name)[1] for place, path in files.items()}
    folders = {place: loosened(path.parent.name) for place, path in files.items()}
    lost = []
    for _, rung, place in claims:
        rivals = [other for _, _, other in claims if other != place]
        other_ending = endings[place] and any(
            endings[rival] and not _same_format(endings[rival], endings[place]) for rival in rivals
        )
        other_folder = folders[place] and any(
            folders[rival] and folders[rival] != folders[place] for rival in rivals
        )
        loser = (
            (rung >= Rung.COPY and rung > best)
            or (rung == Rung.ENDING and bool(other_ending))
            or (rung >= Rung.FILE and bool(other_folder))
        )
        if loser:
            lost.append(place)
    return lost


def _file_of(value: str) -> PurePosixPath:
    """The file that a cell names, its folder included."""
    files = [PurePosixPath(folded(text)) for text in unwrapped(value)]
    return next((file for file in reversed(files) if split_ending(file.name)[1]), files[-1])


def _same_format(one: str, other: str) -> bool:
    kinds = ({"jpg", "jpeg", "jpe", "jfif"}, {"tif", "tiff"}, {"heic", "heif"})
    return one == other or any({one, other} <= kind for kind in kinds)


def _shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def aliases_of(mappings: Iterable[Mapping[str, object]]) -> list[tuple[str, str]]:
    """The duplicates that earlier imports of images left out,
    from their stored mappings: by name and by path."""
    found: list[tuple[str, str]] = []
    for mapping in mappings:
        duplicates, folder = (
            mapping.get("duplicates"),
            PurePosixPath(str(mapping.get("folder", "")).replace("\\", "/")),
        )
        if isinstance(duplicates, Mapping):
            found.extend((str(alias), str(name)) for alias, name in duplicates.items())
            found.extend(
                ((folder / str(alias)).as_posix(), str(name)) for alias, name in duplicates.items()
            )
    return found
