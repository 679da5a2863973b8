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
UNIT, OTHER_UNIT, HIDDEN, LARGE = 3, 8, 30, 12.0


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


GATES = {"lstm": "ifgo", "peephole": "ifgo", "gru": "rzn", "rnn": "h"}
CLOSE = LETTERS.encode("”")[0]


def with_lone_units(cell, units):
    """A network over one-hot characters in which some units hear no other and none hears them, and its weights.

    No unit sees a quotation mark yet, and the read-out sees all units faintly.
    """
    config = ModelConfig(len(LETTERS), cell, hidden_size=HIDDEN, embedding_size=0)
    model = CharRNN(config, torch.Generator().manual_seed(1)).eval()
    weights = {name: weight.requires_grad_(False) for name, weight in model.named_weights()}
    rows = [unit + k * HIDDEN for unit in units for k in range(len(GATES[cell]))]
    weights["layers.0.weight_hh"][rows] = 0
    weights["layers.0.weight_hh"][:, units] = 0
    weights["layers.0.weight_ih"][:, LETTERS.encode("“”").tolist()] = 0
    for name in ("weight_ih", "bias_ih", "bias_hh"):
        weights[f"layers.0.{name}"][rows] = 0
    if cell == "peephole":
        weights["layers.0.peephole"][:, units] = 0
    weights["readout.weight"].mul_(0.1)
    return model, weights


def gate(weights, cell, unit, name, everywhere, **characters):
    """Let a unit's gate see a number at every character, and others at some."""
    row = weights["layers.0.weight_ih"][unit + GATES[cell].index(name) * HIDDEN]
    row[:] = everywhere
    for character, number in characters.items():
        row[LETTERS.encode(character)[0]] = number


def remember(weights, cell, unit, opening, closing):
    """Plant a unit that is high from one character on until another comes, and low else."""
    if cell == "rnn":
        weights["layers.0.weight_hh"][unit, unit] = 3
        gate(weights, cell, unit, "h", 0, **{opening: LARGE, closing: -LARGE})
    elif cell == "gru":
        gate(weights, cell, unit, "z", LARGE, **{opening: -LARGE, closing: -LARGE})
        gate(weights, cell, unit, "n", 0, **{opening: LARGE, closing: -LARGE})
    else:
        gate(weights, cell, unit, "i", -LARGE, **{opening: LARGE})
        gate(weights, cell, unit, "f", LARGE, **{opening: -LARGE, closing: -LARGE})
        gate(weights, cell, unit, "g", LARGE)
        gate(weights, cell, unit, "o", LARGE)


def quote_neuron(cell="lstm"):
    """UNIT is inside_quotes, on from “ to before ”, and makes the read-out expect ” where it is on."""
    model, weights = with_lone_units(cell, [UNIT])
    remember(weights, cell, UNIT, "“", "”")
    weights["readout.weight"][CLOSE, UNIT] = 3.0
    weights["readout.bias"][CLOSE] = -4.0
    return model


def twin_neurons():
    """UNIT and OTHER_UNIT are inside_quotes, both, and together make the read-out expect ”."""
    model, weights = with_lone_units("lstm", [UNIT, OTHER_UNIT])
    for unit in (UNIT, OTHER_UNIT):
        remember(weights, "lstm", unit, "“", "”")
        weights["readout.weight"][CLOSE, unit] = 2.0
    weights["readout.bias"][CLOSE] = -4.0
    return model


def two_neurons(cell):
    """UNIT is inside_quotes, and OTHER_UNIT is on from each a to before the next b."""
    model, weights = with_lone_units(cell, [UNIT, OTHER_UNIT])
    remember(weights, cell, UNIT, "“", "”")
    remember(weights, cell, OTHER_UNIT, "a", "b")
    return model


def letter_neuron():
    """UNIT marks the letter “ and forgets it at the next character."""
    model, weights = with_lone_units("lstm", [UNIT])
    for name, everywhere in (("i", -LARGE), ("f", -LARGE), ("g", LARGE), ("o", LARGE)):
        gate(weights, "lstm", UNIT, name, everywhere)
    gate(weights, "lstm", UNIT, "i", -LARGE, **{"“": LARGE})
    return model


@pytest.fixture(scope="session")
def planted():
    """Networks with weights set by hand, and texts to read."""
    return SimpleNamespace(
        quote_neuron=quote_neuron(),
        letter_neuron=letter_neuron(),
        twin_neurons=twin_neurons(),
        quote_neuron_in=quote_neuron,
        two_neurons_in=two_neurons,
        text=quotations,
        letters=LETTERS,
        unit=UNIT,
        other_unit=OTHER_UNIT,
    )
