"""A run over pairs learns, stops, goes on to the last bit, and keeps itself safe."""

import itertools
import json

import numpy as np
import pytest
import torch

from charrnn import api
from charrnn.api.map_watch import MapWatch
from charrnn.conditioned.checkpoint import load, save
from charrnn.conditioned.feed import Feed, in_order
from charrnn.conditioned.network import ConditionedRNN
from charrnn.conditioned.run import load_state
from charrnn.conditioned.training import recipe
from charrnn.errors import CheckpointError, ConfigError, RunError
from charrnn.files import LOCK
from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance
from charrnn.model.checkpoint import save as save_character_model
from charrnn.text.vocabulary import Vocabulary

TINY = {"hidden_size": 16, "memory_size": 16, "embedding_size": 8, "attention_size": 8, "batch_size": 8, "threads": 1}


class StopAt(MapWatch):
    """Stops a run after a step."""

    def __init__(self, step):
        self._left = step

    def stop(self):
        self._left -= 1
        return self._left <= 0


def content(folder, names=("best.safetensors", "last.safetensors", "samples.jsonl")):
    """What a run has written, without times."""
    found = {name: load(folder / name).weights for name in names[:2]}
    found["samples"] = (folder / names[2]).read_text("utf-8")
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    found["log"] = [(line["step"], line["val_nats"]) for line in lines if "val_nats" in line]
    return found


def test_a_run_learns_to_answer_rightly(reversals, tmp_path):
    options = TINY | {"hidden_size": 32, "memory_size": 32, "batch_size": 16, "learning_rate": 0.02}
    model = api.map.train(reversals, out=tmp_path / "run", steps=200, val_fraction=0.2, dropout=0.0, **options)
    assert model.trained.val_exact >= 0.5
    (answer,) = model.apply(["abc"])
    assert answer.answers == ("cba",)
    score = model.score(model.read(reversals, val_fraction=0.2), part="val")
    assert score.exact >= 0.5
    assert score.exact > score.nearest_exact
    assert not score.ignores_its_input
    assert score.hidden["looked"] > score.hidden["random"]


def test_a_model_without_attention_ignores_nothing_and_has_none_to_show(reversals, tmp_path):
    model = api.map.train(reversals, out=tmp_path / "run", steps=5, attention="none", **TINY)
    score = model.score(model.read(reversals))
    assert score.hidden is None
    assert score.pointing is None
    assert "ignores its input" in score.verdict  # after five steps
    with pytest.raises(ConfigError, match="has no attention; train one with --attention soft"):
        model.attend("abc")


@pytest.mark.parametrize("options", [{}, {"cell": "gru", "num_layers": 2, "dropout": 0.3}])
def test_a_stopped_run_goes_on_to_the_last_bit(reversals, tmp_path, options):
    options = TINY | {"steps": 30, "sample_every": 6, "seed": 3} | options
    api.map.train(reversals, out=tmp_path / "whole", **options)
    stopped = api.map.train(reversals, out=tmp_path / "part", watch=StopAt(13), **options)
    assert (stopped.trained.stopped, stopped.trained.steps) == ("interrupted", 13)
    with (tmp_path / "part" / "log.jsonl").open("a") as log:
        log.write('{"step": 29}\n{"ste')  # as a kill after the last save leaves it
    resumed = api.map.resume(tmp_path / "part")
    assert resumed.trained.steps == 30
    whole, part = content(tmp_path / "whole"), content(tmp_path / "part")
    for name in ("best.safetensors", "last.safetensors"):
        for weight in whole[name]:
            np.testing.assert_array_equal(whole[name][weight], part[name][weight])
    assert (whole["samples"], whole["log"]) == (part["samples"], part["log"])
    with pytest.raises(RunError, match="has used up its budget"):
        api.map.resume(tmp_path / "part")


