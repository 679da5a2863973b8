"""The network that a page runs: its script against the equations of `cells.py`, its writing against `sampling`."""

import json
from importlib.resources import files

import numpy as np
import pytest

from charrnn.display.explorer import SCRIPTS
from charrnn.display.packing import DEFLATE15, packed
from charrnn.model import exchange, storage
from charrnn.model.cells import gate_names, state_names
from charrnn.model.checkpoint import load
from charrnn.model.clamping import Clamp
from charrnn.model.shipped import shipped
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Sampler

IDS = [0, 3, 5, 1, 1, 4, 2, 0, 5]
READ = """async ([text, ids, holds, isPlain = false]) => {
    const network = await Network.from(JSON.parse(text), isPlain), state = network.start();
    const rows = ids.map((id) => {
        network.read(state, id, holds);
        const read = { logits: network.logits(state), gates: network.gates, h: state.h, c: state.c || [] };
        return Object.fromEntries(Object.entries(read).map(([name, numbers]) => [name, [...numbers]]));
    });
    return { isFast: network.product !== plainProduct, rows };
}"""
WRITE = """async ([text, ids, settings, seed, length]) => {
    const network = await Network.from(JSON.parse(text)), state = network.start();
    const random = new Random(seed), drawn = [];
    for (const id of ids) network.read(state, id);
    while (drawn.length < length) {
        drawn.push(draw(network.logits(state), settings, random.next()));
        network.read(state, drawn.at(-1));
    }
    return drawn;
}"""


@pytest.fixture(scope="module")
def script(chromium):
    """A function that calls a function of JavaScript beside the network's scripts."""
    page = chromium.new_page()
    for name in SCRIPTS:
        page.add_script_tag(content=(files("charrnn.display") / "templates" / name).read_text("utf-8"))
    yield page.evaluate
    page.close()


def as_stored(checkpoint, number):
    """The model's weights as they are when they have been stored in a number format."""
    return storage.restored(storage.stored(checkpoint.weights, number))


def text_of(checkpoint, number, packing=DEFLATE15, pack=packed):
    return json.dumps(exchange.document(checkpoint, number, packing, pack))


@pytest.mark.parametrize(("number", "is_plain"), [*((number, False) for number in storage.FORMATS), ("int8", True)])
@pytest.mark.parametrize("sizes", [{"num_layers": 1, "embedding_size": 3}, {"num_layers": 3, "embedding_size": 0}])
def test_the_script_takes_the_steps_of_the_equations(script, make_checkpoint, cell, sizes, number, is_plain):
    checkpoint = make_checkpoint(**cell, **sizes, hidden_size=21)
    config, network = checkpoint.config, SteppedCharRNN(checkpoint.config, as_stored(checkpoint, number))
    logits, _, signals = network.record(np.array([IDS]))
    found = script(READ, [text_of(checkpoint, number), IDS, [], is_plain])
    assert found["isFast"] is not is_plain
    shape = (config.num_layers, -1, config.hidden_size)
    for t, row in enumerate(found["rows"]):
        assert row["logits"] == pytest.approx(logits[0, t], abs=2e-5)
        for part in state_names(config):
            assert np.reshape(row[part], shape)[:, 0] == pytest.approx(signals[part][:, 0, t], abs=1e-5)
        for place, gate in enumerate(gate_names(config)):
            assert np.reshape(row["gates"], shape)[:, place] == pytest.approx(signals[gate][:, 0, t], abs=1e-5)


def test_the_script_reads_what_is_exported(script, make_checkpoint):
    checkpoint = make_checkpoint(cell="gru")
    exported = script(READ, [text_of(checkpoint, "float32", "base64", exchange.base64_text), IDS, []])
    assert exported == script(READ, [text_of(checkpoint, "float32"), IDS, []])


def test_held_units_are_held_as_clamps_are(script, make_checkpoint, cell):
    checkpoint = make_checkpoint(**cell, num_layers=2)
    clamps = [Clamp(0, 2, 0.75), Clamp(1, 4, 0.25)]
    network = SteppedCharRNN(checkpoint.config, as_stored(checkpoint, "float32"), clamps)
    holds = [{"layer": clamp.layer, "index": clamp.index, "value": clamp.value} for clamp in clamps]
    found = script(READ, [text_of(checkpoint, "float32"), IDS, holds])
    assert [row["logits"] for row in found["rows"]] == pytest.approx(network(np.array([IDS]))[0][0], abs=2e-5)


@pytest.mark.parametrize("seed", [0, 1, 12345678901])
def test_random_numbers_are_numpys(script, seed):
    call = "(seed) => { const random = new Random(seed); return Array.from({ length: 99 }, () => random.next()); }"
    assert script(call, seed) == np.random.default_rng(seed).random(99, np.float32).tolist()


@pytest.mark.parametrize(
    "settings",
    [{"temperature": 1}, {"temperature": 0}, {"temperature": 0.6, "top_k": 3}, {"temperature": 1.5, "top_p": 0.7}],
)
def test_the_same_seed_writes_what_sample_writes(script, make_checkpoint, settings):
    checkpoint = make_checkpoint(cell="lstm", hidden_size=16)
    vocabulary, config = checkpoint.vocabulary, SamplingConfig(**settings)
    sampler = Sampler(SteppedCharRNN(checkpoint.config, as_stored(checkpoint, "float32")), vocabulary, config)
    written = "".join(each.character for each in sampler.draw(80, "abc", 7))
    typed = {"temperature": settings["temperature"], "topK": settings.get("top_k"), "topP": settings.get("top_p")}
    drawn = script(WRITE, [text_of(checkpoint, "float32"), vocabulary.encode("abc").tolist(), typed, 7, 80])
    assert vocabulary.decode(drawn) == written


@pytest.mark.parametrize("size", range(31))
def test_packed_bytes_come_back(script, size):
    content = np.random.default_rng(size).integers(256, size=size, dtype=np.uint8).tobytes()
    text = packed(content)
    assert not set('<>&"\\') & set(text)
    assert script("async (text) => [...await unpacked(text)]", text) == list(content)


def test_logits_of_a_shipped_model_are_pythons(script):
    path = shipped("shakespeare")
    if path is None:
        pytest.skip("the shipped models are not here")
    checkpoint = load(path)
    ids = checkpoint.vocabulary.encode("ROMEO:\nO, she doth teach the torches to burn bright!\n" * 4)
    network = SteppedCharRNN(checkpoint.config, checkpoint.weights)
    found = script(READ, [text_of(checkpoint, "int8"), ids.tolist(), []])
    expected = network(ids[None].astype(np.int64))[0][0]
    assert [row["logits"] for row in found["rows"]] == pytest.approx(expected, abs=1e-4)
