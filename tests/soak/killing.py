"""A kill at any moment, and what is looked at afterwards.

A kill comes at a random moment of the command's own time, or at a random step on the disk, half of
the writes torn; it ends all processes of the command, or one of them.
"""

import random
from pathlib import Path

from tests.soak import budget, cases, recovery
from tests.soak.cases import Case, study_in
from tests.soak.fork_server import Ending, ForkServer
from tests.soak.shim import Arm


def _killed(
    server: ForkServer, dice: random.Random, whole: Ending, root: Path, job: str, *given: object
) -> Ending:
    """Do a job that is killed at a random moment, or at a random step on the disk."""
    if dice.random() < 0.3:
        seconds = dice.uniform(0, whole.seconds)
        ending = server.run(job, *given, root=root, arm=Arm(), kill_after=seconds)
    else:
        mode = "kill one" if dice.random() < 0.3 else "kill all"
        arm = Arm(mode, dice.randint(1, max(1, whole.steps)), tear=dice.random() < 0.5)
        ending = server.run(job, *given, root=root, arm=arm)
    budget.count("kills", int(ending.steps < 0 or ending.killed))
    return ending


class Trial:
    """A command that is killed again and again, each time on a fresh copy of what it works on."""

    def __init__(self, case: Case, server: ForkServer, folder: Path) -> None:
        self.case, self.server, self.folder = case, server, folder
        self.template = folder / "template"
        self.template.mkdir(parents=True)
        case.prepare(self.template)
        if case.first is not None:
            first = case.first(self.template)
            assert server.run("command", *first, root=self.template).code == 0
        if case.cut is not None:
            self._cut(case.cut)
        self.trials = self._trials(self.template)
        place = cases.clone(self.template, folder / "whole")
        self.before = case.result(place) if case.whole else None
        self.whole = server.run(case.job, *case.arguments(place), root=place, arm=Arm())
        assert self.whole.code == 0, self.whole.printed
        assert self.whole.steps > 0
        self.result = case.result(place)

    def kill(self, dice: random.Random) -> None:
        """Kill the command once, and look at what is left."""
        place = cases.clone(self.template, self.folder / "place")
        arguments = self.case.arguments(place)
        ending = _killed(self.server, dice, self.whole, place, self.case.job, *arguments)
        if (study_in(place) / "study.sqlite3").exists():
            self._assert_whole(place)
            promised = [line.split()[1] for line in ending.told if line.startswith("backup")]
            recovery.assert_backups_whole(study_in(place), promised)
            recovery.assert_runs_told(study_in(place))
        now = self.case.result(place) if self.case.whole else None
        assert now in (self.before, self.result), ending.printed
        if now == self.before:
            self._do_again(place)
        assert self.case.result(place) == self.result
        assert recovery.leftovers(place) == recovery.leftovers(self.folder / "whole")

    def _do_again(self, place: Path) -> None:
        again = self.case.again(place) if self.case.again else [self.case.arguments(place)]
        for arguments in again:
            done = self._run(place, arguments)
            assert done.code == 0, done.printed
        self._assert_whole(place)

    def _assert_whole(self, place: Path) -> None:
        known = self.case.known
        recovery.assert_whole(study_in(place), (), self.trials, open_steps=10**6, known=known)

    def _run(self, place: Path, arguments: list[str]) -> Ending:
        return self.server.run(self.case.job, *arguments, root=place)

    def _cut(self, arguments: cases.Arguments) -> None:
        """Leave what a command leaves that is killed in its midst."""
        place = cases.clone(self.template, self.folder / "cut")
        whole = self.server.run("command", *arguments(place), root=place, arm=Arm())
        arm = Arm("kill all", round(0.6 * whole.steps))
        assert self.server.run(
            "command", *arguments(self.template), root=self.template, arm=arm
        ).killed

    def _trials(self, folder: Path) -> recovery.Answers:
        file = study_in(folder) / "study.sqlite3"
        there = file.exists() and self.case.keeps
        return recovery.state_of(study_in(folder)) if there else {}


def label_and_kill(
    server: ForkServer, study: Path, dice: random.Random, kills: int, job: str
) -> None:
    """One study through all kills, as it goes in life."""
    before = recovery.state_of(study)
    whole = server.run(job, study, dice.random(), root=study, arm=Arm())
    assert whole.code == 0, whole.printed
    recovery.assert_whole(study, whole.told, before)
    for _ in range(kills):
        before = recovery.state_of(study)
        ending = _killed(server, dice, whole, study, job, study, dice.random())
        recovery.assert_whole(study, ending.told, before)
