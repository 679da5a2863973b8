"""Renews the pictures of the documents with the models that come with charrnn, each as a reader would see it.

They are made in headless Chromium (playwright), of the explorer page and of cards of the gallery. The pages take a
minute or two each; with --pages FOLDER they are kept there and used again.

    python docs/pictures.py [--pages FOLDER] [NAME ...]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).parent
SIZE = {"width": 1400, "height": 900}
MOST_SECONDS = 1200  # that a picture waits for what it shows
SPOKEN = (
    'He came up to her. "Well, Princess," he said, smiling,\n"so you are going to Moscow?" '
    'She looked at him. "Yes, and you'
)
READ = {"tolstoy": SPOKEN}  # what a page is made of in place of a model's own text: it opens at the best known unit
CODE = "static int frame_count(struct page *page)\n{\n\t/* Pages"
BEFORE = 'He took her hand. "My dear,'

# Cards of the gallery, by their titles, and the passages that they show.
CARDS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "tolstoy": (
        ("Place in the line", "Quotations"),
        ("--part=val", "--passage=The sole importance", "--passage=You mean to imply"),
    ),
    "kernel": (
        ("If-conditions", "Comments, strings"),
        ("--part=train", "--passage=char *audit_unpack_string", "--passage=int __dequeue_signal"),
    ),
    "shakespeare": (("Speaker turns",), ()),
}


def passage(page: Page) -> None:
    """A recorded passage coloured by the unit that follows comments, with one of its strongest places marked."""
    _at_feature(page, "inside_comment_or_string")
    for _ in range(2):
        page.keyboard.press("s")
    _settle(page)


def typing(page: Page) -> None:
    """A sentence that is being typed, coloured by the unit that follows quotations."""
    _at_feature(page, "inside_quotes")
    _typed(page, SPOKEN)


def writing(page: Page) -> None:
    """Code as the network writes it on, coloured by the unit that follows comments."""
    _at_feature(page, "inside_comment_or_string")
    _typed(page, CODE)
    page.evaluate("$('seed').value = 3; live.tellSpeed(); live.write()")
    _until(page, "live.text.length > 395")


def holding(page: Page) -> None:
    """The same beginning written on freely and with the quotations' unit held outside of them."""
    _at_feature(page, "inside_quotes")
    _typed(page, BEFORE)
    page.evaluate("live.toggleHold(); live.setHolds([{ ...live.holds[0], value: -0.9 }]); live.drawHolds()")
    page.evaluate("$('speed').value = 100; live.tellSpeed(); live.write()")
    _until(page, "$('free').textContent.length > 330 && $('held').textContent.length > 330")
    page.evaluate("live.stop(); $('speed').value = 45; live.tellSpeed()")
    _until(page, "!live.writing && !live.typed.row(0, 0).includes(UNREAD)")


# The explorer page: the model, what is done, whether it is dark, and the picture's height.
SCENES: dict[str, tuple[str, Callable[[Page], None], bool, int]] = {
    "explorer": ("kernel", passage, False, 900),
    "typing": ("tolstoy", typing, False, 640),
    "writing": ("kernel", writing, True, 900),
    "holding": ("tolstoy", holding, False, 900),
}


def main() -> None:
    """Make the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser(description="renew the pictures of the documents")
    parser.add_argument("names", nargs="*", choices=[[], *SCENES, *CARDS])
    parser.add_argument("--pages", type=Path, help="where pages are kept")
    asked = parser.parse_args()
    names = asked.names or [*SCENES, *CARDS]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        pages = asked.pages or Path(temporary)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in names:
            (_draw_scene if name in SCENES else _draw_cards)(browser, pages, name)
            print(DOCS / f"{name}.png")


def _draw_scene(browser: Browser, pages: Path, name: str) -> None:
    model, act, is_dark, height = SCENES[name]
    path = pages / f"{model}.html"
    if not path.exists():
        _charrnn("explore", model, "-" if model in READ else model, "-o", path, text=READ.get(model))
    page = browser.new_page(viewport=SIZE | {"height": height}, color_scheme="dark" if is_dark else "light")
    page.set_default_timeout(1000 * MOST_SECONDS)
    page.goto(path.absolute().as_uri())
    page.wait_for_selector("html[data-model=ready]")
    act(page)
    page.wait_for_timeout(300)
    page.screenshot(path=DOCS / f"{name}.png")
    page.close()


def _draw_cards(browser: Browser, pages: Path, name: str) -> None:
    titles, options = CARDS[name]
    folder = pages / f"{name}-gallery"
    if not (folder / "index.html").exists():
        _charrnn(
            "gallery", name, name, "--signals=tanh_c", "--ablated=100", "--characters=30000", *options, "-o", folder
        )
    page = browser.new_page(viewport={"width": 800, "height": 900}, device_scale_factor=1.5, color_scheme="light")
    page.goto((folder / "index.html").absolute().as_uri())
    left_out = (
        "section:not(:is({}))",
        "section table",
        "section > p:last-child",
        "header p",
        "details",
        "h1",
        "dl > div:nth-child(n + 5)",
    )
    hidden = f"{', '.join(left_out)} {{{{ display: none }}}}"
    kept = ", ".join(f'[data-kept="{place}"]' for place, _ in enumerate(titles))
    for place, title in enumerate(titles):
        section = page.locator("section", has=page.get_by_role("heading", name=title, exact=True))
        section.evaluate(f"(section) => section.dataset.kept = {place}")
        section.locator("figure").evaluate_all("(all) => all.slice(1).forEach((figure) => figure.remove())")
    page.evaluate("(rules) => document.styleSheets[0].insertRule(rules)", hidden.format(kept))
    page.set_viewport_size({"width": 800, "height": 100})
    page.screenshot(path=DOCS / f"{name}.png", full_page=True)
    page.close()


def _charrnn(*arguments: object, text: str | None = None) -> None:
    subprocess.run([sys.executable, "-m", "charrnn", *map(str, arguments)], check=True, input=text, text=True)


def _at_feature(page: Page, feature: str) -> None:
    page.evaluate(f"show(...data.ranked.find((each) => each.feature === '{feature}').unit)")


def _typed(page: Page, text: str) -> None:
    page.keyboard.press("2")
    page.locator("#box").fill(text)
    _settle(page)
    _until(page, "!live.typed.row(0, 0).includes(UNREAD)")


def _settle(page: Page) -> None:
    """Wait until the figures are those of the character that is pointed at."""
    page.wait_for_timeout(500)
    _until(page, "!document.querySelector('#figures .pale')")


def _until(page: Page, condition: str) -> None:
    for _ in range(20 * MOST_SECONDS):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise TimeoutError(condition)


if __name__ == "__main__":
    main()
