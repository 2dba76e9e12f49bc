"""What is left of a run that ends before its end."""

import pytest

from prism_desktop.engine.runs.stopping import Ending, kept

BY_STEPS, IN_ONE_GO, UNTRAINED, COMBINED = (
    "lora-visual-prompt",
    "hierarchical-bayes",
    "profile-text",
    "selective",
)


@pytest.mark.parametrize(
    ("method", "features", "stage", "ending", "tested", "goes_on"),
    [
        (BY_STEPS, False, "training", "stop", True, False),
        (BY_STEPS, False, "training", "leave", False, True),
        (BY_STEPS, False, "consensus", "stop", False, False),
        (BY_STEPS, False, "preparing", "leave", False, False),
        (BY_STEPS, False, "predicting", "stop", False, True),
        (BY_STEPS, False, "predicting", "leave", False, True),
        ("mlp-decoder", True, "training", "stop", True, False),
        ("consensus", True, "training", "stop", False, False),
        ("consensus", False, "training", "stop", True, False),
        (IN_ONE_GO, False, "training", "stop", False, False),
        (IN_ONE_GO, False, "training", "leave", False, False),
        (IN_ONE_GO, False, "predicting", "leave", False, False),
        (UNTRAINED, False, "training", "stop", False, False),
        (COMBINED, False, "member", "leave", False, False),
        ("of a later version", False, "training", "stop", False, False),
    ],
)
def test_that_what_is_left_of_a_run_is_told_as_it_is(
    method: str, features: bool, stage: str, ending: Ending, tested: bool, goes_on: bool
) -> None:
    left = kept(method, stage, ending, features=features)
    assert (left.tested, left.goes_on) == (tested, goes_on)
    assert ("Resume" in left.sentence) != tested
    assert ("from the beginning" in left.sentence) == (not tested and not goes_on)
