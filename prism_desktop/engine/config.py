"""The settings of a training run.

The window's form and `--set key=value` are made from these fields.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from prism_desktop.engine.backbone_names import gives_features_alone, reads_texts, short
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.foreign_files import read_foreign
from prism_desktop.engine.json_files import parse_json
from prism_desktop.engine.methods import CONSENSUS, FLAGSHIP, METHODS
from prism_desktop.engine.methods.method_roles import canonical
from prism_desktop.engine.methods.needed_methods import (
    combines,
    is_closed_form,
    learns_from_consensus,
    misfit,
    reads_tested_faces,
    stands_on_features,
    trained_before,
    unusable,
)
from prism_desktop.engine.methods.read_settings import reads
from prism_desktop.engine.methods.recipe import SOURCE_RECIPE, refused_start, starting_values
from prism_desktop.engine.plain_text import clause
from prism_desktop.engine.settings import (
    Setting,
    SettingsModel,
    merged,
    sentence,
    settings_of,
    stated,
    without,
)

__all__ = [
    "SOURCE_RECIPE",
    "PairsConfig",
    "Setting",
    "SplitConfig",
    "TrainConfig",
    "needed",
    "settings",
]

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class SplitConfig(SettingsModel):
    """Which answers train, validate and test."""

    kind: Literal["image", "pair", "labeler", "time", "label"] = Field(
        default="image",
        description="What is held out: unseen stimuli (the headline), pairs, labelers, later "
        "answers, or random answers",
    )
    fold: int = Field(
        default=0,
        ge=0,
        description="Which fold of stimuli is the test fold, counted from 0; vary it to cross-fit",
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="Seed of the split's random choices, apart from the training's seed",
    )
    train: float = Field(
        default=0.7,
        gt=0,
        lt=1,
        description="Share of the answers that train; folds of stimuli have 5 : 1 : 1",
    )
    val: float = Field(
        default=0.15,
        gt=0,
        lt=1,
        description="Share of the answers that choose the best epoch; likewise",
    )
    shots: int = Field(
        default=20,
        ge=0,
        description="First trials of a held-out labeler that training may see (labeler split only)",
    )

    @property
    def test(self) -> float:
        """Share of the answers that are tested: what training and validation leave."""
        return 1.0 - self.train - self.val

    @model_validator(mode="after")
    def _leave_a_test(self) -> "SplitConfig":
        if self.test < 0.01:
            raise ValueError("the training and validation shares leave nothing to test")
        return self


class PairsConfig(SettingsModel):
    """How answers become pairs to learn from."""

    use: Literal["auto", "comparisons", "ratings", "both"] = Field(
        default="auto",
        description="Task types that are learned from; auto takes comparisons, and ratings too if "
        "somebody only rated",
    )
    ties: Literal["drop", "davidson"] = Field(
        default="drop",
        description="Ties are left out (as the source does) or predicted with Davidson's model "
        "and a learned tie rate",
    )
    min_difference: int = Field(
        default=1, ge=1, description="Least difference between two ratings that makes a pair"
    )
    cap_per_image: int = Field(
        default=10,
        ge=1,
        description="Most rating pairs per stimulus, labeler and attribute, so that they cannot "
        "drown comparisons",
    )
    shuffle: int | None = Field(
        default=None,
        ge=0,
        description="Control: permute with this seed who gave which training answer, so that no "
        "labeler has a taste of their own left to learn; empty to leave them",
    )


class DecoderConfig(SettingsModel):
    """The network of the MLP decoder."""

    vector: Count = Field(
        default=32, description="Numbers per labeler that the decoder reads beside the stimulus"
    )
    activation: Literal["gelu", "relu", "silu", "tanh"] = Field(
        default="gelu", description="The decoder's activation"
    )
    glu: bool = Field(
        default=False, description="Gate each of the decoder's layers by a second product"
    )
    batch_norm: bool = Field(
        default=False, description="Normalise each of the decoder's layers over the batch"
    )
    dropout: float = Field(
        default=0.1, ge=0, lt=1, description="Share of the decoder's units that a step leaves out"
    )


class RetrievalConfig(SettingsModel):
    """Which past comparisons vote, where a method looks them up."""

    neighbours: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None,
        description="Past comparisons that vote; empty for the number that validation answers "
        "choose",
    )
    kind: Literal["similarity", "recency", "hybrid"] = Field(
        default="similarity",
        description="Which vote: the most similar ones, the latest, or the most similar of the "
        "later half",
    )


class TrainConfig(SettingsModel):
    """One training run, complete: with the run's data snapshot it determines the result."""

    method: str = Field(
        default=FLAGSHIP,
        description=f"Named recipe of personalisation: {CONSENSUS}, {FLAGSHIP}, ...",
    )
    recipe: Literal["default", "source"] = Field(
        default="default",
        description="Starting values of the settings below: ours, or the source project's exactly",
    )
    backbone: str = Field(
        default="ViT-B-32-quickgelu:openai",
        description="Frozen network: prism-mini, MODEL:TAG or MODEL:PATH, which see; "
        "prism-mini-lm, lm:FOLDER, lm:FILE.gguf or lm:OWNER/NAME, which read; or embeddings:NAME",
    )
    labelers: tuple[str, ...] | None = Field(
        default=None,
        description="Codes of the labelers to model, separated by commas; empty for all",
    )
    attributes: tuple[str, ...] | None = Field(
        default=None, description="Attributes to model, separated by commas; empty for all"
    )
    split: SplitConfig = Field(
        default_factory=lambda: SplitConfig(), description="What is held out, and how much"
    )
    pairs: PairsConfig = Field(
        default_factory=lambda: PairsConfig(), description="How answers become pairs"
    )

    epochs: Count | None = Field(
        default=None,
        description="Most passes over the training answers; empty for what fits them: 6, up to 20 "
        "where they are few",
    )
    patience: Count = Field(
        default=3, description="Epochs without a better validation before training ends early"
    )
    batch: Count = Field(
        default=64, description="Answers per step; the attributes of one comparison stay together"
    )
    max_steps: Count | None = Field(
        default=None, description="Stop after so many steps; empty for no limit"
    )
    lora_lr: Positive = Field(default=2e-3, description="Learning rate of the LoRA adapters")
    token_lr: Positive = Field(default=1e-2, description="Learning rate of the labelers' tokens")
    rates_at_width: Count | None = Field(
        default=768,
        description="Width of the network for which the rates hold; for another they are "
        "multiplied by this width over its own. Empty to take them as they are",
    )
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine",
        description="How learning rates go on: falling to zero along a half cosine over all "
        "epochs, or unchanged",
    )
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay of AdamW")
    rank: Count = Field(default=4, description="Rank of the LoRA adapters")
    alpha: Positive = Field(
        default=1.0, description="LoRA scale: the adapters are multiplied by alpha / rank"
    )
    lora_std: Positive | None = Field(
        default=None,
        description="Spread of the LoRA A matrices at the start; empty for PEFT's own (B starts "
        "at zero)",
    )
    tokens: Count = Field(default=1, description="Visual tokens per labeler")
    token_std: Positive = Field(
        default=0.02, description="Standard deviation of the tokens at the start"
    )
    trunk: int = Field(
        default=0,
        ge=0,
        description="First blocks of the image tower that stay as they are: tokens and adapters "
        "enter behind them, so that each image passes them once for all labelers; 0 for none",
    )
    temperature: Positive = Field(
        default=0.15,
        description="T in score = cosine / T; a lower one makes differences weigh more",
    )
    learn_temperature: bool = Field(default=False, description="Train T as well")
    start: Literal["random", "consensus", "closed-form"] = Field(
        default="random",
        description="Where a personal model starts: at random, at the consensus model's LoRA and "
        "token, or at hierarchical Bayes, whose heads take the place of the attributes' texts",
    )
    experts: Count = Field(
        default=4, description="Sets of adapters that a mixture of adapters mixes"
    )
    clustering: Literal["k-means", "agglomerative", "hdbscan"] = Field(
        default="k-means",
        description="How labelers are grouped by their tastes, where a method groups them",
    )
    clusters: Count | None = Field(
        default=None,
        description="Groups of labelers; empty for the number with the best silhouette",
    )
    delta: bool = Field(
        default=False,
        description="Give each labeler a deviation of their own from their group's tokens",
    )
    decoder: DecoderConfig = Field(
        default_factory=lambda: DecoderConfig(), description="The network of the MLP decoder"
    )
    retrieval: RetrievalConfig = Field(
        default_factory=lambda: RetrievalConfig(), description="Which past comparisons vote"
    )
    blocks: tuple[str, ...] = Field(
        default=(),
        description="What a closed form may read of stimuli beside their features, each kept if it "
        "helps validation: statistics (of images: brightness, colour, sharpness), names of facts "
        "about the stimuli, or facts for all of these; separated by commas; empty for nothing",
    )
    strength: float = Field(
        default=0.1,
        ge=0,
        description="Weight of what a method adds to the likelihood, such as a prior or a penalty",
    )
    members: tuple[str, ...] | None = Field(
        default=None,
        description="Methods that a combination combines, separated by commas; empty for its own "
        "choice",
    )
    compare: bool = Field(
        default=True,
        description="Make sure that a consensus model of the same data exists, and report against "
        "it",
    )
    consensus: Literal["auto", "adapters", "head"] = Field(
        default="auto",
        description="The consensus that results are compared with: with adapters in the network, "
        "or one linear head on its frozen features, in seconds; auto is the head for closed forms "
        "on texts, adapters elsewhere",
    )
    baselines: Literal["all", "none"] = Field(
        default="all",
        description="What results are read against, made once they are there: majority, "
        "Bradley-Terry, a ridge per labeler, zero-shot; or none",
    )
    flips: bool = Field(default=False, description="Mirror training images at random")

    seed: int = Field(
        default=0, ge=0, description="Seed of the starting weights and of the order of the answers"
    )
    device: str = Field(
        default="auto", pattern=r"^(auto|cuda|gpu|mps|cpu)$", description="auto, cuda, mps or cpu"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Number format of the frozen network; auto takes bfloat16 where the device is "
        "fast at it",
    )
    threads: Count | None = Field(
        default=None,
        le=10_000,
        description="Processor threads; empty for all. Bit-equal results need equal counts",
    )
    checkpoint_seconds: Positive = Field(
        default=60.0, description="Longest time between two checkpoints within an epoch"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_recipe(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        if isinstance(named := data.get("method"), str):
            data = {**data, "method": canonical(named)}
        # an unknown method is refused later
        chosen = METHODS.get(str(data.get("method", FLAGSHIP)))
        return merged(starting_values(chosen, source=data.get("recipe") == "source"), data)

    @field_validator("members")
    @classmethod
    def _know_members(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        names = tuple(map(canonical, names or ()))
        if problem := unusable(names):
            raise ValueError(problem)
        return names or None

    @model_validator(mode="after")
    def _fit_members(self) -> "TrainConfig":
        chosen = METHODS.get(self.method)
        if not self.members or chosen is None or not combines(chosen):
            return self
        if problem := misfit(chosen, self.members, embeddings=gives_features_alone(self.backbone)):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _start_where_the_method_can(self) -> "TrainConfig":
        if self.method in METHODS and (problem := refused_start(METHODS[self.method], self.start)):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _start_at_adapters(self) -> "TrainConfig":
        chosen = METHODS.get(self.method)
        if (
            self.consensus == "head"
            and chosen is not None
            and learns_from_consensus(chosen, self.members, start=self.start)
        ):
            raise ValueError(
                f"{self.method} learns from the adapters of the consensus here, which a head lacks"
            )
        return self

    @model_validator(mode="after")
    def _enter_image_towers_late(self) -> "TrainConfig":
        if self.trunk and reads_texts(self.backbone):
            raise ValueError(
                f"trunk={self.trunk} is for image towers, and {short(self.backbone)} reads texts; "
                "leave it at 0"
            )
        return self

    @property
    def entered_behind(self) -> int:
        """Blocks of the image tower in front of what the method puts in, or its members do; 0 where
        nothing is put in that could enter late."""
        chosen = METHODS.get(self.method)
        late = chosen is not None and reads(
            chosen, "trunk", self.members, embeddings=self.stands_on_features
        )
        return self.trunk if late else 0

    @property
    def stands_on_features(self) -> bool:
        """Whether the method has no network to change: on imported embeddings, or as a consensus
        that is one linear head."""
        return stands_on_features(self.method, self.backbone, self.consensus)

    @property
    def compared_with(self) -> Literal["adapters", "head"]:
        """What the consensus of a run of these settings is made of."""
        if gives_features_alone(self.backbone):
            return "head"
        if self.consensus != "auto":
            return self.consensus
        chosen = METHODS.get(self.method)
        closed = chosen is not None and is_closed_form(chosen, self.members)
        return "head" if closed and reads_texts(self.backbone) else "adapters"

    @property
    def reads_tested_faces(self) -> bool:
        """Whether what is trained knows what other labelers
        answered about the very faces that are tested."""
        return self.method in METHODS and reads_tested_faces(METHODS[self.method], self.members)

    def with_settings(self, settings: Sequence[str]) -> "TrainConfig":
        """Change settings by their dotted keys, as in
        ["epochs=3", "split.kind=pair", "recipe=source"].

        Raises:
            InputError: one sentence, if a key is unknown (with near matches) or a value does not
                fit.
        """
        return self.with_options({}, settings)

    def with_options(
        self, options: Mapping[str, Any], settings: Sequence[str] = ()
    ) -> "TrainConfig":
        """Change settings by dotted keys and values ("split" is
        short for "split.kind"), then by "key=value" texts.

        A new method or recipe replaces the values that still are the old one's, so what was chosen
        on purpose stays.

        Raises:
            InputError: one sentence, if a key is unknown (with near matches), has two values, or a
                value does not fit.
        """
        given = {("split.kind" if key == "split" else key): value for key, value in options.items()}
        given = stated(given, settings, settings_of(TrainConfig))
        start = TrainConfig(method=self.method, recipe=self.recipe).model_dump()
        values = without(self.model_dump(exclude_unset=True), start)
        values |= {"method": self.method, "recipe": self.recipe}
        for key, value in given.items():
            *groups, last = key.split(".")
            target = values
            for group in groups:
                target = target.setdefault(group, {})
            target[last] = value
        return TrainConfig.checked(values)

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Like the constructor, but wrong values raise an InputError of one sentence."""
        try:
            found = cls.model_validate(values)
        except ValidationError as error:
            raise InputError(sentence(error, settings())) from None
        for key, value in found.model_dump(mode="json").items():
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeEncodeError:  # a command may be given bytes that are none
                raise InputError(f"The setting {key} is given as bytes that are no text.") from None
        return found

    @classmethod
    def load(cls, path: Path) -> "TrainConfig":
        """Read a run's config.json; raises InputError if it is missing or not a configuration."""
        try:
            values = parse_json(read_foreign(path))
        except OSError as error:
            raise InputError(
                f"The configuration {path} cannot be read: {error.strerror}."
            ) from None
        except ValueError as error:
            raise InputError(f"The configuration {path} is not JSON: {clause(error)}.") from None
        if not isinstance(values, dict):
            raise InputError(f"The configuration {path} holds no settings.")
        return cls.checked(values)


def needed(config: TrainConfig, *, whole: bool = False) -> tuple[str, ...]:
    """As `trained_before`, of a run of these settings."""
    return trained_before(
        METHODS[config.method],
        config.members,
        embeddings=gives_features_alone(config.backbone),
        start=config.start,
        compare=config.compare,
        whole=whole,
    )


def settings() -> tuple[Setting, ...]:
    """Every setting with its dotted key, in the order of a form."""
    return settings_of(TrainConfig)
