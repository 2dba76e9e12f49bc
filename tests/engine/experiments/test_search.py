"""Searches for settings, in real processes on a small study."""

import math
import time
from pathlib import Path

import pytest

from prism_desktop.engine.config import TrainConfig, settings
from prism_desktop.engine.errors import InputError, UnreadableError
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.search import SearchPlan, SearchResult, search
from prism_desktop.engine.experiments.search_entry import try_share
from prism_desktop.engine.experiments.search_jobs import share_out
from prism_desktop.engine.experiments.search_trials import SearchShare, job_folder, open_storage
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.methods.parts.part import Choices, Range
from prism_desktop.engine.processes.jobs import TrainingJobs
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)
QUICK = {"device": "cpu", "epochs": 2, "max_steps": 6, "batch": 16, "threads": 1}


def _search(plan: SearchPlan) -> SearchResult:
    *_, done = search(plan)
    assert isinstance(done, Done)
    return done.value


@pytest.mark.parametrize("name", METHODS)
def test_that_every_range_is_of_a_setting_that_takes_its_values(name: str) -> None:
    known = {setting.key for setting in settings()}
    for key, one in METHODS[name].ranges().items():
        assert key in known
        ends = one.values if isinstance(one, Choices) else (one.low, one.high)
        for value in ends:
            value = int(value) if isinstance(one, Range) and one.whole else value
            assert (
                TrainConfig().with_options({"method": name, key: value}).model_dump()[key] == value
            )


def test_that_a_search_finds_settings_without_the_test_and_goes_on_after_a_kill(
    make_study: MakeStudy, tiny_backbone: str
) -> None:
    study = make_study(images=42, comparisons=60)
    options = {"backbone": tiny_backbone, **QUICK}
    plan = SearchPlan(study.path, "prefix-on-unified", 3, 2, options, ("weight_decay=0.01",))
    first = _search(plan)
    assert first.complete + first.pruned + first.failed == 3
    assert not first.failed
    assert first.best
    assert "weight_decay" not in first.best  # what is given stays
    assert first.start is not None
    assert first.value <= first.start
    # that all started at; trials are no runs
    assert [run.method for run in list_runs(study.path)] == ["consensus"]
    (folder,) = (study.path / "search").iterdir()
    import pandas as pd

    images, pairs, ratings, comparisons = (
        pd.read_parquet(folder / "data" / f"{name}.parquet")
        for name in ("images", "pairs", "ratings", "comparisons")
    )
    assert set(pairs["split"]) == {"train", "val"}
    tested = set(images.loc[images["split"] == "test", "image"])
    assert tested
    assert not tested & {
        *pairs["left"],
        *pairs["right"],
        *ratings["image"],
        *comparisons["left"],
        *comparisons["right"],
    }
    cut = open_storage(folder).ask()  # as a killed process leaves it: running for ever
    value = cut.suggest_float("token_lr", 1e-3, 1e-1, log=True)
    more = _search(SearchPlan(study.path, plan.method, 5, 1, plan.options, plan.settings))
    assert more.name == first.name
    assert more.complete + more.pruned == 5
    ended = open_storage(folder).trials
    assert ended[cut.number].state.name == "FAIL"
    assert ended[cut.number + 1].params["token_lr"] == value  # tried again
    assert more.value <= first.value
    config = TrainConfig().with_options({"method": plan.method}, more.lines())
    assert math.isclose(config.token_lr, more.best["token_lr"], rel_tol=1e-4)


def test_that_wrong_input_is_one_sentence(tiny_study: Study, tiny_backbone: str) -> None:
    options = {"backbone": tiny_backbone}
    wrong = {
        "no settings to search": SearchPlan(tiny_study.path, "hierarchical-bayes", options=options),
        "unknown": SearchPlan(tiny_study.path, "magic", options=options),
        "at least one trial": SearchPlan(tiny_study.path, "text-token", 0, options=options),
        "no labeler L9": SearchPlan(
            tiny_study.path, "text-token", options={**options, "labelers": ("L9",)}
        ),
        "cannot name a search": SearchPlan(
            tiny_study.path, "text-token", name="../runs", options=options
        ),
        "no study": SearchPlan(Path("nowhere"), "text-token", options=options),
    }
    for words, plan in wrong.items():
        with pytest.raises(InputError, match=words):
            _search(plan)
    assert not list((tiny_study.path / "search").glob("*"))