def test_examples_that_changed_or_are_gone_end_a_resumed_run(reversals, tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text(reversals.read_text("utf-8"), "utf-8")
    api.map.train(path, out=tmp_path / "run", steps=9, watch=StopAt(3), **TINY)
    path.write_text(reversals.read_text("utf-8") + "ddda\taddd\n", "utf-8")
    with pytest.raises(RunError, match="have changed since it was trained on; restore them, or start anew"):
        api.map.resume(tmp_path / "run")
    path.unlink()
    with pytest.raises(RunError, match=r"mine\.tsv any more; put them there again"):
        api.map.resume(tmp_path / "run")


def test_a_folder_with_a_run_is_not_written_to(reversals, tmp_path):
    api.map.train(reversals, out=tmp_path / "run", steps=2, **TINY)
    before = content(tmp_path / "run")
    with pytest.raises(RunError, match="holds a run already; name another folder with --out, or use --resume"):
        api.map.train(reversals, out=tmp_path / "run", steps=2, **TINY)
    assert str(content(tmp_path / "run")) == str(before)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / LOCK).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is a link or no regular file"):
        api.map.train(reversals, out=tmp_path / "other", steps=2, **TINY)
    assert not (tmp_path / "elsewhere").exists()


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_what_was_saved(reversals, tmp_path, monkeypatch):
    plain, steps = ConditionedRNN.loss, itertools.count()

    def loss(self, batch, *more, **named):
        return plain(self, batch, *more, **named) * (float("nan") if next(steps) == 7 else 1)

    monkeypatch.setattr(ConditionedRNN, "loss", loss)
    with pytest.raises(RunError, match=r"the loss was nan at step 8"):
        api.map.train(reversals, out=tmp_path / "run", steps=9, sample_every=9, val_fraction=0, **TINY)
    assert load_state(tmp_path / "run")[0].header.figures.step == 0


@pytest.fixture(scope="module")
def model(reversals, tmp_path_factory):
    """The folder of a short run."""
    folder = tmp_path_factory.mktemp("run") / "run"
    api.map.train(reversals, out=folder, steps=3, **TINY)
    return folder


def test_a_model_is_read_as_it_was_written(model, tmp_path):
    checkpoint = load(model / "best.safetensors")
    save(checkpoint, tmp_path / "copy.safetensors")
    again = load(tmp_path / "copy.safetensors")
    assert again.header == checkpoint.header
    for name, weight in checkpoint.weights.items():
        np.testing.assert_array_equal(weight, again.weights[name])


def test_a_changed_byte_anywhere_is_found(model, tmp_path):
    whole = (model / "best.safetensors").read_bytes()
    for place in range(0, len(whole), 997):
        bad = tmp_path / "bad.safetensors"
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError):
            load(bad)
    state = (model / "state.safetensors").read_bytes()
    for place in range(0, len(state), 4999):
        (tmp_path / "state.safetensors").write_bytes(state[:place] + bytes([state[place] ^ 1]) + state[place + 1 :])
        with pytest.raises(RunError):
            load_state(tmp_path)


def test_every_pair_is_in_one_batch_of_an_epoch_beside_pairs_of_like_length(pairs):
    feed = Feed(pairs, 4, 1, 5)
    batches = feed.batches()
    for _ in range(3):
        epoch = [next(batches) for _ in range(feed.steps)]
        assert sum(batch.symbols for batch in epoch) == feed.symbols
        rows = [
            (row[inside > 0].tolist(), target[counts].tolist())
            for batch in epoch
            for row, inside, target, counts in zip(batch.sources, batch.mask, batch.targets, batch.counts, strict=True)
        ]
        expected = [(pair.source.tolist(), [*pair.output.tolist(), 5]) for pair in pairs]
        assert sorted(rows) == sorted(expected)
    again = Feed(pairs, 4, 1, 5).batches(start=7)
    later = Feed(pairs, 4, 1, 5).batches()
    for _ in range(7):
        next(later)
    for _ in range(6):
        for one, other in zip(next(again), next(later), strict=True):
            np.testing.assert_array_equal(one, other)


