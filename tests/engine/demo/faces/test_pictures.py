"""Many faces are drawn by several processes as by one."""

from io import BytesIO

from PIL import Image

from prism_desktop.engine.demo.faces import sample
from prism_desktop.engine.demo.faces.pictures import SIZE, jpeg, pictures


def test_that_several_processes_draw_what_one_draws():
    alone = list(pictures(30, 4, workers=1))
    assert alone == list(pictures(30, 4, workers=2))
    assert alone[26] == jpeg(sample(30, 4).face(26))
    assert Image.open(BytesIO(alone[0])).size == (SIZE, SIZE)


def test_that_drawing_can_be_left_early():
    drawing = pictures(60, 4, workers=2)
    next(drawing)
    drawing.close()
