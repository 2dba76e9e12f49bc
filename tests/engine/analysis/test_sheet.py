"""The sheet of faces."""

from pathlib import Path

import pytest
from PIL import Image

from prism_desktop.engine.analysis.plotting import save_figure
from prism_desktop.engine.analysis.sheet import Picture, sheet_figure


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_that_a_sheet_is_written_as_asked(tmp_path: Path, ending: str) -> None:
    pictures = [
        Picture(Image.new("RGB", (40, 60), "grey"), (f"{place + 1}. face", "99"))
        for place in range(11)
    ]
    path = save_figure(
        sheet_figure({"Highest": pictures[:9], "Lowest": pictures[9:]}, "Ada"),
        tmp_path / f"x.{ending}",
    )
    assert path.stat().st_size > 1000


def test_that_pictures_are_squares_that_do_not_overlap() -> None:
    pictures = [Picture(Image.new("RGB", (40, 60), "grey"), ("a", "b")) for _ in range(11)]
    axes = sheet_figure({"Highest": pictures[:9], "Lowest": pictures[9:]}, "Ada").axes[0]
    places = [image.get_extent() for image in axes.images]
    assert len(places) == 11
    for left, right, bottom, top in places:
        assert right - left == pytest.approx(bottom - top)
    boxes = [(left, right, top, bottom) for left, right, bottom, top in places]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert (
                one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
            )
    assert max(bottom for *_, bottom in boxes) < axes.get_ylim()[0]