def test_that_jobs_that_cannot_be_had_leave_nothing_behind(tmp_path: Path) -> None:
    class Refused(TrainingJobs):
        def submit(self, *_: object, **__: object) -> None:
            raise InputError("Slurm did not take the job.")

    folder = RunFolder(tmp_path / "s.prism" / "search" / "x")
    folder.path.mkdir(parents=True)
    with pytest.raises(InputError, match="did not take"):
        share_out(folder, Refused("local"), 5, 2, 0)
    assert [path.name for path in folder.path.parent.iterdir()] == ["x"]


def test_that_a_line_that_was_cut_off_spoils_no_trial(tmp_path: Path) -> None:
    trials = open_storage(tmp_path)
    trials.tell(trials.ask(), 0.5)
    journal = tmp_path / layout.JOURNAL
    whole = journal.read_bytes()
    for cut in (1, 7, len(whole.splitlines()[-1])):  # a full disk, a kill
        journal.write_bytes(whole + whole.splitlines()[-1][:-cut])
        again = open_storage(tmp_path)
        again.tell(again.ask(), 0.25)
        assert [trial.value for trial in open_storage(tmp_path).trials] == [0.5, 0.25]
    journal.write_bytes(b'{"op_code":0,"wor')  # the very first one
    assert open_storage(tmp_path).trials == []
    journal.write_bytes(b"something else\n" + whole)
    with pytest.raises(UnreadableError, match="damaged"):
        open_storage(tmp_path)


@pytest.mark.soak
def test_that_a_share_that_is_begun_anew_is_not_tried_twice(
    make_study: MakeStudy, tiny_backbone: str
) -> None:
    study = make_study(images=42, comparisons=60)
    options = {"backbone": tiny_backbone, **QUICK}
    _search(SearchPlan(study.path, "prefix-on-unified", 1, 1, options))
    (folder,) = (study.path / "search").iterdir()
    job = job_folder(RunFolder(folder), 0)
    job.path.mkdir()
    SearchShare(trials=1, seed=3, token="ab").save(job.path / layout.SHARE)
    for _ in range(2):
        assert try_share(job.path) == 0
        assert len(open_storage(folder).trials) == 2


@pytest.mark.soak
def test_that_jobs_try_a_share_each_and_are_watched_again(
    make_study: MakeStudy, tiny_backbone: str
) -> None:
    study = make_study(images=42, comparisons=60)
    options = {"backbone": tiny_backbone, **QUICK}
    plan = SearchPlan(study.path, "prefix-on-unified", 4, 2, options)
    said: list[str] = []
    jobs = TrainingJobs("local", tell=said.append)
    first = search(plan, jobs)
    while not any(line.startswith("Started 2 jobs") for line in said):
        next(first)
    first.close()  # the command ends, its jobs do not
    with pytest.raises(InputError, match="Jobs try settings for "):
        _search(plan)
    (job,) = (study.path / "search").glob("*.job-0000")
    hidden = (job / layout.JOB).rename(study.path / "job.json")
    while RunFolder(job).status().state != "training":
        time.sleep(0.05)
    with pytest.raises(InputError, match="Jobs try settings for "):
        _search(plan)  # on a computer that knows nothing of the job its folder tells
    hidden.rename(job / layout.JOB)
    *_, done = search(plan, jobs)
    assert isinstance(done, Done)
    assert done.value.complete + done.value.pruned == 4
    assert len(said) == 2  # the consensus and the two; nobody was started again
    (folder,) = (study.path / "search").iterdir()  # what jobs were told is put away
    assert len(open_storage(folder).trials) == 4
    *_, again = search(plan, TrainingJobs("local", tell=said.append))
    assert isinstance(again, Done)
    assert again.value == done.value
    assert len(said) == 2
