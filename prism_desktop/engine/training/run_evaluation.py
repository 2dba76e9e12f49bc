"""The evaluation of a run: predictions against the test split, as summary.json and summary.md
tell them."""

import platform
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError

from prism_desktop.engine.errors import InputError, RunError, UnreadableError
from prism_desktop.engine.evaluation.named_results import named
from prism_desktop.engine.files import write_text
from prism_desktop.engine.json_files import read_json
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.methods.method import NO_CONTROL
from prism_desktop.engine.models.labeler_bytes import bytes_per_labeler
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.manifest import changing, check_file
from prism_desktop.engine.runs.result_files import (
    BlockGain,
    Costs,
    Environment,
    Evaluation,
    Parameters,
    Summary,
    TriedBlocks,
)
from prism_desktop.engine.runs.run_events import Epoch, Started
from prism_desktop.engine.runs.run_tables import TESTED

_PACKAGES = ("prism-desktop", "torch", "open_clip_torch", "peft", "numpy", "pandas", "safetensors")


def evaluate_run(run: RunFolder, swap: tuple[str, str] | None = None) -> Summary:
    """Compute a run's results from its predictions and its data snapshot.

    Args:
        run: a run that has predictions.
        swap: two labelers who exchange their models, a control: what is personal must get worse by
            it.

    Raises:
        RunError: if there are no predictions yet.
        InputError: if a labeler to swap is not in the run, or swapping says nothing about its
            method.
    """
    from prism_desktop.engine.evaluation.controls import swap_labelers
    from prism_desktop.engine.evaluation.report import evaluate_against

    predictions, consensus = run.scores(), run.scores(layout.CONSENSUS)
    if predictions is None or not predictions.array.size:
        raise run.lacks_predictions()
    config = run.config()
    if swap is not None:
        if config.reads_tested_faces:
            raise InputError(f"Swapped models are no control of {config.method}. {NO_CONTROL}")
        predictions = swap_labelers(predictions, *swap)
    pairs = run.coded_table("pairs", TESTED)
    if pairs.empty:
        raise RunError(f"The data of the run {run.name} hold no pairs, so nothing can be tested.")
    results = evaluate_against(
        pairs,
        predictions,
        None if consensus is None or not consensus.array.size else consensus,
        run.table("comparisons"),
        seed=config.split.seed,
        ratings=run.coded_table("ratings"),
    )
    if config.method == CONSENSUS:
        # it is the consensus model, so that both keys always mean the same
        results = results.model_copy(update={"consensus": results.test})
    with suppress(UnreadableError):  # what is read against depends on the data alone
        known = run.summary()
        results = results.model_copy(
            update={"baselines": known.baselines if known is not None else {}}
        )
    return _summary(run, results, swap)


def _summary(run: RunFolder, results: Evaluation, swap: tuple[str, str] | None) -> Summary:
    """Everything that summary.json holds, from the results and what the run's other files say."""
    config, meta, environment = run.config(), run.meta(), run.environment().given()
    versions = environment.pop("versions", {})
    # told of texts alone, so that what was written of images stays as it was
    of_texts: dict[str, Any] = (
        {"kind": meta.kind, "prompted": meta.prompted} if meta.kind == "text" else {}
    )
    return Summary(
        run=run.name,
        method=config.method,
        reads_tested_faces=config.reads_tested_faces,
        labelers_seen=config.split.kind != "labeler",
        backbone=config.backbone,
        device=environment.get("device"),
        split=meta.split,
        **training_costs(run).given(),
        counts=meta.counts,
        **results.given(),
        blocks=_tried(run),
        swapped=swap,
        study=meta.study,
        simulated=meta.simulated,
        **of_texts,
        notices=meta.notices,
        fingerprint=meta.fingerprint,
        seed=config.seed,
        versions=versions,
        environment=Environment(**environment),
        config=config.model_dump(mode="json"),
    )


def _tried(run: RunFolder) -> tuple[BlockGain, ...]:
    """What the optional blocks that the run was offered add."""
    check_file(run.path, layout.BLOCKS)
    found = TriedBlocks.from_file(run.path / layout.BLOCKS)
    return () if found is None else found.blocks


def write_results(run: RunFolder) -> Summary:
    """Evaluate, and write summary.json and summary.md."""
    summary = evaluate_run(run)
    write_summary(run, summary)
    return summary


def write_summary(run: RunFolder, summary: Summary) -> None:
    """Write summary.json and summary.md."""
    from prism_desktop.engine.evaluation.summary import summary_markdown

    with changing(run.path, layout.SUMMARY):
        summary.save(run.path / layout.SUMMARY)
    with changing(run.path, layout.REPORT):
        write_text(run.path / layout.REPORT, summary_markdown(named(summary, run.people())))


def training_costs(run: RunFolder) -> Costs:
    """What a run cost."""
    events, _ = run.events()
    # a resumed run tells some twice
    epochs = {event.epoch: event for event in events if isinstance(event, Epoch)}
    started = [event for event in events if isinstance(event, Started)]
    best = [epoch for epoch, event in epochs.items() if event.best]
    start = epochs.pop(0, None)  # is no pass over the answers, but takes its time
    seconds = [event.seconds for event in epochs.values() if event.seconds is not None]
    counted = _parameters(run)
    if counted is None:
        counted = started[-1].parameters if started else {}
    return Costs(
        parameters=counted,
        best_epoch=max(best, default=None),
        epochs=len(epochs),
        seconds=sum(seconds) + (start.seconds or 0.0 if start else 0.0) if seconds else None,
        seconds_per_epoch=sum(seconds) / len(seconds) if seconds else None,
        bytes_per_labeler=bytes_per_labeler(run.path),
    )


def _parameters(run: RunFolder) -> Parameters | None:
    """What was counted when the model was made; None where nothing was, empty where it cannot be
    read.

    Raises:
        UnreadableError: it is not what the run wrote.
    """
    path = run.path / layout.PARAMETERS
    check_file(run.path, layout.PARAMETERS)
    if not path.exists():
        return None
    try:
        return Costs.model_validate({"parameters": read_json(path) or {}}, strict=True).parameters
    except ValidationError:
        return {}


def versions() -> dict[str, str]:
    """Of Python and the packages that results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
