"""What runs share with each other, as long as it is the same."""

import weakref
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Environment
from prism_desktop.engine.study.embeddings import path_of, write_embeddings
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training import resources as room
from prism_desktop.engine.training.resources import ResourceCache, open_pixels, open_resources
from prism_desktop.engine.training.session import read_against, train_run
from tests.fixtures.runs import MakeRun, result


def test_that_embeddings_imported_anew_are_read_anew(tiny_study: Study, make_run: MakeRun) -> None:
    images = [image.id for image in tiny_study.images()]

    def take(seed: int) -> np.ndarray:
        path_of(tiny_study.path, "mine").unlink(missing_ok=True)
        numbers = np.random.default_rng(seed).normal(size=(len(images), 4)).astype(np.float32)
        write_embeddings(tiny_study.path, "mine", images, numbers)
        return numbers

    settings = {"method": "hierarchical-bayes", "backbone": "embeddings:mine"}
    take(0)
    resource_cache, first = ResourceCache(), make_run(tiny_study, **settings)
    resources = result(open_resources(first))
    resource_cache.put(first, resources)
    assert resource_cache.find(make_run(tiny_study, **settings)) is resources
    take(1)
    second = make_run(tiny_study, **settings)
    assert resource_cache.find(second) is None
    assert result(open_resources(second)).sha256 != resources.sha256
    with pytest.raises(RunError, match="imported anew since"):
        result(open_resources(first))


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


@pytest.mark.parametrize(
    ("began", "asked", "goes_on"),
    [
        (("cpu", "bfloat16"), "auto", "bfloat16"),
        (("cuda", "bfloat16"), "auto", "float32"),
        (("cpu", "bfloat16"), "float32", "float32"),
        ((None, None), "auto", "float32"),
    ],
)
def test_that_a_run_goes_on_in_the_precision_that_it_began_in(
    tiny_study: Study, make_run: MakeRun, began: tuple[str | None, str | None], asked: str,
    goes_on: str,
) -> None:  # fmt: skip
    run = make_run(tiny_study, precision=asked)
    device, precision = began
    Environment(device=device, precision=precision).save(run.path / layout.ENVIRONMENT)
    assert result(open_resources(run)).precision.name == goes_on


def test_that_runs_one_after_another_open_the_backbone_once(
    tiny_study: Study, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, load, cache = [], room.load, ResourceCache()
    monkeypatch.setattr(room, "load", lambda *args: opened.append(args) or load(*args))

    def train(run: RunFolder) -> None:
        for _ in train_run(run, Control(run), resource_cache=cache):
            pass
        for _ in read_against(run, cache):
            pass

    settings = {"compare": False, "epochs": 1}
    runs = [make_run(tiny_study, seed=seed, **settings) for seed in range(2)]
    for run in runs:
        train(run)
    train(runs[0])  # goes on where it was
    assert len(opened) == 1
    kept = cache.find(runs[0])
    assert kept is not None
    assert kept.features is not None  # read once for both

    other = make_run(tiny_study, seed=2, **settings)
    Environment(device="cpu", precision="bfloat16").save(other.path / layout.ENVIRONMENT)
    before = weakref.ref(kept.tower()[0].model)
    del kept
    assert cache.find(other) is None  # it goes on in the precision that it began in
    assert before() is None  # nor do those stay while others are opened
    train(other)
    assert len(opened) == 2
    train(make_run(tiny_study, seed=3, **settings))  # in the precision that is chosen here
    assert len(opened) == 3
