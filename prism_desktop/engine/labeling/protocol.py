"""The protocol: how a labeler is led through a study, as a person reads and writes it.

It is TOML. A stored version never changes, a change is another version, and every session names the
one that it follows. What comes next under it is `protocol_plan`.
"""

import hashlib
import hmac
import re
import secrets
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from unicodedata import category

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic import model_validator as validated

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.foreign_files import read_text
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.misfit_words import misfit, strictly
from prism_desktop.engine.stimulus_words import FACES, StimulusWords
from prism_desktop.engine.study.records import (
    AttributeRecord,
    Kind,
    Order,
    ProtocolRecord,
    StimulusRecord,
)
from prism_desktop.engine.study.texts import TextRecord

_NO_TEXT: Final = frozenset({"Cc", "Zl", "Zp"})  # control characters, ends of lines
AfterGap = Literal["go on", "instructions", "repeat the block", "ask"]


def _in_a_line(name: str) -> str:
    if ":" in name or any(category(sign) in _NO_TEXT for sign in name):
        raise ValueError("a block's name has no colon, no line break and no control character")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(_in_a_line),
]
PRACTICE: Final = "practice"  # begins the name of a part that is no block
LEAST_PIN: Final = 4  # characters
_MOST_BYTES: Final = 1 << 20
_MOST: Final = 1_000_000_000  # of what has no other bound
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and a twentieth of a second a try
_PIN_MARK: Final = "scrypt"
_SALT, _HASH = 16, 32  # bytes
_LOCK: Final = re.compile(rf"{_PIN_MARK}\$[0-9a-f]{{{2 * _SALT}}}\$[0-9a-f]{{{2 * _HASH}}}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PracticeRules(_Part):
    """Trials on which to learn the task, before the first block of each kind."""

    trials: int = Field(default=0, ge=0, le=100)  # in a round; 0: no practice
    # share of a round's questions about known faces that must be answered as they are known; 0:
    # whoever went through it has passed
    least_right: float = Field(default=0.0, ge=0, le=1)
    most_rounds: int = Field(default=3, ge=1, le=20)
    if_failed: Literal["go on", "stop"] = "go on"  # after the last round


class BlockRules(_Part):
    """Trials of one kind."""

    name: Name
    kind: Kind
    trials: int = Field(ge=1, le=100_000)  # repeats included, attention checks not
    attributes: tuple[str, ...] = ()  # asked for; none: all of the study
    # the block is gone through once for each attribute, in an order of the labeler's own
    one_attribute_at_a_time: bool = False
    order: Order = "random"
    instructions: str = Field(default="", max_length=4_000)
    same_prompt: bool = False  # of texts: only those that answer the same prompt are compared

    @validated(mode="after")
    def _sound(self) -> Self:
        twice = [name for name, times in Counter(self.attributes).items() if times > 1]
        if twice:
            raise ValueError(f"block {self.name!r} asks twice for {twice[0]!r}")
        if self.same_prompt and self.kind == "rating":
            raise ValueError(f"block {self.name!r} is of ratings, so no two texts meet in it")
        return self


class RepeatRules(_Part):
    """Trials that come again, for consistency."""

    share: float = Field(default=0.1, ge=0, le=0.5)  # of a block's trials
    lag: int = Field(default=8, ge=1, le=1_000)  # trials between the two, at least


class BreakRules(_Part):
    """Rests within a block; there is one between blocks in any case."""

    every: int = Field(default=0, ge=0, le=_MOST)  # trials; 0: none
    least_seconds: int = Field(default=0, ge=0, le=3_600)  # before one may go on


class KnownFaces(_Part):
    """Faces of which it is known where they stand on one attribute, by image name."""

    high: tuple[str, ...] = Field(min_length=1)
    low: tuple[str, ...] = Field(min_length=1)


class CheckRules(_Part):
    """Attention checks: trials whose answer is known."""

    every: int = Field(default=0, ge=0, le=_MOST)  # trials of a block to one check; 0: none
    # attribute -> faces; without any they are taken from the answers that the study has when the
    # protocol is stored
    known: dict[str, KnownFaces] = {}


class ExposureRules(_Part):
    """What is shown around a face, and for how long."""

    milliseconds: int = Field(default=0, ge=0, le=60_000)  # 0: until the answer
    mask: bool = True  # after the exposure; else the plain grey
    fixation_milliseconds: int = Field(default=0, ge=0, le=10_000)  # a cross before; 0: none


class SpacingRules(_Part):
    """No face, and none like it, comes again soon where another can come instead."""

    trials: int = Field(default=3, ge=0, le=50)
    # what tells that two faces are alike: "statistics" of the images (light, colour, sharpness),
    # the name of imported embeddings, or "" where only the same face and person are
    similar_by: str = ""


class GapRule(_Part):
    """What becomes of a block that was left for so long; the longest time that fits counts."""

    after_minutes: float = Field(ge=0, le=_MOST)
    then: AfterGap


class Protocol(_Part):
    """All of it; what is not said is as usual."""

    title: str = Field(default="", max_length=200)
    instructions: str = Field(default="", max_length=10_000)  # none: the program's own
    seed: int = Field(default=0, ge=0)  # of every draw
    blinded: bool = True  # no predictions and no one else's answers until the labeler is done
    undo: bool = True  # answers may be taken back
    strength: bool = False  # of preference, by Shift
    pause_on_focus_loss: bool = True
    shuffle_blocks: bool = False  # in an order of the labeler's own
    locked_by: str = ""  # hash of the PIN that leaves the labeler's mode; "": there is none
    practice: PracticeRules = PracticeRules()
    repeats: RepeatRules = RepeatRules()
    breaks: BreakRules = BreakRules()
    checks: CheckRules = CheckRules()
    exposure: ExposureRules = ExposureRules()
    spacing: SpacingRules = SpacingRules()
    gaps: tuple[GapRule, ...] = (GapRule(after_minutes=240, then="instructions"),)
    blocks: tuple[BlockRules, ...] = Field(min_length=1, max_length=200)

    @validated(mode="after")
    def _sound(self) -> Self:
        names = Counter(block.name.casefold() for block in self.blocks)
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"two blocks are called {twice[0]!r}")
        if any(name.startswith(PRACTICE) for name in names):
            raise ValueError(f"no block's name may begin with {PRACTICE!r}")
        if len({rule.after_minutes for rule in self.gaps}) < len(self.gaps):
            raise ValueError("two rules are for the same time away")
        if self.locked_by and not _LOCK.fullmatch(self.locked_by):
            raise ValueError("locked_by is no hash of a PIN; leave it out and set the PIN anew")
        return self

    def toml(self) -> str:
        """The protocol as a file, defaults too: they must not change with the program."""
        import tomli_w

        values = self.model_dump(mode="json")
        for block in values["blocks"]:
            if not block["same_prompt"]:  # which protocols of faces do not know
                del block["same_prompt"]
        return tomli_w.dumps(values)

    @property
    def digest(self) -> str:
        """The same for the same protocol, 12 hexadecimal digits."""
        return hashlib.sha256(self.toml().encode()).hexdigest()[:12]

    def asked(self, attributes: int) -> dict[Kind, int]:
        """How many trials of each kind its blocks have, checks and practice aside.

        Args: attributes: of the study that are asked for; a block that goes through them one at a
            time has its trials for each.
        """
        asked: dict[Kind, int] = {}
        for block in self.blocks:
            rounds = len(block.attributes) or attributes if block.one_attribute_at_a_time else 1
            asked[block.kind] = asked.get(block.kind, 0) + block.trials * rounds
        return asked

    @property
    def needs_known(self) -> bool:
        """Whether it cannot do without faces of which something is known."""
        return bool(self.checks.every or (self.practice.trials and self.practice.least_right))

    @property
    def lacks_known(self) -> bool:
        """Whether such faces are still to be found in a study's answers."""
        return self.needs_known and not self.checks.known

    def after_gap(self, minutes: float) -> AfterGap:
        """What becomes of work that was left so long ago."""
        fitting = [rule for rule in self.gaps if minutes >= rule.after_minutes]
        return max(fitting, key=lambda rule: rule.after_minutes).then if fitting else "go on"

    def with_pin(self, pin: str) -> "Protocol":
        """The protocol locked by a PIN, of which only a salted hash is kept; "" unlocks it.

        Raises:
            InputError: the PIN is too short, or has a character that no other program can write.
        """
        if not _is_text(pin):
            raise InputError(
                "The PIN has a character that cannot be stored; nothing was changed. Use letters, "
                "digits and signs."
            )
        if pin and len(pin) < LEAST_PIN:
            raise InputError(f"A PIN has at least {LEAST_PIN} characters; nothing was changed.")
        salt = secrets.token_bytes(_SALT)
        kept = f"{_PIN_MARK}${salt.hex()}${_hash(pin, salt).hex()}" if pin else ""
        return self.model_copy(update={"locked_by": kept})

    def opens(self, pin: str) -> bool:
        """Whether this is the PIN; takes a twentieth of a second."""
        _, salt, kept = self.locked_by.split("$")
        return _is_text(pin) and hmac.compare_digest(_hash(pin, bytes.fromhex(salt)).hex(), kept)

    def without_pin(self) -> "Protocol":
        """The protocol as it is given away: without the hash of its PIN."""
        return self.model_copy(update={"locked_by": ""})


