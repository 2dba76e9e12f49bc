"""Relinking: images are found again whose folder was moved or renamed."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.images import find_images, hash_file
from prism_desktop.engine.study.records import Changes, ImageId, ImageRecord
from prism_desktop.engine.study.writing import touch


def search(
    missing: Sequence[ImageRecord], sizes: Mapping[ImageId, int | None], folder: Path
) -> Iterator[Event[tuple[dict[ImageId, Path], list[str]]]]:
    """Look for images by their content, files with the
    right name first, then files of the right size.

    Yields:
        Progress, and at the end Done with (image -> where it is now, names that were found with
        other content only).
    """
    wanted = {image.id: image for image in missing}
    found: dict[ImageId, Path] = {}
    lengths = {sizes.get(image) for image in wanted}
    files = list(find_images(folder))
    named: defaultdict[str, list[Path]] = defaultdict(list)
    for file in files:
        named[file.name].append(file)
    hinted = [file for image in missing for file in named[Path(image.name).name]]
    queue = list(dict.fromkeys([*hinted, *files]))
    for number, file in enumerate(queue):
        if len(found) == len(wanted):
            break
        if number % 16 == 0:
            yield Progress(number, len(queue), "Looking for images")
        if None not in lengths and _size(file) not in lengths:
            continue
        try:
            content = hash_file(file)
        except OSError:
            continue
        if content in wanted and content not in found:
            found[content] = file
    changed = [
        image.name for image in missing if image.id not in found and (folder / image.name).is_file()
    ]
    yield Progress(len(queue), len(queue), "Looking for images")
    yield Done((found, changed))


def _size(file: Path) -> int:
    try:
        # Path.stat is three times slower over 70,000 images
        return os.stat(file).st_size  # noqa: PTH116
    except OSError:
        return -1


def sizes(connection: Connection) -> dict[ImageId, int | None]:
    """Image -> bytes of its file when it was added."""
    return {
        row[0]: row[1] for row in connection.execute(text("SELECT sha256, bytes FROM stimulus"))
    }


def link(connection: Connection, found: Mapping[ImageId, Path]) -> Changes:
    """Remember where images are now."""
    if not found:
        return Changes()
    rows = []
    for image, path in found.items():
        status = path.stat()
        rows.append(
            {
                "image": image,
                "path": str(path),
                "bytes": status.st_size,
                "modified": status.st_mtime,
            }
        )
    connection.execute(
        text(
            "UPDATE stimulus SET path = :path, copied = 0, bytes = :bytes, modified = :modified "
            "WHERE sha256 = :image"
        ),
        rows,
    )
    touch(connection)
    return Changes(images=True)
