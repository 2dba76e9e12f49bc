"""Which own texts are read before a prompt."""

import numpy as np
import pytest

from prism_desktop.engine.writing.example_choice import (
    best_examples,
    bm25,
    fused,
    prompt_words,
)

PAIRS = [
    ("when is the train", "at nine"),
    ("where is the cat", "outside"),
    ("is the train late", "no"),
    ("train late again", "the secret answer"),
]


def test_that_the_latest_come_by_recency_and_the_best_is_last() -> None:
    assert best_examples("recency", 3, [0, 1, 2], PAIRS, {}, 2) == [1, 2]
    assert best_examples("recency", 3, [0, 1, 2], PAIRS, {}, 0) == []
    assert best_examples("recency", 3, [0], PAIRS, {}, 5) == [0]


def test_that_bm25_prefers_rare_shared_words_and_similarity_the_nearest_prompt() -> None:
    assert best_examples("bm25", 3, [0, 1, 2], PAIRS, {}, 3) == [1, 0, 2]
    eye = np.eye(3, dtype=np.float32)
    vectors = {0: eye[0], 1: eye[1], 2: eye[2], 3: np.array([0.1, 0.9, 0.4], np.float32)}
    assert best_examples("similarity", 3, [0, 1, 2], PAIRS, vectors, 2) == [2, 1]


def test_that_only_the_prompt_is_looked_up_by() -> None:
    assert prompt_words((None, "the secret answer")) == []
    assert "secret" not in prompt_words(PAIRS[3])


def test_that_bm25_follows_its_formula() -> None:
    # two documents of 2 and 4 words, mean 3; "a" is in both, "b" in the first alone
    found = bm25(["b", "a", "b", "z"], [["a", "b"], ["a", "c", "c", "a"]])
    both, one = np.log(1 + 0.5 / 2.5), np.log(1 + 1.5 / 1.5)
    first, second = 1.5 * (0.25 + 0.75 * 2 / 3), 1.5 * (0.25 + 0.75 * 4 / 3)
    assert found[0] == pytest.approx((both + one) / (1 + first))
    assert found[1] == pytest.approx(both * 2 / (2 + second))


def test_that_bm25_knows_nothing_where_no_word_is_shared_and_takes_texts_without_words() -> None:
    assert bm25(["a"], [["b"], []]) == [0, 0]
    assert bm25([], [["b"], []]) == [0, 0]
    assert bm25(["a"], [[], []]) == [0, 0]
    empty, having = bm25(["a"], [[], ["a", "b"]])
    assert empty == 0 < having


@pytest.mark.parametrize(
    ("asked", "near", "far"),
    [
        ("今天天气怎么样？", "明天天气怎么样？", "你叫什么名字？"),
        ("मुझे पसंद है", "किसे पसंद आया", "नमस्ते"),
        ("ฉันชอบแมว", "เขาชอบแมว", "สวัสดี"),
        ("Qué tal el café?", "Otro café", "Adiós"),
    ],
)
def test_that_bm25_finds_shared_words_of_any_script(asked: str, near: str, far: str) -> None:
    pairs = [(near, "a"), (far, "b"), (asked, "c")]
    assert best_examples("bm25", 2, [0, 1], pairs, {}, 1) == [0]


def test_that_faiss_finds_what_comparing_every_text_finds() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(12, 8)).astype(np.float32)
    drawn[5] = drawn[2]  # of equals the later is the better
    vectors = {row: one / np.linalg.norm(one) for row, one in enumerate(drawn)}
    pairs = [("q", "a")] * 12
    for count in (1, 3, 11):
        asked = (11, list(range(11)), pairs, vectors, count)
        assert best_examples("faiss", *asked) == best_examples("similarity", *asked)
    alike = dict.fromkeys(range(12), vectors[0])  # as of texts without prompts: the latest are read
    for rule in ("faiss", "similarity", "both"):
        assert best_examples(rule, 11, list(range(11)), pairs, alike, 3) == [8, 9, 10]
    assert best_examples("faiss", 11, [], pairs, vectors, 3) == []
    assert best_examples("faiss", 11, [4], pairs, vectors, 0) == []


def test_that_similar_and_late_are_joined_by_their_ranks() -> None:
    # ranks by similarity 2, 1, 3, by recency 3, 2, 1
    found = fused([0.5, 0.9, 0.1])
    expected = [1 / 62 + 1 / 63, 1 / 61 + 1 / 62, 1 / 63 + 1 / 61]
    assert found == pytest.approx(expected)
    eye = np.eye(3, dtype=np.float32)
    vectors = {0: eye[0], 1: eye[1], 2: eye[2], 3: np.array([0.5, 0.9, 0.1], np.float32)}
    assert best_examples("both", 3, [0, 1, 2], PAIRS, vectors, 2) == [2, 1]
