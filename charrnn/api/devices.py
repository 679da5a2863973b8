"""A model's network in torch, on the device that was asked for."""

from charrnn.model.checkpoint import Checkpoint
from charrnn.model.devices import choose_device
from charrnn.model.network import CharRNN


def check(device: str) -> None:
    """Raise DeviceError where there is no such device."""
    choose_device(device)


def network(checkpoint: Checkpoint, device: str) -> CharRNN:
    """Make a checkpoint's network, to predict with.

    Raises:
        DeviceError: there is no such device.
    """
    return CharRNN.from_weights(checkpoint.config, checkpoint.weights).to(choose_device(device)).eval()
