"""A small network of each cell, with random weights, and a text to read."""

import numpy as np
import pytest
import torch

from charrnn.model.config import CELL_NAMES, ModelConfig
from charrnn.model.network import CharRNN


def network(cell="lstm"):
    config = ModelConfig(7, cell=cell, num_layers=2, hidden_size=5, embedding_size=3)
    return CharRNN(config, torch.Generator().manual_seed(3)).eval()


@pytest.fixture(params=CELL_NAMES)
def each_model(request):
    return network(request.param)


@pytest.fixture
def model():
    return network()


@pytest.fixture
def ids():
    return np.random.default_rng(1).integers(0, 7, 23).astype(np.uint8)
