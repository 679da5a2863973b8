"""Records a newcomer's first minute: a fresh clone is installed, and the README's first lines are typed in a terminal.

The terminal is tmux's, of 80 × 24; the time runs from the first key. Headless Chromium draws what stands on it after
each line as a picture (docs/first-minute-1.png, …), and shows the page that the last line makes. Where the times were
measured stands beside them in docs/tutorial.md.

    python docs/first_minute.py [--clone FOLDER]
"""

import argparse
import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
COLUMNS, ROWS = 80, 24
KEYS_A_SECOND = 12  # as fast as a person types who knows what
READING = 2.0  # seconds before the next line is typed
SENTENCE = """'Mary: "No," he said, "come in."'"""
LINES = (
    "charrnn",
    f"echo {SENTENCE} | charrnn show tolstoy - --unit quotes",
    "charrnn sample kernel -p 'static int ' -n 400 -t 0.7 --seed 1",
    f"echo {SENTENCE} | charrnn explore tolstoy - -o page.html",
)
PAGE = """<body style="margin: 0"><pre style="margin: 0; padding: 10px; width: max-content; line-height: 1.25;
font: 13px 'DejaVu Sans Mono', monospace; background: #ffffff; color: #1b1b1b">{code}</pre></body>"""


class Terminal:
    """A shell in tmux, with nothing of its user's settings."""

    def __init__(self, folder: Path) -> None:
        self._socket, self._started = f"charrnn-{os.getpid()}", 0.0
        given = {
            "PATH": f"{folder / '.venv/bin'}:{os.environ['PATH']}",
            "HOME": folder,
            "LANG": "C.UTF-8",
            "COLORTERM": "truecolor",
            "TERM": "tmux-256color",
            "CHARRNN_BACKGROUND": "light",
            "PS1": "$ ",
        }
        shell = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in given.items()), "bash", "--norc"])
        self._tmux("-f", os.devnull, "new-session", "-d", "-x", COLUMNS, "-y", ROWS, "-c", folder, shell)
        self._until_prompt()

    def _tmux(self, *words: object) -> str:
        command = ["tmux", "-L", self._socket, *map(str, words)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def screen(self) -> list[str]:
        """The rows of the screen, with their colours as escape sequences."""
        return self._tmux("capture-pane", "-p", "-e").rstrip("\n").splitlines()

    def type(self, line: str) -> tuple[float, float]:
        """Type a line on a cleared screen and wait until it is done.

        Returns:
            When it was entered and when it was done, in seconds from the first key.
        """
        self._tmux("send-keys", "C-l")
        time.sleep(0.2)
        self._started = self._started or time.monotonic()
        for character in line:
            self._tmux("send-keys", "-l", character)
            time.sleep(1 / KEYS_A_SECOND)
        self._tmux("send-keys", "Enter")
        entered = time.monotonic()
        self._until_prompt()
        return entered - self._started, time.monotonic() - self._started

    def _until_prompt(self) -> None:
        while not self.screen() or Text.from_ansi(self.screen()[-1]).plain.rstrip() != "$":
            time.sleep(0.05)

    def end(self) -> None:
        """End the shell and its terminal."""
        self._tmux("kill-server")


def main() -> None:
    """Install a clone where there is none yet, record there, and print the times."""
    parser = argparse.ArgumentParser(description="record a newcomer's first minute")
    parser.add_argument("--clone", type=Path, help="where the clone is kept, and used again")
    kept = parser.parse_args().clone
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        folder = (kept or Path(temporary, "charrnn")).absolute()
        if not folder.exists():
            print(f"cloned and installed in {_installed(folder):.0f} s")
        for told in _recorded(browser, folder):
            print(told)


def _installed(folder: Path) -> float:
    """Clone this repository and install it with pip; return how long that took, in seconds."""
    started = time.monotonic()
    for command in (
        ["git", "clone", "--quiet", DOCS.parent, folder],
        [sys.executable, "-m", "venv", folder / ".venv"],
        [folder / ".venv/bin/pip", "install", "--quiet", "-c", "constraints.txt", "."],
    ):
        subprocess.run(command, check=True, cwd=folder if folder.exists() else None)
    return time.monotonic() - started


def _recorded(browser: Browser, folder: Path) -> Iterator[str]:
    terminal, pictures = Terminal(folder), [DOCS / f"first-minute-{n}.png" for n, _ in enumerate(LINES, 1)]
    try:
        for number, line in enumerate(LINES, 1):
            entered, done = terminal.type(line)
            _draw(browser, terminal.screen(), pictures[number - 1])
            yield f"{done:5.1f} s  {line}  ({done - entered:.1f} s)"
            time.sleep(READING)
    finally:
        terminal.end()
    page = browser.new_page(viewport={"width": 1000, "height": 560}, color_scheme="light")
    page.goto((folder / "page.html").as_uri())
    page.wait_for_selector("html[data-model=ready]")
    page.wait_for_timeout(1000)
    page.screenshot(path=pictures[-1])  # in place of the line that tells of the page


def _draw(browser: Browser, rows: list[str], path: Path) -> None:
    """Draw the rows of a screen as PNG."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi("\n".join(rows), no_wrap=True), soft_wrap=True)
    code = console.export_html(inline_styles=True, code_format="{code}")
    page = browser.new_page(viewport={"width": 900, "height": 600})
    page.set_content(PAGE.format(code=code))
    page.locator("pre").screenshot(path=path)
    page.close()


if __name__ == "__main__":
    main()
