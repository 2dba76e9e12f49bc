"""The operations of the Train panel: what it asks of the engine; nothing here touches Qt."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prism_desktop.engine.backbones.spec import MINI
from prism_desktop.engine.config import TrainConfig
from prism_desktop.engine.errors import PrismError, RunError, UnreadableError
from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.methods import CONSENSUS
from prism_desktop.engine.names import people, with_codes
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.default_backbone import BackboneChoice, default_backbone
from prism_desktop.engine.runs.estimates import (
    BASELINE_NAMES,
    ToldEstimate,
    doubted,
    knowledge_of,
    told_accuracy,
    told_gain,
)
from prism_desktop.engine.runs.folder import ACTIVE, RunFolder
from prism_desktop.engine.runs.result_files import (
    Baseline,
    BlockGain,
    Difference,
    Gain,
    Result,
    Summary,
)
from prism_desktop.engine.runs.run_events import Batch, Epoch, LoggedEvent
from prism_desktop.engine.runs.run_list import RunSummary, list_runs
from prism_desktop.engine.runs.stopping import kept_now
from prism_desktop.engine.runs.writing_files import WritingSummary
from prism_desktop.engine.stimulus_words import StimulusKind, StimulusWords, words_for
from prism_desktop.engine.study.embeddings import EmbeddingSet, list_embeddings
from prism_desktop.engine.study.lacks import Lack, to_train
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_plan import WritingPlan
from prism_desktop.ui.train.leaderboard_data import (
    ComparisonRecord,
    curve_lines,
    fewest,
    line_titles,
)

if TYPE_CHECKING:
    from prism_desktop.engine.study.store import Study

_EMBEDDED = BackboneChoice(MINI, "")


@dataclass(frozen=True, slots=True)
class StudyChoices:
    """What a study gives a training to choose from."""

    labelers: Mapping[str, str] = field(default_factory=dict)  # code to name
    attributes: tuple[str, ...] = ()
    judged: frozenset[str] = frozenset()  # attributes with answers
    embeddings: tuple[EmbeddingSet, ...] = ()
    answered: frozenset[str] = frozenset()  # labelers with answers
    profiles: frozenset[str] = frozenset()  # labelers with a profile
    simulated: bool = False
    backbone: BackboneChoice = _EMBEDDED  # that the next run takes by itself
    images: int | None = None  # None before the study is read
    kind: StimulusKind = "image"
    prompted: bool = False  # whether texts all answer a prompt
    # who wrote texts of their own, which the task writing learns from: code to name
    writers: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> StimulusWords:
        """What the study's stimuli are called."""
        return words_for(self.kind, prompted=self.prompted)

    @property
    def learned(self) -> tuple[str, ...]:
        """The attributes that a training learns if none are chosen: those with answers, or all
        where nobody has answered yet."""
        judged = tuple(name for name in self.attributes if name in self.judged)
        return judged or self.attributes

    @property
    def lack(self) -> Lack | None:
        """What the study lacks for any training."""
        if self.images is None and not self.labelers:
            return None
        return to_train(
            images=1 if self.images is None else self.images,
            attributes=len(self.attributes),
            labelers=len(self.labelers),
            answers=len(self.answered),
            words=self.words,
        )


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """A comparison that is wanted."""

    methods: tuple[str, ...]
    options: Mapping[str, Any]  # that all runs share, by dotted key
    settings: tuple[str, ...]  # the same as "key=value"
    seeds: int
    controls: bool = False  # test everybody with the next labeler's model, too
    shuffled: bool = False  # train on answers whose labelers were shuffled
    # hold out every image fold in turn; None for what fits the methods
    cross_fit: bool | None = None
    grid: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # settings and their values


