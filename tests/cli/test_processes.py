"""What only a real process shows: what it imports, and how it ends when its reader has gone."""

import os
import re
import subprocess
import sys

import pytest

HEAVY = ["torch", "numpy", "rich", "matplotlib", "jinja2", "tqdm", "safetensors"]
COMPILER = {"sympy", "torch._dynamo"}  # seconds that nothing here needs


def imported(code, *arguments):
    """Which heavy modules a fresh process has imported after the code."""
    listing = f"{code}\nimport sys\nprint(*(m for m in {[*HEAVY, *COMPILER]} if m in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", listing, *map(str, arguments)], capture_output=True, check=True)
    return set(done.stderr.decode().split())


CALL = "from charrnn.cli.main import main\ntry: main()\nexcept SystemExit as end: assert not end.code"


def test_the_command_line_is_there_before_anything_heavy():
    assert imported("import charrnn.cli.main") == set()


def test_help_imports_nothing_heavy():
    assert imported(CALL, "train", "--help") == set()


@pytest.mark.parametrize("command", ["history", "compare"])
def test_a_run_is_shown_without_torch_and_plots(run, command):
    assert not imported(CALL, command, run) & {"torch", "matplotlib"}


@pytest.mark.parametrize("command", [["sample", "--length", 5], ["info"]], ids=lambda command: command[0])
def test_a_model_is_sampled_and_described_without_torch(run, command):
    assert imported(CALL, command[0], run, *command[1:]) == {"numpy", "safetensors"}


@pytest.mark.parametrize("command", [["score"], ["neurons", "show", "--unit=0:1", "--length=5"]], ids=" ".join)
def test_a_text_is_read_without_torchs_compiler(run, book, command):
    assert not imported(CALL, *command, run, book) & COMPILER


def test_head_ends_a_long_sample_quietly(process, run):
    with process("sample", run, "--length", 10**6) as pipe:
        assert len(pipe.stdout.read(10)) == 10
        pipe.stdout.close()
        assert pipe.stderr.read() == b""
    assert pipe.returncode in (0, 141)


@pytest.mark.parametrize(
    "command",
    [
        ["sample", "RUN", "--length", "9"],
        ["info", "RUN"],
        ["history", "RUN"],
        ["compare", "RUN"],
        ["--help"],
        ["--version"],
        ["train", "--help"],
    ],
    ids=" ".join,
)
def test_a_reader_who_has_gone_already_is_no_error(run, command):
    reading, writing = os.pipe()
    os.close(reading)
    arguments = [run if argument == "RUN" else argument for argument in command]
    done = subprocess.run([sys.executable, "-m", "charrnn", *arguments], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 141


def on_a_terminal(*arguments, typed=b"", **env):
    """Return what the command line writes to a terminal, and what is typed there."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "charrnn", *map(str, arguments)]
    os.write(ours, typed)
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    subprocess.run(command, **terminal, env={**os.environ, "TERM": "xterm", **env}, check=True, timeout=60)
    os.close(theirs)
    written = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # Linux tells so that the other end is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_on_a_terminal_the_prime_stands_before_the_text_and_a_newline_after_it(hello):
    shown = on_a_terminal("sample", hello, "--temperature", 0, "--prime", "h", "--length", 4)
    assert shown == "\x1b[2mh\x1b[0mello\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_session_shows_each_beginning_again_and_keeps_what_was_typed(hello, tmp_path):
    options = ["--temperature", 0, "--length", 2, "--interactive"]
    shown = on_a_terminal("sample", hello, *options, typed=b"he\n/quit\n", XDG_DATA_HOME=str(tmp_path))
    assert "\x1b[2mhe\x1b[0mll\n" in shown
    assert "he" in (tmp_path / "charrnn" / "history").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_is_told_the_seed_that_writes_the_same_again(run):
    text, told = on_a_terminal("sample", run, "--length", 40).rsplit("\nNote: --seed ", 1)
    seed = told.removesuffix(" writes this again\n")
    assert on_a_terminal("sample", run, "--length", 40, "--seed", seed) == f"{text}\nNote: --seed {told}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_on_a_terminal_each_prime_and_temperature_has_a_heading(hello):
    shown = on_a_terminal("sample", hello, "-p", "h", "-p", "he", "-t", "0,1", "-n", 2, NO_COLOR="1", TERM="dumb")
    heads = [line for line in shown.splitlines() if line.startswith("──")]
    assert heads == [f"── “{p}”, temperature {t}" for p in ("h", "he") for t in (0, 1)]
    assert "── “he”, temperature 0\nhell\n" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_in_colour_what_was_typed_is_coloured_too_and_underlined(run):
    options = ["sample", run, "-p", "the cat", "-n", 3, "--unit", "0:3", "--seed", 1]
    shown = on_a_terminal(*options, COLORTERM="truecolor", CHARRNN_BACKGROUND="light")
    painted = re.findall(r"\x1b\[([\d;]*)m(.)\x1b\[0m", shown)
    typed = [(style, sign) for style, sign in painted if style.startswith("4;")]
    assert "".join(sign for _, sign in typed) == "the cat"
    assert len({style for style, _ in typed}) > 1
