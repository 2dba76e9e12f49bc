"""One run of the task writing, from the study's own texts to its results.

A run is a folder of the study's `writing/`, with files as other runs have them: settings, the texts
that it saw, events, checkpoints, weights, results. One that was killed goes on from its last
checkpoint. What is read against it (the unified run that some methods stand on) is trained first
where there is none of the same texts and settings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress

from prism_desktop.engine.backbones.causal_lm import LanguageModel
from prism_desktop.engine.errors import InputError, PrismError, RunError, TakenOverError
from prism_desktop.engine.events import Done, Notice, Progress, value
from prism_desktop.engine.files import lock, write_whole
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods.writing_method import WritingMethod
from prism_desktop.engine.methods.writing_methods import UNIFIED, members_of, writing_method
from prism_desktop.engine.methods.writing_parts import (
    PersonPrefix,
    numbers_per_person,
    trained_numbers,
)
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.event_log import EventLog
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.heartbeat import beating, while_ours
from prism_desktop.engine.runs.manifest import remove_manifest, write_manifest
from prism_desktop.engine.runs.result_files import Counts
from prism_desktop.engine.runs.run_events import (
    Discarded,
    Epoch,
    Failed,
    Finished,
    Paused,
    Resumed,
    Stage,
    Started,
    Step,
    Stopped,
    logged,
)
from prism_desktop.engine.runs.status import CUT_SHORT
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.writing.answered_texts import write_answered
from prism_desktop.engine.writing.combined_texts import combined_texts
from prism_desktop.engine.writing.combined_writers import (
    combined_summary,
    costs_of,
    mixed,
    weigh,
    write_weighed,
)
from prism_desktop.engine.writing.generation import OpenWriter
from prism_desktop.engine.writing.held_out_people import entered_scores, measure_held_out
from prism_desktop.engine.writing.own_text_data import (
    SPLITS,
    OwnTexts,
    read_texts,
    texts_of_newcomers,
    told_of_newcomers,
)
from prism_desktop.engine.writing.past_texts import PastTexts, read_past
from prism_desktop.engine.writing.people_intervals import by_person, gain, mean_over_people
from prism_desktop.engine.writing.run_making import begin_writing, find_run, in_full, writing_runs
from prism_desktop.engine.writing.tested_settings import ENTERED_WITH, KNOWN, SWAPPED
from prism_desktop.engine.writing.text_quality import answer_and_compare, opened_reader
from prism_desktop.engine.writing.varied_prompts import told_of_varied
from prism_desktop.engine.writing.writer_model import WriterModel
from prism_desktop.engine.writing.writer_opening import (
    keep_networks,
    new_model,
    opened_language_model,
)
from prism_desktop.engine.writing.writing_config import (
    WritingConfig,
    member_settings,
    unified_settings,
)
from prism_desktop.engine.writing.writing_evaluation import (
    Measured,
    chosen_examples,
    measure,
    read_scores,
    write_scores,
)
from prism_desktop.engine.writing.writing_trainer import WritingTrainer

WritingEvent = (
    Progress | Notice | Stage | Started | Step | Epoch | Paused | Resumed | Stopped | Discarded
)
__all__ = [
    "begin_writing", "find_run", "in_full", "new_model", "opened_language_model", "train_writing",
    "write_run", "writing_runs",
]  # fmt: skip

_POLL_SECONDS = 0.5  # between two looks at what another computer does


def train_writing(run: RunFolder) -> Generator[WritingEvent | Done[WritingSummary], None, None]:
    """Train a run, or go on with one that was interrupted, and test it once.

    Closing this leaves the run interrupted, with a checkpoint.

    Yields:
        Events, also kept in the run's events.jsonl, then Done with the results.

    Raises:
        PrismError: training cannot start or go on, or somebody stopped it before it was tested;
            worded for the user.
    """
    with lock(run.path / layout.RESUME_LOCK):  # two at once must not both find it interrupted
        _check_untested(run)  # before a word of what was told to it, or said of it, is changed
        run.set_status("preparing", pid=os.getpid())
    run.tell("run")
    with closing(write_run(run, Control(run))) as events:
        try:
            yield from events
        except GeneratorExit:
            run.abandon()
            raise
        except TakenOverError:
            raise
        except Exception as error:
            message = str(error) if isinstance(error, PrismError) else "Something unforeseen."
            with closing(EventLog(run)) as log:
                log.write(Failed(message=message))
            run.set_status("failed", message=message)
            raise
    state = run.status().state
    if state == "discarded":
        run.delete()
    if state in ("discarded", "stopped") and not run.tested:
        raise RunError(f"The run {run.name} was {state} before it was tested.")


def write_run(
    run: RunFolder, control: Control
) -> Generator[WritingEvent | Done[WritingSummary], None, None]:
    """The same, obeying orders; if it raises or is closed, the run's status still says that it
    goes on, and whoever called says what became of it.

    Args:
        run: with its texts.
        control: what the user tells. A run that is stopped before it was tested ends without Done.
    """
    _check_untested(run)
    with closing(EventLog(run)) as log, beating(run):
        remove_manifest(run.path)
        run.set_status("training", pid=os.getpid())
        with closing(while_ours(run, _to_its_end(run, control))) as events:
            for event in events:
                if isinstance(event, Done):  # after which nobody may ask for more
                    stopped = run.order().command == "stop"
                    run.set_status("stopped" if stopped else "finished")
                    ended = Stopped if stopped else Finished
                    log.write(ended(best_epoch=event.value.best_epoch))
                    _seal(run)
                else:
                    log.write(logged(event))
                yield event


def _check_untested(run: RunFolder) -> None:
    status = run.status()
    if layout.holds(run.path, layout.WRITTEN):
        raise RunError(
            f"The run {run.name} is {status.state} and tested, so it cannot go on: the test split "
            "is opened once. Start a new run."
        )
    if status.state in ACTIVE and not status.ours:  # also one whose process was told to pause
        raise RunError(f"The run {run.name} is training already{status.where}.")


def _to_its_end(
    run: RunFolder, control: Control
) -> Generator[WritingEvent | Done[WritingSummary], None, None]:
    """The session's events, with what is told between two of them carried out."""
    with closing(_session(run, control)) as events:
        for event in events:
            yield event
            if isinstance(event, Done):
                return
            if control.poll() == "pause":
                run.set_status("paused", pid=os.getpid())
                yield Paused()
                control.wait_while_paused()
                if not control.left():  # else whoever iterates closes this
                    run.set_status("training", pid=os.getpid())
                    yield Resumed()
            order = control.poll()
            if order == "discard" or (order == "stop" and control.untested()):
                break
        else:
            return
    if order == "discard":
        run.discard()
        yield Discarded()
    else:
        run.set_status("stopped", message=CUT_SHORT)
        yield Stopped()


