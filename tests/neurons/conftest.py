"""A small network of each cell, with random weights, a text to read, and networks whose units are planted by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from charrnn.model.config import CELL_NAMES, ModelConfig
from charrnn.model.network import CharRNN
from charrnn.text.vocabulary import Vocabulary


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


LETTERS = Vocabulary("abcdefgh “”\n")
UNIT, HIDDEN, LARGE = 3, 30, 12.0


def quotations(seed, inside, outside, length=6000, again=0.0):
    """Random letters, with quotations of `inside` characters on average and as many as `outside` between them.

    A mark comes again, before its counterpart, at such a share of the characters: then no count of marks tells
    whether a quotation is open.
    """
    random, pieces = np.random.default_rng(seed), []
    while sum(map(len, pieces)) < length:
        for marks, mean in (("", outside), ("“”", inside)):
            count = int(random.integers(mean // 2, mean * 3 // 2 + 1))
            letters = "".join(random.choice(list("abcdefgh "), count))
            if again:
                mark = "“" if marks else "”"
                letters = "".join(mark if r < again else c for r, c in zip(random.random(count), letters, strict=True))
            pieces.append(marks[:1] + letters + marks[1:])
    return "".join(pieces)[:length]


def planted_network(forget):
    """An LSTM over one-hot characters whose UNIT switches on at “, and at every other character keeps as `forget` says.

    `forget` gives the forget gate's input for each character. The unit makes the read-out expect ” where it is on; all
    other units are random, and the read-out sees them faintly.
    """
    config = ModelConfig(len(LETTERS), "lstm", hidden_size=HIDDEN, embedding_size=0)
    model = CharRNN(config, torch.Generator().manual_seed(1)).eval()
    weights = dict(model.named_weights())
    with torch.no_grad():
        weights["layers.0.weight_hh"][[UNIT + k * HIDDEN for k in range(4)]] = 0  # it hears no other unit
        weights["layers.0.weight_hh"][:, UNIT] = 0  # and none hears it: what it does, it does by itself
        opening, closing = LETTERS.encode("“”").tolist()
        weights["layers.0.weight_ih"][:, [opening, closing]] = 0  # no other unit sees a quotation mark
        rows = {gate: UNIT + k * HIDDEN for k, gate in enumerate("ifgo")}
        for gate, values in (("i", -LARGE), ("f", 0), ("g", LARGE), ("o", LARGE)):
            weights["layers.0.weight_ih"][rows[gate]] = values
            weights["layers.0.bias_ih"][rows[gate]] = 0
        weights["layers.0.weight_ih"][rows["i"], opening] = LARGE
        for character in LETTERS.characters:
            weights["layers.0.weight_ih"][rows["f"], LETTERS.encode(character)[0]] = forget(character)
        weights["readout.weight"].mul_(0.1)
        weights["readout.weight"][closing, UNIT] = 3.0
        weights["readout.bias"][closing] = -4.0
    return model


def quote_neuron():
    """UNIT is inside_quotes: on from “ to before ”."""
    return planted_network(lambda c: -LARGE if c in "“”" else LARGE)


def letter_neuron():
    """UNIT marks the letter “ and forgets it at the next character."""
    return planted_network(lambda c: -LARGE)


@pytest.fixture(scope="session")
def planted():
    """Networks with weights set by hand, and texts to read."""
    return SimpleNamespace(
        quote_neuron=quote_neuron(), letter_neuron=letter_neuron(), text=quotations, letters=LETTERS, unit=UNIT
    )
