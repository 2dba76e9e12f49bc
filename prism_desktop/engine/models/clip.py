"""The personal model of images: a CLIP whose image tower has adapters shared by all labelers, and a
few tokens of each labeler's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from prism_desktop.engine.backbones.shape import too_deep
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.attribute_reader import AttributeReader, ClipReader
from prism_desktop.engine.models.fused_blocks import class_token_alone, use_fused_blocks
from prism_desktop.engine.models.lora import Mix, add_lora, clip_target, frozen_copy
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.models.tokens import TokenInserter


class PersonalClip(PersonalTower):
    """Scores images as each labeler would; see `PersonalTower`."""

    whole: ClassVar[str] = "visual"
    _shift: Tensor  # (1, 3, 1, 1) float32, in units of uint8 pixels
    _scale: Tensor

    def _build_tower(
        self, ranks: Mapping[str, int], alpha: float, generator: torch.Generator, std: float | None
    ) -> None:
        if problem := too_deep(self.trunk, self.backbone.blocks):
            raise InputError(problem)
        whole = self._trains_whole
        twin: Any = frozen_copy(self.backbone.model, self._dtype, "visual", copied=whole)
        self.adapted, self._mix = None, Mix()
        if ranks:
            target = clip_target(self.trunk, self.backbone.blocks)
            self.adapted, self._mix = add_lora(twin, target, ranks, alpha, generator, std)
            use_fused_blocks(twin.visual)
        elif whole:
            twin.visual.requires_grad_(True)
        # a list, so that the text tower is no part of the state
        self._plain = [twin] if self.adapted is None else []

    def _place_tokens(self) -> None:
        behind = self.visual.transformer.resblocks[self.trunk] if self.trunk else None
        self._inserter = TokenInserter(self.prompts, self.memory, behind)
        self.visual.patch_dropout = self._inserter
        mean, std = (torch.tensor(x).view(1, 3, 1, 1) * 255 for x in _colours(self.backbone))
        self.register_buffer("_shift", mean, persistent=False)
        self.register_buffer("_scale", 1 / std, persistent=False)

    @staticmethod
    def attribute_reader(backbone: Any) -> AttributeReader:
        """CLIP's text tower."""
        return ClipReader(backbone)

    def _own_reader(self) -> AttributeReader:
        return ClipReader(self.backbone, self.clip)

    @property
    def clip(self) -> Any:
        """The open_clip model with adapters in place."""
        adapted: Any = self.adapted
        return adapted.base_model.model if adapted is not None else self._plain[0]

    @property
    def visual(self) -> Any:
        """Its image tower."""
        return self.clip.visual

    @property
    def tower(self) -> Any:
        """The same, as every personal tower calls it."""
        return self.visual

    def accept(self, inputs: Any) -> NDArray[np.uint8]:
        """(n, 3, S, S) uint8 from either order of axes.

        Raises:
            InputError: if the images have another shape.
        """
        size = self.backbone.image_size
        # a copy: a read-only memory map cannot become a tensor
        pixels: NDArray[np.uint8] = np.array(inputs)
        if pixels.shape[1:] == (size, size, 3):
            pixels = pixels.transpose(0, 3, 1, 2)
        if pixels.shape[1:] != (3, size, size) or pixels.dtype != np.uint8:
            raise InputError(
                f"The backbone sees {size} x {size} RGB images of uint8, not "
                f"{tuple(inputs.shape[1:])}."
            )
        return pixels

    def prepare(self, taken: NDArray[Any]) -> Tensor:
        """(images, 3, S, S) uint8 -> float32 on the model's device, as the backbone wants them."""
        return self.normalise(torch.from_numpy(taken))

    def normalise(self, pixels: Tensor) -> Tensor:
        """(batch, 3, S, S) uint8 on any device -> float32
        on the model's, as the backbone wants them."""
        return (pixels.to(self.device, non_blocking=True).float() - self._shift) * self._scale

    def encode(self, inputs: Tensor, labeler: Tensor, image: Tensor | None = None) -> Tensor:
        """As `image_features`; the last block looks at the class token alone."""
        with class_token_alone(self.visual):
            return self.image_features(inputs, labeler, image)

    def image_features(
        self,
        pixels: Tensor,
        labeler: Tensor | None,
        image: Tensor | None = None,
        patches: Tensor | None = None,
    ) -> Tensor:
        """See images as labelers see them.

        Args:
            pixels: (images, 3, S, S) float32, normalised.
            labeler: (rows,) int64, the labeler of each row; None for the adapters alone, without
                any token.
            image: (rows,) int64, the image of each row; None if rows are images. With it an image
                that several labelers judged is sent and embedded once.
            patches: (rows, k) int64, the only ones that each row sees; None for all, where the
                trunk is passed by images, not by rows.

        Returns:
            (rows, embed_dim) float32, unit norm.
        """
        with self._inserter.using(labeler, image, patches), self._gate(labeler):
            features = self.visual(pixels.to(self._dtype))
        return functional.normalize(features.float(), dim=-1)

    @contextlib.contextmanager
    def fused(self) -> Iterator[None]:
        """Inside, a single adapter is folded into one product per layer, and the last block looks
        at the class token alone: faster, for predictions that need no gradient of adapters."""
        with super().fused(), class_token_alone(self.visual):
            yield


def _colours(backbone: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of red, green and blue that the backbone was trained with."""
    return backbone.mean, backbone.std
