"""Ids that live on a device give the batches that are cut on the host."""

from itertools import islice

import numpy as np
import pytest
import torch

from charrnn.text.corpus import Streams
from charrnn.training.feed import Feed

CPU = torch.device("cpu")


def streams(kind=np.uint8, length=67, largest=255):
    return Streams.over(np.random.default_rng(5).integers(0, largest + 1, length).astype(kind), 3, 4)


def fed(feed, start=0):
    return [(x.tolist(), y.tolist(), starts) for x, y, starts, *_ in islice(feed.batches(start), 14)]  # over two epochs


@pytest.mark.parametrize(("kind", "largest"), [(np.uint8, 255), (np.uint16, 65535), (np.int32, 0x10FFFF)])
@pytest.mark.parametrize("start", [0, 4])
def test_ids_on_a_device_give_the_batches_of_the_host(kind, largest, start):
    text = streams(kind, largest=largest)
    assert fed(Feed(text, CPU, resident=True), start) == fed(Feed(text, CPU, resident=False), start)


@pytest.mark.parametrize("resident", [True, False])
def test_the_batches_are_those_of_the_streams(resident):
    text = streams()
    expected = [(b.inputs.tolist(), b.targets.tolist(), b.starts_epoch) for b in islice(text.batches(), 14)]
    assert fed(Feed(text, CPU, resident)) == expected
    assert [starts for _, _, starts in expected].count(True) > 1


@pytest.mark.parametrize("resident", [True, False])
def test_ids_are_whole_numbers_that_an_embedding_takes(resident):
    inputs, targets, *_ = next(Feed(streams(np.uint16, largest=40000), CPU, resident).batches())
    assert inputs.dtype == targets.dtype == torch.int64


def test_each_process_holds_and_reads_its_own_share():
    shares = [streams().share(rank, 3) for rank in range(3)]
    for share in shares:
        feed = Feed(share, CPU, resident=True)
        assert fed(feed) == fed(Feed(share, CPU, resident=False))
        assert feed._stretches.untyped_storage().nbytes() == share.stretch + 1


def test_ids_in_a_file_are_sent_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("charrnn.training.feed._PIECE", 10)
    text = streams()
    text.ids.tofile(tmp_path / "ids")
    mapped = Streams.over(np.memmap(tmp_path / "ids", np.uint8, "r"), 3, 4)
    assert fed(Feed(mapped, CPU, resident=True)) == fed(Feed(text, CPU, resident=False))


def test_on_a_cpu_the_ids_are_not_copied():
    assert Feed(streams(), CPU)._stretches is None
