"""The cheapest design that is precise enough, and what to add to a study."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.evaluation.sample_size.answer_variances import AnswerVariances
from prism_desktop.engine.evaluation.sample_size.design_precision import (
    PlannedDesign,
    precision_of,
    reliability,
)
from prism_desktop.engine.evaluation.sample_size.enough_answers import (
    PlannedTrials,
    WantedPrecision,
    better_for_consensus,
    fewest_trials,
    frontier,
    half_width,
    missed,
    most_trials,
    one_more,
    planned_trials,
)
from prism_desktop.engine.evaluation.sample_size.plan_report import (
    FittedAnswers,
    PlanQuestion,
    fit_study,
    plan_study,
)
from prism_desktop.engine.evaluation.sample_size.plan_words import advice, verdict
from prism_desktop.engine.evaluation.sample_size.planned_protocol import (
    follow_plan,
    planned_protocol,
)
from prism_desktop.engine.events import outcome
from prism_desktop.engine.labeling.protocol import BlockRules, Protocol, parse_protocol
from tests.fixtures.study import MakeStudy

USUAL = AnswerVariances()


@pytest.mark.parametrize("kind", ["comparison", "rating"])
def test_that_a_plan_is_enough_and_nothing_less_is(kind: str) -> None:
    wanted = WantedPrecision(ceiling=0.15, gain=0.08)
    question = PlanQuestion(kind, 150, USUAL, wanted)  # type: ignore[arg-type]
    plan = plan_study(question)
    assert not plan.missed
    told = precision_of(plan.chosen, USUAL)
    assert told.reliability.value >= 0.8
    assert half_width(told.ceiling) <= 0.15
    assert half_width(told.gain) <= 0.08
    less = replace(plan.chosen, trials=plan.chosen.trials - 1)
    assert list(missed(less, USUAL, wanted))
    assert all(each.cost >= plan.chosen.cost for each in plan.designs)
    # nor with one labeler more or less, whatever their trials
    for labelers in (plan.chosen.labelers - 1, plan.chosen.labelers + 1):
        other = fewest_trials(replace(plan.chosen, labelers=labelers), USUAL, wanted)
        assert other is None or other.cost >= plan.chosen.cost
    joined = planned_trials(plan.chosen)
    assert (joined.trials, joined.repeats) == (plan.chosen.trials, plan.chosen.repeats)


def test_that_each_target_asks_for_more() -> None:
    none = WantedPrecision(None, None, None, None, None)
    free = fewest_trials(PlannedDesign("comparison", 6, 100, 1), USUAL, none)
    assert free is not None
    assert free.trials == 1
    for name, value in (
        ("reliability", 0.6), ("alpha", 0.1), ("ceiling", 0.1), ("gain", 0.1), ("per_face", 10),
    ):  # fmt: skip
        found = fewest_trials(free, USUAL, replace(none, **{name: value}))
        assert found is not None
        assert found.trials > 5, name


def test_that_what_cannot_be_is_said_with_the_ways_out() -> None:
    alone = plan_study(PlanQuestion("comparison", 100, AnswerVariances(0.0, 0.6)))
    assert alone.missed == ("reliability",)
    assert "fewer faces, more labelers" in verdict(alone)
    few = plan_study(PlanQuestion("rating", 30, USUAL, WantedPrecision(ceiling=0.02)))
    assert "ceiling" in few.missed
    assert "more repeats, more faces" in verdict(few)
    asked = plan_study(PlanQuestion("comparison", 100, USUAL, labelers=3, trials=60))
    assert asked.chosen == PlannedDesign("comparison", 3, 100, 60, 0.1)
    assert "Not precise enough" in verdict(asked)


def test_that_people_help_where_taste_is_private_and_answers_where_it_is_noise() -> None:
    design = PlannedDesign("comparison", 4, 90, 300)
    private, noisy = AnswerVariances(0.2, 0.7), AnswerVariances(0.2, 0.0)
    assert better_for_consensus(one_more(design), private) == "one labeler"
    one, fifty = one_more(design)[1:]
    now = reliability(design, noisy).value
    # the same answers are worth the same, whoever gives them, where nobody has a taste of their own
    each = [(reliability(more.design, noisy).value - now) / more.added for more in (one, fifty)]
    assert each[0] == pytest.approx(each[1], rel=0.15)


def test_that_no_plan_asks_for_more_pairs_than_faces_of_a_fold_make() -> None:
    # 40 faces in seven folds: five of six faces and two of five, of which a tenth is repeated
    assert most_trials(PlannedDesign("comparison", 4, 40, 1, 0.0)) == 5 * 15 + 2 * 10
    assert most_trials(PlannedDesign("comparison", 4, 40, 1, 0.1)) == 105
    assert most_trials(PlannedDesign("rating", 4, 40, 1, 0.2)) == 50
    for design in frontier("comparison", 40, AnswerVariances(0.3, 0.3), WantedPrecision()):
        assert design.trials <= 105


def test_that_no_more_is_advised_than_can_be_asked() -> None:
    done = PlannedDesign("rating", 5, 40, 44, 4 / 44)
    assert [each.added for each in one_more(done)] == [0, 44, 0]
    told = advice(FittedAnswers("smart", "rating", USUAL, done, 2.0, ""))
    assert "Everybody has rated every face already." in told
    assert "more answers" not in told
    nearly = PlannedDesign("rating", 5, 40, 30, 0.0)
    assert one_more(nearly)[2].added == 5 * 10
    assert "10 more answers of everybody (50 trials)" in advice(
        FittedAnswers("smart", "rating", USUAL, nearly, 2.0, "")
    )
    pairs = PlannedDesign("comparison", 3, 5, 10, 0.0)
    assert one_more(pairs)[2].added == 0
    assert "compared every pair" in advice(
        FittedAnswers("smart", "comparison", USUAL, pairs, 2.0, "")
    )


def test_that_what_is_not_known_yet_is_told_in_words() -> None:
    """Who repeated no trial tells nothing of their noise; with fifty more they repeat some."""
    few = PlannedDesign("comparison", 6, 58, 90, 0.025)
    told = advice(FittedAnswers("warm", "comparison", AnswerVariances(0.0, 0.75), few, 2.0, ""))
    assert "?" not in told
    assert "points instead of not at all" in told


def _answers(variances: AnswerVariances, labelers: int, faces: int, again: int) -> pd.DataFrame:
    """Ratings as `Study.ratings()` has them, of planted variances; some faces rated twice."""
    rng = np.random.default_rng(7)
    shared = rng.normal(size=faces) * np.sqrt(variances.shared)
    lines = []
    for labeler in range(labelers):
        taste = shared + rng.normal(size=faces) * np.sqrt(variances.private)
        for place, face in enumerate([*range(faces), *range(again)]):
            raw = float(taste[face] + rng.normal() * np.sqrt(variances.noise))
            lines.append((f"L{labeler}", f"f{face:03d}", raw, float(place), place >= faces))
    frame = pd.DataFrame(lines, columns=["labeler", "image", "raw", "onset", "second"])
    return frame.assign(
        trial=[f"t{n}" for n in range(len(frame))], session=frame["labeler"],
        order=frame["onset"].astype(int), attribute="smart", value=2, seconds=2.0,
        source="labeled", repeat_of=None, drawn=1, strategy="random", dropped_frames=0.0,
    )  # fmt: skip


def test_that_a_study_tells_its_variances_and_what_to_add() -> None:
    planted = AnswerVariances(0.4, 0.3, 0.0)
    ratings = _answers(planted, 5, 60, 15)
    none = ratings.iloc[:0].assign(left="", right="", outcome="").drop(columns=["image", "raw"])
    (found,) = outcome(fit_study(none, ratings))
    assert found.kind == "rating"
    assert found.now == PlannedDesign("rating", 5, 60, 75, 0.2)
    assert found.seconds == pytest.approx(2.0)
    assert found.variances is not None
    assert found.variances.shared == pytest.approx(0.4, abs=0.2)
    assert found.variances.private == pytest.approx(0.3, abs=0.1)
    assert "Everybody has rated every face already." in advice(found)
    fewer = replace(found, now=PlannedDesign("rating", 5, 200, 75, 0.2))
    assert "one more labeler changes neither" in advice(fewer)


def test_that_a_plan_becomes_the_protocol_and_leaves_the_rest_of_it(
    make_study: MakeStudy,
) -> None:
    plan = PlannedTrials("comparison", 301, 0.2, 8, 100)
    alone = planned_protocol(plan)
    assert [(block.kind, block.trials) for block in alone.blocks] == [("comparison", 301)]
    assert alone.repeats.share == 0.2
    blocks = (
        BlockRules(name="A", kind="comparison", trials=100, instructions="First these."),
        BlockRules(name="R", kind="rating", trials=40),
        BlockRules(name="B", kind="comparison", trials=50),
    )
    before = Protocol(seed=7, blocks=blocks)
    after = planned_protocol(plan, before)
    assert [block.trials for block in after.blocks] == [201, 40, 100]
    assert (after.seed, after.blocks[0].instructions) == (7, "First these.")
    both = planned_protocol(replace(plan, kind="rating"), alone)
    assert [(block.kind, block.trials) for block in both.blocks] == [
        ("comparison", 301), ("rating", 301),
    ]  # fmt: skip
    study = make_study(images=4, labelers=1, comparisons=0, ratings=0)
    assert "asked for 301 comparison trials" in follow_plan(study, plan)[1]
    assert study.targets() == {"comparison": 301}
    study.put_protocol(before.toml())
    assert "new version of the protocol" in follow_plan(study, plan)[1]
    stored = study.protocol()
    assert stored is not None
    assert parse_protocol(stored.text) == after
    assert len(study.protocols()) == 2
