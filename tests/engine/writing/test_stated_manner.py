"""Summaries and preferences that rules make of texts."""

from prism_desktop.engine.writing.stated_manner import manner_of, told_as

LIVELY = ["Hi Ann, great! 🙂 Cheers, Bo", "Hi Ann, see you soon! 🙂🙂 Cheers, Bo", "No. 🎉 Bo"]


def test_that_habits_are_counted_and_what_is_rare_is_none() -> None:
    found = manner_of(LIVELY)
    assert found.begins == ("Hi Ann",)
    assert found.ends == "Bo"
    assert found.emoji == ("🙂", "🎉")
    assert found.words == 5
    assert found.with_emoji == 1.0
    assert found.exclaiming == 2 / 3
    assert found.hedging == found.trailing == found.small == 0.0


def test_that_the_same_is_told_as_a_summary_and_as_preferences() -> None:
    assert told_as("summary", LIVELY) == (
        "Writes briefly, about 5 words, begins with Hi Ann, ends with Bo, many emoji 🙂 🎉, "
        "seldom hedges, exclamation marks."
    )
    assert told_as("preferences", LIVELY) == (
        "Write briefly, about 5 words. Begin with Hi Ann. End with Bo. Use emoji 🙂 🎉. "
        "Seldom hedge. Use exclamation marks."
    )


def test_that_people_who_write_differently_are_told_differently() -> None:
    plain = ["i think so ... maybe", "perhaps tomorrow ... who knows"]
    assert told_as("summary", plain) == (
        "Writes briefly, about 4 words, no greeting, no sign-off, no emoji, hedges a lot, dots or "
        "dashes, lower case."
    )
    assert told_as("summary", []) == told_as("preferences", []) == ""


def test_that_texts_without_words_are_no_mistake() -> None:
    assert told_as("preferences", ["🙂", "..."]).startswith("Write briefly, about 0 words.")
