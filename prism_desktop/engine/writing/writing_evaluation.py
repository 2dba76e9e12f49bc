"""Tests a model that writes on held-out prompts, and with people exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.files import write_whole
from prism_desktop.engine.methods.writing_parts import ExamplesInContext
from prism_desktop.engine.parquet_forms import TEXT, Cells, Form
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.past_texts import PastTexts
from prism_desktop.engine.writing.people_intervals import ScoredText, Texts
from prism_desktop.engine.writing.tested_settings import (
    ENTERED_WITH,
    KNOWN,
    SWAPPED,
    VALIDATED,
    entered_name,
)
from prism_desktop.engine.writing.text_scores import (
    Costs,
    per_person,
    score_texts,
    token_costs,
)
from prism_desktop.engine.writing.token_cost_file import write_costs
from prism_desktop.engine.writing.writer_model import WriterModel

if TYPE_CHECKING:
    import pandas as pd

COUNTS: Final = (0, 1, 3, 5, 10)  # examples that validation chooses among
_FORM: Final[Form] = {
    "setting": TEXT, "text": Cells("whole", low=0), "nll": Cells("real", low=0),
    "tokens": Cells("whole", low=0),
}  # fmt: skip
Measured = Mapping[str, Texts]  # setting -> texts


def chosen_examples(model: WriterModel, past: PastTexts, places: Mapping[int, int]) -> int:
    """How many examples the validation texts of known people like best; 0 where none are read."""
    if model.method.first(ExamplesInContext) is None:
        return 0
    if model.config.examples is not None:
        return model.config.examples
    rows = past.texts.of("val")
    found: dict[int, float] = {}
    for count in COUNTS:
        sums, counts = score_texts(model, past, rows, places, examples=count)
        each = per_person(past.texts, rows, sums, counts)
        found[count] = sum(each.values()) / len(each)
    return min(found, key=lambda count: found[count])


def measure(
    model: WriterModel, past: PastTexts, places: Mapping[int, int], examples: int
) -> Iterator[Event[Measured]]:
    """Foretell the tested texts of known people, once.

    Args:
        model: trained, of the people whom training knows.
        past: the texts.
        places: of each known person the place in the model.
        examples: read in the context.
    """
    texts, found = past.texts, {}
    rows = texts.of("test")
    yield Progress(0, 2, "Testing held-out prompts")
    found[KNOWN] = scored(texts, rows, token_costs(model, past, rows, places, None, examples))
    chosen_by = texts.of("val")
    costs = token_costs(model, past, chosen_by, places, None, examples)
    found[VALIDATED] = scored(texts, chosen_by, costs)
    if model.method.tells_apart:
        yield Progress(1, 2, "Testing with people exchanged")
        swap = exchanged(texts.known)
        costs = token_costs(model, past, rows, places, None, examples, swap)
        found[SWAPPED] = scored(texts, rows, costs)
    yield Done(found)


def exchanged(people: Sequence[int]) -> dict[int, int]:
    """Each person's stand-in: the next one; nobody stands in for themselves."""
    return dict(zip(people, [*people[1:], people[0]], strict=True))


def scored(texts: OwnTexts, rows: Sequence[int], costs: Sequence[Costs]) -> Texts:
    """Texts with what each of their tokens cost."""
    return {
        row: scored_text(texts, row, float(one.sum()), len(one), one.tolist())
        for row, one in zip(rows, costs, strict=True)
    }


def scored_text(
    texts: OwnTexts, row: int, nll: float, tokens: int, costs: Sequence[float] = ()
) -> ScoredText:
    """A text with what it cost."""
    prompt, text = texts.pairs[row]
    code = texts.meta.people[texts.owner[row]].code
    return ScoredText(code, prompt or text, nll, tokens, tuple(costs))


def write_scores(run: RunFolder, measured: Measured) -> None:
    """Keep what every text cost, and every token of it."""
    import pandas as pd

    rows = [
        (setting, row, one.nll, one.tokens)
        for setting, texts in measured.items()
        for row, one in texts.items()
    ]
    frame = pd.DataFrame(rows, columns=list(_FORM))
    write_whole(run.path / layout.TEXT_SCORES, lambda beside: frame.to_parquet(beside, index=False))
    write_costs(run, measured)


def read_scores(run: RunFolder, texts: OwnTexts) -> Measured:
    """What every text cost in a finished run.

    Raises:
        UnreadableError: it cannot be read, or is not what the run wrote.
    """
    frame: pd.DataFrame = run.frame(layout.TEXT_SCORES, _FORM)
    test, late = set(texts.of("test")), set(texts.of("test", held_out=True))
    tested = {KNOWN: test, SWAPPED: test, VALIDATED: set(texts.of("val"))}
    tested |= {entered_name(count): late for count in ENTERED_WITH}
    found: dict[str, dict[int, ScoredText]] = {}
    for setting, row, value, count in frame.itertuples(index=False):
        here = found.setdefault(str(setting), {})
        if row not in tested.get(str(setting), ()) or row in here:
            raise UnreadableError(
                run.path / layout.TEXT_SCORES, "its texts are not those that the run was tested on"
            )
        here[int(row)] = scored_text(texts, int(row), float(value), int(count))
    if not found.get(KNOWN):
        raise UnreadableError(run.path / layout.TEXT_SCORES, "it says nothing of known people")
    return found
