"""The personal tower: a frozen network, adapters shared by all labelers, and a few tokens of each
labeler's own.

What the network is, an image tower or a language model, its subclasses say; what is personal, how
it is trained, kept and counted is here, once for both.
"""

from __future__ import annotations

import contextlib
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.device import Precision
from prism_desktop.engine.methods import FLAGSHIP, METHODS, Method
from prism_desktop.engine.methods.parts.adapter_parts import FrozenAdapter, WholeTower
from prism_desktop.engine.methods.parts.text_parts import HistoryMemory, LearnedWords
from prism_desktop.engine.methods.parts.visual_tokens import FrozenToken, VisualTokens
from prism_desktop.engine.models import builders
from prism_desktop.engine.models.answers import Ints
from prism_desktop.engine.models.attribute_heads import LATER, TABLE, AttributeHeads
from prism_desktop.engine.models.attribute_reader import AttributeReader
from prism_desktop.engine.models.base import AttributeTexts, PersonalModel, groups, take_over
from prism_desktop.engine.models.builders import SHARED
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.lora import Mix, adapter_parameters, fused, ranks_and_scales

if TYPE_CHECKING:
    from peft import PeftModel


class PersonalTower(PersonalModel):
    """Scores stimuli as each labeler would: s_u(i, a) = <f(i; u), t_a> / T.

    Where it has heads, a labeled attribute's direction is the labeler's own instead of t_a / T.

    What is personal, and where it enters, is the method's; see `builders`. The backbone is not
    changed: the frozen weights are shared with it (copied only if the precision differs), and
    several models may share one backbone.

    Attributes:
        backbone: the frozen network it is built on.
        method: how it is made.
        context: what is known of the labelers.
        prompts: the maker of tokens; for `lora-visual-prompt` a table.
        adapted: the PEFT model; None where everything is trained, or nothing of the network.
        heads: directions of labeled attributes; None where their texts serve.
    """

    whole: ClassVar[str]  # before the names of the network's parameters where all are trained
    adapted: PeftModel | None
    _mix: Mix

    def __init__(
        self,
        backbone: Backbone | LanguageModel,
        labelers: int,
        *,
        method: Method | None = None,
        context: LabelerContext | None = None,
        tokens: int = 1,
        rank: int = 4,
        alpha: float = 1.0,
        temperature: float = 0.15,
        learn_temperature: bool = False,
        token_std: float = 0.02,
        lora_std: float | None = None,
        experts: int = 4,
        trunk: int = 0,
        seed: int = 0,
        precision: Precision | None = None,
        heads: AttributeTexts | None = None,
    ) -> None:
        """Draw the initial tokens and adapters from `seed`
        alone, on the CPU, so that every machine starts alike.

        Args:
            backbone: the frozen network; the model lives on its device.
            labelers: how many there are.
            method: how the model is made; None for `lora-visual-prompt`.
            context: what the method reads of the labelers.
            tokens: learned tokens per labeler.
            rank: of the adapters.
            alpha: the adapters' updates are scaled by alpha / rank.
            temperature: T; or where it starts if it is learned.
            learn_temperature: train log T too.
            token_std: standard deviation of the initial tokens.
            lora_std: of the adapters' initial A; None for PEFT's own choice.
            experts: sets of adapters of a mixture.
            trunk: first blocks of an image tower that stay as they are; tokens and adapters enter
                behind them.
            seed: of the initial values.
            precision: how the frozen weights are held; None for float32.
            heads: the labeled attributes, as sentences, that have heads; None where texts serve.

        Raises:
            InputError: the trunk takes up the whole tower.
        """
        super().__init__()
        self.backbone: Any = backbone
        self.method = method or METHODS[FLAGSHIP]
        self.context, self.labelers, self.tokens, self.rank, self.alpha = (
            context or LabelerContext(),
            labelers,
            tokens,
            rank,
            alpha,
        )
        self.experts: int = experts
        self.trunk: int = trunk
        generator = torch.Generator().manual_seed(seed)
        site = builders.Site(
            backbone, labelers, self.context, tokens, rank, experts, token_std, generator
        )
        self.prompts: nn.Module = builders.module(self.method, VisualTokens, site)
        self.memory: nn.Module | None = builders.module(self.method, HistoryMemory, site)
        self._dtype = precision.weights if precision else torch.float32
        self._trains_whole: bool = self.method.has(WholeTower)
        if self._trains_whole:
            # what is trained starts at the backbone's weights, not at rounded ones
            self._dtype = torch.float32
        self._build_tower(builders.ranks(self.method, site), alpha, generator, lora_std)
        self.words: nn.Module | None = builders.module(self.method, LearnedWords, site)
        self.shares = builders.shares(self.method, site, ranks_and_scales(self.adapted))
        self._place_tokens()
        self.log_temperature = nn.Parameter(
            torch.tensor(math.log(temperature)), requires_grad=learn_temperature
        )
        self.heads = None if heads is None else AttributeHeads(labelers, heads, backbone.embed_dim)
        self._reader = self._own_reader()
        self.view_groups = builders.view_groups(self.method, self.context, labelers)
        self._freeze()
        self.to(backbone.device.torch)
        self.eval()

    @abstractmethod
    def _build_tower(
        self, ranks: Mapping[str, int], alpha: float, generator: torch.Generator, std: float | None
    ) -> None:
        """Make `tower` of the backbone's weights, and `adapted` with its `_mix` if there are
        adapters."""

    @property
    @abstractmethod
    def tower(self) -> Any:
        """The network that sees or reads, with adapters in place."""

    @staticmethod
    @abstractmethod
    def attribute_reader(backbone: Any) -> AttributeReader:
        """What reads attributes with a frozen network."""

    def _own_reader(self) -> AttributeReader:
        return self.attribute_reader(self.backbone)

    @abstractmethod
    def _place_tokens(self) -> None:
        """Put the maker of tokens, and the memory, where they enter the tower."""

    @abstractmethod
    def accept(self, inputs: Any) -> NDArray[Any]:
        """Stimuli from outside a run, as `prepare` takes those of one.

        Raises:
            InputError: they are none that the backbone can take.
        """

    @property
    def precision(self) -> str:
        """How the frozen weights are held."""
        return "bfloat16" if self._dtype == torch.bfloat16 else "float32"

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.log_temperature.device

    @property
    def temperature(self) -> Tensor:
        """T, a positive scalar."""
        return self.log_temperature.exp()

    def train(self, mode: bool = True) -> PersonalTower:
        """Training changes nothing in the frozen model: it has no dropout to turn on."""
        super().train(mode)
        if self.adapted is not None:
            self.adapted.eval()
        return self

    def _gate(self, labeler: Tensor | None) -> contextlib.AbstractContextManager[None]:
        """Inside, rows get the shares of adapters that are their labelers'."""
        gate = self.shares(labeler) if self.shares is not None and labeler is not None else None
        return self._sharing(gate)

    @contextlib.contextmanager
    def _sharing(self, gate: Tensor | None) -> Iterator[None]:
        self._mix.gate = gate
        try:
            yield
        finally:
            self._mix.gate = None

    def text_vectors(self, attributes: AttributeTexts) -> Tensor:
        """As `AttributeReader.vectors`."""
        return self._reader.vectors(attributes)

    def scores(self, features: Tensor, text: Tensor) -> Tensor:
        """(rows, embed_dim) and (attributes, embed_dim), unit norm -> (rows, attributes).

        Differences are logits.

        `text` may also be (rows, attributes, embed_dim), where each row reads the attributes in its
        own way.
        """
        if text.ndim == 2:
            return features @ text.T / self.temperature
        return torch.einsum("rd,rad->ra", features, text) / self.temperature

    def score(self, features: Tensor, labeler: Tensor, attribute_texts: AttributeTexts) -> Tensor:
        """Cosines with the attributes' texts over the temperature, or what heads say: (rows,
        attributes)."""
        text = self._reader.read(attribute_texts, labeler, self.words, self.context.profiles)
        if self.heads is None:
            return self.scores(features, text)
        own = self.heads(labeler, attribute_texts, text / self.temperature)
        return torch.einsum("rd,rad->ra", features, own)

    def forward(
        self,
        inputs: Tensor,
        labeler: Tensor,
        attribute_texts: AttributeTexts,
        image: Tensor | None = None,
    ) -> Tensor:
        """`score` of `encode`: (rows, attributes) float32."""
        return self.score(self.encode(inputs, labeler, image), labeler, attribute_texts)

    def begin_episode(self, answers: Ints | None) -> None:
        """Passed on to those parts that read histories."""
        reading: tuple[Any, ...] = (self.prompts, self.memory)
        for part in reading:
            if hasattr(part, "begin_episode"):
                part.begin_episode(answers)

    def parameter_groups(
        self, lora_lr: float, token_lr: float, weight_decay: float
    ) -> list[dict[str, Any]]:
        """For an optimiser.

        A labeler's token has few labels to learn from and needs a learning rate of its own.
        """
        own = [
            part
            for part in (self.prompts, self.words, self.memory, self.shares)
            if part is not None
        ]
        return groups(
            [
                ("lora", adapter_parameters(self.adapted), lora_lr, weight_decay),
                ("tower", list(self._whole_tower().values()), lora_lr, weight_decay),
                (
                    "tokens",
                    [tensor for part in own for tensor in part.parameters()],
                    token_lr,
                    weight_decay,
                ),
                ("temperature", [self.log_temperature], lora_lr, 0.0),
            ]
        )

    def counts(self) -> dict[str, int]:
        """Numbers of parameters: `lora`, `tokens`, `heads` where there are any, and `trainable` in
        all."""
        heads = {} if self.heads is None else {"heads": self.heads.table.numel()}
        return heads | {
            "lora": sum(parameter.numel() for parameter in adapter_parameters(self.adapted)),
            "tokens": sum(parameter.numel() for parameter in self.prompts.parameters()),
            "trainable": sum(heads.values())
            + sum(
                parameter.numel()
                for parameter in self.trained().values()
                if parameter.requires_grad
            ),
        }

    def _freeze(self) -> None:
        """What the method does not train."""
        if self.method.fitted == "not at all":
            self.requires_grad_(False)
        adapter, token = self.method.has(FrozenAdapter), self.method.has(FrozenToken)
        for name, tensor in self.named_parameters():
            if (adapter and f".{SHARED}." in name) or (token and name.startswith("prompts.")):
                tensor.requires_grad_(False)

    def trained(self) -> dict[str, nn.Parameter]:
        """Everything that training changes, by name: adapters,
        personal parts, heads, a tower that is trained whole."""
        tower = {f"{self.whole}.{name}": tensor for name, tensor in self._whole_tower().items()}
        heads = {TABLE: self.heads.table, LATER: self.heads.later} if self.heads is not None else {}
        return super().trained() | {"log_temperature": self.log_temperature} | heads | tower

    def _whole_tower(self) -> dict[str, nn.Parameter]:
        """The network's own parameters where it is trained whole, without the tokens that are put
        into it."""
        if not self._trains_whole:
            return {}
        return {
            name: p
            for name, p in self.tower.named_parameters()
            if not name.startswith("patch_dropout.")
        }

    def kept_state(self) -> dict[str, Tensor]:
        """Everything of the model that neither the backbone nor
        the adapters hold, trained or not, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self._kept().items()}

    @torch.no_grad()
    def load_kept_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `kept_state` returned.

        Raises:
            RunError: if the state belongs to a model of another shape.
        """
        take_over(self._kept(), state)

    def _kept(self) -> dict[str, nn.Parameter]:
        own = {
            name: p
            for name, p in self.named_parameters()
            if not name.startswith(("adapted.", "log_temperature", LATER))
        }
        whole = self._whole_tower().items()
        return own | {f"{self.whole}.{name}": tensor for name, tensor in whole}

    @contextlib.contextmanager
    def fused(self) -> Iterator[None]:
        """Inside, a single adapter is folded into one product per layer; for predictions that need
        no gradient of adapters."""
        if self.adapted is None or self.shares is not None:
            yield
            return
        with fused(self.adapted):
            yield
