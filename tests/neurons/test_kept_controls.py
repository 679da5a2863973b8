"""The untrained network's figures are kept in the cache: the same again, and only for the same question."""

import os

import numpy as np
import pytest
import torch

from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.neurons.controls import untrained_strengths
from charrnn.neurons.features import FEATURES
from charrnn.neurons.stretches import Stretches
from charrnn.neurons.tasks import task_of

QUOTES, SPACES = FEATURES["inside_quotes"], FEATURES["after_space"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def search(planted, cache):
    """A function that searches an untrained network and returns what was found and how many characters were read."""

    def search(model=planted.quote_neuron, seed=5, features=(QUOTES,), signals=("h",), precision=torch.float32):
        text, read = planted.text(seed=seed, inside=20, outside=20), []
        ids, over = planted.letters.encode(text), Stretches.over(len(text))
        tasks = [task_of(feature, text, "", over) for feature in features]
        asked = (model, ids, tasks, signals, over, precision, read.append)
        return untrained_strengths(*asked), sum(read)

    return search


def test_the_second_time_nothing_is_read_and_all_figures_are_the_same(search, cache):
    (first, read), (again, reread) = search(), search()
    assert again == first
    assert (read, reread) == (6000, 0)
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600} or os.name == "nt"
    assert search(features=(SPACES, QUOTES))[0]["inside_quotes"] == first["inside_quotes"]


@pytest.mark.parametrize(
    "other",
    [{"seed": 6}, {"features": (SPACES,)}, {"signals": ("h", "c")}, {"precision": torch.bfloat16}, {"model": 1}],
)
def test_another_question_is_not_answered_by_it(search, planted, other):
    search()
    if "model" in other:
        config = ModelConfig(len(planted.letters), "gru", hidden_size=30, embedding_size=0)
        other = {"model": CharRNN(config, torch.Generator().manual_seed(1)).eval()}
    assert search(**other)[1] == 6000


@pytest.mark.parametrize("content", [b"", b"{}", b"0" * 64 + b'\n{"a":[1,2]}', bytes(range(160, 250))])
def test_what_is_not_as_it_was_written_is_measured_anew(search, cache, content):
    first, _ = search()
    (file,) = cache.iterdir()
    file.write_bytes(content)
    assert search() == (first, 6000)
    assert search() == (first, 0)


def test_a_folder_that_cannot_be_written_keeps_nothing_and_costs_nothing(search, cache):
    cache.write_text("a file")
    (first, read), (again, reread) = search(), search()
    assert (again, reread) == (first, read)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_folder_open_to_every_user_is_not_used(search, cache):
    cache.mkdir()
    cache.chmod(0o777)
    assert search()[1] == search()[1] == 6000
    assert not list(cache.iterdir())


def test_figures_are_those_of_a_search_without_a_cache(search, planted):
    found, _ = search()
    assert 0 < found["inside_quotes"].unit < 0.9
    assert np.isfinite([found["inside_quotes"].unit, found["inside_quotes"].layer]).all()
