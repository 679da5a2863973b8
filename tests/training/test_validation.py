"""A held-out text is measured from its beginning, as far as the clock allows, and the figure is that of one pass."""

import itertools

import numpy as np
import pytest
import torch

from charrnn.evaluation.scoring import Folding, nats_per_character
from charrnn.training import validation
from charrnn.training.validation import Measured, measured


@pytest.fixture
def model(make_model):
    return make_model(vocabulary_size=6)


@pytest.fixture
def ids():
    return np.random.default_rng(0).integers(0, 6, 400).astype(np.uint8)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(validation, "SLICE", 32)
    monkeypatch.setattr("charrnn.evaluation.scoring.SHORT", 8)
    monkeypatch.setattr("charrnn.evaluation.scoring.CHUNK", 4)


def ticking(step=1.0):
    """A clock that goes on by a step whenever it is read."""
    return itertools.count(0, step).__next__


@pytest.mark.parametrize("seconds", [5, 20, 60, 150])
def test_when_the_time_is_up_the_figure_is_of_the_first_characters(model, ids, seconds):
    found = measured(model, ids, seconds=seconds, clock=ticking())
    assert found.characters in (0, 32, 96, 224, 399)
    assert found.whole == (found.characters == 399)
    if found.characters:
        assert found.nats == pytest.approx(nats_per_character(model, ids[: found.characters + 1]), abs=1e-6)


def test_the_more_time_the_more_is_read(model, ids):
    read = [measured(model, ids, seconds=seconds, clock=ticking()).characters for seconds in range(0, 400, 20)]
    assert read == sorted(read)
    assert (read[0], read[-1]) == (0, 399)


def test_the_last_validation_reads_at_least_a_slice(model, ids):
    assert measured(model, ids, seconds=0, at_least_a_slice=True, clock=ticking()).characters == 32


def test_without_a_limit_and_at_a_known_pace_the_text_is_read_whole_in_one_go(model, ids):
    whole = nats_per_character(model, ids)
    assert measured(model, ids).nats == whole
    assert measured(model, ids, seconds=100, pace=10, clock=ticking(0.01)).nats == whole


def test_sums_are_the_same_however_the_text_was_read(model, ids):
    sliced = measured(model, ids, seconds=1e9, clock=ticking())
    assert sliced.sums == pytest.approx(measured(model, ids).sums, abs=1e-3)
    assert len(sliced.sums) == 4


def test_what_is_folded_is_charged_in_every_figure(model, ids):
    folding = Folding(id=2, nats=3.0)
    for seconds in (None, 20):
        plain, charged = (
            measured(model, ids, torch.float32, f, seconds=seconds, clock=ticking()) for f in (None, folding)
        )
        share = (ids[1 : plain.characters + 1] == 2).mean()
        assert charged.nats - plain.nats == pytest.approx(3 * share, abs=1e-6)


def test_two_losses_are_compared_on_the_characters_of_both():
    one = Measured(2.0, 32, False, sums=(64.0,))
    other = Measured(1.5, 399, True, sums=(70.0, 150.0, 598.5))  # the beginning is harder than the rest
    assert one.lower_than(other)
    assert not other.lower_than(one)
    assert one.lower_than(None)


def test_a_milestone_takes_no_more_than_its_share_of_the_time(make_trainer, clock):
    trainer = make_trainer(minutes=0.05)
    taken = [report for report in trainer.run() if report.milestone]
    partial = [report for report in taken if report.val_characters is not None]
    assert all(report.val_characters == 32 for report in partial)
    assert taken[-1].val_nats is not None
    assert taken[-1].seconds < 3.1


def test_a_text_that_is_read_slower_than_was_measured_is_read_slice_by_slice_after_all(model, ids):
    found = measured(model, ids, seconds=20, pace=1000, at_least_a_slice=True, clock=ticking())
    assert 0 < found.characters < 399


@pytest.mark.parametrize(("seconds", "kept"), [(0.1, False), (3, True), (100, False)])
def test_the_last_validation_has_time_reserved_where_a_little_more_reads_all(make_trainer, seconds, kept):
    validator = make_trainer(minutes=0.5).validator
    validator._pace = len(validator._corpus.parts["val"]) / seconds
    reserved = validator.reserve()
    assert (reserved > 0) == kept
    if kept:
        assert reserved < validation.RESERVE * 30
        assert validation.COST * 30 + reserved > seconds


def test_training_ends_earlier_by_what_is_reserved_and_has_ended_when_it_is_resumed(make_trainer, clock, monkeypatch):
    trainer, resumed = (make_trainer(minutes=0.05) for _ in range(2))
    monkeypatch.setattr(trainer.validator, "reserve", lambda: 0.2)
    last = list(trainer.run())[-1]
    assert last.fraction == 1.0
    assert 2.8 <= last.seconds < 2.9
    resumed.restore(trainer.state())
    assert not list(resumed.run())
