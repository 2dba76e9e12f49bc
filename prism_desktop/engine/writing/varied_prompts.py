"""More texts to learn from: people's own, behind varied prompts or behind other texts of theirs.

Only texts of the training folds are varied, and only what stands before them: the words that are
learned are a person's own. Varied texts live for one epoch and are stored nowhere.

Source: Wei and Zou, "EDA: Easy Data Augmentation", EMNLP 2019 (words left out).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_parts import VariedPrompts
from prism_desktop.engine.writing.own_text_data import OwnTexts, Pair
from prism_desktop.engine.writing.writer_model import WriterModel

_LEFT_OUT = 0.15  # share of a prompt's words


class TrainingText(NamedTuple):
    """A text that an epoch learns from.

    Attributes:
        row: the text's place in the run's texts.
        pair: its prompt, perhaps varied, and itself.
        before: own texts of the person's that are read before it.
    """

    row: int
    pair: Pair
    before: tuple[Pair, ...] = ()


def texts_of_epoch(
    model: WriterModel, texts: OwnTexts, draw: np.random.Generator
) -> list[TrainingText]:
    """Every text of the training folds once, and varied ones where the method asks for them, until
    each person has `target`."""
    found = [TrainingText(row, texts.pairs[row]) for row in texts.of("train")]
    if model.method.first(VariedPrompts):
        for person, more in missing(texts, model.config.target).items():
            history = texts.history(person)
            order = [history[int(one)] for one in draw.permutation(len(history))]
            rows = [order[place % len(order)] for place in range(more)]
            found += [_varied(texts, row, history, draw) for row in rows]
    return found


def missing(texts: OwnTexts, target: int) -> dict[int, int]:
    """How many texts each known person lacks to `target`; of whom nothing can be varied, none."""
    found = {}
    for person in texts.known:
        history = texts.history(person)
        asked = any(texts.pairs[row][0] for row in history)
        found[person] = max(0, target - len(history)) if asked or len(history) > 1 else 0
    return found


def told_of_varied(model: WriterModel, texts: OwnTexts) -> tuple[str, ...]:
    """What must be said where texts are varied."""
    more = sum(missing(texts, model.config.target).values())
    if model.method.first(VariedPrompts) is None or not more:
        return ()
    return (
        f"Each epoch adds {counted(more, 'text')} to the {len(texts.of('train')):,} of the "
        "training folds: people's own, behind prompts or texts that the program varied. None is "
        "stored.",
    )


def varied_prompt(prompt: str, draw: np.random.Generator) -> str:
    """A prompt with some words left out, perhaps in small letters, perhaps without the mark that
    ends it."""
    words = prompt.split()
    kept = [word for word in words if draw.random() >= _LEFT_OUT] or words
    told = " ".join(kept)
    if draw.random() < 0.5:
        told = told.rstrip("?!. ") or told
    return told.lower() if draw.random() < 0.5 else told


def _varied(
    texts: OwnTexts, row: int, history: Sequence[int], draw: np.random.Generator
) -> TrainingText:
    prompt, text = texts.pairs[row]
    others = [one for one in history if one != row]
    if others and (not prompt or draw.random() < 0.5):
        return TrainingText(row, (prompt, text), (texts.pairs[int(draw.choice(others))],))
    return TrainingText(row, (varied_prompt(prompt, draw) if prompt else prompt, text))
