"""A model's network in torch, on the device that was asked for: to predict with, or to write with."""

from collections.abc import Callable, Sequence

import torch

from charrnn.model.checkpoint import Checkpoint
from charrnn.model.clamping import Clamp
from charrnn.model.devices import choose_device, choose_precision
from charrnn.model.network import CharRNN, stepped_on
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.threads import Threads, numbers_of_threads
from charrnn.runs.allocator import keep_freed_memory


def check(device: str) -> None:
    """Raise DeviceError where there is no such device."""
    choose_device(device)


def network(checkpoint: Checkpoint, device: str) -> CharRNN:
    """Make a checkpoint's network, to predict with.

    Raises:
        DeviceError: there is no such device.
    """
    return CharRNN.from_weights(checkpoint.config, checkpoint.weights).to(choose_device(device)).eval()


def stepped(
    checkpoint: Checkpoint, device: str, precision: str | None = "float32", clamps: Sequence[Clamp] = ()
) -> SteppedCharRNN:
    """Make a checkpoint's network, to write with; None: in bfloat16 where the hardware has it.

    Raises:
        DeviceError: there is no such device.
    """
    keep_freed_memory()  # many streams' gates are large blocks too
    where = choose_device(device)
    return stepped_on(checkpoint.config, checkpoint.weights, where, choose_precision(precision, where), clamps)


def threads(on_cpu: bool, given: int | None = None, on_chosen: Callable[[str], object] = lambda told: None) -> Threads:
    """Return so many threads, or on a CPU as many as prove fastest; `on_chosen` is told how many that are."""
    measured = numbers_of_threads(torch.get_num_threads()) if on_cpu else ()
    return Threads([given] if given else measured, on_chosen)
