"""The LaMP benchmark's files, brought in as people with own texts, and its metrics."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.events import Done, Notice, outcome
from prism_desktop.engine.study.store import Study
from prism_desktop.engine.writing import lamp_study
from prism_desktop.engine.writing.generation import OpenWriter, write_as
from prism_desktop.engine.writing.lamp_files import read_outputs, read_questions
from prism_desktop.engine.writing.lamp_scores import lamp_scores, measure_task
from prism_desktop.engine.writing.lamp_study import answer_questions, bring_questions
from prism_desktop.engine.writing.own_text_data import read_texts
from prism_desktop.engine.writing.writing_config import WritingConfig
from prism_desktop.engine.writing.writing_session import begin_writing, train_writing
from tests.engine.writing.test_writing_session import SMALL
from tests.fixtures.lamp import INPUTS, ITEMS, TAGS, question, write_outputs, write_questions
from tests.fixtures.setting_texts import changed

_TITLED = "Generate a title for the following abstract of a paper: We brew tea."


@pytest.mark.parametrize(
    ("task", "made"),
    [
        ("LaMP_1", (_TITLED, "On tea")),
        ("LaMP_2", (f"without further explanation. {TAGS} description: A cat sings.", "comedy")),
        ("LaMP_3", ("2, 3, 4, or 5 without further explanation. review: It broke.", "1")),
        ("LaMP_4", ("Generate a headline for the following article: Rain fell.", "Rain at last")),
        ("LaMP_5", (_TITLED, "On tea")),
        ("LaMP_6", ("Generate a subject for the following email: Are you coming?", "Tonight")),
        ("LaMP_7", (None, "so much rain today")),
    ],
)  # fmt: skip
def test_that_what_people_made_is_asked_for_as_the_question_is(
    task: str, made: tuple[str | None, str], tmp_path: Path
) -> None:
    read = read_questions(write_questions(tmp_path / "q.json", [question(task)]))
    assert read.task.name == task
    ((prompt, text),) = read.questions[0].made
    assert text == made[1]
    assert prompt == made[0] or (made[0] or "") in (prompt or "")
    assert read.notices == ()


def test_that_questions_of_other_encodings_are_read_or_named(tmp_path: Path) -> None:
    asked = question("LaMP_4", profile=[{**ITEMS["LaMP_4"], "title": "Zoë am Fluß"}])
    file = tmp_path / "q.json"
    file.write_text(json.dumps([asked], ensure_ascii=False), "utf-8-sig")
    ((_, text),) = read_questions(file).questions[0].made
    assert text == "Zoë am Fluß"
    file.write_text(json.dumps([asked], ensure_ascii=False), "latin-1")
    with pytest.raises(InputError, match="no text in UTF-8"):
        read_questions(file)


def test_that_users_of_the_time_split_are_one_person_with_the_latest_last(tmp_path: Path) -> None:
    late = {**ITEMS["LaMP_4"], "title": "Later", "date": "2020-11-02"}
    soon = {**ITEMS["LaMP_4"], "title": "Sooner", "date": "2020-2-28"}
    asked = [
        question("LaMP_4", "11", user_id="7", profile=[late, soon]),
        question("LaMP_4", "12", user_id=7, profile=[soon]),
    ]
    outputs = write_outputs(tmp_path / "o.json", "LaMP_4", {"11": "One", "12": "Two"})
    questions = write_questions(tmp_path / "q.json", asked)
    with Study.create(tmp_path / "s.prism", kind="text") as study:
        found = outcome(bring_questions(study, questions, outputs))
        own = study.own_texts()
        # the same again brings nothing twice
        outcome(bring_questions(study, questions, outputs))
        assert study.own_texts() == own
    assert (found.people, found.task) == (1, "LaMP_4")
    assert [one.text for one in own] == ["Sooner", "Later", "One", "Two"]
    assert {one.labeler for one in own} == {"7"}
    assert own[2].prompt == INPUTS["LaMP_4"]


def test_that_outputs_come_in_only_where_they_are_named(tmp_path: Path) -> None:
    file = write_questions(tmp_path / "q.json", [question("LaMP_5", str(one)) for one in range(4)])
    with Study.create(tmp_path / "s.prism", kind="text") as study:
        found = outcome(bring_questions(study, file, most=3))
        assert {one.code for one in study.labelers()} == {"0", "1", "2"}
        assert {one.text for one in study.own_texts()} == {"On tea"}
    assert found.texts == 3


def _turned(change: Callable[[dict[str, Any]], object]) -> list[dict[str, Any]]:
    asked = question("LaMP_2")
    change(asked)
    return [asked]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "no list of questions"),
        ({"task": "LaMP_2"}, "no list of questions"),
        (["x"], "entry 1 is no question"),
        (_turned(lambda one: one.pop("id")), "lacks an id"),
        (_turned(lambda one: one.update(id=None)), "lacks an id"),
        (_turned(lambda one: one.update(input=["x"])), "lacks an id, an input"),
        (_turned(lambda one: one.update(profile={})), "lacks an id, an input or a profile"),
        (_turned(lambda one: one.update(input="Tell a joke.")), "begins as none of LaMP-1"),
        (_turned(lambda one: one.update(input=INPUTS["LaMP_2"] + "\0")), "zero character"),
        (_turned(lambda one: one.update(profile=[ITEMS["LaMP_4"]])), "its profiles are not"),
        ([question("LaMP_2"), question("LaMP_3", "2")], "mixes questions of LaMP_2 and LaMP_3"),
        ([question("LaMP_2"), question("LaMP_2")], "question 1 stands there more than once"),
    ],
)
def test_that_questions_that_cannot_be_used_are_refused(
    content: object, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "q.json"
    file.write_text(json.dumps(content))
    with Study.create(tmp_path / "s.prism", kind="text") as study:
        with pytest.raises(InputError, match=told):
            outcome(bring_questions(study, file))
        assert study.labelers() == ()
    for broken in (b"", b"[{", b"\xff\xfe", b'[{"id":1,"id":2}]', b"[" * 100_000):
        file.write_bytes(broken)
        with pytest.raises(InputError, match="cannot be read as JSON"):
            read_questions(file)


def test_that_odd_items_are_left_out_and_told(tmp_path: Path) -> None:
    good = ITEMS["LaMP_2"]
    profile = [
        good, good, {**good, "tag": "act\0ion"}, {"description": "x"}, {**good, "tag": ["x"]}, "x",
    ]  # fmt: skip
    read = read_questions(
        write_questions(tmp_path / "q.json", [question("LaMP_2", profile=profile)])
    )
    assert len(read.questions[0].made) == 1
    assert [told.split(" left out: ") for told in read.notices] == [
        ["2 items of profiles", "no description or tag that is text."],
        ["1 item of profiles", "a text that no study can hold."],
        ["1 item of profiles", "the same stands there already."],
    ]


@pytest.mark.parametrize(
    ("task", "outputs", "told"),
    [
        ("LaMP_3", {"1": "2"}, "outputs of LaMP_3, and the questions are those of LaMP_2"),
        ("LaMP_2", {}, "lacks 1 output, such as that for 1"),
        ("LaMP_2", {"1": "comedy", "9": "action"}, "1 output for no question, such as that for 9"),
        ("LaMP_2", {"1": None}, "has no id or no output"),
        ("LaMP_2", {"1": " "}, "holds nothing that can be read"),
        ("LaMP_8", {"1": "comedy"}, "no file of LaMP's outputs"),
    ],
)
def test_that_outputs_of_others_and_gaps_are_refused_with_nothing_stored(
    task: str, outputs: dict[str, object], told: str, tmp_path: Path
) -> None:
    questions = write_questions(tmp_path / "q.json", [question("LaMP_2")])
    file = write_outputs(tmp_path / "o.json", task, outputs)
    with Study.create(tmp_path / "s.prism", kind="text") as study:
        with pytest.raises(InputError, match=told):
            outcome(bring_questions(study, questions, file))
        assert study.labelers() == ()


def test_that_two_outputs_for_a_question_are_refused(tmp_path: Path) -> None:
    golds = [{"id": "1", "output": "comedy"}, {"id": 1, "output": "action"}]
    file = tmp_path / "o.json"
    file.write_text(json.dumps({"task": "LaMP_2", "golds": golds}))
    with pytest.raises(InputError, match="two outputs for 1"):
        read_outputs(file)


@pytest.mark.parametrize("held_out", [0.0, 0.4])
def test_that_answers_are_by_the_whole_profile_without_answers_to_what_is_asked(
    held_out: float, tmp_path: Path, tiny_language_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        question(
            "LaMP_4", str(user), user_id=str(user),
            profile=[
                {**ITEMS["LaMP_4"], "id": str(item), "text": f"Day {item} came.",
                 "title": f"Day {item} of {user}"}
                for item in range(14)
            ],
        )
        for user in range(3)
    ]  # fmt: skip
    questions = write_questions(tmp_path / "q.json", asked)
    with Study.create(tmp_path / "s.prism", kind="text") as study:
        outcome(bring_questions(study, questions))
    options = {"backbone": tiny_language_model, "device": "cpu"}
    settings = (*SMALL, f"held_out={held_out}")
    config = WritingConfig.of("retrieval-recency", options, changed(settings, "examples=1"))
    run = begin_writing(tmp_path / "s.prism", config)
    outcome(train_writing(run))
    texts = read_texts(run)
    assert "test" in texts.split
    again = [
        {**one, "input": INPUTS["LaMP_4"].replace("Snow fell.", f"Day {place} came.")}
        for place, one in enumerate(asked)
    ]
    write_questions(questions, [*again, question("LaMP_4", "9", user_id="9")])
    read: dict[int, list[int]] = {}

    def spied(writer: OpenWriter, *rest: Any) -> Any:
        read.update({who: list(writer.history(who)) for who in writer.histories or ()})
        return write_as(writer, *rest)

    monkeypatch.setattr(lamp_study, "write_as", spied)
    events = list(answer_questions(run, questions))
    done = events[-1]
    assert isinstance(done, Done)
    assert list(done.value[1]) == ["0", "1", "2"]
    told = " ".join(event.text for event in events if isinstance(event, Notice))
    assert "1 question left out: " in told
    assert sum(map(int, re.findall(r"(\d+) own texts? not read", told))) == 3
    assert ("1 person enters by their own texts" in told) == (held_out > 0)
    assert len(read) == 3
    for person, rows in read.items():
        said = {texts.pairs[row][1] for row in rows}
        code = texts.meta.people[person].code
        assert said == {f"Day {item} of {code}" for item in range(14)} - {f"Day {code} of {code}"}


def _measured(task: str, golds: list[str], told: list[str]) -> dict[str, float]:
    keys = [str(one) for one in range(len(golds))]
    return measure_task(
        task, dict(zip(keys, golds, strict=True)), dict(zip(keys, told, strict=True))
    )


def test_that_the_metrics_are_those_of_the_benchmark() -> None:
    # [1]: 2 written, 3 told, 2 right; [2]: 2 written, 1 told, 1 right: F 4/5 and 2/3
    found = _measured("LaMP_1", ["[1]", "[1]", "[2]", "[2]"], ["[1]", " [1]\n", "[1]", "[2]"])
    assert found == pytest.approx({"accuracy": 3 / 4, "f1": (4 / 5 + 2 / 3) / 2}, abs=1e-6)
    # of 15 tags those that are nowhere count as 0; what is no tag is wrong
    found = _measured("LaMP_2", ["comedy", "action"], ["comedy", "funny"])
    assert found == pytest.approx({"accuracy": 1 / 2, "f1": 1 / 15}, abs=1e-6)
    found = _measured("LaMP_2", ["sports", "sports"], ["sports", "crime"])  # before 2023-11
    assert found == pytest.approx({"accuracy": 1 / 2, "f1": (2 / 3) / 15}, abs=1e-6)
    # off by 0, 2 and, where it is no number, by as much as can be: 5 - 2 and 5 - 1
    found = _measured("LaMP_3", ["4", "5", "2", "5"], ["4", "3", "good", "none"])
    assert found == pytest.approx(
        {"MAE": (0 + 2 + 3 + 4) / 4, "RMSE": ((0 + 4 + 9 + 16) / 4) ** 0.5}, abs=1e-6
    )
    # words in common 2 of 3 and 2, in order 2: F 4/5; then all; then none
    found = _measured("LaMP_4", ["rain at last", "snow", "fog"], ["Rain, last!", "SNOW", "sun"])
    expected = (2 * (2 / 2) * (2 / 3) / (2 / 2 + 2 / 3) + 1 + 0) / 3
    assert found == pytest.approx({"rouge-1": expected, "rouge-L": expected}, abs=1e-6)
    found = _measured("LaMP_7", ["a b c d"], ["d c b a"])
    assert found == pytest.approx({"rouge-1": 1, "rouge-L": 1 / 4}, abs=1e-6)


def test_that_outputs_and_predictions_must_fit(tmp_path: Path) -> None:
    golds = write_outputs(tmp_path / "golds.json", "LaMP_3", {"1": "4", "2": "5"})
    for task, told, why in (
        ("LaMP_3", {"1": "4"}, "lacks 1 prediction, such as that for 2"),
        ("LaMP_3", {"1": "4", "2": "5", "3": "1"}, "1 prediction for no output"),
        ("LaMP_4", {"1": "4", "2": "5"}, "predictions of LaMP_4, and golds.json outputs of LaMP_3"),
    ):
        with pytest.raises(InputError, match=why):
            lamp_scores(golds, write_outputs(tmp_path / "told.json", task, told))
    good = write_outputs(tmp_path / "told.json", "LaMP-3", {"2": 5, "1": 4.0})
    assert lamp_scores(golds, good) == ("LaMP_3", {"MAE": 0.0, "RMSE": 0.0})
    for task, output in (
        ("LaMP_2", "funny"), ("LaMP_3", "good"), ("LaMP_3", "7"), ("LaMP_3", "0"),
        ("LaMP_3", "1_0"), ("LaMP_3", "nan"),
    ):  # fmt: skip
        with pytest.raises(InputError, match="mend the file of outputs"):
            measure_task(task, {"1": output}, {"1": "4"})
    both = {"1": "sci-fi", "2": "sports"}
    with pytest.raises(InputError, match="labels of two tasks that are called LaMP_2"):
        measure_task("LaMP_2", both, both)
