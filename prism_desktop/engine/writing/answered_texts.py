"""Texts that a finished model wrote to held-out prompts, as a run keeps them and reads them back.

They are kept by setting, as scores are: of people whom training knew, and of held-out people with
so many of their texts known.

The file is read as hostile: its texts are plain text, each measure lies where it can, and what it
says of a text that the run never tested is damage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.files import write_whole
from prism_desktop.engine.parquet_forms import TEXT, Cells, Form
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.writing_files import (
    MACRO_F1,
    SIMILARITY,
    MeanOverPeople,
    WritingGain,
)
from prism_desktop.engine.writing.own_text_data import OwnTexts
from prism_desktop.engine.writing.people_intervals import (
    COSINES,
    SHARES,
    ScoredText,
    gain,
    mean_over_people,
    ratio,
)
from prism_desktop.engine.writing.tested_settings import (
    ENTERED_WITH,
    KNOWN,
    ORIGIN,
    entered_name,
)
from prism_desktop.engine.writing.text_overlap import OVERLAPS, Floats, f1_shares

if TYPE_CHECKING:
    import pandas as pd

MEASURES: Final = (SIMILARITY, *OVERLAPS)
_SHARE: Final = Cells("real", low=-1e-9, high=1 + 1e-6)
_FORM: Final[Form] = {
    "setting": Cells("text", old=True), "text": Cells("whole", low=0), "person": TEXT,
    "prompt": TEXT, "generated": Cells("text", blank=True), "origin": TEXT,
    SIMILARITY: Cells("real", low=-1 - 1e-6, high=1 + 1e-6),
    **dict.fromkeys(OVERLAPS, _SHARE),
}  # fmt: skip


class AnsweredText(NamedTuple):
    """A text that a model wrote where a person's own is known."""

    text: str  # generated; nobody wrote it
    shares: Mapping[str, float]  # by the names in `MEASURES`
    method: str = ""  # that wrote it; not known of what was read back


Answered = Mapping[int, AnsweredText]  # by the own text's place in the run's texts
AnsweredIn = Mapping[str, Answered]  # by setting


def write_answered(run: RunFolder, texts: OwnTexts, answered: AnsweredIn) -> None:
    """Keep what was generated, each text marked as that."""
    import pandas as pd

    people = texts.meta.people
    rows = [
        (setting, row, people[texts.owner[row]].code, texts.pairs[row][0] or "", one.text,
         f"{ORIGIN}{one.method}", *(one.shares[name] for name in MEASURES))
        for setting, written in answered.items()
        for row, one in written.items()
    ]  # fmt: skip
    words = [name for name, cells in _FORM.items() if cells.kind == "text"]
    frame = pd.DataFrame(rows, columns=list(_FORM)).astype(dict.fromkeys(words, "str"))
    write_whole(run.path / layout.GENERATED, lambda beside: frame.to_parquet(beside, index=False))


def read_answered(run: RunFolder, texts: OwnTexts) -> AnsweredIn:
    """What a finished run generated; nothing where it has no such file.

    Raises:
        UnreadableError: the file cannot be read, or is not what the run wrote.
    """
    if not layout.holds(run.path, layout.GENERATED):
        return {}
    frame: pd.DataFrame = run.frame(layout.GENERATED, _FORM)
    if "setting" not in frame:  # of a version that wrote for people whom training knew alone
        frame.insert(0, "setting", KNOWN)
    people, late = texts.meta.people, set(texts.of("test", held_out=True))
    tested = {KNOWN: set(texts.of("test"))} | {entered_name(one): late for one in ENTERED_WITH}
    found: dict[str, dict[int, AnsweredText]] = {}
    for told in frame.itertuples(index=False):
        setting, row, person, prompt, generated, _, *shares = tuple(told)
        here = found.setdefault(str(setting), {})
        if (
            row not in tested.get(str(setting), ())
            or row in here
            or (person, prompt) != (people[texts.owner[row]].code, texts.pairs[row][0])
        ):
            raise UnreadableError(
                run.path / layout.GENERATED, "its texts are not those that the run was tested on"
            )
        text = generated if isinstance(generated, str) else ""
        here[int(row)] = AnsweredText(text, dict(zip(MEASURES, shares, strict=True)))
    return found


def measured(
    texts: OwnTexts, answered: Answered, labels: Sequence[str]
) -> dict[str, MeanOverPeople]:
    """Every measure, the mean over people with intervals.

    Args:
        texts: the run's.
        answered: what was generated.
        labels: the closed set that the own texts are from; empty where there is none.
    """
    if not answered:
        return {}
    found = {
        name: mean_over_people(
            _shares(texts, answered, name), COSINES if name == SIMILARITY else SHARES
        )
        for name in MEASURES
    }
    if labels:
        found[MACRO_F1] = ratio(*_labelled(texts, answered, list(answered), labels))
    return found


def gained(
    over: str, texts: OwnTexts, method: Answered, other: Answered, labels: Sequence[str]
) -> dict[str, WritingGain]:
    """What a method's texts are nearer than another's, paired by own text; above 0 is better."""
    common = sorted(method.keys() & other.keys())
    if not common:
        return {}
    found = {}
    for name in MEASURES:
        most = 2.0 if name == SIMILARITY else 1.0
        here, there = _shares(texts, method, name), _shares(texts, other, name)
        found[name] = gain(over, there, here, (-most, most))
    if labels:
        rows, value, influence = _labelled(texts, method, common, labels)
        _, value_there, influence_there = _labelled(texts, other, common, labels)
        mean = ratio(rows, value - value_there, influence - influence_there, difference=True)
        found[MACRO_F1] = WritingGain(over=over, mean=mean)
    return found


def _shares(texts: OwnTexts, answered: Answered, name: str) -> dict[int, ScoredText]:
    """A measure of every text, which counts as one token."""
    return {
        row: _scored(texts, row)._replace(nll=one.shares[name]) for row, one in answered.items()
    }


def _scored(texts: OwnTexts, row: int) -> ScoredText:
    code = texts.meta.people[texts.owner[row]].code
    return ScoredText(code, texts.pairs[row][0] or texts.pairs[row][1], 0.0, 1)


def _labelled(
    texts: OwnTexts, answered: Answered, rows: Sequence[int], labels: Sequence[str]
) -> tuple[list[ScoredText], float, Floats]:
    """Texts, their macro-F1 and what each does to it."""
    own = [texts.pairs[row][1] for row in rows]
    told = [answered[row].text.strip() for row in rows]
    return [_scored(texts, row) for row in rows], *f1_shares(own, told, labels)
