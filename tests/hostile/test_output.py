"""Texts, names and models that would like to drive a terminal or a page: both show them, and neither obeys."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from charrnn.cli.main import main
from charrnn.errors import typed

# What each line wants: to be a page's script, an attribute, a template, rich's markup, a terminal's or a line's master.
WANTS = (
    "<script>window.obeyed=1</script></script></style></title>-->]]>\n"
    '"\'><img src=x onerror="window.obeyed=1"><svg onload=window.obeyed=1>\n'
    "javascript:window.obeyed=1 {{ 7*7 }} ${7*7} {% raw %} $x_1$ &amp; &#60;\n"
    "[red]cat[/red] [link=file:///]x[/link] [/] [bold\n"
    "\x1b[5;8mhidden \x1b]0;title\x07 \x1b]8;;http://a.b\x1b\\link \x1bPq \x9b5m \x08\x08\x7f\n"
    "\u202eturned \u2066round\u2069 \u200f \ufeff\n"
)
NAME = "<img src=x onerror=window.obeyed=1>'\"[red]\x1b[5;8m\u202e$x_1$&amp;\n{{7*7}}"  # no slash: it names a file
UNIT = "0:3"
OWN = re.compile(  # colours, the motions of a progress bar, and a link to what was written, percent-encoded
    r"\x1b\[[\d;]*[mK]|\x1b\[\?25[lh]|\x1b\[\d*A|\r|\x1b\]8;;(file:///[\w%/.~-]*)?\x1b\\"
)
THEIRS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]|5;8m\x1b")


THEIR_ELEMENTS = "img:not([src^='data:image/']), [onerror], [onload], a[href^=javascript], base, iframe"


class Terminal(io.TextIOWrapper):
    """A stream that says that a person looks on."""

    def isatty(self):
        return True


ANSWERING = ("--hidden-size=8", "--memory-size=8", "--batch-size=8", "--threads=1")
SETTING = "[/x]\x1b]0;title\x07[red]\u202e"  # the name of one


@pytest.fixture(scope="module")
def stranger(charrnn, train, reseal, tmp_path_factory):
    """A text by a stranger under a stranger's name, a run that learned from it, also under one, and a forged one."""
    folder = tmp_path_factory.mktemp("stranger")
    text = folder / f"{NAME}.txt"
    text.write_text(WANTS * 40, "utf-8")
    (folder / NAME).symlink_to(train("--steps", 4, "--sample-every", 2, source=text))
    forged = shutil.copytree(folder / NAME, folder / "forged")
    reseal(forged / "best.safetensors", lambda header, _: header["training"].update({SETTING: SETTING}))
    pairs, answering = folder / f"{NAME}.tsv", folder / f"map{NAME}"
    lines = [line for line in WANTS.split("\n") if line]
    pairs.write_text("".join(f"{line}{n}\t{line}\n" for line in lines for n in range(9)), "utf-8")
    assert (
        charrnn("map", "train", pairs, *ANSWERING, "--learning-rate=0.1", "--steps=40", "--out", answering).status == 0
    )
    places = {"RUN": folder / NAME, "TEXT": text, "FORGED": forged, "PAIRS": pairs, "MAPPED": answering}
    return SimpleNamespace(folder=folder, text=text, run=folder / NAME, places=places)