def _is_text(pin: str) -> bool:
    """Whether it can be encoded: half of a surrogate pair cannot."""
    return not any("\ud800" <= sign <= "\udfff" for sign in pin)


def _hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, dklen=_HASH, **_SCRYPT)


def limits(rules: type[BaseModel], path: str) -> tuple[int, int]:
    """The least and the largest value of a number, for a field in which it is written.

    Args:
        rules: that have it.
        path: its dotted name.
    """
    first, _, rest = path.partition(".")
    field = rules.model_fields[first]
    if rest:
        assert isinstance(field.annotation, type)
        return limits(field.annotation, rest)
    told = {type(each).__name__: each for each in field.metadata}
    return told["Ge"].ge, told["Le"].le


USUAL_BLOCKS: Final = (BlockRules(name="Comparisons", kind="comparison", trials=100),)


def usual_protocol() -> Protocol:
    """What somebody begins to write from."""
    return Protocol(
        practice=PracticeRules(trials=4), breaks=BreakRules(every=50), blocks=USUAL_BLOCKS
    )


def of_same_prompts(protocol: Protocol) -> Protocol:
    """The protocol, comparing only texts that answer the same prompt."""
    blocks = tuple(
        block.model_copy(update={"same_prompt": block.kind == "comparison"})
        for block in protocol.blocks
    )
    return protocol.model_copy(update={"blocks": blocks})


