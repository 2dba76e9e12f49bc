"""Good files made worse: whatever becomes of them is right, told as doubtful, asked or refused.

Silently wrong would be an answer that nobody gave, a person in two, a scale that the raters did
not use, or an answer lost, without a doubt that concerns it.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pytest

from prism_desktop.engine.errors import InputError
from prism_desktop.engine.study.importing.doubts import Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import AttributePlan, ImportPlan
from prism_desktop.engine.study.store import Study
from tests.fixtures.imported import concerns, normal, plan_of, planned, spelling, twins
from tests.fixtures.laboratory_files import Answer, LabFile, Laboratory, union
from tests.fixtures.laboratory_mutants import GOOD, Mutant
from tests.fixtures.laboratory_mutations import MUTATIONS, mutant

Verdict = Literal["right", "doubted", "asked", "refused"]
SEEDS, MANY, CHUNKS = 60, 2_000, 20


class SilentlyWrongError(AssertionError):
    """Something would be stored that nobody said, and nobody is told."""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_that_a_worsened_file_is_right_or_told_or_refused(
    seed: int, laboratory_study: Study, tmp_path: Path
) -> None:
    judge(mutant(seed), laboratory_study, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_that_two_thousand_worsened_files_are_right_or_told_or_refused(
    chunk: int, laboratory_study: Study, tmp_path: Path
) -> None:
    size = MANY // CHUNKS
    verdicts: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in range(1_000_000 + chunk * size, 1_000_000 + (chunk + 1) * size):
        try:
            verdicts[judge(mutant(seed), laboratory_study, tmp_path / str(seed))] += 1
        except Exception as error:  # every one of them is told, with its seed
            wrong.append(f"{seed}: {type(error).__name__}: {error}")
    assert not wrong, f"{len(wrong)} of {size} ({dict(verdicts)})\n" + "\n".join(wrong)
    # a reader that refuses everything is not careful but useless
    assert verdicts["right"] + verdicts["doubted"] > size / 3, verdicts


def judge(made: Mutant, study: Study, folder: Path) -> Verdict:
    """What becomes of a mutant.

    Raises:
        SilentlyWrongError: it would be stored wrongly without a word.
    """
    files = made.files()
    paths = [file.write(folder) for file in files]
    try:
        plan = plan_of(study, paths, Recipe.model_validate(made.given))
    except InputError as error:
        return check_refusal(made, str(error))
    if plan.decisions:
        if plan.batch is not None:
            raise SilentlyWrongError(f"{made.done}: a batch, though something must be decided")
        return "asked"
    return check(made, files, plan, planned(plan, study))


def check_refusal(made: Mutant, sentence: str) -> Verdict:
    if "othing was imported" not in sentence:
        raise AssertionError(f"{made.done}: {sentence}")
    return "refused"


def check(
    made: Mutant, files: Iterable[LabFile], plan: ImportPlan, found: Counter[Answer]
) -> Verdict:
    """Compare a plan with what the mutant says."""
    said = _one_name(made, Counter(map(normal, union(file.answers for file in files))))
    more = _one_name(made, Counter(normal(answer) for answer in made.optional))
    found = _one_name(made, found)
    wrong, lost = found - said - more, said - found
    problems = []
    if wrong and not _told(made, plan.doubts, wrong):
        problems.append(f"nobody said {list(wrong.items())[:4]}, {sum(wrong.values())} in all")
    if not lost <= Counter() and not _lost_told(plan):
        problems.append(f"lost {list(lost.items())[:4]}, {sum(lost.values())} in all")
    two = twins(plan.raters)
    if two and not concerns(plan.doubts, made.odd_rows(), [*two, *map(str.strip, two)]):
        problems.append(f"one person became two: {two}")
    problems += [text for one in plan.attributes if (text := _scale(made, one, plan.doubts))]
    if problems:
        told = [doubt.text for doubt in plan.doubts]
        raise SilentlyWrongError(
            f"{made.kind}, {', '.join(made.done)}: {'; '.join(problems)}. Told: {told}"
        )
    return "doubted" if plan.doubts or wrong or lost else "right"


def _one_name(made: Mutant, answers: Counter[Answer]) -> Counter[Answer]:
    """The judged column's attribute under one name, whatever the reader called it."""
    names = {spelling(answer.attribute) for answer in answers}
    same = {"attractive", spelling(made.judgment)}
    if len(names) == 1 and "trustworthy" not in names:
        same |= names
    renamed: Counter[Answer] = Counter()
    for answer, count in answers.items():
        name = "attractive" if answer.attribute in same else answer.attribute
        renamed[answer._replace(attribute=name)] += count
    return renamed


