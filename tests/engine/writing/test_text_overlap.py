"""How near generated texts come to own ones, by words, characters and labels."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from prism_desktop.engine.writing.text_overlap import OVERLAPS, f1_shares, overlaps, rouge


def test_that_the_same_words_are_all_of_it_and_none_are_nothing() -> None:
    assert overlaps("hi there ada", " hi there ada\n") == pytest.approx(
        dict.fromkeys(OVERLAPS, 1.0)
    )
    for own, generated in (("hi there", ""), ("hi there", "xkq")):
        assert overlaps(own, generated) == pytest.approx(dict.fromkeys(OVERLAPS, 0.0))


def test_that_measures_are_what_their_formulas_say() -> None:
    found = overlaps("a b c d", "a c b e")
    assert found["rouge-1"] == pytest.approx(3 / 4)  # a, b and c on both sides
    assert found["rouge-l"] == pytest.approx(2 / 4)  # "a b" or "a c" in order
    assert found["exact"] == 0
    # one letter of three is another: 1-grams 2/3, 2-grams 1/2, 3-grams none, longer ones none there
    assert overlaps("abc", "abd")["chrf"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    # 4 words of which 3 are right, 1 of 3 pairs, 0 of 2 triples: smoothed to 1/4, and 1/4 of 1
    bleu = overlaps("x y z w", "x y q z")["bleu"]
    assert bleu == pytest.approx((3 / 4 * 1 / 3 * 1 / 4 * 1 / 4) ** (1 / 4))


@pytest.mark.parametrize(
    ("own", "generated", "one", "in_order"),
    [
        ("Привет, как дела?", "привет как ты", 2 / 3, 2 / 3),
        ("Ça va très bien", "ça va bien", 6 / 7, 6 / 7),
        ("猫は好き", "犬は好き", 3 / 4, 3 / 4),  # no spaces: by character
        ("ok 好的", "ok 的好", 1, 2 / 3),
        ("सुप्रभात दोस्त", "दोस्त", 2 / 3, 2 / 3),
        ("don't_stop", "don t stop", 1, 1),  # as rouge-score cuts Latin letters
        ("🙂❤️", "🙂❤️", 0, 0),  # no words at all
    ],
)
def test_that_words_of_any_script_count(
    own: str, generated: str, one: float, in_order: float
) -> None:
    found = overlaps(own, generated)
    assert (found["rouge-1"], found["rouge-l"]) == pytest.approx((one, in_order))


def test_that_of_latin_letters_the_words_are_rouge_scores_own() -> None:
    for own, generated in (
        ("Hi there, Ada - all well?", "hi Ada, well"), ("3.5 of 4 (ok)", "3 of 4 ok"), ("x", "y"),
    ):  # fmt: skip
        assert rouge(own, generated) == rouge(own, generated, latin=True)


def test_that_macro_f1_is_scikit_learns_and_shares_add_to_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = ["comedy", "action", "classic"]
    own = [str(one) for one in rng.choice(labels, 60)]
    told = [one if rng.random() < 0.6 else str(rng.choice([*labels, "no label"])) for one in own]
    value, influence = f1_shares(own, told, labels)
    expected = f1_score(own, told, labels=labels, average="macro")
    assert value == pytest.approx(expected, abs=1e-12)
    assert influence.sum() == pytest.approx(0, abs=1e-12)
    # the influence is what leaving a text out does, to first order
    without, _ = f1_shares(own[1:], told[1:], labels)
    assert value - without == pytest.approx(influence[0], abs=2e-3)
    assert f1_shares(own, told, [*labels, "never written"])[0] == value


def test_that_no_texts_have_no_labels() -> None:
    assert f1_shares([], [], ["a"])[0] == 0
