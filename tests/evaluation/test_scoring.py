import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from charrnn.evaluation import scoring
from charrnn.evaluation.scoring import UNKNOWN_NATS, nats_per_character, score_blocks, score_text
from charrnn.model.checkpoint import bits
from charrnn.text.vocabulary import Vocabulary


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


def remembering(model, strength=3.0):
    """Make the forget gates keep all and the inputs small, so that a state hardly ever forgets how it began."""
    H = model.config.hidden_size
    for name, weight in model.named_weights():
        if "bias_ih" in name:
            weight.data[H : 2 * H] = strength
    return model


@pytest.fixture
def small(monkeypatch):
    """Several blocks of several readers for texts of some hundred characters, in chunks that do not fit into them."""
    for name, value in {"STRETCH": 60, "READERS": 3, "SHORTEST": 20, "CHUNK": 7}.items():
        monkeypatch.setattr(scoring, name, value)


def all_nats(model, ids):
    return torch.cat(list(score_blocks(model, ids)))


def test_a_short_text_scores_as_a_loop_over_its_characters_does(make_model, cell):
    model, ids = make_model(**cell, num_layers=2), some_ids()
    assert nats_per_character(model, ids) == pytest.approx(sum(naive(model, ids)) / 40, rel=1e-6)


@pytest.mark.parametrize("length", [2, 3])
def test_the_first_character_is_context_and_not_predicted(make_model, length):
    model, ids = make_model(), some_ids(length)
    nats = all_nats(model, ids)
    assert nats.tolist() == pytest.approx(naive(model, ids), rel=1e-5)


@pytest.mark.parametrize("chunk", [1, 7, 40, 1000])
def test_the_length_of_chunks_does_not_matter(make_model, cell, monkeypatch, chunk):
    model, ids = make_model(**cell), some_ids()
    whole = nats_per_character(model, ids)
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    assert nats_per_character(model, ids) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("length", [39, 40, 41, 60, 61, 181, 182, 200, 361, 400])
def test_readers_side_by_side_equal_one_pass_character_by_character(make_model, small, cell, length):
    model, ids = make_model(**cell, num_layers=2), some_ids(length)
    np.testing.assert_allclose(all_nats(model, ids), naive(model, ids), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "peephole"])
@pytest.mark.parametrize("strength", [3.0, 12.0])
def test_readers_side_by_side_equal_one_pass_where_nothing_is_forgotten(make_model, small, cell, strength):
    model, ids = remembering(make_model(cell=cell, num_layers=2), strength), some_ids(300)
    afresh = all_nats(model, ids[180:])
    assert np.abs(afresh.numpy() - naive(model, ids)[180:]).max() > 1e-3  # how it began does matter
    np.testing.assert_allclose(all_nats(model, ids), naive(model, ids), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 11, 64])
@pytest.mark.parametrize("readers", [1, 2, 5])
def test_neither_chunks_nor_readers_matter_to_a_score(make_model, small, monkeypatch, chunk, readers):
    model, ids = make_model(num_layers=2), some_ids(400)
    scores = nats_per_character(model, ids)
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    monkeypatch.setattr(scoring, "READERS", readers)
    assert nats_per_character(model, ids) == pytest.approx(scores, abs=1e-6)


def test_rounded_readings_side_by_side_equal_one_nearly(make_model, small, monkeypatch, cell):
    model, ids = make_model(**cell, num_layers=2), some_ids(300)
    scores = nats_per_character(model, ids, torch.bfloat16)
    monkeypatch.setattr(scoring, "READERS", 1)
    assert nats_per_character(model, ids, torch.bfloat16) == pytest.approx(scores, rel=0.01)


def test_what_is_unknown_is_charged_and_not_shown(make_model):
    model, vocabulary = make_model(), Vocabulary("abcdef")
    ids = vocabulary.encode("abcfade")
    score = score_text(model, vocabulary, "?abcXfadYe")
    known = naive(model, ids)
    expected = [UNKNOWN_NATS, 0, *known[:2], UNKNOWN_NATS, *known[2:5], UNKNOWN_NATS, known[5]]
    np.testing.assert_allclose(score.nats, expected, rtol=1e-5)
    assert (score.unknown, score.characters) == (3, 9)
    assert score.total == pytest.approx(sum(expected))
    assert score.nats_per_character == pytest.approx(sum(expected) / 9)
    assert score.perplexity == pytest.approx(math.exp(sum(expected) / 9))


@pytest.mark.parametrize("text", ["??", "?a", "a?"])
def test_a_text_of_which_nothing_can_be_predicted_costs_what_is_unknown(make_model, text):
    score = score_text(make_model(), Vocabulary("abcdef"), text)
    assert score.total == pytest.approx(score.unknown * UNKNOWN_NATS)
    assert score.nats_per_character == pytest.approx(UNKNOWN_NATS)


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
