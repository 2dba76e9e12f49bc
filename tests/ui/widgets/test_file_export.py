"""Where an exported figure goes."""

from pathlib import Path

from prism_desktop.ui.widgets.file_export import chosen_path, plain


def test_that_the_chosen_kind_is_written_even_if_the_proposed_name_was_left(tmp_path: Path) -> None:
    assert chosen_path(tmp_path / "faces.svg", "PNG (*.png)") == tmp_path / "faces.png"
    assert chosen_path(tmp_path / "faces.svg", "SVG (*.svg)") == tmp_path / "faces.svg"
    assert chosen_path(tmp_path / "faces", "PDF (*.pdf)") == tmp_path / "faces.pdf"


def test_that_a_typed_ending_is_the_users_word(tmp_path: Path) -> None:
    assert chosen_path(tmp_path / "faces.pdf", "SVG (*.svg)") == tmp_path / "faces.pdf"


def test_that_a_file_the_dialog_did_not_ask_about_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "faces.png").touch()
    assert chosen_path(tmp_path / "faces.svg", "PNG (*.png)") == tmp_path / "faces 2.png"


def test_that_a_name_becomes_one_files() -> None:
    assert plain("faces A/B kind?") == "faces A-B kind-"
