"""The view of replies: what people wrote in answer to a prompt, beside what models write as they
might.

Scores are those that the runs kept of their tested texts; texts are written by a process of its
own, when somebody asks for it.
"""

from collections.abc import Iterable
from typing import Any, Final

from PySide6.QtWidgets import QStackedWidget, QWidget

from prism_desktop.engine.errors import PrismError
from prism_desktop.engine.events import Notice, Progress
from prism_desktop.engine.grammar import counted
from prism_desktop.engine.names import people as called
from prism_desktop.engine.plain_text import clause, few
from prism_desktop.engine.runs.estimates import TOO_FEW
from prism_desktop.engine.study.texts import kept_form
from prism_desktop.engine.writing.written_runs import WriterRun, WrittenRuns
from prism_desktop.ui.context import AppContext
from prism_desktop.ui.explore.judged_replies import have_judged
from prism_desktop.ui.explore.prompt_list import SAID, PromptList
from prism_desktop.ui.explore.selection import Selection
from prism_desktop.ui.explore.view import (
    ExportFigure,
    ExportTable,
    View,
    captioned,
    settle_text,
)
from prism_desktop.ui.explore.view_figures import draw_replies
from prism_desktop.ui.explore.writer_runs import GeneratedReply, Writers, say_no_run, write_replies
from prism_desktop.ui.job import Job
from prism_desktop.ui.plain import text_line
from prism_desktop.ui.widgets.basics import GRID, button, columns, label, rows
from prism_desktop.ui.widgets.cards import side_by_side
from prism_desktop.ui.widgets.empty_state import EmptyState
from prism_desktop.ui.widgets.fields import HintedLine
from prism_desktop.ui.widgets.person_texts import PersonRow, PersonTexts, ShownText
from prism_desktop.ui.widgets.pickers import PickMany
from prism_desktop.ui.widgets.possible import allow

MOST_PEOPLE: Final = 6  # side by side
_FIRST_METHODS: Final = 3  # that are shown until somebody chooses
_SCORES: Final = (
    "NLL is that of the own text, in nats per own token; one text tells next to nothing of a "
    "method, so the run's mean over people stands beside it."
)
NOTE: Final = (
    "Generated texts are a model's guess: nobody said them, and what is written here is kept "
    f"nowhere. {_SCORES}"
)
_NOBODY_SAID: Final = f"Generated texts are a model's guess: nobody said them. {_SCORES}"
_SIMULATED: Final = "These people are simulated."
_ENTERS: Final = (
    " Training did not know this person; they enter by their own texts, without the one to this "
    "prompt."
)
_TWO: Final = "Choose two methods that wrote to tested prompts, to have their replies judged."
_NO_RUN: Final = (
    "Once a run of the task Writing is trained, what people wrote stands here beside what each "
    "method writes as they might, with scores."
)


