"""Which device and which number format a model runs in, chosen or checked before the first step."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from charrnn.errors import DeviceError, check_choice
from charrnn.room import available

PRECISIONS = ("float32", "bfloat16")


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name; "auto" is the first of CUDA, MPS and CPU that is there.

    Raises:
        DeviceError: it is not there, or no device has that name.
    """
    present = ["cpu"]
    if torch.backends.mps.is_available():
        present.insert(0, "mps")
    present = [*(f"cuda:{n}" for n in range(torch.cuda.device_count())), *present]
    if name == "auto":
        return torch.device(present[0])
    if name not in present and not (name == "cuda" and "cuda:0" in present):
        raise DeviceError(f"there is no device {name!r} here", f"choose one of auto, {', '.join(present)}")
    return torch.device(name)


def memory_of(device: torch.device) -> float:
    """Return the bytes of memory that a model in this device can have at most."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return available()  # an MPS device shares the machine's


def choose_precision(name: str | None, device: torch.device) -> torch.dtype:
    """Return the number format of that name; None is bfloat16 where the hardware multiplies in it, else float32."""
    if name is not None:
        check_choice("precision", name, PRECISIONS)
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    return torch.bfloat16 if _has_bfloat16(device) else torch.float32


def name_of(precision: torch.dtype) -> str:
    """Return what `choose_precision` calls a number format."""
    return str(precision).removeprefix("torch.")


def rounded(device: torch.device, precision: torch.dtype) -> AbstractContextManager[Any]:
    """Let layers multiply in a number format; what bfloat16 would spoil stays in float32."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def with_tensor_cores(device: torch.device, precision: torch.dtype) -> AbstractContextManager[Any]:
    """Let cuDNN's recurrent layers, which take float32 alone, multiply in TF32 where the number format is bfloat16.

    It holds for the gradient too, which has to be taken within. By itself cuDNN takes TF32 in any case.
    """
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=precision != torch.float32)


@contextmanager
def multiplying(device: torch.device, precision: torch.dtype) -> Iterator[None]:
    """Read with a model in a number format, as it was trained in it: both of the above."""
    with with_tensor_cores(device, precision), rounded(device, precision):
        yield


def packed(matrix: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    """Return a matrix as `cells.product` multiplies with it fastest where it lies, in a number format.

    On a CPU that is as oneDNN wants it: on an AMD processor it multiplies float32 at twice the speed of torch.
    """
    matrix = matrix.to(precision)
    if matrix.device.type != "cpu" or not _can_pack() or (precision == torch.bfloat16 and lacks_bfloat16()):
        return matrix
    return torch.ops.mkldnn._reorder_linear_weight(matrix)


def _can_pack() -> bool:
    """Whether this torch has oneDNN, and the product that torch.compile makes of a linear layer."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def lacks_bfloat16() -> bool:
    """Return whether oneDNN has no bfloat16 for this processor (it needs AVX-512 or AMX), so that what calls it fails.

    That is torch's LSTM on a CPU, and matrices in oneDNN's own order; torch's other operations take bfloat16 anywhere.
    """
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported")):
        return False
    return not torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.11 does not tell
    return device.type == "cpu" and bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
