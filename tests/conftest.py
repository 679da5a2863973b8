"""Fixtures that the rooms share: tiny models of every cell, and checkpoints of them."""

import os
import shutil

import pytest

# Matrices are tiny here, and a second thread only waits; this must stand before the first import of torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

CELLS = {
    "tanh": {"cell": "rnn", "nonlinearity": "tanh"},
    "relu": {"cell": "rnn", "nonlinearity": "relu"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "peephole": {"cell": "peephole"},
}
SIZES = {"vocabulary_size": 6, "hidden_size": 5, "embedding_size": 3}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(params=list(CELLS))
def cell(request):
    """Every cell in turn, as options of ModelConfig."""
    return CELLS[request.param]


@pytest.fixture(scope="session")
def make_config():
    """A function that returns a tiny ModelConfig, its sizes all different; options replace any of them."""
    from charrnn.model.config import ModelConfig

    return lambda **options: ModelConfig(**{**SIZES, **options})


@pytest.fixture(scope="session")
def make_model(make_config):
    """A function that returns a tiny CharRNN whose every weight, biases and peepholes too, has its own value."""
    import torch

    from charrnn.model.network import CharRNN

    def make(seed=0, **options):
        generator = torch.Generator().manual_seed(seed)
        model = CharRNN(make_config(**options), generator)
        for name, weight in model.named_weights():
            if "bias" in name or "peephole" in name:
                weight.data.normal_(std=0.5, generator=generator)
        return model

    return make


@pytest.fixture(scope="session")
def make_checkpoint(make_model):
    """A function that returns a Checkpoint of such a model, over the first letters of the alphabet."""
    from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance
    from charrnn.text.vocabulary import Vocabulary

    def make(**options):
        model = make_model(**options)
        corpus = Provenance("letters", "0" * 64, 100, {"train": 90, "val": 10}, "CC0-1.0")
        header = Header(model.config, corpus, Figures(7, 0.5, 1.25, 2.5, 2.25), {"seed": 3, "schedule": "cosine"})
        return Checkpoint(header, Vocabulary(LETTERS[: model.config.vocabulary_size]), model.weights())

    return make


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium of the system's, for pages that are to be seen as a reader sees them."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is on this machine")
    from playwright.sync_api import sync_playwright

    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """A function that opens a file in Chromium; the test fails if it asked for anything else or complained."""
    said, contexts = [], []

    def opened(path, address="", **options):
        contexts.append(chromium.new_context(**options))
        contexts[-1].set_default_timeout(120_000)  # milliseconds: other tests may keep the machine busy
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: request.url.startswith(path.as_uri()) or said.append(request.url))
        page.goto(path.as_uri() + address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not said
