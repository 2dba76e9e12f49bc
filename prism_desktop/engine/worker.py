"""The worker process, which trains and does other long work: `python -m prism_desktop.engine.worker
--parent PID`.

`processes.pool` starts it, `processes.messages` are what the two write to each other, and
`SERVICES` is what it can be asked for.
"""

import argparse
import contextlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, ValidationError

from prism_desktop.engine import access, orders_to_end
from prism_desktop.engine.adaptation.adaptation_request import AdaptArguments
from prism_desktop.engine.adaptation.growth import GrowthArguments
from prism_desktop.engine.adaptation.label_worth import WorthArguments
from prism_desktop.engine.adaptation.trial_plan import PlanArguments
from prism_desktop.engine.analysis.inference import (
    FacesArguments,
    MeanRelevanceArguments,
    PredictorCache,
    RelevanceArguments,
    ScoresArguments,
    mean_relevance_file,
    relevance_file,
)
from prism_desktop.engine.analysis.word_map_files import WordMapArguments, word_map_file
from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Done, Event, Notice, Progress, value
from prism_desktop.engine.experiments.choice_report import TasteArguments, taste_report
from prism_desktop.engine.experiments.measurement import MeasureArguments, measure
from prism_desktop.engine.experiments.search_trials import (
    SearchShare,
    SearchTrialsArguments,
    run_trials,
)
from prism_desktop.engine.experiments.study_data import StudyDataArguments, take_study_data
from prism_desktop.engine.experiments.word_report import WordArguments, word_report
from prism_desktop.engine.faults import KEPT, fault_of, out_of_memory
from prism_desktop.engine.processes.device_choice import DeviceArguments
from prism_desktop.engine.processes.last_resort import enforced
from prism_desktop.engine.processes.messages import (
    Call,
    CallCancelled,
    CallError,
    CallNotice,
    CallProgress,
    CallResult,
    Cancel,
    Ended,
    Message,
    Rest,
    read_request,
)
from prism_desktop.engine.processes.process_setup import lower_priority, release_torch
from prism_desktop.engine.processes.reported_training import train_reported
from prism_desktop.engine.processes.settling import settle_run
from prism_desktop.engine.processes.supervisor import TrainArguments
from prism_desktop.engine.processes.worker_streams import print_into, private_streams
from prism_desktop.engine.runs.control import Control
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.process_identity import birth
from prism_desktop.engine.writing.writing_plan import BoardArguments
from prism_desktop.engine.writing.written_runs import ReplyArguments

if TYPE_CHECKING:
    from prism_desktop.engine.adaptation.expected_gain import Entered
    from prism_desktop.engine.adaptation.face_posterior import FacesCache
    from prism_desktop.engine.adaptation.growing_taste import GrowingTaste
    from prism_desktop.engine.training.resources import ResourceCache

_ORPHANED_SECONDS = 2.0  # that cancelled work has to end when nobody waits for it any more
_KEEPING_SECONDS = 15.0  # that a training has to be kept and tested when nobody waits for it

Events = Generator[Event[Any], None, None]


@dataclass
class WorkerState:
    """What services know of their process, and what they keep there from one call to the next."""

    parent: int  # number of the process that asks
    parent_born: str
    # whether nobody waits for a call any more
    cancelled: Callable[[Call], bool] = lambda call: False
    resources: "ResourceCache | None" = None  # of the last training
    predictors: PredictorCache = field(default_factory=PredictorCache)
    faces: "FacesCache | None" = None  # what the heads of the last run see
    taste: "GrowingTaste | None" = None  # of whoever labels
    entered: "Entered | None" = None  # a run that labelers entered at the last call

    def clear(self) -> None:
        """Give the memory back."""
        if self.resources is not None:
            self.resources.clear()
        self.predictors.clear()
        self.taste = self.entered = self.faces = None


@dataclass(frozen=True, slots=True)
class Service:
    """Work that may be asked for.

    Attributes:
        arguments: the model of what it is told.
        work: does it; its result is plain JSON. It is given the arguments, the call and the state.
        failed: what could not be done, if it fails for a reason that nobody foresaw.
    """

    arguments: type[BaseModel]
    work: Callable[[Any, Call, WorkerState], Events]
    failed: str


