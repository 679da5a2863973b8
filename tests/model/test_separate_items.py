"""A model of items that reads several begins each from the zero state, however they are read."""

import numpy as np
import pytest
import torch

from charrnn.evaluation.item_scoring import item_blocks
from charrnn.evaluation.scoring import score_blocks
from charrnn.model.network import stepped
from charrnn.neurons.recording import record

END = 5
ITEMS = [[0, 1, 2], [3], [4, 4, 1, 0, 2, 3, 1], [2, 2]]
IDS = np.array([END, *(x for item in ITEMS for x in [*item, END])])


@pytest.fixture
def model(make_model, cell):
    made = make_model(2, num_layers=2, **cell)
    made.end = END
    return made


def alone(model, item):
    """The logits of one item that is read alone, and every unit's h, [L, T, H]."""
    model.end = None
    logits, _, signals = model.record(torch.tensor([[END, *item]]), None, ["h"])
    model.end = END
    return logits[0], signals["h"][:, 0]


def test_items_read_one_after_the_other_are_as_each_alone(model):
    ids = torch.from_numpy(IDS)[None]
    logits, _ = model(ids)
    recorded, _, signals = model.record(ids, None, ["h"])
    stepped_logits, _ = stepped(model)(ids)
    start = 0
    for item in ITEMS:
        expected, hidden = alone(model, item)
        places = slice(start, start + len(item) + 1)
        for found in (logits, recorded, stepped_logits):
            assert torch.allclose(found[0, places], expected, atol=1e-5)
        assert torch.allclose(signals["h"][:, 0, places], hidden, atol=1e-5)
        start += len(item) + 1


@pytest.mark.parametrize("cut", [2, 4, 5])
def test_a_chunk_may_end_anywhere(model, cut):
    ids = torch.from_numpy(IDS)[None]
    whole, _ = model(ids)
    first, state = model(ids[:, :cut])
    second, _ = model(ids[:, cut:], state)
    assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-5)


def test_what_scores_a_running_text_scores_items_then(model):
    nats = torch.cat(list(score_blocks(model, IDS)))
    assert torch.allclose(nats, torch.cat(list(item_blocks(model, IDS, end=END))), atol=1e-5)


def test_a_recording_of_a_later_item_is_that_of_the_item_alone(model):
    start = len(ITEMS[0]) + len(ITEMS[1]) + 2
    recorded = record(model, IDS, ["h"], start, start + len(ITEMS[2]) + 1)
    _, hidden = alone(model, ITEMS[2])
    assert np.allclose(recorded.signals["h"], hidden.detach().numpy(), atol=1e-5)
