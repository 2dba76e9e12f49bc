"""The child process that holds a model: a real one, over a run made by hand."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from prism_desktop.engine.backbones import load, parse
from prism_desktop.engine.device import choose_device
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.saved import save_model
from prism_desktop.engine.processes.inference_client import InferenceClient
from prism_desktop.engine.runs.process_identity import is_alive
from prism_desktop.engine.study.images import hash_file

pytestmark = pytest.mark.timeout(400)  # each child loads torch, which takes long on a busy machine


@pytest.fixture(scope="module")
def run(tiny_backbone: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's folder with one run of two labelers over five images, one of which is gone."""
    folder = tmp_path_factory.mktemp("study.prism") / "runs" / "20260101-000000-lora-visual-prompt"
    (folder / "data").mkdir(parents=True)
    rows = []
    for number in range(5):
        path = folder.parent.parent / f"{number}.png"
        Image.fromarray(
            np.random.default_rng(number).integers(0, 255, (40, 48, 3)).astype(np.uint8)
        ).save(path)
        rows.append(
            {"image": hash_file(path), "name": path.name, "path": str(path), "split": "train"}
        )
    Path(rows[4]["path"]).unlink()
    pd.DataFrame(rows).to_parquet(folder / "data" / "images.parquet")
    model = PersonalClip(load(parse(tiny_backbone), choose_device("cpu")), 2, token_std=0.5)
    save_model(
        model,
        folder,
        method="lora-visual-prompt",
        labelers=["L1", "L2"],
        attributes={"smart": ["{}"]},
    )
    return folder


@pytest.fixture(scope="module")
def client(run: Path) -> Iterator[InferenceClient]:
    with InferenceClient(run, "cpu") as client:
        yield client


def image(run: Path, number: int) -> Path:
    return run.parent.parent / f"{number}.png"


def test_that_the_client_loads_no_torch() -> None:
    import subprocess

    code = (
        "from prism_desktop.engine.analysis import relevance_map; from "
        "prism_desktop.engine.processes import inference_client; import sys; print('torch' in "
        "sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_that_a_map_comes_back_with_its_check(client: InferenceClient, run: Path) -> None:
    events = list(client.relevance("L1", "smart", image(run, 0), "gradient-attention"))
    assert isinstance(events[0], Progress)
    assert isinstance(events[-1], Done)
    found = events[-1].value
    assert found.grid.shape == (4, 4)
    assert found.tests is not None
    assert (found.labeler, found.attribute, str(found.kind)) == (
        "L1",
        "smart",
        "gradient-attention",
    )
    untested = list(
        client.relevance("L1", "smart", image(run, 0), "gradient-attention", check=False)
    )[-1].value
    assert untested.tests is None
    assert np.array_equal(untested.grid, found.grid)


def test_that_an_attribute_typed_by_the_user_is_scored_and_a_lost_image_is_blank(
    client: InferenceClient, run: Path
) -> None:
    events = list(client.scores("looks like a sailor"))
    scores = events[-1].value
    assert scores.labelers == ("L1", "L2")
    assert scores.table.shape == (2, 5)
    assert np.isfinite(scores.table[:, :4]).all()
    assert np.isnan(scores.table[:, 4]).all()
    some = list(client.scores("looks like a sailor", ["L2"], scores.images[1:3]))[-1].value
    assert some.table == pytest.approx(scores.table[1:, 1:3], abs=1e-5)


def test_that_errors_are_sentences_and_the_child_lives_on(
    client: InferenceClient, run: Path
) -> None:
    with pytest.raises(RunError, match="no labeler 'L9'"):
        list(client.relevance("L9", "smart", image(run, 0), "gradient-attention"))
    with pytest.raises(RunError, match="no such file"):
        list(client.relevance("L1", "smart", run / "nowhere.png", "gradient-attention"))
    assert isinstance(
        list(client.relevance("L1", "smart", image(run, 1), "gradient-attention", check=False))[-1],
        Done,
    )


def test_that_a_request_can_be_dropped_and_the_next_is_answered(
    client: InferenceClient, run: Path
) -> None:
    dropped = client.relevance("L2", "smart", image(run, 2), "gradient-attention")
    next(dropped)
    next(dropped)
    dropped.close()
    assert isinstance(
        list(client.relevance("L2", "smart", image(run, 3), "gradient-attention", check=False))[-1],
        Done,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_that_a_killed_child_is_told_and_replaced(client: InferenceClient, run: Path) -> None:
    asked = client.relevance("L2", "rich", image(run, 0), "gradient-attention")
    next(asked)
    worker = client._worker
    if worker is not None:
        os.kill(worker.pid, signal.SIGSTOP)  # so that it cannot answer first
    next(asked)
    worker = client._worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(RunError, match="ended unexpectedly"):
        list(asked)
    assert isinstance(
        list(client.relevance("L2", "rich", image(run, 0), "gradient-attention", check=False))[-1],
        Done,
    )


def test_that_a_run_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with (
        InferenceClient(tmp_path, "cpu") as client,
        pytest.raises(RunError, match="holds no trained model yet"),
    ):
        list(client.relevance("L1", "smart", tmp_path / "x.png", "gradient-attention"))


def test_that_the_process_ends_with_its_client(run: Path) -> None:
    client = InferenceClient(run, "cpu")
    asked = client.scores("smart")
    next(asked)
    next(asked)
    worker = client._worker
    assert worker is not None
    client.close()
    assert not is_alive(worker.pid)
    with pytest.raises(RunError):
        list(asked)
    with pytest.raises(RunError, match="put away"):
        list(client.scores("smart"))
