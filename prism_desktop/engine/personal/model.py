"""The personal model: a frozen CLIP, adapters shared by all labelers, and a few tokens of each labeler's own."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prism_desktop.engine.backbones import Backbone
from prism_desktop.engine.device import Precision
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.personal.fast import speed_up
from prism_desktop.engine.personal.lora import add_lora, fused
from prism_desktop.engine.personal.tokens import TokenInserter, UserPrompts


class PersonalClip(nn.Module):
    """Scores images as each labeler would: s_u(i, a) = <f(i; u), t_a> / T.

    The backbone is not changed: the frozen weights are shared with it (copied only if the precision differs), and
    several models may stand on one backbone. A consensus model has one row of tokens, to which everyone is mapped.

    Attributes:
        backbone: the frozen model it stands on.
        prompts: the labelers' tokens; `prompts.table` is (labelers, tokens, width) float32.
    """

    _shift: Tensor  # (1, 3, 1, 1) float32, in units of uint8 pixels
    _scale: Tensor

    def __init__(
        self,
        backbone: Backbone,
        labelers: int,
        *,
        tokens: int = 1,
        rank: int = 4,
        alpha: float = 1.0,
        temperature: float = 0.15,
        learn_temperature: bool = False,
        token_std: float = 0.02,
        lora_std: float | None = None,
        seed: int = 0,
        precision: Precision | None = None,
    ) -> None:
        """Draw the initial tokens and adapters from `seed` alone, on the CPU, so that every machine starts alike.

        Args:
            backbone: what `backbones.load` returned; the model lives on its device.
            labelers: rows of the token table.
            tokens: learned tokens per labeler.
            rank: of the adapters.
            alpha: the adapters' updates are scaled by alpha / rank.
            temperature: T; or where it starts if it is learned.
            learn_temperature: train log T too.
            token_std: standard deviation of the initial tokens.
            lora_std: of the adapters' initial A; None for PEFT's own choice.
            seed: of the initial values.
            precision: how the frozen visual weights are held; None for float32.
        """
        super().__init__()
        self.backbone = backbone
        generator = torch.Generator().manual_seed(seed)
        self.prompts = UserPrompts(labelers, tokens, backbone.width, std=token_std, generator=generator)
        self._dtype = precision.weights if precision else torch.float32
        self.adapted = add_lora(_frozen_copy(backbone.model, self._dtype), rank, alpha, generator, lora_std)
        speed_up(self.visual)
        self._inserter = TokenInserter(self.prompts)
        self.visual.patch_dropout = self._inserter
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)), requires_grad=learn_temperature)
        self.register_buffer("_shift", torch.tensor(backbone.mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("_scale", 1 / (torch.tensor(backbone.std).view(1, 3, 1, 1) * 255), persistent=False)
        self._texts: dict[tuple[str, ...], Tensor] = {}
        self.to(backbone.device.torch)
        self.eval()

    @property
    def clip(self) -> Any:
        """The open_clip model with adapters in place."""
        return self.adapted.base_model.model

    @property
    def visual(self) -> Any:
        """Its image tower."""
        return self.clip.visual

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.prompts.table.device

    @property
    def temperature(self) -> Tensor:
        """T, a positive scalar."""
        return self.log_temperature.exp()

    def train(self, mode: bool = True) -> PersonalClip:
        """Training changes nothing in the frozen model: it has no dropout to turn on."""
        super().train(mode)
        self.adapted.eval()
        return self

    def normalise(self, pixels: Tensor) -> Tensor:
        """(batch, 3, S, S) uint8 on any device -> float32 on the model's, as the backbone wants them."""
        return (pixels.to(self.device, non_blocking=True).float() - self._shift) * self._scale

    def image_features(self, pixels: Tensor, labeler: Tensor | None, image: Tensor | None = None) -> Tensor:
        """See images as labelers see them.

        Args:
            pixels: (images, 3, S, S) float32, normalised.
            labeler: (rows,) int64, the labeler of each row; None for the adapters alone, without any token.
            image: (rows,) int64, the image of each row; None if rows are images. With it an image that several
                labelers judged is sent and embedded once.

        Returns:
            (rows, embed_dim) float32, unit norm.
        """
        with self._inserter.using(labeler, image):
            features = self.visual(pixels.to(self._dtype))
        return functional.normalize(features.float(), dim=-1)

    @torch.no_grad()
    def text_vectors(self, attributes: Sequence[Sequence[str]]) -> Tensor:
        """The frozen text tower's vector of each attribute: the mean of its sentences' unit vectors, unit norm.

        Args:
            attributes: for each attribute its sentences (see `text.sentences`).

        Returns:
            (attributes, embed_dim) float32, without gradient; each attribute is encoded once.
        """
        for attribute in {tuple(attribute) for attribute in attributes} - self._texts.keys():
            ids = self.backbone.tokenizer(list(attribute)).to(self.device)
            mean = self.clip.encode_text(ids, normalize=True).float().mean(dim=0)
            self._texts[attribute] = functional.normalize(mean, dim=-1)
        return torch.stack([self._texts[tuple(attribute)] for attribute in attributes])

    def scores(self, features: Tensor, text: Tensor) -> Tensor:
        """(rows, embed_dim) and (attributes, embed_dim), unit norm -> (rows, attributes); differences are logits."""
        return features @ text.T / self.temperature

    def forward(self, pixels: Tensor, labeler: Tensor | None, text: Tensor, image: Tensor | None = None) -> Tensor:
        """`scores` of `image_features`: (rows, attributes) float32."""
        return self.scores(self.image_features(pixels, labeler, image), text)

    def parameter_groups(self, lora_lr: float, token_lr: float, weight_decay: float) -> list[dict[str, Any]]:
        """For an optimiser. A labeler's token has few labels to learn from and needs a learning rate of its own."""
        groups = [
            {"name": "lora", "params": self._lora(), "lr": lora_lr, "weight_decay": weight_decay},
            {"name": "tokens", "params": [self.prompts.table], "lr": token_lr, "weight_decay": weight_decay},
        ]
        if self.log_temperature.requires_grad:
            groups.append({"name": "temperature", "params": [self.log_temperature], "lr": lora_lr, "weight_decay": 0.0})
        return groups

    def counts(self) -> dict[str, int]:
        """Numbers of parameters: `lora`, `tokens`, and `trainable` in all."""
        return {
            "lora": sum(parameter.numel() for parameter in self._lora()),
            "tokens": self.prompts.table.numel(),
            "trainable": sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad),
        }

    def trainable_state(self) -> dict[str, Tensor]:
        """A copy of everything that training changes, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self._trainable().items()}

    @torch.no_grad()
    def load_trainable_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `trainable_state` returned.

        Raises:
            RunError: if the state belongs to a model of another shape.
        """
        own = self._trainable()
        if own.keys() != state.keys() or any(own[name].shape != state[name].shape for name in own):
            raise RunError("The saved weights belong to a model with other labelers, tokens, rank or backbone.")
        for name, tensor in own.items():
            tensor.copy_(state[name])

    @contextlib.contextmanager
    def fused(self) -> Iterator[None]:
        """Inside, the adapters are folded into one product per layer: faster, for predictions without gradient."""
        with fused(self.adapted):
            yield

    def _lora(self) -> list[nn.Parameter]:
        return [tensor for name, tensor in self.adapted.named_parameters() if ".lora_" in name]

    def _trainable(self) -> dict[str, nn.Parameter]:
        lora = {name: tensor for name, tensor in self.adapted.named_parameters() if ".lora_" in name}
        return {"tokens": self.prompts.table, "log_temperature": self.log_temperature} | lora


def _frozen_copy(model: nn.Module, visual_dtype: torch.dtype) -> nn.Module:
    """The same modules anew, so that they can be adapted, standing on the same weights."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    twin: Any = copy.deepcopy(model, shared)
    if visual_dtype != torch.float32:
        twin.visual = copy.deepcopy(twin.visual).to(visual_dtype)
    frozen: nn.Module = twin
    return frozen
