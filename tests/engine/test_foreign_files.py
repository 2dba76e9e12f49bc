"""What comes from elsewhere is read without waiting, up to a limit, and never taken for more."""

import os
from pathlib import Path

import pytest

from prism_desktop.engine.foreign_files import RefusedFileError, read_foreign
from prism_desktop.engine.json_files import parse_json, read_json


def test_that_a_plain_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    assert read_foreign(path) == b"abc"


def test_that_nothing_but_a_plain_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedFileError, match="named pipe"):
        read_foreign(tmp_path / "pipe")
    with pytest.raises(RefusedFileError, match="folder"):
        read_foreign(tmp_path)
    with pytest.raises(RefusedFileError, match="device"):
        read_foreign(Path("/dev/zero"))
    (tmp_path / "nowhere").symlink_to("not-there")
    with pytest.raises(RefusedFileError, match="leads nowhere"):
        read_foreign(tmp_path / "nowhere")
    (tmp_path / "ring").symlink_to("ring")
    with pytest.raises(RefusedFileError, match="leads to itself"):
        read_foreign(tmp_path / "ring")


def test_that_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 3 * 1024**2)
    assert len(read_foreign(path, 3 * 1024**2)) == 3 * 1024**2
    with pytest.raises(RefusedFileError, match="larger than 2 MB"):
        read_foreign(path, 2 * 1024**2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "empty"),
        (b"{", "no JSON"),
        (b"\xff{}", "no text in UTF-8"),
        (b"\0\0\0\0\0", "no JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_that_odd_json_is_refused_with_the_reason(text: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=why):
        parse_json(text)
    (tmp_path / "a.json").write_bytes(text)
    assert read_json(tmp_path / "a.json") is None


def test_that_numbers_which_json_lacks_fit_no_numbers_place() -> None:
    value = parse_json(b'{"a": NaN, "b": 1e999, "c": 123456789012345678901234567890, "d": 1.5}')
    assert value["d"] == 1.5
    assert all(isinstance(value[name], str) for name in "abc")


def test_that_a_file_written_while_it_is_looked_for_is_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, look = tmp_path / "late.json", os.stat

    def written_now(place: Path, **options: bool) -> os.stat_result:
        if place == path and "follow_symlinks" not in options:
            path.write_text("{}")
            raise FileNotFoundError(place)
        return look(place, **options)

    with monkeypatch.context() as patched:
        patched.setattr("prism_desktop.engine.foreign_files.os.stat", written_now)
        with pytest.raises(FileNotFoundError):
            read_foreign(path)
    assert read_foreign(path) == b"{}"
