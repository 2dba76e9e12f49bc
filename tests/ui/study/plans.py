"""Hand-made plans of imports, and an engine that answers with them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prism_desktop.engine.events import Done, Event, Progress
from prism_desktop.engine.study.importing.doubts import Decision, DecisionChoice, Doubt
from prism_desktop.engine.study.importing.image_folder import import_images
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import (
    AttributePlan,
    ColumnPlan,
    ImportPlan,
    MatchedImage,
    TablePlan,
)
from prism_desktop.engine.study.records import (
    ImageRecord,
    ImportBatch,
    ImportReport,
    new_id,
)
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import draw_faces

Images = Sequence[ImageRecord]


def drawn_study(folder: Path, count: int = 12) -> Study:
    """A study of drawn faces, face-000.jpg and so on, about which nothing was judged yet."""
    draw_faces(folder / "faces", count, size=160)
    made = Study.create(folder / "faces.prism", name="Faces", attributes=("attractive",))
    for _ in import_images(made, folder / "faces"):
        pass
    return made


RATERS = ("anna", "ben", "carla", "dan")


def _column(name: str, role: str, sure: str = "sure", why: str = "", **facts: Any) -> ColumnPlan:
    facts = {"filled": 48, "different": 7, "examples": ("4", "5", "3"), **facts}
    return ColumnPlan(name, role, sure, why or f"Its name says so: {name}", **facts)  # type: ignore[arg-type]


def _matched(images: Images, answers: int = 4) -> tuple[MatchedImage, ...]:
    return tuple(
        MatchedImage(image.name, image.id, image.name, image.path, answers) for image in images
    )


def _batch(files: Sequence[Path]) -> ImportBatch:
    return ImportBatch(ImportReport(new_id(), str(files[0]), "ratings", 48, 48))


def good(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """48 ratings of 12 faces by four raters, two columns left out."""
    said = recipe or Recipe()
    columns = [
        _column("rater", "rater", different=4, examples=RATERS),
        _column("rater_age", "rater-fact", "likely", "Numbers that look like ages; one per rater"),
        _column("image", "image", different=12, examples=("face-000.jpg",)),
        _column(
            "rating",
            "judgment",
            "likely",
            "The only column whose values look like a scale",
            attribute="attractive",
            title="How attractive is this face?",
        ),
        _column("rt", "seconds", "likely", "Named like a response time, values from 0.4 to 9.2"),
        _column("date", "time", "unsure", "Dates; day and month could be told by the column"),
        _column("ITI", "ignore", "sure", "The same value in every row"),
        _column("note", "ignore", "unsure", "Free text"),
    ]
    columns = [
        replace(
            column,
            role=said.columns.get(column.name, column.role),
            confidence="given" if column.name in said.columns else column.confidence,
            attribute=(
                said.judgments.get(column.name, column.attribute or column.name)
                if said.columns.get(column.name, column.role) == "judgment"
                else ""
            ),
        )
        for column in columns
    ]
    sample = tuple(
        (
            row + 2,
            (
                RATERS[row % 4],
                str(23 + row % 4),
                images[row % 12].name,
                str(1 + (row * 5) % 7),
                f"{0.4 + row / 10:.1f}",
                f"28.11.2026 14:{row:02d}:05",
                "0.5",
                "glasses, a bit blurred" if row % 5 == 0 else "",
            ),
        )
        for row in range(48)
    )
    table = TablePlan(
        files[0].name,
        "ratings, a row each",
        ("utf-8", "semicolons", "decimal comma", "header in row 1"),
        tuple(columns),
        48,
        sample,
    )
    low, high = said.scales.get("attractive", said.scale or "1-7").split("-")
    judged = [column for column in columns if column.role == "judgment"]
    return ImportPlan(
        tuple(files),
        said.model_copy(update={"encoding": "utf-8", "delimiter": ";", "decimal": ",",
                                "rt_unit": said.rt_unit or "s",
                                "columns": {c.name: c.role for c in columns}}),
        (table,),
        tuple(
            AttributePlan(
                column.attribute,
                "rating",
                column.attribute != "attractive",
                48,
                tuple((float(value), count) for value, count in
                      zip(range(1, 8), (3, 5, 9, 12, 10, 6, 3), strict=True)),
                low=float(low),
                high=float(high),
                cuts=(2.5, 4.0, 5.5),
                found="the smallest and largest value",
            )
            for column in judged
        ),
        (),
        (),
        52,
        48,
        48 * len(judged),
        0,
        RATERS,
        _matched(images[:12]),
        (),
        (("practice trials", (2, 3, 4, 5), 4),),
        _batch(files),
    )  # fmt: skip


def doubtful(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """The same with doubts; one is about a row that the sample does not have."""
    plan = good(images, files, recipe)
    name = plan.tables[0].name
    doubts = (
        Doubt("time", "‘date’ was read as day.month.year.", name, "date", (20,), 48),
        Doubt("unit", "‘rt’ is taken for seconds.", name, "rt"),
        Doubt("name", "‘Anna’ and ‘anna’ are taken for the same rater.", name, "rater",
              (9, 13), 2),
        Doubt("left-out", "4 rows are practice trials and were left out.", name, "", (2, 3), 4),
        Doubt("far", "One value of ‘rating’ lies far from the rest of this rater's answers, and "
              "might be a typing error.", name, "rating", (900,), 1),
        Doubt("scale", "The scale 1-7 was found by the values; nobody used 7 in ‘week1.csv’.",
              name, "rating"),
        Doubt("size", "Two raters judged fewer faces than the others.", name),
    )  # fmt: skip
    return replace(plan, doubts=doubts)


def undecided(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """Two questions are open, unless the recipe decides them."""
    said = recipe or Recipe()
    plan = doubtful(images, files, said)
    name, open_ones = plan.tables[0].name, []
    if "-99" not in said.missing and not said.scale:
        open_ones.append(
            Decision(
                "missing",
                "The value -99 stands in 6 rows of ‘rating’, far from 1 to 7: is it a missing "
                "answer (--missing -99), or part of the scale (--scale -99-7)?",
                name,
                "rating",
                (7, 12, 31),
                6,
                (
                    DecisionChoice(
                        "-99 is a missing answer", "--missing -99", {"missing": ("-99",)}
                    ),
                    DecisionChoice("The scale is -99 to 7", "--scale -99-7", {"scale": "0-7"}),
                ),
            )
        )
    if said.again == "ask":
        open_ones.append(
            Decision(
                "again",
                "10 answers were given before with the same value and nothing tells whether they "
                "are second judgments: keep them (--again keep) or skip them (--again skip)?",
                name,
                "",
                (3, 4),
                10,
                (
                    DecisionChoice("They are second judgments", "--again keep", {"again": "keep"}),
                    DecisionChoice("They are there already", "--again skip", {"again": "skip"}),
                ),
            )
        )
    attribute = plan.attributes[0]
    if open_ones:
        attribute = replace(attribute, values=((-99.0, 6), *attribute.values))
    return replace(
        plan,
        attributes=(attribute, *plan.attributes[1:]),
        decisions=tuple(open_ones),
        batch=None if open_ones else plan.batch,
    )


def unmatched(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """Thirty names have no image in the study."""
    plan = good(images, files, recipe)
    lost = tuple((f"stimuli/CFD-WF-{number:03d}.jpg", 4) for number in range(30))
    return replace(plan, images=plan.images[:5], unmatched=lost, rows_kept=20, ratings=20)


def matrix(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """A row per rater, a column per face."""
    plan = good(images, files, recipe)
    faces = tuple(
        _column(image.name, "judgment", "sure", "Named like an image of the study",
                attribute="attractive", different=7, filled=4)
        for image in images[:12]
    )  # fmt: skip
    table = TablePlan(
        files[0].name,
        "a row per rater, a column per face",
        ("utf-8", "commas", "header in row 1"),
        (_column("id", "rater", different=4, filled=4, examples=RATERS), *faces),
        4,
        tuple((row + 2, (RATERS[row], *(str(1 + (row + c) % 7) for c in range(12))))
              for row in range(4)),
    )  # fmt: skip
    return replace(plan, tables=(table,), rows_read=4, rows_kept=4, left_out=())


def pairs(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """Comparisons in a workbook of two sheets."""
    plan = good(images, files, recipe)
    columns = (
        _column("worker", "rater", different=4, examples=RATERS),
        _column("image_a", "left"),
        _column("image_b", "right"),
        _column("winner", "outcome", "likely", "Its values are a, b and tie"),
    )
    sample = tuple(
        (row + 2, (RATERS[row % 4], images[row % 12].name, images[row % 11].name, "abt"[row % 3]))
        for row in range(30)
    )
    reading = ("sheet “pairs”", "header in row 1")
    tables = tuple(
        TablePlan(f"study.xlsx, sheet {name}", shape, reading, columns, 30, sample)
        for name, shape in (("pairs", "comparisons, a row each"), ("raters", "a row per rater"))
    )
    attribute = AttributePlan(
        "attractive", "comparison", False, 30, (), {"left": 13, "right": 11, "tie": 6}
    )
    return replace(
        plan, tables=tables, attributes=(attribute,), ratings=0, comparisons=30, rows_kept=30
    )


def large(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """A million rows, of which three hundred are in the sample."""
    plan = good(images, files, recipe)
    table = plan.tables[0]
    sample = tuple((row * 3_333 + 2, table.sample[row % 48][1]) for row in range(300))
    attribute = replace(
        plan.attributes[0],
        answers=1_000_000,
        values=tuple((float(value), 400 + (value * 37) % 900) for value in range(101)),
        low=0.0,
        high=100.0,
        cuts=(25.0, 50.0, 75.0),
    )
    return replace(
        plan,
        tables=(replace(table, rows=1_000_000, sample=sample),),
        attributes=(attribute,),
        rows_read=1_000_000,
        rows_kept=1_000_000,
        ratings=1_000_000,
        raters=tuple(f"w{number}" for number in range(2_500)),
        left_out=(),
    )


def wide(images: Images, files: Sequence[Path], recipe: Recipe | None = None) -> ImportPlan:
    """Four hundred columns, as Qualtrics and PsychoPy write them."""
    plan = good(images, files, recipe)
    table = plan.tables[0]
    more = tuple(
        _column(f"trials_{n}.thisTrialN.response", "ignore", "unsure" if n % 60 == 0 else "sure",
                "Another program's counter")
        for n in range(392)
    )  # fmt: skip
    return replace(
        plan,
        tables=(
            replace(
                table,
                columns=(*table.columns, *more),
                sample=tuple((row, (*cells, *(str(row) for _ in more)))
                             for row, cells in table.sample),
            ),
        ),
    )  # fmt: skip


Maker = Callable[[Images, Sequence[Path], Recipe], ImportPlan]


class FakeEngine:
    """Plans by hand, one `Progress` before each; `gates` hold answers back, in order."""

    def __init__(self, make: Maker = good) -> None:
        self.make = make
        self.asked: list[Recipe] = []
        self.replacing: list[str] = []
        self.applied: list[ImportPlan] = []
        self.gates: list[threading.Event] = []
        self.closed = 0
        self.error: Exception | None = None
        self._lock = threading.Lock()

    def plan_import(
        self,
        study: Any,
        files: Sequence[Path],
        recipe: Recipe,
        *,
        replacing: str = "",
        kept: Any = None,
    ) -> Iterator[Event[ImportPlan]]:
        """In place of `operations.plan_import`."""
        with self._lock:
            number = len(self.asked)
            self.asked.append(recipe)
            self.replacing.append(replacing)
        error = self.error
        try:
            yield Progress(1, 3, f"Reading {files[0].name}")
            if number < len(self.gates):
                self.gates[number].wait(30)
            if error is not None:
                raise error
            yield Done(self.make(study.images(), files, recipe))
        finally:
            self.closed += 1

    def apply_plan(
        self, study: Any, plan: ImportPlan, *, replacing: str = ""
    ) -> Iterator[Event[ImportReport]]:
        """In place of `operations.apply_import_plan`: stores the report alone."""
        yield Progress(0, 48, "Writing to the study")
        self.applied.append(plan)
        self.replacing.append(replacing)
        assert plan.batch is not None
        study.apply_import(plan.batch)
        yield Done(plan.batch.report)
