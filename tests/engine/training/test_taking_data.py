"""A run takes its data in its own process, where it is watched and stopped as all of its work."""

import pytest

from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Progress
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import Finished, Stopped
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.session import train_run
from tests.fixtures.runs import MakeRun


@pytest.fixture
def unprepared(tiny_study: Study, tiny_backbone: str) -> RunFolder:
    settings = {"method": "consensus", "backbone": tiny_backbone, "device": "cpu", "epochs": 1}
    return RunFolder.create(tiny_study.path, TrainConfig.checked({**settings, "threads": 1}))


def test_that_a_run_without_data_takes_them_first(
    unprepared: RunFolder, tiny_study: Study, make_run: MakeRun
) -> None:
    told = list(train_run(unprepared, Control(unprepared)))
    assert isinstance(told[0], Progress)
    assert isinstance(told[-1], Finished)
    assert not unprepared.unprepared
    taken = make_run(tiny_study, method="consensus").meta()
    assert unprepared.meta().fingerprint == taken.fingerprint


def test_that_a_run_stopped_while_it_takes_its_data_goes_on_from_there(
    unprepared: RunFolder,
) -> None:
    told = []
    for event in train_run(unprepared, Control(unprepared)):
        told.append(event)
        if isinstance(event, Progress) and event.done == 0:
            unprepared.tell("stop")
    assert isinstance(told[-1], Stopped)
    assert unprepared.unprepared
    assert unprepared.resumable
    unprepared.tell("run")
    *_, last = train_run(unprepared, Control(unprepared))
    assert isinstance(last, Finished)


def test_that_a_run_that_lost_its_data_takes_no_others(unprepared: RunFolder) -> None:
    list(train_run(unprepared, Control(unprepared)))
    (unprepared.data / "meta.json").unlink()
    assert not unprepared.unprepared


def test_that_a_labeler_who_said_nothing_is_refused_in_the_runs_own_process(
    unprepared: RunFolder, tiny_study: Study
) -> None:
    tiny_study.add_labeler("L9", "Nobody yet")
    config = unprepared.config().model_copy(update={"labelers": ("L9",)})
    silent = RunFolder.create(tiny_study.path, config)
    with pytest.raises(InputError, match="no answers"):
        list(train_run(silent, Control(silent)))
    assert silent.unprepared
