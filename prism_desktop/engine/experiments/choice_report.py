"""Taste profiles and the report of image confounds: the answers of a study or of a run, and what
can be seen of its pictures, put together.

No model of a labeler is asked. Importing this needs neither torch nor pandas.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from prism_desktop.engine.backbones.prompt_layout import Pair
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.taste.taste_records import TasteReport
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.folder_handles import absolute
from prism_desktop.engine.grammar import counted, word_for
from prism_desktop.engine.names import people
from prism_desktop.engine.processes.rpc import call
from prism_desktop.engine.runs.default_backbone import default_backbone
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.stimulus_words import FACES, TEXTS
from prism_desktop.engine.study.confirmed import confirmed_names
from prism_desktop.engine.study.set_aside import told_aside

if TYPE_CHECKING:
    import pandas as pd


class TasteArguments(BaseModel):
    """Whose choices are looked at, and beside what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Path
    run: Path | None = None  # whose answers and backbone are used; None: the study's as they are
    attributes: tuple[str, ...] | None = None  # None: all
    words: tuple[tuple[str, str], ...] | None = None  # None: the usual ones
    backbone: str | None = None  # None: the run's or the study's own
    may_fetch: bool = False  # whether its weights may be downloaded


_COMPARING = "Comparing choices with pictures"


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What a study or a run holds of it."""

    compared: "pd.DataFrame"
    rated: "pd.DataFrame"
    files: dict[str, Path]
    facts: dict[str, dict[str, str]]
    names: dict[str, str]
    attributes: tuple[str, ...]
    backbone: str
    notes: tuple[str, ...]
    texts: Mapping[str, Pair]  # prompt and text of each, where texts are judged


def taste_in_worker(asked: TasteArguments) -> Iterator[Event[TasteReport]]:
    """As `taste_report`, in another process; closing this ends the work.

    Raises:
        RunError: one sentence; what could not be done.
    """
    paths = {"study": absolute(asked.study), "run": asked.run and absolute(asked.run)}
    wanted = asked.model_copy(update=paths)
    for event in call("taste", wanted, "Reading the answers"):
        yield Done(TasteReport.parse(event.value)) if isinstance(event, Done) else event


def taste_report(asked: TasteArguments) -> Generator[Event[TasteReport], None, None]:
    """Measure what goes with each labeler's choices; the last event is `Done[TasteReport]`.

    Raises:
        InputError: an attribute is unknown, or nobody answered.
    """
    from prism_desktop.engine.evaluation.taste.choice_links import taste_links
    from prism_desktop.engine.experiments.image_properties import WORDS, look_at_images
    from prism_desktop.engine.experiments.text_properties import look_at_texts
    from prism_desktop.engine.training.offered_blocks import answered_means

    yield Progress(0, None, "Reading the answers")
    told = _of_run(asked, RunFolder.open(asked.run)) if asked.run else _of_study(asked)
    pairs = _pairs(told)
    if pairs.empty:
        raise InputError(
            (TEXTS if told.texts else FACES).told(
                "Nobody has compared or rated faces yet, so there is nothing that pictures could "
                "go with; label first."
            )
        )
    answered = answered_means(list(told.files), told.rated, pairs)
    if told.texts:
        seen = look_at_texts(told.texts, told.facts, answered)
    else:
        words = WORDS if asked.words is None else asked.words
        seen = yield from look_at_images(
            asked.study, told.files, told.facts, answered, told.backbone, words, asked.may_fetch
        )
    yield Progress(0, None, (TEXTS if told.texts else FACES).told(_COMPARING))
    names = [one.name for one in seen.properties]
    found = taste_links(pairs, seen.images, seen.values, names)
    order = {code: place for place, code in enumerate(told.names)}
    labelers = sorted(found.labelers, key=lambda one: order.get(one.labeler, len(order)))
    more: dict[str, object] = {
        "properties": seen.properties,
        "labelers": tuple(labelers),
        "answers": _answers(told),
        "notes": (*told.notes, *seen.notes),
        "names": told.names,
    }
    more |= {"of_texts": True} if told.texts else {}
    yield Done(found.model_copy(update=more))


def _of_study(asked: TasteArguments) -> _Told:
    from prism_desktop.engine.evaluation.quality.answers_looked_at import programs_beside_people
    from prism_desktop.engine.study.store import Study

    with Study.open(asked.study, read_only=True) as study:
        confirmed, notice = confirmed_names(study.attributes(), study.path)
        attributes = _chosen(asked.attributes, confirmed)
        frames = study.comparisons(), study.ratings()
        programs = programs_beside_people(study.labelers(), frames)
        facts: dict[str, dict[str, str]] = {}
        for fact in study.facts():
            if fact.kind == "image":
                facts.setdefault(fact.name, {})[fact.owner] = fact.value
        compared, rated, drawn = _counting(frames, attributes, programs)
        notes = [notice if asked.attributes is None else "", told_aside(study.set_aside()), drawn]
        if programs:
            was = word_for(len(programs), "was", "were")
            notes.append(
                f"{counted(len(programs), 'simulated labeler')} {was} left out, since people "
                "answered too."
            )
        texts = {text.id: (text.prompt, text.text) for text in study.texts()}
        chosen = asked.backbone or default_backbone(asked.study, texts=bool(texts)).backbone
        return _Told(
            compared,
            rated,
            {image.id: image.path for image in study.images()} or dict.fromkeys(texts, Path()),
            facts,
            people((each.code, each.display_name) for each in study.labelers()),
            attributes,
            chosen,
            tuple(filter(None, notes)),
            texts,
        )


def _of_run(asked: TasteArguments, run: RunFolder) -> _Told:
    """Of the answers that a run was given, those that it was tested on included: none of them is
    compared with what it learned."""
    meta, images = run.meta(), run.table("images")
    attributes = _chosen(asked.attributes, meta.names)
    frames = run.table("comparisons"), run.table("ratings")
    compared, rated, drawn = _counting(frames, attributes, frozenset())
    files = dict(zip(map(str, images["image"]), map(Path, images["path"]), strict=True))
    return _Told(
        compared,
        rated,
        files,
        run.image_facts(),
        run.people(),
        attributes,
        asked.backbone or run.config().backbone,
        (drawn,) if drawn else (),
        run.texts() if run.of_texts else {},
    )


def _chosen(wanted: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """Raises: InputError: there is no such attribute."""
    if lacking := [name for name in wanted or () if name not in known]:
        raise InputError(f"There is no attribute {lacking[0]}; there are {', '.join(known)}.")
    return tuple(wanted or known)


def _counting(
    frames: "tuple[pd.DataFrame, pd.DataFrame]",
    attributes: Sequence[str],
    programs: frozenset[str],
) -> "tuple[pd.DataFrame, pd.DataFrame, str]":
    """The comparisons and ratings that are looked at, and a sentence on what was chosen to tell
    much and is no fair sample."""
    from prism_desktop.engine.analysis.agreement import left_out, was_drawn

    kept, chosen = [], 0
    for frame in frames:
        mine = frame[frame["attribute"].isin(attributes) & ~frame["labeler"].isin(programs)]
        drawn = mine[was_drawn(mine)]
        chosen += len(mine) - len(drawn)
        kept.append(drawn.reset_index(drop=True))
    return kept[0], kept[1], left_out(chosen)


def _pairs(told: _Told) -> "pd.DataFrame":
    """Comparisons, and faces that one labeler rated differently, attributes in the study's
    order."""
    import pandas as pd

    from prism_desktop.engine.evaluation.pairs import (
        SPLITS,
        pairs_from_comparisons,
        pairs_from_ratings,
    )

    together = dict.fromkeys(told.files, SPLITS[0])  # any two faces may be compared
    parts = pairs_from_comparisons(told.compared), pairs_from_ratings(told.rated, together)
    pairs = pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)
    place = pairs["attribute"].map({name: row for row, name in enumerate(told.attributes)})
    return pairs.iloc[place.argsort(kind="stable")].reset_index(drop=True)


def _answers(told: _Told) -> str:
    what = [
        counted(len(frame), name)
        for frame, name in ((told.compared, "answer to comparisons"), (told.rated, "rating"))
        if len(frame)
    ]
    who = counted(len({*told.compared["labeler"], *told.rated["labeler"]}), "labeler")
    return f"{' and '.join(what)} of {who}; no model of a labeler was asked."
