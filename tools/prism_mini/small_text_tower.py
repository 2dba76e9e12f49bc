"""A text tower that trains only the tokens that captions use, and only as far as they reach."""

from collections.abc import Sequence

import torch
from open_clip import SimpleTokenizer
from open_clip.model import CLIP
from torch import Tensor, nn

from tools.prism_mini.captions import vocabulary


class CompactTexts(nn.Module):
    """CLIP's text tower over a small token table, cut after the longest text of the batch.

    The causal mask makes the cut exact: no token sees what follows it, and the pooled token is the
    last one.

    Attributes:
        rows: (used tokens, width) float32, trained in place of CLIP's table of 49,408.
    """

    def __init__(self, clip: CLIP, tokenizer: SimpleTokenizer) -> None:
        super().__init__()
        self._clip = [clip]  # in a list: not a part of this module, whose parameters are its own
        self._tokenizer = tokenizer
        self._ends = tokenizer.eot_token_id
        tokens = tokenizer(list(vocabulary()))
        used = torch.unique(tokens)
        self.register_buffer("used", used)
        self._place = torch.full((clip.vocab_size,), -1, dtype=torch.int64)
        self._place[used] = torch.arange(len(used))
        self.embedding = nn.Parameter(clip.token_embedding.weight.detach()[used].clone())

    def forward(self, texts: Sequence[str]) -> Tensor:
        """(texts, embed) float32, not normalised."""
        tokens: Tensor = self._tokenizer(list(texts))
        ends = tokens.argmax(dim=1)
        tokens = tokens[:, : int(ends.max()) + 1]
        clip = self._clip[0]
        x = self.embedding[self._place[tokens]] + clip.positional_embedding[: tokens.shape[1]]
        x = clip.transformer(x, attn_mask=clip.attn_mask[: tokens.shape[1], : tokens.shape[1]])
        pooled: Tensor = clip.ln_final(x)[torch.arange(len(x)), ends] @ clip.text_projection
        return pooled

    def full_table(self) -> Tensor:
        """CLIP's own token table: the trained rows, and zeros for all other words."""
        table = torch.zeros_like(self._clip[0].token_embedding.weight)
        table[self.get_buffer("used")] = self.embedding.detach()
        return table
