"""Sessions under a protocol, in a real study."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.evaluation.quality.answers_looked_at import answers_looked_at
from prism_desktop.engine.evaluation.quality.labeler_measures import Checks
from prism_desktop.engine.labeling.attention_checks import attention
from prism_desktop.engine.labeling.known_faces import with_known
from prism_desktop.engine.labeling.labeling_session import LabelingSession
from prism_desktop.engine.labeling.protocol import (
    BlockRules,
    CheckRules,
    GapRule,
    PracticeRules,
    Protocol,
    SpacingRules,
    asked_by,
    parse_protocol,
    read_protocol,
)
from prism_desktop.engine.labeling.protocol_session import ProtocolSession
from prism_desktop.engine.study.records import AnswerTime, GivenAnswers
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy

NOW = 1.6e9
_BLOCK = "[[blocks]]\nname='a'\nkind='rating'\ntrials=1\n"
_GAP = "[[gaps]]\nafter_minutes=60\nthen='ask'\n"


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    made = make_study(images=21, labelers=3, comparisons=40, ratings=21)
    made.add_labeler("N")
    return made


def rules(**more: object) -> Protocol:
    blocks = (
        BlockRules(name="Pairs", kind="comparison", trials=12),
        BlockRules(name="Faces", kind="rating", trials=6, attributes=("smart",)),
    )
    usual: dict[str, object] = {"blocks": blocks, "practice": PracticeRules(trials=1)}
    return Protocol.model_validate({**usual, **more})


def session(study: Study, protocol: Protocol | None = None, now: float = NOW) -> ProtocolSession:
    if protocol is not None:
        study.put_protocol(protocol.toml())
    record = study.protocol()
    assert record is not None
    return ProtocolSession(study, "N", record, now=now)


def answer(made: ProtocolSession, when: float = NOW) -> None:
    shown = made.current
    assert shown is not None
    said = 3 if shown.right is None else "left"
    made.record(GivenAnswers(dict.fromkeys(shown.attributes, said), onset=when, seconds=1.0))


def shown(made: ProtocolSession) -> tuple[object, ...]:
    current = made.current
    if current is None:
        return ()
    right = None if current.right is None else current.right.id
    return current.left.id, right, current.block, current.flags, current.attributes


def test_that_a_session_left_in_its_midst_goes_on_with_the_same_trial(study: Study) -> None:
    first = session(
        study, rules(checks=with_known(rules(checks=CheckRules(every=4)), study).checks)
    )
    whole = session(study)
    expected = []
    for number in range(30):
        if first.current is None:
            break
        expected.append(shown(first))
        answer(first, NOW + number)
        first = session(study, now=NOW + number)  # as after a kill
        assert first.id != whole.id
    assert first.current is None
    mine = study.trials("N")
    assert [trial.block for trial in mine] == [each[2] for each in expected]
    assert sum(trial.flags == ("practice",) for trial in mine) == 2
    assert sum(trial.flags == ("check",) for trial in mine) >= 3
    counted = [trial for trial in mine if not trial.flags]
    assert [trial.block for trial in counted] == ["Pairs"] * 12 + ["Faces"] * 6
    assert study.check() == []


def test_that_what_was_begun_of_a_trial_is_there_again(study: Study) -> None:
    made = session(study, rules(practice=PracticeRules()))
    answer(made)
    before = shown(made)
    current = made.current
    assert current is not None
    assert current.right is not None
    made.keep(current.left.id, current.right.id, GivenAnswers({"smart": "tie"}))
    again = session(study)
    assert shown(again) == before
    assert again.begun is not None
    assert again.begun.answers == {"smart": "tie"}


def begin_trial(made: ProtocolSession) -> tuple[tuple[object, ...], GivenAnswers]:
    """Answer the first question of what is shown; returns what that was."""
    current = made.current
    assert current is not None
    right = None if current.right is None else current.right.id
    said = 3 if right is None else "right"
    begun = GivenAnswers({current.attributes[0]: said}, onset=NOW)
    made.keep(current.left.id, right, begun)
    return shown(made), begun


def test_that_of_two_trials_that_were_begun_both_come_back(study: Study) -> None:
    free = LabelingSession(study, "N", "comparison"), LabelingSession(study, "N", "rating")
    left = []
    for made, said in zip(free, ("tie", 4), strict=True):
        current = made.current
        assert current is not None
        right = None if current.right is None else current.right.id
        begun = GivenAnswers({"smart": said}, times={"smart": AnswerTime(NOW, 0.5)})
        made.keep(current.left.id, right, begun)
        left.append((current.left.id, right))
    for number in (1, 0):  # also where the first of them is left once more
        led = session(study, rules(practice=PracticeRules(trials=number)))
        assert shown(led)[:2] == left[0]
        assert led.upcoming(4) == ()  # the other one is to come, whatever was planned
    assert led.begun is not None
    led.record(replace(led.begun, answers={"smart": "tie", "attractive": "left"}))
    assert shown(led)[:2] == left[1]
    assert led.begun is not None
    assert led.begun.answers == {"smart": 4}
    led.undo()
    assert shown(led)[:2] == left[0]
    answer(led)
    assert shown(led)[:2] == left[1]
    assert led.begun is not None
    led.record(led.begun)
    assert led.begun is None
    assert {(each.left, each.right) for each in study.trials("N")} == set(left)
    assert [study.pending("N", kind) for kind in ("rating", "comparison")] == [None, None]
    assert len(led.upcoming(4)) == 4


def test_that_a_pair_begun_before_a_day_comes_before_practice(study: Study) -> None:
    first = session(study, rules(practice=PracticeRules(trials=2)))
    for _ in range(4):
        answer(first)
    before, begun = begin_trial(first)
    assert before[2] == "Pairs"
    again = session(study, now=NOW + 86_400)
    assert again.gap == "instructions"
    assert shown(again) == before
    assert again.begun is not None
    assert again.begun.answers == begun.answers
    answer(again, NOW + 86_400)
    assert again.current is not None
    assert again.current.flags == ("practice",)


@pytest.mark.parametrize("practice", [True, False])
@pytest.mark.parametrize("protocol", [True, False])
def test_that_what_was_begun_as_practice_or_of_a_block_stays_that(
    study: Study, practice: bool, protocol: bool
) -> None:
    alone = BlockRules(name="Alone", kind="comparison", trials=6, one_attribute_at_a_time=True)
    first = session(study, rules(practice=PracticeRules(trials=2 * practice), blocks=(alone,)))
    before, _ = begin_trial(first)
    assert ("practice" in before[3]) == practice  # type: ignore[operator]
    if protocol:
        again: LabelingSession = session(study, rules(practice=PracticeRules(), seed=3))
    else:
        study.drop_protocol()
        again = LabelingSession(study, "N", "comparison")
    assert again.begun is not None
    again.record(GivenAnswers({"smart": "left"}, onset=NOW))
    (trial,) = study.trials("N")
    assert (trial.left, trial.right, trial.block, trial.flags) == before[:4]
    assert study.set_aside().get("practice", 0) == practice
    again.undo()
    again.record(GivenAnswers({"smart": "right"}, onset=NOW))
    assert [(each.block, each.flags) for each in study.trials("N")] == [before[2:4]]


def test_that_practice_of_which_a_face_is_gone_is_recorded_as_practice(study: Study) -> None:
    before, _ = begin_trial(session(study, rules()))
    gone = next(image for image in study.images() if image.id == before[0])
    gone.path.unlink()
    session(study, rules(practice=PracticeRules()))
    (trial,) = study.trials("N")
    assert (trial.block, trial.flags) == (before[2], ("interrupted", "practice"))


def test_that_a_repeat_that_was_begun_stays_one(study: Study) -> None:
    made = session(study, rules(practice=PracticeRules()))
    while made.current is not None and made.current.repeat_of is None:
        answer(made)
    assert made.current is not None
    repeated = made.current.repeat_of
    before, _ = begin_trial(made)
    again = session(study, rules(practice=PracticeRules(), seed=5))
    assert shown(again) == before
    answer(again)
    assert study.trials("N")[-1].repeat_of == repeated


def test_that_a_face_that_was_begun_is_there_though_pairs_come_first_now(study: Study) -> None:
    pairs, ratings = rules().blocks
    plain = {"practice": PracticeRules()}
    before, begun = begin_trial(session(study, rules(blocks=(ratings,), **plain)))
    again = session(study, rules(blocks=(pairs, ratings), **plain))
    assert shown(again) == before
    assert again.begun is not None
    assert again.begun.answers == begun.answers


def test_that_whoever_is_done_is_not_instructed_again(study: Study) -> None:
    made = session(study, rules())
    while made.current is not None:
        answer(made)
    again = session(study, now=NOW + 86_400)
    assert (again.current, again.gap) == (None, "go on")


def test_that_failed_practice_ends_it_for_good(study: Study) -> None:
    strict = PracticeRules(trials=2, least_right=1.0, most_rounds=1, if_failed="stop")
    known = with_known(rules(practice=strict), study)
    made = session(study, known)
    for _ in range(2):
        current = made.current
        assert current is not None
        made.record(GivenAnswers(dict.fromkeys(current.attributes, "tie"), onset=NOW))
    assert made.failed
    again = session(study, now=NOW + 86_400)
    assert again.failed
    assert again.current is None


def test_that_every_session_names_its_version_and_a_change_is_another(study: Study) -> None:
    answer(session(study, rules()))
    study.put_protocol(rules().toml())
    assert [each.version for each in study.protocols()] == [1]
    made = session(study, rules(seed=1))
    answer(made)
    made.end()
    first, second = study.protocols()
    assert (first.version, second.version) == (1, 2)
    assert parse_protocol(first.text) == rules()
    mine = [each for each in study.sessions() if each.labeler == "N"]
    assert [each.protocol for each in mine] == [first.id, second.id]
    assert mine[0].ended is None
    assert mine[1].ended is not None
    study.drop_protocol()
    assert study.protocol() is None
    assert len(study.protocols()) == 2
    assert study.check() == []


def test_that_practice_and_checks_are_in_no_table_and_are_counted(study: Study) -> None:
    before = len(study.comparisons()), len(study.ratings())
    known = with_known(rules(checks=CheckRules(every=4)), study)
    made = session(study, known)
    number = 0
    while made.current is not None:
        answer(made, NOW + number)
        number += 1
    flagged = [trial for trial in study.trials("N") if trial.flags]
    assert study.set_aside() == {
        flag: sum(flag in trial.flags for trial in flagged) for flag in ("practice", "check")
    }
    assert len(study.comparisons()) == before[0] + 12 * 2
    assert len(study.ratings()) == before[1] + 6
    seen = set(study.comparisons()["trial"]) | set(study.ratings()["trial"])
    assert not seen.intersection(trial.id for trial in flagged)
    (mine,) = [each for each in study.progress() if each.labeler == "N"]
    assert (mine.comparisons, mine.ratings, mine.repeats) == (12, 6, 1)


@pytest.mark.parametrize(
    ("minutes", "block", "left", "flags"),
    [(10, "Pairs", 3, ()), (90, "Pairs", 0, ()), (600, "practice: comparison", 3, ("practice",))],
)
def test_that_a_time_away_is_followed_by_what_the_protocol_says(
    study: Study, minutes: float, block: str, left: int, flags: tuple[str, ...]
) -> None:
    gaps = (
        GapRule(after_minutes=60, then="repeat the block"),
        GapRule(after_minutes=300, then="instructions"),
    )
    made = session(study, rules(gaps=gaps))
    answer(made)
    first = shown(made)
    for _ in range(3):
        answer(made)
    again = session(study, now=NOW + 60 * minutes)
    assert again.current is not None
    assert (again.current.block, again.current.flags) == (block, flags)
    pairs = [trial for trial in study.trials("N") if trial.block == "Pairs"]
    assert len(pairs) == left
    if block == "Pairs" and not left:
        assert shown(again) == first
        assert sum(trial.status == "withdrawn" for trial in study.trials("N", current=False)) == 3


def test_that_checks_are_counted_right_for_whoever_answers_them_so(study: Study) -> None:
    known = with_known(rules(practice=PracticeRules(), checks=CheckRules(every=3)), study)
    made = session(study, known)
    ids = {image.name: image.id for image in study.images()}
    high = {ids[name] for faces in known.checks.known.values() for name in faces.high}
    expected = asked = number = 0
    while made.current is not None and made.current.block == "Pairs":
        shown_now, number = made.current, number + 1
        if shown_now.flags == ("check",):
            expected += shown_now.left.id in high
            asked += 1
        answer(made, NOW + number)  # always left
    (mine,) = [each for each in attention(study) if each.labeler == "N"]
    assert mine.checks == asked > 0
    assert mine.checks_right <= expected
    seen = answers_looked_at(study, ("attractive", "smart")).checks
    assert seen == {"N": Checks(asked, asked - mine.checks_right)}
    assert (mine.practice, mine.practice_right) == (0, 0)


def test_that_what_a_protocol_asks_for_is_counted_by_task(study: Study) -> None:
    block = BlockRules(name="R", kind="rating", trials=5, one_attribute_at_a_time=True)
    study.put_protocol(rules(blocks=(*rules().blocks, block)).toml())
    assert asked_by(study.protocol(), 2) == {"comparison": 12, "rating": 6 + 2 * 5}
    assert asked_by(None, 2) == {}
    pairs = tuple(each for each in rules().blocks if each.kind == "comparison")
    study.put_protocol(rules(blocks=pairs).toml())
    assert asked_by(study.protocol(), 2) == {"comparison": 12, "rating": 0}


def test_that_undo_goes_back_over_the_border_of_blocks(study: Study) -> None:
    made = session(study, rules())
    kept = []
    while made.current is not None and made.current.block != "Faces":
        kept.append(shown(made))
        answer(made)
    here = shown(made)
    made.undo()
    made.undo()
    assert shown(made) == kept[-2]
    made.redo()
    made.redo()
    assert shown(made) == here


def test_that_a_file_may_begin_with_the_mark_of_its_encoding(tmp_path: Path) -> None:
    file = tmp_path / "notepad.toml"
    file.write_bytes(rules().toml().encode("utf-8-sig"))
    assert read_protocol(file) == rules()


@pytest.mark.soak
def test_that_similar_faces_do_not_follow_each_other(study: Study) -> None:
    asked = rules(practice=PracticeRules(), spacing=SpacingRules(trials=2, similar_by="statistics"))
    made = session(study, asked)
    alike = made._around.alike
    images = {image.id for image in study.images()}
    assert any(alike(image) for image in images)
    near = total = 0
    before: set[str] = set()
    while made.current is not None and made.current.block == "Pairs":
        current = made.current
        assert current.right is not None
        now = {current.left.id, current.right.id}
        near += bool(before.intersection(*(set(alike(each)) for each in now)))
        total += 1
        before = now
        answer(made)
    assert near < total / 4


def test_that_a_pin_is_kept_as_a_hash_alone() -> None:
    locked = rules().with_pin("4711x")
    assert "4711x" not in locked.toml()
    assert locked.opens("4711x")
    assert not locked.opens("4711")
    assert parse_protocol(locked.toml()).opens("4711x")
    assert locked.locked_by != rules().with_pin("4711x").locked_by  # salted
    with pytest.raises(InputError, match="at least 4"):
        rules().with_pin("123")
    with pytest.raises(InputError, match="cannot be stored"):
        rules().with_pin("1234\ud800")
    assert not locked.opens("\ud8004711x")
    assert not locked.without_pin().locked_by


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("blocks = 3", "blocks must be a list, and 3 stands there"),
        ("", "blocks is missing"),
        (
            "[[blocks]]\nname='a'\nkind='rating'\ntrials=0",
            "trials in entry 1 of blocks must be at least 1",
        ),
        ("[[blocks]]\nname='a'\nkind='rating'\ntrials=1\nspeed=2", "speed"),
        ("a = [", "no TOML"),
        (f"{_BLOCK}attributes=['smart', 'kind', 'smart']", "asks twice for 'smart'"),
        (f"locked_by='scrypt$00$11'\n{_BLOCK}", "no hash of a PIN"),
        (f"locked_by='md5${'0' * 32}${'0' * 64}'\n{_BLOCK}", "no hash of a PIN"),
        (f"locked_by='scrypt${'x' * 32}${'0' * 64}'\n{_BLOCK}", "no hash of a PIN"),
        (f"{_BLOCK}[[gaps]]\nafter_minutes=inf\nthen='ask'", "after_minutes"),
        (f"{_BLOCK}{_GAP * 2}", "the same time away"),
        (_BLOCK * 201, "blocks"),
        ("[[blocks]]\nname='a'\nkind='rating'\ntrials=1\n" * 2, "two blocks"),
        ('[[blocks]]\nname="a\\u0000b"\nkind="rating"\ntrials=1', "no control character"),
        ('[[blocks]]\nname="a\\u2028b"\nkind="rating"\ntrials=1', "no line break"),
    ],
)
def test_that_what_is_no_protocol_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_protocol(text)


_KILLED = """
import os, signal, sys
from prism_desktop.engine.labeling.protocol_session import ProtocolSession
from prism_desktop.engine.study.records import GivenAnswers
from prism_desktop.engine.study.store import Study
study = Study.open(sys.argv[1])
made = ProtocolSession(study, "N", study.protocol())
for number in range(7):
    shown = made.current
    made.record(GivenAnswers(dict.fromkeys(shown.attributes, "left"), onset=1.0 + number))
shown = made.current
made.keep(shown.left.id, shown.right.id, GivenAnswers({shown.attributes[0]: "tie"}))
print(shown.left.id, shown.right.id, shown.block, shown.repeat_of, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.soak
def test_that_a_process_killed_in_a_trial_is_followed_by_one_at_the_same_trial(
    study: Study,
) -> None:
    study.put_protocol(rules(gaps=()).toml())
    path = study.path
    study.close()
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(path)], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Study.open(path) as again:
        made = session(again)
        current = made.current
        assert current is not None
        assert current.right is not None
        told = current.left.id, current.right.id, current.block, current.repeat_of
        assert " ".join(map(str, told)) == killed.stdout.strip()
        assert made.begun is not None
        assert made.begun.answers == {current.attributes[0]: "tie"}
        assert "interrupted" in made.begun.flags
        assert len(again.trials("N")) == 7
