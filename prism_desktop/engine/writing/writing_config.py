"""The settings of a run of the task writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator

from prism_desktop.engine.backbone_names import MINI_LM
from prism_desktop.engine.backbones import spec
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import read_foreign
from prism_desktop.engine.grammar import listed
from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.methods.method_roles import canonical
from prism_desktop.engine.methods.writing_methods import (
    UNIFIED,
    WRITING_METHODS,
    members_of,
    writing_method,
)
from prism_desktop.engine.methods.writing_parts import Reads
from prism_desktop.engine.plain_text import clause
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.decoding import Decoding
from prism_desktop.engine.settings import SettingsModel, sentence, settings_of, stated

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
FOLDS = 7  # of prompts
AUTO: Final = "auto"  # texts are compared by MiniLM where it is, else by the model that writes
PrefixStart = Literal["random", "vocabulary", "mean"]
ContextForm = Literal["examples", "summary", "preferences"]


# How a run is made, which changes nothing that it is compared for.
MAKING: Final = frozenset({"device", "threads", "checkpoint_seconds"})
# What the members of a combination do not take from it.
_NOT_TAKEN: Final = frozenset({"task", "method", "members", "members_take"})


class WritingConfig(SettingsModel):
    """One run, complete: with the run's data it determines the result."""

    task: Literal["writing"] = "writing"
    method: str = Field(default=UNIFIED, description="A method of the task writing")
    backbone: str = Field(
        default=MINI_LM,
        description="Frozen language model: prism-mini-lm, lm:FOLDER, lm:FILE.gguf or "
        "lm:OWNER/NAME",
    )
    people: tuple[str, ...] | None = Field(
        default=None, description="Codes of the people, separated by commas; empty for all"
    )
    fold: int = Field(
        default=0, ge=0, lt=FOLDS, description="Which fold of the prompts is tested, from 0"
    )
    held_out: float = Field(
        default=0.2,
        ge=0,
        le=0.5,
        description="Share of the people whom training never sees, to enter afterwards",
    )
    split_seed: int = Field(default=0, ge=0, description="Seed of who is held out")
    epochs: Count = Field(default=8, description="Most passes over the texts")
    patience: Count = Field(
        default=2, description="Epochs without a better validation before training ends early"
    )
    batch: Count = Field(default=32, description="Texts per step")
    lora_lr: Positive = Field(default=2e-3, description="Learning rate of adapters")
    prefix_lr: Positive = Field(default=1e-2, description="Learning rate of soft tokens")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay of AdamW")
    rank: Count = Field(default=4, le=1024, description="Rank of the adapters")
    alpha: Positive = Field(default=8.0, description="Adapters are multiplied by alpha / rank")
    prefix: Count = Field(default=5, le=10_000, description="Soft tokens before a text")
    prefix_start: PrefixStart = Field(
        default="vocabulary",
        description="Where soft tokens start: drawn, at tokens of the vocabulary, or near their "
        "mean",
    )
    clustering: Literal["k-means", "agglomerative", "hdbscan"] = Field(
        default="k-means", description="How people are grouped by their texts"
    )
    clusters: Count | None = Field(
        default=None, description="Groups of people; empty for the best silhouette"
    )
    examples: Annotated[int, Field(ge=0, le=50)] | None = Field(
        default=None,
        description="Own texts read before the prompt; empty for the number that validation "
        "chooses of 0, 1, 3, 5 and 10",
    )
    experts: Count = Field(
        default=4, le=256, description="Sets of adapters that a mixture of adapters mixes"
    )
    strength: float = Field(
        default=0.1,
        ge=0,
        description="Weight of what a method adds to the likelihood, such as a penalty",
    )
    target: Count = Field(
        default=40,
        description="Texts of each person in an epoch, up to which a method varies what stands "
        "before them",
    )
    context_form: ContextForm = Field(
        default="examples",
        description="What own texts are told as before the prompt: themselves, or what rules count "
        "in them as a summary or as preferences",
    )
    reads: Reads = Field(
        default="both",
        description="What a network reads of a person: own texts, the profile, or both",
    )
    encoder: str = Field(
        default="auto",
        description="What encodes prompts for retrieval-faiss and retrieval-both, and texts that "
        "people are grouped by, such as lm:FOLDER: auto is MiniLM where it was downloaded, else "
        "own, the language model itself",
    )
    members: tuple[str, ...] | None = Field(
        default=None,
        description="Methods that a combination weighs, separated by commas; empty for its own "
        "choice, in a comparison for all that are compared",
    )
    members_take: tuple[str, ...] = Field(
        default=(),
        description="Usual values that were given to a combination, and that its members take in "
        "place of their own",
    )
    entry_steps: Annotated[int, Field(ge=0)] = Field(
        default=10, description="Steps by which somebody new is fitted to their first texts"
    )
    answers: Annotated[int, Field(ge=0, le=100)] = Field(
        default=2,
        description="Texts of each person that are written to held-out prompts and compared "
        "with their own; 0 for none",
    )
    answer_tokens: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=120, description="Most tokens of a written text"
    )
    temperature: float = Field(
        default=0.0, ge=0, le=100, description="Of drawn tokens; 0 takes the likeliest each time"
    )
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="Share of probability that tokens are drawn from"
    )
    compared_by: str = Field(
        default=AUTO,
        description="Model by whose features written and own texts are compared: auto is MiniLM "
        "where it was downloaded, else the language model itself",
    )
    seed: int = Field(
        default=0, ge=0, description="Seed of starting values, of the order and of drawn tokens"
    )
    device: str = Field(
        default="auto", pattern=r"^(auto|cuda|gpu|mps|cpu)$", description="auto, cuda, mps or cpu"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Of the frozen weights while something is trained; tests are in float32",
    )
    threads: Count | None = Field(
        default=None,
        le=10_000,
        description="Processor threads; empty for all. Several runs at once want 1 each",
    )
    checkpoint_seconds: Positive = Field(
        default=60.0, description="Longest time between two checkpoints within an epoch"
    )

    @field_validator("members_take")
    @classmethod
    def _settings(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if odd := [name for name in names if name not in cls.model_fields or name in _NOT_TAKEN]:
            raise ValueError(f"{odd[0]} is no setting that members take")
        return names

    @field_validator("method")
    @classmethod
    def _own_name(cls, name: str) -> str:
        return canonical(name)

    @classmethod
    def of(
        cls, method: str, options: Mapping[str, Any], settings: Sequence[str] = ()
    ) -> WritingConfig:
        """Settings of a method: its own values, then options, then "key=value" texts.

        Raises:
            InputError: one sentence, if there is no such method or setting, one has two values, or
                a value does not fit, the method too.
        """
        wanted = writing_method(method)
        given = stated({**options, "method": method}, settings, settings_of(cls))
        found = cls.checked({**wanted.settings, **given})
        if found.members and not wanted.combines:
            raise refused_members(f"{wanted.name} does not")
        if found.members:
            members_of(wanted.name, found.members)
        if not wanted.combines or found.members_take:
            return found
        differing = found.model_dump(exclude_defaults=True).keys()
        own = {key for one in WRITING_METHODS.values() for key in one.settings}
        take = tuple(sorted((given.keys() & own) - differing))
        return found.model_copy(update={"members_take": take})

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> WritingConfig:
        """Like the constructor, but wrong values raise an InputError of one sentence."""
        try:
            found = cls.model_validate(values)
        except ValidationError as error:
            raise InputError(sentence(error, settings_of(cls))) from None
        writing_method(found.method)
        return found

    @classmethod
    def load(cls, path: Path) -> WritingConfig:
        """Read a run's config.json; raises InputError if it is none of this task."""
        try:
            values = parse_json(read_foreign(path))
        except (OSError, ValueError) as error:
            told = error.strerror if isinstance(error, OSError) else clause(error)
            raise InputError(f"The configuration {path} cannot be read: {told}.") from None
        if not isinstance(values, dict) or values.get("task") != "writing":
            raise InputError(f"The configuration {path} is not of a run of the task writing.")
        return cls.checked(values)

    def asks_the_same(self, other: WritingConfig) -> bool:
        """Whether a run of these settings serves who asks for others."""
        return self.model_dump(exclude=set(MAKING)) == other.model_dump(exclude=set(MAKING))

    def digest(self) -> str:
        """What tells a run of these settings from others, as text; as versions before this one
        told it where settings are new since and have their usual values."""
        unusual = self.model_dump(exclude_defaults=True).keys()
        return self.model_dump_json(exclude={*MAKING, *{"members_take", "reads"} - unusual})

    @property
    def decoding(self) -> Decoding:
        """How the tokens of written texts are chosen."""
        return Decoding(
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            most_tokens=self.answer_tokens,
        )


def refused_members(why: str) -> InputError:
    """That members were named where nothing combines any; `why` says whose fault that is."""
    names = [name for name, one in WRITING_METHODS.items() if one.combines]
    return InputError(
        f"The setting members says what {listed(names)} combine, and {why}; leave it out."
    )


def with_full_names(config: WritingConfig) -> WritingConfig:
    """The same with models named as they are kept, so that equal settings are equal.

    Raises:
        InputError: one of them names no model, or one that is none of language.
    """
    writes = spec.parse(config.backbone)
    if writes.kind != "language":
        raise InputError(
            f"The task writing needs a language model, and {writes.title} {writes.nature}; name "
            "one with --backbone, such as prism-mini-lm."
        )
    named = {"backbone": writes.text}
    if config.compared_by != AUTO:
        reader = spec.parse(config.compared_by)
        if reader.kind != "language":
            raise InputError(
                f"Texts are compared by a network that reads them, and {reader.title} reads none; "
                "set compared_by to auto, or to a model such as lm:FOLDER."
            )
        named["compared_by"] = reader.text
    return config.model_copy(update=named)


def unified_settings(config: WritingConfig, name: str) -> WritingConfig:
    """The settings of the unified run that a run stands on: as its own, but for what the unified
    method does not read."""
    read = {"backbone", "people", "fold", "held_out", "split_seed", "epochs", "patience", "batch",
            "lora_lr", "weight_decay", "rank", "alpha", "seed", "device", "precision", "threads",
            "answers", "answer_tokens", "temperature", "top_p", "compared_by"}  # fmt: skip
    values = {key: value for key, value in config.model_dump().items() if key in read}
    return WritingConfig.checked({**values, "method": name})


def member_settings(config: WritingConfig, name: str) -> WritingConfig:
    """The settings of a run that a combination weighs: the method's own, but for what the
    combination's differ from the usual in and for what it was given.

    Raises:
        InputError: there is no such method.
    """
    if name == UNIFIED:
        return unified_settings(config, name)
    differing = config.model_dump(exclude_defaults=True, exclude=set(_NOT_TAKEN))
    taken = config.model_dump(include=set(config.members_take))
    return WritingConfig.of(name, {**taken, **differing})


def is_writing_run(folder: Path) -> bool:
    """Whether a folder is a run of this task."""
    try:
        WritingConfig.load(folder / layout.CONFIG)
    except InputError:
        return False
    return True
