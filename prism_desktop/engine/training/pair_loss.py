"""The loss of a pair: how likely its outcome is, given the difference of its two scores."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PairLoss(nn.Module):
    """Bradley-Terry, or Davidson's extension to ties with a learned tie rate.

    P(left) = p_l / (p_l + p_r + nu sqrt(p_l p_r)), P(tie) = nu sqrt(p_l p_r) / (same), with p =
    exp(score); without ties this is sigmoid(difference). Source: Davidson, JASA 1970.

    Attributes:
        log_nu: () float32, log of nu; None where ties are left out.
    """

    log_nu: nn.Parameter | None

    def __init__(self, ties: bool, tie_share: float = 0.0) -> None:
        """Start nu where equally strong pairs tie as often as all pairs do (`tie_share`)."""
        super().__init__()
        share = min(max(tie_share, 0.01), 0.9)
        self.log_nu = (
            nn.Parameter(torch.tensor(math.log(2 * share / (1 - share)))) if ties else None
        )

    @property
    def nu(self) -> float | None:
        """Davidson's nu; None where ties are left out."""
        return None if self.log_nu is None else float(self.log_nu.detach().exp())

    def forward(self, difference: Tensor, outcome: Tensor) -> Tensor:
        """Negative log-likelihood of each answer in nats.

        Args:
            difference: (answers,) float, score of the left image minus score of the right one.
            outcome: (answers,) float, 1 left, 0 right, 0.5 tie.

        Returns:
            (answers,) float.
        """
        if self.log_nu is None:
            return F.binary_cross_entropy_with_logits(difference, outcome, reduction="none")
        chosen = torch.where(outcome == 0.5, 1, torch.where(outcome > 0.5, 0, 2))
        return F.nll_loss(self.log_probabilities(difference), chosen, reduction="none")

    def log_probabilities(self, difference: Tensor) -> Tensor:
        """Log of P(left), P(tie), P(right).

        Args:
            difference: (answers,) float.

        Returns:
            (answers, 3) float; the middle column is minus infinity without ties.
        """
        tie = (
            torch.full_like(difference, -math.inf)
            if self.log_nu is None
            else self.log_nu.expand_as(difference)
        )
        return F.log_softmax(torch.stack([difference / 2, tie, -difference / 2], dim=-1), dim=-1)


def correct(difference: Tensor, outcome: Tensor) -> Tensor:
    """Whether the chosen image has the higher score: (answers,) float.

    Equal scores count half, ties are NaN.
    """
    right = torch.where(difference == 0, 0.5, ((difference > 0) == (outcome > 0.5)).float())
    return torch.where(outcome == 0.5, torch.nan, right)
