"""The choice of a fitter for a run: one kind for each family of methods, by what files the run
holds.

| family | a new labeler |
|---|---|
| heads in closed form | `.adapt`: the posterior from the prior, the index, the consensus as it is |
| the MLP decoder, tokens, words, gates, adapters | own parameters are fitted from their start |
| heads of a tower | the posterior on what is seen at the start, before the fit |
| contexts, histories, profiles, groups | one forward pass over the answers |
| combinations | members enter, with the average labeler's weights |

Heads in closed form are entered without torch where the study keeps the features of the images.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from prism_desktop.engine.adaptation.head_fitter import HeadFitter, LabelerFitter
from prism_desktop.engine.errors import RunError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.methods import method
from prism_desktop.engine.methods.parts.scoring_parts import MlpScores, WeighedRuns
from prism_desktop.engine.models.combination_file import read_combination
from prism_desktop.engine.models.saved_heads import load_heads
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.training.kept_features import kept_features
from prism_desktop.engine.training.offered_blocks import with_blocks

if TYPE_CHECKING:
    from prism_desktop.engine.training.resources import Resources


def open_fitter(
    run: RunFolder, resources: Resources | None = None
) -> Iterator[Event[LabelerFitter]]:
    """Load a finished run, so that new labelers may enter it.

    Args:
        run: a run that has a model.
        resources: of a run that shares backbone and images; None to open what is needed.

    Raises:
        RunError: if there is no model, or the backbone is gone.
    """
    combined, heads = (layout.holds(run.path, name) for name in (layout.COMBINATION, layout.HEAD))
    if (
        heads
        and not combined
        and resources is None
        and not method(run.config().method).has(MlpScores)
    ):
        loaded = load_heads(run.path)
        features = kept_features(run, loaded.card)
        if features is not None:
            inputs = yield from with_blocks(run, features, loaded.card.blocks)
            yield Done(HeadFitter(loaded, inputs))
            return
    if resources is None:
        from prism_desktop.engine.training.resources import open_resources

        resources = yield from value(open_resources(run))
    if combined:
        yield Done((yield from _combination(run, resources)))
    elif heads:
        yield Done((yield from _heads(run, resources)))
    elif layout.holds(run.path, layout.TOKENS):
        from prism_desktop.engine.adaptation.fitters import open_tower

        yield Done((yield from open_tower(run, resources)))
    else:
        raise RunError(f"{run.name} holds no trained model yet; finish or resume its training.")


def _heads(
    run: RunFolder, resources: Resources
) -> Generator[Progress | Notice, None, LabelerFitter]:
    from prism_desktop.engine.adaptation.fitters import DecoderFitter
    from prism_desktop.engine.models.decoder import DecoderModel
    from prism_desktop.engine.models.saved import refuse_others

    yield from resources.read_features(run)
    assert resources.features is not None
    loaded = load_heads(run.path)
    refuse_others(loaded.card.backbone, resources.sha256, loaded.card.backbone_sha256, run.path)
    if isinstance(loaded.heads, DecoderModel):
        return DecoderFitter(run, loaded.heads, resources.features)
    inputs = yield from with_blocks(run, resources.features.array, loaded.card.blocks)
    return HeadFitter(loaded, inputs)


def _combination(
    run: RunFolder, resources: Resources
) -> Generator[Progress | Notice, None, LabelerFitter]:
    from prism_desktop.engine.adaptation.combination_fitter import CombinationFitter

    members = []
    for member in read_combination(run.path):
        folder = RunFolder.open(run.path.with_name(member.run))
        members.append((member, (yield from value(open_fitter(folder, resources)))))
    weighed = next(method(run.config().method).of(WeighedRuns))
    return CombinationFitter(tuple(members), weighed.rule == "one or the other")
