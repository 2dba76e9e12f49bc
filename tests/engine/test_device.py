"""The device and the precision are decided in one place and explained."""

import pytest
import torch

from prism_desktop.engine.device import Device, choose_device, precision
from prism_desktop.engine.errors import InputError


def _machine_with(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Test")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "kind"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")],
)
def test_that_the_gpu_comes_before_mps_and_mps_before_the_cpu(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, kind: str
) -> None:
    _machine_with(monkeypatch, cuda=cuda, mps=mps)
    device = choose_device()
    assert device.kind == kind
    assert device.name
    assert device.why.endswith("found.")
    assert device.torch == torch.device(kind)


def test_that_a_request_is_taken_although_a_gpu_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine_with(monkeypatch, cuda=True, mps=False)
    assert choose_device("CPU").kind == "cpu"
    assert choose_device("gpu").kind == "cuda"


@pytest.mark.parametrize("request_", ["cuda", "mps"])
def test_that_a_missing_device_is_named_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, request_: str
) -> None:
    _machine_with(monkeypatch, cuda=False, mps=False)
    with pytest.raises(InputError, match=f"no {request_} device"):
        choose_device(request_)


def test_that_an_unknown_device_is_refused() -> None:
    with pytest.raises(InputError, match="use auto, cuda, mps or cpu"):
        choose_device("tpu")


@pytest.mark.parametrize(
    ("native", "width", "sees", "chosen"),
    [
        ("avx512_bf16", 768, True, "bfloat16"),
        ("avx512_bf16", 192, True, "float32"),
        ("amx_bf16", 768, False, "bfloat16"),
        ("amx_bf16", 192, True, "bfloat16"),
        ("amx_bf16", 192, False, "float32"),
        ("amx_bf16", 64, True, "float32"),
        ("avx2", 768, True, "float32"),
    ],
)
def test_that_a_processor_uses_bfloat16_where_it_gains(
    monkeypatch: pytest.MonkeyPatch, native: str, width: int, sees: bool, chosen: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {native: True}, raising=False)
    cpu = Device("cpu", "CPU", "")
    assert precision(cpu, width=width, sees=sees).name == chosen
    assert precision(cpu, "float32", width, sees=sees).name == "float32"


def test_that_the_cpu_computes_in_what_is_asked() -> None:
    cpu = Device("cpu", "CPU", "")
    assert precision(cpu, "bfloat16").weights is torch.bfloat16
    with pytest.raises(InputError, match="auto, float32, bfloat16"):
        precision(cpu, "float8")


def test_that_a_gpu_with_bfloat16_uses_it_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine_with(monkeypatch, cuda=True, mps=False)
    gpu = Device("cuda", "GPU", "")
    assert precision(gpu).name == "bfloat16"
    assert precision(gpu, "float32").name == "float32"
