"""The trainer of the MLP decoder, which sees cached features instead of pixels."""

from collections.abc import Mapping

from prism_desktop.engine.errors import RunError
from prism_desktop.engine.models.answers import Answers
from prism_desktop.engine.models.attribute_texts import sentences
from prism_desktop.engine.models.decoder import DecoderModel, DecoderShape
from prism_desktop.engine.models.heads.space import fit_space
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.losses.rating_likelihood import training_ratings
from prism_desktop.engine.training.losses.registry import Facts, build_terms
from prism_desktop.engine.training.resources import Workshop
from prism_desktop.engine.training.scoring import Scorer
from prism_desktop.engine.training.trainer import Trainer

DIMS = 64  # principal axes of the features that the network reads
# Of the axes' deviations that is divided out: with all of it faint axes, mostly noise, are as loud
# as any other and are learned by heart; with none the loudest drown the rest. Chosen on the demo
# study's validation split.
POWER = 0.5


def build_decoder(
    run: RunFolder,
    workshop: Workshop,
    labelers: tuple[str, ...],
    attributes: tuple[str, ...],
    answers: Mapping[str, Answers],
) -> Trainer:
    """The trainer of a run whose scorer is an MLP.

    Raises:
        RunError: if the features were not read before.
    """
    if workshop.features is None:
        raise RunError("The features of the images were not read before training.")
    config = run.config()
    asked = tuple(sentences(a["name"], a["templates"]) for a in run.meta()["attributes"])
    options = config.decoder
    shape = DecoderShape(
        vector=options.vector,
        activation=options.activation,
        glu=options.glu,
        batch_norm=options.batch_norm,
        dropout=options.dropout,
    )
    space = fit_space(workshop.features.array, DIMS, POWER)
    model = DecoderModel(
        space, asked, len(labelers), shape, seed=config.seed, device=workshop.device.torch
    )
    ratings = training_ratings(run.table("ratings"), run.table("images"), labelers, attributes)
    terms = build_terms(Facts(config, answers["train"], len(labelers), len(attributes), ratings))
    for term in terms:
        term.to(model.device)
    return Trainer(
        Scorer(model, asked, workshop.features),
        answers,
        labelers,
        attributes,
        config,
        run.path,
        terms,
    )
