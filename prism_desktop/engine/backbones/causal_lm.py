"""Frozen language models: built by transformers from config and safetensors, never from a pickle
and never with code that comes along.

A text's features are the mean of the last hidden states over its own tokens, unit norm. An encoder
(BERT and its kind, such as MiniLM) reads the text alone and is pooled over all of its tokens, as
its makers do (Reimers and Gurevych, "Sentence-BERT", EMNLP 2019).
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from prism_desktop.engine.backbones import language_files
from prism_desktop.engine.backbones.download import fetch
from prism_desktop.engine.backbones.language_files import (
    CONFIG,
    SOURCE,
    TOKENIZER,
    TOKENIZER_CONFIG,
    WEIGHTS,
    unusable,
)
from prism_desktop.engine.backbones.prompt_layout import (
    LaidOut,
    Pair,
    TextTokenizer,
    read_tokenizer,
)
from prism_desktop.engine.backbones.spec import BackboneSpec, parse
from prism_desktop.engine.backbones.token_shares import from_mean_word, token_shares
from prism_desktop.engine.device import Device
from prism_desktop.engine.errors import BackboneError
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import make_folder, write_json, write_text, write_whole
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.paths import typed
from prism_desktop.engine.plain_text import clause, one_line, shortened
from prism_desktop.engine.tensor_files import read_header

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor, nn

# Of these every token sees every other, and positions may begin behind some that are never used.
_ENCODERS: Final = {
    "bert": 0, "distilbert": 0, "electra": 0, "albert": 0, "deberta-v2": 0, "modernbert": 0,
    "nomic_bert": 0, "roberta": 2, "xlm-roberta": 2, "camembert": 2, "mpnet": 2,
}  # fmt: skip
_CONTEXT: Final = 2_048  # tokens that models read which do not say it
_NUMBER: Final = re.compile(r"[0-9]+")
_BATCH: Final = 4_096  # tokens of one pass, filling included


@dataclass(frozen=True, slots=True, eq=False)
class LanguageModel:
    """A frozen network that reads texts.

    Attributes:
        name: canonical spec text, stored with every run.
        model: in evaluation mode, float32, no parameter requires a gradient; with its head where
            it writes.
        reader: prompts and texts as its tokens.
        width: of its hidden states.
        sha256: of everything that decides what it computes.
        writes: whether it is causal; an encoder cannot write.
    """

    name: str
    model: nn.Module
    reader: TextTokenizer
    width: int
    sha256: str
    writes: bool
    device: Device
    _light: dict[torch.dtype, list[Tensor]] = field(default_factory=dict, init=False, repr=False)

    @property
    def title(self) -> str:
        """For a reader."""
        return parse(self.name).title

    @property
    def embed_dim(self) -> int:
        """Numbers of a text's features."""
        return self.width

    @property
    def token_width(self) -> int:
        """Numbers of a token that it reads, which some models make wider or narrower inside."""
        model: Any = self.model
        return int(model.get_input_embeddings().embedding_dim)

    @property
    def context(self) -> int:
        """Most tokens that it reads."""
        return self.reader.context

    @contextlib.contextmanager
    def weights_in(self, dtype: torch.dtype) -> Iterator[None]:
        """Let the weights be rounded ones for a while; they are kept beside the whole ones, so that
        a second time costs nothing. What reads hidden states must take this type."""
        own = list(self.model.parameters())
        whole = [one.data for one in own]
        light = self._light.get(dtype)
        if light is None:
            light = self._light[dtype] = [one.to(dtype) for one in whole]
        try:
            for one, data in zip(own, light, strict=True):
                one.data = data
            yield
        finally:
            for one, data in zip(own, whole, strict=True):
                one.data = data

    def truncated(self, pairs: Sequence[Pair]) -> int:
        """How many of these texts are longer than what it reads."""
        return sum(one.cut for one in self.reader.lay_out(pairs))

    def encode(self, pairs: Sequence[Pair]) -> NDArray[np.float32]:
        """The features of texts.

        Args:
            pairs: a prompt or None, and a text, each; the prompt is context and not averaged.

        Returns:
            (n, width) float32, unit norm. A text's features do not depend on what else is in the
            batch, but for the last bits of float32.
        """
        laid = self.reader.lay_out(pairs)
        found = np.empty((len(laid), self.width), np.float32)
        for rows in _batches([len(one.ids) for one in laid]):
            found[rows] = self._pass([laid[row] for row in rows])
        return found

    def encode_attributes(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Attributes as texts through the same model.

        Args:
            sentences: of each attribute, as `models/attribute_texts.py` makes them.

        Returns:
            (attributes, width) float32: the mean over an attribute's sentences, unit norm.
        """
        means = [self.encode([(None, one) for one in each]).mean(axis=0) for each in sentences]
        matrix = np.array(means, np.float32).reshape(-1, self.width)
        unit: NDArray[np.float32] = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        return unit

    def token_relevance(
        self, pairs: Sequence[Pair], directions: NDArray[np.float32], steps: int = 0
    ) -> list[NDArray[np.float32]]:
        """What each token that is read does to a linear score of the features, see `token_shares`;
        integrated gradients begin at a text all of whose tokens are the vocabulary's mean
        embedding.

        Args:
            pairs: as of `encode`.
            directions: (n, width) w of each text: the gradient of any score of its features.
            steps: of integrated gradients; 0 for gradient x input.

        Returns:
            Of each text (tokens read,) float32, laid out as `TextTokenizer.lay_out` does.
        """
        import torch

        laid = self.reader.lay_out(pairs)
        found: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(laid)
        for rows in _batches([len(one.ids) for one in laid]):
            wanted = torch.from_numpy(directions[rows]).to(self.device.torch)
            shares = self._relevance([laid[row] for row in rows], wanted, steps)
            for row, share in zip(rows, shares.float().cpu().numpy(), strict=True):
                found[row] = share[: len(laid[row].ids)]
        return found

    def _relevance(self, laid: Sequence[LaidOut], directions: Tensor, steps: int) -> Tensor:
        """(batch, tokens), as `token_relevance`."""
        ids, seen, own = self._padded(laid)
        embedding: Any = self.model.get_input_embeddings()  # type: ignore[operator]
        put_in = embedding(ids).detach()
        away = put_in
        if steps:
            away = from_mean_word(put_in, [one.words for one in laid], embedding.weight)

        def read(moved: Tensor) -> Tensor:
            return own_mean(hidden_states(self.model, seen, inputs_embeds=moved), own)

        return token_shares(read, put_in, away, directions, steps)

    def _pass(self, laid: Sequence[LaidOut]) -> NDArray[np.float32]:
        import torch

        ids, seen, own = self._padded(laid)
        with torch.inference_mode():
            states = hidden_states(self.model, seen, input_ids=ids)
            unit: NDArray[np.float32] = own_mean(states, own).cpu().numpy()
        return unit

    def _padded(self, laid: Sequence[LaidOut]) -> tuple[Tensor, Tensor, Tensor]:
        """(batch, tokens) each: ids, 1 where a row is not filled up, 1 at a text's own tokens."""
        import torch

        longest = max(len(one.ids) for one in laid)
        ids = torch.full((len(laid), longest), self.reader.pad)
        own, seen = torch.zeros(len(laid), longest), torch.zeros(len(laid), longest)
        for row, one in enumerate(laid):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
            seen[row, : len(one.ids)] = 1
            own[row, one.first : len(one.ids)] = 1
        where = self.device.torch
        return ids.to(where), seen.to(where).long(), own.to(where)


def hidden_states(model: Any, seen: Tensor, **tokens: Tensor) -> Tensor:
    """(batch, tokens, width): the last hidden states, normalised as the model's head reads them.

    Args:
        model: with or without its head.
        seen: (batch, tokens) int64, 0 where a row is filled up.
        tokens: `input_ids` (batch, tokens), or `inputs_embeds` (batch, tokens, width).
    """
    states: Tensor = model.base_model(attention_mask=seen, **tokens).last_hidden_state
    return states


def own_mean(states: Tensor, own: Tensor) -> Tensor:
    """(batch, tokens, width) and (batch, tokens), 1 at a text's own tokens -> (batch, width)
    float32: their mean, unit norm."""
    import torch
    from torch.nn import functional

    weight = own / own.sum(1, keepdim=True)
    return functional.normalize(torch.einsum("bt,btw->bw", weight, states.float()), dim=-1)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows in passes of similar length, so that little is filled up."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if rows and (len(rows) + 1) * lengths[row] > _BATCH:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def load_language_model(spec: BackboneSpec, device: Device) -> LanguageModel:
    """Build the model and read its weights, downloading them first if they are not in the cache.

    A caller that wants to show the download runs `download.fetch(spec)` first.

    Raises:
        BackboneError: the model is missing, damaged, a pickle, or needs code of its own.
    """
    for _ in fetch(spec):
        pass
    language_files.check_language_model(spec)
    sha256 = language_files.language_checksum(spec)
    folder = language_files.language_folder(spec)
    if spec.source == "gguf":
        _convert(spec, folder)
    config = language_files.read_config(folder, spec)
    writes = config["model_type"] not in _ENCODERS
    model = _filled(folder, config, writes, spec)
    model.requires_grad_(False).eval().to(device.torch)
    reader = read_tokenizer(folder, _places(config), spec.title, writes=writes)
    _check_vocabulary(model, reader, spec)
    return LanguageModel(
        spec.text,
        model,
        reader,
        int(model.config.hidden_size),
        sha256,
        writes,
        device,
    )


def _filled(folder: Path, said: Mapping[str, Any], writes: bool, spec: BackboneSpec) -> Any:
    """The network with its weights, in float32."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModel, AutoModelForCausalLM

    from prism_desktop.engine.backbones.written_attention import use_in_transformers

    _quiet()
    use_in_transformers()
    kind = said["model_type"]
    if kind not in CONFIG_MAPPING:
        raise unusable(spec, f"transformers has no model {shortened(kind, 60)!r}")
    maker: Any = AutoModelForCausalLM if writes else AutoModel
    try:
        config = CONFIG_MAPPING[kind].from_dict(dict(said))
        _check_size(maker, config, folder, spec)
        model, told = maker.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            attn_implementation="sdpa",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are named below
        )
    except BackboneError:
        raise
    except Exception as error:  # transformers raises whatever its parts do
        raise_fault(error, folder)
        told_as = one_line(clause(error))
        raise unusable(spec, f"its config and weights do not fit: {told_as}") from error
    if odd := _misfit(model, told):
        raise unusable(spec, odd)
    return model


def _misfit(model: Any, told: Mapping[str, Any]) -> str:
    """Why a network's weights are not those of its config, as a clause; empty if they are.

    Args:
        model: with its weights.
        told: what transformers says of them.
    """
    # what an encoder's own head would read is not used here
    lacking = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if lacking:
        return f"{len(lacking):,} of its weights are missing, such as {lacking[0]}"
    if sizes := sorted(str(name) for name, *_ in told["mismatched_keys"]):
        return f"weights have other sizes than its config says, such as {sizes[0]}"
    layers = {_NUMBER.sub("", name) for name, _ in model.named_parameters()}
    beyond = sorted(one for one in told["unexpected_keys"] if _NUMBER.sub("", one) in layers)
    if beyond:
        return f"it has more layers than its config says, such as that of {beyond[0]}"
    odd = next((name for name, one in model.named_parameters() if not one.isfinite().all()), "")
    return f"weights hold what is no number, such as {odd}" if odd else ""


def _check_vocabulary(model: Any, reader: TextTokenizer, spec: BackboneSpec) -> None:
    """Refuse a tokenizer of another model."""
    known = model.get_input_embeddings().num_embeddings
    words = reader.plain.get_vocab(with_added_tokens=False).values()
    highest = max((*words, *reader.before, *reader.between, *reader.after, reader.pad), default=0)
    if highest >= known:
        raise unusable(
            spec,
            f"its tokenizer has a token of number {highest:,}, and its network knows {known:,}; "
            "they are of two models",
        )


def _quiet() -> None:
    """transformers speaks to a terminal that is not there."""
    from transformers.utils import logging

    told: Any = logging
    told.set_verbosity_error()
    told.disable_progress_bar()


def _check_size(maker: Any, config: Any, folder: Path, spec: BackboneSpec) -> None:
    """Refuse a config that asks for more memory than its weights could fill."""
    import torch

    with torch.device("meta"):
        wanted = sum(one.numel() for one in maker.from_config(config).parameters())
    there = sum(
        sum(read_header(path)[0].values()) for path in language_files.weight_list(folder, spec)
    )
    if wanted > there:  # a number takes a byte at least
        raise unusable(
            spec,
            f"its config asks for {counted(wanted, 'number')}, and its weights have "
            f"{counted(there, 'byte')}",
        )


def _places(config: Mapping[str, Any]) -> int:
    """How many tokens a model has places for, as its config says."""
    names = ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length")
    known = [config[name] for name in names if type(config.get(name)) is int]
    return max(1, min(known, default=_CONTEXT) - _ENCODERS.get(config["model_type"], 0))


def _convert(spec: BackboneSpec, folder: Path) -> None:
    """Make a GGUF file into a folder of the cache, which is read twenty times as fast.

    Raises:
        BackboneError: it is damaged, or of a kind that transformers does not read.
    """
    if language_files.is_whole(folder):
        return
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _quiet()
    path = typed(spec.model)
    from_file: dict[str, Any] = {
        "gguf_file": path.name, "local_files_only": True, "trust_remote_code": False,
    }  # fmt: skip
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # a bar of progress that nobody asked for
            model = AutoModelForCausalLM.from_pretrained(
                path.parent, dtype=torch.float16, **from_file
            )
        tokenizer = AutoTokenizer.from_pretrained(path.parent, **from_file)
        content = tokenizer.backend_tokenizer.to_str()
    except Exception as error:  # transformers and gguf raise whatever their parts do
        raise_fault(error, path)
        raise unusable(spec, f"{path.name} cannot be read: {clause(error)}") from error
    make_folder(folder)
    tensors = {name: one.contiguous() for name, one in model.named_parameters()}  # tied ones once
    write_whole(
        folder / WEIGHTS, lambda beside: save_file(tensors, beside, metadata={"format": "pt"})
    )
    write_text(folder / TOKENIZER, content)
    names = ("bos_token", "eos_token", "pad_token", "chat_template")
    write_json(folder / TOKENIZER_CONFIG, {name: getattr(tokenizer, name) for name in names})
    config = json.loads(model.config.to_json_string(use_diff=False))
    config.pop("quantization_config", None)  # what is written is not quantised any more
    write_json(folder / CONFIG, config)
    files = {
        name: {"size": (folder / name).stat().st_size}
        for name in (WEIGHTS, TOKENIZER, TOKENIZER_CONFIG, CONFIG)
    }
    write_json(folder / SOURCE, {"whole": True, "from": path.name, "files": files})