def parse_protocol(text: str, name: str = "The protocol") -> Protocol:
    """Read a protocol from TOML; `name` is what it is called in a refusal.

    Raises:
        InputError: it is none.
    """
    try:
        return strictly(Protocol, tomllib.loads(text))
    except RecursionError:
        raise InputError(f"{name} is nested too deep to be one. Nothing was changed.") from None
    except ValidationError as error:
        told = misfit(error, Protocol)
        raise InputError(f"{name} cannot be followed: {told}. Nothing was changed.") from error
    except ValueError as error:
        raise InputError(f"{name} is no TOML ({error}). Nothing was changed.") from error


def read_protocol(file: Path) -> Protocol:
    """Read a protocol from a file.

    Raises:
        InputError: it cannot be read or is none.
    """
    try:
        # some editors begin a file with a mark of its encoding
        return parse_protocol(read_text(file, _MOST_BYTES).removeprefix("\ufeff"), file.name)
    except UnicodeDecodeError as error:
        raise InputError(f"{file.name} is no TOML ({error}). Nothing was changed.") from error
    except OSError as error:
        raise_fault(error, file, kept="Nothing was changed.")
        raise InputError(
            f"The protocol {file} cannot be read ({error.strerror}). Nothing was changed."
        ) from error


def asked_by(record: ProtocolRecord | None, attributes: int) -> dict[Kind, int]:
    """How many trials of each kind a protocol asks a labeler for, checks and practice aside.

    Of kinds that no block has it is none; nothing is said where there is no protocol that can be
    read.

    Args:
        record: a version, or None.
        attributes: of the study that are asked for.
    """
    try:
        asked = None if record is None else parse_protocol(record.text).asked(attributes)
    except InputError:
        return {}
    return {} if asked is None else {"comparison": 0, "rating": 0, **asked}


def troubles(
    protocol: Protocol,
    attributes: Sequence[AttributeRecord],
    images: Sequence[StimulusRecord],
    embeddings: Sequence[str] = (),
    words: StimulusWords = FACES,
) -> tuple[str, ...]:
    """What of a protocol cannot be done in a study, a sentence each.

    Args:
        protocol: that is to be followed.
        attributes: of the study.
        images: of the study.
        embeddings: names of imported ones.
        words: for what the study holds.
    """
    one, many = words.one, words.many
    known = {each.name for each in attributes if each.confirmed}
    named = {each.name for each in images} | {each.id for each in images}
    told = []
    for block in protocol.blocks:
        told += [
            f"Block {block.name!r} asks for {name!r}, which is no attribute of the study that "
            "somebody confirmed."
            for name in block.attributes
            if name not in known
        ]
        if block.kind == "rating" and block.order in ("sorted", "unsure"):
            told.append(f"Block {block.name!r}: ratings come at random or by what tells most.")
        if block.same_prompt and not _prompts_shared(images):
            told.append(
                f"Block {block.name!r} compares texts that answer the same prompt, and no two of "
                "the study do."
            )
    for name, faces in protocol.checks.known.items():
        if name not in known:
            told.append(
                f"{many.capitalize()} are known for {name!r}, which is no attribute of the study."
            )
        both = [face for face in faces.high if face in faces.low]
        if both:
            told.append(f"For {name!r} the protocol names {both[0]!r} as both high and low.")
        lacking = [face for face in (*faces.high, *faces.low) if face not in named]
        if lacking:
            what = counted(len(lacking), f"{one} that is", f"{many} that are")
            told.append(
                f"For {name!r} the protocol names {what} not in the study: {lacking[0]!r} first."
            )
    if protocol.needs_known and not protocol.checks.known:
        told.append(
            f"Attention checks and a criterion of practice need {many} of which it is known where "
            "they stand, and the study has too few answers to tell. Name some under "
            "[checks.known.ATTRIBUTE] as high and low, or leave checks and criterion out."
        )
    by = protocol.spacing.similar_by
    if by == "statistics" and words is not FACES:
        told.append(f"{many.capitalize()} have no statistics of an image; name embeddings instead.")
    elif by not in ("", "statistics", *embeddings):
        told.append(f"The study has no embeddings {by!r} to tell similar {many} by.")
    return tuple(told)


def _prompts_shared(stimuli: Sequence[StimulusRecord]) -> bool:
    """Whether two texts answer the same prompt."""
    prompts = Counter(each.prompt for each in stimuli if isinstance(each, TextRecord))
    return any(count > 1 for prompt, count in prompts.items() if prompt is not None)
