"""Words that nobody labeled: they are checked by attributes that a run never heard of."""

from collections.abc import Callable

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import outcome
from prism_desktop.engine.experiments.kshot import narrowed
from prism_desktop.engine.experiments.word_report import (
    CheckedWord,
    WordArguments,
    WordReport,
    told_words,
    word_report,
)
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.engine.study.store import Study
from tests.fixtures.runs import MakeRun
from tests.fixtures.study import MakeStudy


def test_that_a_check_leaves_the_attribute_out_and_keeps_every_face_in_its_split(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study)
    with narrowed(run, run.meta().codes, ("smart",)) as source:
        assert source.meta().names == ("smart",)
        assert set(source.table("pairs")["attribute"]) == {"smart"}
        assert set(source.table("ratings")["attribute"]) == {"smart"}
        kept, whole = source.table("images"), run.table("images")
        assert dict(zip(kept["image"], kept["split"], strict=True)) == dict(
            zip(whole["image"], whole["split"], strict=True)
        )
        assert source.meta().counts.attributes == 1


def test_that_runs_that_read_no_words_refuse_in_one_sentence(
    tiny_study: Study, make_run: MakeRun
) -> None:
    run = make_run(tiny_study, method="hierarchical-bayes", compare=False, baselines="none")
    with pytest.raises(InputError, match="does not read text"):
        outcome(word_report(WordArguments(run=run.path, words=("kind",))))


def test_that_what_was_not_checked_is_said() -> None:
    blank = CheckedWord(attribute="smart", trained=Accuracy(accuracy=0.7, n=300))
    assert "not checked yet" in told_words(WordReport(checks=(blank,)))
    assert WordReport(checks=(blank,)).unchecked == ("smart",)
    few = blank.model_copy(update={"word": Accuracy(accuracy=0.6, low=0.4, high=0.8, n=20)})
    assert "smart too few to tell: 60.0%" in told_words(WordReport(checks=(few,)))


@pytest.mark.soak
def test_that_each_attribute_is_asked_of_a_run_that_never_heard_of_it(
    make_study: MakeStudy, make_run: MakeRun, train_here: Callable[..., object]
) -> None:
    study = make_study(images=28, labelers=2, comparisons=40, ratings=0)
    run = make_run(study, method="consensus", epochs=1, baselines="none")
    train_here(run)
    asked = WordArguments(run=run.path, words=("kind",))
    before = outcome(word_report(asked))
    assert before.unchecked == ("attractive", "smart")
    assert [link.attribute for link in before.links] == ["attractive", "smart"]
    after = outcome(word_report(asked.model_copy(update={"train": True})))
    assert after.unchecked == ()
    assert outcome(word_report(asked)) == after  # the runs are there now
    for check in after.checks:
        assert check.word.n == check.trained.n == check.less.n
        apart = (check.word.accuracy or 0) - (check.trained.accuracy or 0)
        assert check.less.difference == pytest.approx(apart)
    with pytest.raises(InputError, match="Somebody labeled smart"):
        outcome(word_report(WordArguments(run=run.path, words=("smart",))))
