"""Alpha, ICC, split halves, taste: published values, planted ones, and intervals that hold them."""

import numpy as np
import pandas as pd
import pytest

from prism_desktop.engine.evaluation.quality.attribute_reliability import (
    kind_reliability,
    krippendorff_alpha,
    split_half,
)
from prism_desktop.engine.evaluation.quality.shared_taste import shared_taste
from prism_desktop.engine.evaluation.quality.variance_components import components
from tests.soak import budget

# Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, four coders of twelve units
_CODERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]
_PLANTED = (0.4, 0.2, 0.25, 0.3)  # face, labeler, meeting, noise


def test_that_alpha_is_the_published_one() -> None:
    cells = [(unit, value) for row in _CODERS for unit, value in enumerate(row) if value]
    unit, value = np.array(cells).T
    found = krippendorff_alpha(unit, value.astype(float))
    assert found.value == pytest.approx(0.815, abs=0.0005)
    assert found.n == 40  # pairable values; the unit that one coder saw does not count
    assert found.low < found.value < found.high


def test_that_alpha_does_not_depend_on_which_face_of_a_pair_is_named_first() -> None:
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(40), 3)
    value = rng.integers(-1, 2, 120).astype(float)
    turned = np.where(rng.random(40) < 0.5, -1.0, 1.0)[unit]
    pairs = np.stack([2 * unit, 2 * unit + 1], axis=1)
    one = krippendorff_alpha(unit, value, pairs=pairs)
    other = krippendorff_alpha(unit, value * turned, pairs=pairs)
    assert one.value == pytest.approx(other.value, abs=1e-12)


def _compared(seed: int, faces: int, pairs: int, labelers: int = 12) -> tuple[np.ndarray, ...]:
    """Units, values and faces of pairs that all labelers compared."""
    rng = np.random.default_rng(seed)
    ends = np.stack([rng.permutation(faces)[:2] for _ in range(pairs)])
    shared = rng.normal(size=faces) * np.sqrt(0.6)
    taste = shared + rng.normal(size=(labelers, faces)) * np.sqrt(0.3)
    apart = taste[:, ends[:, 0]] - taste[:, ends[:, 1]]
    said = np.sign(apart + rng.normal(size=apart.shape) * np.sqrt(0.2))
    unit = np.tile(np.arange(pairs), labelers)
    return unit, said.ravel(), ends[unit]


def test_that_the_interval_of_alpha_is_as_wide_as_pairs_that_share_faces_make_it() -> None:
    found, alone = [], []
    for seed in range(80):
        unit, value, ends = _compared(seed, faces=20, pairs=70)
        found.append(krippendorff_alpha(unit, value, pairs=ends, resamples=60))
        apart = np.stack([2 * unit, 2 * unit + 1], axis=1)  # as if each pair had its own faces
        alone.append(krippendorff_alpha(unit, value, pairs=apart, resamples=60))
    spread = 3.92 * np.std([each.value for each in found])
    wide, narrow = (np.mean([e.high - e.low for e in some]) / spread for some in (found, alone))
    assert 0.8 < wide < 1.25
    assert narrow < 0.8


def _ratings(seed: int, faces: int = 100, labelers: int = 8) -> pd.DataFrame:
    """Half of all cells, a tenth of them twice."""
    rng = np.random.default_rng(seed)
    face, labeler, meeting, noise = np.sqrt(_PLANTED)
    f, u = rng.normal(0, face, faces), rng.normal(0, labeler, labelers)
    cell = f[:, None] + u + rng.normal(0, meeting, (faces, labelers))
    rows = [
        (f"f{i}", f"l{j}", cell[i, j] + rng.normal(0, noise))
        for i in range(faces)
        for j in range(labelers)
        if rng.random() < 0.5
        for _ in range(1 + (rng.random() < 0.1))
    ]
    table = pd.DataFrame(rows, columns=["left", "labeler", "value"])
    return table.assign(right=table["left"], kind="rating")


def _true() -> dict[str, float]:
    face, labeler, meeting, noise = _PLANTED
    single = face + meeting + noise
    return {
        "icc": face / (single + labeler), "shared": face / single, "private": meeting / single,
        "noise": noise / single, "beholder": meeting / (face + meeting),
    }  # fmt: skip


def test_that_the_components_of_full_data_are_those_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(30, 1)) + 0.5 * rng.normal(size=(1, 5)) + rng.normal(size=(30, 5))
    rows = pd.DataFrame(
        [(f"f{i}", f"l{j}", table[i, j]) for i in range(30) for j in range(5)],
        columns=["left", "labeler", "value"],
    )
    found = components(rows)
    assert found is not None
    rows_, columns = table.mean(1, keepdims=True), table.mean(0, keepdims=True)
    between = 5 * rows_.var(ddof=1)
    of_labelers = 30 * columns.var(ddof=1)
    rest = ((table - rows_ - columns + table.mean()) ** 2).sum() / (29 * 4)
    # Shrout and Fleiss, case 2
    single = (between - rest) / (between + 4 * rest + 5 * (of_labelers - rest) / 30)
    mean = (between - rest) / (between + (of_labelers - rest) / 30)
    assert found.icc().value == pytest.approx(single, abs=1e-3)
    assert found.icc(5).value == pytest.approx(mean, abs=1e-3)
    assert np.isnan(found.private().value)  # nothing was rated twice