@dataclass(frozen=True, slots=True)
class WritingRequest:
    """A comparison of methods that write, which is wanted."""

    methods: tuple[str, ...]
    options: Mapping[str, Any]  # that all runs share, by key
    settings: tuple[str, ...]  # the same as "key=value"

    def plan(self, study: Path = Path()) -> WritingPlan:
        """The same as the engine takes it."""
        return WritingPlan(study, self.methods, self.options, self.settings)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the table shows it."""

    run: RunSummary
    low: float | None  # interval of the macro accuracy
    high: float | None
    parameters: int | None = None  # trained ones
    test: Result = field(default_factory=Result)  # on the held-out answers
    consensus: Result | None = None  # the consensus model's on the same ones
    gained: Gain | None = None  # over the consensus model, with its intervals
    # what it is read against, by name; empty until it is made
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    blocks: tuple[BlockGain, ...] = ()  # optional ones, and what each adds
    written: WritingSummary | None = None  # results of the task writing

    def told_ridge(self) -> ToldEstimate:
        """The accuracy of a ridge fitted to each labeler alone, on the same answers."""
        ridge = self.baselines.get("ridge")
        return told_accuracy(ridge.macro if ridge is not None else None)

    def told_baselines(self) -> str:
        """All of them, a line each."""
        return "\n".join(
            f"{BASELINE_NAMES.get(name, name)}: {told_accuracy(row.macro).line}"
            for name, row in self.baselines.items()
            if row.macro.accuracy is not None
        )

    def told(self) -> ToldEstimate:
        """The test accuracy, mean over labelers, with its doubt."""
        macro = self.test.macro
        return told_accuracy(
            macro.model_copy(
                update={"accuracy": self.run.macro, "low": self.low, "high": self.high}
            )
        )

    def told_gain(self) -> ToldEstimate:
        """The gain over the consensus with its doubt."""
        found = self.gained.macro if self.gained is not None else Difference()
        n = self.test.macro.n if found.n is None else found.n
        return told_gain(self.gain, found.low, found.high, n, " points")

    @property
    def gain(self) -> float | None:
        """Macro accuracy above the consensus model's on the same
        split; None where there is none to compare with."""
        run = self.run
        if run.method == CONSENSUS or run.macro is None or run.consensus_macro is None:
            return None
        return run.macro - run.consensus_macro

    @property
    def live(self) -> bool:
        return self.run.state in ACTIVE

    @property
    def explorable(self) -> bool:
        """Whether it has predictions to be looked at: it was tested and can be read."""
        tested = self.run.macro is not None or self.run.nll is not None
        return not self.live and tested and not self.run.damage


def rows(study: Path) -> tuple[RunRow, ...]:
    """The study's runs, newest first, without those that were discarded; runs that write come
    after those that judge."""
    found = []
    for run in list_runs(study):
        if run.state == "discarded":
            continue
        try:
            summary = RunFolder(run.path).summary() or Summary()
        except UnreadableError:  # which `run.damage` says
            summary = Summary()
        macro, trained = summary.test.macro, summary.parameters.get("trainable")
        found.append(
            RunRow(
                run,
                macro.low,
                macro.high,
                trained,
                summary.test,
                summary.consensus,
                summary.gain,
                summary.baselines,
                summary.blocks,
            )
        )
    writers = [run for run in list_runs(study, "writing") if run.state != "discarded"]
    return (*found, *map(_writer, writers))


def _writer(run: RunSummary) -> RunRow:
    try:
        summary = RunFolder(run.path).stored(WritingSummary, layout.WRITTEN)
    except UnreadableError:  # which `run.damage` says
        summary = None
    return RunRow(run, None, None, None if summary is None else summary.trained, written=summary)


def study_choices(study: "Study", backbone: str = "") -> StudyChoices:
    """Read what the form may offer; `backbone` is the one chosen last in the window, if any."""
    labelers, info = study.labelers(), study.info()
    answered = frozenset(each.labeler for each in info.progress if each.ratings or each.comparisons)
    # of a study of texts, people who wrote and judged nothing are no labelers to learn from
    own = {one.labeler for one in study.own_texts()} if info.own_texts else set()
    texts = study.texts() if info.kind == "text" else ()
    wrote = own | {text.author for text in texts if text.author is not None}
    judges = [each for each in labelers if each.code in answered or each.code not in wrote]
    return StudyChoices(
        writers=people((each.code, each.display_name) for each in labelers if each.code in own),
        # where nobody has judged yet, whoever is there may begin
        labelers=people((each.code, each.display_name) for each in judges or labelers),
        attributes=tuple(each.name for each in study.attributes() if each.confirmed),
        judged=study.judged(),
        embeddings=list_embeddings(study.path),
        answered=answered,
        profiles=frozenset(each.code for each in labelers if each.profile.strip()),
        simulated=info.simulated,
        backbone=default_backbone(study.path, backbone, texts=info.kind == "text"),
        images=info.images,
        kind=info.kind,
        prompted=info.prompted,
    )


def living(runs: Iterable[str]) -> int:
    """How many of these run folders are worked on; one that is gone is not."""
    return sum(RunFolder(Path(run)).status().state in ACTIVE for run in runs)


def kept_on_leaving(runs: Iterable[str]) -> list[str]:
    """What is left of those that are worked on if they end now, each sentence once."""
    live = [run for run in map(RunFolder, map(Path, runs)) if run.status().state in ACTIVE]
    said: dict[str, list[str]] = {}
    for run in live:
        said.setdefault(kept_now(run, "leave").sentence, []).append(run.name)
    if len(said) == 1:
        return list(said)
    return [f"{', '.join(names)}: {sentence}" for sentence, names in said.items()]


def end_trainings() -> None:
    """End what this window trains, within seconds; see `supervisor.end_trainings`."""
    from prism_desktop.engine.processes import supervisor

    supervisor.end_trainings()


def start(study: Path, config: TrainConfig | WritingConfig) -> Iterator[Event[Any]]:
    """Start the training's process and wait until it has the data; the last event is
    `Done[RunFolder]`."""
    from prism_desktop.engine.processes import supervisor

    yield Progress(0, None, "Preparing the run")
    if isinstance(config, WritingConfig):
        yield Done(supervisor.begin_writer(study, config))
        return
    run = supervisor.begin(study, config)
    yield from supervisor.prepared(run)
    yield Done(run)


def resume(run: Path) -> Iterator[Event[Any]]:
    """Go on with a run from its last checkpoint; the last event is `Done[RunFolder]`."""
    from prism_desktop.engine.processes import supervisor

    folder = RunFolder.open(run)
    yield Progress(0, None, "Resuming the run")
    supervisor.resume(folder)
    yield Done(folder)


def watch(run: Path) -> Iterator[Batch]:
    """Batches of a run's events, from its first to its last, as they come."""
    from prism_desktop.engine.processes import supervisor

    yield from supervisor.watch(RunFolder.open(run))


