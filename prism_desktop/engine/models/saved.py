"""A trained model in its run folder: `adapter/` for PEFT, `tokens.safetensors` for the labelers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from scipy.special import softmax

from prism_desktop.engine.backbones import Backbone, BackboneSpec, load, parse
from prism_desktop.engine.backbones.causal_lm import LanguageModel, load_language_model
from prism_desktop.engine.device import Device, choose_device
from prism_desktop.engine.errors import InputError, RunError, UnreadableError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.faults import raise_fault
from prism_desktop.engine.files import make_folder, move, remove_tree, whole
from prism_desktop.engine.methods import Method, method
from prism_desktop.engine.models.attribute_heads import TABLE
from prism_desktop.engine.models.attribute_texts import DEFAULT_TEMPLATES, sentences
from prism_desktop.engine.models.base import AttributeTexts
from prism_desktop.engine.models.builders import has_tower, lacks_facts
from prism_desktop.engine.models.clip import PersonalClip
from prism_desktop.engine.models.labeler_context import LabelerContext
from prism_desktop.engine.models.language_tower import PersonalLanguageModel
from prism_desktop.engine.models.lora import load_adapter, save_adapter
from prism_desktop.engine.models.model_card import ModelCard, describe
from prism_desktop.engine.models.personal_tower import PersonalTower
from prism_desktop.engine.models.versions import made_by_earlier_version, record
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.manifest import check_file, check_folder
from prism_desktop.engine.tensor_files import KEY, read_tensors

_KNOWN = "known."  # before the names of facts about the labelers


@dataclass(frozen=True, slots=True, eq=False)
class LoadedRun:
    """A trained model, ready to predict."""

    model: PersonalTower
    card: ModelCard

    @property
    def backbone(self) -> Any:
        """The frozen network it is built on: a `Backbone`, or a `LanguageModel`."""
        return self.model.backbone

    @property
    def clip(self) -> PersonalClip:
        """The model of one that sees images."""
        assert isinstance(self.model, PersonalClip), "a model of texts sees no images"
        return self.model

    @property
    def method(self) -> Method:
        """How it was trained."""
        return method(self.card.method)

    @property
    def labelers(self) -> tuple[str, ...]:
        """Codes, in the order of training."""
        return self.card.labelers

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names, in the order of training."""
        return tuple(self.card.attributes)

    def row(self, labeler: str) -> int:
        """The place of a labeler among those of the run.

        Raises:
            InputError: if the run knows no such labeler.
        """
        if labeler not in self.labelers:
            raise InputError(
                f"This run has no labeler {labeler!r}; it has {', '.join(self.labelers)}."
            )
        return self.labelers.index(labeler)

    def attribute_texts(self, attributes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Attributes as sentences: labeled ones by their
        own templates, any other by the default ones."""
        known = self.card.attributes
        return tuple(sentences(name, known.get(name, DEFAULT_TEMPLATES)) for name in attributes)

    def chances(self, difference: NDArray[np.float32]) -> NDArray[np.float32]:
        """P(left), P(tie) and P(right) of differences of scores: (...) -> (..., 3).

        See `PairLoss`.
        """
        tie = np.full_like(
            difference, -np.inf if self.card.ties is None else np.log(self.card.ties)
        )
        return softmax(np.stack([difference / 2, tie, -difference / 2], axis=-1), axis=-1).astype(
            np.float32
        )

    def scores(
        self,
        inputs: Any,
        labelers: Sequence[str] | None = None,
        attributes: Sequence[str] | None = None,
        *,
        batch: int = 128,
    ) -> NDArray[np.float32]:
        """Predict; see `scoring`. Returns (labelers, attributes, n) float32."""
        result = np.empty(0, np.float32)
        for event in self.scoring(inputs, labelers, attributes, batch=batch):
            if isinstance(event, Done):
                result = event.value
        return result

    @torch.no_grad()
    def scoring(
        self,
        inputs: Any,
        labelers: Sequence[str] | None = None,
        attributes: Sequence[str] | None = None,
        *,
        batch: int = 128,
    ) -> Iterator[Event[NDArray[np.float32]]]:
        """Predict what labelers would say, an attribute that nobody labeled included.

        Args:
            inputs: (n, 3, S, S) or (n, S, S, 3) uint8 RGB, S the backbone's image size; may be a
                memory map. For a model of texts n pairs of a prompt or None and a text.
            labelers: codes; None for all. Labelers who share their tokens share one pass.
            attributes: labeled names or any text; None for the labeled ones.
            batch: rows (image x labeler) of one pass.

        Yields:
            Progress in images, then Done with (labelers, attributes, n) float32; differences are
            logits.

        Raises:
            InputError: if a labeler is unknown or the images have another size.
        """
        chosen = [self.row(code) for code in (self.labelers if labelers is None else labelers)]
        attribute_texts = self.attribute_texts(
            self.attributes if attributes is None else attributes
        )
        view_groups = sorted({self.model.view_groups[row] for row in chosen})
        n, step = len(inputs), max(1, batch // max(1, len(view_groups)))
        scores = np.empty((len(chosen), len(attribute_texts), n), np.float32)
        for start in range(0, n, step):
            with self.model.fused():
                chunk = inputs[start : start + step]
                scores[:, :, start : start + step] = self._chunk(
                    chunk, chosen, view_groups, attribute_texts
                )
            yield Progress(min(start + step, n), n, "Predicting")
        yield Done(scores)

    def _chunk(
        self,
        inputs: Any,
        chosen: Sequence[int],
        view_groups: Sequence[int],
        attribute_texts: AttributeTexts,
    ) -> NDArray[np.float32]:
        """(labelers, attributes, images) float32."""
        images = self.model.prepare(self.model.accept(inputs))
        labeler = torch.tensor(view_groups, device=images.device).repeat_interleave(len(images))
        image = torch.arange(len(images), device=images.device).repeat(len(view_groups))
        seen = dict(
            zip(
                view_groups,
                torch.split(self.model.encode(images, labeler, image), len(images)),
                strict=True,
            )
        )
        scores = [
            self.model.score(
                seen[self.model.view_groups[row]],
                torch.full((len(images),), row, device=images.device),
                attribute_texts,
            )
            for row in chosen
        ]
        return np.stack([score.cpu().numpy().T for score in scores])


def save_model(
    model: PersonalTower,
    run: Path,
    *,
    method: str,
    labelers: Sequence[str],
    attributes: Mapping[str, Sequence[str]],
    ties: float | None = None,
) -> ModelCard:
    """Write `adapter/` and `tokens.safetensors` into an
    existing run folder, replacing earlier ones whole.

    The arguments are those of `describe`, whose card is returned.
    """
    card = describe(model, method, labelers, attributes, ties)
    fresh = run / f"{layout.ADAPTER}.new"
    remove_tree(fresh, layout.ours_in(fresh.name))
    if model.adapted is not None:
        make_folder(fresh, fresh=True)
        save_adapter(model.adapted, fresh)
    facts = {
        f"{_KNOWN}{name}": torch.from_numpy(array.copy())
        for name, array in model.context.arrays().items()
    }
    tensors = {name: tensor.contiguous() for name, tensor in (model.kept_state() | facts).items()}
    with whole(run / layout.TOKENS) as beside:
        save_file(tensors, beside, metadata={KEY: json.dumps(asdict(card))})
        remove_tree(run / layout.ADAPTER, layout.ours_in(layout.ADAPTER))
        if fresh.exists():
            move(fresh, run / layout.ADAPTER)
    return card


def read_card(run: Path) -> ModelCard:
    """What the run's model is, without loading it.

    Raises:
        RunError: if there is no readable model in the folder.
    """
    return _read(run)[0]


def load_run(
    run: Path, device: str = "auto", backbone: Backbone | LanguageModel | None = None
) -> LoadedRun:
    """Load a trained model from its run folder.

    Args:
        run: the folder that `save_model` wrote into.
        device: as in `choose_device`.
        backbone: one that is loaded already, to be shared; None to load the one that the run names.

    Raises:
        RunError: if the model is missing or damaged, or the backbone is not the one that it was
            trained on.
        BackboneError: if the backbone cannot be loaded.
    """
    card, tensors = _read(run)
    backbone = backbone or load_network(parse(card.backbone), choose_device(device))
    checked(backbone, card.backbone_sha256, run)
    facts = {
        name.removeprefix(_KNOWN): tensors.pop(name).numpy()
        for name in [*tensors]
        if name.startswith(_KNOWN)
    }
    context = LabelerContext.from_arrays(facts, card.profiles)
    _refuse_misfit(card, context, run)
    model = tower_on(backbone)(
        backbone,
        len(card.labelers),
        method=method(card.method),
        context=context,
        tokens=card.tokens,
        rank=card.rank,
        alpha=card.alpha,
        experts=card.experts,
        trunk=card.trunk,
        temperature=card.temperature,
        precision=card.precision_on(backbone.device),
        heads=[sentences(*each) for each in card.attributes.items()] if TABLE in tensors else None,
    )
    try:
        if model.adapted is not None:
            load_adapter(model.adapted, run / layout.ADAPTER)
    except (OSError, RuntimeError, ValueError, UnreadableError) as error:
        raise_fault(error.__cause__ or error, run)
        why = error.why if isinstance(error, UnreadableError) else error
        raise RunError(
            f"The adapter of {run.name} is missing or damaged ({why}). Resume the run if it was "
            "cut short while its model was written; otherwise train again."
        ) from error
    try:
        model.load_kept_state(tensors)
    except RunError as error:
        raise made_by_earlier_version(run, f"all that {method(card.method).title} needs") from error
    model.requires_grad_(False)
    return LoadedRun(model, card)


def load_network(spec: BackboneSpec, device: Device) -> Backbone | LanguageModel:
    """The frozen network of a spec, whatever it reads.

    Raises:
        BackboneError: it cannot be loaded.
    """
    return load_language_model(spec, device) if spec.kind == "language" else load(spec, device)


def tower_on(backbone: Backbone | LanguageModel) -> type[PersonalTower]:
    """The personal model that stands on a frozen network."""
    return PersonalClip if isinstance(backbone, Backbone) else PersonalLanguageModel


def _refuse_misfit(card: ModelCard, context: LabelerContext, run: Path) -> None:
    """Raises: RunError: the method that a file names has no tower, or reads of the labelers what
    the file does not hold."""
    chosen = method(card.method)
    if not has_tower(chosen):
        raise RunError(
            f"The model file {run / layout.TOKENS} is damaged ({chosen.title} has no tower); "
            "train again."
        )
    if lacks_facts(chosen, context):
        raise made_by_earlier_version(run, f"all that {chosen.title} needs")


def checked(backbone: Backbone | LanguageModel, sha256: str, run: Path) -> Backbone | LanguageModel:
    """The backbone, if its weights are those that a run was trained on.

    Raises:
        RunError: if they are others.
    """
    refuse_others(backbone.name, backbone.sha256, sha256, run)
    return backbone


def refuse_others(backbone: str, sha256: str, trained: str, run: Path) -> None:
    """Raises: RunError: the weights, or imported embeddings,
    at hand are not those that a run was trained on."""
    if sha256 != trained:
        raise RunError(
            f"The weights of {backbone} are not those that {run.name} was trained on (their "
            "checksums differ), so its predictions would be wrong. Put the original weights back, "
            "or train again."
        )


def _read(run: Path) -> tuple[ModelCard, dict[str, torch.Tensor]]:
    path = run / layout.TOKENS
    if not layout.holds(run, layout.TOKENS):
        raise RunError(f"{run.name} holds no trained model yet; finish or resume its training.")
    try:
        check_file(run, layout.TOKENS)
        check_folder(run, f"{layout.ADAPTER}/")
        tensors, fields = read_tensors(path)
        fields["labelers"] = tuple(fields["labelers"])
        fields["attributes"] = {
            name: tuple(templates) for name, templates in fields["attributes"].items()
        }
        fields["profiles"] = tuple(fields["profiles"]) if fields.get("profiles") else None
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise RunError(f"The model file {path} is damaged ({error}); train again.") from error
    return record(ModelCard, fields, run), tensors