class RepliesView(View):
    """Prompts on the left; people with their cards on the right; what is asked above both."""

    def __init__(self, context: AppContext, writers: Writers) -> None:
        super().__init__(context)
        self.writers = writers
        self._made: dict[tuple[str, str, str], GeneratedReply] = {}  # by run, person and prompt
        self._job: Job | None = None
        self._taken = ""  # the chosen prompt that the line was brought to last
        self._prompts: tuple[str, ...] = ()
        self._lines: list[tuple[str, str]] = []  # of the list of prompts
        self._make()
        self._lay_out()
        writers.came.connect(self._came)
        writers.failed.connect(context.report)

    def _make(self) -> None:
        self.typed = HintedLine("Any prompt, e.g. Are you coming tonight?")
        self.typed.returnPressed.connect(self._ask)
        self.typed.textEdited.connect(lambda _: self._allow())
        self.go = button(
            "Write &answers", self._ask, "primary",
            tip="Let the chosen methods answer as the chosen people might (Return)",
        )  # fmt: skip
        self.stop = button("S&top", self._stop, tip="Write no more; what is there stays")
        self.stop.hide()
        self.people, self.methods = PickMany("people"), PickMany("methods")
        self.people.changed.connect(self._tick)
        self.methods.changed.connect(self._tick)
        self.asked = PromptList()
        self.asked.row_chosen.connect(self._choose_prompt)
        self.told = label("", "small", wrap=True)
        self.cards = PersonTexts()
        self.note = label(NOTE, "small", wrap=True)
        self.judge = button(
            "Have them &judged…", self._judge, "quiet",
            tip="Make a study in which people judge two methods' replies in pairs, blind",
        )  # fmt: skip
        self.none = EmptyState(self.context.theme, "explore", "No model writes yet", _NO_RUN)

    def _lay_out(self) -> None:
        bar = columns(captioned("Prompt", self.typed), gap=GRID + 4)
        bar.addLayout(rows(None, columns(self.go, self.stop, gap=GRID), gap=0))
        bar.addWidget(captioned("People", self.people))
        bar.addWidget(captioned("Methods", self.methods))
        bar.setStretch(0, 1)
        top = QWidget()
        top.setLayout(bar)
        left = rows(self.asked, gap=GRID)
        right = rows(self.told, self.cards, gap=GRID)
        right.setStretch(1, 1)
        foot = columns(self.note, self.judge, gap=GRID)
        foot.setStretch(0, 1)
        whole = rows(top, side_by_side(left, right, (330, 910)), foot, gap=GRID)
        whole.setStretch(1, 1)
        page = QWidget()
        page.setLayout(whole)
        self._pages = QStackedWidget()
        self._pages.addWidget(page)
        self._pages.addWidget(self.none)
        self.setLayout(rows(self._pages, gap=0))

    def begin_anew(self, selection: Selection) -> None:
        super().begin_anew(selection)
        self._made.clear()
        self._prompts, self._lines = (), []
        for each in (self.people, self.methods):
            _offer(each, {})
        self._settle_prompt("")
        self._stop()
        self._show()

    def show_selection(self) -> None:
        self.writers.look()
        self._take()

    def idle(self) -> bool:
        return self._job is None and not self.writers.busy

    @property
    def found(self) -> WrittenRuns:
        """The runs that write, as far as they were read."""
        return self.writers.found or WrittenRuns()

    def chosen_runs(self) -> tuple[WriterRun, ...]:
        """Whose texts are side by side."""
        names = self.methods.picked()
        return tuple(one for one in self.found.runs if names is None or one.name in names)

    def chosen_people(self) -> tuple[str, ...]:
        """Codes of those who are shown; of many the first."""
        picked = self.people.picked()
        names = self._names()
        codes = tuple(names) if picked is None else [code for code in picked if code in names]
        return tuple(codes[:MOST_PEOPLE])

    @property
    def prompt(self) -> str:
        """What is answered, as it is kept."""
        return kept_form(self.selection.prompt)

    @property
    def has_table(self) -> bool:
        return bool(self.found.runs and self.prompt)

    def table(self) -> ExportTable | None:
        """What is shown, each text with where it is from."""
        if not self.has_table:
            return None
        prompt, names = self.prompt, self._names()
        body: list[tuple[object, ...]] = []
        for code in self.chosen_people():
            own = self.found.texts.get(code, {}).get(prompt)
            if own is not None:
                body.append((code, names[code], prompt, own, "own text", "", None, None))
            for run in self.chosen_runs():
                made, cost = self._written(run, code, prompt), run.costs.get((code, prompt))
                text = "" if made is None else made[0]
                origin = f"by {run.title}" if made is None else made[1].strip("[]")
                numbers = (None, None) if cost is None else (cost.nats, cost.tokens)
                body.append((code, names[code], prompt, text, origin, run.name, *numbers))
        head = (
            "person", "person_name", "prompt", "text", "origin", "run",
            "own_text_nats_per_token", "own_text_tokens",
        )  # fmt: skip
        return ExportTable("replies", head, body)

    def figure(self) -> ExportFigure | None:
        """The cards as they are shown."""
        rows, prompt = self._rows(), self.prompt
        if not (self.has_table and rows):
            return None
        notes = [_NOBODY_SAID, self._who_is_simulated()]
        return ExportFigure("replies", lambda path: draw_replies(path, prompt, rows, notes))

    def command(self) -> list[str] | None:
        runs, people = self.chosen_runs(), self.chosen_people()
        if not (runs and people and self.prompt):
            return None
        who = ",".join(people)
        return ["predict", str(runs[0].path), "--prompt", self.prompt, "--labeler", who]

    def choose_person(self, code: str) -> None:
        """Let one person be shown, in answer to something that they were asked."""
        self.selection.people = (code,)
        if self.selection.prompt not in self.found.texts.get(code, {}):
            self.selection.prompt = ""

    def _names(self) -> dict[str, str]:
        """Those whom a run knows, then those who enter first."""
        people = self.found.people.values()
        known = {code for run in self.found.runs for code in run.people}
        ordered = sorted(people, key=lambda one: one.code not in known)
        names = called((one.code, one.display_name) for one in ordered)
        return {code: name if code in known else f"{name} (new)" for code, name in names.items()}

    def _came(self) -> None:
        """The runs are known; a view that is not in front takes them when it is looked at."""
        if self.isVisible():
            self._take()

    def _take(self) -> None:
        """The runs are known, or others are chosen."""
        found, chosen = self.found, self.selection
        names = self._names()
        _offer(self.people, names)
        _offer(self.methods, {run.name: run.title for run in found.runs})
        people = [code for code in chosen.people if code in names] or list(names)[:1]
        runs = [run.name for run in found.runs if run.name in chosen.writers]
        _settle(self.people, people)
        _settle(self.methods, runs or _best(found.runs))
        if chosen.prompt != self._taken:  # else what is being typed stays
            self._settle_prompt(chosen.prompt)
        self._show()

    def _settle_prompt(self, prompt: str) -> None:
        """Let the line say what is chosen."""
        self._taken = prompt
        settle_text(self.typed, prompt)

    def _show(self) -> None:
        """Everything anew."""
        people = self.chosen_people()
        self._say_none()
        prompts = self._ordered(people[0]) if people else ()
        if not self.selection.prompt and prompts:
            self.selection.prompt = self._taken = prompts[0]
            if not self.typed.isModified():
                settle_text(self.typed, prompts[0])
        self._show_prompts(people, prompts)
        self._show_cards()
        self._allow()

    def _say_none(self) -> None:
        """Why there is nothing, and the way to something."""
        bare = self.writers.found is not None and not self.found.runs
        self._pages.setCurrentIndex(int(bare))
        if bare:
            say_no_run(self, self.context, self.none, _NO_RUN)

    def _ordered(self, person: str) -> tuple[str, ...]:
        """What somebody was asked; first that to which a shown run wrote a text and kept it."""
        runs = self.chosen_runs()
        return tuple(
            sorted(
                self.found.prompts(person),
                key=lambda one: not any((person, one) in run.kept for run in runs),
            )
        )

    def _told_of(self, person: str, prompt: str) -> str:
        """Whether the shown runs were tested by a prompt, and wrote to it."""
        asked, runs = (person, prompt), self.chosen_runs()
        tested = "yes" if any(asked in run.costs for run in runs) else "no"
        return f"{tested}, written" if any(asked in run.kept for run in runs) else tested

    def _show_prompts(self, people: tuple[str, ...], prompts: tuple[str, ...]) -> None:
        lines = [(one, self._told_of(people[0], one)) for one in prompts]
        if lines != self._lines or not prompts:
            self._prompts, self._lines = prompts, lines
            self.asked.blockSignals(True)
            self.asked.show_lines(lines, list(prompts))
            self.asked.blockSignals(False)
        place = prompts.index(self.prompt) if self.prompt in prompts else -1
        self.asked.blockSignals(True)
        self.asked.setCurrentCell(place, 0)
        self.asked.blockSignals(False)

    def _show_cards(self) -> None:
        prompt, names = self.prompt, self._names()
        self.cards.show_rows(self._rows())
        picked = self.people.picked()
        many = len(names) if picked is None else len(picked)
        said = clause(text_line(prompt, SAID))
        parts = [f"In answer to “{said}”." if prompt else "Type a prompt."]
        if many > MOST_PEOPLE:
            parts.append(f"The first {MOST_PEOPLE} of {counted(many, 'person')} are shown.")
        listed = {run.name for run in self.found.runs}
        if gone := [name for name in self.selection.writers if name not in listed]:
            parts.append(f"{counted(len(gone), 'chosen run is', 'chosen runs are')} gone.")
        if simulated := self._who_is_simulated():
            parts.append(simulated)
        if self.found.damage:
            parts.append(few(self.found.damage, 2))
        self.told.setText(" ".join(parts))

    def _who_is_simulated(self) -> str:
        """Which of those who are shown are simulated, in a sentence."""
        names, shown = self._names(), self.chosen_people()
        simulated = [names[code] for code in shown if code in self.found.simulated]
        if len(simulated) == len(shown):
            return _SIMULATED if shown else ""
        return f"Simulated: {few(simulated, MOST_PEOPLE)}." if simulated else ""

    def _rows(self) -> list[PersonRow]:
        """Who is shown, each with what they wrote and what models wrote as they might."""
        prompt, names, runs = self.prompt, self._names(), self.chosen_runs()
        return [
            PersonRow(
                names[code],
                self.found.people[code].profile,
                (self._own(code, prompt), *(self._generated(code, prompt, run) for run in runs)),
            )
            for code in self.chosen_people()
        ]

    def _own(self, code: str, prompt: str) -> ShownText:
        text = self.found.texts.get(code, {}).get(prompt)
        if text is None:
            return ShownText("Own text", "", instead="They were not asked this.")
        return ShownText("Own text", "own text", text)

    def _generated(self, code: str, prompt: str, run: WriterRun) -> ShownText:
        foot = " ".join(filter(None, (_scored(code, prompt, run), _mean(run))))
        written = self._written(run, code, prompt)
        if written is None:
            why = "Not written yet."
            if not self.found.enters(code, run):
                why = "This run is of other people, simulated or not, so it does not write as them."
            elif code not in run.people:
                why += _ENTERS
            return ShownText(run.title, "", instead=why, foot=foot)
        return ShownText(run.title, "generated", *written, foot, generated=True)

    def _written(self, run: WriterRun, code: str, prompt: str) -> tuple[str, str] | None:
        """A generated text and its mark: written just now, or kept with the run."""
        if made := self._made.get((run.name, code, prompt)):
            return made.text, made.mark
        kept = run.kept.get((code, prompt))
        return None if kept is None else (kept.text, run.mark(code, kept.method))

    def _choose_prompt(self, row: int) -> None:
        if 0 <= row < len(self._prompts):
            self.selection.prompt = self._prompts[row]
            self._settle_prompt(self.selection.prompt)
            self._show_cards()
            self._allow()

    def _tick(self) -> None:
        """Somebody chose people or methods."""
        self.selection.people = self.chosen_people()
        self.selection.writers = tuple(run.name for run in self.chosen_runs())
        self._show()

    def _lacking(self) -> list[tuple[WriterRun, tuple[str, ...]]]:
        """Who is still to be answered as, by run."""
        prompt = self.prompt
        wanted = [
            (
                run,
                tuple(
                    code
                    for code in self.chosen_people()
                    if self.found.enters(code, run) and self._written(run, code, prompt) is None
                ),
            )
            for run in self.chosen_runs()
        ]
        return [(run, people) for run, people in wanted if people]

    def _allow(self) -> None:
        why = ""
        if not kept_form(self.typed.text()):
            why = "Type a prompt, or choose one from the list."
        elif not self.chosen_people():
            why = "Choose somebody first."
        elif not self.chosen_runs():
            why = "Choose a method first."
        allow(why, self.go)
        two = [run for run in self.chosen_runs() if run.kept]
        lacking = "" if len(two) == 2 == len(self.chosen_runs()) else _TWO
        allow(lacking, self.judge)

    def _judge(self) -> None:
        """Make a study of the pairs of two runs' replies where somebody says."""
        first, second = self.chosen_runs()
        have_judged(self, self.context, first, second)

    def _ask(self) -> None:
        """Write what is lacking for what stands in the line."""
        self.selection.prompt = self._taken = self.typed.text()
        self._show()
        lacking = self._lacking()
        if not self.go.isEnabled():
            return
        if not lacking:
            self.told.setText(f"{self.told.text()} Nothing is left to be written.")
            return
        self._stop()
        self._job = job = self.context.jobs.start(
            write_replies(lacking, self.prompt), "Writing answers", quiet=True,
            events=lambda events: self._receive(job, events), owner=self,
        )  # fmt: skip
        job.failed.connect(lambda error: self._failed(job, error))
        job.finished.connect(lambda: self._ended(job))
        self.stop.show()

    def _receive(self, job: Job, events: Iterable[Any]) -> None:
        if self._job is not job:
            return
        new = False
        for event in events:
            if isinstance(event, GeneratedReply):
                self._made[event.run, event.person, event.prompt] = event
                new = True
            elif isinstance(event, Notice):
                self.context.message(event.text, "warn")
            elif isinstance(event, Progress):
                self.told.setText(f"{event.what}…")
        if new:
            self._show_cards()

    def _failed(self, job: Job, error: Exception) -> None:
        if self._job is job and isinstance(error, PrismError):
            self.context.message(str(error), "bad")
        elif self._job is job:
            self.context.report(error)

    def _ended(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            self.stop.hide()
            self._show_cards()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self._show_cards()
        self.stop.hide()


def _offer(box: PickMany, choices: dict[str, str]) -> None:
    """Offer without a signal, for nobody ticked."""
    box.blockSignals(True)
    box.offer(choices)
    box.blockSignals(False)


def _settle(box: PickMany, keys: list[str]) -> None:
    box.blockSignals(True)
    box.tick(keys)
    box.blockSignals(False)


def _best(runs: tuple[WriterRun, ...]) -> list[str]:
    """Those of the least NLL, in the order of the list."""
    ranked = sorted(runs, key=lambda run: run.summary.test.value or float("inf"))
    kept = {run.name for run in ranked[:_FIRST_METHODS]}
    return [run.name for run in runs if run.name in kept]


def _scored(code: str, prompt: str, run: WriterRun) -> str:
    """What the person's own text cost this run."""
    cost = run.costs.get((code, prompt))
    if cost is not None:
        told = counted(cost.tokens, "token")
        return f"Own text, held out: {cost.nats:.3f} nats per token ({told})."
    if (code, prompt) in run.learned:
        return "Learned from their own text, so it is no test."
    return ""


def _mean(run: WriterRun) -> str:
    test = run.summary.test
    if test.value is None:
        return ""
    told = f"{test.value:.3f} over {counted(test.people, 'person')}"
    return f"Mean: {TOO_FEW}, {told}." if test.few else f"Mean: {told}."
