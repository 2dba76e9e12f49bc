"""What a rehearsal of a protocol tells."""

import pytest

from prism_desktop.engine.events import Done
from prism_desktop.engine.experiments.rehearsal import doubts, rehearse
from prism_desktop.engine.labeling.protocol import BlockRules, PracticeRules, Protocol, RepeatRules
from prism_desktop.engine.labeling.protocol_plan import PlanSurroundings
from prism_desktop.engine.stimulus_words import FACES as WORDS
from tests.engine.labeling.test_protocol_plan import ATTRIBUTES, faces

FACES = 14


@pytest.mark.parametrize(("trials", "enough"), [(FACES, True), (FACES + 3, False)])
@pytest.mark.parametrize("alone", [True, False])
def test_that_too_few_faces_for_the_blocks_are_told(trials: int, enough: bool, alone: bool) -> None:
    """Practice takes the place of no trial, and each attribute asked alone has all of them."""
    block = BlockRules(name="R", kind="rating", trials=trials, one_attribute_at_a_time=alone)
    protocol = Protocol(
        practice=PracticeRules(trials=20), repeats=RepeatRules(share=0), blocks=(block,)
    )
    around = PlanSurroundings(faces(FACES), ATTRIBUTES, "study")
    (found,) = [e.value for e in rehearse(protocol, around, 1) if isinstance(e, Done)]
    told = [
        each for each in doubts(protocol, found, len(ATTRIBUTES), WORDS) if "too few faces" in each
    ]
    assert bool(told) != enough
    rounds = len(ATTRIBUTES) if alone else 1
    assert enough or f"{trials * rounds} trials; a labeler is shown {FACES * rounds}" in told[0]
