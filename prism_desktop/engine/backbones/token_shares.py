"""What each vector that a network reads in a text does to a score of the text's features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def token_shares(
    read: Callable[[Tensor], Tensor],
    put_in: Tensor,
    away: Tensor,
    directions: Tensor,
    steps: int = 0,
) -> Tensor:
    """Propagate the score f . w of the features f back to the vectors e that are put in.

    Gradient x input is e . d(f . w)/de, of first order, so its sum over tokens is no difference of
    scores. Integrated gradients (Sundararajan, Taly and Yan, ICML 2017) take the mean gradient on
    the way from where `away` begins, times `away`; they add up to how far the scores of both ends
    are apart.

    Args:
        read: (texts, tokens, width) -> (texts, hidden width), f.
        put_in: (texts, tokens, width) e.
        away: as `put_in`; how far each e is from where integrated gradients begin, or e itself.
        directions: (texts, hidden width) w.
        steps: of integrated gradients; 0 for gradient x input.

    Returns:
        (texts, tokens) float32.
    """
    import torch

    shares = torch.zeros(put_in.shape[:2], device=put_in.device)
    for step in range(max(1, steps)):
        back = 1 - (step + 0.5) / steps if steps else 0.0
        with torch.enable_grad():
            moved = (put_in - back * away).detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad((read(moved) * directions).sum(), moved)
        shares += (gradient.float() * away.float()).sum(-1) / max(1, steps)
    return shares


def from_mean_word(put_in: Tensor, words: Sequence[slice], vocabulary: Tensor) -> Tensor:
    """How far the words of texts are from the vocabulary's mean vector; 0 for what is no word.

    Args:
        put_in: (texts, tokens, width).
        words: of each text the places of its own words.
        vocabulary: (entries, width).

    Returns:
        As `put_in`.
    """
    import torch

    moves = torch.zeros(put_in.shape[:2], dtype=torch.bool, device=put_in.device)
    for row, places in enumerate(words):
        moves[row, places] = True
    return (put_in - vocabulary.mean(0)) * moves[..., None]
