"""What a run's model makes of words that nobody labeled, and how far such words are right.

Words that nobody labeled cannot be tested. Attributes that somebody did label can: each is left out
of a run of the same settings on the same data and split, which is then asked by its word, on
answers about faces that it never saw. Importing this needs neither torch nor pandas.
"""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs.estimates import ToldEstimate, told_accuracy, told_gain
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.result_files import Accuracy, Difference
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.runs.stored import Gained, Stored

if TYPE_CHECKING:
    import pandas as pd

    from prism_desktop.engine.evaluation.pairs import Floats
    from prism_desktop.engine.runs.score_files import ScoreTable

NOBODY_LABELED: Final = "Nobody labeled this: the model reads the words alone."
_NOT_YET: Final = "not checked yet"
_SAME: Final = (
    "A frozen language model reads words and texts, so it says the same for every labeler."
)


class WordArguments(BaseModel):
    """Which run is asked, by which words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path
    words: tuple[str, ...] = ()  # that nobody labeled
    train: bool = False  # whether runs that lack may be trained, each as long as this one


class CheckedWord(Stored):
    """A labeled attribute, asked by its word alone, on its held-out answers: mean over labelers."""

    attribute: str
    word: Accuracy = Accuracy()  # of a run that never heard of it; blank: not checked yet
    trained: Accuracy = Accuracy()  # of the run itself, which learned it
    less: Difference = Difference()  # word - trained, on the same answers
    frozen: Accuracy = Accuracy()  # of the untrained backbone by the same word


class WordLink(Stored):
    """How words that nobody labeled go with a labeled attribute, by labelers' models."""

    words: str
    attribute: str
    rho: Gained | None = None  # mean rank correlation of scores over held-out faces
    answers: Accuracy = Accuracy()  # held-out answers on the attribute that the words foretell


