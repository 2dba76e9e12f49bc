"""Words that nobody labeled, of a run on texts: how far they can be believed, and their refusal
where they cannot.

A text is scored by how near its features are to those of the words, as a frozen language model
reads both; it learned from no answer, so each labeled attribute tells how far its own word is
right. Words are used only where each labeled attribute's word alone tells held-out answers beyond
chance, on answers enough to tell. What was labeled is judged by directions that were learned.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from prism_desktop.engine import access
from prism_desktop.engine.analysis.inference import PredictorCache, ScoresArguments, scores_file
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation import metrics
from prism_desktop.engine.evaluation.intervals import Resampled
from prism_desktop.engine.events import Event, Notice, Progress, value
from prism_desktop.engine.models.obstacles import words_by_frozen_model
from prism_desktop.engine.models.predictor import Predictor, load_predictor, typed_scores
from prism_desktop.engine.models.text_features import text_features
from prism_desktop.engine.runs.estimates import told_accuracy, too_few
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy
from prism_desktop.engine.runs.score_files import ScoreTable
from prism_desktop.engine.study.row_cache import features_file

if TYPE_CHECKING:
    import pandas as pd

_CHANCE: Final = 0.5
Load = Callable[[], Predictor]


def word_accuracies(
    run: RunFolder, load: Load | None = None
) -> Generator[Progress | Notice, None, dict[str, Accuracy]]:
    """How many held-out answers on each labeled attribute its word alone tells.

    Args:
        run: on texts, by a language model.
        load: gives its model; None to load it.

    Returns:
        Attribute -> mean over labelers, with its interval; blank where no answer was held out.
    """
    pairs, names = run.table("pairs"), run.meta().names
    held = pairs[(pairs["split"] == "test") & (pairs["outcome"] != 0.5)].reset_index(drop=True)
    table = yield from words_alone(run, names, load)
    return {name: _right(held[held["attribute"] == name], table) for name in names}


def words_alone(
    run: RunFolder, words: Sequence[str], load: Load | None = None
) -> Generator[Progress | Notice, None, ScoreTable]:
    """What a run's language model says of its texts by words alone, also by those of labeled
    attributes; the same for each labeler."""
    yield Progress(0, None, "Asking the language model by words alone")
    reader = (load_predictor(run.path) if load is None else load()).backbone
    if not isinstance(reader, LanguageModel):
        raise InputError("This run judges imported embeddings, which no words can be read beside.")
    texts, codes = run.texts(), run.meta().codes
    file = features_file(access.cache_folder(run.study), reader.sha256)
    known = yield from value(text_features(file, texts, reader))
    scores = typed_scores(reader, np.stack([known[key] for key in texts]), words)
    array = np.repeat(scores[None], len(codes), axis=0)
    return ScoreTable(tuple(codes), tuple(words), tuple(texts), array)


def words_hold(found: dict[str, Accuracy]) -> bool:
    """Whether words that nobody labeled may be used, as labeled ones' do."""
    return bool(found) and all(
        each.low is not None and each.low > _CHANCE and not too_few(each.n)
        for each in found.values()
    )


def why_not(found: dict[str, Accuracy]) -> str:
    """Why they may not, in a sentence."""
    told = "; ".join(f"{name} {told_accuracy(each).line}" for name, each in found.items())
    return (
        "Words that nobody labeled are not used here, because labeled attributes are not told "
        f"beyond chance by their words alone (held-out answers: {told}; chance is 50%); label the "
        "attribute instead."
    )


def refuse_unheld(
    run: RunFolder, load: Load | None = None
) -> Generator[Progress | Notice, None, None]:
    """Refuse words that nobody labeled where they do not hold.

    Raises:
        InputError: they do not.
    """
    found = yield from word_accuracies(run, load)
    if not words_hold(found):
        raise InputError(why_not(found))


def checked_scores(
    asked: ScoresArguments, predictors: PredictorCache
) -> Generator[Event[Path], None, None]:
    """As `inference.scores_file`, but words that do not hold are refused."""
    run = RunFolder(asked.run)
    if words_by_frozen_model(asked.run) and asked.attribute not in run.meta().names:
        yield from refuse_unheld(run, lambda: predictors.load(asked.run, asked.device))
    yield from scores_file(asked, predictors)


def _right(pairs: pd.DataFrame, scores: ScoreTable) -> Accuracy:
    mine = pairs.reset_index(drop=True)
    margin = metrics.find(scores, mine, "left") - metrics.find(scores, mine, "right")
    there = ~np.isnan(margin)
    if not there.any():
        return Accuracy()
    scored = metrics.with_margin(mine[there].reset_index(drop=True), margin[there])
    return Resampled(scored, metrics.correct(scored)).macro().accuracy()
