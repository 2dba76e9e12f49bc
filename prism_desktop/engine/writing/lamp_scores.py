"""LaMP's own metrics, by our own code on scikit-learn and rouge-score.

LaMP-1 and LaMP-2: accuracy and macro-F1 over all labels of the task; LaMP-3: mean absolute error
and root mean squared error of the score, where a prediction that is no number is as wrong as it can
be; the others: ROUGE-1 and ROUGE-L, F without a stemmer, the mean over questions. The official
script tells the median of bootstrap samples of that mean, which differs by chance in the fourth
decimal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.writing.lamp_files import TASKS, read_outputs
from prism_desktop.engine.writing.text_overlap import rouge

_SCORES: Final = (1.0, 5.0)  # the least and the best of LaMP-3


def lamp_scores(outputs: Path, predictions: Path) -> tuple[str, dict[str, float]]:
    """Measure predictions against official outputs.

    Returns:
        The task's name, and its metrics by the names of the official script.

    Raises:
        InputError: a file cannot be used, they are of two tasks, or the ids are not the same.
    """
    name, golds = read_outputs(outputs)
    other, told = read_outputs(predictions)
    if name != other:
        raise InputError(
            f"{predictions.name} holds predictions of {other}, and {outputs.name} outputs of "
            f"{name}; name the files of one task."
        )
    if lacking := sorted(golds.keys() - told.keys()):
        raise InputError(
            f"{predictions.name} lacks {counted(len(lacking), 'prediction')}, such as that for "
            f"{lacking[0]}; every output needs one."
        )
    if others := sorted(told.keys() - golds.keys()):
        raise InputError(
            f"{predictions.name} has {counted(len(others), 'prediction')} for no output, such as "
            f"that for {others[0]}."
        )
    if not golds:
        raise InputError(f"{outputs.name} holds no outputs.")
    return name, measure_task(name, golds, told)


def measure_task(name: str, golds: Mapping[str, str], told: Mapping[str, str]) -> dict[str, float]:
    """The metrics of a task.

    Args:
        name: "LaMP_1" to "LaMP_7".
        golds: id -> what the person did.
        told: of the same ids, predictions.

    Raises:
        InputError: an output is no label of its task.
    """
    own = [golds[key].strip() for key in golds]
    predicted = [told[key].strip() for key in golds]
    if name in ("LaMP_1", "LaMP_2"):
        return _labels(name, own, predicted)
    if name == "LaMP_3":
        return _ratings(own, predicted)
    each = [rouge(one, other, latin=True) for one, other in zip(own, predicted, strict=True)]
    return {
        official: sum(one[ours] for one in each) / len(each)
        for official, ours in (("rouge-1", "rouge-1"), ("rouge-L", "rouge-l"))
    }


def _labels(name: str, own: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, f1_score

    sets = [task.labels for task in TASKS if task.name == name]
    labels = next((one for one in sets if set(own) <= set(one)), None)
    if labels is None:
        odd = next((one for one in own if not any(one in known for known in sets)), None)
        if odd is None:  # as it was made before 2023-11, and since
            raise InputError(
                f"The outputs are labels of two tasks that are called {name}; name the files of "
                "one."
            )
        raise InputError(f"The output {odd!r} is no label of {name}; mend the file of outputs.")
    # what is no label is wrong, whatever it is
    numbers = {label: place for place, label in enumerate(labels)}
    one, other = ([numbers.get(text, -1) for text in texts] for texts in (own, predicted))
    macro = f1_score(
        one, other, labels=list(range(len(labels))), average="macro", zero_division=0.0
    )
    return {"accuracy": float(accuracy_score(one, other)), "f1": float(macro)}


def _ratings(own: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, mean_squared_error

    golds = [_number(text) for text in own]
    least, best = _SCORES
    odd = next(
        (text for text, one in zip(own, golds, strict=True) if not least <= (one or 0) <= best),
        None,
    )
    if odd is not None:
        raise InputError(f"The output {odd!r} is no score of LaMP_3; mend the file of outputs.")
    sure = [one for one in golds if one is not None]
    told = [
        _farthest(gold) if found is None else found
        for gold, found in zip(sure, map(_number, predicted), strict=True)
    ]
    return {
        "MAE": float(mean_absolute_error(sure, told)),
        "RMSE": math.sqrt(float(mean_squared_error(sure, told))),
    }


def _farthest(gold: float) -> float:
    """What is no number counts as the score that is farthest off; of 3 it is the best."""
    least, best = _SCORES
    return least if abs(least - gold) > abs(best - gold) else best


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and abs(found) < 1e9 else None