class WordReport(Stored):
    """Both, and what must be known of them."""

    checks: tuple[CheckedWord, ...] = ()
    links: tuple[WordLink, ...] = ()
    notes: tuple[str, ...] = ()
    refused: str = ""  # why words that nobody labeled are not used, in a sentence
    frozen: bool = False  # whether a frozen model reads words, which learned from no answer

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Attributes that could be checked and were not."""
        return tuple(each.attribute for each in self.checks if each.word.accuracy is None)


def words_in_worker(asked: WordArguments) -> Iterator[Event[WordReport]]:
    """As `word_report`, in another process; closing this ends the work.

    Raises:
        RunError: one sentence; what could not be done.
    """
    wanted = asked.model_copy(update={"run": absolute(asked.run)})
    for event in call("words", wanted, "Asking the model by words"):
        yield Done(WordReport.parse(event.value)) if isinstance(event, Done) else event


def word_report(asked: WordArguments) -> Generator[Event[WordReport], None, None]:
    """Check words where they can be checked, and say what new ones go with.

    Raises:
        InputError: the run reads no words, or has nothing to check them by.
    """
    from prism_desktop.engine.models.obstacles import (
        find_obstacles,
        refuse,
        words_by_frozen_model,
    )

    run = RunFolder.open(asked.run)
    refuse(find_obstacles(run.path).words)
    names = run.meta().names
    if known := [word for word in asked.words if word in names]:
        raise InputError(f"Somebody labeled {known[0]}; ask of it as of any attribute of the run.")
    pairs = run.table("pairs")
    held = pairs[(pairs["split"] == "test") & (pairs["outcome"] != 0.5)].reset_index(drop=True)
    if held.empty:
        raise InputError(f"The run {run.name} held no answers out, so nothing can be checked.")
    if words_by_frozen_model(run.path):
        yield Done((yield from _of_texts(run, asked.words, held)))
        return
    checks: list[CheckedWord] = []
    for attribute in names:
        checks += [(yield from _checked(run, attribute, held, train=asked.train))]
    links: list[WordLink] = []
    for words in asked.words:
        links += yield from _links(run, words, held)
    yield Done(WordReport(checks=tuple(checks), links=tuple(links), notes=_notes(run, names)))


def _of_texts(
    run: RunFolder, words: Sequence[str], held: "pd.DataFrame"
) -> Generator[Progress | Notice, None, WordReport]:
    """Of a run on texts, whose words a frozen language model reads, so that nothing is trained.

    Raises:
        InputError: words were asked, and they do not hold.
    """
    from prism_desktop.engine.evaluation.typed_words import (
        why_not,
        word_accuracies,
        words_alone,
        words_hold,
    )
    from prism_desktop.engine.models.predictor import load_predictor

    model = load_predictor(run.path)
    found = yield from word_accuracies(run, lambda: model)
    if words and not words_hold(found):
        raise InputError(why_not(found))
    names, trained = run.meta().names, run.scores()
    assert trained is not None, "a run with held-out answers has predictions"
    table = yield from words_alone(run, names, lambda: model)
    checks = []
    for name in names:
        mine = held[held["attribute"] == name].reset_index(drop=True)
        checks.append(
            CheckedWord(
                attribute=name, word=found[name], trained=_right(mine, trained),
                less=_less(mine, table, trained), frozen=found[name],
            )
        )  # fmt: skip
    links: list[WordLink] = []
    for each in words:
        links += yield from _links(run, each, held)
    refused = "" if words_hold(found) else why_not(found)
    return WordReport(
        checks=tuple(checks), links=tuple(links), notes=(_SAME,), refused=refused, frozen=True
    )


def told_check(check: CheckedWord) -> tuple[ToldEstimate, ToldEstimate, ToldEstimate, ToldEstimate]:
    """By its word, trained, the difference, the untrained backbone."""
    word = told_accuracy(check.word)
    less = check.less
    return (
        word if check.word.accuracy is not None else ToldEstimate(_NOT_YET),
        told_accuracy(check.trained),
        told_gain(less.difference, less.low, less.high, less.n, " points"),
        told_accuracy(check.frozen),
    )


def told_words(report: WordReport) -> str:
    """How far words were right where they could be checked, in a sentence."""
    checked = [each for each in report.checks if each.word.accuracy is not None]
    if not checked:
        return (
            "How far this run's words are right was not checked yet: each labeled attribute would "
            "be left out of a training in turn and asked by its word."
        )
    parts = [
        f"{each.attribute} {told_accuracy(each.word).line} (trained "
        f"{told_accuracy(each.trained).number})"
        for each in checked
    ]
    if report.frozen:
        return (
            "Asked by its word alone, the frozen language model foretold held-out answers: "
            f"{'; '.join(parts)}. Chance is 50%."
        )
    return (
        "Where words could be checked, each attribute left out of the training and asked by its "
        f"word, held-out answers were foretold: {'; '.join(parts)}. Chance is 50%."
    )


def _notes(run: RunFolder, names: Sequence[str]) -> tuple[str, ...]:
    found = []
    if len(names) < 2:
        found.append("The run has one attribute, so none can be left out to check words by.")
    if run.meta().split.kind != "image":
        found.append(
            "The run's split is not by image, so the held-out answers are about faces that its "
            "training saw other answers of."
        )
    if run.config().backbone == "prism-mini":
        found.append(
            "prism-mini was pretrained on words for drawn faces, attractive, smart and trustworthy "
            "among them, so there they are no strangers to it."
        )
    return tuple(map(run.meta().words.told, found))


def _checked(
    run: RunFolder, attribute: str, held: "pd.DataFrame", *, train: bool
) -> Generator[Progress | Notice, None, CheckedWord]:
    """One attribute, by a run that was trained without it: one that is there, or a new one."""
    from prism_desktop.engine.runs import layout

    mine = held[held["attribute"] == attribute].reset_index(drop=True)
    trained = run.scores()
    assert trained is not None, "a run with held-out answers has predictions"
    frozen = run.scores(layout.ZERO_SHOT)
    found = CheckedWord(
        attribute=attribute,
        trained=_right(mine, trained),
        frozen=Accuracy() if frozen is None else _right(mine, frozen),
    )
    others = [name for name in run.meta().names if name != attribute]
    if not others:
        return found
    without = yield from _run_without(run, attribute, others, train=train)
    if without is None:
        return found
    scores = yield from _asked(without, attribute)
    told = {"word": _right(mine, scores), "less": _less(mine, scores, trained)}
    return found.model_copy(update=told)


def _run_without(
    run: RunFolder, attribute: str, others: Sequence[str], *, train: bool
) -> Generator[Progress | Notice, None, RunFolder | None]:
    codes = run.meta().codes
    if not train and not _any_without(run, others):
        return None
    from prism_desktop.engine.experiments.kshot import narrowed, train_some
    from prism_desktop.engine.training.dependencies import find_run
    from prism_desktop.engine.training.resources import ResourceCache
    from prism_desktop.engine.training.snapshot import with_machine_of

    config = with_machine_of(run, run.config())  # the two are compared
    config = config.model_copy(update={"compare": False, "baselines": "none"})
    if train:
        title = f"Without {attribute}"
        found: RunFolder = yield from train_some(run, config, codes, title, ResourceCache(), others)
        return found
    wanted = config.model_copy(update={"labelers": codes, "attributes": tuple(others)})
    with narrowed(run, codes, others) as source:
        there = find_run(run.study, wanted, source.meta())
    return there if there is not None and there.status().state == "finished" else None


def _any_without(run: RunFolder, others: Sequence[str]) -> bool:
    """Whether a look at all runs is worth loading torch for."""
    method = run.config().method
    return any(
        each.method == method
        and each.state == "finished"
        and RunFolder(each.path).config().attributes == tuple(others)
        for each in list_runs(run.study)
    )


def _asked(run: RunFolder, words: str) -> Generator[Progress | Notice, None, "ScoreTable"]:
    """What a run's model says of its faces by words alone; kept in the study's cache."""
    import numpy as np

    from prism_desktop.engine.analysis.inference import (
        PredictorCache,
        ScoresArguments,
        scores_file,
    )
    from prism_desktop.engine.runs.score_files import ScoreTable

    asked = ScoresArguments(run=run.path, attribute=words, labelers=None, images=None)
    path = yield from value(scores_file(asked, PredictorCache()))
    with np.load(path, allow_pickle=False) as stored:
        names = tuple(map(str, stored["labelers"])), tuple(map(str, stored["images"]))
        return ScoreTable(names[0], (words,), names[1], stored["table"][:, None])


def _links(
    run: RunFolder, words: str, held: "pd.DataFrame"
) -> Generator[Progress | Notice, None, list[WordLink]]:
    """What words go with: labeled attributes' scores and answers, of faces that were held out."""
    scores, trained = (yield from _asked(run, words)), run.scores()
    assert trained is not None, "a run with held-out answers has predictions"
    found = []
    for attribute in run.meta().names:
        mine = held[held["attribute"] == attribute].reset_index(drop=True)
        called = _called(scores, attribute)
        found.append(
            WordLink(
                words=words,
                attribute=attribute,
                rho=_rho(called, trained, sorted({*held["left"], *held["right"]}), attribute),
                answers=_right(mine, called),
            )
        )
    return found