def awaits_baselines(run: Path) -> bool:
    """Whether this window still makes what an ended run is read against."""
    from prism_desktop.engine.processes import supervisor

    return supervisor.going(RunFolder(run))


def wait_for_baselines(run: Path) -> Iterator[Batch]:
    """Empty batches until that is made."""
    from prism_desktop.engine.processes import supervisor

    while supervisor.going(RunFolder(run)):
        yield []
        time.sleep(supervisor.POLL_SECONDS)


def history(run: Path) -> list[LoggedEvent]:
    """What a run has told so far."""
    events, _ = RunFolder.open(run).events()
    return events


def tell(run: Path, command: str) -> None:
    """Pause ("pause"), go on ("run"), stop and keep ("stop") or discard ("discard") a run."""
    from prism_desktop.engine.processes import supervisor

    actions = {
        "pause": supervisor.pause,
        "run": supervisor.proceed,
        "stop": supervisor.stop,
        "discard": supervisor.discard,
    }
    actions[command](RunFolder.open(run))


def label(run: Path, name: str, note: str) -> str:
    """Keep what somebody called a run and wrote about it; a sentence if that leaves a doubt."""
    from prism_desktop.engine.runs.run_choice import also_called
    from prism_desktop.engine.runs.run_label import read_label, write_label

    before = read_label(run)
    after = write_label(run, name=name, note=note)
    fresh = after.name != before.name
    listed = list_runs(run.parent.parent, RunFolder(run).task)
    return also_called(after.name, run, listed) if fresh else ""


def save_report(run: Path, target: Path) -> Iterator[Event[Any]]:
    """A bundle about a failed run that names nobody; the last event is Done[Path]."""
    from prism_desktop.engine.runs.failure_report import make_report

    yield from make_report(RunFolder.open(run), target)


def draw_curves(path: Path, runs: Mapping[str, Path], names: Mapping[str, str]) -> None:
    """What is on screen of runs, the one shown first: loss and accuracy over epochs.

    Where none has a curve, the accuracies of the first on the held-out answers; `names` says what
    to call each labeler.
    """
    from prism_desktop.engine.analysis.figures import (
        accuracy_figure,
        accuracy_rows,
        has_curves,
        run_figure,
    )
    from prism_desktop.engine.analysis.people_figures import nats_figure
    from prism_desktop.engine.analysis.plotting import save_figure

    if any(RunFolder(run).task == "writing" for run in runs.values()):
        save_figure(nats_figure({name: _nats(run) for name, run in runs.items()}), path)
        return
    metrics = {name: RunFolder.open(run).metrics() for name, run in runs.items()}
    if any(map(has_curves, metrics.values())):
        save_figure(run_figure(metrics, _validated(runs)), path)
        return
    name, run = next(iter(runs.items()))
    found = RunFolder.open(run).summary() or Summary()
    note = " ".join(knowledge_of([found]))
    lines = accuracy_rows(found.test, found.consensus, with_codes(names))
    save_figure(accuracy_figure(lines, name), path, note)


