"""What every trained method of the task writing keeps to, whatever it does in training."""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch

from prism_desktop.engine.events import outcome
from prism_desktop.engine.methods.writing_methods import WRITING_METHODS
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Step
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.tensor_files import read_tensors
from prism_desktop.engine.writing.generation import OpenWriter, open_writer
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_session import begin_writing, train_writing
from tests.engine.writing.test_writing_session import SMALL
from tests.fixtures.long_run import rest_in_soak
from tests.fixtures.setting_texts import changed

TRAINED = sorted(one.name for one in WRITING_METHODS.values() if one.trained)
# one of each way of training; the others differ in what their models are made of
TRIED = ("augmented", "hybrid-lora", "maml-token", "merged-lora", "moe-lora", "multi-task")


@pytest.fixture(scope="module")
def study(written_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all methods, so that the unified model is trained once."""
    return Path(shutil.copytree(written_study, tmp_path_factory.mktemp("ways") / "written.prism"))


def _begun(study: Path, backbone: str, method: str) -> RunFolder:
    settings = changed(SMALL, "batch=24", "checkpoint_seconds=0.000001", "clusters=2", "target=16")
    options = {"backbone": backbone, "device": "cpu"}
    return begin_writing(study, WritingConfig.of(method, options, settings))


def _killed_until_it_ends(run: RunFolder) -> Iterator[int]:
    """Stop a training after each step, and go on; yields the steps."""
    while run.status().state != "finished":
        events = train_writing(run)
        for event in events:
            if isinstance(event, Step):  # the first of a process is always told
                yield event.step
                events.close()


def _returned(work: Generator[object, None, OpenWriter]) -> OpenWriter:
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: OpenWriter = end.value
            return found


@pytest.mark.parametrize("method", rest_in_soak(TRAINED, TRIED))
def test_that_a_method_resumes_enters_people_and_tells_them_apart(
    study: Path, tiny_language_model: str, method: str
) -> None:
    whole = _begun(study, tiny_language_model, method)
    outcome(train_writing(whole))  # type: ignore[arg-type]
    cut = _begun(study, tiny_language_model, method)
    steps = list(_killed_until_it_ends(cut))
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > 2
    expected = read_tensors(whole.path / layout.WRITER)[0]
    weights = read_tensors(cut.path / layout.WRITER)[0]
    assert weights.keys() == expected.keys()
    assert all(torch.equal(one, expected[name]) for name, one in weights.items())
    opened = _returned(open_writer(cut)).model.state_dict()
    assert opened.keys() == weights.keys()
    assert all(torch.equal(one, weights[name]) for name, one in opened.items())
    summary = cut.stored(WritingSummary, layout.WRITTEN)
    assert summary is not None
    assert [one.examples for one in summary.entered] == [0, 5, 10, 30]
    assert all(one.score.value is not None for one in summary.entered)
    if WRITING_METHODS[method].tells_apart:
        assert summary.swapped is not None
        assert summary.swapped.value != summary.test.value
