import pytest
import torch

from charrnn.errors import ConfigError, DeviceError
from charrnn.model import devices
from charrnn.model.devices import choose_device, choose_precision, multiplying, with_tensor_cores


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "", "CPU", "cpu:0x", "meta"])
def test_an_unknown_device_is_an_error_that_names_those_there_are(name):
    with pytest.raises(DeviceError, match=f"there is no device '{name}' here; choose one of auto, .*cpu"):
        choose_device(name)


def test_the_cpu_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")


def test_auto_is_a_device_that_computes():
    assert float(torch.ones(2, device=choose_device("auto")).sum()) == 2


def test_auto_prefers_the_first_gpu(monkeypatch):
    monkeypatch.setattr(devices.torch.cuda, "device_count", lambda: 2)
    assert choose_device() == torch.device("cuda:0")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    assert choose_device("cuda") == torch.device("cuda")
    with pytest.raises(DeviceError):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_precision_that_is_named_is_used(name):
    assert choose_precision(name, torch.device("cpu")) == getattr(torch, name)


def test_no_precision_means_one_of_the_two():
    assert choose_precision(None, torch.device("cpu")) in (torch.float32, torch.bfloat16)


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), torch.float32), ((8, 0), torch.bfloat16)])
def test_a_gpu_runs_in_bfloat16_where_its_hardware_does(monkeypatch, capability, expected):
    monkeypatch.setattr(devices.torch.cuda, "get_device_capability", lambda device: capability)
    assert choose_precision(None, torch.device("cuda")) == expected


@pytest.mark.parametrize("name", ["float16", "int8", ""])
def test_an_unknown_precision_is_an_error(name):
    with pytest.raises(ConfigError, match=r"precision is .*hoose one of float32, bfloat16"):
        choose_precision(name, torch.device("cpu"))


@pytest.mark.parametrize(("precision", "tf32"), [(torch.float32, False), (torch.bfloat16, True)])
def test_cudnn_rounds_to_tf32_only_where_bfloat16_is_asked_for_and_only_meanwhile(precision, tf32):
    before = torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32
    with with_tensor_cores(torch.device("cuda"), precision):
        assert (torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32) == (True, tf32)
    assert (torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32) == before


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_layers_multiply_in_the_number_format_that_is_asked_for(precision):
    a = torch.ones(2, 3)
    with multiplying(torch.device("cpu"), precision):
        assert (a @ a.T).dtype == precision
    assert (a @ a.T).dtype == torch.float32
