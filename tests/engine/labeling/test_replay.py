"""A session under a protocol, exported, tells all of it: replayed from there it is the same."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prism_desktop.engine.demo.simulated_labelers import SimulatedLabeler, labelers
from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at
from prism_desktop.engine.evaluation.quality.quality_report import study_quality
from prism_desktop.engine.evaluation.quality.quality_words import report_json
from prism_desktop.engine.labeling.attention_checks import done_trial
from prism_desktop.engine.labeling.exported_protocols import bring_protocols
from prism_desktop.engine.labeling.known_faces import with_known
from prism_desktop.engine.labeling.protocol import (
    BlockRules,
    CheckRules,
    PracticeRules,
    Protocol,
    RepeatRules,
    read_protocol,
)
from prism_desktop.engine.labeling.protocol_plan import ProtocolPlan
from prism_desktop.engine.labeling.protocol_session import ProtocolSession, surroundings
from prism_desktop.engine.study.exporting import export
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.records import AnswerTime, GivenAnswers, TrialRecord
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import finished
from tests.fixtures.study import MakeStudy

_NOW = 1.7e9
PROTOCOL = '[[blocks]]\nname = "A"\nkind = "rating"\ntrials = 3\n'
_NAMES = {1: "left", 0: "tie", -1: "right"}


def names_of(study: Study) -> list[str]:
    return [each.name for each in study.attributes()]


class _Person:
    """A simulated labeler with a taste, who takes their time."""

    def __init__(self, study: Study, who: SimulatedLabeler) -> None:
        self._dice = np.random.default_rng(4)
        self._who, self.now = who, _NOW
        self._taste = {
            (name, image.id): float(self._dice.standard_normal())
            for name in names_of(study)
            for image in study.images()
        }

    def gives(self, session: ProtocolSession) -> GivenAnswers:
        """What they say to what is shown; now and then one question, or all of them, is skipped."""
        shown = session.current
        assert shown is not None
        onset, answers, skips, times = self.now, {}, {}, {}
        for name in shown.attributes:
            places = [self._taste[name, image.id] for image in (shown.left, shown.right) if image]
            seconds = round(self._who.seconds * float(np.exp(self._dice.normal(0, 0.3))), 4)
            times[name] = AnswerTime(self.now, seconds)
            self.now = round(self.now + seconds, 4)
            if self._dice.random() < 0.02:
                skips[name] = "I cannot judge this"
            elif shown.right is None:
                answers[name] = int(self._who.rate(np.array(places), self._dice)[0])
            else:
                lead = np.array([places[0] - places[1]])
                answers[name] = _NAMES[int(self._who.compare(lead, self._dice)[0][0])]
        seconds = round(self.now - onset, 4)
        self.now = round(self.now + 0.4, 4)
        strengths = {name: 2 for name, said in answers.items() if said == "left"}
        return GivenAnswers(answers, skips, times, strengths, onset, seconds, dropped_frames=1)


def _labeled(study: Study, rules: Protocol) -> None:
    """Go through all of it in three sittings, with an answer taken back and given anew."""
    study.put_protocol(rules.toml())
    record = study.protocol()
    assert record is not None
    person = _Person(study, labelers()[0])
    whole = sum(rules.asked(len(study.attributes())).values())
    done = 0
    for most in (whole // 3, whole // 2, 10 * whole):
        session = ProtocolSession(study, "N", record, now=person.now)
        while session.current is not None and done < most:
            session.record(person.gives(session))
            done += 1
        if session.current is not None:
            session.undo()
            session.record(person.gives(session))
        session.end()
        person.now += 600


def _quality(study: Study) -> str:
    """The quality page, all of it."""
    given = answers_looked_at(study, names_of(study))
    found = finished(study_quality(given.compared, given.rated, None, given.left_out, given.checks))
    return json.dumps(report_json(found, {}), sort_keys=True)


def _rules(study: Study, trials: int) -> Protocol:
    blocks = (
        BlockRules(name="Pairs", kind="comparison", trials=trials * 2 // 3),
        BlockRules(name="Faces", kind="rating", trials=trials // 3),
    )
    rules = Protocol(
        seed=5, blocks=blocks, strength=True, practice=PracticeRules(trials=3),
        repeats=RepeatRules(share=0.15, lag=6), checks=CheckRules(every=8),
    )  # fmt: skip
    return with_known(rules, study)


@pytest.mark.parametrize(
    ("trials", "images", "attributes"),
    [
        (60, 28, ("smart",)),
        pytest.param(300, 112, ("attractive", "smart"), marks=pytest.mark.soak),
    ],
)
def test_that_a_session_replayed_from_its_export_is_the_same(
    make_study: MakeStudy, tmp_path: Path, trials: int, images: int, attributes: tuple[str, ...]
) -> None:
    study = make_study(images=images, labelers=2, comparisons=40, ratings=20, attributes=attributes)
    study.add_labeler("N")
    rules = _rules(study, trials)
    _labeled(study, rules)
    mine = study.trials("N")
    assert sum(not {"practice", "check"} & set(each.flags) for each in mine) == trials
    paths = finished(export(study, tmp_path / "out", "csv"))

    again = make_study("again", images=0, labelers=0)
    finished(import_images(again, study.path.parent / f"{study.path.stem}-faces"))
    report = finished(import_files(again, [each for each in paths if each.suffix == ".csv"]))
    assert report.refused == ()
    folder = tmp_path / "out" / "protocols"
    assert bring_protocols(again, folder) == (1, 5, 0)

    def told(which: Study) -> list[TrialRecord]:
        return [replace(each, import_id=None) for each in which.trials(current=False)]

    assert told(again) == told(study)  # answers and times
    assert again.set_aside() == study.set_aside()
    page = _quality(study)
    assert _quality(again) == page
    # what came next was what the protocol says, for whoever knows the study's identifier
    (found,) = re.findall(r"- Study ([0-9a-f]+)", (tmp_path / "out" / "codebook.md").read_text())
    followed = read_protocol(folder / "version-1.toml")
    assert followed == rules
    around = replace(surroundings(again, followed), salt=found)
    plan = ProtocolPlan(followed, "N", around)
    for trial in again.trials("N"):
        planned = plan.next()
        assert planned is not None
        choice = planned.choice
        assert (choice.left, choice.right, choice.repeat_of) == (
            trial.left, trial.right, trial.repeat_of,
        )  # fmt: skip
        assert (planned.part.name, planned.flags) == (trial.block, trial.flags)
        plan.push(done_trial(trial))
    assert plan.next() is None
    with pytest.raises(InputError, match="has a protocol already"):
        bring_protocols(again, folder)


def test_that_versions_are_not_brought_before_the_answers_that_followed_them(
    make_study: MakeStudy, tmp_path: Path
) -> None:
    study = make_study(images=8, labelers=1, comparisons=0, ratings=0)
    rules = Protocol(blocks=(BlockRules(name="a", kind="rating", trials=2),))
    (tmp_path / "version-1.toml").write_text(rules.toml(), "utf-8")
    heads = "session,started,ended,protocol_version,timing\n"
    (tmp_path / "sessions.csv").write_text(f"{heads}{'a' * 32},,,1,\n", "utf-8")
    with pytest.raises(InputError, match="Import the answers of the export first"):
        bring_protocols(study, tmp_path)
    assert study.protocols() == ()
    (tmp_path / "sessions.csv").write_text(heads, "utf-8")
    assert bring_protocols(study, tmp_path) == (1, 0, 0)


@pytest.mark.parametrize("text", ["", "session,started\n", "session,started,ended,protocol_version,"
                                  "timing\na,soon,,1,\n"])  # fmt: skip
def test_that_a_folder_that_tells_no_sessions_changes_nothing(
    make_study: MakeStudy, tmp_path: Path, text: str
) -> None:
    study = make_study(images=8, labelers=1)
    with pytest.raises(InputError, match=r"no version-1\.toml"):
        bring_protocols(study, tmp_path)
    rules = Protocol(blocks=(BlockRules(name="a", kind="rating", trials=2),))
    (tmp_path / "version-1.toml").write_text(rules.toml(), "utf-8")
    if text:
        (tmp_path / "sessions.csv").write_text(
            text + "a,,,1,\n" * (text[-8:] == "started\n"), "utf-8"
        )
    with pytest.raises(InputError, match="which session followed which"):
        bring_protocols(study, tmp_path)
    assert study.protocols() == ()


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"version-1.toml": "blocks = 3", "sessions.csv": ""},
        {"version-1.toml": PROTOCOL, "version-2.toml": "not toml", "sessions.csv": ""},
        {"version-1.toml": PROTOCOL},
        {"version-1.toml": PROTOCOL, "sessions.csv": "session\ns1\n"},
        {
            "version-1.toml": PROTOCOL,
            "sessions.csv": "session,started,ended,timing,protocol_version\ns1,nan,,,1\n",
        },
    ],
)
def test_that_what_cannot_be_followed_brings_nothing(
    files: dict[str, str], tiny_study: Study, tmp_path: Path
) -> None:
    folder = tmp_path / "protocols"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(InputError, match=r"(?i)nothing was"):
        bring_protocols(tiny_study, folder)
    assert tiny_study.protocols() == ()