def _seal(run: RunFolder) -> None:
    """Mark the files of a run that has ended; without the marks the results are as good."""
    with suppress(OSError, PrismError):
        write_manifest(run.path)


def _session(
    run: RunFolder, control: Control
) -> Generator[WritingEvent | Done[WritingSummary], None, None]:
    """Train what the run's method learns, after what it stands on, and test it once."""
    config, texts = WritingConfig.load(run.path / layout.CONFIG), read_texts(run)
    method = writing_method(config.method)
    yield from (Notice(text) for text in texts.meta.notices)
    if method.combines:
        yield from _combination(run, config, texts)
        return
    base = yield from opened_language_model(config)
    keep_networks(run, base)
    _refuse_crowding(base, method, config)
    if config.answers:  # before hours of training, as it may not be there
        yield from opened_reader(config, base)
    unified = None
    if method.starts_from:
        wanted = unified_settings(config, method.starts_from)
        unified = yield from _obtained(run, wanted, texts)
    begun = time.monotonic()
    past = yield from value(read_past(base, method, texts, config))
    keep_networks(run, base, past.encoder)
    yield from (Notice(text) for text in past.remarks)
    model = new_model(base, method, config, past)
    if unified is not None:
        model.take_unified(unified.tensors(layout.WRITER))
    varied = told_of_varied(model, texts)
    yield from (Notice(text) for text in varied)
    yield Stage(name="training")
    best_epoch, earlier = None, 0.0
    if method.trained:
        trainer = WritingTrainer(model, past, run.path)
        best_epoch, earlier = yield from _trained(trainer, control)
    write_model(run, model)
    summary = yield from _tested(run, model, past, unified)
    told = {"best_epoch": best_epoch, "seconds": earlier + time.monotonic() - begun}
    summary = summary.model_copy(update={**told, "notices": (*summary.notices, *varied)})
    summary.save(run.path / layout.WRITTEN)
    yield Done(summary)


