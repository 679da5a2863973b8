"""Commands that read with a model time their own pieces; --threads fixes the number, and figures stay what they are."""

import json

import pytest
import torch


@pytest.fixture
def torch_threads():
    """What torch has is put back after a test."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_given_threads_are_used(charrnn, run, book, torch_threads):
    for number in (2, 1):
        assert charrnn("score", run, book, "--threads", number).status == 0
        assert torch.get_num_threads() == number


def test_a_reading_command_says_what_it_measured(charrnn, run, book, torch_threads, monkeypatch):
    monkeypatch.setattr("charrnn.evaluation.scoring.CHUNK", 1)
    monkeypatch.setattr("charrnn.model.threads.SHORTEST", 0)
    torch.set_num_threads(2)
    result = charrnn("score", run, book, "--json")
    assert result.err.count("Note: computing with ") >= 1
    assert "; --threads N fixes the number" in result.err
    alone = charrnn("score", run, book, "--json", "--threads", 1)
    assert "computing with" not in alone.err
    figures = [json.loads(each.out)["nats_per_character"] for each in (result, alone)]
    assert figures[0] == pytest.approx(figures[1], abs=1e-6)


@pytest.mark.parametrize("number", ["0", "257", "two"])
def test_an_impossible_number_is_refused(charrnn, run, book, number):
    result = charrnn("score", run, book, "--threads", number)
    assert result.status == 2
    assert "--threads" in result.err


def test_a_run_of_few_steps_says_last_that_its_model_is_poor(charrnn, book, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("charrnn.api.trained.FEW_STEPS", 10**9)
    result = charrnn("train", book, *tiny, "--minutes", 0.001, "--out", tmp_path / "run")
    assert result.err.splitlines()[-1].startswith("Note: the model is poor: there was time for ")
