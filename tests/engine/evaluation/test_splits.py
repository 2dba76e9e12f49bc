"""Splits keep what they promise, whatever the answers are."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prism_desktop.engine.config import PairsConfig, SplitConfig
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.comparison_graph import partition
from prism_desktop.engine.evaluation.pairs import pairs_from_comparisons
from prism_desktop.engine.evaluation.splits import PairSet, assign, make_pairs
from prism_desktop.engine.study.folds import assign_folds
from tests.engine.evaluation import fabricate

KEPT = ("train", "val", "test")
NO_RATINGS = fabricate.ratings([])


def split(
    kind: str, seed: int, within: bool = False, use: str = "comparisons", fold: int = 0, **more: int
) -> PairSet:
    frame = fabricate.random_comparisons(300, 70, seed, within_folds=within)
    config = SplitConfig(kind=kind, seed=seed, fold=fold, **more)
    rated = fabricate.random_ratings(60, 70, seed)
    return make_pairs(frame, rated, fabricate.images(70), config, PairsConfig(use=use))


def pair_keys(pairs: pd.DataFrame) -> pd.Series:
    ends = np.sort(pairs[["left", "right"]].to_numpy(dtype=object), axis=1)
    return pd.Series(ends[:, 0] + "|" + ends[:, 1], index=pairs.index)


def whose(pairs: pd.DataFrame) -> pd.Series:
    return pairs["labeler"].astype("str")


def shared(keys: pd.Series, splits: pd.Series) -> int:
    """How many keys occur in more than one of train, val and test."""
    kept = splits.isin(KEPT)
    found = pd.DataFrame({"key": keys[kept], "split": splits[kept]}).drop_duplicates()
    return int(found.duplicated("key").sum())


seeds = st.integers(0, 10_000)
uses = st.sampled_from(["comparisons", "ratings", "both"])


@settings(max_examples=15, deadline=None)
@given(seed=seeds, within=st.booleans(), use=uses)
def test_that_the_image_split_shares_no_image(seed: int, within: bool, use: str) -> None:
    made = split("image", seed, within, use)
    both = pd.concat([made.pairs["left"], made.pairs["right"]], ignore_index=True)
    assert shared(both, pd.concat([made.pairs["split"]] * 2, ignore_index=True)) == 0
    placed = made.images.set_index("image")["split"]
    kept = made.pairs[made.pairs["split"].isin(KEPT)]
    assert (kept["left"].map(placed) == kept["split"]).all()


@settings(max_examples=10, deadline=None)
@given(seed=seeds, use=uses)
def test_that_the_pair_split_shares_no_pair_over_labelers_and_attributes(
    seed: int, use: str
) -> None:
    pairs = split("pair", seed, use=use).pairs
    assert shared(pair_keys(pairs), pairs["split"]) == 0


@settings(max_examples=10, deadline=None)
@given(seed=seeds, use=uses)
def test_that_the_labeler_split_shares_no_labeler(seed: int, use: str) -> None:
    pairs = split("labeler", seed, use=use, shots=0).pairs
    assert shared(pairs["labeler"], pairs["split"]) == 0


@settings(max_examples=10, deadline=None)
@given(seed=seeds, shots=st.integers(1, 30))
def test_that_shots_move_only_a_held_out_labelers_first_answers(seed: int, shots: int) -> None:
    pairs = split("labeler", seed, shots=shots).pairs
    held = pairs[pairs["labeler"].isin(pairs.loc[pairs["split"] == "test", "labeler"])]
    assert (held.loc[held["split"] == "train", "order"] < shots).all()
    assert (held.loc[held["split"] == "test", "order"] >= shots).all()
    assert shared(whose(pairs) + pair_keys(pairs), pairs["split"]) == 0


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_that_the_time_split_never_trains_on_what_came_later(seed: int) -> None:
    pairs = split("time", seed).pairs
    for _, mine in pairs.groupby("labeler"):
        order = {name: mine.loc[mine["split"] == name, "order"] for name in KEPT}
        assert order["train"].max() < order["val"].min()
        assert order["val"].max() < order["test"].min()
    assert shared(whose(pairs) + pair_keys(pairs), pairs["split"]) == 0


@settings(max_examples=10, deadline=None)
@given(seed=seeds, kind=st.sampled_from(["image", "pair", "label"]), use=uses)
def test_that_a_repeat_stays_with_its_original(seed: int, kind: str, use: str) -> None:
    pairs = split(kind, seed, use=use).pairs
    assert (
        shared(whose(pairs) + pairs["attribute"].astype("str") + pair_keys(pairs), pairs["split"])
        == 0
    )


@pytest.mark.parametrize("kind", ["image", "pair", "label", "labeler"])
def test_that_over_all_folds_every_answer_is_tested_once(kind: str) -> None:
    folds = split(kind, 1, within=True).report.folds
    tested = [
        split(kind, 1, within=True, fold=fold, shots=0).pairs["split"] == "test"
        for fold in range(folds)
    ]
    assert (sum(part.astype(int) for part in tested) == 1).all()


def test_that_folds_of_a_parted_graph_test_no_answer_twice() -> None:
    folds = split("image", 1).report.folds
    tested = [split("image", 1, fold=fold).pairs["split"] == "test" for fold in range(folds)]
    assert sum(part.astype(int) for part in tested).max() == 1


def test_that_pairs_drawn_within_folds_lose_nothing() -> None:
    report = split("image", 0, within=True).report
    assert (report.method, report.straddling) == ("folds", 0)


def test_that_a_parted_graph_keeps_more_than_chance_and_reports_the_rest() -> None:
    made = split("image", 0)
    total = len(made.pairs)
    assert made.report.method == "min-cut"
    assert made.report.counts["test"] > 2 * 0.15**2 * total
    assert made.report.straddling == (made.pairs["split"] == "dropped").sum() > 0
    assert made.report.warning


def test_that_separate_components_are_kept_whole() -> None:
    rows = [
        (f"L{k % 3}", f"i{4 * g + p:03}", f"i{4 * g + q:03}", "a", "left")
        for g in range(17)
        for k, (p, q) in enumerate([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)])
    ]
    made = make_pairs(fabricate.comparisons(rows), NO_RATINGS, fabricate.images(68))
    assert made.report.method == "components"
    assert made.report.straddling == 0
    assert min(made.report.counts[name] for name in KEPT) > 0


@pytest.mark.parametrize("kind", ["pair", "label"])
def test_that_shares_are_kept_within_each_labeler(kind: str) -> None:
    pairs = split(kind, 3).pairs
    shares = pd.crosstab(pairs["labeler"], pairs["split"], normalize="index")
    assert shares["train"].between(0.6, 0.8).all()
    assert shares["test"].between(0.08, 0.22).all()


def test_that_the_label_split_warns() -> None:
    assert "says nothing about new faces" in str(split("label", 0).report.warning)


def test_that_a_split_depends_on_nothing_but_its_seed() -> None:
    pd.testing.assert_frame_equal(split("image", 5).pairs, split("image", 5).pairs)
    assert (
        not split("pair", 5)
        .pairs["split"]
        .equals(
            assign(split("pair", 5).pairs, fabricate.images(70), SplitConfig(kind="pair", seed=6))[
                0
            ]["split"]
        )
    )


def test_that_an_empty_split_is_one_sentence_before_training() -> None:
    frame = fabricate.comparisons([("L1", "i000", "i007", "a", "left")])
    with pytest.raises(InputError, match="leaves no pairs to train on"):
        make_pairs(frame, NO_RATINGS, fabricate.images(14))


def test_that_no_answers_are_one_sentence() -> None:
    with pytest.raises(InputError, match="no ratings that differ"):
        make_pairs(fabricate.comparisons([]), NO_RATINGS, fabricate.images(14))


def test_that_too_few_labelers_and_a_fold_too_many_are_told() -> None:
    pairs = pairs_from_comparisons(fabricate.random_comparisons(50, 20, 0, labelers=2))
    with pytest.raises(InputError, match="at least three labelers"):
        assign(pairs, fabricate.images(20), SplitConfig(kind="labeler"))
    with pytest.raises(InputError, match="no fold 7"):
        assign(pairs, fabricate.images(20), SplitConfig(fold=7))


def test_that_ratings_help_training_but_comparisons_alone_are_tested() -> None:
    pairs = split("image", 2, within=True, use="both").pairs
    assert set(pairs.loc[pairs["source"] == "rating", "split"]) == {"train"}
    trained = pairs[pairs["split"] == "train"]
    weight = trained.pivot_table(
        index=["labeler", "attribute"], columns="source", values="weight", aggfunc="sum"
    )
    rated = weight.dropna()
    assert len(rated) == 6
    assert (rated["rating"] <= rated["comparison"] * 1.001).all()


def test_that_a_labeler_who_only_rated_is_tested_on_ratings() -> None:
    frame = fabricate.random_comparisons(200, 70, 0, within_folds=True)
    frame = frame[frame["labeler"] != "L0"]
    made = make_pairs(
        frame,
        fabricate.random_ratings(60, 70, 0),
        fabricate.images(70),
        None,
        PairsConfig(use="both"),
    )
    tested = made.pairs[made.pairs["split"] == "test"]
    assert set(tested.loc[tested["labeler"] == "L0", "source"]) == {"rating"}
    assert set(tested.loc[tested["labeler"] != "L0", "source"]) == {"comparison"}


@pytest.mark.parametrize("kind", ["image", "pair", "labeler", "time", "label"])
@pytest.mark.parametrize("raters", [3, 7])
@pytest.mark.parametrize("fold", [0, 1])
def test_that_ratings_leave_every_comparison_in_its_split(
    kind: str, raters: int, fold: int
) -> None:
    if kind == "time" and fold:
        return
    compared = fabricate.random_comparisons(300, 70, 0, within_folds=True)
    rated = fabricate.random_ratings(60, 70, 0, labelers=raters)
    config = SplitConfig(kind=kind, fold=fold)
    alone, both = (
        make_pairs(compared, rated, fabricate.images(70), config, PairsConfig(use=use)).pairs
        for use in ("comparisons", "both")
    )
    both = both[both["source"] == "comparison"]
    where = [
        frame.set_index(["trial", "attribute"])["split"].sort_index() for frame in (alone, both)
    ]
    assert where[0].equals(where[1])


def test_that_whoever_only_rated_is_held_out_once_over_all_folds_of_labelers() -> None:
    compared = fabricate.random_comparisons(300, 70, 0)
    rated = fabricate.random_ratings(60, 70, 0, labelers=7)
    tested: list[str] = []

    def held(fold: int) -> PairSet:
        options = SplitConfig(kind="labeler", fold=fold), PairsConfig(use="both")
        return make_pairs(compared, rated, fabricate.images(70), *options)

    for made in [held(fold) for fold in range(held(0).report.folds)]:
        held_out = made.pairs.loc[made.pairs["split"] == "test", "labeler"]
        tested += sorted(set(held_out))
    assert sorted(tested) == [f"L{number}" for number in range(7)]


def test_that_auto_takes_ratings_only_where_nothing_was_compared() -> None:
    assert set(split("image", 0, use="auto").pairs["source"]) == {"comparison"}
    rated = make_pairs(
        fabricate.comparisons([]), fabricate.random_ratings(60, 70, 0), fabricate.images(70)
    )
    assert set(rated.pairs["source"]) == {"rating"}
    assert rated.report.method == "folds"


def test_that_auto_keeps_a_labeler_who_only_rated() -> None:
    compared = fabricate.random_comparisons(600, 70, 0, labelers=3, within_folds=True)
    rated = fabricate.random_ratings(60, 70, 0)  # of L0, L1 and L2
    images = fabricate.images(70)
    assert set(make_pairs(compared, rated, images).pairs["source"]) == {"comparison"}
    without = compared[compared["labeler"] != "L1"]
    made = make_pairs(without, rated, images).pairs
    tested = made[made["split"] == "test"]
    assert set(tested["labeler"]) == {"L0", "L1", "L2"}
    assert set(tested.loc[tested["labeler"] != "L1", "source"]) == {"comparison"}


def test_that_shares_which_the_stored_folds_overrule_are_said() -> None:
    frame, images = (
        fabricate.random_comparisons(600, 70, 0, within_folds=True),
        fabricate.images(70),
    )
    assert make_pairs(frame, NO_RATINGS, images).notices == ()
    (notice,) = make_pairs(frame, NO_RATINGS, images, SplitConfig(train=0.5)).notices
    assert "5 of them train" in notice
    assert "split.train" in notice


def test_that_images_added_later_are_in_the_part_of_their_fold() -> None:
    """Images without answers, so that nothing depends on when they are answered about."""
    frame = fabricate.random_comparisons(300, 70, 0, within_folds=True)
    made = make_pairs(frame, NO_RATINGS, fabricate.images(84), SplitConfig(fold=2))
    of_fold = dict.fromkeys(range(7), "train") | {2: "test", 3: "val"}
    assert made.images["split"].tolist() == [of_fold[number % 7] for number in range(84)]
    last = make_pairs(frame, NO_RATINGS, fabricate.images(84), SplitConfig(fold=6)).images["split"]
    assert (last[6], last[83], last[0], last[77], last[1]) == (
        "test",
        "test",
        "val",
        "val",
        "train",
    )


def test_that_images_in_no_pair_are_dealt_out_over_a_parted_graph() -> None:
    frame = fabricate.random_comparisons(300, 70, 0)
    made = make_pairs(
        frame, NO_RATINGS, fabricate.images(140), SplitConfig(train=0.7, val=0.1, fold=1)
    )
    assert made.report.folds == 5
    late = made.images["split"][70:].tolist()
    assert late == [{1: "test", 2: "val"}.get(number % 7 % 5, "train") for number in range(70, 140)]


def test_that_at_most_a_tenth_of_the_pairs_may_straddle_the_stored_folds() -> None:
    within = [("L1", f"i{n:03}", f"i{n + 7:03}", "a", "left") for n in range(63)]
    astride = [("L1", f"i{n:03}", f"i{n + 1:03}", "a", "left") for n in range(8)]
    for count, method in ((7, "folds"), (8, "min-cut")):
        rows = within + astride[:count]  # 7 of 70 are a tenth
        made = make_pairs(fabricate.comparisons(rows), NO_RATINGS, fabricate.images(70))
        assert made.report.method.replace("components", "min-cut") == method


def test_that_the_time_split_cuts_each_labelers_trials_at_the_shares() -> None:
    times = [("L1", f"i{n:03}", f"i{n + 1:03}", "a", "left") for n in range(20)]
    again = [("L1", "i001", "i000", "a", "left"), ("L2", "i000", "i001", "a", "left")]
    frame = fabricate.comparisons([*times, *again])
    config = SplitConfig(kind="time", train=0.7, val=0.15)
    with pytest.raises(InputError):  # L2's single answer trains, L1's are cut
        make_pairs(frame[21:], NO_RATINGS, fabricate.images(30), config)
    split_of = make_pairs(frame, NO_RATINGS, fabricate.images(30), config).pairs["split"].tolist()
    # Of 21: the first 15 are 0 to 14 / 21 < 0.7, then 15 to 17 < 0.85; the last repeats the first.
    assert split_of == [*["train"] * 15, *["val"] * 3, *["test"] * 2, "dropped", "train"]


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_that_labelers_are_held_out_by_the_shares_and_rated_ones_between_them(fold: int) -> None:
    compared = fabricate.random_comparisons(900, 70, 0, labelers=10)
    rated = fabricate.random_ratings(30, 70, 0, labelers=20)  # ten of them only rated
    config = SplitConfig(kind="labeler", fold=fold, train=0.7, val=0.1, shots=0)
    made = make_pairs(compared, rated, fabricate.images(70), config, PairsConfig(use="both"))
    parts = made.pairs.groupby("labeler")["split"].unique().map(list)
    assert made.report.folds == 5
    for some in (parts[[f"L{n}" for n in range(10)]], parts[[f"L{n}" for n in range(10, 20)]]):
        assert sorted(some) == [["test"]] * 2 + [["train"]] * 7 + [["val"]]


@pytest.mark.parametrize(("sizes", "first", "fold"), [
    ([0] * 7, 3, 3),  # where all are alike the image's own number decides
    ([0] * 7, 8, 1),
    ([1, 1, 0, 1, 1, 0, 1], 3, 5),  # the next of the emptiest, counted up from there
    ([1, 1, 0, 1, 1, 0, 1], 6, 2),
    ([1, 1, 0, 1, 1, 0, 1], 5, 5),
    ([5, 4, 5, 5, 3, 5, 5], 0, 4),
])  # fmt: skip
def test_that_a_late_image_gets_the_emptiest_fold(sizes: list[int], first: int, fold: int) -> None:
    image = f"{first:08x}" + "f" * 56
    assert assign_folds([image], sizes) == {image: fold}


def test_that_the_folds_of_late_images_do_not_depend_on_the_order_they_come_in() -> None:
    images = [f"{number * 2654435761 % 2**32:08x}" + "0" * 56 for number in range(1, 20)]
    assert assign_folds(images, [0] * 7) == assign_folds(images[::-1], [0] * 7)
    assert sorted(Counter(assign_folds(images, [2, 1, 1, 1, 1, 1, 1]).values()).values()) == [
        2, 2, 3, 3, 3, 3, 3,
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_that_a_graph_of_loosely_joined_groups_is_cut_between_them(seed: int) -> None:
    """14 groups of 8 images that were compared among
    themselves, each joined to the next by one comparison."""
    rng = np.random.default_rng(seed)
    rows = []
    for group in range(14):
        for _ in range(40):
            first, second = 8 * group + rng.choice(8, 2, replace=False)
            rows.append((f"L{rng.integers(3)}", f"i{first:03}", f"i{second:03}", "a", "left"))
        rows.append(("L0", f"i{8 * group:03}", f"i{8 * (group + 1) % 112:03}", "a", "left"))
    pairs = pairs_from_comparisons(fabricate.comparisons(rows))
    part, method = partition(pairs, 7, seed)
    left, right = pairs["left"].map(part), pairs["right"].map(part)
    assert method == "min-cut"
    assert (left != right).sum() <= 2 * 14
    held = np.bincount(left, minlength=7) + np.bincount(right, minlength=7)
    assert held.max() <= 1.1 * held.sum() / 7


def islands(labelers: str, pairs: int) -> pd.DataFrame:
    """Groups of images of as many answers each, the letters say whose; no answer joins two."""
    rows = [
        (labeler, f"{number}-{k}", f"{number}-{k + 1}", "a", "left")
        for number, labeler in enumerate(labelers)
        for k in range(pairs)
    ]
    return pairs_from_comparisons(fabricate.comparisons(rows))


def test_that_whole_groups_of_images_are_dealt_so_that_each_labeler_is_in_every_part() -> None:
    pairs = islands("ABAB", 3)
    placed, method = partition(pairs, 2)
    assert method == "components"
    parts = pairs["left"].map(placed)
    assert (parts == pairs["right"].map(placed)).all()
    assert parts.groupby(pairs["labeler"]).nunique().to_dict() == {"A": 2, "B": 2}


def test_that_a_group_of_images_a_tenth_larger_than_a_part_is_still_whole() -> None:
    both = islands("AB", 11)
    pairs = both.iloc[:20]  # 11 and 9 answers
    placed, method = partition(pairs, 2)
    assert method == "components"
    assert (pairs["left"].map(placed) == pairs["right"].map(placed)).all()
