"""Tensors are read from safetensors alone, and only such as a model can hold."""

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from prism_desktop.engine.errors import UnreadableError
from prism_desktop.engine.tensor_files import read_arrays, read_header, read_tensors

GOOD = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.arange(3, dtype=np.int64)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tensors.safetensors"
    save_file(GOOD, file, metadata={"prism": json.dumps({"labelers": ["L1"]})})
    return file


def with_header(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    edit(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


def test_that_tensors_and_what_a_file_says_of_itself_come_back(path: Path) -> None:
    arrays, said = read_arrays(path)
    assert said == {"labelers": ["L1"]}
    assert all(np.array_equal(arrays[name], array) for name, array in GOOD.items())
    assert read_header(path)[0] == {"a": 24, "n": 24}
    assert read_tensors(path)[0]["a"].shape == (2, 3)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_that_numbers_that_are_none_are_refused(tmp_path: Path, number: float) -> None:
    file = tmp_path / "x.safetensors"
    save_file({"good": GOOD["a"], "odd": np.array([1, number], np.float32)}, file)
    for read in (read_arrays, read_tensors):
        with pytest.raises(UnreadableError, match=r"odd holds what is no number"):
            read(file)


HEADERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown kind": lambda h: h["a"].update(dtype="F8_E4M3"),
    "no kind": lambda h: h["a"].pop("dtype"),
    "another size": lambda h: h["a"].update(shape=[2, 4]),
    "huge shape": lambda h: h["a"].update(shape=[2**62, 4]),
    "negative": lambda h: h["a"].update(shape=[-2, -3]),
    "many axes": lambda h: h["a"].update(shape=[1] * 64 + [6]),
    "shape of text": lambda h: h["a"].update(shape=["2", "3"]),
    "no list": lambda h: h["a"].update(data_offsets=7),
    "beyond the end": lambda h: h["a"].update(data_offsets=[0, 2**40]),
    "one upon another": lambda h: h["a"].update(data_offsets=h["n"]["data_offsets"]),
    "a list": lambda h: h.update(a=[]),
    "deep": lambda h: h.update(a=json.loads("[" * 300 + "]" * 300)),
    "metadata of numbers": lambda h: h.update(__metadata__={"prism": 3}),
    "metadata is a list": lambda h: h.update(__metadata__=[]),
    "says a list": lambda h: h.update(__metadata__={"prism": "[]"}),
    "says nonsense": lambda h: h.update(__metadata__={"prism": "{"}),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_that_an_odd_header_is_refused(path: Path, kind: str) -> None:
    with_header(path, HEADERS[kind])
    with pytest.raises(UnreadableError):
        read_arrays(path)
    with pytest.raises(UnreadableError):
        read_tensors(path)


@pytest.mark.parametrize("length", [0, 1, 2**26 + 1, 2**40, 2**63, 2**64 - 1])
def test_that_a_header_that_would_fill_memory_is_not_read(path: Path, length: int) -> None:
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    with pytest.raises(UnreadableError):
        read_header(path)


def test_that_damage_is_a_sentence_or_other_numbers_but_nothing_else(path: Path) -> None:
    content, rng = path.read_bytes(), random.Random(7)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged[: rng.choice((len(damaged), rng.randrange(len(damaged))))])
        try:
            arrays, _ = read_arrays(path)
        except UnreadableError:
            continue
        assert {array.size for array in arrays.values()} == {6, 3}
