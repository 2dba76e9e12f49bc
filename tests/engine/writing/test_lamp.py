"""The LaMP benchmark's files, brought in as people with own texts, and its metrics."""

import json
import re
import shutil
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
from prism_desktop.ui.study.reports import reading
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
        (
            [question("LaMP_2", user_id="2"), question("LaMP_2", "2")],
            "some of its questions have a",
        ),
        ([question("LaMP_2", user_id={"a": 1})], "the user_id of 1 is neither"),
        ([question("LaMP_2", user_id="")], "the user_id of 1 is neither"),
        ([question("LaMP_2", profile=[])], "nothing that people wrote"),
        ([question("LaMP_2", profile=[None, 1, "x", []])], "nothing that people wrote"),
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
        ["1 item of profiles", "no item that a profile can have."],
        ["2 items of profiles", "no description or tag that can be read."],
        ["1 item of profiles", "a text that no study can hold."],
        ["1 item of profiles", "the same stands there already."],
    ]


@pytest.mark.parametrize(
    ("score", "kept"),
    [
        ("4", "4"), ('"4"', "4"), ("4.0", "4"), ("4e0", "4"),
        ("NaN", None), ("Infinity", None), ("-Infinity", None), ("1e400", None), ("true", None),
        ("4.5", None), ("7", None), ("0", None), ('"NaN"', None), ('"good"', None),
    ],
)  # fmt: skip
def test_that_only_scores_are_scores(score: str, kept: str | None, tmp_path: Path) -> None:
    asked = question("LaMP_3", profile=[{"text": "Good.", "score": 5}, {"text": "A", "score": "?"}])
    file = tmp_path / "q.json"
    file.write_text(json.dumps([asked]).replace('"?"', score))
    read = read_questions(file)
    assert [text for _, text in read.questions[0].made] == ["5", *([kept] if kept else [])]
    assert [told.split(" of profiles left out")[0] for told in read.notices] == (
        [] if kept else ["1 item"]
    )


def test_that_a_number_that_is_none_is_no_text_of_other_tasks(tmp_path: Path) -> None:
    asked = question("LaMP_4", profile=[ITEMS["LaMP_4"], {"text": "?", "title": "NaN"}])
    file = tmp_path / "q.json"
    file.write_text(json.dumps([asked]))  # a headline that says so
    assert [text for _, text in read_questions(file).questions[0].made] == ["Rain at last", "NaN"]
    file.write_text(json.dumps([asked]).replace('"NaN"', "NaN"))
    read = read_questions(file)
    assert [text for _, text in read.questions[0].made] == ["Rain at last"]
    assert read.notices == ("1 item of profiles left out: no text or title that can be read.",)


@pytest.mark.parametrize(
    ("dates", "order", "told"),
    [
        (["2020-1-9", "2020-01-08 10:00", "1999"], [2, 1, 0], ""),
        (["2020/01/09", "2020-01-08", "2020.1.7"], [2, 1, 0], ""),
        (["2020-01-08T10:00:01Z", "2020-01-08T10:00:00Z", 2019], [2, 1, 0], ""),
        (["2020-01-09", "2020-01", "2020"], [2, 1, 0], ""),
        ([None, None, None], [0, 1, 2], ""),
        (["", "", ""], [0, 1, 2], ""),
        (["2020-01-09", "9 Jan 2019", "2018-01-09"], [1, 2, 0], "1 item of profiles has no date"),
        (["2020-01-09", None, "2018-01-09"], [1, 2, 0], "1 item of profiles has no date"),
        (["09-01-2020", "08-01-2020", "x"], [0, 1, 2], "3 items of profiles have dates that"),
        ([True, [2020], None], [0, 1, 2], "2 items of profiles have dates that cannot"),
    ],
)
def test_that_profiles_are_in_the_order_of_dates_or_that_is_told(
    dates: list[object], order: list[int], told: str, tmp_path: Path
) -> None:
    profile = [
        {"text": "Rain fell.", "title": str(place), **({} if date is None else {"date": date})}
        for place, date in enumerate(dates)
    ]
    read = read_questions(
        write_questions(tmp_path / "q.json", [question("LaMP_4", profile=profile)])
    )
    assert [int(text) for _, text in read.questions[0].made] == order
    assert len(read.notices) == bool(told)
    assert "".join(read.notices).startswith(told)


def _asked(task: str, code: str, said: str, *, user: bool = False) -> dict[str, Any]:
    """A question of somebody who wrote something of their own."""
    given = {"LaMP_3": {"text": said}}.get(task, {"title": said})
    others = {"user_id": code} if user else {}
    key = f"q-{said}" if user else code
    return question(task, key, profile=[{**ITEMS[task], **given}], **others)


