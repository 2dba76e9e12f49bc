"""What people call a run: kept in its folder, by its own rules, and harming nothing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from prism_desktop.cli.result_tables import with_names
from prism_desktop.engine import access
from prism_desktop.engine.errors import InputError, ReadOnlyStudyError, UnreadableError
from prism_desktop.engine.evaluation.named_results import named_reason
from prism_desktop.engine.experiments.leaderboard import leaderboard_markdown
from prism_desktop.engine.names import called, people, people_with_codes, with_codes
from prism_desktop.engine.runs import layout
from prism_desktop.engine.runs.folder import RunFolder
from prism_desktop.engine.runs.leaderboard_file import Leaderboard, MethodRow, Verdict
from prism_desktop.engine.runs.manifest import differences, read_manifest, write_manifest
from prism_desktop.engine.runs.result_files import Worst
from prism_desktop.engine.runs.run_choice import best_first, best_personal, better, marks
from prism_desktop.engine.runs.run_label import RunLabel, read_label, write_label
from prism_desktop.engine.runs.run_list import list_runs
from prism_desktop.engine.study.store import Study
from tests.ui import fabricate

HOSTILE = "<b>A&B</b> [red]\x1b]0;x\x07 \udcff\n=1+1"


@pytest.fixture
def run(tiny_study: Study) -> Path:
    return fabricate.run(
        tiny_study.path, fabricate.of_study(tiny_study), labelers=("L1", "L2", "L3")
    )


def test_that_a_name_of_any_letters_is_kept_and_the_run_stays_whole(run: Path) -> None:
    write_manifest(run)
    write_label(run, name=HOSTILE, note="one\ntwo")
    label = read_label(run)
    assert label.name.startswith("<b>A&B</b> [red]")
    assert "\n" not in label.name
    assert label.note == "one\ntwo"
    write_label(run, note="three")
    assert read_label(run).name == label.name
    manifest = read_manifest(run)
    assert manifest is not None
    assert "label.json" in manifest.files
    assert not list(differences(run))
    found = list_runs(run.parent.parent)[0]
    assert (found.label, found.note, found.damage) == (label.name, "three", "")
    RunFolder.open(run).delete()
    assert not run.exists()


def test_that_a_name_that_is_too_long_leaves_the_one_before(run: Path) -> None:
    write_label(run, name="pilot")
    with pytest.raises(InputError, match="at most 100"):
        write_label(run, name="x" * 101)
    assert read_label(run).name == "pilot"


def test_that_a_name_a_note_and_a_state_that_come_at_once_all_stay(run: Path) -> None:
    write_label(run, name="0", note="0")
    write_manifest(run)
    given = [str(count) for count in range(15)]

    def name() -> list[str]:
        return [write_label(run, name=each).name for each in given]

    def note() -> list[str]:
        return [write_label(run, note=each).note for each in given]

    def state() -> None:
        for _ in given:
            RunFolder(run).set_status("finished")

    with ThreadPoolExecutor() as together:
        names, notes = together.submit(name), together.submit(note)
        together.submit(state).result()
        assert names.result() == notes.result() == given
    assert read_label(run) == RunLabel(name=given[-1], note=given[-1])
    assert not list(differences(run))
    manifest = read_manifest(run)
    assert manifest is not None
    assert {"label.json", "status.json"} <= set(manifest.files)


@pytest.mark.parametrize("damaged", [b'{"name": "pilot", "note": "wh', b"", b'{"name": 5}'])
def test_that_a_label_that_cannot_be_read_is_not_written_over(run: Path, damaged: bytes) -> None:
    (run / layout.LABEL).write_bytes(damaged)
    with pytest.raises(UnreadableError, match="Nothing was changed"):
        write_label(run, note="later")
    assert (run / layout.LABEL).read_bytes() == damaged


def test_that_a_study_to_look_at_keeps_its_names(run: Path) -> None:
    let_go = access.hold_back(run.parent.parent, "Somebody else has it.")
    try:
        with pytest.raises(ReadOnlyStudyError):
            write_label(run, name="mine")
    finally:
        let_go()
    assert read_label(run).name == ""


def test_that_the_best_run_is_the_best_of_those_that_tell_labelers_apart(
    tiny_study: Study, run: Path
) -> None:
    faces = fabricate.of_study(tiny_study)
    for number, (method, state) in enumerate(
        (("consensus", "finished"), ("e2p-1", "stopped"), ("mlp-decoder", "finished")), start=2
    ):
        name = f"2026010{number}-120000-{method}"
        few = ("L1", "L2") if method == "mlp-decoder" else ("L1", "L2", "L3")
        fabricate.run(tiny_study.path, faces, name, method=method, state=state, labelers=few)
    runs = best_first(list_runs(tiny_study.path))
    assert [each.method for each in runs][2:] == ["consensus", "e2p-1"]
    told = {each.method: marks(each, runs) for each in runs}
    assert told["consensus"] == ("ignores labelers",)
    assert told["e2p-1"] == ("stopped",)
    assert told["mlp-decoder"] == ("2 of 3 labelers",)
    best = best_personal(runs, ("L3",))
    assert best is not None
    assert best.path == run
    consensus = runs[2]
    assert better(consensus, runs) == runs[0]
    assert better(runs[0], runs) is None


def test_that_a_leaderboard_says_name_and_code_to_who_reads_it() -> None:
    told = "No labeler loses more than 5 points; the worst is L6 with +3.0 points."
    row = MethodRow(
        method="e2p-1",
        worst=Worst(labeler="L6", difference=0.03, low=0.0, high=0.06),
        verdict=Verdict(passed=True, reasons=(told,)),
    )
    board = Leaderboard(methods=(row,), names={"L6": "Fay (L6)"})
    text = leaderboard_markdown(board)
    assert text.count("Fay (L6)") == 2
    assert leaderboard_markdown(board.model_copy(update={"names": {}})).count("L6") == 2


def test_that_tables_have_the_name_beside_the_code() -> None:
    frame = pd.DataFrame({"labeler": ["L1", "L9"], "score": [0.5, 1.5]})
    found = with_names(frame, {"L1": "Ada (L1)"})
    assert list(found.columns) == ["labeler", "labeler_name", "score"]
    assert list(found["labeler_name"]) == ["Ada (L1)", "L9"]
    assert with_codes({"L1": "Ada", "L2": "L2", "L3": "Chi (L3)"}) == {
        "L1": "Ada (L1)",
        "L2": "L2",
        "L3": "Chi (L3)",
    }


def test_that_name_and_code_stand_together_once() -> None:
    assert called("L6", "Fay") == "Fay (L6)"
    assert called("L6", "") == "L6"
    assert called("L6", "Rater l6") == "Rater l6"
    assert people([("L1", "Ada"), ("L2", "ada"), ("L3", ""), ("L4", "Dee")]) == {
        "L1": "Ada (L1)",
        "L2": "ada (L2)",
        "L3": "L3",
        "L4": "Dee",
    }
    assert people([("L1", "L2"), ("L2", "Ben")])["L1"] == "L2 (L1)"
    for told in (
        [("L1", "L1 and L2"), ("L2", "l1 and l2")],
        [("L1", "Ada"), ("L2", "Ada"), ("L3", "Ada (L1)")],
    ):
        for named in (people(told), people_with_codes(told)):
            assert list(named) == [code for code, _ in told]
            assert len({each.casefold() for each in named.values()}) == len(told)
    told = "No labeler loses more than 5 points; the worst is L6 with +3.0 points."
    assert "the worst is Fay with +3.0" in named_reason(told, {"L6": "Fay"})
    told = "L3, L4 lose more than 5 points, beyond chance."
    assert named_reason(told, {"L3": "Chi", "L4": "Dee"}).startswith("Chi, Dee lose more")
    assert called("6", "Fay 16") == "Fay 16 (6)"
