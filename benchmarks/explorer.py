"""How large the explorer page is, how soon it is usable, how fast and how exactly it runs its network, in Chromium.

First a page without a network: 4,000 characters of 3 × 512 units of first weights, whose values are harder to compress
than those of a network that has learned. Then pages with a network: of the shipped models and of 2 × 512 units with
first weights, in half precision as a page holds what is trained on one's own machine. Beside the times stands that of
an empty page, for how long a browser takes depends on the machine.

    python benchmarks/explorer.py [--only NAME]
"""

import argparse
import json
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from playwright.sync_api import Browser, Page, sync_playwright

import charrnn
from charrnn.display.explorer import ENCODING, SCRIPTS, Explorer, html
from charrnn.model import exchange, storage
from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance
from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.neurons.recording import record, surprisals
from charrnn.text.vocabulary import Vocabulary

CHARACTERS, LAYERS, UNITS, TURNS = 4000, 3, 512, 5
LOGITS = 2000  # characters over which the page's logits are compared with Python's
TYPED, WRITTEN = 30, 300  # characters
GATES = ("i", "f", "g", "o")
SHIPPED = ("shakespeare", "tolstoy", "kernel")
EMPTY = '<!doctype html><html data-ready="yes" data-model="ready"><title>empty</title></html>'
STEP = """async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const began = performance.now();
    for (let i = 0; i < 20; i += 1) { show(state.layer, state.index + 1); await frame(); }
    return (performance.now() - began) / 20;
}"""
TYPE = """async (count) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done))), times = [];
    look(live.typed);
    for (let i = 0; i < count; i += 1) {
        const began = performance.now();
        $("box").value += "the "[i % 4];
        $("box").setSelectionRange(i + 1, i + 1);
        live.changed();
        do await frame(); while (live.typed.level(0, 0, i) === UNREAD);
        times.push(performance.now() - began);
    }
    return times.slice(4).sort((a, b) => a - b);
}"""
WRITE = """async (count) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    $("speed").value = 100;
    $("temperature").value = 1;
    const before = live.text.length;
    live.write();
    while (live.text.length < before + 20) await frame();
    const began = performance.now(), first = live.text.length;
    while (live.text.length < before + count) await frame();
    const speed = (1000 * (live.text.length - first)) / (performance.now() - began);
    live.stop();
    return speed;
}"""
READ = """async ([text, ids]) => {
    const network = await Network.from(JSON.parse(text)), state = network.start();
    const began = performance.now();
    const rows = ids.map((id) => { network.read(state, id); return [...network.logits(state)]; });
    return { rows, ms: (performance.now() - began) / ids.length, isFast: network.product !== plainProduct };
}"""


def main() -> None:
    """Measure what was asked for and print a line for each page."""
    parser = argparse.ArgumentParser(description="measure the explorer page")
    parser.add_argument("--only", choices=["recorded", "2x512", *SHIPPED])
    only = parser.parse_args().only
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        print(
            f"{platform.machine()}, Chromium {browser.version}; an empty page: {_opens(browser, EMPTY, folder):.2f} s"
        )
        if only in (None, "recorded"):
            print(_recorded_page(browser, folder))
        for name in ("2x512", *SHIPPED):
            if only in (None, name):
                for line in _live_page(browser, folder, name):
                    print(line)


def _recorded_page(browser: Browser, folder: str) -> str:
    page = html(_explorer())
    usable, step = _opens(browser, page, folder), _with_page(browser, page, folder, lambda page, _: page.evaluate(STEP))
    size = f"recorded, {CHARACTERS:,} × {LAYERS * UNITS:,}: {len(page.encode(ENCODING)) / 1e6:.1f} MB"
    return f"{size}; usable after {usable:.2f} s; the next unit is painted {step:.0f} ms after its key"


