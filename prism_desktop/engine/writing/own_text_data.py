"""Own texts of people as data: who, in answer to what, what; and which of them train or test.

Two things are held out. Prompts: a prompt's fold, 0 to 6, follows from its hash alone, so that all
texts in answer to one prompt lie in one fold and a later text changes no other's; one fold tests,
the next one validates. People: a share of them is never trained on; they enter afterwards with a
few of their texts from the training folds, and are tested on the test fold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prism_desktop.engine.errors import InputError, RunError, UnreadableError
from prism_desktop.engine.files import write_whole
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.parquet_forms import TEXT, Cells, Form
from prism_desktop.engine.plain_text import few
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.default_backbone import embedded_doubt
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.stored import Stored
from prism_desktop.engine.study.texts import OwnText, text_id
from prism_desktop.engine.writing.board_words import held_out_texts
from prism_desktop.engine.writing.writing_config import FOLDS, WritingConfig

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

Pair = tuple[str | None, str]
SPLITS: Final = ("train", "val", "test")
LEAST_KNOWN: Final = 2  # people whom training needs
_FORM: Final[Form] = {
    "person": TEXT, "prompt": Cells("text", blank=True), "text": TEXT,
    "split": Cells("text", words=frozenset(SPLITS)),
}  # fmt: skip


class PersonFacts(Stored):
    """Somebody whose texts a run has."""

    code: str
    display_name: str = ""
    profile: str = ""
    held_out: bool = False  # never trained on


class WritingMeta(Stored):
    """What the texts of a run are: data/meta.json."""

    study: str = ""
    simulated: bool = False
    people: tuple[PersonFacts, ...] = ()
    notices: tuple[str, ...] = ()
    fingerprint: str = ""  # of all that is learned from and tested


@dataclass(frozen=True, slots=True, eq=False)
class OwnTexts:
    """The texts of a run.

    Attributes:
        owner: of each text its person's place in `meta.people`.
        pairs: of each text its prompt or None, and what was written; of each person in the order
            in which they were added to the study.
        split: of each text, as in `SPLITS`.
    """

    meta: WritingMeta
    owner: tuple[int, ...]
    pairs: tuple[Pair, ...]
    split: tuple[str, ...]

    def of(self, split: str, *, held_out: bool = False) -> list[int]:
        """The texts of a split, of the people whom training knows or of those held out."""
        people = self.meta.people
        return [
            row
            for row, (owner, part) in enumerate(zip(self.owner, self.split, strict=True))
            if part == split and people[owner].held_out == held_out
        ]

    def history(self, person: int) -> list[int]:
        """A person's texts of the training folds, oldest first."""
        return [
            row
            for row, owner in enumerate(self.owner)
            if owner == person and self.split[row] == "train"
        ]

    @property
    def known(self) -> list[int]:
        """The people whom training knows."""
        return [row for row, one in enumerate(self.meta.people) if not one.held_out]

    @property
    def places(self) -> dict[int, int]:
        """Of each person whom training knows the place among them."""
        return {person: place for place, person in enumerate(self.known)}

    @property
    def newcomers(self) -> list[int]:
        """The people whom it does not."""
        return [row for row, one in enumerate(self.meta.people) if one.held_out]


def fold_of(text: OwnText) -> int:
    """The fold of a text: that of its prompt, or its own if it answers none."""
    key = text_id(text.text) if text.prompt is None else text_id(text.prompt)
    return int(key[:12], 16) % FOLDS


def take_texts(study: Study, config: WritingConfig) -> OwnTexts:
    """The own texts of a study, split as settings say.

    Raises:
        InputError: somebody named is unknown, there are no own texts, too few people, or real and
            simulated people together.
    """
    known = {one.code: one for one in study.labelers()}
    written, others = _written_by(study, config.people, list(known))
    simulated = {known[code].simulated for code in written}
    others = [code for code in others if known[code].simulated in simulated]
    if len(simulated) > 1:
        raise InputError(
            "Some of these people are simulated and some are not; name those of one kind with "
            "--labelers, as both are never mixed in one number."
        )
    found = _split(written, config)
    able = {one.labeler for one, _ in found}
    lacking = sorted(written.keys() - able)
    apart = _held_out(found, config)
    people = tuple(
        PersonFacts(
            code=code,
            display_name=known[code].display_name,
            profile=known[code].profile,
            held_out=code in apart,
        )
        for code in written
        if code in able
    )
    _refuse_too_few(people, found, others)
    place = {one.code: row for row, one in enumerate(people)}
    rows = [(place[one.labeler], (one.prompt, one.text), part) for one, part in found]
    doubt = embedded_doubt(config.backbone, simulated=simulated == {True})
    meta = WritingMeta(
        study=study.info().name,
        simulated=simulated == {True},
        people=people,
        notices=(*_told_of_lacking(lacking), *filter(None, (doubt,))),
        fingerprint=_fingerprint(people, rows),
    )
    return OwnTexts(meta, *(tuple(column) for column in zip(*rows, strict=True)))


def _written_by(
    study: Study, people: Sequence[str] | None, known: Sequence[str]
) -> tuple[dict[str, list[OwnText]], list[str]]:
    """What each of the people wrote, in the order in which the study knows them; and who else
    wrote, whom nobody named."""
    if unknown := [code for code in people or () if code not in known]:
        raise InputError(
            f"The study has no {few(list(dict.fromkeys(unknown)), 5)}; it has {few(known, 5)}."
        )
    found: dict[str, list[OwnText]] = {code: [] for code in known}
    for one in study.own_texts():
        found[one.labeler].append(one)
    everybody = {code: texts for code, texts in found.items() if texts}
    wanted = set(known if people is None else people)
    written = {code: texts for code, texts in everybody.items() if code in wanted}
    if not written:
        raise InputError(
            f"There are no own texts of these people to learn from;{_name_or(everybody)} import "
            "some with `prism-desktop study import STUDY FILE --own-texts`."
        )
    return written, sorted(everybody.keys() - wanted)