def _told(made: Mutant, doubts: Iterable[Doubt], wrong: Counter[Answer]) -> bool:
    """Whether a doubt concerns what is wrong: its row, its column, its code, its person."""
    names = {answer.attribute for answer in wrong} - {"attractive"}
    words = [*made.words, *names]
    return concerns(doubts, made.odd_rows(), [word for word in words if len(word) > 1])


def _lost_told(plan: ImportPlan) -> bool:
    return bool(plan.left_out or plan.unmatched or plan.doubts)


def _scale(made: Mutant, attribute: AttributePlan, doubts: Iterable[Doubt]) -> str:
    """What is wrong with an attribute's scale, if nobody is told."""
    if attribute.kind != "rating" or spelling(attribute.name) == "trustworthy":
        return ""
    if spelling(attribute.name) in {spelling(word) for word in made.words} - {
        "attractive",
        spelling(made.judgment),
    }:
        return ""  # junk, which is judged above
    if (attribute.low, attribute.high) == (1, 7):
        return ""
    if concerns(doubts, (), ["scale", attribute.name]):
        return ""
    return f"{attribute.name} on a scale of {attribute.low} to {attribute.high}"


# --- the mutations and the judging themselves, which need no reader


def test_that_every_mutation_is_drawn_and_can_be_done() -> None:
    done = Counter(name for seed in range(500) for name in mutant(seed).done)
    assert {mutation.__name__ for mutation in MUTATIONS} == set(done)
    assert min(done.values()) >= 5, done


def test_that_mutants_are_drawn_the_same_again_and_say_something() -> None:
    for seed in range(SEEDS):
        one, other = mutant(seed).files(), mutant(seed).files()
        assert [file.answers for file in one] == [file.answers for file in other]
        assert sum(len(file.answers) for file in one) >= 24, mutant(seed).done


def _plan(raters: tuple[str, ...], *doubts: Doubt, scale: tuple[float, float]) -> ImportPlan:
    attribute = AttributePlan("attractive", "rating", False, 48, (), low=scale[0], high=scale[1])
    return ImportPlan(
        (), Recipe(), (), (attribute,), doubts, (), 48, 48, 48, 0, raters, (), (), (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "scale", "text", "raters"),
    [
        ("none", (1, 7), "", ("R01",)),
        ("code", (1, 7), "-99 may be a missing answer", ("R01",)),
        ("junk", (1, 7), "position was taken for a judgment", ("R01",)),
        ("none", (-99, 99), "the scale was found by the values", ("R01",)),
        ("none", (1, 7), "r01 and R01 are taken for two people", ("R01", "r01")),
        ("twice", (1, 7), "rows that stand there twice count twice", ("R01",)),
    ],
)
def test_that_the_judging_wants_a_doubt_about_what_is_wrong(
    change: str, scale: tuple[float, float], text: str, raters: tuple[str, ...]
) -> None:
    made = GOOD[0](Laboratory())
    made.words |= {"-99", "position", "twice", "R01"}
    (file,) = made.files()
    found = Counter(map(normal, file.answers))
    first = next(iter(found))
    if change == "code":
        found[first._replace(value=-99.0)] += 1
    elif change == "junk":
        found[first._replace(attribute="position")] += 1
    elif change == "twice":
        found[first] += 1
    told = _plan(raters, Doubt("x", text), scale=scale)
    silent = _plan(raters, Doubt("time", "date was left empty"), scale=scale)
    check(made, [file], told, found)
    if not text:
        assert check(made, [file], _plan(raters, scale=scale), found) == "right"
        return
    with pytest.raises(SilentlyWrongError):
        check(made, [file], silent, found)
