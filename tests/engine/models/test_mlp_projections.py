"""Adapters find the MLPs of language models, however their makers named them."""

import re
from typing import Any

import pytest
import torch
import transformers

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.models.mlp_projections import (
    named_projections,
    target,
    with_linear_maps,
)

SMALL: dict[str, Any] = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2,
                         "num_attention_heads": 2, "intermediate_size": 12}  # fmt: skip
GPT2: dict[str, Any] = {"vocab_size": 20, "n_embd": 8, "n_layer": 2, "n_head": 2, "n_inner": 12}
MODELS = {
    "llama": ("LlamaModel", transformers.LlamaConfig(**SMALL), 3),
    "bert": ("BertModel", transformers.BertConfig(**SMALL), 2),
    "gpt2": ("GPT2Model", transformers.GPT2Config(**GPT2), 2),
    "gpt_neox": ("GPTNeoXModel", transformers.GPTNeoXConfig(**SMALL), 2),
    "opt": (
        "OPTModel", transformers.OPTConfig(**SMALL, ffn_dim=12, word_embed_proj_dim=8), 2,
    ),
    "distilbert": (
        "DistilBertModel",
        transformers.DistilBertConfig(vocab_size=20, dim=8, n_layers=2, n_heads=2, hidden_dim=12),
        2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_that_every_block_has_its_mlps_maps_and_no_other(kind: str) -> None:
    name, config, each = MODELS[kind]
    with torch.random.fork_rng(devices=[]):
        model = getattr(transformers, name)(config).eval()
    ids = torch.arange(6)[None]
    before = model(input_ids=ids).last_hidden_state
    with_linear_maps(model)
    assert torch.allclose(model(input_ids=ids).last_hidden_state, before, atol=1e-5)
    found = named_projections(model)
    assert len(found) == 2 * each
    assert {frozenset((one.in_features, one.out_features)) for one in found.values()} == {
        frozenset((8, 12))
    }
    matched = {one for one, _ in model.named_modules() if re.fullmatch(target(model), one)}
    assert matched == set(found)


def test_that_a_model_without_them_is_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match=r"no MLP projections.*hierarchical-bayes.*a retrieval"):
        named_projections(torch.nn.ModuleDict({"head": torch.nn.Linear(2, 2)}))