def _tested(
    run: RunFolder, model: WriterModel, past: PastTexts, unified: RunFolder | None
) -> Generator[WritingEvent, None, WritingSummary]:
    """Test a run's model and let it write; `unified` is the run that it stands on, if any."""
    yield Stage(name="evaluating")
    texts, places = past.texts, past.texts.places
    examples = chosen_examples(model, past, places)
    measured = yield from value(measure(model, past, places, examples))
    writer = OpenWriter(model, past, examples)
    known, quality = yield from value(answer_and_compare(writer))
    late = yield from value(measure_held_out(writer))
    measured = {**measured, **late.scores}
    write_scores(run, measured)
    answered = {KNOWN: known, **late.answered} if known else late.answered
    if answered:
        write_answered(run, texts, answered)
    entered = entered_scores(texts, measured, answered, quality)
    found: dict[str, object] = {"quality": quality, "entered": entered}
    if unified is not None:
        other = read_scores(unified, texts)[KNOWN]
        over = WritingConfig.load(unified.path / layout.CONFIG).method
        found["gain"] = gain(over, measured[KNOWN], other)
    return _summary(run, model, past, measured, examples).model_copy(update=found)


def _trained(
    trainer: WritingTrainer, control: Control
) -> Generator[WritingEvent, None, tuple[int | None, float]]:
    """Train, from a checkpoint if there is one, until it ends or the best epoch is to be kept;
    returns that, and how many seconds were trained before the checkpoint."""
    again = trainer.resume()
    earlier = trainer.at.seconds
    yield _started(trainer)
    if again:
        yield Notice(f"Training goes on in epoch {trainer.at.epoch}.")
    control.stop_ends = trainer.at.best_epoch is None
    try:
        for event in trainer.run():
            yield event
            control.stop_ends = trainer.at.best_epoch is None
            order = control.order()
            if order == "pause":
                trainer.save()
            elif order == "stop" and not control.untested():
                trainer.finish()
                break
    except GeneratorExit:  # nobody waits any more
        trainer.save()
        raise
    finally:
        control.stop_ends = True
    return trainer.at.best_epoch, earlier


def _started(trainer: WritingTrainer) -> Started:
    model, texts = trainer.model, trainer.past.texts
    device = model.base.device
    counts = Counts(**{part: len(texts.of(part)) for part in SPLITS}, labelers=model.people)
    trained = trained_numbers(model.method.learned, model.sizes())
    return Started(
        method=model.config.method,
        device=device.kind,
        device_name=device.name,
        device_why=device.why,
        parameters={"trainable": trained},
        counts=counts,
        epochs=model.config.epochs,
        steps_per_epoch=trainer.steps,
    )


def _refuse_crowding(base: LanguageModel, method: WritingMethod, config: WritingConfig) -> None:
    if method.makes_tokens and config.prefix > base.context // 2:
        raise InputError(
            f"{counted(config.prefix, 'soft token')} leave too little of the {base.context:,} that "
            f"{base.title} reads; set prefix to {base.context // 2:,} or less."
        )


def _obtained(
    run: RunFolder, wanted: WritingConfig, texts: OwnTexts
) -> Generator[WritingEvent, None, RunFolder]:
    """A finished run of other settings on the same texts, trained now if there is none."""
    title = writing_method(wanted.method).title
    found = find_run(run.study, wanted, texts)
    if found is not None and layout.holds(found.path, layout.WRITTEN):
        yield Notice(f"The run {found.name} has the same texts and settings, so it is used again.")
        return found
    if found is None or found.status().state in ACTIVE:
        found = begin_writing(run.study, wanted, texts)
    yield Notice(f"{found.name} ({title}) is trained first.")
    yield Stage(name="consensus", run=found.name)
    try:
        with closing(train_writing(found)) as events:
            for event in events:
                if isinstance(event, Progress | Notice):
                    yield event
                elif isinstance(event, Step):
                    yield Progress(event.step, None, f"Training {title}")
    except TakenOverError as lost:
        if lost.run != found.path:
            raise
        yield from _while_others_train(found)
        return (yield from _obtained(run, wanted, texts))  # as others have left it
    return found


def _while_others_train(run: RunFolder) -> Iterator[Progress]:
    """Wait as long as another computer trains a run that it took over."""
    while (status := run.status()).state in ("preparing", "training"):
        yield Progress(0, None, f"Waiting for {run.name}, which is trained{status.where}")
        time.sleep(_POLL_SECONDS)


