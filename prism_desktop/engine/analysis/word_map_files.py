"""The service that makes maps of words, of one text or of many; its results lie with the others of
`inference`. Importing this needs no torch."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from prism_desktop.engine.analysis.inference import (
    InferenceArguments,
    PredictorCache,
    made_once,
)
from prism_desktop.engine.events import Done, Event, Notice, Progress
from prism_desktop.engine.runs.folder import RunFolder

_WHAT = "Looking which words matter"


class WordMapArguments(InferenceArguments):
    """Maps of words."""

    labeler: str  # a code of the run
    attribute: str  # a name of the run
    kind: str  # as `word_relevance.word_map` reads it
    against: str = ""  # whose score is taken off; see `relevance_rules.rival_of`
    text: str = ""  # of one text: its name or identity
    over: str = ""  # the second text of a pair
    check: bool = True  # whether to test the map of one text
    texts: int = 0  # of so many; 0 for the one


def word_map_file(
    asked: WordMapArguments, predictors: PredictorCache
) -> Generator[Event[Path], None, None]:
    """Make a map, unless it is there; the last event is Done with its file (`WordRelevance.load` or
    `MeanWordRelevance.load`).

    Raises:
        PrismError: the run, its model or the request cannot be used.
    """

    def write(beside: Path) -> Generator[Progress | Notice, None, None]:
        from prism_desktop.engine.analysis.map_requests import find_text
        from prism_desktop.engine.analysis.mean_word_relevance_rules import (
            MeanWordRequest,
            mean_word_relevance,
        )
        from prism_desktop.engine.analysis.target_reading import TextModel
        from prism_desktop.engine.analysis.word_relevance_rules import explain_texts
        from prism_desktop.engine.models.obstacles import find_obstacles, refuse

        refuse(find_obstacles(asked.run).maps)
        yield Progress(0, None, _WHAT)
        model = TextModel.of(predictors.load(asked.run, asked.device))
        whose = asked.labeler, asked.attribute, asked.kind, asked.against
        if not asked.texts:
            second = find_text(asked.run, asked.over) if asked.over else None
            first = find_text(asked.run, asked.text)
            explain_texts(model, first, second, whose, check=asked.check).save(beside)
            return
        wanted = MeanWordRequest(
            asked.labeler, asked.attribute, asked.texts, asked.kind, asked.against
        )
        for event in mean_word_relevance(RunFolder(asked.run), model, wanted):
            if isinstance(event, Done):
                event.value.save(beside)
            else:
                yield event

    yield from made_once("word-maps", asked, write)
