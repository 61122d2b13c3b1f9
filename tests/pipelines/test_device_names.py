from __future__ import annotations

import pytest

from pipelines.devices import CPU, KINDS, Device, parse_device
from pipelines.errors import OptionError


@pytest.mark.parametrize("kind", KINDS[1:])
def test_every_kind_has_numbered_devices(kind: str) -> None:
    assert parse_device(f"{kind}:3") == Device(kind, (3,))
    assert parse_device(kind) == Device(kind, (0,))
    assert str(parse_device(kind.upper())) == f"{kind}:0"


def test_the_cpu_has_no_number() -> None:
    assert parse_device(" cpu ") == CPU
    assert str(CPU) == "cpu"
    with pytest.raises(OptionError, match="'cpu:0'"):
        parse_device("cpu:0")


def test_several_devices_keep_the_order_they_were_named_in() -> None:
    device = parse_device("gpu:2, 0")
    assert (device.indices, device.index, str(device)) == ((2, 0), 2, "gpu:2,0")
    assert device.each == (Device("gpu", (2,)), Device("gpu", (0,)))
    assert parse_device(str(device)) == device


def test_a_pipeline_on_several_covers_each_of_them_and_no_other() -> None:
    device = parse_device("gpu:0,1")
    assert device.covers(parse_device("gpu:1"))
    assert device.covers(parse_device("gpu:1,0"))
    assert not device.covers(parse_device("gpu:2"))
    assert not device.covers(parse_device("npu:0"))


@pytest.mark.parametrize(
    "text", ["", "tpu:0", "gpu:", "gpu:-1", "gpu:0,", "gpu:0;1", "gpu:a", "gpu:1234", "gpu 0", "gpu:0:1"]
)
def test_anything_else_is_refused_with_the_kinds_there_are(text: str) -> None:
    with pytest.raises(OptionError, match="device: expected 'cpu' or one of gpu, npu, xpu, mlu, dcu"):
        parse_device(text)


def test_a_device_named_twice_is_refused() -> None:
    with pytest.raises(OptionError, match="'gpu:1,1' names one device twice"):
        parse_device("gpu:1,1")


@pytest.mark.parametrize(("text", "meant"), [("cuda:1", "gpu:1"), ("cuda", "gpu:0"), ("ROCm:0", "dcu:0")])
def test_what_other_programs_call_a_device_is_answered_with_its_name_here(text: str, meant: str) -> None:
    with pytest.raises(OptionError, match=f"did you mean {meant}"):
        parse_device(text)
