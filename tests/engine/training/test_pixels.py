"""The images of a run, wherever they are."""

from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.pixels import open_pixels
from tests.fixtures.runs import MakeRun


def test_that_a_run_finds_images_that_were_moved_and_relinked_since(
    tiny_study: Study, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(tiny_study)
    before = tiny_study.images()[0].path.parent
    before.rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="Put them back"):
        list(open_pixels(run.study, run.table("images"), 16))
    for _ in tiny_study.relinking(tmp_path / "elsewhere"):
        pass
    *_, done = open_pixels(run.study, run.table("images"), 16)
    assert isinstance(done, Done)
    assert done.value.take(np.arange(len(run.table("images")))).any(axis=(1, 2, 3)).all()
