"""The demo study of texts: replies of simulated writers, and judges with planted tastes."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from prism_desktop.engine.demo.simulated_labelers import SimulatedLabeler, design
from prism_desktop.engine.demo.simulation import Simulation
from prism_desktop.engine.demo.writers.judges import (
    judged_attributes,
    judged_replies,
    judges,
    standard_qualities,
)
from prism_desktop.engine.demo.writers.replies import own_texts
from prism_desktop.engine.demo.writers.writing_style import Writer, demo_writers
from prism_desktop.engine.errors import InputError, PrismError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.stimulus_words import REPLIES
from prism_desktop.engine.study.opening import FILE
from prism_desktop.engine.study.records import LabelerRecord
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.study.texts import NewText, OwnText, new_text_id

REPLIES_EACH = 5  # to each of the 128 prompts, by as many writers
_NAME = re.compile(r"reply-\d{4}", re.ASCII)
_TELL_EVERY = 50  # writers


def build_text_demo(
    folder: Path | str, *, seed: int = 0, each: int = REPLIES_EACH, scale: float = 1.0
) -> Iterator[Event[Path]]:
    """Make the demo study of texts in a new folder.

    The 200 simulated writers are its labelers, with what they wrote themselves; five replies to
    every prompt are judged by six more, see `data/judges.yaml`. No judge knows who wrote what.

    Args:
        folder: of the study; must be empty or not exist, or hold a demo that was cut off, which is
            finished then.
        seed: of the replies, and of the judges' pairs, noise and times.
        each: replies to one prompt.
        scale: multiplies the numbers of trials and of writers' own texts, for small studies.

    Yields:
        Progress, then Done with the study's folder, closed. Closing the generator leaves a study
        without trials.

    Raises:
        InputError: if the folder holds other files.
    """
    with _begun(Path(folder)) as study:
        known = {attribute.name for attribute in study.attributes()}
        for name, question in judged_attributes().items():
            if name not in known:
                study.add_attribute(name, question, templates=REPLIES.templates)
        _enter(study, [*judges(), *demo_writers()])
        yield from _write(study, seed, scale)
        yield Progress(0, None, "Writing replies")
        _add_replies(study, seed, each)
        yield Progress(0, len(judges()), "Simulating judges")
        _judge(study, seed, scale)
        path = study.path
    yield Done(path)


def is_cut_off_text_demo(folder: Path) -> bool:
    """Whether a folder holds a demo study of texts that was not finished: its trials come last."""
    try:
        with Study.open(folder, read_only=True) as study:
            people = study.labelers()
            names = {attribute.name for attribute in study.attributes()}
            texts = [text.name for text in study.texts()]
            ours = study.kind() == "text" and not study.trials(current=False)
    except PrismError:
        return False
    known = {judge.code for judge in judges()} | {writer.code for writer in demo_writers()}
    ours = ours and bool(people) and names <= set(judged_attributes())
    ours = ours and all(person.simulated and person.code in known for person in people)
    return ours and all(_NAME.fullmatch(name) for name in texts)


def _begun(folder: Path) -> Study:
    if (folder / FILE).is_file() and is_cut_off_text_demo(folder):
        return Study.open(folder)
    return Study.create(folder, attributes=(), kind="text")


def _enter(study: Study, people: Sequence[SimulatedLabeler | Writer]) -> None:
    """Make those labelers of the study who are not yet."""
    known = {labeler.code for labeler in study.labelers()}
    study.add_labelers(
        [
            LabelerRecord(one.code, one.name, f"{one.profile} (Simulated.)", simulated=True)
            for one in people
            if one.code not in known
        ]
    )


def _write(study: Study, seed: int, scale: float) -> Iterator[Progress]:
    """What each writer wrote."""
    writers = demo_writers()
    for start in range(0, len(writers), _TELL_EVERY):
        some = writers[start : start + _TELL_EVERY]
        study.add_own_texts(
            OwnText(writer.code, said, prompt.text)
            for writer in some
            for prompt, said in own_texts(writer, seed, scale)
        )
        yield Progress(start + len(some), len(writers), "Writing texts of the writers")


def _add_replies(study: Study, seed: int, each: int) -> None:
    """Replies that are judged; two writers may have the same words for a prompt, which is one."""
    new = [
        NewText(f"reply-{row + 1:04d}", made.text, made.prompt.text, made.writer.code)
        for row, made in enumerate(judged_replies(each, seed))
    ]
    if {text.id for text in study.texts()} - {new_text_id(one) for one in new}:
        raise InputError(
            f"{study.path} holds the replies of another demo that was cut off. Nothing of it was "
            "changed; choose another folder."
        )
    study.add_texts(new)


def _judge(study: Study, seed: int, scale: float) -> None:
    records = study.texts()
    standard = standard_qualities([text.text for text in records])
    trials = Simulation(records, standard, design(), seed).run(judges(), scale)
    study.record([trial for judged in trials.values() for trial in judged])
