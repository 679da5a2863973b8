"""Which number of threads a run computes with, and what it keeps of it."""

import numpy as np
import pytest
import torch

from charrnn.model.checkpoint import load
from charrnn.model.threads import Threads
from charrnn.training.trainer import STEP


@pytest.fixture
def two():
    """Let torch have two threads, as on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def ticking():
    """A clock that goes on by a second whenever it is read."""
    return iter(range(10**9)).__next__


def test_the_steps_of_a_run_are_what_is_measured(make_trainer):
    trainer = make_trainer(steps=20)
    trainer.threads = Threads((1, 2), clock=ticking(), use=lambda number: None)
    list(trainer.run())
    assert trainer.threads.chosen(STEP) == 1


def test_to_choose_the_threads_beforehand_changes_nothing_of_a_run(make_trainer):
    plain, settled = (make_trainer(steps=9, dropout=0.5) for _ in range(2))
    settled.threads = Threads((1, 2), clock=ticking(), use=lambda number: None)
    settled.settle_threads()
    assert settled.threads.fixed == 1
    list(plain.run()), list(settled.run())
    np.testing.assert_equal(plain.model.weights(), settled.model.weights())


@pytest.fixture
def tiny(tiny):
    """On the CPU, also where there is a GPU: there threads are left as they are."""
    return (*tiny, "--device=cpu")


def kept(folder):
    return load(folder / "last.safetensors").header.training.get("threads")


def test_a_run_of_steps_chooses_once_keeps_its_number_and_says_so(charrnn, book, tiny, tmp_path, two):
    result = charrnn("train", book, *tiny, "--steps", 3, "--out", tmp_path / "run")
    number = kept(tmp_path / "run")
    assert f"Note: computing with {number} thread" in result.err
    assert "the run keeps to this number" in result.err
    torch.set_num_threads(2)
    again = charrnn("train", "--resume", tmp_path / "run", "--steps", 5, "--device", "cpu")
    assert (kept(tmp_path / "run"), torch.get_num_threads()) == (number, number)
    assert "computing with" not in again.err


def test_a_given_number_is_kept_and_not_measured(charrnn, book, tiny, tmp_path, two):
    result = charrnn("train", book, *tiny, "--steps", 3, "--threads", 2, "--out", tmp_path / "run")
    assert kept(tmp_path / "run") == 2
    assert "computing with" not in result.err
    charrnn("train", "--resume", tmp_path / "run", "--steps", 5, "--threads", 1, "--device", "cpu")
    assert kept(tmp_path / "run") == 1


def test_a_run_of_minutes_keeps_no_number(charrnn, book, tiny, tmp_path, two):
    charrnn("train", book, *tiny, "--minutes", 0.01, "--out", tmp_path / "run")
    assert kept(tmp_path / "run") is None
