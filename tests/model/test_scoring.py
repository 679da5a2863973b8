import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from charrnn.model import readers, scoring
from charrnn.model.checkpoint import bits
from charrnn.model.scoring import nats_per_character, score_chunks


def some_ids(length=41, vocabulary_size=6):
    return np.random.default_rng(length).integers(0, vocabulary_size, length).astype(np.uint8)


@torch.no_grad()
def naive(model, ids):
    """−ln p of every character but the first, one character at a time."""
    state, nats = None, []
    for now, then in pairwise(ids):
        logits, state = model(torch.tensor([[int(now)]]), state)
        nats.append(-float(logits[0, 0].double().log_softmax(0)[int(then)]))
    return nats


def forgetting(model, strength=0.2):
    """Shrink the recurrent weights, so that after a dozen characters nothing is left of a state."""
    for name, weight in model.named_weights():
        if "weight_hh" in name:
            weight.data *= strength
        if "bias_ih" in name or "peephole" in name:
            weight.data.zero_()
    return model


@pytest.fixture
def small(monkeypatch):
    """Several readers for texts of some hundred characters, in chunks that no length is a multiple of."""
    for name, value in {"STRETCH": 60, "READERS": 3, "WARM_UP": 40}.items():
        monkeypatch.setattr(readers, name, value)
    monkeypatch.setattr(scoring, "CHUNK", 7)


def test_a_short_text_scores_as_a_loop_over_its_characters_does(make_model, cell):
    model, ids = make_model(**cell, num_layers=2), some_ids()
    assert nats_per_character(model, ids) == pytest.approx(sum(naive(model, ids)) / 40, rel=1e-6)


@pytest.mark.parametrize("length", [2, 3])
def test_the_first_character_is_context_and_not_predicted(make_model, length):
    model, ids = make_model(), some_ids(length)
    nats = torch.cat(list(score_chunks(model, ids)))
    assert nats.tolist() == pytest.approx(naive(model, ids), rel=1e-5)


@pytest.mark.parametrize("chunk", [1, 7, 40, 1000])
def test_the_length_of_chunks_does_not_matter(make_model, cell, monkeypatch, chunk):
    model, ids = make_model(**cell), some_ids()
    whole = nats_per_character(model, ids)
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    assert nats_per_character(model, ids) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("length", [119, 120, 121, 180, 181, 200])
def test_readers_side_by_side_predict_each_character_exactly_once(make_model, small, length):
    model = forgetting(make_model(cell="rnn", vocabulary_size=length, hidden_size=20), 0)
    ids = np.random.default_rng(1).permutation(length)  # every prediction has a number of its own
    together = torch.cat(list(score_chunks(model, ids))).tolist()
    assert sorted(together) == pytest.approx(sorted(naive(model, ids)), rel=1e-4)
    assert len(together) == length - 1


@pytest.mark.parametrize("length", [120, 199])
def test_readers_side_by_side_equal_one_pass_for_a_model_that_forgets(make_model, small, cell, length):
    model, ids = forgetting(make_model(**cell, num_layers=2)), some_ids(length)
    assert nats_per_character(model, ids) == pytest.approx(np.mean(naive(model, ids)), abs=1e-5)


def test_the_first_reader_starts_from_the_zero_state(make_model, small):
    model, ids = make_model(num_layers=2), some_ids(121)
    first = next(iter(score_chunks(model, ids)))[:7]
    assert first.tolist() == pytest.approx(naive(model, ids)[:7], rel=1e-5)


@pytest.mark.parametrize("chunk", [1, 11, 64])
def test_the_length_of_chunks_does_not_matter_to_readers_side_by_side(make_model, small, monkeypatch, chunk):
    model, ids = make_model(num_layers=2), some_ids(200)
    scores = nats_per_character(model, ids)
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    assert nats_per_character(model, ids) == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("length", [50, 119, 200])
def test_what_is_told_as_read_is_the_text(make_model, small, length):
    read = []
    nats_per_character(make_model(), some_ids(length), on_read=read.append)
    assert sum(read) == length - 1
    assert len(read) > 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_ids_may_be_of_any_type_that_a_vocabulary_makes(make_model, dtype):
    model = make_model()
    assert nats_per_character(model, some_ids().astype(dtype)) == nats_per_character(model, some_ids())


def test_a_model_that_knows_nothing_scores_ln_v(make_model, cell):
    model = make_model(**cell)
    for weight in (model.readout.weight, model.readout.bias):
        weight.data.zero_()
    assert nats_per_character(model, some_ids()) == pytest.approx(math.log(6))


def test_scoring_leaves_no_trace(make_model):
    model = make_model(dropout=0.5)
    before = torch.get_rng_state()
    assert nats_per_character(model, some_ids()) == nats_per_character(model, some_ids())
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.grad is None for p in model.parameters())


def test_bfloat16_scores_nearly_as_float32(make_model, cell):
    model = make_model(**cell, num_layers=2)
    exact = nats_per_character(model, some_ids())
    assert nats_per_character(model, some_ids(), torch.bfloat16) == pytest.approx(exact, rel=0.02)


def test_a_nat_is_more_than_a_bit():
    assert bits(math.log(2)) == 1
    assert bits(math.log(8)) == pytest.approx(3)
