"""Cost grows no faster than a study, counted in function calls and bytes, which no other work on
the machine changes. `python -m tests.bench.growth` measures the same in seconds, at real sizes."""

import gc
import math
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest

from tests.bench.growth import BEFORE, LIMIT, QUADRATIC, Sizes, exponent, make

GROWN = {
    "labelers": [Sizes(labelers=n, images=60, ratings=20) for n in (6, 12, 24)],
    "answers": [Sizes(labelers=12, images=240, ratings=n) for n in (40, 80, 160)],
    "images": [Sizes(labelers=3, images=n, ratings=20) for n in (60, 120, 240)],
    "attributes": [Sizes(labelers=6, images=60, ratings=20 * n, attributes=n) for n in (2, 4, 8)],
}
GROWN_SELDOM = [name for name in GROWN if name != "labelers"]


@dataclass(frozen=True, slots=True)
class Work:
    """Calls of Python functions, and the most bytes that were held."""

    calls: int
    peak: int


def work_of(act: Callable[[], object]) -> Work:
    """Do something and count."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    gc.collect()
    tracemalloc.start()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return Work(calls, peak)


def growth(costs: Sequence[int]) -> float:
    """The exponent of what three sizes cost, each twice the one before; what costs the same at
    any size falls out. 0 where nearly everything does."""
    small, middle, large = costs
    if large < 1.5 * small or middle <= small:
        return 0.0
    return math.log2((large - middle) / (middle - small))


@pytest.mark.parametrize(
    "grown", ["labelers", *(pytest.param(one, marks=pytest.mark.soak) for one in GROWN_SELDOM)]
)
def test_that_no_step_costs_more_than_the_data_grow(grown: str, tmp_path: Path) -> None:
    first, *sizes = GROWN[grown]
    found: dict[str, list[Work]] = {}
    for number, size in enumerate([first, first, *sizes]):  # the first time compiles
        (tmp_path / str(number)).mkdir()
        study, _ = make(tmp_path / str(number), size)
        for name, prepared in BEFORE.items():
            work = work_of(prepared(study))
            if number:
                found.setdefault(name, []).append(work)
    for name, works in found.items():
        if (grown, name) in QUADRATIC:
            continue
        assert growth([one.calls for one in works]) <= LIMIT, (name, works)
        assert growth([one.peak for one in works]) <= LIMIT, (name, works)


def test_that_a_quadratic_step_would_be_seen() -> None:
    def pairs(count: int) -> Work:
        return work_of(lambda: [divmod(a, b + 1) for a in range(count) for b in range(count)])

    works = [pairs(count) for count in (50, 100, 200)]
    assert growth([one.calls for one in works]) == pytest.approx(2, abs=0.1)
    assert growth([one.peak for one in works]) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_that_an_exponent_is_found_beside_a_cost_that_does_not_grow(power: float) -> None:
    sizes = [10, 40, 160, 640]
    assert exponent(sizes, [7 + 0.01 * n**power for n in sizes]) == pytest.approx(power, abs=0.02)
    assert exponent(sizes, [7, 7.1, 6.9, 7]) == 0