def seen(*arguments, **terminal):
    """What a person sees in a terminal of 80 columns and all colours, or another: both streams, and the exit status."""
    out, err = (Terminal(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    handler = signal.getsignal(signal.SIGTERM)
    looks = {"TERM": "xterm-256color", "COLUMNS": "80", "COLORTERM": "truecolor", "PAGER": "cat"} | terminal
    with (
        patch.object(sys, "argv", ["charrnn", *map(str, arguments)]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())),
        patch.dict(os.environ, looks),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    signal.signal(signal.SIGTERM, handler)
    return SimpleNamespace(status=ended.value.code, shown=(out.buffer.getvalue() + err.buffer.getvalue()).decode())


OUTPUTS = ("OUT", "OUT.npz", "OUT.html", "OUT.json")
# What is typed -> something of the stranger's that is then seen as it stands, or None where nothing of it is shown.
COMMANDS = {
    "training": (["train", "TEXT", "--steps=2", "--hidden-size=8", "--sample-every=1", "--out", "OUT"], "[red]␛[5;8m"),
    "training on": (["train", "--resume", "RUN"], "[red]␛[5;8m"),
    "a text that is not there": (["train", NAME], "[red]␛[5;8m"),
    "a model that is not there": (["info", NAME], "[red]␛[5;8m"),
    "a command that is not there": ([NAME], r"[red]\x1b[5;8m\u202e"),
    "an option's value": (["sample", "RUN", "--unit", NAME], None),
    "a choice that is none": (["train", "TEXT", "--cell", NAME], r"[red]\x1b[5;8m\u202e"),
    "info": (["info", "RUN"], "[red]␛[5;8m"),
    "history": (["history", "RUN"], None),
    "compare": (["compare", "RUN", "RUN"], "[red]"),
    "compare, settings of theirs": (["compare", "FORGED", "RUN"], "[/x]␛]0;title␇"),
    "corpus stats": (["corpus", "stats", "TEXT"], r"'\ufeff' 40"),
    "sample": (["sample", "RUN", "--length=400", "--prime", WANTS], "[link=file:///]x[/link] [/] [bold"),
    "sample --color": (["sample", "RUN", "--length=400", "--prime", WANTS, "--color=surprisal"], "␛[5;8mhidden"),
    "sample --count": (["sample", "RUN", "--length=90", "--count=2", "--prime", "[red]<script>\x1b[5;8m"], "[red]<scr"),
    "score": (["score", "RUN", "TEXT"], None),
    "score --color": (["score", "RUN", "TEXT", "--color"], None),
    "neurons show": (["neurons", "show", "RUN", "TEXT", "--unit", UNIT, "--length=400", "--no-pager"], None),
    "neurons show, guessing": (["neurons", "show", "RUN", "TEXT", "--unit", UNIT, "--guesses=3", "--no-pager"], None),
    "neurons find": (["neurons", "find", "RUN", "TEXT", "--part=all", "--regex", "[red]\x1b[5;8m=re"], None),
    "neurons ablate": (["neurons", "ablate", "RUN", "TEXT", "--part=all", "--unit", UNIT, "--characters=900"], None),
    "neurons steer": (["neurons", "steer", "RUN", "--unit", UNIT, "--prime", WANTS, "--length=90"], None),
    "neurons gates": (["neurons", "gates", "RUN", "TEXT", "--part=all"], None),
    "neurons grep": (["neurons", "grep", "RUN", "TEXT", "--part=all", "--unit", UNIT, "--like=200:240"], None),
    "neurons compare": (["neurons", "compare", "RUN", "RUN", "TEXT", "--part=all"], None),
    "neurons trace": (["neurons", "trace", "RUN", "TEXT", "--part=all", "--at=700"], None),
    "neurons dump": (["neurons", "dump", "RUN", "TEXT", "--part=val", "-o", "OUT.npz"], None),
    "neurons explore": (["neurons", "explore", "RUN", "TEXT", "--part=all", "-o", "OUT.html"], None),
    "gradients": (["gradients", "RUN", "TEXT", "--part=all", "--distance=5", "--losses=4"], None),
    "export": (["export", "RUN", "-o", "OUT.json"], None),
    "map train": (["map", "train", "PAIRS", *ANSWERING, "--steps=2", "--out", "OUT"], None),
    "map info": (["info", "MAPPED"], None),
    "map apply": (["map", "apply", "MAPPED", "a [5;8m", "--count=40", "--temperature=9", "--seed=1"], "␛"),
    "map attend": (["map", "attend", "MAPPED", "\x1b[5;8mhidden"], "␛"),
    "map score": (["map", "score", "MAPPED", "PAIRS", "--part=all"], None),
}


@pytest.mark.parametrize("what", COMMANDS)
def test_a_terminal_shows_what_a_stranger_wrote_and_receives_no_control_of_theirs(stranger, here, what):
    command, shown = COMMANDS[what]
    places = stranger.places | {name: here / name.replace("OUT", NAME) for name in OUTPUTS}
    result = seen(*(places.get(part, part) for part in command))
    plain = OWN.sub("", result.shown)
    assert "\x1b[5;8m" not in result.shown
    assert not THEIRS.search(plain), plain
    assert "Traceback" not in plain
    assert "Error: unexpected" not in plain
    assert shown is None or shown in plain.replace("\n", ""), plain


TERMINALS = {"20 columns": {"COLUMNS": "20"}, "1 column": {"COLUMNS": "1"}, "dumb": {"TERM": "dumb", "COLORTERM": ""}}


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("what", COMMANDS)
def test_a_terminal_that_is_narrow_or_dumb_is_given_what_it_can_show(stranger, here, what, terminal):
    places = stranger.places | {name: here / name for name in OUTPUTS}
    command = [places.get(part, part) for part in COMMANDS[what][0]]
    wide, result = seen(*command), seen(*command, **TERMINALS[terminal])
    assert result.status == wide.status or what in ("training", "map train")  # a second run in its folder is refused
    assert not THEIRS.search(OWN.sub("", result.shown))
    assert terminal != "dumb" or "\x1b" not in result.shown
    assert "Traceback" not in result.shown
    assert "Error: unexpected" not in result.shown


# What is written as JSON, with the stranger's text or names in it.
REPORTS = {
    "info": ["info", "RUN", "--json"],
    "history": ["history", "RUN", "--json"],
    "compare": ["compare", "RUN", "RUN", "--json"],
    "corpus stats": ["corpus", "stats", "TEXT", "--json"],
    "sample": ["sample", "RUN", "--length=50", "--prime", WANTS, "--json"],
    "score": ["score", "RUN", "TEXT", "--json"],
    "neurons show": ["neurons", "show", "RUN", "TEXT", "--unit", UNIT, "--format=json"],
    "neurons grep": ["neurons", "grep", "RUN", "TEXT", "--part=all", "--unit", UNIT, "--like=200:240", "--json"],
    "neurons trace": ["neurons", "trace", "RUN", "TEXT", "--part=all", "--at=700", "--format=json"],
}


@pytest.mark.parametrize("what", REPORTS)
def test_a_report_is_one_object_of_json_with_nothing_in_it_that_a_terminal_acts_on(charrnn, stranger, what):
    result = charrnn(*(stranger.places.get(part, part) for part in REPORTS[what]))
    assert result.status == 0, result.err
    assert isinstance(json.loads(result.out), dict)
    assert not THEIRS.search(result.out)


# What makes pages and pictures, and the files that it makes.
PAGES = {
    "show": (["neurons", "show", "RUN", "TEXT", "--unit", UNIT, "--guesses=3"], "page.html"),
    "several units": (["neurons", "show", "RUN", "TEXT", "--unit", UNIT, "--unit=0:5"], "page.html"),
    "show as a picture": (["neurons", "show", "RUN", "TEXT", "--unit", UNIT], "picture.svg"),
    "score": (["score", "RUN", "TEXT", "--html", "OUT"], "page.html"),
    "trace": (["neurons", "trace", "RUN", "TEXT", "--part=all", "--at=700"], "page.html"),
    "map attend": (["map", "attend", "MAPPED", "<script>window.obeyed=1</script>\x1b[5;8m"], "page.html"),
    "map attend as a picture": (
        ["map", "attend", "MAPPED", "<script>window.obeyed=1</script>\x1b[5;8m"],
        "picture.svg",
    ),
    "trace as a picture": (["neurons", "trace", "RUN", "TEXT", "--part=all", "--at=700"], "picture.svg"),
    "explore": (["neurons", "explore", "RUN", "TEXT", "--part=all"], "page.html"),
    "gallery": (["neurons", "gallery", "RUN", "TEXT", "--part=all", "--ablated=100", "--length=90"], "index.html"),
    "compare": (["compare", "RUN", "RUN"], "curve.svg"),
    "gradients": (["gradients", "RUN", "TEXT", "--part=all", "--distance=5", "--losses=4"], "reach.svg"),
}


@pytest.fixture
def made(charrnn, stranger, here):
    """A function that makes a page or picture of what the stranger wrote."""

    def make(what):
        command, name = PAGES[what]
        out = here if name == "index.html" else here / name
        places = stranger.places | {"OUT": out}
        arguments = [places.get(part, part) for part in command]
        result = charrnn(*arguments, *([] if "OUT" in command else ["-o", out]))
        assert result.status == 0, result.err
        return here / name

    return make


def encoding_of(path):
    return "utf-16" if path.read_bytes().startswith(b"\xff\xfe") else "utf-8"


@pytest.mark.parametrize("what", PAGES)
def test_a_page_shows_what_a_stranger_wrote_and_runs_nothing_of_it(made, open_page, what):
    path = made(what)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", path.read_text(encoding_of(path)))
    page = open_page(path)  # it fails where the page asks for anything or complains
    page.wait_for_load_state()
    assert page.evaluate("window.obeyed") is None
    assert page.query_selector(THEIR_ELEMENTS) is None


@pytest.mark.parametrize("what", [what for what, (_, name) in PAGES.items() if name.endswith("html")])
def test_a_script_that_did_slip_into_a_page_would_be_kept_from_running_and_from_asking(made, chromium, what):
    path = made(what)
    slipped = '<script>window.obeyed=1</script><img src="http://127.0.0.1:9/x" onerror="window.obeyed=1"></body>'
    encoding = encoding_of(path)
    source = path.read_text(encoding)
    assert source.count("</body>") == 1
    path.write_text(source.replace("</body>", slipped), encoding)
    page = chromium.new_page()
    requested, complaints = [], []
    page.on("requestfinished", lambda request: requested.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.as_uri())
    page.wait_for_load_state()
    obeyed = page.evaluate("window.obeyed")
    page.close()
    assert obeyed is None
    outside = [url for url in requested if not url.startswith("blob:null/")]  # the worker of the page's own script
    assert outside in ([], [path.as_uri()])
    assert any("Content Security Policy" in complaint for complaint in complaints)


WORDS = [
    "=ls",
    "~root",
    "a=~b",
    "x;touch PWNED;#",
    "$(touch PWNED)",
    "a b",
    "it's",
    NAME,
    "-x",
    "é\u00a0\u202e\U000e0001",
    "\\",
    "a\\\\b\\'c\\",
    "100%s!`id`",
    "%self",
    "a\nb %d \\ ' \" ! $HOME `id` $(touch PWNED)",
    "\n-x",
    "",
]
FOLDER = "x;touch PWNED;#"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_each_word_of_a_command_to_be_copied_as_that_word(here, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    command = typed("train", "--resume", *WORDS).replace("charrnn", "printf %s\\\\0", 1)
    assert command.isprintable()
    told = subprocess.run([shell, "-c", command], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert told.stdout.decode().split("\0") == ["train", "--resume", *WORDS, ""]
    assert not list(here.iterdir())


def test_no_name_leaves_its_quotes_in_a_shell_that_knows_no_dollar_quotes(here):
    command = typed("x\\'; touch PWNED; #\n").replace("charrnn", "printf %s", 1)
    subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert not list(here.iterdir())


@pytest.mark.skipif(not shutil.which("bash"), reason="no shell that takes $'…'")
def test_a_name_that_is_not_in_utf8_is_its_bytes_in_a_command_to_be_copied():
    name = b"caf\xe9a\xff"
    command = typed(os.fsdecode(name)).replace("charrnn", "printf %s", 1)
    assert command.isprintable()
    assert subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout == name


def test_what_zsh_expands_is_quoted():
    assert typed("info", "=ls", "~root", "a=b") == "charrnn info '=ls' '~root' a=b"


def test_advice_names_a_folder_such_that_a_shell_takes_it_as_one_word(run, book, here, row):
    shutil.copytree(run, here / FOLDER)
    was = book.read_text("utf-8")
    try:
        book.write_text(was + "ж", "utf-8")
        row(["train", "--resume", FOLDER, "--force"], 1, f"charrnn train SOURCE --init-from '{FOLDER}'")
    finally:
        book.write_text(was, "utf-8")