def test_all_pairs_are_read_once_in_order(pairs):
    places = np.concatenate([chosen for chosen, _ in in_order(pairs, 4, 5)])
    assert sorted(places) == list(range(len(pairs)))


def test_the_recipe_gives_more_time_a_wider_network_and_takes_what_is_given():
    sizes = {"source_size": 9, "output_size": 9}
    short, long = (recipe(sizes, 10**6, {"minutes": minutes}, 2).model for minutes in (1, 30))
    assert short.hidden_size < long.hidden_size
    assert recipe(sizes, 500, {}, 2).model.hidden_size == 64
    mine = recipe(sizes, 10**6, {"hidden_size": 33, "dropout": 0.1, "steps": 7, "cell": None}, 2)
    assert (mine.model.hidden_size, mine.model.memory_size, mine.model.dropout) == (33, 34, 0.1)
    assert (mine.training.steps, mine.training.minutes) == (7, None)
    with pytest.raises(ConfigError, match="there is no option hidden"):
        recipe(sizes, 500, {"hidden": 3}, 2)


@pytest.fixture(scope="module")
def moods(tmp_path_factory):
    """A file of texts with a class each, told by whether a comes before b."""
    path = tmp_path_factory.mktemp("classes") / "moods.csv"
    rows = [f"{left}{'ab' if n % 2 else 'ba'}{right},{n % 2}" for n, (left, right) in enumerate(_sides())]
    path.write_text("text,label\n" + "\n".join(rows) + "\n", "utf-8")
    return path


def _sides():
    return [("c" * (n % 4), "d" * (n // 4 % 5) + "c" * (n // 20)) for n in range(100)]


def test_classes_are_learned_and_scored_beside_the_commonest(moods, tmp_path):
    options = TINY | {"hidden_size": 24, "memory_size": 24, "learning_rate": 0.02}
    model = api.map.train(moods, out=tmp_path / "run", steps=150, val_fraction=0.2, dropout=0.0, **options)
    assert model.config.output == "classes"
    score = model.score(model.read(moods), part="val")
    assert score.exact > max(0.8, score.commonest_exact)
    (answer,) = model.apply(["ccab"], beam=2)
    assert set(answer.answers) == {"0", "1"}
    assert sum(np.exp(-np.array(answer.nats))) == pytest.approx(1)
    assert [len(model.attend("ccab").alignment.weights), *model.attend("ccab").alignment.output] == [
        1,
        answer.answers[0],
    ]


@pytest.mark.parametrize("options", [{"num_layers": 1}, {"num_layers": 2}])
def test_an_encoder_that_begins_from_a_character_model_reads_as_it_does(make_model, moods, tmp_path, options):
    model, start = make_model(vocabulary_size=5, **options), tmp_path / "model.safetensors"
    header = Header(model.config, Provenance("letters", "0" * 64, 100, {"train": 100}), Figures())
    save_character_model(Checkpoint(header, Vocabulary("abcde"), model.weights()), start)
    still = {"steps": 1, "learning_rate": 1e-9, "batch_size": 2, "threads": 1}
    taken = api.map.train(moods, out=tmp_path / "run", init_from=start, **still)
    ids = np.array([[0, 1, 3, 2]])
    with torch.no_grad():
        _, _, signals = model.record(torch.from_numpy(ids), None, ["h"])
    source = taken.header.sources.encode("abdc")[None]
    values = taken.reader.encoded(source, np.ones(source.shape, np.float32))
    np.testing.assert_allclose(values[..., :5], signals["h"][-1].numpy(), atol=1e-5)
    with pytest.raises(ConfigError, match=r"memory_size is 10 with .*; leave --memory-size out"):
        api.map.train(moods, out=tmp_path / "other", init_from=start, memory_size=8)
