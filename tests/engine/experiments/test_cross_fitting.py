"""Comparisons of several seeds and folds, whose answers
are put together, in real processes on a small study."""

from pathlib import Path

import pandas as pd
import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.comparison_plan import ComparisonPlan
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.run_events import ItemBegun
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from tests.fixtures.comparing import compared, on_embeddings, plan_of, prepared
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    """Enough answers that every split has some of each labeler."""
    return make_study(images=42, comparisons=60)


@pytest.mark.soak
def test_that_cross_fitting_tests_every_answer_once_with_a_model_that_never_saw_it(
    study: Study,
) -> None:
    board, events = compared(
        on_embeddings(study, "hierarchical-bayes", cross_fit=True, controls=True)
    )
    runs = [RunFolder(Path(str(event.run))) for event in events if isinstance(event, ItemBegun)]
    own = [run for run in runs if run.config().method == "hierarchical-bayes"]
    assert sorted(run.config().split.fold for run in own) == list(range(7))
    tested = pd.concat(
        [pairs[pairs["split"] == "test"] for pairs in (run.table("pairs") for run in own)]
    )
    everyone = own[0].table("comparisons")
    decided = everyone[everyone["outcome"] != "tie"]
    assert 0 < len(decided) < len(everyone)
    assert len(tested) == board.counts.test == len(decided)
    for run in own:
        pairs = run.table("pairs")
        learned = pairs[pairs["split"] != "test"]
        held = pairs[pairs["split"] == "test"]
        assert not set(held["left"]) & (set(learned["left"]) | set(learned["right"]))
    row = next(row for row in board.methods if row.method == "hierarchical-bayes")
    each = [run.summary().test.micro for run in own]
    hits = sum(one.accuracy * one.n for one in each)
    assert row.test.micro.n == sum(one.n for one in each)
    assert row.test.micro.accuracy == pytest.approx(hits / row.test.micro.n)
    assert row.seeds == 1
    assert set(board.swapped) == {"hierarchical-bayes"}


def test_that_cross_fitting_refuses_what_has_no_image_folds(
    study: Study, tiny_backbone: str
) -> None:
    options = {"backbone": tiny_backbone, "split": "pair"}
    with pytest.raises(InputError, match="needs --split image, not pair"):
        prepared(ComparisonPlan(study.path, ("hierarchical-bayes",), options, cross_fit=True))
    with pytest.raises(InputError, match=r"leave the setting split\.fold out"):
        prepared(
            ComparisonPlan(
                study.path,
                ("hierarchical-bayes",),
                {"backbone": tiny_backbone},
                ("split.fold=2",),
                cross_fit=True,
            )
        )


@pytest.mark.soak
def test_that_seeds_are_put_together_answer_by_answer(study: Study, tiny_backbone: str) -> None:
    board, _ = compared(plan_of(study, tiny_backbone, "lora-visual-prompt", seeds=2))
    row = next(row for row in board.methods if row.method == "lora-visual-prompt")
    each = [
        run.macro
        for run in list_runs(study.path)
        if run.method == "lora-visual-prompt" and run.macro is not None
    ]
    assert row.seeds == 2
    assert row.test.macro.accuracy == pytest.approx(sum(each) / 2)


@pytest.mark.soak
def test_that_a_method_that_failed_in_most_folds_is_not_ranked_by_the_others(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prism_desktop.engine.experiments import comparison_runs

    copy = comparison_runs.copy_snapshot

    def without_pairs(source: RunFolder, run: RunFolder) -> None:
        copy(source, run)
        config = run.config()
        if config.method == "retrieval" and config.split.fold > 0:
            (run.data / "pairs.parquet").unlink()

    monkeypatch.setattr(comparison_runs, "copy_snapshot", without_pairs)
    board, _ = compared(on_embeddings(study, "retrieval", cross_fit=True))
    assert {row.method for row in board.methods} == {"consensus"}
    assert [one.fold for one in board.failed] == [1, 2, 3, 4, 5, 6]