def _combination(
    run: RunFolder, config: WritingConfig, texts: OwnTexts
) -> Generator[WritingEvent | Done[WritingSummary], None, None]:
    """Weigh finished runs of other methods, trained now where there are none."""
    runs: dict[str, RunFolder] = {}
    left_out: list[str] = []
    for name in members_of(config.method, config.members):
        try:
            wanted = in_full(member_settings(config, name))
            runs[name] = yield from _obtained(run, wanted, texts)
        except TakenOverError:  # this run's own
            raise
        except PrismError as error:
            left_out.append(f"{name} is left out: {error}")
            yield Notice(left_out[-1])
    begun = time.monotonic()
    costs = costs_of(config.method, runs, texts)
    runs[UNIFIED].environment().save(run.path / layout.ENVIRONMENT)  # they stand on one network
    yield Stage(name="evaluating")
    weighed = weigh(writing_method(config.method), texts, costs)
    measured = mixed(texts, costs, weighed)
    written = combined_texts(config.method, texts, runs, weighed.by_setting)
    write_weighed(run, texts, runs, weighed)
    write_scores(run, measured)
    if written.answered:
        write_answered(run, texts, written.answered)
    other = read_scores(runs[UNIFIED], texts)[KNOWN]
    summary = combined_summary(run, config, texts, runs, weighed, measured, written)
    told = {
        "gain": gain(UNIFIED, measured[KNOWN], other), "seconds": time.monotonic() - begun,
        "notices": (*left_out, *summary.notices),
    }  # fmt: skip
    summary = summary.model_copy(update=told)
    summary.save(run.path / layout.WRITTEN)
    yield Done(summary)


def write_model(run: RunFolder, model: WriterModel) -> None:
    """Write what was trained into the run's folder, as safetensors."""
    from safetensors.torch import save_file

    tensors = {name: one.contiguous().cpu() for name, one in model.state_dict().items()}
    write_whole(run.path / layout.WRITER, lambda beside: save_file(tensors, beside))


def told_of_kept(model: WriterModel) -> tuple[str, ...]:
    """Who writes without soft tokens of their own, as these did not help."""
    without = int((~model.kept).sum())
    if model.method.first(PersonPrefix) is None or not without:
        return ()
    why = "lowered the NLL of their validation texts"
    if without == model.people:
        return (
            f"Nobody's soft tokens {why}, so none is used; another learning rate (prefix_lr) or "
            "more epochs may help.",
        )
    those = counted(without, "person writes", "people write")
    return (f"{those} without soft tokens, as their own never {why}.",)


def _told_of(past: PastTexts) -> tuple[str, ...]:
    """What a reader must know of the texts and of what is read of them."""
    newcomers = told_of_newcomers(past.texts, ENTERED_WITH[-1])
    return (*past.texts.meta.notices, *newcomers, *past.remarks)


def _summary(
    run: RunFolder, model: WriterModel, past: PastTexts, measured: Measured, examples: int
) -> WritingSummary:
    config, meta, method = model.config, past.texts.meta, model.method
    known, swapped = measured[KNOWN], measured.get(SWAPPED)
    laid = [
        past.row(model.rows, method, row, past.texts.history(who), examples, who)
        for row in past.texts.of("test")
        for who in [past.texts.owner[row]]
    ]
    soft = config.prefix if model.prefix is not None else 0
    told = {
        "run": run.name, "method": config.method, "backbone": config.backbone,
        "study": meta.study, "simulated": meta.simulated, "fingerprint": meta.fingerprint,
        "fold": config.fold, "seed": config.seed, "revision": method.revision,
        "test": mean_over_people(known),
        "per_person": by_person(known),
        "held_out_texts": texts_of_newcomers(past.texts),
        "notices": (*_told_of(past), *told_of_kept(model)),
        "trained": trained_numbers(method.learned, model.sizes()),
        "per_person_numbers": numbers_per_person(method.learned, model.sizes()),
        "soft_tokens": soft,
        "context_tokens": sum(one.context for one in laid) / max(1, len(laid)),
        "cut": sum(one.cut for one in laid), "config": config.model_dump(mode="json"),
    }  # fmt: skip
    if any(one.context for one in laid) or examples:
        told["examples"] = examples
    if soft:
        told["kept"] = float(model.kept.float().mean())
    if swapped is not None:
        told |= {
            "swapped": mean_over_people(swapped),
            "swap_gain": gain("another person's", known, swapped),
        }
    return WritingSummary.model_validate(told)
