"""The explorer page with its network: typing, writing, holding and finding, as a reader would in a real browser."""

import re

import numpy as np
import pytest

from charrnn.display.explorer import ENCODING, Explorer, Network, Ranked, html
from charrnn.display.packing import DEFLATE15, packed
from charrnn.model import exchange
from charrnn.model.cells import gate_names
from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance
from charrnn.model.clamping import Clamp
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.sampling.distribution import SamplingConfig, log_softmax
from charrnn.sampling.sampler import Sampler
from charrnn.text.vocabulary import END, Vocabulary

ALPHABET = "\n ,.abcdefghijklmnopqrstuvwxyz\u0301שלום🙂"
PASSAGE = "the cat sat on a mat.\nshe said, no.\n"
UNREAD, OPENS = -128, (0, 3)


def model(cell="lstm", **options):
    """A checkpoint of random weights over an alphabet with a combining mark, an emoji and Hebrew letters."""
    import torch

    from charrnn.model.config import ModelConfig
    from charrnn.model.network import CharRNN

    vocabulary = Vocabulary(ALPHABET)
    config = ModelConfig(len(vocabulary), cell, num_layers=2, hidden_size=9, embedding_size=4, **options)
    network = CharRNN(config, torch.Generator().manual_seed(3))
    for _, weight in network.named_weights():
        weight.data.mul_(1 if config.nonlinearity == "relu" else 3)  # so that units move, and those of ReLU not too far
    corpus = Provenance("letters", "0" * 64, 100, {"train": 90, "val": 10})
    return Checkpoint(Header(config, corpus, Figures()), vocabulary, network.weights())


def run(checkpoint, text, clamps=()):
    """What the network does over a text: its logits [T, V] and signals, each [L, T, H]."""
    network = SteppedCharRNN(checkpoint.config, checkpoint.weights, clamps)
    logits, _, signals = network.record(checkpoint.vocabulary.encode(text).astype(np.int64)[None])
    return logits[0], {name: values[:, 0] for name, values in signals.items()}


def surprisals(checkpoint, text, clamps=()):
    logs = log_softmax(run(checkpoint, text, clamps)[0])
    return -logs[np.arange(len(text) - 1), checkpoint.vocabulary.encode(text)[1:]]


def explorer(checkpoint, text=PASSAGE):
    _, signals = run(checkpoint, text)
    values = np.tanh(signals["c"]) if "c" in signals else signals["h"]
    return Explorer(
        "a model",
        "tanh(c)",
        "a text",
        text,
        values,
        {name: signals[name] for name in gate_names(checkpoint.config)},
        ("g", "n"),
        np.zeros(len(text)),
        [[("a", 0.5)]] * len(text),
        [Ranked("commas", 0, 5, "AUC", 0.9, 0.6, 0.9, 1, 0.005, "single unit", "she said, no.")],
        OPENS,
        Network(exchange.document(checkpoint, "float32", DEFLATE15, packed)),
    )


@pytest.fixture
def shown(open_page, tmp_path):
    """A function that opens the page of a checkpoint, once its network is ready."""

    def opened(checkpoint, **options):
        path = tmp_path / "page.html"
        path.write_text(html(explorer(checkpoint)), ENCODING)
        page = open_page(path, **options)
        page.wait_for_selector("html[data-model=ready]")
        return page

    return opened


def typed(page, text):
    """Type a text and wait until it has been read."""
    page.keyboard.press("2")
    page.locator("#box").fill(text)
    wait(page, "live.typed.row(0, 0).every((level, t) => level !== UNREAD || live.typed.skipped[t])")