def _called(scores: "ScoreTable", attribute: str) -> "ScoreTable":
    """The scores of one attribute, as if they were those of another."""
    from prism_desktop.engine.runs.score_files import ScoreTable

    return ScoreTable(scores.labelers, (attribute,), scores.images, scores.array)


def _margin(pairs: "pd.DataFrame", scores: "ScoreTable") -> "Floats":
    from prism_desktop.engine.evaluation.metrics import find

    return find(scores, pairs, "left") - find(scores, pairs, "right")


def _right(pairs: "pd.DataFrame", scores: "ScoreTable") -> Accuracy:
    """Mean over labelers of how many answers are foretold; of faces that could be scored."""
    import numpy as np

    from prism_desktop.engine.evaluation import metrics
    from prism_desktop.engine.evaluation.intervals import Resampled

    margin = _margin(pairs, scores)
    there = ~np.isnan(margin)
    scored = metrics.with_margin(pairs[there].reset_index(drop=True), margin[there])
    return Resampled(scored, metrics.correct(scored)).macro().accuracy()


def _less(pairs: "pd.DataFrame", word: "ScoreTable", trained: "ScoreTable") -> Difference:
    """By the word less trained, on the same answers."""
    import numpy as np

    from prism_desktop.engine.evaluation import metrics
    from prism_desktop.engine.evaluation.intervals import Resampled

    margins = [_margin(pairs, scores) for scores in (word, trained)]
    there = ~np.isnan(margins[0]) & ~np.isnan(margins[1])
    kept = pairs[there].reset_index(drop=True)
    one, other = (metrics.with_margin(kept, margin[there]) for margin in margins)
    apart = metrics.correct(one) - metrics.correct(other)
    return Resampled(one, apart, bounds=(-1.0, 1.0)).macro().difference()


def _rho(
    words: "ScoreTable", trained: "ScoreTable", faces: Sequence[str], attribute: str
) -> float | None:
    """Mean over labelers of the rank correlation over faces; None where there are too few."""
    import numpy as np
    from scipy.stats import rankdata

    from prism_desktop.engine.evaluation.ranking import FEWEST
    from prism_desktop.engine.runs.score_files import rows_of

    found = []
    columns = [rows_of(faces, table.images) for table in (words, trained)]
    there = (columns[0] >= 0) & (columns[1] >= 0)
    place = trained.attributes.index(attribute)
    for row, code in enumerate(words.labelers):
        if code not in trained.labelers:
            continue
        x = words.array[row, 0, columns[0][there]]
        y = trained.array[trained.labelers.index(code), place, columns[1][there]]
        known = ~np.isnan(x) & ~np.isnan(y)
        if known.sum() >= FEWEST and np.ptp(x[known]) > 0 and np.ptp(y[known]) > 0:
            found.append(np.corrcoef(rankdata(x[known]), rankdata(y[known]))[0, 1])
    return float(np.mean(found)) if found else None
