"""The simulated writers: who they are, and that what is planted in them stands in their texts."""

import hashlib
import subprocess
import sys
from collections import Counter
from random import Random

import numpy as np
import pytest

from prism_desktop.engine.demo.writers.judges import judged_replies, judges, standard_qualities
from prism_desktop.engine.demo.writers.phrases import drawn_prompt, phrases
from prism_desktop.engine.demo.writers.qualities import QUALITIES, qualities
from prism_desktop.engine.demo.writers.replies import own_texts, reply
from prism_desktop.engine.demo.writers.writing_style import (
    demo_writers,
    drawn_writer,
    feature_names,
    group_names,
)

_DIGEST = """
import hashlib
from prism_desktop.engine.demo.writers.replies import own_texts
from prism_desktop.engine.demo.writers.writing_style import demo_writers
told = [text for writer in demo_writers()[:5] for _, text in own_texts(writer)]
print(hashlib.sha256("\\n".join(told).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def by_group() -> dict[str, list[str]]:
    """Four writers' own texts of each group."""
    found: dict[str, list[str]] = {}
    count: Counter[str] = Counter()
    for writer in demo_writers():
        if writer.texts == 30 and count[writer.group] < 4:
            count[writer.group] += 1
            found.setdefault(writer.group, []).extend(text for _, text in own_texts(writer))
    return found


def mean(by_group: dict[str, list[str]], group: str, quality: str) -> float:
    return float(qualities(by_group[group])[:, QUALITIES.index(quality)].mean())


def test_that_there_are_the_people_that_were_asked_for():
    writers = demo_writers()
    assert len(writers) == len({writer.code for writer in writers}) == 200
    assert len(group_names()) == 8
    assert len(feature_names()) == 9
    groups = Counter(writer.group for writer in writers)
    assert groups.pop("inconsistent") == 5
    assert set(groups) == set(group_names())
    assert min(groups.values()) >= 20
    assert Counter(writer.texts for writer in writers) == {30: 195, 3: 5}
    assert all(writer.profile.endswith(".") and "<" not in writer.profile for writer in writers)


def test_that_prompts_are_many_and_cover_every_topic_and_act():
    prompts = phrases().prompts
    assert len({prompt.text for prompt in prompts}) == len(prompts) >= 120
    assert len({prompt.topic for prompt in prompts}) == 16
    assert set(Counter(prompt.topic for prompt in prompts).values()) == {8}


def test_that_a_process_of_its_own_writes_the_same_bytes():
    told = [text for writer in demo_writers()[:5] for _, text in own_texts(writer)]
    here = hashlib.sha256("\n".join(told).encode()).hexdigest()
    there = subprocess.run([sys.executable, "-c", _DIGEST], capture_output=True, check=True)
    assert there.stdout.decode().strip() == here


def test_that_other_seeds_and_other_prompts_give_other_texts():
    writer, prompts = demo_writers()[3], phrases().prompts  # one who writes at length
    told = {reply(writer, prompt, seed) for prompt in prompts[:20] for seed in range(5)}
    assert len(told) == 100


def test_that_texts_hardly_repeat_and_have_no_open_slots(by_group):
    long = by_group["hesitant"] + by_group["caring"] + by_group["scholarly"]
    assert len(set(long)) == len(long)
    assert not any("<" in text or ">" in text for texts in by_group.values() for text in texts)


@pytest.mark.parametrize(
    ("more", "less", "quality"),
    [
        ("slangy", "courteous", "emoji"),
        ("bubbly", "scholarly", "emoji"),
        ("terse", "hesitant", "brevity"),
        ("hesitant", "terse", "hedging"),
        ("scholarly", "slangy", "formality"),
        ("bubbly", "grumbling", "excitement"),
        ("caring", "terse", "warmth"),
        ("courteous", "grumbling", "praise"),
        ("courteous", "terse", "courtesy"),
    ],
)
def test_that_a_planted_style_can_be_counted_in_the_texts(by_group, more, less, quality):
    assert mean(by_group, more, quality) > mean(by_group, less, quality) + 0.2


def test_that_those_without_emoji_have_none_and_those_in_lower_case_no_capital(by_group):
    assert mean(by_group, "terse", "emoji") == 0
    assert all(text == text.lower() for text in by_group["slangy"])
    assert sum(text != text.lower() for text in by_group["grumbling"]) > 100


def test_that_inconsistent_writers_vary_more_than_those_of_a_group(by_group):
    def spread(group: str) -> float:
        return float(qualities(by_group[group]).std(axis=0).mean())

    assert spread("inconsistent") > max(spread(group) for group in group_names())


def test_that_a_writer_has_words_of_their_own():
    """Two of one group share its style, and each has favourites among its words."""
    one, two = (writer for writer in demo_writers()[:16] if writer.group == "bubbly")

    def used(writer, words):
        told = " ".join(reply(writer, prompt, 1) for prompt in phrases().prompts)
        return sum(told.count(f" {word}") for word in words)

    own = set(one.styles[0].favourites["good"]) - set(two.styles[0].favourites["good"])
    assert own
    assert used(one, own) > 1.5 * used(two, own)


def test_that_drawn_writers_and_prompts_are_none_of_the_demos():
    rng = Random(1)
    drawn = [drawn_writer(rng) for _ in range(50)]
    planted = {tuple(writer.styles[0].levels.items()) for writer in demo_writers()}
    assert not planted & {tuple(writer.styles[0].levels.items()) for writer in drawn}
    asked = {drawn_prompt(rng).text for _ in range(500)}
    assert len(asked) > 400
    assert not asked & {prompt.text for prompt in phrases().prompts}
    assert not any("<" in text for text in asked)


def test_that_odd_texts_have_finite_qualities():
    found = qualities(["", "\0", "!!!", "😊" * 1000, "a" * 10_000, "word"])
    assert np.isfinite(found).all()
    assert found[3, QUALITIES.index("emoji")] > 0
    assert qualities([]).shape == (0, len(QUALITIES))


def test_that_a_judge_answers_by_the_planted_taste():
    """Bo prefers the briefer reply, Cleo the warmer one, and noise costs Fred agreement."""
    told = [one.text for one in judged_replies(4)]
    standard = standard_qualities(told)
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, len(told), (2, 4000))
    people = {judge.name: judge for judge in judges()}

    def follows(name: str, attribute: str, quality: str) -> float:
        utility = people[name].utilities(standard)[attribute]
        answers, _ = people[name].compare(utility[left] - utility[right], rng)
        gap = standard[left] - standard[right]
        clear = (answers != 0) & (np.abs(gap[:, QUALITIES.index(quality)]) > 1)
        return float((answers == np.sign(gap[:, QUALITIES.index(quality)]))[clear].mean())

    assert follows("Bo", "likeable", "brevity") > 0.75
    assert follows("Cleo", "trustworthy", "warmth") > 0.75
    assert follows("Dov", "trustworthy", "hedging") > 0.7
    assert follows("Ann", "trustworthy", "hedging") < 0.4
    assert follows("Fred", "trustworthy", "formality") < follows("Ann", "trustworthy", "formality")


def test_that_utilities_vary_alike_for_all_judges():
    standard = standard_qualities([one.text for one in judged_replies(8)])
    for judge in judges():
        for utility in judge.utilities(standard).values():
            assert utility.std() == pytest.approx(1, abs=0.02)