def _name_or(others: Iterable[str]) -> str:
    """The way out that there is where people were named, and others wrote, too."""
    named = few(sorted(others), 5)
    return f" name others who wrote with --labelers ({named}), or" if named else ""


def texts_of_newcomers(texts: OwnTexts) -> tuple[int, ...]:
    """How many texts may be known of each of the people who enter, the least first."""
    return tuple(sorted(len(texts.history(one)) for one in texts.newcomers))


def told_of_newcomers(texts: OwnTexts, most: int) -> tuple[str, ...]:
    """That some of the people who enter have fewer texts than `most` that may be known of them."""
    said = held_out_texts(texts_of_newcomers(texts), most)
    return (said,) if said else ()


def _told_of_lacking(people: Sequence[str]) -> tuple[str, ...]:
    if not people:
        return ()
    who = f"{counted(len(people), 'person')} without a text in the training folds left out"
    return (f"{who}: {few(people, 5)}.",)


def _split(
    written: Mapping[str, Sequence[OwnText]], config: WritingConfig
) -> list[tuple[OwnText, str]]:
    """Texts with their split, person by person, without people who have none that trains."""
    named = {config.fold: "test", (config.fold + 1) % FOLDS: "val"}
    found: list[tuple[OwnText, str]] = []
    for texts in written.values():
        own = [(one, named.get(fold_of(one), "train")) for one in texts]
        if any(part == "train" for _, part in own):
            found += own
    return found


def _held_out(found: Sequence[tuple[OwnText, str]], config: WritingConfig) -> set[str]:
    """Who is held out: of those who have a text to be tested on, a share by a hash."""
    able = sorted(
        {one.labeler for one, part in found if part == "test"},
        key=lambda code: hashlib.sha256(f"{config.split_seed}|{code}".encode()).digest(),
    )
    return set(able[: int(config.held_out * len(able))])


def _refuse_too_few(
    people: Sequence[PersonFacts], found: Sequence[tuple[OwnText, str]], others: Sequence[str]
) -> None:
    """Refuse texts that nothing can be learned from or tested on; `others` wrote, too, and were not
    named."""
    known = {one.code for one in people if not one.held_out}
    parts = {part for one, part in found if one.labeler in known}
    apart = len(people) - len(known)
    if len(known) < LEAST_KNOWN:
        why = ["others were not named"] if others else []
        why += [f"{counted(apart, 'person is', 'people are')} held out"] if apart else []
        ways = ["import more"]
        ways += [f"name more people with --labelers ({few(others, 5)})"] if others else []
        ways += ["hold nobody out with --set held_out=0"] if len(people) >= LEAST_KNOWN else []
        raise InputError(
            "Learning to write like somebody needs own texts of "
            f"{counted(LEAST_KNOWN, 'person')} in the training folds; there are those of "
            f"{len(known) or 'nobody'}{', as ' if why else ''}{' and '.join(why)}. "
            f"{_sentence(ways[::-1])}"
        )
    if lacking := [part for part in SPLITS if part not in parts]:
        ways = ["Import texts in answer to more prompts", "choose another fold with --set fold=N"]
        ways[1:1] = [f"name more people with --labelers ({few(others, 5)})"] if others else []
        raise InputError(
            f"No own text is left to {'test on' if 'test' in lacking else 'choose by'}: all answer "
            f"prompts of other folds. {_sentence(ways)}"
        )


def _sentence(ways: Sequence[str]) -> str:
    """Ways out, one of which is enough."""
    told = ", or ".join(ways)
    return f"{told[0].upper()}{told[1:]}."


def _fingerprint(people: Sequence[PersonFacts], rows: Sequence[Any]) -> str:
    told = [[one.code, one.profile, one.held_out] for one in people]
    return hashlib.sha256(json.dumps([told, rows]).encode()).hexdigest()


def write_texts(run: RunFolder, texts: OwnTexts) -> None:
    """Put texts into a run's folder; what they are comes last."""
    import pandas as pd

    codes = [texts.meta.people[owner].code for owner in texts.owner]
    frame = pd.DataFrame(
        {
            "person": codes,
            "prompt": [prompt for prompt, _ in texts.pairs],
            "text": [text for _, text in texts.pairs],
            "split": list(texts.split),
        },
        dtype="str",
    )
    write_whole(run.data / layout.OWN_TEXTS, lambda beside: frame.to_parquet(beside, index=False))
    texts.meta.save(run.data / layout.META)


def read_texts(run: RunFolder) -> OwnTexts:
    """The texts of a run.

    Raises:
        RunError: there are none, or they cannot be read or do not belong together.
    """
    meta = run.stored(WritingMeta, f"{layout.DATA}/{layout.META}")
    if meta is None:
        raise RunError(f"The run {run.name} has no texts, so it cannot be trained or evaluated.")
    frame = run.frame(f"{layout.DATA}/{layout.OWN_TEXTS}", _FORM)
    place = {one.code: row for row, one in enumerate(meta.people)}
    if len(place) < len(meta.people) or not place.keys() >= set(frame["person"]):
        raise UnreadableError(
            run.data / layout.OWN_TEXTS, f"it is of other people than {layout.META}"
        )
    prompts = [one if isinstance(one, str) else None for one in frame["prompt"]]
    return OwnTexts(
        meta,
        tuple(place[str(code)] for code in frame["person"]),
        tuple(zip(prompts, map(str, frame["text"]), strict=True)),
        tuple(map(str, frame["split"])),
    )
