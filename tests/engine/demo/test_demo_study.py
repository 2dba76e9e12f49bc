"""The demo study is a real study: both kinds of trials,
within folds, sides balanced, repeats swapped."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.demo import simulated_labelers
from prism_desktop.engine.demo.demo_study import build_demo, is_cut_off
from prism_desktop.engine.demo.faces import sample
from prism_desktop.engine.demo.ideal_accuracy import true_utilities
from prism_desktop.engine.demo.pair_schedule import Dealer, sided, with_repeats
from prism_desktop.engine.demo.simulated_labelers import design
from prism_desktop.engine.demo.simulation import Simulation
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Progress
from prism_desktop.engine.study.records import ImageRecord, TrialRecord
from prism_desktop.engine.study.store import Study


@pytest.fixture(scope="module")
def images() -> list[ImageRecord]:
    """600 images that are only named."""
    return [
        ImageRecord(f"{row:064x}", f"face-{row:04d}.jpg", Path("x"), 256, 256, row % 7, True, False)
        for row in range(600)
    ]


@pytest.fixture(scope="module")
def trials(images) -> dict[str, list[TrialRecord]]:
    return Simulation(images, sample(600, 0).standard(), design(), 0).run(
        simulated_labelers.labelers()
    )


def comparisons(trials: list[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.kind == "comparison"]


def test_that_counts_are_as_planted(trials):
    told = [trial for person in trials.values() for trial in person]
    assert 2_400 <= sum(trial.kind == "comparison" for trial in told) <= 2_600
    assert 1_450 <= sum(trial.kind == "rating" for trial in told) <= 1_550
    for labeler in simulated_labelers.labelers():
        kinds = Counter(trial.kind for trial in trials[labeler.code])
        assert kinds == {"comparison": labeler.comparisons, "rating": labeler.ratings}
    assert len({trial.id for trial in told}) == len(told)


def test_that_simulating_again_gives_the_same_trials(images, trials):
    again = Simulation(images, sample(600, 0).standard(), design(), 0).run(
        simulated_labelers.labelers()
    )
    assert again == trials


def test_that_every_trial_answers_all_attributes(trials):
    for person in trials.values():
        for trial in person:
            assert trial.answers.keys() == {"attractive", "smart", "trustworthy"}


def test_that_pairs_lie_within_folds(images, trials):
    folds = {image.id: image.fold for image in images}
    for person in trials.values():
        assert all(folds[trial.left] == folds[trial.right] for trial in comparisons(person))


def test_that_a_tenth_are_repeats_with_swapped_sides_after_a_while(trials):
    for person in trials.values():
        places = {trial.id: place for place, trial in enumerate(person)}
        sequence = comparisons(person)
        known = {trial.id: trial for trial in person}
        repeats = [trial for trial in sequence if trial.repeat_of is not None]
        assert len(repeats) == pytest.approx(0.1 * len(sequence), abs=1)
        order = {trial.id: place for place, trial in enumerate(sequence)}
        for trial in repeats:
            first = known[trial.repeat_of]
            assert (trial.left, trial.right) == (first.right, first.left)
            assert places[first.id] < places[trial.id]
            assert order[trial.id] - order[first.id] > design().repeat_lag


def test_that_no_pair_comes_twice_except_as_a_repeat(trials):
    for person in trials.values():
        pairs = [
            frozenset((trial.left, trial.right))
            for trial in comparisons(person)
            if trial.repeat_of is None
        ]
        assert len(set(pairs)) == len(pairs)


def test_that_labelers_share_pairs_so_that_agreement_can_be_seen(trials):
    seen = {
        code: {frozenset((t.left, t.right)) for t in comparisons(person)}
        for code, person in trials.items()
    }
    assert len(seen["L1"] & seen["L2"]) > 150
    assert len(seen["L1"] & seen["L6"]) > 30


def test_that_faces_are_shown_on_both_sides_alike(trials):
    for person in trials.values():
        lead: Counter[str] = Counter()
        for trial in comparisons(person):
            if trial.repeat_of is None:
                lead[trial.left] += 1
                lead[trial.right] -= 1
        assert max(abs(count) for count in lead.values()) <= 2


def test_that_answers_follow_the_true_utilities_as_ideal_accuracies_say(trials, images):
    from prism_desktop.engine.demo.ideal_accuracy import ideal_accuracies

    rows = {image.id: row for row, image in enumerate(images)}
    utilities = true_utilities()
    ideal = {(row.labeler, row.attribute): row.personal for row in ideal_accuracies(pairs=10_000)}
    for code in ("L1", "L3", "L5"):
        for attribute, utility in utilities[code].items():
            told = [
                (t, t.answers[attribute])
                for t in comparisons(trials[code])
                if t.answers[attribute] != "tie"
            ]
            right = [
                (utility[rows[t.left]] > utility[rows[t.right]]) == (answer == "left")
                for t, answer in told
            ]
            assert np.mean(right) == pytest.approx(ideal[code, attribute], abs=0.06)


def test_that_close_pairs_take_longer(trials, images):
    rows = {image.id: row for row, image in enumerate(images)}
    utility = true_utilities()["L1"]
    told = comparisons(trials["L1"])
    clear = [min(abs(u[rows[t.left]] - u[rows[t.right]]) for u in utility.values()) for t in told]
    seconds = np.array([t.seconds for t in told])
    assert seconds.min() > 0.3
    assert np.corrcoef(clear, np.log(seconds))[0, 1] < -0.1


def test_that_sessions_are_sittings_in_order_without_overlap(trials):
    for person in trials.values():
        last: dict[str, float] = {}
        kinds: dict[str, str] = {}
        for place, trial in enumerate(person):
            assert trial.onset > last.get(trial.session, 0)
            assert kinds.setdefault(trial.session, trial.kind) == trial.kind
            last[trial.session] = trial.onset + trial.seconds
            assert place == 0 or trial.onset > person[place - 1].onset


def test_that_a_dealer_shows_every_image_equally_often():
    dealer = Dealer([row % 7 for row in range(70)], np.random.default_rng(0))
    shown = Counter(row for pair in dealer.deal(140, set()) for row in pair)
    assert max(shown.values()) - min(shown.values()) <= 2


def test_that_a_dealer_stops_when_every_pair_was_dealt():
    assert len(Dealer([0, 0, 0, 1, 1], np.random.default_rng(0)).deal(50, set())) == 4


def test_that_repeats_of_a_short_sequence_still_come_later():
    shown = with_repeats(
        sided([(0, 1), (2, 3), (4, 5)], np.random.default_rng(0)), 1, 20, np.random.default_rng(0)
    )
    assert len(shown) == 4
    assert all(trial.again is None or trial.again < place for place, trial in enumerate(shown))


def test_that_a_small_demo_is_a_study_with_everything(tmp_path):
    events = list(build_demo(tmp_path / "demo.prism", images=42, scale=0.1, workers=0))
    assert isinstance(events[0], Progress)
    assert events[-1] == Done(tmp_path / "demo.prism")
    with Study.open(tmp_path / "demo.prism") as study:
        info = study.info()
        assert (info.images, info.labelers, info.attributes) == (42, 6, 3)
        assert info.simulated
        assert info.comparison_trials == pytest.approx(249, abs=3)
        assert info.rating_trials == pytest.approx(150, abs=3)
        assert all(labeler.simulated for labeler in study.labelers())
        assert study.attributes()[1].question == "Which face looks smarter?"
        assert [image.name for image in study.images()][:2] == ["face-0001.jpg", "face-0002.jpg"]
        assert all(image.path.is_file() and image.copied for image in study.images())
        assert set(study.comparisons()["source"]) == {"simulated"}


def test_that_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError):
        list(build_demo(tmp_path, images=7, workers=0))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("after", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_that_a_demo_that_was_cut_off_is_finished(tmp_path: Path, after: int) -> None:
    folder = tmp_path / "demo.prism"
    work = build_demo(folder, images=60, scale=0.05, workers=0)
    for _ in range(after + 2):
        next(work)
    work.close()
    assert is_cut_off(folder)
    list(build_demo(folder, images=60, scale=0.05, workers=0))
    assert not is_cut_off(folder)
    with Study.open(folder) as study:
        assert len(study.images()) == 60
        assert study.trials()
        assert study.check() == []
    with pytest.raises(InputError, match="a study in"):
        list(build_demo(folder, images=60, scale=0.05, workers=0))


def test_that_an_empty_study_is_no_demo_that_was_cut_off(tmp_path: Path) -> None:
    with Study.create(tmp_path / "mine.prism"):
        pass
    assert not is_cut_off(tmp_path / "mine.prism")