def test_that_planted_components_are_found() -> None:
    found = components(_ratings(4, faces=150, labelers=16))
    assert found is not None
    for name, true in _true().items():
        estimate = getattr(found, name)()
        assert estimate.low < true < estimate.high
        assert estimate.high - estimate.low < 0.5


@pytest.mark.soak
def test_that_the_intervals_of_components_hold_the_truth() -> None:
    count = max(20, round(100 * budget.SCALE))
    held = dict.fromkeys(_true(), 0)
    for seed in range(count):
        found = components(_ratings(1000 * budget.SEED + seed))
        assert found is not None
        for name, true in _true().items():
            estimate = getattr(found, name)()
            held[name] += estimate.low <= true <= estimate.high
    assert all(times / count > 0.86 for times in held.values()), held


def _comparisons(seed: int, labelers: int = 6, faces: int = 80, pairs: int = 250) -> pd.DataFrame:
    """Tastes half shared, half private, with as much noise."""
    rng = np.random.default_rng(seed)
    all_see = rng.normal(size=faces)
    rows = []
    for labeler in range(labelers):
        sees = all_see + rng.normal(size=faces)
        left = rng.integers(faces, size=pairs)
        right = (left + rng.integers(1, faces, pairs)) % faces
        lead = sees[left] - sees[right] + rng.normal(0, 2, pairs)
        rows += [
            (f"l{labeler}", f"f{i}", f"f{j}", float(np.sign(each)))
            for i, j, each in zip(left, right, lead, strict=True)
        ]
    table = pd.DataFrame(rows, columns=["labeler", "left", "right", "value"])
    return table.assign(kind="comparison", attribute="smart")


def test_that_private_taste_is_told_from_shared_taste_without_repeats() -> None:
    found = [shared_taste(_comparisons(seed)) for seed in range(8)]
    held = [each.beholder.low < 0.5 < each.beholder.high for each in found]
    assert sum(held) >= 6
    assert np.mean([each.beholder.value for each in found]) == pytest.approx(0.5, abs=0.12)
    for each in found:
        assert each.shared.value + each.private.value + each.noise.value == pytest.approx(1)


def test_that_more_labelers_make_their_mean_more_reliable() -> None:
    rows = _comparisons(2)
    found = kind_reliability(rows, "comparison")
    assert found is not None
    curve = [each.value for _, each in found.enough]
    assert curve == sorted(curve)
    assert found.needed.low < found.needed.value < found.needed.high
    assert kind_reliability(rows[rows["labeler"] == "l0"], "comparison") is None


def test_that_halves_of_labelers_with_one_taste_and_no_noise_agree_fully() -> None:
    total = np.tile(np.arange(20.0), (4, 1))
    found = split_half(total, np.ones_like(total))
    assert found.value == pytest.approx(1)
    assert found.low == pytest.approx(1)


def test_that_halves_and_components_tell_the_same_reliability() -> None:
    rng = np.random.default_rng(5)
    table = 0.6 * rng.normal(size=(120, 1)) + rng.normal(size=(120, 8))
    rows = pd.DataFrame(
        [(f"f{i}", f"f{i}", f"l{j}", table[i, j]) for i in range(120) for j in range(8)],
        columns=["left", "right", "labeler", "value"],
    ).assign(kind="rating", attribute="smart")
    found = kind_reliability(rows, "rating")
    assert found is not None
    eight = dict(found.enough)[8]
    assert found.split_half.low < eight.value < found.split_half.high
    assert found.icc_mean.value == pytest.approx(eight.value, abs=0.03)


def test_that_labelers_who_share_no_face_say_nothing_of_shared_taste() -> None:
    own = _comparisons(1, labelers=4)
    apart = own.assign(
        left=own["labeler"] + own["left"],
        right=own["labeler"] + own["right"],
    )
    found = shared_taste(apart)
    assert found.shared.n == found.beholder.n == 0
    assert np.isnan(found.shared.value)
    assert shared_taste(own).shared.n == len(own)


def test_that_faces_seen_by_unequal_numbers_of_labelers_count_by_their_means() -> None:
    """One taste and no noise: halves agree fully, whoever saw which face how often."""
    rng = np.random.default_rng(4)
    count = rng.integers(1, 5, (6, 40)).astype(float)
    found = split_half(np.arange(40.0) * count, count)
    assert found.value == pytest.approx(1)
