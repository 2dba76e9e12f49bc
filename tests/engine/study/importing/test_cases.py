"""Files of every kind that laboratories have: each is read right, or asked about.

What the files say is known from how they were drawn. Whatever a reader makes of them, an answer
that nobody gave is never stored, and nothing is stored before what must be decided is decided.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.images import read_image
from prism_desktop.engine.study.importing.doubts import Decision, DecisionNeededError
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import ImportPlan
from prism_desktop.engine.study.store import Study
from tests.engine.study.helpers import finished
from tests.fixtures.imported import (
    about,
    against,
    concerns,
    decided,
    offered,
    plan_of,
    planned,
    stored,
    told,
    twins,
)
from tests.fixtures.laboratory_cases import CASES
from tests.fixtures.laboratory_files import Answer, Case, LabFile, Laboratory, union
from tests.fixtures.laboratory_study import FreshStudy
from tests.fixtures.study import draw_faces

TOGETHER = [case for case in CASES if not case.steps]
STEPS = [case for case in CASES if case.steps]
# of each kind the first one that needs no decision
REALLY = list({case.kind: case for case in reversed(TOGETHER) if not case.asks}.values())


def test_that_every_kind_has_five_variants() -> None:
    counts = Counter(case.kind for case in CASES)
    assert min(counts.values()) >= 5, counts
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", TOGETHER, ids=str)
def test_that_a_file_is_read_right_or_asked_about(
    case: Case, laboratory_study: Study, tmp_path: Path
) -> None:
    files = case.files(Laboratory(**case.lab))
    paths = [file.write(tmp_path) for file in files]
    try:
        plan, asked = decide_all(case, laboratory_study, paths)
    except InputError as error:
        _allowed(case, error)
        return
    assert asked or not case.asks, "nothing was asked"
    if plan.decisions:
        return  # asked, and no answer brings more than a fact about the table
    judge(case, files, planned(plan, laboratory_study))
    judge_scale(case, plan)
    roles = {column.name: column.role for table in plan.tables for column in table.columns}
    assert {name: roles.get(name) for name in case.roles} == dict(case.roles)
    two = twins(plan.raters)
    assert not two or concerns(plan.doubts, (), map(str.strip, two)), f"one person is two: {two}"
    for pattern in case.says:
        assert re.search(pattern, told(plan), re.IGNORECASE), told(plan)


@pytest.mark.parametrize("case", REALLY, ids=str)
def test_that_an_import_stores_what_was_planned(
    case: Case, fresh_study: FreshStudy, tmp_path: Path
) -> None:
    from prism_desktop.engine.study.importing.import_files import apply_plan

    files = case.files(Laboratory(**case.lab))
    paths = [file.write(tmp_path) for file in files]
    with Study.open(fresh_study()) as study:
        try:
            plan, _ = decide_all(case, study, paths)
        except InputError as error:
            _allowed(case, error)
            return
        if plan.decisions:
            return
        report = finished(apply_plan(study, plan))
        assert stored(study) == planned(plan, study)
        assert report.rows_kept == plan.rows_kept
        assert {doubt.text for doubt in plan.doubts} == {doubt.text for doubt in report.doubts}
        assert study.check() == []


TIMED = [case for case in TOGETHER if case.kind in ("times", "rt")]
UNKNOWABLE = ("either day or month", "words")
ZONES = 14 * 3600 + 60  # s; where a file names no zone, it may be anybody's


@pytest.mark.parametrize("case", TIMED, ids=str)
def test_that_moments_and_response_times_are_right_or_left_empty(
    case: Case, laboratory_study: Study, tmp_path: Path
) -> None:
    lab = Laboratory(**case.lab)
    paths = [file.write(tmp_path) for file in case.files(lab)]
    plan, _ = decide_all(case, laboratory_study, paths)
    assert plan.batch is not None
    shown = {(row.rater, f"{row.stem}.jpg"): row for row in lab.presentations()}
    names = {image.id: image.name for image in laboratory_study.images()}
    for trial in plan.batch.trials:
        row = shown[trial.labeler, names[trial.left]]
        if trial.onset is not None:
            assert case.name not in UNKNOWABLE
            assert abs(trial.onset - row.when.timestamp()) < ZONES
        if trial.seconds is not None:
            assert trial.seconds == pytest.approx(row.seconds, abs=1e-3)
            assert trial.seconds > 0


@pytest.mark.parametrize("case", STEPS, ids=str)
def test_that_exports_which_grow_bring_each_answer_once(
    case: Case, fresh_study: FreshStudy, tmp_path: Path
) -> None:
    from prism_desktop.engine.study.importing.import_files import import_files

    files = case.files(Laboratory(**case.lab))
    heard: list[str] = []
    with Study.open(fresh_study()) as study:
        for file in files:
            path = file.write(tmp_path)
            try:
                plan, _ = decide_all(case, study, [path])
                finished(import_files(study, [path], plan.recipe))
            except InputError as error:
                _allowed(case, error)
                heard.append(str(error))
            else:
                heard.append(told(plan))
        judge(case, files, stored(study))
        assert study.check() == []
    for pattern in case.says:
        assert re.search(pattern, "\n".join(heard[1:]), re.IGNORECASE), heard


def decide_all(case: Case, study: Study, paths: Sequence[Path]) -> tuple[ImportPlan, list[str]]:
    """Decide, as the case says, all that is asked; returns the last plan and what was asked."""
    recipe = Recipe.model_validate(dict(case.given))
    asked: list[str] = []
    for _ in range(5):
        plan = plan_of(study, paths, recipe)
        if not plan.decisions:
            return plan, asked
        assert plan.batch is None
        _refused(study, paths, recipe)
        if not case.decide:
            _check_asked(case, plan.decisions)
            return plan, [decision.text for decision in plan.decisions]
        for decision in plan.decisions:
            asked.append(decision.text)
            recipe = _decide(case, decision, recipe)
    raise AssertionError(f"it is asked again and again: {asked}")


def _decide(case: Case, decision: Decision, recipe: Recipe) -> Recipe:
    """What the decision is about is what the case lets be asked, and what is right is offered."""
    _check_asked(case, [decision])
    if case.offers and case.decide:
        choice = offered(decision, case.decide)
        assert choice is not None, [choice.option for choice in decision.choices]
        return decided(recipe, choice.change)
    return decided(recipe, case.decide)


def _check_asked(case: Case, decisions: Sequence[Decision]) -> None:
    allowed = [option for option in (case.asks, *case.may_ask) if option]
    for decision in decisions:
        assert any(about(decision, option) for option in allowed), decision.text
        assert decision.choices or "--" in decision.text


def _refused(study: Study, paths: Sequence[Path], recipe: Recipe) -> None:
    """An import that needs a decision says which one, and stores nothing."""
    from prism_desktop.engine.study.importing.import_files import import_files

    before = stored(study)
    with pytest.raises(DecisionNeededError) as error:
        finished(import_files(study, paths, recipe))
    for decision in error.value.decisions:
        assert decision.text in str(error.value)
    assert stored(study) == before


def _allowed(case: Case, error: InputError) -> None:
    """A file may be refused only where the case says so, in a sentence that says what was kept."""
    if not case.may_refuse:
        raise error
    assert "othing was imported" in str(error)


def judge(case: Case, files: Sequence[LabFile], found: Counter[Answer]) -> None:
    """Nothing is stored that nobody said, and nothing that was said is lost."""
    truth = union(file.answers for file in files)
    more = tuple(answer for file in files for answer in file.optional)
    how = {"open_name": case.open_name, "open_raters": case.open_raters}
    wrong = against((*truth, *more), found, **how).wrong
    lost = against(truth, found, **how).lost
    assert not wrong, f"stored, though nobody said it: {list(wrong.items())[:5]}"
    assert not lost, f"said, but lost: {list(lost.items())[:5]} of {sum(lost.values())}"


def judge_scale(case: Case, plan: ImportPlan) -> None:
    """The scale holds the ratings, and is the one that the raters used where that is known."""
    for attribute in plan.attributes:
        if attribute.kind != "rating" or attribute.low is None or attribute.high is None:
            continue
        if case.scale is not None:
            assert (attribute.low, attribute.high) == case.scale, attribute.found
        seen = [value for value, _ in attribute.values]
        if seen:
            assert attribute.low <= min(seen) <= max(seen) <= attribute.high
            width = max(seen) - min(seen)
            told_of = any(doubt.kind == "scale" and attribute.name in doubt.text
                          for doubt in plan.doubts)  # fmt: skip
            assert told_of or attribute.high - attribute.low <= max(2 * width, 6), attribute.found


AWKWARD = ("Zoë 1.jpg", "Zoë 2.jpg", "müller_01.JPG", "a/01.jpg", "b/01.jpg", "b/002.jpg")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Zoe\u0308 1.jpg", "Zoë 1.jpg"),
        ("Zo%C3%AB%201.jpg", "Zoë 1.jpg"),
        ("Zoe%CC%88%202.jpg", "Zoë 2.jpg"),
        ("ZOË 2.JPG", "Zoë 2.jpg"),
        ("https://example.org/f/Zo%C3%AB%202.jpg?x=1", "Zoë 2.jpg"),
        ("M\u00dcLLER_01", "müller_01.JPG"),
        ("mu\u0308ller_01.jpg", "müller_01.JPG"),
        ("a\\01.jpg", "a/01.jpg"),
        ("faces/b/01.jpg", "b/01.jpg"),
        ("002", "b/002.jpg"),
        ("2", "b/002.jpg"),
        ("01.jpg", None),  # two images have that name
        ("1", None),
        ("Zoe 1.jpg", None),  # another name
        ("Zoë.jpg", None),
    ],
)
def test_that_a_name_is_matched_however_a_system_writes_it_or_told(
    written: str, meant: str | None, awkward_study: Study, tmp_path: Path
) -> None:
    sure = [f"r{n},b/002.jpg,{n}\n" for n in range(1, 8)]
    path = tmp_path / "table.csv"
    path.write_text("rater,image,attractive\n" + "".join(sure) + f'r9,"{written}",3\n', "utf-8")
    plan = plan_of(awkward_study, [path])
    found = {answer.images[0] for answer in planned(plan, awkward_study) if answer.rater == "r9"}
    if meant is None:
        assert found == set()
        assert plan.decisions or written in told(plan)
    else:
        assert found == {meant} or written in told(plan)
        assert found <= {meant}


@pytest.fixture(scope="module")
def awkward_study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """Images whose names systems write in different ways."""
    folder = tmp_path_factory.mktemp("awkward")
    drawn = draw_faces(folder / "faces", len(AWKWARD))
    with Study.create(folder / "awkward.prism", attributes=("attractive",)) as study:
        study.add_images(read_image(path, name) for path, name in zip(drawn, AWKWARD, strict=True))
        yield study


# --- the generators and the judging itself, which need no reader


def test_that_drawn_files_say_what_stands_in_them_and_are_drawn_the_same_again() -> None:
    for case in CASES:
        files, again = (case.files(Laboratory(**case.lab)) for _ in range(2))
        assert [file.answers for file in files] == [file.answers for file in again], case
        assert len({file.name for file in files}) == len(files), case
        for file in files:
            assert file.content, case
            plain = file.name.endswith((".csv", ".tsv", ".jsonl")) and b"\0" not in file.content
            for answer in file.answers:
                assert all(re.fullmatch(r"X0(0[1-9]|1[0-2])\.jpg", name) for name in answer.images)
                assert not plain or _digits(answer.images[0]) in file.content.decode("cp437"), case


def _digits(image: str) -> str:
    """What every way of writing the face's name has: its number, zeros lost or not."""
    return image.removeprefix("X").removesuffix(".jpg").lstrip("0")


def test_that_the_judging_finds_what_is_wrong() -> None:
    case = next(case for case in CASES if case.kind == "london" and not case.open_name)
    (file,) = case.files(Laboratory())
    right = Counter(file.answers)
    first = file.answers[0]
    judge(case, [file], right)
    for wrong in (
        right + Counter([first]),  # twice
        right - Counter([first]) + Counter([replace_value(first, -99.0)]),
        right + Counter([first._replace(attribute="age")]),
        right - Counter([first]),
        right - Counter([first]) + Counter([first._replace(rater="somebody")]),
    ):
        with pytest.raises(AssertionError, match=r"nobody said it|lost"):
            judge(case, [file], wrong)


def test_that_a_name_left_open_is_open_for_one_judgment_only() -> None:
    case = replace(next(case for case in CASES if case.kind == "london"), open_name=True)
    (file,) = case.files(Laboratory())
    renamed = Counter(answer._replace(attribute="rating") for answer in file.answers)
    judge(case, [file], renamed)
    with pytest.raises(AssertionError, match="nobody said it"):
        judge(case, [file], renamed + Counter([file.answers[0]._replace(attribute="age")]))


def replace_value(answer: Answer, value: float) -> Answer:
    return answer._replace(value=value)