def _live_page(browser: Browser, folder: str, name: str) -> Iterator[str]:
    model = _fresh() if name == "2x512" else charrnn.load(name)
    passage = (
        model.read(name)
        if name in SHIPPED
        else model._passage("the cat sat on the mat\n" * 200, charrnn.feedback.SILENT)
    )
    page = model.explore(passage, unit="0:0").page
    yield f"{name}: {len(page.encode(ENCODING)) / 1e6:.2f} MB; usable after {_opens(browser, page, folder):.2f} s"
    times, speed = _with_page(
        browser, page, folder, lambda page, _: (page.evaluate(TYPE, TYPED), page.evaluate(WRITE, WRITTEN))
    )
    median, worst = times[len(times) // 2], times[-1]
    typed = f"a typed character is painted after {median:.0f} ms (at most {worst:.0f})"
    yield f"  {typed}; {speed:.0f} characters a second written"
    ids = model.vocabulary.encode(model.vocabulary.known(passage if isinstance(passage, str) else passage.text))
    error, took, fast = _logits(browser, model, ids[:LOGITS])
    kind = "WebAssembly" if fast else "JavaScript"
    yield f"  logits are within {error:.1e} of Python's over {LOGITS:,} characters, {took:.1f} ms each ({kind})"


def _fresh() -> "charrnn.Model":
    """A model of 2 × 512 units with first weights."""
    vocabulary = Vocabulary("\n .,abcdefghijklmnopqrstuvwxyz" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    config = ModelConfig(len(vocabulary), num_layers=2, hidden_size=512, embedding_size=0)
    network = CharRNN(config, torch.Generator().manual_seed(0))
    corpus = Provenance("none", "0" * 64, 100, {"train": 90, "val": 10})
    return charrnn.Model(Checkpoint(Header(config, corpus, Figures()), vocabulary, network.weights()), "2x512")


def _logits(browser: Browser, model: "charrnn.Model", ids: Any) -> tuple[float, float, bool]:
    """The largest difference of logits on the same stored weights, ms a character, and whether WebAssembly ran."""
    number: storage.NumberFormat = "int8" if model.checkpoint.number == "int8" else "float16"
    weights = storage.restored(storage.stored(model.checkpoint.weights, number))
    expected = SteppedCharRNN(model.config, weights)(ids[None].astype(np.int64))[0][0]
    page = browser.new_page()
    for name in SCRIPTS:
        page.add_script_tag(content=(files("charrnn.display") / "templates" / name).read_text("utf-8"))
    found = page.evaluate(READ, [json.dumps(exchange.document(model.checkpoint, number)), ids.tolist()])
    page.close()
    return float(np.abs(np.array(found["rows"]) - expected).max()), found["ms"], found["isFast"]


def _explorer() -> Explorer:
    model = CharRNN(ModelConfig(65, num_layers=LAYERS, hidden_size=UNITS), torch.Generator().manual_seed(0))
    ids = torch.randint(65, (CHARACTERS,), generator=torch.Generator().manual_seed(1)).numpy()
    recording = record(model.eval(), ids, ["tanh_c", *GATES])
    text = "".join(chr(48 + index) for index in ids)
    guesses = [
        [(chr(48 + index), float(chance)) for index, chance in zip(likeliest, chances, strict=True)]
        for likeliest, chances in zip(recording.candidates, recording.chances, strict=True)
    ]
    return Explorer(
        "a model",
        "tanh(c)",
        "random characters",
        text,
        recording.signals["tanh_c"],
        {name: recording.signals[name] for name in GATES},
        ("g",),
        surprisals(model, ids, 0, CHARACTERS),
        guesses,
        [],
        (0, 0),
    )


def _opens(browser: Browser, content: str, folder: str) -> float:
    """Seconds until a page is usable, the median."""
    times = [_with_page(browser, content, folder, lambda page, began: perf_counter() - began) for _ in range(TURNS)]
    return sorted(times)[TURNS // 2]


def _with_page(browser: Browser, content: str, folder: str, measure: Callable[[Page, float], Any]) -> Any:
    path = Path(folder) / "page.html"
    path.write_text(content, encoding=ENCODING)
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(300_000)
    began = perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-model=ready]" if 'id="model"' in content else "html[data-ready]")
    measured = measure(page, began)
    page.close()
    return measured


if __name__ == "__main__":
    main()
