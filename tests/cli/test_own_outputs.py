"""What a command writes never takes the place of what a study, run or comparison consists of."""

import hashlib
from pathlib import Path

import pytest

from prism_desktop.cli.main import main
from prism_desktop.engine.study.store import Study
from tests.fixtures.study import fill
from tests.ui import fabricate

# words of a command, {s} the study, {r} a run, {to} what it is to write
COMMANDS = {
    "info": ("study", "info", "{s}", "--json", "{to}"),
    "agreement": ("agreement", "{s}", "--csv", "{to}"),
    "check": ("study", "check", "{s}", "--json", "{to}"),
    "runs": ("runs", "list", "{s}", "--json", "{to}"),
}
OWN = (
    "study.sqlite3", "study.sqlite3-wal", "study.lock", "runs", "runs/new.csv", "runs/one/x.csv",
    "runs/one/config.json", "runs/one/data/images.parquet", "backups/mine.csv", "images/a.csv",
    "cache/x.csv", "runs/one", "comparisons/first/leaderboard.json",
)  # fmt: skip


def _content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in ("study.lock", "study.sqlite3-wal", "study.sqlite3-shm")
    }


def run(words: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Study.create(tmp_path_factory.mktemp("own") / "s.prism", attributes=("attractive",))
    fill(made, images=6, labelers=2, comparisons=6, ratings=4)
    data = fabricate.of_study(made)
    one = fabricate.run(made.path, data, labelers=("L1", "L2"), attributes=("attractive",))
    path = made.path
    made.close()
    one.rename(path / "runs" / "one")
    for name in ("backups", "cache", "comparisons/first"):
        (path / name).mkdir(parents=True, exist_ok=True)
    (path / "comparisons" / "first" / "leaderboard.json").write_text("{}")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_that_no_output_replaces_a_part_of_a_study(
    study: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _content(study)
    for place in OWN:
        words = [each.format(s=study, to=study / place) for each in COMMANDS[command]]
        assert run(words) == 2, place
        assert capsys.readouterr().err.count("\n") == 1
    assert _content(study) == before


def test_that_no_export_replaces_a_part_of_a_study(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _content(study)
    for place in ("runs/one/data", "runs/one", "runs", ".", "images", "backups"):
        out = str(study / place)
        assert run(["study", "export", str(study), "--format", "parquet", "--out", out]) == 2
        assert "exports" in capsys.readouterr().err
    assert _content(study) == before


@pytest.mark.parametrize("place", ["out.csv", "exports/out.csv", "exports/deep/out.csv"])
def test_that_outputs_have_their_room_in_a_study(study: Path, place: str) -> None:
    (study / "exports" / "deep").mkdir(parents=True, exist_ok=True)
    for _ in range(2):  # the second takes the place of the first
        assert run(["agreement", str(study), "--csv", str(study / place)]) == 0
    assert "agreement" in (study / place).read_text(encoding="utf-8")
    assert run(["study", "export", str(study), "--out", str(study / "exports" / "all")]) == 0
