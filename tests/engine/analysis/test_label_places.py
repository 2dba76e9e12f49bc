"""Names of points: none covers another or a point, and who has no room has no name."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from prism_desktop.engine.analysis.label_places import label_places
from prism_desktop.engine.analysis.people_figures import people_figure
from prism_desktop.engine.analysis.point_names import PointNames
from prism_desktop.engine.analysis.taste_tests import VectorMap

SIZE = (70.0, 19.0)
ROOM = (500.0, 340.0)


def boxes(points: np.ndarray, radius: float = 5.0) -> tuple[np.ndarray, list[int], int]:
    """Corners of the names that found room, whose they are, and how many have a line."""
    radii = np.full(len(points), radius)
    found = label_places(points, radii, dict.fromkeys(range(len(points)), SIZE), ROOM)
    corners = np.array([(one.left, one.top) for one in found.values()]).reshape(-1, 2)
    lines = sum(one.line is not None for one in found.values())
    return np.hstack([corners, corners + SIZE]), list(found), lines


def overlap(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())


def test_that_no_name_covers_another_or_a_point_however_close_they_lie() -> None:
    random = np.random.default_rng(1)
    for spread in (4, 25, 80):  # in one heap, in a crowd, apart
        points = np.clip(random.normal((250, 170), spread, (30, 2)), 20, (480, 320))
        found, named, lines = boxes(points)
        assert len(named) >= 6
        for row, box in enumerate(found):
            assert (box >= 0).all()
            assert box[2] <= ROOM[0]
            assert box[3] <= ROOM[1]
            assert not any(overlap(box, other) for other in found[:row])
            assert not any(overlap(box, np.hstack([at - 4.9, at + 4.9])) for at in points)
        assert spread > 4 or lines > 0


def test_that_names_with_room_stand_right_below_their_points() -> None:
    points = np.array([(100.0, 100.0), (300.0, 100.0), (200.0, 250.0)])
    found, named, lines = boxes(points)
    assert sorted(named) == [0, 1, 2]
    assert lines == 0
    for row, box in zip(named, found, strict=True):
        assert (box[0] + box[2]) / 2 == points[row, 0]
        assert 5 < box[1] - points[row, 1] < 12


def test_that_a_room_too_small_for_all_leaves_names_out() -> None:
    points = np.random.default_rng(2).uniform(10, 60, (40, 2))
    found = label_places(points, np.full(40, 2.0), dict.fromkeys(range(40), SIZE), (220.0, 120.0))
    assert 0 < len(found) < 18  # as many as have room beside each other


def test_that_names_in_a_figure_do_not_cover_each_other() -> None:
    count = 26
    places = np.random.default_rng(5).normal(0, 1, (count, 2)) ** 3
    names = [f"Person {row:02} (W{row:03})" for row in range(count)]
    alike = np.random.default_rng(1).uniform(-1, 1, (count, count))
    plane = VectorMap(places, (0.5, 0.3))
    figure = people_figure(names, plane, [True] * count, alike, alike, ("A note.",))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    told = next(one for one in figure.axes[0].get_children() if isinstance(one, PointNames))
    boxes = [text.get_window_extent(renderer) for text, _ in told.texts(renderer)]
    assert 10 < len(boxes) <= count
    assert not any(one.overlaps(two) for at, one in enumerate(boxes) for two in boxes[:at])
