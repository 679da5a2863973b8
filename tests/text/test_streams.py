from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import ConfigError
from charrnn.text import corpus
from charrnn.text.corpus import ANEW, Streams


@st.composite
def any_streams(draw):
    """Streams over ids that are their own places in the text."""
    length = draw(st.integers(2, 60))
    return Streams.over(np.arange(length, dtype=np.uint8), draw(st.integers(1, 8)), draw(st.integers(1, 12)))


def epochs_of(streams, count):
    """The batches of each of the first epochs."""
    batches = streams.batches()
    return [list(islice(batches, streams.steps_in(epoch))) for epoch in range(count)]


def whole(batches, field):
    """What each reader read in these windows, [B, N]."""
    return np.concatenate([getattr(batch, field) for batch in batches], axis=1)


@given(any_streams())
def test_in_each_epoch_each_character_of_a_stretch_is_a_target_exactly_once(streams):
    stretches = np.arange(streams.batch_size * streams.stretch).reshape(streams.batch_size, streams.stretch)
    for batches in epochs_of(streams, 3):
        assert (whole(batches, "inputs") == stretches).all()
        assert (whole(batches, "targets") == stretches + 1).all()


@given(any_streams())
def test_stretches_leave_out_fewer_characters_than_there_are_readers(streams):
    targets = streams.batch_size * streams.stretch
    assert 0 <= len(streams.ids) - 1 - targets < streams.batch_size


@given(any_streams())
def test_targets_are_the_characters_that_follow(streams):
    for batch in islice(streams.batches(), 9):
        assert (batch.targets == batch.inputs + 1).all()
        assert batch.inputs.dtype == batch.targets.dtype == np.int64


@given(any_streams())
def test_windows_of_an_epoch_follow_one_another(streams):
    for batches in epochs_of(streams, 3):
        for before, after in pairwise(batches):
            assert (after.inputs[:, 0] == before.targets[:, -1]).all()


@given(any_streams())
def test_where_an_epoch_ends_each_reader_stands_where_the_next_began(streams):
    first, second = epochs_of(streams, 2)
    assert (first[-1].targets[:-1, -1] == second[0].inputs[1:, 0]).all()


@given(any_streams())
def test_windows_are_never_empty_nor_longer_than_seq_length(streams):
    for batch in islice(streams.batches(), 20):
        assert batch.inputs.shape[0] == streams.batch_size
        assert 1 <= batch.inputs.shape[1] <= streams.seq_length


@given(any_streams(), st.integers(0, 40))
def test_starting_at_a_step_equals_skipping_the_steps_before(streams, start):
    skipped = islice(streams.batches(), start, start + 5)
    for ours, theirs in zip(streams.batches(start), skipped, strict=False):
        assert (ours.inputs == theirs.inputs).all()
        assert (ours.epoch, ours.starts_epoch) == (theirs.epoch, theirs.starts_epoch)


@given(any_streams())
def test_an_epoch_is_numbered_and_only_its_first_window_starts_it(streams):
    for epoch, batches in enumerate(epochs_of(streams, 3)):
        assert {batch.epoch for batch in batches} == {epoch}
        assert [batch.starts_epoch for batch in batches] == [True] + [False] * (len(batches) - 1)


@given(st.integers(2, 60), st.integers(1, 9), st.integers(1, 9))
def test_sizes_are_reduced_only_as_far_as_a_short_text_asks(length, batch_size, seq_length):
    streams = Streams.over(np.arange(length), batch_size, seq_length)
    assert streams.seq_length == min(seq_length, length - 1)
    assert 1 <= streams.batch_size <= batch_size
    assert streams.batch_size * streams.seq_length <= length - 1
    if batch_size * seq_length <= length - 1:
        assert (streams.batch_size, streams.seq_length) == (batch_size, seq_length)


def test_each_reader_begins_anew_once_in_so_many_steps_whichever_process_it_is_of():
    whole = Streams.over(np.arange(900), 6, 3)
    parts = [whole.share(rank, 2) for rank in (0, 1)]
    for step in range(3 * ANEW):
        expected = [row for row in range(6) if row == step % ANEW]
        assert list(range(6))[whole.beginning(step)] == expected
        assert [row for part in parts for row in list(part.rows)[part.beginning(step)]] == expected


def test_two_characters_are_one_window():
    streams = Streams.over(np.array([4, 2], np.uint8), 32, 64)
    batch = next(streams.batches())
    assert (batch.inputs.tolist(), batch.targets.tolist()) == ([[4]], [[2]])


def test_epochs_do_not_all_cut_at_the_same_characters():
    streams = Streams.over(np.arange(101), 2, 10)
    first_windows = {batches[0].inputs.shape[1] for batches in epochs_of(streams, 6)}
    assert len(first_windows) > 3


@given(any_streams(), st.integers(0, 3000), st.sampled_from([7, 1 << 16]))
def test_the_place_of_a_step_is_that_of_counting_epoch_by_epoch(streams, step, at_once):
    epoch, left = 0, step
    while left >= streams.steps_in(epoch):
        left, epoch = left - streams.steps_in(epoch), epoch + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "_AT_ONCE", at_once)
        assert streams.place_of(step) == (epoch, left)


@given(any_streams(), st.sampled_from([10**11, 2**53]))
def test_a_step_that_no_training_reaches_is_not_looked_for(streams, step):
    with pytest.raises(ConfigError, match="epochs into this text, which no training reaches"):
        streams.place_of(step)
