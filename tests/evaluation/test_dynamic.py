import numpy as np
import pytest
import torch

from charrnn.evaluation.dynamic import SEGMENT, score_dynamically
from charrnn.evaluation.scoring import score_blocks

IDS = np.tile(np.array([0, 3, 1, 1, 5, 2], np.uint8), 30)


def nats(model, *options):
    return torch.cat(list(score_dynamically(model, IDS, *options)))


def test_without_a_rate_it_is_static(make_model, cell):
    model = make_model(**cell, num_layers=2)
    torch.testing.assert_close(nats(model, 0.0, 0.0), torch.cat(list(score_blocks(model, IDS))), rtol=1e-4, atol=1e-5)


def test_a_stretch_is_predicted_before_it_is_learned_from(make_model, cell):
    model = make_model(**cell)
    static = nats(model, 0.0, 0.0)
    torch.testing.assert_close(nats(model)[:SEGMENT], static[:SEGMENT])
    assert not torch.allclose(nats(model)[SEGMENT:], static[SEGMENT:])


def test_a_text_that_repeats_is_predicted_better_and_better(make_model, cell):
    model = make_model(**cell)
    saved = nats(model, 0.0, 0.0) - nats(model, 2e-2)
    assert saved[-60:].mean() > 0.2
    assert saved[-60:].mean() > saved[:60].mean()


def test_a_full_decay_leaves_the_weights_where_they_were(make_model, cell):
    model = make_model(**cell)
    torch.testing.assert_close(nats(model, 1e-2, 1.0), nats(model, 0.0, 0.0))


def test_the_model_stays_as_it_is(make_model, cell):
    model = make_model(**cell)
    before = {name: weight.copy() for name, weight in model.weights().items()}
    nats(model)
    np.testing.assert_equal(model.weights(), before)


def test_the_first_step_is_of_the_size_of_the_rate(make_model):
    """The first gradient is its own mean square: each weight that has one moves by the rate against its sign."""
    model, rate = make_model(), 1e-2
    ids = IDS[: 2 * SEGMENT + 1]
    moved = torch.cat(list(score_dynamically(model, ids, rate, 0.0)))[SEGMENT:]
    model.requires_grad_()
    text = torch.tensor(ids.astype(int))[None]
    logits, state = model(text[:, :SEGMENT])
    torch.nn.functional.cross_entropy(logits[0], text[0, 1 : SEGMENT + 1]).backward()
    with torch.no_grad():
        for weight in model.parameters():
            weight -= rate * weight.grad.sign() * (weight.grad.abs() > 1e-5)
        logits, _ = model(text[:, SEGMENT:-1], state)
    expected = torch.nn.functional.cross_entropy(logits[0], text[0, SEGMENT + 1 :], reduction="none")
    torch.testing.assert_close(moved, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("length", [2, SEGMENT, SEGMENT + 1, SEGMENT + 2])
def test_all_characters_but_the_first_are_predicted_once(make_model, length):
    told = []
    found = torch.cat(list(score_dynamically(make_model(), IDS[:length], on_read=told.append)))
    assert len(found) == length - 1 == sum(told)