def _brought(study: Study, path: Path, *asked: dict[str, Any]) -> str:
    """What an import tells."""
    write_questions(path, asked)
    return " ".join(outcome(bring_questions(study, path)).notices)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (("LaMP_4", False), ("LaMP_3", False)),
        (("LaMP_4", True), ("LaMP_6", True)),
        (("LaMP_4", False), ("LaMP_4", True)),
        (("LaMP_4", True), ("LaMP_4", False)),
    ],
)
def test_that_ids_of_other_tasks_and_divisions_are_never_taken_for_the_same_people(
    first: tuple[str, bool], then: tuple[str, bool], tmp_path: Path
) -> None:
    with Study.create(tmp_path / "s.prism") as study:
        assert (
            _brought(study, tmp_path / "a.json", _asked(first[0], "1", "One", user=first[1])) == ""
        )
        before = study.own_texts()
        told = rf"1 is in the study as somebody of {first[0]} \(a.json\).*make a study for each"
        with pytest.raises(InputError, match=told):
            _brought(study, tmp_path / "b.json", _asked(then[0], "1", "Two", user=then[1]))
        assert study.own_texts() == before
        _brought(study, tmp_path / "b.json", _asked(then[0], "2", "Two", user=then[1]))
        assert {one.labeler for one in study.own_texts()} == {"1", "2"}


def test_that_people_who_were_there_already_are_told(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s.prism") as study:
        file, later = tmp_path / "train.json", tmp_path / "dev.json"
        assert (
            _brought(study, file, _asked("LaMP_4", "1", "One"), _asked("LaMP_4", "2", "Two")) == ""
        )
        # the same file: nothing comes in twice, and nothing is stored of that
        again = _brought(study, file, _asked("LaMP_4", "1", "One"))
        assert again == "1 own text was there already."
        assert len(study.imports()) == 1
        # questions of another file of the user division should be other people
        told = _brought(study, later, _asked("LaMP_4", "1", "Three"), _asked("LaMP_4", "5", "Four"))
        assert "1 person was there already, from train.json (1): what this file has" in told
        assert [doubt.kind for doubt in study.imports()[-1].doubts] == ["people"]
        # somebody who came in some other way
        study.add_labeler("7")
        told = _brought(study, tmp_path / "x.json", _asked("LaMP_4", "7", "Five"))
        assert "1 person was there already (7): what this file has" in told


def test_that_the_same_file_is_told_by_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with Study.create(tmp_path / "s.prism") as study:
        for folder, title in ((one, "One"), (other, "Two")):
            folder.mkdir()
            write_questions(folder / "train.json", [_asked("LaMP_4", "1", title)])
        monkeypatch.chdir(one)
        outcome(bring_questions(study, Path("train.json")))
        monkeypatch.chdir(other)  # another file is typed alike
        outcome(bring_questions(study, Path("train.json")))
        assert [doubt.kind for doubt in study.imports()[-1].doubts] == ["people"]
    with Study.create(tmp_path / "t.prism") as study:
        outcome(bring_questions(study, one / "train.json"))
        shutil.copy(one / "train.json", tmp_path / "copy.json")  # the same, now with its outputs
        golds = write_outputs(tmp_path / "golds.json", "LaMP_4", {"1": "Snow at last"})
        outcome(bring_questions(study, tmp_path / "copy.json", golds))
        assert study.imports()[-1].doubts == ()
        assert "from train.json (1)" in " ".join(study.imports()[-1].notices)


def test_that_a_report_tells_whose_people_came_in_words(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s.prism") as study:
        _brought(study, tmp_path / "a.json", _asked("LaMP_4", "1", "One", user=True))
        assert reading(study.imports()[0].mapping) == ["Of LaMP_4; its users are the people"]


def test_that_users_of_the_time_division_are_the_same_in_all_its_files(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s.prism") as study:
        _brought(study, tmp_path / "train.json", _asked("LaMP_4", "1", "One", user=True))
        told = _brought(study, tmp_path / "dev.json", _asked("LaMP_4", "1", "Two", user=True))
        assert told == "1 person was there already, from train.json (1)."
        assert study.imports()[-1].doubts == ()


def test_that_whoever_wrote_nothing_is_left_out_and_told(tmp_path: Path) -> None:
    silent = question("LaMP_4", "2", profile=[])
    questions = [silent, question("LaMP_4", "1"), question("LaMP_4", "3")]
    with Study.create(tmp_path / "s.prism") as study:
        write_questions(tmp_path / "q.json", questions)
        found = outcome(bring_questions(study, tmp_path / "q.json", most=2))
        assert {one.code for one in study.labelers()} == {"1", "3"}
    assert found.people == 2
    assert found.notices == ("1 person left out, for their profiles hold nothing: 2.",)


@pytest.mark.parametrize(
    ("task", "outputs", "told"),
    [
        ("LaMP_3", {"1": "2"}, "outputs of LaMP_3, and the questions are those of LaMP_2"),
        ("LaMP_2", {}, "lacks 1 output, such as that for 1"),
        ("LaMP_2", {"1": "comedy", "9": "action"}, "1 output for no question, such as that for 9"),
        ("LaMP_2", {"1": None}, "has no id or no output"),
        ("LaMP_2", {"1": " "}, "holds nothing that can be read"),
        ("LaMP_2", {"1": "funny"}, "is no label of LaMP_2"),
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
    other = write_questions(tmp_path / "other.json", [question("LaMP_3", "x", user_id="0")])
    with pytest.raises(InputError, match=r"0 is in the study as somebody of LaMP_4 \(q.json\)"):
        list(answer_questions(run, other))
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
