"""Comparisons of runs in different number formats: told, never in silence."""

import pytest

from prism_desktop.engine.experiments.mixed_precisions import told_precisions
from prism_desktop.engine.methods import METHODS
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import write_manifest
from prism_desktop.engine.runs.result_files import Environment
from prism_desktop.engine.runs.run_events import ItemBegun
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.training.dependencies import find_run
from tests.fixtures.comparing import compared, on_embeddings
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy


def put_precision(run: RunFolder, name: str) -> None:
    """As if the run had been computed in that."""
    revisions = {key: known.revision for key, known in METHODS.items() if known.revision > 1}
    Environment(precision=name, revisions=revisions).save(run.path / layout.ENVIRONMENT)


@pytest.mark.timeout(300)
def test_that_a_comparison_says_which_of_its_runs_had_another_number_format(
    make_study: MakeStudy,
) -> None:
    study = make_study(images=42, comparisons=60)
    plan = on_embeddings(study, "mlp-decoder", grid={"strength": ("0.1", "1")})
    board, _ = compared(plan)
    assert not any("number format" in text for text in board.remarks)
    (name,) = board.runs["mlp-decoder strength=1"]
    earlier = RunFolder(study.path / "runs" / name)
    put_precision(earlier, "bfloat16")
    write_manifest(earlier.path)
    board, events = compared(plan)
    assert {event.state for event in events if isinstance(event, ItemBegun)} == {"reused"}
    (told,) = [text for text in board.remarks if "number format" in text]
    assert "bfloat16: mlp-decoder strength=1; float32: mlp-decoder strength=0.1)" in told


def test_that_what_reads_features_alone_has_no_number_format_to_mix(
    tiny_study: Study, make_run: MakeRun
) -> None:
    runs = {}
    for name in ("lora-visual-prompt", "consensus", "hierarchical-bayes"):
        runs[name] = [make_run(tiny_study, method=name)]
        assert told_precisions(runs) == ""  # nothing has begun
    put_precision(runs["hierarchical-bayes"][0], "bfloat16")
    for name in ("lora-visual-prompt", "consensus"):
        put_precision(runs[name][0], "float32")
    assert told_precisions(runs) == ""
    put_precision(runs["consensus"][0], "bfloat16")
    assert "(bfloat16: consensus; float32: lora-visual-prompt)" in told_precisions(runs)


@pytest.mark.parametrize("begun", [True, False])
def test_that_a_run_of_another_precision_than_was_asked_for_by_name_is_not_used_again(
    begun: bool, tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, **({} if begun else {"precision": "bfloat16"}))
    run.set_status("interrupted")
    if begun:
        put_precision(run, "bfloat16")
    config, data = run.config(), run.meta()
    for asked in ("auto", "bfloat16"):
        found = find_run(run.study, config.model_copy(update={"precision": asked}), data)
        assert found is not None
        assert found.path == run.path
    assert find_run(run.study, config.model_copy(update={"precision": "float32"}), data) is None
