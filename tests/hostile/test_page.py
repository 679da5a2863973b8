"""The page of a stranger's model: each promise of docs/security.md, on a checkpoint that is forged to break it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import charrnn as library
from charrnn.model.checkpoint import Checkpoint, save
from charrnn.model.known import KnownUnit
from charrnn.text.vocabulary import Vocabulary

TEMPLATES = Path(library.__file__).parent / "display" / "templates"
SCRIPT = "</script><script>window.obeyed=1</script><img src=x onerror=window.obeyed=1>\u2028"
HUGE = 3_000_000  # characters
MARKUP = "<>&\"'/=;:`${}\\\u2028\u2029\u202e\x1b\x00\ufeff"  # a vocabulary of a stranger's choice


@pytest.fixture
def forged(make_checkpoint, tmp_path):
    """A file whose every string wants to be code or markup, or is huge; all of it passes as a checkpoint."""
    whole = make_checkpoint(cell="lstm", vocabulary_size=len(set(MARKUP + "ab")))
    known = tuple(
        KnownUnit(f"{name}_{number}", f"0:{number}", "tanh_c", 1, SCRIPT, 0.9, SCRIPT, SCRIPT)
        for number, name in enumerate((SCRIPT, "__proto__", "constructor", "{{7*7}}"))
    )
    corpus = replace(whole.header.corpus, name=SCRIPT * 9, licence=SCRIPT, source="x" * HUGE)
    header = replace(
        whole.header, known_units=known, corpus=corpus, training={SCRIPT: SCRIPT}, line_beginnings={"<": 5}
    )
    path = tmp_path / "forged.safetensors"
    save(Checkpoint(header, Vocabulary(MARKUP + "ab"), whole.weights), path)
    return path


@pytest.fixture
def page(forged, tmp_path, open_page):
    """Its page, opened: that fails where it asks for anything or complains."""
    text, path = tmp_path / "text.txt", tmp_path / "page.html"
    text.write_text("<b>'\"&\u2028\\</b>", "utf-8")
    model = library.load(forged)
    model.explore(model.read(str(text))).save(path)
    opened = open_page(path)
    opened.wait_for_selector("html[data-model=ready]")
    return opened


def test_no_string_of_a_checkpoint_becomes_markup_or_code(page):
    assert page.evaluate("window.obeyed") is None
    assert page.evaluate("Object.prototype.obeyed") is None
    assert page.locator("script").count() == 3  # its data and two of its own; the model's is gone once it is loaded
    assert page.locator("img, iframe, object, embed, base, link, a, [onerror], [onload], [onclick]").count() == 0
    assert SCRIPT[:20] in page.locator("#ranked").inner_text()
    page.keyboard.press("2")
    page.locator("#box").fill("<b>'\"&</b>")
    page.wait_for_function("!live.typed.row(0, 0).includes(UNREAD)")
    page.evaluate("$('speed').value = 100; live.tellSpeed(); live.write()")
    page.wait_for_function("live.text.length > 60")
    page.evaluate("live.stop()")
    assert page.locator("#mirror b, #mirror script, #guesses b, #ranked b, h1 b").count() == 0
    assert page.evaluate("window.obeyed") is None


def test_no_element_of_the_data_can_be_ended_or_begun_by_what_is_in_it(forged, tmp_path):
    model = library.load(forged)
    source = model.explore("<b>'\"&</b>").page
    blocks = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', source, re.DOTALL)
    assert [name for name, _ in blocks] == ["data", "model"]
    for _, content in blocks:
        assert "<" not in content
        assert not set("\u2028\u2029\u202e\x1b\x00\ufeff") & set(content)


def test_the_page_keeps_nothing(page):
    assert page.evaluate("document.cookie") == ""
    assert page.context.storage_state() == {"cookies": [], "origins": []}


def test_the_page_has_no_room_for_huge_strings_of_a_header(forged):
    assert len(library.load(forged).explore("<b>").content) < HUGE


def test_the_policy_names_two_scripts_one_style_and_a_worker_of_its_own(forged):
    source = library.load(forged).explore("<b>").page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', source)[1].replace("&#39;", "'")
    hashed = r"'sha256-[\w+/=]+'"
    assert re.fullmatch(
        rf"default-src 'none'; script-src {hashed} {hashed} 'wasm-unsafe-eval'; style-src {hashed}; "
        r"worker-src blob:; base-uri 'none'; form-action 'none'",
        policy,
    )


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.js")), ids=lambda path: path.name)
def test_no_script_of_the_page_makes_markup_or_code_of_a_string_or_asks_or_stores(path):
    source = path.read_text("utf-8")
    for makes in ("HTML", "document.write", "eval(", "Function(", "import(", "createContextualFragment", "srcdoc"):
        assert makes not in source
    for asks in (
        "fetch",
        "XMLHttp",
        "WebSocket",
        "EventSource",
        "sendBeacon",
        "Storage",
        "indexedDB",
        "cookie",
        "caches",
    ):
        assert asks not in source
    assert not re.search(r"set(Timeout|Interval)\(\s*[\"'`]", source)
    assert not re.search(r"\.(href|src|action)\s*=", source)
