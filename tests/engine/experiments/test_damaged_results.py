"""Damaged or odd files of runs, comparisons and curves: told, refused or passed over, never shown.

Each mutation is seeded. What was written by version 0.1.0 is marked here as a run marks its end, so
that every change can be told; the same files without marks must at least end in a sentence.
"""

import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.adaptation.adapted_labelers import (
    adapted_predictions,
    list_adapted,
    unreadable_adapted,
)
from prism_desktop.engine.errors import PrismError, RunError, UnreadableError
from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.result_checks import check_results
from prism_desktop.engine.models.combination_file import read_combination
from prism_desktop.engine.models.labeler_bytes import bytes_per_labeler
from prism_desktop.engine.models.obstacles import find_obstacles
from prism_desktop.engine.models.predictor import load_predictor
from prism_desktop.engine.models.saved import read_card
from prism_desktop.engine.models.saved_heads import load_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import differences, write_manifest
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.training.run_evaluation import evaluate_run, training_costs
from prism_desktop.ui.explore import run_reading
from prism_desktop.ui.explore.run_reading import read_rest, read_run, take_rest
from prism_desktop.ui.train.leaderboard_data import list_leaderboards
from tests.fixtures.result_mutations import changed, mutate

ARCHIVE = Path(__file__).parents[2] / "upgrades" / "study-and-runs-0.1.0.zip"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs, a comparison and curves, marked; all files are older than a moment."""
    folder = tmp_path_factory.mktemp("results")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(
            folder, [name for name in archive.namelist() if not name.endswith((".jpg", "sqlite3"))]
        )
    made = folder / "old.prism"
    for run in list_runs(made):
        for path in (run.path / layout.ADAPTED).glob("*"):
            write_manifest(path)
        if run.state == "finished":
            write_manifest(run.path)
    write_manifest(made / layout.COMPARISONS / "before")
    write_manifest(made / layout.CURVES)
    for path in made.rglob("*"):
        os.utime(path, (1.7e9, 1.7e9))
    return made


def value(events: Iterator[Any]) -> Any:
    *_, done = events
    assert isinstance(done, Done)
    return done.value


def looked(ask: Callable[[], Any]) -> Any:
    """What a reader says: its value, or the sentence that it refuses with."""
    try:
        return ask()
    except PrismError as error:
        return error


EXPLORE = ("explore", "explore large")


def explored(run: Path, *, large: bool = False) -> dict[str, Any]:
    """What Explore knows of a run; of a `large` one it reads each part when it is asked for."""
    with mock.patch.object(run_reading, "_LARGE", -1 if large else run_reading._LARGE):
        data = value(read_run(run, {}))
    if data.unread:
        take_rest(data, value(read_rest(data)))
    return {
        "scores": data.score_table(data.attributes).tobytes(),
        "consensus": None if data.consensus is None else data.consensus.tobytes(),
        "summary": data.summary,
        "answers": [data.answers.about(face) for face in range(len(data.images))],
        "entered": data.adapted_labelers,
        "names": (data.labelers, data.attributes, data.images, data.paths, data.image_names),
        "damage": data.damage,
    }


def readers(run: Path) -> Mapping[str, Callable[[], Any]]:
    """Whoever reads a run: lists, Explore, comparisons, adaptation, predictions, publishing."""
    folder = RunFolder(run)

    def tables() -> list[Any]:
        return [folder.table(name).to_dict("list") for name in ("images", "pairs")]

    def model() -> Any:
        if (run / layout.COMBINATION).exists():
            return read_combination(run)
        if (run / layout.HEAD).exists():
            heads = load_heads(run)
            return heads.card, {k: v.tobytes() for k, v in heads.heads.arrays().items()}
        return read_card(run)

    return {
        "explore": lambda: explored(run),
        "explore large": lambda: explored(run, large=True),
        "tables": tables,
        "answers": lambda: [folder.table(n).to_csv() for n in ("comparisons", "ratings")],
        "metrics": lambda: folder.metrics().to_csv(),
        "events": lambda: folder.events()[0],
        "summary": folder.summary,
        "meta": folder.meta,
        "config": folder.config,
        "environment": folder.environment,
        "consensus": lambda: folder.consensus().to_csv(),
        "model": model,
        "bytes": lambda: bytes_per_labeler(run),
        "entered": lambda: [adapted_predictions(folder, "L4").to_csv(), list_adapted(folder)],
    }


def same(found: Any, truth: Any) -> bool:
    return repr(found) == repr(truth) or found == truth


def files_of(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name != layout.RESUME_LOCK and path.stat().st_size
    )


def concerned(path: Path) -> set[str]:
    """The readers that a file has to do with."""
    if layout.ADAPTED in path.parts:
        return {*EXPLORE, "entered"}
    if path.parent.name == layout.DATA:
        return {*EXPLORE, "tables", "answers", "meta"}
    return {
        layout.PREDICTIONS: {*EXPLORE},
        layout.CONSENSUS: {*EXPLORE, "consensus"},
        layout.SUMMARY: {*EXPLORE, "summary"},
        layout.METRICS: {"metrics"},
        layout.EVENTS: {"events"},
        layout.CONFIG: {"config"},
        layout.ENVIRONMENT: {"environment"},
        layout.MANIFEST: {*EXPLORE, "summary", "meta", "model"},
    }.get(path.name, {"model", "bytes"} if path.suffix == ".safetensors" else {"model"})


def fuzz_runs(study: Path, count: int, seed: int) -> None:
    """Damage one file after another; every reader is asked what the file has to do with."""
    rng = random.Random(seed)
    runs = [run.path for run in list_runs(study) if run.state == "finished"]
    listed = {run.name: run for run in list_runs(study)}
    truth = {run: {k: looked(ask) for k, ask in readers(run).items()} for run in runs}
    for number in range(count):
        run = rng.choice(runs)
        path = rng.choice(files_of(run))
        others = [*files_of(run), rng.choice(runs) / path.relative_to(run)]
        with changed(path):
            how = mutate(path, [one for one in others if one.is_file()], rng)
            where = f"seed {seed}, number {number}: {how} of {path.relative_to(study)}"
            _judge(study, run, path, listed, truth[run], where)


def _judge(study: Path, run: Path, path: Path, listed: Any, truth: Any, where: str) -> None:
    found = {one.name: one for one in list_runs(study)}
    assert found.keys() == listed.keys(), where  # no run hides another, nor itself
    told = [found[run.name].damage]
    for name, one in found.items():
        assert one == listed[name] or (one.damage and name == run.name), where
    told += unreadable_adapted(RunFolder(run))
    for name in concerned(path):
        said = looked(readers(run)[name])
        if isinstance(said, PrismError) or same(said, truth[name]):
            continue
        if name in EXPLORE:
            told += said["damage"]
            kept = {key for key, part in said.items() if same(part, truth[name][key])}
            assert kept >= {"scores", "names"} or layout.ADAPTED in path.parts, where
        assert any(told) or (name == "bytes" and said is None), f"{where}: {name}, {said!r:.300}"
    marked = path.parent if layout.ADAPTED in path.relative_to(run).parts else run
    name = path.relative_to(marked).as_posix()
    assert name in found_by_check(marked) or _grew(path, marked, name), where


def found_by_check(folder: Path) -> set[str]:
    try:
        return {name for name, _ in differences(folder)}
    except UnreadableError as error:
        return {error.path.name}


def _grew(path: Path, marked: Path, name: str) -> bool:
    """Whether it is a log to which something was added, as later processes may."""
    return name in (layout.LOG, layout.EVENTS) and path.is_file()


def test_that_a_damaged_file_of_a_run_is_told_and_changes_no_number(study: Path) -> None:
    fuzz_runs(study, 40, seed=12)


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("consensus", layout.TOKENS),
        ("hierarchical-bayes", layout.HEAD),
        ("ensemble", layout.COMBINATION),
    ],
)
def test_that_a_model_which_is_no_file_is_named_and_not_taken_for_gone(
    study: Path, method: str, name: str, put: Callable[[Path], None]
) -> None:
    listed = list_runs(study)
    run = next(run.path for run in listed if run.method == method)
    with changed(run / name) as path:
        path.unlink()
        assert find_obstacles(run).images
        put(path)
        assert list_runs(study) == listed
        assert not find_obstacles(run).images
        with pytest.raises(RunError, match=f"{name} (cannot be read|is damaged)"):
            load_predictor(run)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_that_many_damaged_files_of_runs_are_told(study: Path, seed: int) -> None:
    fuzz_runs(study, 200, seed=1200 + seed)


def fuzz_comparisons(study: Path, count: int, seed: int) -> None:
    rng = random.Random(seed)
    folders = study / layout.COMPARISONS, study / layout.CURVES
    files = [path for folder in folders for path in sorted(folder.glob("**/*.json"))]
    truth = list_leaderboards(study)
    assert len(truth) == 1
    assert truth[0].shots
    assert truth[0].curve
    for number in range(count):
        path = rng.choice(files)
        with changed(path):
            how = mutate(path, files, rng)
            where = f"seed {seed}, number {number}: {how} of {path.relative_to(study)}"
            (found,) = list_leaderboards(study)
            if path.parent.name == "before":
                assert found.damage.startswith("before cannot be read"), where
                assert found.title() == found.damage, where
            else:  # a curve that is passed over is missing alone
                assert not found.damage, where
                assert found.leaderboard == truth[0].leaderboard, where
                assert found.shots in (truth[0].shots, {}), where
                assert found.curve in (truth[0].curve, {}), where
            problems = str(value(check_results(study)).problems)
            # marks of another folder name the files that are not here
            names = (path.name, path.parent.name)[: 1 + (path.name == layout.MANIFEST)]
            assert any(name in problems for name in names), where


def test_that_a_damaged_comparison_or_curve_is_told_and_hides_nothing_else(study: Path) -> None:
    fuzz_comparisons(study, 30, seed=34)


def test_that_the_manifest_of_another_folder_is_damage(study: Path) -> None:
    comparison = study / layout.COMPARISONS / "before"
    with changed(comparison / layout.MANIFEST) as path:
        path.write_bytes((study / layout.CURVES / layout.MANIFEST).read_bytes())
        (found,) = list_leaderboards(study)
        assert found.damage == "before cannot be read: it is another folder's."


@pytest.mark.soak
def test_that_many_damaged_comparisons_and_curves_are_told(study: Path) -> None:
    fuzz_comparisons(study, 400, seed=35)


@pytest.fixture
def unmarked(study: Path) -> Iterator[Path]:
    """The same runs as earlier versions left them."""
    marks = {path: path.read_bytes() for path in study.rglob(f"**/{layout.MANIFEST}")}
    for path in marks:
        if layout.CHECKPOINTS not in path.parts:
            path.unlink()
    yield study
    for path, content in marks.items():
        path.write_bytes(content)


def fuzz_unmarked(study: Path, count: int, seed: int) -> None:
    """Without marks a changed number may be shown; whatever is read still ends in a sentence."""
    rng = random.Random(seed)
    runs = [run.path for run in list_runs(study)]
    for _ in range(count):
        run = rng.choice(runs)
        path = rng.choice(files_of(run))
        with changed(path):
            mutate(path, files_of(run), rng)
            assert {one.path for one in list_runs(study)} == set(runs)
            for name in concerned(path):
                looked(readers(run)[name])


def test_that_damage_to_runs_of_earlier_versions_ends_in_a_sentence(unmarked: Path) -> None:
    fuzz_unmarked(unmarked, 40, seed=56)


@pytest.mark.soak
def test_that_much_damage_to_runs_of_earlier_versions_ends_in_a_sentence(unmarked: Path) -> None:
    fuzz_unmarked(unmarked, 1000, seed=57)


def test_that_a_run_with_an_empty_table_is_read_as_far_as_it_goes(unmarked: Path) -> None:
    run = next(run.path for run in list_runs(unmarked) if run.method == "hierarchical-bayes")
    for path in run.rglob("*.parquet"):
        with changed(path):
            pd.read_parquet(path)[:0].to_parquet(path, index=False)
            looked(lambda: explored(run))
            if path.name == layout.CONSENSUS:
                assert np.isnan(np.frombuffer(explored(run)["consensus"], np.float32)).all()
            if path.name == "pairs.parquet":
                with pytest.raises(RunError, match="hold no pairs"):
                    evaluate_run(RunFolder(run))


@pytest.mark.parametrize(
    "odd",
    ['{"trainable": 1e400}', '{"trainable": "5"}', '{"trainable": -1}', "[1]", '{"a": {}}',
     '{"a": 1, "a": 2}', '{"a": 99999999999999999999}', "", "[" * 99_999],
)  # fmt: skip
def test_that_odd_counts_of_parameters_are_not_told(unmarked: Path, odd: str) -> None:
    run = next(run.path for run in list_runs(unmarked) if run.method == "hierarchical-bayes")
    with changed(run / layout.PARAMETERS) as path:
        path.write_text(odd)
        assert training_costs(RunFolder(run)).parameters == {}


def test_that_check_finds_results_that_contradict_the_predictions(unmarked: Path) -> None:
    run = next(run.path for run in list_runs(unmarked) if run.method == "ensemble")
    assert value(check_results(unmarked)).problems == ()
    assert value(check_results(unmarked)).unmarked == 5
    with changed(run / layout.SUMMARY) as path:
        stored = json.loads(path.read_text())
        stored["test"]["micro"]["accuracy"] = 0.99
        path.write_text(json.dumps(stored))
        (told,) = value(check_results(unmarked)).problems
        assert "99.0%" in told
        assert run.name in told
        assert any("99.0%" in one for one in explored(run)["damage"])