def _train(asked: TrainArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.training.resources import ResourceCache

    state.resources = state.resources or ResourceCache()
    run = RunFolder.open(asked.run)
    # Told to stop and keep if nobody is left who could do so; else the call is cancelled.
    parent = state.parent if call.orphaned == "stop" else None
    control = Control(run, parent, state.parent_born, lambda: state.cancelled(call))
    with print_into(run.log), enforced(control):
        yield from train_reported(run, control, state.resources)
    settle_run(run)  # only now is nothing of a discarded run open any more
    yield Done(None)


def _baselines(asked: TrainArguments, call: Call, state: WorkerState) -> Events:
    """After a training in this process, which may have ended in any way."""
    from prism_desktop.engine.training.session import read_against

    run = RunFolder.open(asked.run)
    with print_into(run.log):
        try:
            for event in read_against(run, state.resources):
                if isinstance(event, Progress):
                    yield event
        except PrismError as error:  # the run is as good without
            print(f"The baselines could not be made. {error}", file=sys.stderr)
    yield Done(None)


def _adapt(asked: AdaptArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.adaptation.adapt import adapt

    adapted = yield from value(adapt(RunFolder(asked.run), **asked.request()))
    yield Done(str(adapted.path))


def _measure(asked: MeasureArguments, call: Call, state: WorkerState) -> Events:
    yield from value(measure(asked.kind, RunFolder(asked.run)))
    yield Done(None)


def _choose_device(asked: DeviceArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.device import choose_device

    yield Progress(0, None, "Looking for a GPU")
    chosen = choose_device("auto")
    yield Done([chosen.name, chosen.why])


def _plan(asked: PlanArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.adaptation.trial_planning import plan_trials

    lower_priority()
    found = yield from value(plan_trials(asked))
    yield Done([list(images) for images in found])


def _worth(asked: WorthArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.adaptation.expected_gain import expected_gains

    lower_priority()
    state.entered, found = yield from value(expected_gains(asked, state.entered))
    yield Done([each.model_dump() for each in found])


def _growth(asked: GrowthArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.adaptation.growing_taste import taste_of

    lower_priority()
    found = yield from value(taste_of(asked, state.taste))
    if found is None:
        yield Done(None)
        return
    state.taste, told = found
    yield Done(told.model_dump())


def _study_data(asked: StudyDataArguments, call: Call, state: WorkerState) -> Events:
    yield from take_study_data(asked)


def _taste(asked: TasteArguments, call: Call, state: WorkerState) -> Events:
    lower_priority()
    found = yield from value(taste_report(asked))
    yield Done(found.dump())


def _words(asked: WordArguments, call: Call, state: WorkerState) -> Events:
    found = yield from value(word_report(asked))
    yield Done(found.dump())


def _made(make: Callable[[Any, PredictorCache], Events]) -> Callable[..., Events]:
    """Work that ends in a file, which the model of a run is asked for."""

    def work(asked: BaseModel, call: Call, state: WorkerState) -> Events:
        path = yield from value(make(asked, state.predictors))
        yield Done(str(path))

    return work


def _scores(asked: ScoresArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.evaluation.typed_words import checked_scores

    path = yield from value(checked_scores(asked, state.predictors))
    yield Done(str(path))


def _faces(asked: FacesArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.adaptation.face_posterior import FacesCache, faces_file

    state.faces = state.faces or FacesCache()
    path = yield from value(faces_file(asked, state.faces))
    yield Done(str(path))


def _replies(asked: ReplyArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.writing.answering import answers

    run = RunFolder.open(asked.run)
    found = yield from value(answers(run, asked.prompt, asked.people))
    yield Done([[one.person, one.text, one.marked] for one in found])


def _writing_board(asked: BoardArguments, call: Call, state: WorkerState) -> Events:
    from prism_desktop.engine.writing.writing_leaderboard import write_board

    yield Progress(0, None, "Ranking the methods")
    write_board(asked)
    yield Done(None)


def _search_trials(asked: SearchTrialsArguments, call: Call, state: WorkerState) -> Events:
    folder = RunFolder(asked.folder)
    with print_into(folder.log):
        yield from run_trials(folder, SearchShare(trials=asked.trials, seed=asked.seed))


SERVICES: Mapping[str, Service] = {
    "train": Service(TrainArguments, _train, "The run could not be trained"),
    "baselines": Service(TrainArguments, _baselines, "The baselines could not be made"),
    "adapt": Service(AdaptArguments, _adapt, "The run could not be adapted"),
    "growth": Service(GrowthArguments, _growth, "What the model knows could not be told"),
    "measure": Service(MeasureArguments, _measure, "The curve could not be measured"),
    "choose-device": Service(DeviceArguments, _choose_device, "The device could not be chosen"),
    "plan": Service(PlanArguments, _plan, "What to ask next could not be chosen"),
    "study-data": Service(
        StudyDataArguments, _study_data, "The study's answers could not be taken"
    ),
    "worth": Service(WorthArguments, _worth, "What more answers would bring was not found"),
    "taste": Service(TasteArguments, _taste, "What goes with the choices could not be told"),
    "words": Service(WordArguments, _words, "The model could not be asked by words"),
    "relevance": Service(RelevanceArguments, _made(relevance_file), "The prediction failed"),
    "mean-relevance": Service(
        MeanRelevanceArguments, _made(mean_relevance_file), "The maps could not be made"
    ),
    "word-maps": Service(WordMapArguments, _made(word_map_file), "The maps could not be made"),
    "scores": Service(ScoresArguments, _scores, "The prediction failed"),
    "faces": Service(FacesArguments, _faces, "What the model knows of the faces is not found"),
    "replies": Service(ReplyArguments, _replies, "The answers could not be written"),
    "writing-board": Service(
        BoardArguments, _writing_board, "The leaderboard could not be written"
    ),
    "search-trials": Service(
        SearchTrialsArguments, _search_trials, "The settings could not be tried"
    ),
}


def main(services: Mapping[str, Service] = SERVICES) -> NoReturn:
    """Answer the calls on standard input until it ends, and end the process.

    Args:
        services: by name; tests have their own.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="the process that asks")
    parent = parser.parse_args().parent
    # what cuBLAS needs to be deterministic
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    code = 1
    try:
        with private_streams() as (source, target):
            inbox = Inbox(source)
            state = WorkerState(parent, birth(parent), inbox.cancelled)
            _answer(inbox, target, services, state)
        code = 0
    except Exception:
        traceback.print_exc()
    except _TerminatedError:
        # The signal again, so that whoever waits for this process sees what ended it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        # A thread waits for the next line, and the interpreter's own end would wait for the thread.
        sys.stderr.flush()
        os._exit(code)


class _TerminatedError(BaseException):
    """The process is asked to end; not caught by any work, whose `finally` blocks run."""


class Inbox:
    """Requests as they come in, read by a thread of its own
    so that a cancel is heard during work."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._requests: queue.SimpleQueue[Call | Rest | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._closed = False  # whoever asked is gone
        self._current: Call | None = None
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def __iter__(self) -> Iterator[Call | Rest]:
        while (request := self._requests.get()) is not None:
            self._current = request if isinstance(request, Call) else None
            yield request
            self._current = None

    def cancelled(self, call: Call) -> bool:
        """Whether nobody waits for a call any more."""
        return call.id in self._cancelled or (self._closed and call.orphaned == "end")

    def _read(self) -> None:
        try:
            for line in self._source:
                request = read_request(line)
                if isinstance(request, Cancel):
                    self._cancelled.add(request.cancel)
                else:
                    self._requests.put(request)
        except ValueError:
            traceback.print_exc()  # the two ends differ, so that nothing can be understood
            os._exit(2)
        self._closed = True
        self._requests.put(None)
        time.sleep(_ORPHANED_SECONDS)
        if self._current is not None and self._current.orphaned == "stop":
            time.sleep(_KEEPING_SECONDS)
        os._exit(1)


def _answer(
    inbox: Inbox, target: IO[bytes], services: Mapping[str, Service], state: WorkerState
) -> None:
    """Answer one call after another."""

    def send(message: Message) -> None:
        # whoever asked may be gone, of which the inbox hears
        with contextlib.suppress(OSError):
            target.write(message.line())

    for request in inbox:
        if isinstance(request, Rest):
            _rest(state)
            continue
        with _terminable(), access.holding(request.held):
            ended = _respond(request, services, inbox, state, send)
        send(ended.model_copy(update={"used_gpu": _used_gpu()}))


def _respond(
    call: Call,
    services: Mapping[str, Service],
    inbox: Inbox,
    state: WorkerState,
    send: Callable[[Message], None],
) -> Ended:
    """Do what a call asks for and send its events; how it ended."""
    service = services.get(call.call)
    if service is None:
        return CallError(id=call.id, message=f"There is no service {call.call!r}.")
    try:
        arguments = service.arguments.model_validate(call.arguments)
    except ValidationError as error:
        sentence = f"{service.failed}: the arguments of {call.call!r} cannot be read."
        return CallError(id=call.id, message=sentence, details=str(error))
    try:
        return _work(service.work(arguments, call, state), call, inbox, send)
    except PrismError as error:
        return CallError(id=call.id, message=str(error), exit_code=error.exit_code)
    except Exception as error:
        traceback.print_exc()
        fault = fault_of(error)
        sentence = (
            f"{service.failed}. The device ran out of memory. {KEPT} Wait for training to end, "
            "close other programs or use the CPU."
            if out_of_memory(error)
            else f"{service.failed} ({type(error).__name__}: {error})."
            if fault is None
            else f"{service.failed}. {fault}"
        )
        details = traceback.format_exc()
        return CallError(id=call.id, message=sentence, healthy=False, details=details)


def _work(events: Events, call: Call, inbox: Inbox, send: Callable[[Message], None]) -> Ended:
    """Pass events on until the work is done or cancelled."""
    result: Any = None
    last: Progress | None = None
    with contextlib.closing(events):
        while not inbox.cancelled(call):
            event = next(events, None)
            match event:
                case None:  # everything that the work opened is closed
                    return CallResult(id=call.id, value=result)
                case Done():
                    result = event.value
                case Notice():
                    send(CallNotice(id=call.id, text=event.text))
                case Progress() if event != last:
                    last = event
                    send(
                        CallProgress(
                            id=call.id, done=event.done, total=event.total, what=event.what
                        )
                    )
    return CallCancelled(id=call.id)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let the work's own `finally` blocks run if the process is asked to end."""

    def end(_: int) -> NoReturn:
        raise _TerminatedError

    before = signal.getsignal(signal.SIGTERM)
    orders_to_end.hear(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _rest(state: WorkerState) -> None:
    lower_priority()
    from prism_desktop.engine.training import session  # noqa: F401  # what a training waits for

    state.clear()
    release_torch()


def _used_gpu() -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return bool(
        torch.cuda.is_initialized()
        or (torch.backends.mps.is_available() and torch.mps.driver_allocated_memory())
    )


if __name__ == "__main__":
    main()
