"""PEFT's layer of a low-rank update, computed faster.

Importing this imports PEFT, and with it transformers and the compilers of torch: seconds that only
a model with adapters should cost.
"""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


class _LowRankProduct(torch.autograd.Function):
    """y = x W' + b + (gate * (x A')) B', with the same products
    for the gradient and no large temporary beside y.

    Written as separate operations the update costs about as much as half the frozen product,
    because each of them reads and writes the whole activation; here it is added in place.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        gate: Tensor | float,
    ) -> Tensor:
        """x (rows, n, inputs) or (rows, inputs).

        Weight (outputs, inputs); down A (rank, inputs); up B (outputs, rank), in x's dtype; gate a
        number, or (rows, rank): how much of each direction each row gets.
        """
        flat = x.reshape(-1, x.shape[-1])
        inner = flat @ down.T
        y = functional.linear(flat, weight, bias)
        if isinstance(gate, Tensor):
            y.addmm_(_gated(inner, gate), up.T)
            ctx.save_for_backward(flat, weight, down, up, inner, gate)
        else:
            y.addmm_(inner, up.T, alpha=gate)
            ctx.save_for_backward(flat, weight, down, up, inner)
            ctx.scale = gate
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, A, B and a gate; the frozen weight and bias have none."""
        flat, weight, down, up, inner, *rest = ctx.saved_tensors
        g = grad.reshape(-1, grad.shape[-1])
        g_gate = None
        if rest:
            g_gated = g @ up
            g_inner = _gated(g_gated, rest[0])
            if ctx.needs_input_grad[5]:
                g_gate = (g_gated * inner).view(len(rest[0]), -1, inner.shape[-1]).sum(1)
            g_up = g.T @ _gated(inner, rest[0])
        else:
            g_inner = (g @ up).mul_(ctx.scale)
            g_up = (g.T @ inner).mul_(ctx.scale)
        g_x = (
            (g @ weight).addmm_(g_inner, down).view(*grad.shape[:-1], -1)
            if ctx.needs_input_grad[0]
            else None
        )
        return g_x, None, None, g_inner.T @ flat, g_up, g_gate


def _gated(inner: Tensor, gate: Tensor) -> Tensor:
    """(rows * n, rank) times (rows, rank)."""
    return (inner.view(len(gate), -1, gate.shape[-1]) * gate[:, None].to(inner.dtype)).view_as(
        inner
    )


class FrozenLoraLinear(LoraLinear):
    """PEFT's layer on a frozen product, computed faster,
    and with a share of every adapter for every row.

    One adapter is PEFT's own sum. With a mix, row r gets sum_e gate[r, e] B_e A_e x: one product of
    all adapters side by side, where PEFT's `adapter_names` would go through them one after the
    other.
    """

    mix: Any  # the model's `Mix`

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """(..., inputs) -> (..., outputs), in the dtype of `x`."""
        base = self.get_base_layer()
        if self.disable_adapters or self.merged or base.weight.requires_grad or args or kwargs:
            plain: Tensor = super().forward(x, *args, **kwargs)
            return plain
        down, up, gate = self._parts(x.dtype)
        product: Tensor = _LowRankProduct.apply(x, base.weight, base.bias, down, up, gate)
        return product

    def _parts(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor | float]:
        A: Any = self.lora_A
        B: Any = self.lora_B
        if self.mix.gate is None:
            first = next(iter(A))
            return A[first].weight.to(dtype), B[first].weight.to(dtype), self.scaling[first]
        down = torch.cat([A[name].weight for name in A])
        up = torch.cat([B[name].weight for name in A], dim=1)
        return down.to(dtype), up.to(dtype), self.mix.gate
