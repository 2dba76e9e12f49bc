"""What codes of outcomes may mean, as choices to be offered."""

from collections.abc import Collection, Sequence

from prism_desktop.engine.study.importing.values.numerals import clean


def possible_numbers(codes: Sequence[str]) -> list[dict[str, str]]:
    """What rising codes may mean, the usual readings first."""
    numbers = [float(clean(code)) for code in codes]
    low, high = numbers[0], numbers[-1]
    if len(codes) == 1:
        return [{codes[0]: side} for side in ("left", "right", "tie")]
    if len(codes) == 2:
        one, two = codes
        return [{two: "left", one: "right"}, {one: "left", two: "right"}]
    if len(codes) == 3:
        if any(number != round(number) for number in numbers):  # 0, 0.5, 1: a half is no side
            one, half, two = codes
            return [
                {two: "left", half: "tie", one: "right"},
                {one: "left", half: "tie", two: "right"},
            ]
        found = []
        middle_first = low == -high or low >= 1
        for tie in (1, 0, 2) if middle_first else (0, 1, 2):
            one, two = (code for place, code in enumerate(codes) if place != tie)
            found.append({one: "left", two: "right", codes[tie]: "tie"})
            found.append({two: "left", one: "right", codes[tie]: "tie"})
        return found
    middle = 0.0 if low < 0 < high else 0.5 if low >= 0 and high <= 1 else (low + high) / 2
    limit = f"{middle:.15g}"
    return [
        {f">{limit}": "left", limit: "tie", f"<{limit}": "right"},
        {f"<{limit}": "left", limit: "tie", f">{limit}": "right"},
    ]


def possible_words(words: Sequence[str], known: Collection[int]) -> list[dict[str, str]]:
    """What words that nobody knows may mean beside outcomes that are known."""
    if known or len(words) == 1:
        return [dict.fromkeys(words, "tie"), dict.fromkeys(words, "")]
    one, two, *rest = words
    return [
        {one: "left", two: "right", **dict.fromkeys(rest, "tie")},
        {two: "left", one: "right", **dict.fromkeys(rest, "tie")},
    ]