def _nats(run: Path) -> list[tuple[int, float, float]]:
    """Of each epoch of a run that writes its loss in training and its NLL in validation."""
    return [
        (event.epoch, float(event.train.get("loss") or 0), float(event.val.get("nll") or 0))
        for event in history(run)
        if isinstance(event, Epoch)
    ]


def _validated(runs: Mapping[str, Path]) -> str:
    """What each run's validation and test rest on, a sentence for a figure's footnote."""
    told = []
    for name, run in runs.items():
        found = RunFolder.open(run).summary() or Summary()
        n = found.counts.val if found.counts is not None else 0
        told += [f"{name}: {doubted('validated on ' + counted(n, 'answer'), n)}"] if n else []
    return f"{'; '.join(told)}." if told else ""


def find_device() -> Iterator[Event[Any]]:
    """Which device "auto" means.

    The last event is `Done[tuple[str, str]]`, empty if it could not be found out.

    The process that was asked waits for work then, so that the first training starts at once."""
    from prism_desktop.engine.processes.device_choice import device_in_worker

    try:
        yield from device_in_worker()
    except RunError:
        yield Done(("", ""))


def compare(study: Path, request: ComparisonRequest) -> Iterator[Batch]:
    """Train what a comparison lacks; batches of events as `comparison.compare` tells them."""
    from prism_desktop.engine.experiments import comparison, comparison_plan

    wanted = (
        request.methods,
        request.options,
        request.settings,
        request.seeds,
        request.controls,
        request.shuffled,
    )
    plan = comparison_plan.ComparisonPlan(
        study, *wanted, cross_fit=request.cross_fit, grid=request.grid
    )
    yield from comparison.compare(plan)


def compare_writers(study: Path, request: WritingRequest) -> Iterator[Batch]:
    """The same of methods that write."""
    from prism_desktop.engine.experiments.writing_comparison import compare_writing

    yield from compare_writing(request.plan(study))


def crossed(methods: tuple[str, ...], options: Mapping[str, Any], settings: Sequence[str]) -> bool:
    """Whether a comparison holds out every image fold in turn where nobody says; no where its
    settings do not fit."""
    from prism_desktop.engine.experiments.comparison_plan import ComparisonPlan

    given = {key: value for key, value in options.items() if value is not None}
    try:
        return ComparisonPlan(Path(), methods, given, tuple(settings)).crossed
    except PrismError:
        return False


def draw_leaderboard(
    path: Path, what: str, leaderboard: ComparisonRecord, method: str, names: Mapping[str, str]
) -> None:
    """Draw a figure of a comparison; `what` is "labelers"
    (of one method), "gains", "shots" or "curve"."""
    from prism_desktop.engine.analysis.comparison_figures import answers_figure, gains_figure
    from prism_desktop.engine.analysis.figures import accuracy_figure, accuracy_rows
    from prism_desktop.engine.analysis.plotting import save_figure

    note = " ".join(leaderboard.knowledge({"labelers": method, "gains": ""}.get(what, what)))
    if what == "labelers":
        consensus = leaderboard.test(CONSENSUS) if method != CONSENSUS else None
        found = accuracy_rows(leaderboard.test(method), consensus, with_codes(names))
        save_figure(accuracy_figure(found, leaderboard.called(method)), path, note)
    elif what == "gains":
        save_figure(
            gains_figure(
                {
                    leaderboard.called(row.label): row.gain
                    for row in leaderboard.leaderboard.methods
                    if row.gain is not None
                }
            ),
            path,
            note,
        )
    else:
        lines, n = curve_lines(leaderboard, what), fewest(leaderboard, what)
        called = line_titles(lines)
        save_figure(
            answers_figure(
                {called[name]: line for name, line in lines.items()},
                n={called[name]: n[name] for name in lines if name in n},
            ),
            path,
            note,
        )
