"""Finding the study's image that a file means: by hash,
name, path, file name or file name without its ending."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from prism_desktop.engine.study.importing.cells import short
from prism_desktop.engine.study.records import ImageId, ImageRecord


class ImageIndex:
    """Looks images up by what a file calls them.

    Attributes:
        loose: how many different keys matched only by file name, with folders or ending ignored.
    """

    def __init__(
        self, images: Sequence[ImageRecord], aliases: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Index the images.

        Args:
            images: the study's.
            aliases: (name of a duplicate, name of the image with the same content), from earlier
                imports.
        """
        self.loose = 0
        self._names = {image.id: image.name for image in images}
        self._exact: dict[str, ImageId] = {image.id: image.id for image in images}
        self._exact.update((image.path.as_posix(), image.id) for image in images)
        self._exact.update((image.name, image.id) for image in images)
        for alias, name in aliases:
            if name in self._exact:
                self._exact.setdefault(alias, self._exact[name])
        self._by_file: dict[str, list[tuple[tuple[str, ...], ImageId]]] = defaultdict(list)
        self._by_stem: dict[str, list[tuple[tuple[str, ...], ImageId]]] = defaultdict(list)
        for name, image in self._exact.items():
            path = PurePosixPath(name.casefold())
            self._by_file[path.name].append((path.parts, image))
            self._by_stem[path.stem].append((path.parts, image))
        self._found: dict[str, tuple[ImageId, str]] = {}  # key -> (image, why there is none)

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
        if key not in self._found:
            try:
                self._found[key] = self._look(key), ""
            except ValueError as error:
                self._found[key] = "", str(error)
        image, reason = self._found[key]
        if reason:
            raise ValueError(reason)
        return image

    def _look(self, key: str) -> ImageId:
        """The image of a name: by the whole of it, else by its file's name with or without suffix.

        Of several images with that file's name, the one that shares most folders with it, counted
        from the end.

        Raises:
            ValueError: none fits, or several fit equally well.
        """
        if not key:
            raise ValueError("no image is named")
        plain = key.replace("\\", "/").removeprefix("./")
        for exact in (plain, plain.lower()):
            if exact in self._exact:
                return self._exact[exact]
        path = PurePosixPath(plain.casefold())
        candidates = self._by_file.get(path.name) or self._by_stem.get(
            path.stem if path.suffix else path.name
        )
        if not candidates:
            raise ValueError(f"the study has no image “{short(key)}”")
        best = max(_shared_end(parts, path.parts) for parts, _ in candidates)
        images = list(
            dict.fromkeys(
                image for parts, image in candidates if _shared_end(parts, path.parts) == best
            )
        )
        if len(images) > 1:
            names = ", ".join(self._names[image] for image in images[:3])
            raise ValueError(
                f"“{short(key)}” could be {len(images)} images ({names}); write the folder too"
            )
        self.loose += path.name not in self._by_file or best < min(2, len(path.parts))
        return images[0]


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
