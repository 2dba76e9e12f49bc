"""A model that grows while somebody labels: nothing is foretold that it has learned from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.adaptation.growing_taste import GrowingTaste, taste_of
from prism_desktop.engine.adaptation.growth import Growth, GrowthArguments, growth_in_worker
from prism_desktop.engine.adaptation.head_fitter import HeadFitter
from prism_desktop.engine.adaptation.trial_planning import open_best
from prism_desktop.engine.models.heads.bayes import BayesHeads
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.store import Study
from tests.engine.adaptation.test_next_trials import Train, last
from tests.fixtures.runs import MakeRun


@pytest.fixture
def bayes_run(tiny_study: Study, make_run: MakeRun, train_here: Train) -> RunFolder:
    made = make_run(tiny_study, method="hierarchical-bayes", compare=False, labelers=("L1", "L2"))
    train_here(made)
    return made


def grown(study: Study, labeler: str, compared: pd.DataFrame, rated: pd.DataFrame) -> GrowingTaste:
    opened = last(open_best(study.path))
    assert opened is not None
    made = GrowingTaste(*opened, labeler)
    last(made.follow(compared, rated))
    return made


def test_that_each_new_question_is_foretold_once_and_only_from_what_was_said_before(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    compared = tiny_study.comparisons("L3")
    none = tiny_study.ratings("L3").iloc[:0]
    made = grown(tiny_study, "L3", compared, none)
    pairs = compared.apply(lambda row: (row["attribute"], *sorted((row["left"], row["right"]))), 1)
    assert len(made.foretold) == pairs.nunique()
    assert made.accuracy().n == len(made.foretold)
    end = str(compared.sort_values("onset")["trial"].iloc[-1])
    turned = compared.assign(
        outcome=compared["outcome"].astype(str).where(
            compared["trial"].astype(str) != end,
            compared["outcome"].astype(str).map({"left": "right", "right": "left", "tie": "tie"}),
        )
    )  # fmt: skip
    other = grown(tiny_study, "L3", turned, none)
    before = [hit for hit in made.foretold if hit[0] != end]
    assert [hit for hit in other.foretold if hit[0] != end] == before
    for one, two in zip(made.foretold, other.foretold, strict=True):
        assert one == two or (one[0] == end and one[1] + two[1] == 1)


def test_that_a_question_that_was_asked_before_is_not_foretold_however_many_come_at_once(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    compared = tiny_study.comparisons("L3")
    again = compared.assign(
        trial="again " + compared["trial"].astype(str), onset=compared["onset"].max() + 9.0
    )
    none = tiny_study.ratings("L3").iloc[:0]
    made = grown(tiny_study, "L3", pd.concat([compared, again], ignore_index=True), none)
    assert made.foretold == grown(tiny_study, "L3", compared, none).foretold


def test_that_answers_which_the_run_learned_from_are_not_foretold(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    told = last(taste_of(GrowthArguments(study=tiny_study.path, labeler="L1"), None))
    assert told is not None
    assert told[1].accuracy is None
    assert told[1].answers > 0


def test_that_it_goes_on_where_it_was_and_forgets_what_was_taken_back(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    compared, rated = tiny_study.comparisons("L3"), tiny_study.ratings("L3")
    trials = list(compared.sort_values("onset")["trial"].unique())
    some = compared[compared["trial"].isin(trials[:-4])]
    made = grown(tiny_study, "L3", some, rated.iloc[:0])
    first = list(made.foretold)
    last(made.follow(compared, rated.iloc[:0]))
    assert made.foretold[: len(first)] == first
    assert {trial for trial, _ in made.foretold[len(first) :]} <= set(trials[-4:])
    last(made.follow(compared[compared["trial"] != trials[0]], rated.iloc[:0]))
    assert trials[0] not in {trial for trial, _ in made.foretold}


def test_that_ratings_are_foretold_by_the_order_of_faces(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    compared, rated = tiny_study.comparisons("L3"), tiny_study.ratings("L3")
    made = grown(tiny_study, "L3", compared.iloc[:0], rated)
    assert 0 < len(made.foretold) < len(rated)
    assert all(0 <= hit <= 1 for _, hit in made.foretold)


def test_that_more_answers_bring_most_where_least_is_known(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    """By a prior of labelers who differ much; those of the tiny study do not."""
    opened = last(open_best(tiny_study.path))
    assert opened is not None
    run, fitter = opened
    assert isinstance(fitter, HeadFitter)
    heads = fitter.loaded.heads
    assert isinstance(heads, BayesHeads)
    wide = replace(heads.prior, covariance=4 * np.eye(len(heads.prior.mean)))
    loaded = replace(fitter.loaded, heads=replace(heads, prior=wide))
    compared, rated = tiny_study.comparisons("L3"), tiny_study.ratings("L3")
    found = []
    for part in (compared.iloc[:0], compared):
        made = GrowingTaste(run, replace(fitter, loaded=loaded), "L3")
        last(made.follow(part, rated.iloc[:0]))
        found.append(made.more())
    nothing, much = found
    assert nothing is not None
    assert much is not None
    assert nothing.low > 0
    assert 0 < much.value < nothing.value


def test_that_another_process_tells_it_and_nothing_without_such_a_run(
    bayes_run: RunFolder, tiny_study: Study
) -> None:
    told = last(growth_in_worker(tiny_study.path, "L3"))
    assert isinstance(told, Growth)
    assert told.run == bayes_run.name
    assert told.accuracy is not None
    assert f"n {told.accuracy.n:,}" in told.told()
    assert "before it had learned from it" in told.explained()
