"""Grids of settings: a row per method and point, the consensus and what is not read once."""

from pathlib import Path

import pytest

from prism_desktop.engine.config import needed
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.experiments.comparison_plan import ComparisonPlan
from prism_desktop.engine.experiments.variants import Variant, parse_grid
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Leaderboard
from prism_desktop.engine.runs.run_events import ItemBegun
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.dependencies import dependency_config, learned_from
from tests.fixtures.comparing import compared, on_embeddings, plan_of, prepared
from tests.fixtures.study import MakeStudy

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    """Enough answers that every split has some of each labeler."""
    return make_study(images=42, comparisons=60)


def test_that_a_grid_has_a_row_per_point_and_the_consensus_and_the_unread_once(
    study: Study,
) -> None:
    methods = "mlp-decoder", "hierarchical-bayes"
    grid = parse_grid(["strength=0.1,1"])
    board, _ = compared(on_embeddings(study, *methods, grid=grid))
    points = {f"mlp-decoder strength={value}" for value in ("0.1", "1")}
    assert {row.label for row in board.methods} == {"consensus", "hierarchical-bayes", *points}
    assert len(list_runs(study.path)) == 4
    assert any("strength changes nothing for hierarchical-bayes" in one for one in board.remarks)
    base = board.row("consensus").test.macro.accuracy
    for label in points:
        row = board.row(label)
        assert row.method == "mlp-decoder"
        assert row.gain.value == pytest.approx(row.test.macro.accuracy - base)
        (name,) = board.runs[label]
        config = RunFolder(study.path / "runs" / name).config()
        assert config.strength == float(row.settings["strength"])
    raw = {row.label: row.gain.p_raw for row in board.methods if row.gain is not None}
    assert len(raw) == 3
    least = min(raw, key=raw.__getitem__)
    assert board.row(least).gain.p == pytest.approx(min(1.0, 3 * raw[least]))
    more = on_embeddings(study, "mlp-decoder", grid={"strength": ("0.1", "1", "2")})
    states = [event.state for event in compared(more)[1] if isinstance(event, ItemBegun)]
    assert sorted(states) == ["new", "reused", "reused", "reused"]


@pytest.mark.parametrize("key", ["strength", "experts", "tokens"])
def test_that_what_the_consensus_does_not_read_needs_no_consensus_of_its_own(key: str) -> None:
    name = "prefix-on-unified" if key == "tokens" else "l2-constrained"
    plans = [ComparisonPlan(Path("s.prism"), (name,), {"backbone": "prism-mini"})] * 2
    configs = [
        plan.variant_config(Variant(name, ((key, value),)))
        for plan, value in zip(plans, "23", strict=True)
    ]
    assert all("consensus" in needed(config) for config in configs)
    first, second = (learned_from(dependency_config(one, "consensus")) for one in configs)
    assert first == second


def test_that_points_of_the_same_model_are_one_row(study: Study, tiny_backbone: str) -> None:
    plan = plan_of(study, tiny_backbone, "lora-visual-prompt", grid={"temperature": ("0.1", ".10")})
    found = prepared(plan).variants
    assert found == (Variant("consensus"), Variant("lora-visual-prompt", (("temperature", "0.1"),)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rank", "names no values"),
        ("rnak=1,2", "near it are rank"),
        ("split.kind=image,pair", "share their data and their test"),
        ("pairs.use=both", "share their data and their test"),
        ("seed=1,2", "share their data and their test"),
    ],
)
def test_that_a_grid_that_cannot_be_a_table_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_grid([text])


def test_that_a_value_that_does_not_fit_is_told_before_anything_is_trained(study: Study) -> None:
    plan = on_embeddings(study, "mlp-decoder", grid={"strength": ("-1",)})
    with pytest.raises(InputError, match="strength cannot be"):
        compared(plan)
    assert not list_runs(study.path)


@pytest.mark.soak
def test_that_seeds_that_change_nothing_are_not_trained_again(study: Study) -> None:
    board, events = compared(on_embeddings(study, "hierarchical-bayes", "mlp-decoder", seeds=2))
    trained = [event.method for event in events if isinstance(event, ItemBegun)]
    assert sorted(trained) == ["consensus", "hierarchical-bayes", "mlp-decoder", "mlp-decoder"]
    told = "Seeds change nothing for consensus, hierarchical-bayes"
    assert any(told in text for text in board.remarks)
    row = board.row("mlp-decoder")
    assert row.seeds == 2
    base = board.row("consensus").test.macro.accuracy
    assert row.gain.value == pytest.approx(row.test.macro.accuracy - base)


def test_that_closed_forms_alone_are_cross_fitted_unless_somebody_says_no(study: Study) -> None:
    def crossed(*methods: str, **more: object) -> bool:
        options = {"backbone": "embeddings:mine", **more.pop("options", {})}  # type: ignore[dict-item]
        return ComparisonPlan(Path("s.prism"), methods, options, **more).crossed  # type: ignore[arg-type]

    assert crossed("hierarchical-bayes", "retrieval", "selective")
    assert not crossed("hierarchical-bayes", cross_fit=False)
    assert not crossed("hierarchical-bayes", "mlp-decoder")
    assert crossed("mlp-decoder", cross_fit=True)
    assert not crossed("all")
    assert not crossed("hierarchical-bayes", options={"split": "pair"})
    assert not crossed("hierarchical-bayes", options={"split.fold": 3})
    plan = on_embeddings(study, "hierarchical-bayes", cross_fit=None)
    found = prepared(plan)
    assert found.folds == tuple(range(7))
    assert any("--no-cross-fit" in text for text in found.remarks)
    mixed = prepared(on_embeddings(study, "hierarchical-bayes", "mlp-decoder", cross_fit=None))
    assert mixed.folds == (0,)
    assert any("mlp-decoder is trained by gradient" in text for text in mixed.remarks)


def test_that_a_leaderboard_of_before_grids_is_read() -> None:
    old = Leaderboard.parse({"methods": [{"method": "retrieval"}], "runs": {"retrieval": ["r"]}})
    assert old.row("retrieval") is not None
    assert old.methods[0].settings == {}
    assert old.methods[0].label == "retrieval"
