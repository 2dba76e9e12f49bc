"""The recipe that an import is stored with reads the same file in the same way: Redo and Read anew
stand on it."""

import shutil
from pathlib import Path

import pytest

from prism_desktop.engine.events import Done
from prism_desktop.engine.study.importing.import_files import import_files
from prism_desktop.engine.study.importing.import_recipe import Recipe, parse_recipe
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import MakeStudy

FACES = tuple(f"face-{n:03d}" for n in range(12))


def _value(person: int, face: int) -> int:
    return 1 + (person * 5 + face * 3) % 7


def _matrix(*, ids: bool, facts: bool) -> str:
    head = [*(["id"] * ids), *(["rater_age"] * facts), *FACES]
    rows = [
        [*([f"p{p}"] * ids), *([str(20 + p)] * facts), *(str(_value(p, f)) for f in range(12))]
        for p in range(4)
    ]
    return "\n".join(",".join(row) for row in [head, *rows])


def _reversed() -> str:
    rows = [[FACES[f], *(str(_value(p, f)) for p in range(4))] for f in range(12)]
    return "\n".join(",".join(row) for row in [["image", "R01", "R02", "R03", "R04"], *rows])


def _long() -> str:
    rows = [f"p{p},{FACES[f]},{_value(p, f)},{700 + f}" for p in range(4) for f in range(12)]
    return "\n".join(["participant,image,rating,rt", *rows])


@pytest.mark.parametrize(
    "text",
    [_matrix(ids=True, facts=False), _matrix(ids=False, facts=True), _matrix(ids=True, facts=True),
     _reversed(), _long()],
    ids=["rows per rater", "nameless rows", "rows with facts", "rows per image", "long"],
)  # fmt: skip
def test_that_the_stored_recipe_reads_the_same(
    make_study: MakeStudy, tmp_path: Path, text: str
) -> None:
    study = make_study(images=12, labelers=0)
    study.close()
    file = tmp_path / "ratings.csv"
    file.write_text(text, "utf-8")
    found: list[list[tuple[object, ...]]] = []
    recipe = Recipe(judgments={"*": study_attribute(study.path)})
    for number in range(2):
        place = tmp_path / f"copy-{number}.prism"
        shutil.copytree(study.path, place)
        with Study.open(place) as copy:
            done = list(import_files(copy, [file], recipe))[-1]
            assert isinstance(done, Done)
            recipe = parse_recipe(done.value.recipe)
            table = copy.ratings()
            found.append(sorted(table[["labeler", "image", "attribute", "raw"]]
                                .itertuples(index=False, name=None)))  # fmt: skip
    assert len(found[0]) == 48
    assert found[0] == found[1]


def study_attribute(path: Path) -> str:
    """The first attribute of a study."""
    with Study.open(path) as study:
        return study.attributes()[0].name