def wait(page, condition):
    """Wait until a condition holds; the page's policy forbids what playwright's own wait for a function does."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {condition}")


def levels(page, layer, index):
    return [level / 127 for level in page.evaluate(f"[...live.typed.row({layer}, {index})]")]


def test_what_is_typed_is_read_as_python_reads_it(shown, cell):
    checkpoint, text = model(**cell), "she sat,\non a mat."
    page = shown(checkpoint)
    typed(page, text)
    logits, signals = run(checkpoint, text)
    is_bounded = cell["cell"] == "gru" or cell.get("nonlinearity") == "tanh"
    values = signals["h"] if is_bounded else np.tanh(signals.get("c", signals["h"]))
    for layer in (0, 1):
        for index in range(9):
            assert levels(page, layer, index) == pytest.approx(values[layer, :, index], abs=0.6 / 127)
    nats = page.evaluate("live.typed.surprisal.slice(1)")
    assert nats == pytest.approx(surprisals(checkpoint, text), abs=1e-3)
    likeliest = "".join(page.evaluate("live.typed.guesses.map((row) => row[0][0])"))
    assert likeliest.replace("↵", "\n").replace("◌", "") == checkpoint.vocabulary.decode(logits.argmax(-1))


def test_the_character_before_the_cursor_tells_its_gates(shown):
    checkpoint, text = model(), "she sat, "
    page = shown(checkpoint)
    typed(page, text)
    page.locator("#figures dt:has-text('gate o')").wait_for()
    wait(page, "!document.querySelector('#figures .pale')")
    told = page.locator("#figures").inner_text().split()
    _, signals = run(checkpoint, text)
    for gate in "ifgo":
        value = float(told[told.index(gate) + 1].replace("−", "-"))
        assert value == pytest.approx(signals[gate][0, -1, 3], abs=0.006)
    assert page.locator("#place").inner_text() == "character 9 of 9"


def test_an_edit_in_the_middle_is_read_again_from_there(shown):
    checkpoint = model()
    page = shown(checkpoint)
    typed(page, "the cat sat on a mat")
    before = levels(page, 0, 3)
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    page.keyboard.type("down ")
    wait(page, "live.typed.length === 25 && !live.typed.row(0, 0).includes(UNREAD)")
    text = "the cat satdown  on a mat"
    assert page.locator("#box").input_value() == text
    _, signals = run(checkpoint, text)
    assert levels(page, 0, 3) == pytest.approx(np.tanh(signals["c"][0, :, 3]), abs=0.6 / 127)
    assert levels(page, 0, 3)[:11] == before[:11]


def test_unknown_characters_are_marked_and_skipped(shown):
    checkpoint = model()
    page = shown(checkpoint)
    typed(page, "sheÉ saßt")
    assert page.locator("#mirror .skipped").all_inner_texts() == ["É", "ß"]
    assert "skipped, unknown to the model: É ß" in page.locator("#cost").inner_text()
    _, signals = run(checkpoint, "she sat")
    read = [level for place, level in enumerate(levels(page, 0, 3)) if place not in (3, 7)]
    assert read == pytest.approx(np.tanh(signals["c"][0, :, 3]), abs=0.6 / 127)


@pytest.mark.parametrize("text", ["a\u0301b 🙂🙂 c", "שלום a\n🙂"])
def test_marks_emoji_and_right_to_left_are_read_character_by_character(shown, text):
    checkpoint = model()
    page = shown(checkpoint)
    typed(page, text)
    assert page.locator("#mirror span").count() == len(text)
    _, signals = run(checkpoint, text)
    assert levels(page, 1, 2) == pytest.approx(np.tanh(signals["c"][1, :, 2]), abs=0.6 / 127)
    boxes = page.evaluate(
        "[$('mirror').clientWidth, $('box').clientWidth, $('mirror').clientHeight, $('box').scrollHeight]"
    )
    assert boxes[0] == boxes[1]
    assert boxes[3] <= boxes[2]  # the letters under the cursor are those that are coloured


def written(page, **settings):
    for name, value in settings.items():
        page.locator(f"#{name.replace('_', '-')}").fill(str(value))
    page.evaluate("$('speed').value = 100")
    page.evaluate("live.tellSpeed()")


@pytest.mark.parametrize(
    "settings", [{"temperature": 1}, {"temperature": 0}, {"temperature": 0.8, "top_k": 4, "top_p": 0.9}]
)
def test_it_writes_on_from_the_cursor_what_sample_writes_with_the_same_seed(shown, monkeypatch, settings):
    checkpoint = model()
    page = shown(checkpoint)
    typed(page, "the end.")
    written(page, seed=5, **settings)
    for _ in range(5):
        page.evaluate("$('box').setSelectionRange(4, 4)")
    page.evaluate("live.write()")
    wait(page, "live.text.length > 60")
    page.evaluate("live.stop()")
    wait(page, "!live.writing && !live.typed.row(0, 0).includes(UNREAD)")
    text = page.locator("#box").input_value()
    config = SamplingConfig(**settings)
    sampler = Sampler(SteppedCharRNN(checkpoint.config, checkpoint.weights), checkpoint.vocabulary, config)
    expected = "".join(each.character for each in sampler.draw(50, "the ", 5))
    assert text.startswith(f"the {expected}")
    assert text.endswith("end.")
    _, signals = run(checkpoint, text)
    assert levels(page, 0, 3) == pytest.approx(np.tanh(signals["c"][0, :, 3]), abs=0.6 / 127)
    page.locator("#take-back").click()
    assert page.locator("#box").input_value() == "the end."


def test_writing_that_was_paused_goes_on_as_if_it_had_not_been(shown):
    page = shown(model())
    texts = []
    for pauses in (0, 3):
        typed(page, "the ")
        written(page, seed=9)
        for turn in range(pauses + 1):
            page.evaluate("live.write()")
            wait(page, f"live.text.length > {40 if turn == pauses else 8 * (turn + 1)}")
            page.evaluate("live.stop()")
            wait(page, "!live.writing")
        texts.append(page.locator("#box").input_value()[:40])
    assert texts[0] == texts[1]


def test_a_held_unit_is_held_while_the_network_reads_and_writes(shown):
    checkpoint, text = model(), "the cat sat"
    page = shown(checkpoint)
    typed(page, text)
    free = page.locator("#cost").inner_text()
    page.locator("#hold").click()
    page.locator("#holds input").fill("-0.5")
    clamps = [Clamp(*OPENS, -0.5)]
    wait(page, "live.typed.surprisal.length === 11 && !live.typed.row(0, 0).includes(UNREAD)")
    _, signals = run(checkpoint, text, clamps)
    assert levels(page, 0, 3) == pytest.approx([-0.5] * 11, abs=0.6 / 127)
    assert levels(page, 1, 2) == pytest.approx(np.tanh(signals["c"][1, :, 2]), abs=0.6 / 127)
    means = [float(each) for each in re.findall(r"\d\.\d\d", page.locator("#cost").inner_text())]
    expected = [np.mean(surprisals(checkpoint, text, held)) for held in (clamps, [])]
    assert means == pytest.approx(expected, abs=0.011)
    page.locator("#holds button:has-text('Let go')").click()
    wait(page, f"$('cost').textContent === {free!r}")


def test_free_and_held_texts_stand_side_by_side_from_the_same_random_numbers(shown):
    checkpoint = model()
    page = shown(checkpoint)
    typed(page, "the ")
    page.locator("#hold").click()
    written(page, seed=5, temperature=1)
    page.evaluate("live.write()")
    wait(page, "$('free').textContent.length > 40")
    page.evaluate("live.stop()")
    wait(page, "!live.writing")
    for name, clamps in (("free", []), ("held", [Clamp(*OPENS, 0.9)])):
        text = page.evaluate(f"$('{name}').textContent")[:40]
        network = SteppedCharRNN(checkpoint.config, checkpoint.weights, clamps)
        drawn = Sampler(network, checkpoint.vocabulary, SamplingConfig(1.0)).draw(len(text), "the ", 5)
        assert text == "".join(each.character for each in drawn)
    kept = page.evaluate("$('held').textContent")
    page.locator(".keep").last.click()
    assert page.locator("#box").input_value() == f"the {kept}"


def test_units_are_found_that_tell_two_passages_apart_or_switch_or_are_highest(shown):
    checkpoint, text = model(), "aaaaaaaa,,,,,,,, the mat"
    page = shown(checkpoint)
    typed(page, text)
    for key, (start, end) in {"a": (0, 8), "b": (8, 16)}.items():
        page.evaluate(f"$('box').setSelectionRange({start}, {end}); live.cursor()")
        page.locator(f"#as-{key}").click()
    _, signals = run(checkpoint, text)
    values = np.round(127 * np.tanh(signals["c"]))
    contrast = (values[:, :8].mean(1) - values[:, 8:16].mean(1)) / values.std(1)
    best = np.unravel_index(np.abs(contrast).argmax(), contrast.shape)
    assert page.locator("#firing button").first.inner_text().startswith(f"{best[0]}:{best[1]}")
    page.evaluate("$('box').setSelectionRange(9, 9); live.cursor()")
    for question, figures in {
        "switch": values[:, 8] - values[:, 7],
        "high": values[:, 8],
        "low": -values[:, 8],
    }.items():
        page.locator("#question").select_option(question)
        sizes = np.abs(figures) if question == "switch" else figures
        best = np.unravel_index(sizes.argmax(), sizes.shape)
        assert page.locator("#firing button").first.inner_text().startswith(f"{best[0]}:{best[1]}")


def test_a_ranked_feature_types_its_sentence_at_its_unit(shown):
    page = shown(model(), reduced_motion="reduce")
    page.get_by_role("button", name="Type a piece of text in which commas shows").click()
    assert page.locator("#unit-name").inner_text() == "0:5"
    assert page.locator("#box").input_value() == "she said, no."
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    assert page.locator("#passage").is_visible()
    page.keyboard.press("e")
    assert page.locator("#typed").is_visible()


def test_the_network_reads_the_passage_to_what_was_recorded(shown):
    checkpoint = model()
    page = shown(checkpoint)
    wait(page, "live.hasReadPassage")
    _, signals = run(checkpoint, PASSAGE)
    page.evaluate("passage.rows.clear()")
    found = page.evaluate("[...passage.row(1, 4)]")
    assert [level / 127 for level in found] == pytest.approx(np.tanh(signals["c"][1, :, 4]), abs=0.6 / 127)


def test_everything_is_reached_with_the_keyboard_alone(shown):
    page = shown(model())
    page.keyboard.press("2")
    page.keyboard.type("the cat")
    page.keyboard.press("Alt+ArrowDown")
    assert page.locator("#unit-name").inner_text() == "0:4"
    page.keyboard.press("Control+Enter")
    wait(page, "live.text.length > 8")
    page.keyboard.press("Escape")
    wait(page, "!live.writing")
    page.keyboard.press("h")
    assert page.locator("#holds").inner_text().startswith("0:4")
    page.keyboard.press("h")
    assert page.locator("#holds").inner_text() == ""
    page.keyboard.press("1")
    page.keyboard.press("ArrowRight")
    assert page.locator("#unit-name").inner_text() == "0:5"


def test_where_no_worker_can_be_made_the_page_runs_the_network_itself(chromium, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(html(explorer(model())).replace("worker-src blob:; ", ""), ENCODING)
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-model=ready]")
    typed(page, "the cat")
    page.close()


def test_a_phone_shows_the_typed_text_without_scrolling_sideways(shown):
    page = shown(model(), viewport={"width": 360, "height": 740}, has_touch=True)
    page.locator("#tab-typed").tap()
    page.locator("#box").fill("the cat sat on a mat, " * 8)
    page.locator("#hold").tap()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_model_of_items_begins_after_its_end_symbol_and_writes_up_to_it(shown):
    checkpoint = model()
    items = Checkpoint(checkpoint.header, Vocabulary(ALPHABET.replace("🙂", END)), checkpoint.weights)
    page = shown(items)
    typed(page, "anna")
    _, signals = run(items, f"{END}anna")
    assert levels(page, 0, 3) == pytest.approx(np.tanh(signals["c"][0, 1:, 3]), abs=0.6 / 127)
    written(page, seed=4, temperature=1)
    page.evaluate("live.write()")
    wait(page, "live.lastWritten && !live.writing")
    sampler = Sampler(SteppedCharRNN(items.config, items.weights), items.vocabulary, SamplingConfig(1.0))
    drawn = "".join(each.character for each in sampler.draw(900, "anna", 4))
    assert page.locator("#box").input_value() == f"anna{drawn.partition(END)[0]}"


def test_a_strangers_model_is_data(shown):
    """Whatever characters a checkpoint has, they are text in the page."""
    checkpoint = model()
    hostile = Vocabulary(f"{ALPHABET[:30]}<>&/\u202e\x1b")
    page = shown(Checkpoint(checkpoint.header, hostile, checkpoint.weights))
    typed(page, "<b>&a</b>")
    assert page.locator("#mirror").inner_text() == "<b>&a</b>\u200b" or page.locator("#mirror span").count() == 9
    assert page.locator("#mirror b, #guesses b").count() == 0
