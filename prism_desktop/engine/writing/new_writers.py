"""Somebody whom a run's training did not know, to be written as: they enter with their own texts.

Texts of every fold may be read, as nothing is tested here, but for what they answered to the very
prompt. Nothing of it is kept: the run's folder stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.study.texts import OwnText
from prism_desktop.engine.writing.entering import enter
from prism_desktop.engine.writing.generation import OpenWriter, open_writer
from prism_desktop.engine.writing.own_text_data import OwnTexts, PersonFacts

if TYPE_CHECKING:
    from prism_desktop.engine.study.records import LabelerRecord


def with_new_people(
    run: RunFolder, texts: OwnTexts, codes: Sequence[str], left_out: list[str] | None = None
) -> OwnTexts:
    """A run's texts with those of people whom its study knows and the run does not.

    Args:
        run: trained on `texts`.
        texts: stay in their places.
        codes: of the people.
        left_out: told who cannot enter and why, in sentences; None: they are refused.

    Raises:
        InputError: nobody has such a code, or somebody wrote nothing, or is simulated where the
            people of the run are not, or the other way round.
    """
    from prism_desktop.engine.study.store import Study

    there = {one.code for one in texts.meta.people}
    lacking = [code for code in codes if code not in there]
    if not lacking:
        return texts
    with Study.open(run.study, read_only=True) as study:
        known = {one.code: one for one in study.labelers()}
        own = {code: study.own_texts(code) for code in lacking if code in known}
    for unable, why in _unable(run, texts, lacking, known, own):
        if left_out is None:
            raise InputError(why)
        left_out.append(why)
        lacking = [code for code in lacking if code not in unable]
    people, owner, pairs = list(texts.meta.people), list(texts.owner), list(texts.pairs)
    for code in lacking:
        one = known[code]
        facts = PersonFacts(
            code=code, display_name=one.display_name, profile=one.profile, held_out=True
        )
        people.append(facts)
        owner += [len(people) - 1] * len(own[code])
        pairs += [(text.prompt, text.text) for text in own[code]]
    added = len(pairs) - len(texts.pairs)
    return OwnTexts(
        texts.meta.model_copy(update={"people": tuple(people)}),
        tuple(owner),
        tuple(pairs),
        (*texts.split, *("train",) * added),
    )


def _unable(
    run: RunFolder, texts: OwnTexts, codes: Sequence[str], known: Mapping[str, LabelerRecord],
    own: Mapping[str, tuple[OwnText, ...]],
) -> Iterator[tuple[set[str], str]]:  # fmt: skip
    """Who cannot enter, and why: of each person one reason."""
    if strangers := [code for code in codes if code not in known]:
        yield (
            set(strangers),
            f"{run.name} was not trained on texts of {few(strangers, 5)}, and its study has nobody "
            f"of that code; it knows {few([one.code for one in texts.meta.people], 5)}.",
        )
    if silent := [code for code in codes if code in known and not own[code]]:
        yield (
            set(silent),
            f"The study has no own texts of {few(silent, 5)}, so that no model can write as they "
            "might; import some with `prism-desktop study import STUDY FILE --own-texts`.",
        )
    simulated = texts.meta.simulated
    able = [code for code in codes if own.get(code)]
    if others := [code for code in able if known[code].simulated != simulated]:
        yield (
            set(others),
            f"The people of {run.name} are {'' if simulated else 'not '}simulated, and "
            f"{few(others, 5)} {'not' if simulated else 'simulated'}; the two are never mixed.",
        )


def writer_of_new_people(
    run: RunFolder, texts: OwnTexts, asked: Mapping[str, Collection[str]]
) -> Generator[Progress | Notice, None, OpenWriter]:
    """A run's model with nobody in it but people whom its training did not know.

    Args:
        run: finished.
        texts: as `with_new_people` gives them.
        asked: of each person's code the prompts to be answered, as they are kept.
    """
    writer = yield from open_writer(run, texts)
    place = {one.code: row for row, one in enumerate(texts.meta.people)}
    histories = may_be_read(texts, {place[code]: prompts for code, prompts in asked.items()})
    yield Progress(0, None, f"Letting {counted(len(asked), 'person')} in")
    model, places = enter(writer.model, writer.past, histories, writer.examples)
    return replace(writer, model=model, places=places, histories=histories)


def may_be_read(texts: OwnTexts, asked: Mapping[int, Collection[str]]) -> dict[int, list[int]]:
    """Of people the own texts of all folds, oldest first, without what they answered to prompts
    that are to be answered.

    Args:
        texts: of all.
        asked: of each person's place the prompts, as they are kept.
    """
    found: dict[int, list[int]] = {person: [] for person in asked}
    for row, (person, (prompt, _)) in enumerate(zip(texts.owner, texts.pairs, strict=True)):
        if person in found and prompt not in asked[person]:
            found[person].append(row)
    return found
