"""The trainer of the MLP decoder, which sees cached features instead of pixels."""

from collections.abc import Mapping

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.decoder import DecoderModel, DecoderShape
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.losses.rating_likelihood import training_ratings
from prism_desktop.engine.training.losses.registry import LossInputs, build_losses
from prism_desktop.engine.training.resources import Resources
from prism_desktop.engine.training.scoring import Scorer
from prism_desktop.engine.training.trainer import Trainer

DIMS = 64  # principal axes of the features that the network reads
# Of the axes' deviations that is divided out: with all of it faint axes, mostly noise, are as loud
# as any other and are learned by heart; with none the loudest drown the rest. Chosen on the demo
# study's validation split.
POWER = 0.5


def build_decoder(
    run: RunFolder,
    resources: Resources,
    labelers: tuple[str, ...],
    attributes: tuple[str, ...],
    answers: Mapping[str, Answers],
) -> Trainer:
    """The trainer of a run whose scorer is an MLP.

    Raises:
        RunError: if the features were not read before.
    """
    if resources.features is None:
        raise RunError("The features of the images were not read before training.")
    config = run.config()
    attribute_texts = tuple(sentences(a.name, a.templates) for a in run.meta().attributes)
    options = config.decoder
    shape = DecoderShape(
        vector=options.vector,
        activation=options.activation,
        glu=options.glu,
        batch_norm=options.batch_norm,
        dropout=options.dropout,
    )
    space = fit_space(resources.features.array, DIMS, POWER)
    model = DecoderModel(
        space,
        attribute_texts,
        len(labelers),
        shape,
        seed=config.seed,
        device=resources.device.torch,
    )
    ratings = training_ratings(run.table("ratings"), run.table("images"), labelers, attributes)
    loss_terms = build_losses(
        LossInputs(config, answers["train"], len(labelers), len(attributes), ratings)
    )
    for loss_term in loss_terms:
        loss_term.to(model.device)
    return Trainer(
        Scorer(model, attribute_texts, resources.features),
        answers,
        labelers,
        attributes,
        config,
        run.path,
        loss_terms,
    )
