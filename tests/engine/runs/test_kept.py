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
    ("method", "backbone", "stage", "ending", "tested", "goes_on"),
    [
        (BY_STEPS, "prism-mini", "training", "stop", True, False),
        (BY_STEPS, "prism-mini", "training", "leave", False, True),
        (BY_STEPS, "prism-mini", "consensus", "stop", False, False),
        (BY_STEPS, "prism-mini", "preparing", "leave", False, False),
        (BY_STEPS, "prism-mini", "predicting", "stop", False, True),
        (BY_STEPS, "prism-mini", "predicting", "leave", False, True),
        ("mlp-decoder", "embeddings:faces", "training", "stop", True, False),
        ("consensus", "embeddings:faces", "training", "stop", False, False),
        (IN_ONE_GO, "prism-mini", "training", "stop", False, False),
        (IN_ONE_GO, "prism-mini", "training", "leave", False, False),
        (IN_ONE_GO, "prism-mini", "predicting", "leave", False, False),
        (UNTRAINED, "prism-mini", "training", "stop", False, False),
        (COMBINED, "prism-mini", "member", "leave", False, False),
        ("of a later version", "prism-mini", "training", "stop", False, False),
    ],
)
def test_that_what_is_left_of_a_run_is_told_as_it_is(
    method: str, backbone: str, stage: str, ending: Ending, tested: bool, goes_on: bool
) -> None:
    left = kept(method, backbone, stage, ending)
    assert (left.tested, left.goes_on) == (tested, goes_on)
    assert ("Resume" in left.sentence) != tested
    assert ("from the beginning" in left.sentence) == (not tested and not goes_on)
