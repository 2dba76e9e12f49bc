"""Orders of images and pairs: random, repeatable, and without ever listing all pairs."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from prism_desktop.engine.study.records import ImageId


def draw(salt: str, *parts: object) -> int:
    """A random number of 64 bits that depends on nothing but its arguments."""
    text = "\0".join((salt, *map(str, parts)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def shuffled(images: Iterable[ImageId], salt: str) -> list[ImageId]:
    """The images in random order.

    One image more or less leaves the order of the others as it was.
    """
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    return sorted(
        images, key=lambda image: hashlib.blake2b(image.encode(), digest_size=8, key=key).digest()
    )


def pairs_within(
    folds: Iterable[Sequence[ImageId]], salt: str
) -> Iterator[tuple[ImageId, ImageId, float]]:
    """Every pair of images of the same fold, each once, the folds taking turns.

    Within a fold the pairs form one chain through all its images, then another, and so on: what has
    been compared is connected at any time, every image is compared equally often, and an image
    comes back after every fold had a turn.

    Yields:
        (one image, the other, probability with which the shuffle puts this pair at this place).
    """
    orders = [shuffled(fold, salt) for fold in folds if len(fold) > 1]
    orders.sort(key=lambda order: draw(salt, order[0]))
    walks = [(_chains(len(order)), order, 2 / (len(order) * (len(order) - 1))) for order in orders]
    while walks:
        for walk in list(walks):
            chain, order, probability = walk
            step = next(chain, None)
            if step is None:
                walks.remove(walk)
            else:
                yield order[step[0]], order[step[1]], probability


def _chains(count: int) -> Iterator[tuple[int, int]]:
    """Every pair of 0 .. count - 1 once, chain after chain through all of them.

    Source: the circle method for round-robin tournaments (Kirkman, 1847). Its rounds are perfect
    matchings, and two consecutive rounds r and r + 1 together are one closed walk through
    everybody: the fixed one, r, r + 2, r - 2, r + 4, ..., r + 1, the fixed one. With an odd count
    the fixed one does not exist and its pairs are left out.
    """
    even = count + count % 2
    others, fixed = even - 1, even - 1
    for start in range(0, others, 2):
        last = start == others - 1  # the rounds are odd in number, so the last one has no partner
        here, turn = start, 0
        if fixed < count:
            yield fixed, here
        while True:
            there = (2 * (start + 1 - turn) - here) % others
            if there == here:
                break
            if not last or turn == 1:
                yield here, there
            here, turn = there, 1 - turn
        if not last and fixed < count:
            yield here, fixed
