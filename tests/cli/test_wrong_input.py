"""Whatever is typed wrongly is answered by one sentence and exit code 2."""

from pathlib import Path

import pytest

from tests.cli.test_study_commands import run


@pytest.mark.parametrize(
    "words",
    [
        ["--nosuch"],
        ["study", "bogus"],
        ["study", "export", "a.prism"],
        ["train", "a.prism", "--epochs", "many"],
        ["demo", "a.prism", "--images", "5"],
        ["relevance", "nosuch", "--labeler", "L1", "--attribute", "kind", "--image", "a.jpg", "--png", "map.png"],
    ],
)
def test_that_wrong_words_are_answered_in_one_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("prism-desktop: ")
    assert told.err.count("\n") == 1


def test_that_a_command_group_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("study") == 2
    assert "import" in capsys.readouterr().out


def test_that_pictures_need_a_folder_that_can_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "a-file"
    taken.write_text("here already")
    assert run("screenshot", tmp_path, "--out", taken) == 2
    assert "cannot be made" in capsys.readouterr().err
