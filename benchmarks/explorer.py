"""How large the explorer page is and how soon it can be used: 4,000 characters of 3 × 512 units, in headless Chromium.

The network has its first weights, whose values are harder to compress than those of one that has learned. Beside it
stands the time of an empty page, for how long a browser takes depends on the machine.

    python benchmarks/explorer.py
"""

import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch
from playwright.sync_api import Browser, sync_playwright

from charrnn.display.explorer import Explorer, html
from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.neurons.recording import record, surprisals

CHARACTERS, LAYERS, UNITS, TURNS = 4000, 3, 512, 5
GATES = ("i", "f", "g", "o")


def main() -> None:
    """Make the page, open it and an empty one by turns, and print what was measured."""
    page = html(_explorer())
    empty = '<!doctype html><html data-ready="yes"><title>empty</title></html>'
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = [(_opens(browser, page, folder), _opens(browser, empty, folder)) for _ in range(TURNS)]
        ours, bare = (sorted(times)[TURNS // 2] for times in zip(*opened, strict=True))
        step = _step(browser, page, folder)
    print(f"{platform.machine()}, Chromium: {len(page.encode()) / 1e6:.1f} MB; {CHARACTERS:,} × {LAYERS * UNITS:,}")
    print(
        f"usable after {ours:.2f} s (an empty page: {bare:.2f} s); the next unit is painted {step:.0f} ms after its key"
    )


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
        "a model", "tanh(c)", "random characters", text, recording.signals["tanh_c"],
        {name: recording.signals[name] for name in GATES}, ("g",), surprisals(model, ids, 0, CHARACTERS), guesses, [],
        (0, 0),
    )  # fmt: skip


def _opens(browser: Browser, content: str, folder: str) -> float:
    return _with_page(browser, content, folder, lambda page, began: perf_counter() - began)


def _step(browser: Browser, content: str, folder: str) -> float:
    """Milliseconds from a key to the frame that shows it, the mean of 20."""
    painted = """async () => {
        const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const began = performance.now();
        for (let i = 0; i < 20; i += 1) { show(state.layer, state.index + 1); await frame(); }
        return (performance.now() - began) / 20;
    }"""
    return _with_page(browser, content, folder, lambda page, _: page.evaluate(painted))


def _with_page(browser: Browser, content: str, folder: str, measure: Callable[..., float]) -> float:
    path = Path(folder) / "page.html"
    path.write_text(content, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    began = perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    measured = measure(page, began)
    page.close()
    return measured


if __name__ == "__main__":
    main()
